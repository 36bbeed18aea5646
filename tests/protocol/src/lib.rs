//! The operation protocol as an executable specification: what the host does with one operation, small enough that every
//! order of events can be tried.
//!
//! Two workers share a database. An operation waits for a person, is claimed under a lease with a rising fence, and makes
//! its changes as steps: `begin` is written before the request leaves, `finish` after its answer. Anything may happen at
//! any moment: a worker dies or sleeps, a lease runs out, a request or its answer is lost, a caller gives up while its
//! request is still on the way, an ad server does not show yet what it made, two people decide at once.
//!
//! What the code does is in `host/src/operations` (claims, leases, runs), `host/src/domain/step.rs` (what a failed request
//! means) and `docs/architecture.md`, where the [properties](Promise) stand by their names. [`Rules`] are the protocol's
//! own: each can be left out, and then the checker must find how a promise breaks. A rule without which nothing breaks
//! would be one that nobody needs.
//!
//! # What is taken for granted
//!
//! - The wait before a lookup outlasts what is on the way and the ad server's lag (`in_doubt_wait`, the adapter's
//!   `lookup_lag_ms`, the deadline of a request). [`Rules::waits`] leaves it out.
//! - A worker's own clock tells it in time that its lease has run out. [`Rules::sends_under_lease`] leaves it out.

pub mod model;

pub use model::{Action, Operation, Protocol, State};

/// What the protocol promises, by the names that the documentation uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// No step takes effect more than once.
    NothingTwice,
    /// An operation that succeeded took effect in every step.
    DoneIsDone,
    /// What the journal says of a step that it finished with, happened.
    RecordedIsTrue,
    /// Nothing is sent before a person approved, and nothing of what a person rejected.
    NothingUnapproved,
    /// Every operation ends.
    NothingLost,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::NothingTwice, Self::DoneIsDone, Self::RecordedIsTrue, Self::NothingUnapproved, Self::NothingLost];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NothingTwice => "nothing happens twice",
            Self::DoneIsDone => "done is done",
            Self::RecordedIsTrue => "what is recorded happened",
            Self::NothingUnapproved => "nothing unapproved happens",
            Self::NothingLost => "nothing is lost",
        }
    }
}

/// The protocol's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// `begin` is committed before the request leaves.
    pub begins_first: bool,
    /// A write of a worker whose fence is not the last one is refused.
    pub fenced: bool,
    /// A step in doubt is looked up before it is made again.
    pub looks_up: bool,
    /// The lookup waits until nothing is on the way any more and everything is shown.
    pub waits: bool,
    /// A request leaves only while its worker's lease holds.
    pub sends_under_lease: bool,
    /// Of two decisions on one version of a task, the second is refused.
    pub decides_once: bool,
}

impl Rules {
    /// All rules.
    pub const ALL: Self = Self {
        begins_first: true,
        fenced: true,
        looks_up: true,
        waits: true,
        sends_under_lease: true,
        decides_once: true,
    };
}
