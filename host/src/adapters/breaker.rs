//! Stops calling an adapter that keeps failing by its own fault, and tries it again after a while.
//!
//! Faults are counted by what was called: an adapter whose plans are fine may still break at every change.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::failure::{Failure, FailureKind};

/// Faults in a row that open the breaker. What the ad server refuses is no fault.
const FAULTS: u32 = 5;

/// How long it stays open before one call may try.
const OPEN_FOR: Duration = Duration::from_secs(30);

/// What an adapter was called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To plan.
    Plan,
    /// To change something.
    Change,
    /// To read.
    Read,
}

impl Purpose {
    /// Its name, for those who count.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Change => "change",
            Self::Read => "read",
        }
    }
}

/// The breaker of one platform.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In a row, by purpose.
    faults: [u32; 3],
    open_until: Option<Instant>,
    /// A call is trying whether the adapter works again.
    trying: bool,
}

/// The right to call. Dropped without a word (the call was cancelled), it says nothing about the adapter.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    purpose: Purpose,
    trial: bool,
}

impl Breaker {
    /// Asks whether to call.
    ///
    /// # Errors
    /// Not now.
    pub(crate) fn permit(&self, adapter: &str, purpose: Purpose) -> Result<Permit<'_>, Failure> {
        let mut state = self.lock();
        let Some(until) = state.open_until else { return Ok(Permit { breaker: self, purpose, trial: false }) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() && !state.trying {
            state.trying = true;
            return Ok(Permit { breaker: self, purpose, trial: true });
        }
        let mut failure = Failure::new(
            FailureKind::Unavailable,
            "adapter_unavailable",
            format!("the adapter {adapter} broke again and again and is left alone for a while"),
        );
        failure.retry_after_ms = u64::try_from(left.as_millis()).ok().map(|left| left.max(1_000));
        Err(failure)
    }

    /// Whether calls are refused at this moment.
    pub(crate) fn is_open(&self) -> bool {
        let state = self.lock();
        state.trying || state.open_until.is_some_and(|until| until > Instant::now())
    }

    /// Another host found that the adapter keeps failing: it is left alone here, too.
    pub(crate) fn open_for(&self, left: Duration) {
        let mut state = self.lock();
        let until = Instant::now() + left;
        if !state.trying && state.open_until.is_none_or(|known| known < until) {
            state.open_until = Some(until);
        }
    }

    /// Forgets the past: another release takes over.
    pub(crate) fn reset(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Tells what became of the call. What was not possible at the moment says nothing about the adapter. For how long the adapter is
    /// left alone from now on, if that is what came of it.
    pub(crate) fn ended(self, failure: Option<&Failure>) -> Option<Duration> {
        let mut state = self.breaker.lock();
        let faults = &mut state.faults[self.purpose as usize];
        match failure.map(|failure| failure.kind) {
            Some(FailureKind::Fault) => {
                *faults = faults.saturating_add(1);
                if self.trial || *faults >= FAULTS {
                    state.open_until = Some(Instant::now() + OPEN_FOR);
                    return Some(OPEN_FOR);
                }
            }
            Some(FailureKind::Unavailable) => {}
            _ => {
                *faults = 0;
                if self.trial {
                    state.open_until = None;
                }
            }
        }
        None
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.trial {
            self.breaker.lock().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> Failure {
        Failure::new(FailureKind::Fault, "trap", "")
    }

    #[test]
    fn only_faults_in_a_row_open_it() {
        let breaker = Breaker::default();
        let refusal = Failure::new(FailureKind::Rejected, "no", "");
        for _ in 0..3 {
            for _ in 1..FAULTS {
                breaker.permit("acme", Purpose::Change).unwrap().ended(Some(&fault()));
            }
            breaker.permit("acme", Purpose::Change).unwrap().ended(Some(&refusal));
        }
        assert!(!breaker.is_open());
        for _ in 0..FAULTS {
            breaker.permit("acme", Purpose::Change).unwrap().ended(Some(&fault()));
        }
        let failure = breaker.permit("acme", Purpose::Change).unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "adapter_unavailable"));
    }

    #[test]
    fn plans_that_are_fine_do_not_make_up_for_changes_that_break() {
        let breaker = Breaker::default();
        let busy = Failure::new(FailureKind::Unavailable, "host_busy", "");
        for _ in 0..FAULTS {
            breaker.permit("acme", Purpose::Plan).unwrap().ended(None);
            breaker.permit("acme", Purpose::Change).unwrap().ended(Some(&busy));
            breaker.permit("acme", Purpose::Change).unwrap().ended(Some(&fault()));
        }
        assert!(breaker.is_open());
        breaker.lock().open_until = Some(Instant::now());
        breaker.permit("acme", Purpose::Change).unwrap().ended(Some(&busy));
        assert!(breaker.lock().open_until.is_some(), "a trial that could not take place closes nothing");
        breaker.permit("acme", Purpose::Plan).unwrap().ended(None);
        assert!(!breaker.is_open());
        breaker.permit("acme", Purpose::Change).unwrap().ended(Some(&fault()));
        assert!(breaker.is_open(), "changes break still");
    }

    #[test]
    fn one_call_at_a_time_tries_again_and_a_cancelled_trial_counts_for_nothing() {
        let breaker = Breaker::default();
        breaker.lock().open_until = Some(Instant::now());
        assert!(!breaker.is_open(), "whoever comes next may call");
        let trial = breaker.permit("acme", Purpose::Change).unwrap();
        assert!(breaker.is_open() && breaker.permit("acme", Purpose::Change).is_err());
        drop(trial);
        breaker.permit("acme", Purpose::Change).unwrap().ended(Some(&fault()));
        assert!(breaker.permit("acme", Purpose::Change).is_err(), "a failed trial opens it again");
        breaker.lock().open_until = Some(Instant::now());
        breaker.permit("acme", Purpose::Change).unwrap().ended(None);
        assert!(!breaker.is_open());
        assert!(breaker.permit("acme", Purpose::Change).is_ok());
    }
}
