//! How fast a platform may be asked: requests at a time, requests a second, and the pauses that it asks for itself.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use governor::{DefaultDirectRateLimiter, Quota, clock::Clock as _};
use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    adapters::shared::Shared,
    domain::{
        failure::{Failure, FailureKind},
        time::Timestamp,
    },
};

/// A pause up to this long is waited for inside of the call; a longer one ends the call, and the operation is run again
/// when it is over.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// What a 429 without `Retry-After` asks for.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that is believed. A platform that asks for more is asked again after this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// A request that was reserved and not sent within this time is given up: the ad server would see it with those of the next second.
const RESERVED_FOR: Duration = Duration::from_secs(1);

/// So many times a second a busy host asks the others for its next requests.
const RESERVATIONS_PER_SECOND: u32 = 5;

/// The pace of one platform, shared by all calls.
pub(crate) struct Pace {
    at_a_time: Arc<Semaphore>,
    most_at_a_time: usize,
    rate: Option<NonZeroU32>,
    /// How fast this host may go if it can't ask the others.
    per_second: Option<DefaultDirectRateLimiter>,
    paused_until: Mutex<Option<Instant>>,
    /// What other hosts know the credential by, and where they are asked.
    common: OnceLock<(String, Arc<dyn Shared>)>,
    reserved: tokio::sync::Mutex<Reserved>,
}

/// What was reserved and not used yet.
struct Reserved {
    next: Instant,
    left: u32,
}

impl Pace {
    pub(crate) fn new(at_a_time: usize, per_second: Option<u32>) -> Self {
        let rate = per_second.and_then(NonZeroU32::new);
        let most_at_a_time = at_a_time.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            rate,
            at_a_time: Arc::new(Semaphore::new(most_at_a_time)),
            most_at_a_time,
            per_second: rate.map(Quota::per_second).map(DefaultDirectRateLimiter::direct),
            paused_until: Mutex::new(None),
            common: OnceLock::new(),
            reserved: tokio::sync::Mutex::new(Reserved { next: Instant::now(), left: 0 }),
        }
    }

    /// From now on the pace is that of all hosts together. `key`: what they know the credential by.
    pub(crate) fn join(&self, key: String, shared: Arc<dyn Shared>) {
        // Joined once, at the start.
        let _ = self.common.set((key, shared));
    }

    /// Waits for a turn among all hosts. `false`: they can't be asked.
    async fn common_turn(&self) -> bool {
        let (Some((key, shared)), Some(rate)) = (self.common.get(), self.rate) else { return false };
        let at = {
            let mut reserved = self.reserved.lock().await;
            let stale = Instant::now().checked_duration_since(reserved.next).is_some_and(|late| late > RESERVED_FOR);
            if reserved.left == 0 || stale {
                let count = (rate.get() / RESERVATIONS_PER_SECOND).max(1);
                let Some(wait) = shared.reserve(key, count, rate).await else { return false };
                let now = Instant::now();
                let time = Duration::from_micros(wait.unsigned_abs());
                let first = if wait < 0 { now.checked_sub(time).unwrap_or(now) } else { now + time };
                *reserved = Reserved { next: first, left: count };
            }
            let at = reserved.next;
            reserved.next += Duration::from_secs(1) / rate.get();
            reserved.left -= 1;
            at
        };
        tokio::time::sleep_until(at.into()).await;
        true
    }

    /// Waits for this request's turn.
    ///
    /// # Errors
    /// The platform asked for a pause that is too long to wait for.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let permit = Arc::clone(&self.at_a_time).acquire_owned().await;
        let permit = permit.map_err(|_| Failure::new(FailureKind::Unavailable, "stopping", "the host is stopping"))?;
        if let Some(limiter) = &self.per_second
            && !self.common_turn().await
        {
            while let Err(wait) = limiter.check() {
                tokio::time::sleep(wait.wait_time_from(governor::clock::DefaultClock::default().now())).await;
            }
        }
        // Last: the pause may have begun while this request waited for the others.
        while let Some(left) = self.pause() {
            if left > PATIENCE {
                return Err(Self::paused(left));
            }
            tokio::time::sleep(left).await;
        }
        Ok(permit)
    }

    /// Whether a new call should not even begin.
    ///
    /// # Errors
    /// The platform asked for a pause that is too long to wait for.
    pub(crate) fn may_begin(&self) -> Result<(), Failure> {
        match self.pause() {
            Some(left) if left > PATIENCE => Err(Self::paused(left)),
            _ => Ok(()),
        }
    }

    /// What is left of the pause that the platform asked for.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let until = (*self.lock())?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Honours a 429 (or a 503 that says when to come back).
    pub(crate) fn note(&self, status: u16, headers: &HeaderMap, now: Timestamp) {
        let asked = headers.get(http::header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
        let pause = match (status, asked) {
            (429, asked) => asked.unwrap_or(DEFAULT_PAUSE),
            (503, Some(asked)) => asked,
            _ => return,
        };
        let pause = pause.min(LONGEST_PAUSE);
        if let Some((key, shared)) = self.common.get() {
            shared.paused(key, pause);
        }
        self.pause_for(pause);
    }

    /// How many requests may be sent at a time.
    pub(crate) const fn most_at_a_time(&self) -> usize {
        self.most_at_a_time
    }

    /// What other hosts know the credential by.
    pub(crate) fn key(&self) -> Option<&str> {
        self.common.get().map(|(key, _)| key.as_str())
    }

    /// Pauses at least so long.
    pub(crate) fn pause_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut paused = self.lock();
        *paused = Some(paused.map_or(until, |earlier| earlier.max(until)));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paused(left: Duration) -> Failure {
        let mut failure = Failure::new(
            FailureKind::Unavailable,
            "rate_limited",
            format!("the ad server asked for a pause; requests go on in {} s", left.as_secs().max(1)),
        );
        failure.retry_after_ms = u64::try_from(left.as_millis()).ok();
        failure
    }
}

/// Reads `Retry-After`: seconds, or a date as HTTP writes it.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let date = time::PrimitiveDateTime::parse(text, format).ok()?.assume_utc();
    let at = Timestamp::from_micros(date.unix_timestamp().checked_mul(1_000_000)?);
    Some(now.until(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_of_its_forms() {
        let now = Timestamp::parse("2026-12-01T00:00:00Z").unwrap();
        assert_eq!(retry_after("30", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Tue, 01 Dec 2026 00:01:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Mon, 30 Nov 2026 00:01:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn a_later_and_shorter_pause_does_not_shorten_the_one_that_runs() {
        let pace = Pace::new(1, None);
        let now = Timestamp::from_micros(0);
        let headers = |text: &str| HeaderMap::from_iter([(http::header::RETRY_AFTER, text.parse().unwrap())]);
        assert!(pace.may_begin().is_ok());
        pace.note(200, &headers("100"), now);
        assert!(pace.may_begin().is_ok());
        pace.note(429, &headers("100"), now);
        pace.note(429, &HeaderMap::new(), now);
        let failure = pace.may_begin().unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "rate_limited"));
        assert!(failure.retry_after_ms.unwrap() > 90_000);
    }
}
