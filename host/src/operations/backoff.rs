//! How long to wait before the next try: exponential backoff with full jitter.

use std::time::Duration;

use rand::RngExt;

/// The bounds of the backoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound of the first wait.
    pub initial: Duration,
    /// The upper bound of any wait.
    pub max: Duration,
}

impl Backoff {
    /// Returns the upper bound of the wait after this many failed tries: `initial × 2^(attempts -
    /// 1)`, at most `max`.
    pub fn ceiling(self, attempts: u32) -> Duration {
        let factor = 1u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        self.initial.saturating_mul(factor).min(self.max)
    }

    /// Returns a wait after this many failed tries: a random time up to the ceiling, so that
    /// operations that failed together don't come back together, but at least what the ad server
    /// asked for.
    pub fn wait(self, attempts: u32, asked_for: Option<Duration>) -> Duration {
        let ceiling = u64::try_from(self.ceiling(attempts).as_millis()).unwrap_or(u64::MAX);
        let jittered = Duration::from_millis(rand::rng().random_range(0..=ceiling));
        asked_for.map_or(jittered, |asked| asked.saturating_add(jittered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { initial: Duration::from_millis(500), max: Duration::from_secs(300) };

    #[test]
    fn the_ceiling_doubles_up_to_its_maximum() {
        let ceilings: Vec<u64> = (1..=12).map(|attempt| BACKOFF.ceiling(attempt).as_millis() as u64).collect();
        assert_eq!(ceilings[..4], [500, 1_000, 2_000, 4_000]);
        assert_eq!(ceilings[11], 300_000);
        assert_eq!(BACKOFF.ceiling(u32::MAX), Duration::from_secs(300));
    }

    #[test]
    fn a_wait_is_within_its_ceiling_and_never_shorter_than_asked() {
        for attempt in 1..40 {
            assert!(BACKOFF.wait(attempt, None) <= BACKOFF.ceiling(attempt));
            assert!(BACKOFF.wait(attempt, Some(Duration::from_secs(7))) >= Duration::from_secs(7));
        }
    }
}
