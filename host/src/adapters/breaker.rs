//! A circuit breaker: stops calling an adapter that keeps failing by its own fault, and tries it
//! again after a while.
//!
//! Each purpose has its own breaker, which refuses only that purpose: failing reads don't block
//! changes, or the other way round. Plans have none: see [`Purpose::GUARDED`].

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::{
    failure::{Failure, FailureKind},
    purpose::Purpose,
};

/// Consecutive faults that open the breaker. A refusal by the ad server is not a fault, and neither
/// is a slow ad server.
const FAULTS: u32 = 5;

/// How long the breaker stays open before it lets one call try.
const OPEN_FOR: Duration = Duration::from_secs(30);

/// The breakers of one platform.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    changes: Guard,
    reads: Guard,
}

/// The breaker of one purpose.
#[derive(Debug, Default)]
struct Guard(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Consecutive faults so far.
    faults: u32,
    open_until: Option<Instant>,
    /// Whether a trial call is in flight.
    trying: bool,
}

/// Permission to make one call. If it is dropped without [`Permit::ended`] (the call was
/// cancelled), nothing is recorded about the adapter.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    /// `None` for a purpose without a breaker.
    guard: Option<&'a Guard>,
    trial: bool,
}

impl Breaker {
    /// Returns the breaker of a purpose, or `None` if the purpose has none.
    fn guard(&self, purpose: Purpose) -> Option<&Guard> {
        match purpose {
            Purpose::Change => Some(&self.changes),
            Purpose::Read => Some(&self.reads),
            Purpose::Plan => None,
        }
    }

    /// Requests permission to call.
    ///
    /// # Errors
    /// When the breaker is open or another call is already trying.
    pub(crate) fn permit(&self, adapter: &str, purpose: Purpose) -> Result<Permit<'_>, Failure> {
        let Some(guard) = self.guard(purpose) else { return Ok(Permit { guard: None, trial: false }) };
        let mut state = guard.lock();
        let Some(until) = state.open_until else { return Ok(Permit { guard: Some(guard), trial: false }) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() && !state.trying {
            state.trying = true;
            return Ok(Permit { guard: Some(guard), trial: true });
        }
        let what = if purpose == Purpose::Change { "changes" } else { "reads" };
        let mut failure = Failure::new(
            FailureKind::Unavailable,
            "adapter_unavailable",
            format!("the adapter {adapter} broke again and again, and its {what} are left alone for a while"),
        );
        failure.retry_after_ms = u64::try_from(left.as_millis()).ok().map(|left| left.max(1_000));
        Err(failure)
    }

    /// Returns whether calls are currently refused.
    pub(crate) fn is_open(&self, purpose: Purpose) -> bool {
        self.guard(purpose).is_some_and(|guard| {
            let state = guard.lock();
            state.trying || state.open_until.is_some_and(|until| until > Instant::now())
        })
    }

    /// Opens the breaker for `left`, because another replica's breaker opened.
    pub(crate) fn open_for(&self, purpose: Purpose, left: Duration) {
        let Some(guard) = self.guard(purpose) else { return };
        let mut state = guard.lock();
        let until = Instant::now() + left;
        if !state.trying && state.open_until.is_none_or(|known| known < until) {
            state.open_until = Some(until);
        }
    }

    /// Resets the breaker, because another release takes over.
    pub(crate) fn reset(&self) {
        for guard in [&self.changes, &self.reads] {
            *guard.lock() = State::default();
        }
    }
}

impl Guard {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Records the result and returns how long the breaker stays open, if this call opened it. A
    /// call that was merely impossible at the moment says nothing about the adapter.
    pub(crate) fn ended(self, failure: Option<&Failure>) -> Option<Duration> {
        let mut state = self.guard?.lock();
        match failure.map(|failure| failure.kind) {
            Some(FailureKind::Fault) => {
                state.faults = state.faults.saturating_add(1);
                if self.trial || state.faults >= FAULTS {
                    state.open_until = Some(Instant::now() + OPEN_FOR);
                    return Some(OPEN_FOR);
                }
            }
            Some(FailureKind::Unavailable) => {}
            _ => {
                state.faults = 0;
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
        if let (Some(guard), true) = (self.guard, self.trial) {
            guard.lock().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> Failure {
        Failure::new(FailureKind::Fault, "trap", "")
    }

    fn busy() -> Failure {
        Failure::new(FailureKind::Unavailable, "ad_server_timeout", "")
    }

    fn call(breaker: &Breaker, purpose: Purpose, failure: Option<&Failure>) -> Option<Duration> {
        breaker.permit("acme", purpose).unwrap().ended(failure)
    }

    /// Expires the open period.
    fn time_passes(breaker: &Breaker, purpose: Purpose) {
        breaker.guard(purpose).unwrap().lock().open_until = Some(Instant::now());
    }

    #[test]
    fn only_faults_in_a_row_open_it() {
        let breaker = Breaker::default();
        let refusal = Failure::new(FailureKind::Rejected, "no", "");
        for _ in 0..3 {
            for _ in 1..FAULTS {
                assert_eq!(call(&breaker, Purpose::Change, Some(&fault())), None);
            }
            call(&breaker, Purpose::Change, Some(&refusal));
        }
        assert!(!breaker.is_open(Purpose::Change));
        for number in 1..=FAULTS {
            let left_alone = call(&breaker, Purpose::Change, Some(&fault()));
            assert_eq!(left_alone, (number == FAULTS).then_some(OPEN_FOR));
        }
        let failure = breaker.permit("acme", Purpose::Change).unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "adapter_unavailable"));
    }

    #[test]
    fn what_is_not_possible_now_is_never_counted() {
        let breaker = Breaker::default();
        for purpose in Purpose::ALL {
            for _ in 0..10 * FAULTS {
                assert_eq!(call(&breaker, *purpose, Some(&busy())), None);
            }
            assert!(!breaker.is_open(*purpose));
        }
    }

    /// Tests every pair of purposes: an open breaker refuses its own purpose and nothing else.
    #[test]
    fn a_breaker_refuses_its_own_purpose_alone_and_plans_are_asked_always() {
        for broken in Purpose::ALL {
            let breaker = Breaker::default();
            for _ in 0..FAULTS {
                call(&breaker, *broken, Some(&fault()));
            }
            for asked in Purpose::ALL {
                let refused = asked == broken && *asked != Purpose::Plan;
                assert_eq!(breaker.permit("acme", *asked).is_err(), refused, "{broken} broke, {asked} was asked");
                assert_eq!(breaker.is_open(*asked), refused);
            }
            breaker.open_for(*broken, OPEN_FOR);
            assert_eq!(breaker.is_open(*broken), *broken != Purpose::Plan);
            breaker.reset();
            assert!(breaker.permit("acme", *broken).is_ok());
        }
    }

    #[test]
    fn a_trial_that_could_not_take_place_closes_nothing() {
        let breaker = Breaker::default();
        for _ in 0..FAULTS {
            call(&breaker, Purpose::Read, None);
            call(&breaker, Purpose::Change, Some(&busy()));
            call(&breaker, Purpose::Change, Some(&fault()));
        }
        assert!(breaker.is_open(Purpose::Change), "reads that are fine do not make up for changes that break");
        time_passes(&breaker, Purpose::Change);
        call(&breaker, Purpose::Change, Some(&busy()));
        assert!(breaker.guard(Purpose::Change).unwrap().lock().open_until.is_some());
        call(&breaker, Purpose::Change, Some(&fault()));
        assert!(breaker.is_open(Purpose::Change), "changes break still");
    }

    #[test]
    fn one_call_at_a_time_tries_again_and_a_cancelled_trial_counts_for_nothing() {
        let breaker = Breaker::default();
        time_passes(&breaker, Purpose::Change);
        assert!(!breaker.is_open(Purpose::Change), "whoever comes next may call");
        let trial = breaker.permit("acme", Purpose::Change).unwrap();
        assert!(breaker.is_open(Purpose::Change) && breaker.permit("acme", Purpose::Change).is_err());
        drop(trial);
        call(&breaker, Purpose::Change, Some(&fault()));
        assert!(breaker.permit("acme", Purpose::Change).is_err(), "a failed trial opens it again");
        time_passes(&breaker, Purpose::Change);
        call(&breaker, Purpose::Change, None);
        assert!(!breaker.is_open(Purpose::Change));
        assert!(breaker.permit("acme", Purpose::Change).is_ok());
    }
}
