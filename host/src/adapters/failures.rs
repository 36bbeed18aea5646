//! The failures with which the host ends a call.

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

/// The failure code of a call that ended because an earlier request may still be under way.
const UNDER_WAY: &str = "under_way";

/// The first failure in a call. The call has failed with it whatever the guest answers afterwards,
/// because a guest may swallow the error it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct FirstFailure(Arc<OnceLock<Failure>>);

impl FirstFailure {
    /// Records a failure, unless there is one already.
    pub(crate) fn fail(&self, failure: Failure) {
        // The first one is the cause of those that follow.
        let _ = self.0.set(failure);
    }

    /// Returns the recorded failure.
    pub(crate) fn get(&self) -> Option<Failure> {
        self.0.get().cloned()
    }
}

/// Builds a fault of an adapter, in words that reveal none of the host's internals.
pub(crate) fn fault(code: &str, adapter: &str, what: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Fault, code, format!("the adapter {adapter} {what}"))
}

/// Builds the failure of a call that hit a limit.
pub(crate) fn limit(adapter: &str, hit: LimitHit) -> Failure {
    fault(hit.code(), adapter, hit)
}

/// Builds the failure of a request that writes when too little time was left for its answer.
/// Another call will send it.
pub(crate) fn too_late_to_write(adapter: &str) -> Failure {
    let mut failure = Failure::new(
        FailureKind::Unavailable,
        CALL_TIME_USED,
        format!(
            "this call of the adapter {adapter} has not time enough left for an answer of the ad server; the next one goes on"
        ),
    );
    failure.retry_after_ms = Some(0);
    failure
}

/// The failure code of a call that was cut off because its operation could not be recorded.
const INTERRUPTED: &str = "interrupted";

/// The failure code of a call whose remaining work another call does.
const CALL_TIME_USED: &str = "call_time_used";

/// The failure code of a call that a stopping host did not make.
pub(crate) const STOPPING: &str = "stopping";

/// Whether a call ended for a reason of the host's own, which says nothing of the adapter or its ad
/// server.
pub(crate) fn is_the_hosts(failure: &Failure) -> bool {
    [UNDER_WAY, HOST_BUSY, INTERRUPTED, CALL_TIME_USED, STOPPING].contains(&failure.code.as_str())
}

/// The failure code of a call that ended because its ad server took all of its time.
pub(crate) const AD_SERVER_TIMEOUT: &str = "ad_server_timeout";

/// The failure code of a call for which the host had no time or no room.
pub(crate) const HOST_BUSY: &str = "host_busy";

/// A call that ran out of time.
#[derive(Debug)]
pub(crate) struct OutOfTime {
    /// The party it waited for. `None` if the guest spent the time by itself.
    pub(crate) whom: Option<Party>,
    /// How long it waited.
    pub(crate) waited: WaitTimes,
    /// How long it ran.
    pub(crate) elapsed: Duration,
    /// How long it could have run: its limit, or what its caller's deadline left of it.
    pub(crate) allowed: Duration,
}

/// Classifies a call that ran out of time. Only a guest that spent the time by itself is at fault;
/// a call that waited for another party may be retried.
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

/// Converts the failure of a call that got further than the one before it. If it ran out of time or
/// requests, that is no fault, and another call continues from there.
pub(crate) fn in_parts(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Fault if limits::ENDS_A_PART.contains(&failure.code.as_str()) => {
            Failure { kind: FailureKind::Unavailable, ..failure }
        }
        _ => failure,
    }
}

/// Converts a journal's refusal to the call's failure. `interrupted` is never final: another run of
/// the operation continues.
pub(crate) fn journal(adapter: &str, error: &JournalError) -> Failure {
    match error {
        JournalError::Misuse(what) => fault("misuse", adapter, format_args!("broke the rules of steps: {what}")),
        JournalError::UnderWay => Failure::new(
            FailureKind::Unavailable,
            UNDER_WAY,
            "an earlier request got no answer, and the ad server may still be carrying it out: it is looked for again",
        ),
        JournalError::NotAsRecorded(what) => Failure::new(FailureKind::Unresolved, "not_as_recorded", what.clone()),
        JournalError::Interrupted(why) | JournalError::Unavailable(why) => {
            tracing::warn!(adapter, why, "an operation was interrupted");
            Failure::new(
                FailureKind::Unavailable,
                INTERRUPTED,
                "this run of the operation was interrupted; another run goes on where it stopped",
            )
        }
    }
}
