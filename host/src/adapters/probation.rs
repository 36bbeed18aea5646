//! The probation of a release that takes over from another one, or is on trial beside it: if it
//! keeps failing by its own fault, the other one carries out what it fails at, and the host is told
//! to roll back.
//!
//! A plan or a read that fails by the release's fault is made again by the release before it, so
//! its caller notices nothing. A change is not: its operation is retried, and continues on the
//! release that serves by then.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::release::Release;
use crate::domain::{
    failure::{Failure, FailureKind},
    id::PlatformName,
};

/// How long a release is on probation after it took over from another one.
pub const PROBATION: Duration = Duration::from_secs(600);

/// Faults that make a release unhealthy. One may be caused by the machine's load.
const FAULTS: u32 = 3;

/// The share of calls that must be faults, as one in so many, so that a rare fault among thousands of
/// calls rolls nothing back.
const ONE_IN: u32 = 20;

/// How many calls a release on trial must have had before its failures are compared with those of
/// the release beside it, and before it is promoted.
const TRIAL_CALLS: u32 = 20;

/// By how many per cent of its calls a release on trial may fail more often than twice as often as
/// the release beside it.
const MORE_FAILURES: u64 = 5;

/// A release on probation that is unhealthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhealthy {
    /// The platform.
    pub platform: PlatformName,
    /// The release.
    pub digest: String,
    /// The previous release, or the one beside it.
    pub previous: String,
    /// What went wrong, in words for operators.
    pub words: String,
}

/// The probation of a platform's release.
#[derive(Debug)]
pub(crate) struct Probation {
    state: Mutex<Option<State>>,
    reports: mpsc::Sender<Unhealthy>,
}

/// How many calls there were, and how many of them failed other than by a refusal of the request.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    calls: u32,
    failed: u32,
}

impl Tally {
    fn count(&mut self, failure: Option<&Failure>) {
        self.calls = self.calls.saturating_add(1);
        if failure.is_some_and(|failure| !failure.kind.is_refusal()) {
            self.failed = self.failed.saturating_add(1);
        }
    }

    fn per_cent(self) -> u64 {
        u64::from(self.failed) * 100 / u64::from(self.calls.max(1))
    }

    /// Whether a release fails much more often than another one.
    fn is_worse_than(self, other: Self) -> bool {
        self.calls >= TRIAL_CALLS && self.per_cent() > 2 * other.per_cent() + MORE_FAILURES
    }
}

struct State {
    digest: String,
    previous: Arc<Release>,
    /// When it ends. `None`: a trial, which somebody ends.
    until: Option<Instant>,
    own: Tally,
    /// The calls of the release beside it.
    others: Tally,
    faults: u32,
    reported: bool,
}

impl State {
    fn holds(&self) -> bool {
        self.until.is_none_or(|until| until > Instant::now())
    }

    /// Returns why the release is unhealthy, if it is. `failure` is that of its last call.
    fn verdict(&self, failure: &Failure) -> Option<String> {
        let (faults, own, others) = (self.faults, self.own, self.others);
        let is_fault = failure.kind == FailureKind::Fault;
        if is_fault && faults >= FAULTS && faults.saturating_mul(ONE_IN) >= own.calls {
            return Some(format!("{faults} of {} calls failed by its own fault, the last one: {failure}", own.calls));
        }
        (self.until.is_none() && own.is_worse_than(others)).then(|| {
            format!(
                "{} of {} calls failed, and {} of {} of the release beside it; the last failure: {failure}",
                own.failed, own.calls, others.failed, others.calls
            )
        })
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("digest", &self.digest).field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl Probation {
    /// Returns a platform's probation, which reports unhealthy releases through `reports`.
    pub(crate) fn new(reports: mpsc::Sender<Unhealthy>) -> Self {
        Self { state: Mutex::default(), reports }
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a release that took over from `previous` on probation.
    pub(crate) fn begin(&self, digest: &str, previous: Arc<Release>) {
        self.put(digest, previous, Some(Instant::now() + PROBATION));
    }

    /// Puts a release on trial beside the one that serves, until [`Probation::end`].
    pub(crate) fn begin_trial(&self, digest: &str, serving: Arc<Release>) {
        self.put(digest, serving, None);
    }

    fn put(&self, digest: &str, previous: Arc<Release>, until: Option<Instant>) {
        *self.lock() = Some(State {
            digest: digest.to_owned(),
            previous,
            until,
            own: Tally::default(),
            others: Tally::default(),
            faults: 0,
            reported: false,
        });
    }

    /// Ends the probation.
    pub(crate) fn end(&self) {
        *self.lock() = None;
    }

    /// Returns the release before `digest`, if that one is on probation.
    pub(crate) fn fallback(&self, digest: &str) -> Option<Arc<Release>> {
        let state = self.lock();
        let state = state.as_ref().filter(|state| state.digest == digest && state.holds())?;
        Some(Arc::clone(&state.previous))
    }

    /// Whether a release on trial has had enough calls on this host and is healthy.
    pub(crate) fn has_done_well(&self, digest: &str) -> bool {
        let state = self.lock();
        let trial = state.as_ref().filter(|state| state.digest == digest && state.until.is_none());
        trial.is_some_and(|trial| {
            trial.own.calls >= TRIAL_CALLS && !trial.reported && !trial.own.is_worse_than(trial.others)
        })
    }

    /// Records the result of a call, and reports the release once it is unhealthy.
    pub(crate) fn ended(&self, platform: &PlatformName, digest: &str, failure: Option<&Failure>) {
        let mut state = self.lock();
        let Some(state) = state.as_mut() else { return };
        if state.digest != digest {
            state.others.count(failure);
            return;
        }
        if state.reported || !state.holds() {
            return;
        }
        state.own.count(failure);
        let Some(failure) = failure else { return };
        if failure.kind == FailureKind::Fault {
            state.faults += 1;
        }
        let Some(words) = state.verdict(failure) else { return };
        let report = Unhealthy {
            platform: platform.clone(),
            digest: digest.to_owned(),
            previous: state.previous.digest.clone(),
            words,
        };
        // If nobody listens or the queue is full, the next failure reports again.
        state.reported = self.reports.try_send(report).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_compared_only_after_enough_calls() {
        let tally = |calls, failed| Tally { calls, failed };
        assert!(!tally(19, 19).is_worse_than(tally(0, 0)), "too few calls");
        assert!(tally(20, 2).is_worse_than(tally(100, 0)));
        assert!(!tally(20, 1).is_worse_than(tally(100, 0)), "5 % more is chance");
        assert!(!tally(20, 5).is_worse_than(tally(100, 10)), "the ad server fails for both");
        assert!(tally(20, 6).is_worse_than(tally(100, 10)));
        let mut counted = Tally::default();
        counted.count(Some(&Failure::new(FailureKind::Invalid, "code", "a refusal of the request")));
        counted.count(Some(&Failure::new(FailureKind::Unavailable, "code", "an outage")));
        counted.count(None);
        assert_eq!((counted.calls, counted.failed), (3, 1));
    }
}
