//! Steps: how a change is made exactly once, even across crashes.
//!
//! Every change that an adapter makes on its platform runs in a step of its own. The host durably
//! records that a step begins before any request leaves, and its outcome afterwards. When an
//! operation runs again after a crash, a timeout or a lost response, each step reports its state,
//! and this module acts on it:
//!
//! | the step is | [`find` … `create`](Step::find) | [`idempotent`](Step::idempotent) | [`set`](Step::set) | [`no_lookup`](Step::no_lookup) |
//! |---|---|---|---|---|
//! | fresh | creates | creates with a key | changes | creates |
//! | in doubt | looks it up, and creates it if it is not found | creates with the same key | changes again | stops: `unresolved`, a person looks |
//! | done | returns the recorded outcome | the same | the same | the same |
//!
//! An earlier request may still be under way inside the ad server. While that is possible, the host
//! ends the call when a step in doubt would write or report that nothing was found, and runs the
//! operation again later. If the object is still missing then, it is made. Adapters need no code
//! for this.
//!
//! Choose `find` wherever the platform can be searched for the reference. Choose `idempotent` where
//! it can't be searched, but takes an idempotency key and keeps it for long enough. Choose `set`
//! for a change that is safe to repeat by its nature, such as a `PUT` of a whole object. Use
//! `no_lookup` only if none of these is possible.
//!
//! Only one step is open at a time, and each name is used once per operation. Two steps of one name
//! would share one outcome, and two packages one line item, so the host ends a call that begins a
//! name again. Put the id of the package or the creative into the name. An operation must name the
//! same steps in the same order each time it runs: derive names from the request, never from the
//! platform's answers, and never from the context's `remote`, which grows from run to run. Read
//! `remote` within the step instead.

mod repeat;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    failure::{REDIRECTED, Refusal},
    host::{self, StepState},
    made::{self, Seen},
    types::{Failure, FailureKind, RemoteKind, RemoteObject},
};

/// Begins the description of a step. Nothing happens until [`create`](Find::create) or a similar
/// method is called.
#[must_use = "a step does nothing until it is given its change"]
pub fn step(name: impl Into<String>) -> Step<Nothing> {
    Step { name: name.into(), memory: Nothing }
}

/// The result of a change that reached the platform: done, or refused for good.
///
/// A refusal is recorded like a success, so a later run returns the same result without asking the
/// platform again.
pub type Verdict<T> = Result<T, Failure>;

/// A step with a name.
#[derive(Debug)]
#[must_use = "a step does nothing until it is given its change"]
pub struct Step<M> {
    name: String,
    memory: M,
}

/// Remembers no id for the step.
#[derive(Debug)]
pub struct Nothing;

/// Remembers the id of the object that a step made.
#[derive(Debug)]
pub struct Remembered {
    kind: RemoteKind,
    key: String,
}

/// An outcome that is or contains the platform's id of the object made.
pub trait RemoteId {
    /// Returns the id.
    fn remote_id(&self) -> String;
}

impl RemoteId for String {
    fn remote_id(&self) -> String {
        self.clone()
    }
}

impl RemoteId for u64 {
    fn remote_id(&self) -> String {
        self.to_string()
    }
}

impl RemoteId for i64 {
    fn remote_id(&self) -> String {
        self.to_string()
    }
}

/// What a step does with an outcome besides recording it.
pub trait Memory<T> {
    /// Called once the outcome is known: made, found, or recorded by an earlier run.
    fn note(&self, outcome: &T);
}

impl<T> Memory<T> for Nothing {
    fn note(&self, _: &T) {}
}

impl<T: RemoteId> Memory<T> for Remembered {
    fn note(&self, outcome: &T) {
        host::remember(self.kind.clone(), &self.key, &outcome.remote_id());
    }
}

impl Step<Nothing> {
    /// Registers the id of the object that this step makes with the host. Later operations have it
    /// in `context.remote`, and so does a cancel if this operation fails half-way. The key is
    /// defined by the contract's `remote-kind`.
    pub fn remember(self, kind: RemoteKind, key: impl Into<String>) -> Step<Remembered> {
        Step { name: self.name, memory: Remembered { kind, key: key.into() } }
    }
}

impl<M> Step<M> {
    /// Sets the lookup for what an earlier run may have made. It returns all objects that carry the
    /// reference, however many.
    ///
    /// If there is none, the step never happened: the host is told so, and the object is made. If
    /// there are any, the step happened, and its outcome is the first in the order of
    /// [`made::in_order`]. The host handles the others: it looks for them later, with
    /// [`find_made`](crate::Adapter::find_made), and has them stopped. Use one function for both.
    ///
    /// The lookup also runs, immediately, for what a redirected request may have made.
    pub fn find<T, F>(self, find: F) -> Find<M, F>
    where
        F: Fn(&str) -> Result<Vec<Seen<T>>, Failure>,
    {
        Find { step: self, find }
    }

    /// Declares that the platform can't be asked whether the change happened. In doubt, the
    /// operation stops until a person has looked.
    pub fn no_lookup(self) -> NoLookup<M> {
        NoLookup { step: self }
    }

    fn run<T>(
        self,
        find: impl FnOnce(&str) -> Result<Looked<T>, Failure>,
        create: impl FnOnce(&str) -> Result<T, Failure>,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let outcome = match host::with(|host| host.begin(&self.name)) {
            StepState::Done(recorded) => {
                let outcome = read(&self.name, &recorded)?;
                self.memory.note(&outcome);
                return Ok(outcome);
            }
            StepState::Fresh(reference) => create(&reference)?,
            StepState::InDoubt(reference) => match find(&reference)? {
                Looked::Found(found) => found,
                Looked::Absent => {
                    host::with(|host| host.absent(&self.name));
                    create(&reference)?
                }
                Looked::Not => create(&reference)?,
            },
        };
        // Remember first: if the host stops between the two, a cancel still knows the object, and
        // the step is in doubt and found again.
        self.memory.note(&outcome);
        finish(&self.name, &outcome)?;
        Ok(outcome)
    }

    fn try_run<T>(
        self,
        find: impl FnOnce(&str) -> Result<Looked<T>, Failure>,
        create: impl FnOnce(&str) -> Result<T, Failure>,
    ) -> Result<Verdict<T>, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let settle = |made: Result<T, Failure>| match made {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(failure) if failure.is_final() => Ok(Err(Refusal::from(failure))),
            Err(failure) => Err(failure),
        };
        let step = Step { name: self.name, memory: OfVerdict(self.memory) };
        let recorded = step.run(|reference| Ok(find(reference)?.map(Ok)), |reference| settle(create(reference)))?;
        Ok(recorded.map_err(Failure::from))
    }
}

/// The result of looking for what a step in doubt may have made.
enum Looked<T> {
    /// The object exists.
    Found(T),
    /// It doesn't exist: the step never happened.
    Absent,
    /// No lookup was made, because the change can safely be repeated.
    Not,
}

impl<T> Looked<T> {
    fn map<U>(self, of: impl FnOnce(T) -> U) -> Looked<U> {
        match self {
            Self::Found(found) => Looked::Found(of(found)),
            Self::Absent => Looked::Absent,
            Self::Not => Looked::Not,
        }
    }
}

/// Adapts a lookup to a step, which takes the first of all objects found.
fn looking<T: RemoteId>(
    find: impl FnOnce(&str) -> Result<Vec<Seen<T>>, Failure>,
) -> impl FnOnce(&str) -> Result<Looked<T>, Failure> {
    |reference| {
        let first = made::in_order(find(reference)?).into_iter().next();
        Ok(first.map_or(Looked::Absent, |seen| Looked::Found(seen.id)))
    }
}

/// Returns what was made after all, if the platform redirected the request: it may have carried out
/// the request and then redirected to a page about the result.
fn or_found<T: RemoteId>(
    made: Result<T, Failure>,
    find: impl FnOnce() -> Result<Vec<Seen<T>>, Failure>,
) -> Result<T, Failure> {
    let redirected = match made {
        Err(failure) if failure.code == REDIRECTED => failure,
        made => return made,
    };
    match find() {
        Ok(seen) => made::in_order(seen).into_iter().next().map(|first| first.id).ok_or(redirected),
        // On a transient failure of the lookup, the step stays in doubt and is looked up again
        // later.
        Err(failure) if !failure.is_final() => Err(failure),
        Err(_) => Err(redirected),
    }
}

struct OfVerdict<M>(M);

impl<T, M: Memory<T>> Memory<Result<T, Refusal>> for OfVerdict<M> {
    fn note(&self, outcome: &Result<T, Refusal>) {
        if let Ok(outcome) = outcome {
            self.0.note(outcome);
        }
    }
}

/// A step with a lookup for what it may have made.
#[derive(Debug)]
#[must_use = "a step does nothing until it is given its change"]
pub struct Find<M, F> {
    step: Step<M>,
    find: F,
}

impl<M, F> Find<M, F> {
    /// Makes the change, unless an earlier run did. Put the reference on the object, where
    /// [`find`](Step::find) looks for it.
    ///
    /// # Errors
    /// When the lookup or the change fails. Return the error: the host knows what state the step is
    /// in.
    pub fn create<T>(self, create: impl FnOnce(&str) -> Result<T, Failure>) -> Result<T, Failure>
    where
        F: Fn(&str) -> Result<Vec<Seen<T>>, Failure>,
        T: RemoteId + Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let find = self.find;
        self.step.run(looking(&find), |reference| or_found(create(reference), || find(reference)))
    }

    /// Like [`create`](Self::create), but also records a refusal, so that the operation can go on
    /// with its next step.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the [`Verdict`].
    pub fn try_create<T>(self, create: impl FnOnce(&str) -> Result<T, Failure>) -> Result<Verdict<T>, Failure>
    where
        F: Fn(&str) -> Result<Vec<Seen<T>>, Failure>,
        T: RemoteId + Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let find = self.find;
        self.step.try_run(looking(&find), |reference| or_found(create(reference), || find(reference)))
    }
}

/// A step for a change that can't be looked up.
#[derive(Debug)]
#[must_use = "a step does nothing until it is given its change"]
pub struct NoLookup<M> {
    step: Step<M>,
}

impl<M> NoLookup<M> {
    /// Makes the change, unless an earlier run did.
    ///
    /// # Errors
    /// When the change fails; `unresolved` if an earlier run may have made it.
    pub fn create<T>(self, create: impl FnOnce(&str) -> Result<T, Failure>) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let name = self.step.name.clone();
        self.step.run(
            |reference| {
                Err(Failure::new(
                    FailureKind::Unresolved,
                    "step_in_doubt",
                    format!(
                        "The step {name} may or may not have happened and the platform can't be asked. Look there for \
                         what carries {reference}, or for the change itself."
                    ),
                ))
            },
            create,
        )
    }
}

fn finish<T: Serialize>(name: &str, outcome: &T) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(outcome).map_err(|error| {
        Failure::new(
            FailureKind::Unresolved,
            "step_outcome_unwritable",
            format!("The step {name} happened, but its outcome can't be written down: {error}."),
        )
    })?;
    host::with(|host| host.finish(name, &bytes));
    Ok(())
}

fn read<T: DeserializeOwned>(name: &str, recorded: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(recorded).map_err(|error| {
        Failure::new(
            FailureKind::Unresolved,
            "step_outcome_unreadable",
            format!(
                "The step {name} happened, but what an earlier run recorded of it can't be read by this release of \
                 the adapter: {error}. Go back to the release that began the operation."
            ),
        )
    })
}

/// The remote objects of a buy, by kind and key.
pub trait Remote {
    /// Returns the id of an object, if it is known.
    fn id_of(&self, kind: &RemoteKind, key: &str) -> Option<&str>;

    /// Returns the id of the buy's order.
    fn order(&self) -> Option<&str> {
        self.id_of(&RemoteKind::Order, "")
    }

    /// Returns the id of a package's line item.
    fn package(&self, package_id: &str) -> Option<&str> {
        self.id_of(&RemoteKind::Package, package_id)
    }
}

impl Remote for [RemoteObject] {
    fn id_of(&self, kind: &RemoteKind, key: &str) -> Option<&str> {
        self.iter().find(|object| object.kind == *kind && object.key == key).map(|object| object.id.as_str())
    }
}
