//! The operation protocol as an executable specification: what the host does with one operation, small enough that every
//! order of events can be tried.
//!
//! Two workers share a database. An operation waits for a person, is claimed under a lease with a rising fence, and makes
//! its changes as steps: `begin` is written before the request leaves, `finish` after its answer. Anything may happen at
//! any moment: a worker dies or sleeps, a lease runs out, a request or its answer is lost, a caller gives up while its
//! request is still on the way, an ad server does not show yet what it made, two people decide at once.
//!
//! What the code does is in `host/src/operations` (claims, leases, runs), `host/src/domain/step.rs` (what a failed request
//! means) and `docs/architecture.md`, where [promises](Promise) and [rules](Rule) stand by their names. The rules are the protocol's
//! own: each can be left out, and then the checker must find how a promise breaks. A rule without which nothing breaks
//! would be one that nobody needs, and a promise that no rule keeps would be none.
//!
//! # What is taken for granted
//!
//! - The wait before a lookup is believed that finds nothing (the adapter's `lookup_lag_ms`, and `processing_bound`) outlasts what left before
//!   it began: by its end a request has taken effect or never will, and what it made is shown. [`Rule::Waits`] leaves the wait out,
//!   [`Rule::WaitsFromTakeover`] lets it begin too early. An ad server may be slower than that all the same
//!   ([`Trouble::slow`](state::Trouble::slow)): then a step takes effect once more, and [`Rule::LooksAgain`] is what keeps it from
//!   staying so.
//! - A worker's own clock tells it in time that its lease has run out. [`Rule::SendsUnderLease`] leaves it out.
//! - Between a worker's last look at its lease and the moment at which its request leaves, it is not frozen for longer than the wait
//!   before a lookup: here the two are one event. In the host some microseconds lie between them, but nothing can take back what a
//!   process that is frozen just there sends when it wakes up.
//! - An ad server finds what it shows: a lookup by a reference has no other misses than those of its lag.
//! - The database does what it says: a write that it committed stays, and one that it refused has no effect.

pub mod model;
pub mod state;

pub use model::{Action, Protocol};
pub use state::{Operation, State};

/// What the protocol promises, by the names that the documentation uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// No step takes effect more than once, unless an ad server is slower than its bound.
    NothingTwice,
    /// An operation that succeeded took effect in every step.
    DoneIsDone,
    /// What the journal says of a step that it finished with, happened.
    RecordedIsTrue,
    /// Nothing is sent before a person approved, and nothing of what a person rejected.
    NothingUnapproved,
    /// Every operation ends.
    NothingLost,
    /// What an ad server did after all, when nobody waited for it any more, is stopped: in the end one object of each step is active.
    NothingStaysTwice,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NothingTwice,
        Self::DoneIsDone,
        Self::RecordedIsTrue,
        Self::NothingUnapproved,
        Self::NothingLost,
        Self::NothingStaysTwice,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NothingTwice => "nothing happens twice",
            Self::DoneIsDone => "done is done",
            Self::RecordedIsTrue => "what is recorded happened",
            Self::NothingUnapproved => "nothing unapproved happens",
            Self::NothingLost => "nothing is lost",
            Self::NothingStaysTwice => "nothing stays twice",
        }
    }
}

/// A rule of the protocol, by the name that the documentation uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// `begin` is committed before the request leaves.
    BeginsFirst,
    /// A write of a worker whose fence is not the last one is refused.
    Fenced,
    /// A step in doubt is looked up before it is made again.
    LooksUp,
    /// The lookup waits until what left before the wait began is on the way no more, and is shown.
    Waits,
    /// Whoever takes an operation over begins the wait anew: the worker before may have sent something until its last moment.
    WaitsFromTakeover,
    /// A request leaves only while its worker's lease holds.
    SendsUnderLease,
    /// A request that got no answer may have happened, or not.
    DoubtsWhatIsLost,
    /// A step is finished when its answer has come, not when its request has left.
    FinishesAfterAnswer,
    /// An operation whose lease ran out is claimed by somebody else.
    ClaimsExpired,
    /// Of two decisions on one version of a task, the second is refused.
    DecidesOnce,
    /// What was lost once is looked for again after the operation has ended, and a second object is stopped.
    LooksAgain,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::BeginsFirst,
        Self::Fenced,
        Self::LooksUp,
        Self::Waits,
        Self::WaitsFromTakeover,
        Self::SendsUnderLease,
        Self::DoubtsWhatIsLost,
        Self::FinishesAfterAnswer,
        Self::ClaimsExpired,
        Self::DecidesOnce,
        Self::LooksAgain,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeginsFirst => "begin before the request",
            Self::Fenced => "fences",
            Self::LooksUp => "lookups",
            Self::Waits => "the wait before a lookup",
            Self::WaitsFromTakeover => "the wait begins anew with a takeover",
            Self::SendsUnderLease => "sending only under a lease that holds",
            Self::DoubtsWhatIsLost => "doubt about what got no answer",
            Self::FinishesAfterAnswer => "finish after the answer",
            Self::ClaimsExpired => "claims of leases that ran out",
            Self::DecidesOnce => "one decision for each version of a task",
            Self::LooksAgain => "looks after the end",
        }
    }

    /// The promise that breaks without it.
    #[must_use]
    pub const fn keeps(self) -> Promise {
        match self {
            Self::BeginsFirst
            | Self::Fenced
            | Self::LooksUp
            | Self::Waits
            | Self::WaitsFromTakeover
            | Self::SendsUnderLease => Promise::NothingTwice,
            Self::DoubtsWhatIsLost => Promise::DoneIsDone,
            Self::FinishesAfterAnswer => Promise::RecordedIsTrue,
            Self::ClaimsExpired => Promise::NothingLost,
            Self::DecidesOnce => Promise::NothingUnapproved,
            Self::LooksAgain => Promise::NothingStaysTwice,
        }
    }
}

/// The rules that a protocol has: all of them, or all but one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    left_out: Option<Rule>,
}

impl Rules {
    /// All rules.
    pub const ALL: Self = Self { left_out: None };

    /// All rules but this one.
    #[must_use]
    pub const fn without(rule: Rule) -> Self {
        Self { left_out: Some(rule) }
    }

    /// Whether the protocol has a rule.
    #[must_use]
    pub fn have(self, rule: Rule) -> bool {
        self.left_out != Some(rule)
    }
}
