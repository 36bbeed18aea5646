//! When a buy that its ad server does not show counts as gone.
//!
//! One poll proves nothing: lists lag, logins see less than they should, and whole networks answer
//! "not found" during maintenance. A buy counts as gone after two polls, some minutes apart, that
//! both miss it, if no poll in between shows it. If most of many buys are missing at once, the ad
//! server is at fault: the host raises an alarm and treats no buy as gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// The record of a buy that its ad server does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// The time of the first poll that missed the buy.
    pub since: Timestamp,
    /// Whether a later poll has confirmed it. The buy then counts as gone until a poll shows it
    /// again.
    pub confirmed: bool,
}

impl Absence {
    /// Returns the absence after one more poll, at `at`, that misses the buy.
    ///
    /// `apart` is the minimum time between the first poll and the one that confirms it.
    /// `alarmed_at` is the time of the last alarm, when too many buys were missing at once. Polls
    /// before it or shortly after it don't count.
    #[must_use]
    pub fn after_a_miss(
        known: Option<Self>,
        alarmed_at: Option<Timestamp>,
        at: Timestamp,
        apart: Duration,
    ) -> Option<Self> {
        if known.is_some_and(|known| known.confirmed) || alarmed_at.is_some_and(|alarm| at < alarm.plus(apart)) {
            return known;
        }
        match known.filter(|known| alarmed_at.is_none_or(|alarm| known.since > alarm)) {
            None => Some(Self { since: at, confirmed: false }),
            Some(Self { since, .. }) => Some(Self { since, confirmed: at >= since.plus(apart) }),
        }
    }
}

/// Whether so many of the polled buys are missing that the ad server must be at fault: more than
/// half, and at least `least`.
pub const fn is_alarm(asked: usize, missed: usize, least: usize) -> bool {
    missed >= least && missed > asked / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const APART: Duration = Duration::from_secs(300);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn absent(since: i64, confirmed: bool) -> Option<Absence> {
        Some(Absence { since: at(since), confirmed })
    }

    #[test]
    fn a_second_look_counts_that_comes_late_enough() {
        let after = |known, seconds| Absence::after_a_miss(known, None, at(seconds), APART);
        assert_eq!(after(None, 1_000), absent(1_000, false));
        assert_eq!(after(absent(1_000, false), 1_000), absent(1_000, false));
        assert_eq!(after(absent(1_000, false), 1_299), absent(1_000, false));
        assert_eq!(after(absent(1_000, false), 1_300), absent(1_000, true));
        assert_eq!(after(absent(1_000, false), 900), absent(1_000, false), "a clock that is behind");
        assert_eq!(after(absent(1_000, true), 900), absent(1_000, true));
    }

    #[test]
    fn what_was_missed_in_an_alarm_or_before_it_counts_for_nothing() {
        let after = |known, seconds| Absence::after_a_miss(known, Some(at(1_000)), at(seconds), APART);
        for known in [None, absent(900, false), absent(1_000, false)] {
            assert_eq!(after(known, 1_000), known);
            assert_eq!(after(known, 1_299), known);
            assert_eq!(after(known, 1_300), absent(1_300, false), "it begins anew");
        }
        assert_eq!(after(absent(1_300, false), 1_600), absent(1_300, true));
        assert_eq!(after(absent(900, true), 1_000), absent(900, true), "what was known stays known");
    }

    #[test]
    fn an_alarm_is_more_than_half_and_not_few() {
        assert!(is_alarm(19, 10, 10) && is_alarm(10, 10, 10) && is_alarm(1, 1, 1));
        assert!(!is_alarm(20, 10, 10) && !is_alarm(9, 9, 10) && !is_alarm(0, 0, 1));
    }

    proptest! {
        /// For any sequence of polls, a buy counts as gone only after two misses that are far
        /// enough apart, without an alarm since the first.
        #[test]
        fn nobody_is_taken_for_gone_after_one_look(
            looks in prop::collection::vec((1i64..200, 0u8..4), 1..40),
        ) {
            let (mut now, mut known, mut alarmed_at, mut first) = (0, None, None, None);
            for (later, look) in looks {
                now += later;
                match look {
                    // The poll shows the buy.
                    0 => (known, first) = (None, None),
                    // The poll misses it together with most others.
                    1 => {
                        alarmed_at = Some(at(now));
                        first = first.filter(|_| known.is_some_and(|known: Absence| known.confirmed));
                    }
                    _ => {
                        known = Absence::after_a_miss(known, alarmed_at, at(now), APART);
                        first = first.or(Some(now));
                    }
                }
                if known.is_some_and(|known| known.confirmed) {
                    prop_assert!(first.is_some_and(|first| now - first >= 300));
                }
            }
        }
    }
}
