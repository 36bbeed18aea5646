//! Rate limits of callers: a token bucket that refills over time, and a limit of concurrent calls.
//!
//! A buyer's principal has one account for all its tokens; all other callers have one account per
//! token. An account has three parts, so that a caller that reads too often can still change
//! something, and one that changes too much can still pause:
//!
//! | part | calls |
//! |---|---|
//! | [`CallKind::Read`] | calls that only read |
//! | [`CallKind::Write`] | calls that change something |
//! | [`CallKind::Switch`] | calls that only stop or restart delivery, with the limits of other changes |
//!
//! A refused call costs nothing: it changes nothing, uses up no idempotency key, and does not delay
//! the next call.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    DefaultDirectRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    app::{
        App,
        caller::Caller,
        error::{AppError, ErrorCode},
    },
    config::{Rate, Rates},
    domain::{id::PrincipalId, role::Role},
};

/// How long an unused account is kept. By then its buckets are full at any rate, except for a burst
/// of more than ten minutes' worth, which is forgiven.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// The number of accounts above which unused ones are searched for. Only valid tokens have
/// accounts.
const LOOKED_THROUGH_AT: usize = 1_024;

/// The retry delay in seconds if too many calls run at a time. They end within seconds.
const AFTER_OTHERS_SECONDS: u64 = 1;

/// The kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// A call that only reads.
    Read,
    /// A call that changes something.
    Write,
    /// A call that only stops or restarts delivery.
    Switch,
}

/// The owner of an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    Principal(PrincipalId),
    Token(String),
}

impl Owner {
    fn of(caller: &Caller) -> Self {
        match (caller.role, &caller.principal) {
            (Role::Buyer, Some(principal)) => Self::Principal(principal.clone()),
            _ => Self::Token(caller.name.clone()),
        }
    }
}

/// A token bucket, and permits for concurrent calls.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: DefaultDirectRateLimiter,
    room: Arc<Semaphore>,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        let tokens = DefaultDirectRateLimiter::direct(Quota::per_second(rate.per_second).allow_burst(rate.burst));
        Self { rate, tokens, room: Arc::new(Semaphore::new(rate.in_flight.get() as usize)) }
    }

    fn enter(&self, what: &str) -> Result<Permit, AppError> {
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            let message = format!("{} {what} of yours are being answered already", self.rate.in_flight);
            return Err(limited(message, AFTER_OTHERS_SECONDS).suggest("wait until some of them have ended"));
        };
        self.tokens.check().map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            limited(format!("more than {} {what} a second", self.rate.per_second), seconds.max(1))
                .suggest("ask again after Retry-After, and less often; nothing was changed, and an idempotency key is not used up")
        })?;
        Ok(Permit(room))
    }
}

fn limited(message: String, seconds: u64) -> AppError {
    AppError::new(ErrorCode::RateLimited, message).retry_after(seconds)
}

/// The right of a call to run. Dropping it lets the next call begin.
#[derive(Debug)]
pub struct Permit(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

#[derive(Debug)]
struct Account {
    reads: Bucket,
    writes: Bucket,
    switches: Bucket,
    used: Mutex<Instant>,
}

impl Account {
    fn new(rates: Rates) -> Self {
        Self {
            reads: Bucket::new(rates.reads),
            writes: Bucket::new(rates.writes),
            switches: Bucket::new(rates.writes),
            used: Mutex::new(Instant::now()),
        }
    }

    fn enter(&self, kind: CallKind) -> Result<Permit, AppError> {
        match kind {
            CallKind::Read => self.reads.enter("reads"),
            CallKind::Write => self.writes.enter("changes"),
            CallKind::Switch => self.switches.enter("changes that pause or resume"),
        }
    }

    /// Returns whether the account is unused and has been for a while.
    fn is_idle(&self, now: Instant) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let at_rest = |bucket: &Bucket| bucket.room.available_permits() == bucket.rate.in_flight.get() as usize;
        now.saturating_duration_since(used) >= KEPT_FOR
            && [&self.reads, &self.writes, &self.switches].into_iter().all(at_rest)
    }
}

/// The accounts of all callers.
#[derive(Debug, Default)]
pub struct RateLimits {
    accounts: Mutex<Accounts>,
}

#[derive(Debug, Default)]
struct Accounts {
    by_caller: HashMap<Owner, Arc<Account>>,
    /// When unused accounts were last searched for.
    looked: Option<Instant>,
}

impl RateLimits {
    /// Returns a permit for a call, or the error that says when to retry.
    fn enter(&self, who: Owner, rates: impl FnOnce() -> Rates, kind: CallKind) -> Result<Permit, AppError> {
        self.account(who, rates, Instant::now()).enter(kind)
    }

    fn account(&self, who: Owner, rates: impl FnOnce() -> Rates, now: Instant) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let long_ago = accounts.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= KEPT_FOR);
        if accounts.by_caller.len() >= LOOKED_THROUGH_AT && long_ago {
            accounts.by_caller.retain(|_, account| Arc::strong_count(account) > 1 || !account.is_idle(now));
            accounts.looked = Some(now);
        }
        let account = accounts.by_caller.entry(who).or_insert_with(|| Arc::new(Account::new(rates()))).clone();
        *account.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
        account
    }
}

impl App {
    /// Lets a caller's call run for as long as the returned permit is held.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the time to wait before a retry.
    pub fn enter(&self, caller: &Caller, kind: CallKind) -> Result<Permit, AppError> {
        let rates = || match (caller.role, &caller.principal) {
            (Role::Buyer, Some(principal)) => self.config.rates_of(principal),
            _ => self.config.callers.rates,
        };
        self.callers.rates.enter(Owner::of(caller), rates, kind)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn rates(burst: u32, in_flight: u32) -> Rates {
        let number = |number| NonZeroU32::new(number).unwrap();
        // The rate is so slow that no test waits for the next token.
        let rate = Rate { per_second: number(1), burst: number(burst), in_flight: number(in_flight) };
        Rates { reads: rate, writes: rate }
    }

    fn agency(number: usize) -> Owner {
        Owner::Principal(PrincipalId::from(format!("agency-{number}")))
    }

    #[test]
    fn a_flood_of_one_leaves_everybody_else_what_they_have() {
        let all = RateLimits::default();
        let read = |number| all.enter(agency(number), || rates(20, 100), CallKind::Read);
        let refused = (0..1_000).filter_map(|_| read(1).err()).next_back().unwrap();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::RateLimited, Some(1)));
        assert!(read(2).is_ok());
    }

    #[test]
    fn who_looks_too_often_can_change_and_who_changes_too_much_can_pause() {
        let all = RateLimits::default();
        let enter = |kind| all.enter(agency(1), || rates(5, 100), kind);
        for (flooded, next) in [(CallKind::Read, CallKind::Write), (CallKind::Write, CallKind::Switch)] {
            while enter(flooded).is_ok() {}
            assert!(enter(next).is_ok(), "{next:?} after {flooded:?}");
        }
    }

    #[test]
    fn so_many_run_at_a_time_and_the_next_begins_when_one_ends() {
        let all = RateLimits::default();
        let enter = || all.enter(agency(1), || rates(100, 2), CallKind::Read);
        let (first, _second) = (enter().unwrap(), enter().unwrap());
        assert_eq!(enter().unwrap_err().retry_after, Some(1));
        drop(first);
        assert!(enter().is_ok());
    }

    #[test]
    fn what_does_not_run_for_want_of_room_takes_no_token() {
        let all = RateLimits::default();
        let enter = || all.enter(agency(1), || rates(3, 1), CallKind::Read);
        let first = enter().unwrap();
        for _ in 0..100 {
            enter().unwrap_err();
        }
        drop(first);
        assert!(enter().is_ok() && enter().is_ok());
    }

    #[test]
    fn accounts_that_nobody_uses_are_forgotten() {
        let (all, begin) = (RateLimits::default(), Instant::now());
        let held = all.account(agency(0), || rates(1, 1), begin);
        for number in 1..LOOKED_THROUGH_AT {
            all.account(agency(number), || rates(1, 1), begin);
        }
        all.account(agency(5_000), || rates(1, 1), begin + KEPT_FOR);
        let left = all.accounts.lock().unwrap().by_caller.len();
        assert_eq!(left, 2, "the one that is in use, and the new one");
        drop(held);
    }
}
