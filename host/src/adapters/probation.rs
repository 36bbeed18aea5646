//! The probation of a release that has taken over from another one: if it keeps failing by its own
//! fault, the other one carries out what it fails at, and the host is told to roll back.
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

/// A release on probation that is unhealthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhealthy {
    /// The platform.
    pub platform: PlatformName,
    /// The release.
    pub digest: String,
    /// The release before it.
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

struct State {
    digest: String,
    previous: Arc<Release>,
    until: Instant,
    calls: u32,
    faults: u32,
    reported: bool,
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
        let until = Instant::now() + PROBATION;
        *self.lock() = Some(State { digest: digest.to_owned(), previous, until, calls: 0, faults: 0, reported: false });
    }

    /// Ends the probation.
    pub(crate) fn end(&self) {
        *self.lock() = None;
    }

    /// Returns the release before `digest`, if that one is on probation.
    pub(crate) fn fallback(&self, digest: &str) -> Option<Arc<Release>> {
        let state = self.lock();
        let state = state.as_ref().filter(|state| state.digest == digest && state.until > Instant::now())?;
        Some(Arc::clone(&state.previous))
    }

    /// Records the result of a call, and reports the release once it is unhealthy.
    pub(crate) fn ended(&self, platform: &PlatformName, digest: &str, failure: Option<&Failure>) {
        let mut state = self.lock();
        let Some(state) = state.as_mut().filter(|state| state.digest == digest) else { return };
        if state.reported || state.until <= Instant::now() {
            return;
        }
        state.calls = state.calls.saturating_add(1);
        let Some(fault) = failure.filter(|failure| failure.kind == FailureKind::Fault) else { return };
        state.faults += 1;
        if state.faults < FAULTS || state.faults.saturating_mul(ONE_IN) < state.calls {
            return;
        }
        let words = format!("{} of {} calls failed by its own fault, the last one: {fault}", state.faults, state.calls);
        let report = Unhealthy {
            platform: platform.clone(),
            digest: digest.to_owned(),
            previous: state.previous.digest.clone(),
            words,
        };
        // If nobody listens or the queue is full, the next fault reports again.
        state.reported = self.reports.try_send(report).is_ok();
    }
}
