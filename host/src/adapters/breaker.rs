//! Stops calling an adapter that keeps failing by its own fault, and tries it again after a while.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::failure::{Failure, FailureKind};

/// Faults in a row that open the breaker. What the ad server refuses is no fault.
const FAULTS: u32 = 5;

/// How long it stays open before one call may try.
const OPEN_FOR: Duration = Duration::from_secs(30);

/// The breaker of one platform.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    faults: u32,
    open_until: Option<Instant>,
    /// A call is trying whether the adapter works again.
    trying: bool,
}

/// The right to call. Dropped without a word (the call was cancelled), it says nothing about the adapter.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    trial: bool,
}

impl Breaker {
    /// Asks whether to call.
    ///
    /// # Errors
    /// Not now.
    pub(crate) fn permit(&self, adapter: &str) -> Result<Permit<'_>, Failure> {
        let mut state = self.lock();
        let Some(until) = state.open_until else { return Ok(Permit { breaker: self, trial: false }) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() && !state.trying {
            state.trying = true;
            return Ok(Permit { breaker: self, trial: true });
        }
        let mut failure = Failure::new(
            FailureKind::Unavailable,
            "adapter_unavailable",
            format!("the adapter {adapter} failed {} times in a row and is left alone for a while", state.faults),
        );
        failure.retry_after_ms = u64::try_from(left.as_millis()).ok().map(|left| left.max(1_000));
        Err(failure)
    }

    /// Whether calls are refused at this moment.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().open_until.is_some()
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
    /// Tells what became of the call.
    pub(crate) fn ended(self, failure: Option<&Failure>) {
        let mut state = self.breaker.lock();
        if failure.is_some_and(|failure| failure.kind == FailureKind::Fault) {
            state.faults = state.faults.saturating_add(1);
            if self.trial || state.faults >= FAULTS {
                state.open_until = Some(Instant::now() + OPEN_FOR);
            }
        } else if self.trial || state.open_until.is_none() {
            state.faults = 0;
            state.open_until = None;
        }
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
                breaker.permit("acme").unwrap().ended(Some(&fault()));
            }
            breaker.permit("acme").unwrap().ended(Some(&refusal));
        }
        assert!(!breaker.is_open());
        for _ in 0..FAULTS {
            breaker.permit("acme").unwrap().ended(Some(&fault()));
        }
        let failure = breaker.permit("acme").unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "adapter_unavailable"));
    }

    #[test]
    fn one_call_at_a_time_tries_again_and_a_cancelled_trial_counts_for_nothing() {
        let breaker = Breaker::default();
        breaker.lock().open_until = Some(Instant::now());
        let trial = breaker.permit("acme").unwrap();
        assert!(breaker.permit("acme").is_err());
        drop(trial);
        breaker.permit("acme").unwrap().ended(Some(&fault()));
        assert!(breaker.permit("acme").is_err(), "a failed trial opens it again");
        breaker.lock().open_until = Some(Instant::now());
        breaker.permit("acme").unwrap().ended(None);
        assert!(!breaker.is_open());
        assert!(breaker.permit("acme").is_ok());
    }
}
