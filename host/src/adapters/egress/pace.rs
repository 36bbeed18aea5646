//! Rate limits for a platform: concurrent requests, requests per second, and the pauses that the
//! platform itself asks for.

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
        purpose::Purpose,
        time::Timestamp,
    },
};

/// The longest pause that a call waits out. A longer one ends the call, and the operation is run
/// again when the pause is over.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// The pause after a 429 without `Retry-After`.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that is honoured. A platform that asks for more is tried again after this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// How long a pause requested in answer to a read may hold back changes. Ad servers apply separate
/// limits to reports, which take minutes to pass. If a limit really applies to changes, a change's
/// own request gets that answer.
const LONGEST_FOR_OTHERS: Duration = Duration::from_secs(5);

/// Suffix for the key of a shared pause that applies to reads only.
const OF_READS: &str = " reads";

/// A reserved turn not used within this time is dropped: the ad server would count its request with
/// those of the next second.
const RESERVED_FOR: Duration = Duration::from_secs(1);

/// How often per second a busy host reserves its next requests with the other hosts.
const RESERVATIONS_PER_SECOND: u32 = 5;

/// The pace of one platform, shared by all calls.
pub(crate) struct Pace {
    at_a_time: Arc<Semaphore>,
    most_at_a_time: usize,
    rate: Option<NonZeroU32>,
    /// This host's own rate limiter, for when the others can't be reached.
    per_second: Option<DefaultDirectRateLimiter>,
    paused_until: Mutex<PausedUntil>,
    /// The key under which hosts share the credential's limits, and the access to them.
    common: OnceLock<(String, Arc<dyn Shared>)>,
    reserved: tokio::sync::Mutex<Reserved>,
}

/// When the pauses that the platform asked for end.
#[derive(Debug, Default)]
struct PausedUntil {
    /// For all requests.
    all: Option<Instant>,
    /// For reads only.
    reads: Option<Instant>,
}

/// Turns that are reserved and not used yet.
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
            paused_until: Mutex::default(),
            common: OnceLock::new(),
            reserved: tokio::sync::Mutex::new(Reserved { next: Instant::now(), left: 0 }),
        }
    }

    /// Joins the pace of all hosts together. `key` is the name that they share for the credential.
    pub(crate) fn join(&self, key: String, shared: Arc<dyn Shared>) {
        // Called once, at the start.
        let _ = self.common.set((key, shared));
    }

    /// Waits for a turn among all hosts. Returns `false` if they can't be reached.
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
    /// When the platform asked for a pause that is too long to wait for.
    pub(crate) async fn turn(&self, purpose: Purpose) -> Result<OwnedSemaphorePermit, Failure> {
        let permit = Arc::clone(&self.at_a_time).acquire_owned().await;
        let permit = permit.map_err(|_| Failure::new(FailureKind::Unavailable, "stopping", "the host is stopping"))?;
        if let Some(limiter) = &self.per_second
            && !self.common_turn().await
        {
            while let Err(wait) = limiter.check() {
                tokio::time::sleep(wait.wait_time_from(governor::clock::DefaultClock::default().now())).await;
            }
        }
        // Checked last: the pause may have begun while this request waited for the others.
        while let Some(left) = self.pause(purpose) {
            if left > PATIENCE {
                return Err(Self::paused(left));
            }
            tokio::time::sleep(left).await;
        }
        Ok(permit)
    }

    /// Checks whether a new call should begin at all.
    ///
    /// # Errors
    /// When the platform asked for a pause that is too long to wait for.
    pub(crate) fn may_begin(&self, purpose: Purpose) -> Result<(), Failure> {
        match self.pause(purpose) {
            Some(left) if left > PATIENCE => Err(Self::paused(left)),
            _ => Ok(()),
        }
    }

    /// Returns the rest of the pause that the platform asked for.
    pub(crate) fn pause(&self, purpose: Purpose) -> Option<Duration> {
        let paused = self.lock();
        let until = if purpose == Purpose::Read { paused.all.max(paused.reads) } else { paused.all };
        until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Honours a 429, or a 503 with `Retry-After`, in answer to a request of this purpose.
    pub(crate) fn note(&self, purpose: Purpose, status: u16, headers: &HeaderMap, now: Timestamp) {
        let asked = headers
            .get(http::header::RETRY_AFTER)
            .and_then(|value| flightdeck_retry_after::read(value.to_str().ok()?, now.into()));
        let pause = match (status, asked) {
            (429, asked) => asked.unwrap_or(DEFAULT_PAUSE),
            (503, Some(asked)) => asked,
            _ => return,
        };
        let pause = pause.min(LONGEST_PAUSE);
        let reads = purpose == Purpose::Read;
        if reads {
            self.share_and_pause(OF_READS, pause);
        }
        self.share_and_pause("", if reads { pause.min(LONGEST_FOR_OTHERS) } else { pause });
    }

    fn share_and_pause(&self, of: &str, pause: Duration) {
        if let Some((key, shared)) = self.common.get() {
            shared.paused(&format!("{key}{of}"), pause);
        }
        self.pause_for(of == OF_READS, pause);
    }

    /// Pauses for at least `pause` if the key is this pace's: another host was asked to.
    pub(crate) fn heed(&self, key: &str, pause: Duration) {
        let Some((own, _)) = self.common.get() else { return };
        match key.strip_prefix(own.as_str()) {
            Some("") => self.pause_for(false, pause),
            Some(OF_READS) => self.pause_for(true, pause),
            _ => {}
        }
    }

    /// Returns the maximum number of concurrent requests.
    pub(crate) const fn most_at_a_time(&self) -> usize {
        self.most_at_a_time
    }

    fn pause_for(&self, reads: bool, pause: Duration) {
        let until = Instant::now() + pause;
        let mut paused = self.lock();
        let which = if reads { &mut paused.reads } else { &mut paused.all };
        *which = (*which).max(Some(until));
    }

    fn lock(&self) -> MutexGuard<'_, PausedUntil> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::RETRY_AFTER, text.parse().unwrap())])
    }

    const NOW: Timestamp = Timestamp::from_micros(0);

    #[test]
    fn a_later_and_shorter_pause_does_not_shorten_the_one_that_runs() {
        let pace = Pace::new(1, None);
        assert!(pace.may_begin(Purpose::Change).is_ok());
        pace.note(Purpose::Change, 200, &headers("100"), NOW);
        assert!(pace.may_begin(Purpose::Change).is_ok());
        pace.note(Purpose::Change, 429, &headers("100"), NOW);
        pace.note(Purpose::Change, 429, &HeaderMap::new(), NOW);
        for purpose in [Purpose::Change, Purpose::Read] {
            let failure = pace.may_begin(purpose).unwrap_err();
            assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "rate_limited"));
            assert!(failure.retry_after_ms.unwrap() > 90_000);
        }
    }

    #[test]
    fn a_pause_that_is_asked_of_a_read_holds_back_changes_for_seconds_only() {
        for (status, asked, reads, changes) in [
            (429, "600", 600, 5),
            (429, "3", 3, 3),
            (503, "600", 600, 5),
            (429, "Thu, 01 Jan 1970 00:05:00 GMT", 300, 5),
            (429, "-600", 1, 1),
            (429, "99999999999999999999", 900, 5),
        ] {
            let pace = Pace::new(1, None);
            pace.note(Purpose::Read, status, &headers(asked), NOW);
            let left =
                [Purpose::Read, Purpose::Change].map(|purpose| pace.pause(purpose).unwrap().as_secs_f64().ceil());
            assert_eq!(left, [f64::from(reads), f64::from(changes)], "{status} {asked}");
        }
    }
}
