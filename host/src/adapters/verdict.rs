//! How a call ends when it is not the guest who decides.

use std::sync::{Arc, OnceLock};

use super::{
    JournalError,
    limits::{self, LimitHit},
};
use crate::domain::failure::{Failure, FailureKind};

/// The first thing that spoiled a call. Whatever the guest answers afterwards, the call has failed with it: a guest
/// may swallow the error that it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict(Arc<OnceLock<Failure>>);

impl Verdict {
    /// Records a failure, unless one stands already.
    pub(crate) fn fail(&self, failure: Failure) {
        // The first one is the cause of those that follow.
        let _ = self.0.set(failure);
    }

    /// What was recorded.
    pub(crate) fn get(&self) -> Option<Failure> {
        self.0.get().cloned()
    }
}

/// A fault of an adapter, in words that show nothing of the host's insides.
pub(crate) fn fault(code: &str, adapter: &str, what: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Fault, code, format!("the adapter {adapter} {what}"))
}

/// A limit that was run into.
pub(crate) fn limit(adapter: &str, hit: LimitHit) -> Failure {
    fault(hit.code(), adapter, hit)
}

/// The failure of a call that came further than the one before it: if it ran out of time or of requests, it is no fault, and another
/// one goes on from there.
pub(crate) fn in_parts(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Fault if limits::ENDS_A_PART.contains(&failure.code.as_str()) => {
            Failure { kind: FailureKind::Unavailable, ..failure }
        }
        _ => failure,
    }
}

/// What a journal's refusal means for the call. `interrupted` is never final: another run of the operation goes on.
pub(crate) fn journal(adapter: &str, error: &JournalError) -> Failure {
    match error {
        JournalError::Misuse(what) => fault("misuse", adapter, format_args!("broke the rules of steps: {what}")),
        JournalError::Interrupted(why) | JournalError::Unavailable(why) => {
            tracing::warn!(adapter, why, "an operation was interrupted");
            Failure::new(
                FailureKind::Unavailable,
                "interrupted",
                "this run of the operation was interrupted; another run goes on where it stopped",
            )
        }
    }
}
