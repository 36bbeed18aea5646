//! How a call ends when it is not the guest who decides.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{
    JournalError,
    limits::{self, LimitHit},
    wait_times::{Party, WaitTimes},
};
use crate::domain::failure::{Failure, FailureKind};

/// The code of a call that ended because an earlier request may still be under way.
const UNDER_WAY: &str = "under_way";

/// The first thing that spoiled a call. Whatever the guest answers afterwards, the call has failed with it: a guest
/// may swallow the error that it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct FirstFailure(Arc<OnceLock<Failure>>);

impl FirstFailure {
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

/// A request that writes and could not be answered before the call ends: another call sends it.
pub(crate) fn too_late_to_write(adapter: &str) -> Failure {
    let mut failure = Failure::new(
        FailureKind::Unavailable,
        "call_time_used",
        format!(
            "this call of the adapter {adapter} has not time enough left for an answer of the ad server; the next one goes on"
        ),
    );
    failure.retry_after_ms = Some(0);
    failure
}

/// The code of a call that was ended because its ad server took all of its time.
pub(crate) const AD_SERVER_TIMEOUT: &str = "ad_server_timeout";

/// The code of a call for which the host had no time or no room.
pub(crate) const HOST_BUSY: &str = "host_busy";

/// A call that ran out of time.
#[derive(Debug)]
pub(crate) struct OutOfTime {
    /// Whom it waited for; `None`: for nobody.
    pub(crate) whom: Option<Party>,
    /// How long it waited.
    pub(crate) waited: WaitTimes,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// How long it might have taken: its limit, or what its caller's deadline left of it.
    pub(crate) allowed: Duration,
}

/// What running out of time means: a fault only of a guest that spent the time by itself. Whoever waited for somebody else may be tried again.
pub(crate) fn out_of_time(adapter: &str, ended: &OutOfTime) -> Failure {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (waited, elapsed) = (&ended.waited, millis(ended.elapsed));
    match ended.whom {
        None => limit(adapter, LimitHit::Time(millis(ended.allowed))),
        Some(Party::AdServer) => {
            let words = format!(
                "the ad server of {adapter} is too slow: of {elapsed} ms, {} ms were spent waiting for it, and the call was given up; raise \
                 `limits.wall_time` if it always takes so long",
                millis(waited.ad_server)
            );
            Failure::new(FailureKind::Unavailable, AD_SERVER_TIMEOUT, words)
        }
        Some(Party::Host) => {
            let words = format!(
                "the host was too busy for {adapter}: its call had {elapsed} ms and waited {} ms of them for its turn",
                millis(waited.host)
            );
            Failure::new(FailureKind::Unavailable, HOST_BUSY, words)
        }
    }
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
        JournalError::UnderWay => Failure::new(
            FailureKind::Unavailable,
            UNDER_WAY,
            "an earlier request got no answer, and the ad server may still be carrying it out: it is looked for again",
        ),
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
