//! Operations in which a request gets no answer, and takes effect after its object was made again.

use flightdeck_adapter::prelude::*;

use crate::Network;

/// Longer than any test, in milliseconds: lists show new objects only when the test says so.
const FOR_EVER: u32 = 3_600_000;

/// Why a lookup misses the object that a lost request makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// The request takes effect immediately, but lists show the object much later.
    Shown,
    /// The request takes effect long after its client disconnected.
    Made,
}

/// Both variants.
pub const EVERY_WAY: [Late; 2] = [Late::Shown, Late::Made];

/// Runs an operation whose first request to a path gets no answer, and runs it again until it
/// succeeds. Returns the step in the form in which the host asks about it later, when all objects
/// exist and are visible.
pub fn lost<A: Adapter, E, T>(
    network: &Network<A, E>,
    late: Late,
    (path, step): (&str, &str),
    operation: impl Fn(Context) -> Fallible<T>,
) -> MadeStep {
    begin(network, late, path);
    network.host.next_operation();
    let failure = network.again(&operation).err().expect("its answer is lost");
    assert_eq!(failure.kind, FailureKind::Unavailable, "{failure:?}");
    network.again(&operation).unwrap_or_else(|failure| panic!("{late:?}: {failure:?}"));
    let made = network.host.made_step(step);
    end(network, late);
    made
}

/// Makes the next request to a path get no answer.
pub fn begin<A: Adapter, E>(network: &Network<A, E>, late: Late, path: &str) {
    let action = match late {
        Late::Shown => r#""drop_after_acting""#,
        Late::Made => r#"{"hold":{"hang_up":true}}"#,
    };
    network.fault(&format!(r#"{{"method":"POST","path":"{path}","action":{action}}}"#));
    if late == Late::Shown {
        network.lag(FOR_EVER);
    }
}

/// Lets all pending requests take effect, and makes all objects visible.
pub fn end<A: Adapter, E>(network: &Network<A, E>, late: Late) {
    match late {
        Late::Shown => network.lag(0),
        Late::Made => {
            network.control("POST", "held/release", "");
        }
    }
}

/// Asserts that an object was made twice: the lookup returns both, the recorded one and another.
/// After the other one is stopped, twice, only the recorded one is active.
pub fn one_is_stopped<A: Adapter, E>(network: &Network<A, E>, made: &MadeStep) {
    let found = network.find_made(made);
    assert_eq!(found.len(), 2, "{}: {found:?}", made.name);
    let recorded = |object: &MadeObject| network.host.remote().contains(&object.object);
    let strangers: Vec<&MadeObject> = found.iter().filter(|object| !recorded(object)).collect();
    let [stranger] = strangers.as_slice() else { panic!("{}: one of two is the buy's: {found:?}", made.name) };
    assert!(!stranger.remote_type.is_empty() && !stranger.name.is_empty(), "{stranger:?}");
    for _ in 0..2 {
        network.stop_made(stranger);
    }
    let active: Vec<MadeObject> = network.find_made(made).into_iter().filter(|object| object.active).collect();
    let [left] = active.as_slice() else { panic!("{}: one is active: {active:?}", made.name) };
    assert!(recorded(left), "{left:?}");
}

/// Asserts that an object was made once: the lookup returns only the recorded one.
pub fn only_one<A: Adapter, E>(network: &Network<A, E>, made: &MadeStep) {
    let found = network.find_made(made);
    let [object] = found.as_slice() else { panic!("{}: {found:?}", made.name) };
    assert!(network.host.remote().contains(&object.object), "{object:?}");
}

/// Returns a step whose reference no object carries.
#[must_use]
pub fn never_happened(name: &str) -> MadeStep {
    MadeStep { name: name.to_owned(), reference: "fd9x9999".to_owned(), extensions: Vec::new() }
}
