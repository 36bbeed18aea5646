//! Delivery by day on platforms that count only totals since the start of a flight.
//!
//! The host records the totals of each day as they stood at its last reading, and takes the
//! differences.

use std::collections::BTreeMap;

use super::{
    delivery::{DeliveryRow, DeliveryTotal},
    id::PackageId,
    money::Micros,
    time::{Day, Timestamp},
};

/// The totals of a package as they stood at the last reading of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The day, in UTC.
    pub day: Day,
    /// When the platform had counted them.
    pub at: Timestamp,
    /// The totals.
    pub total: DeliveryTotal,
}

/// Returns the delivery of the days from `first` to `last`: for each day with a reading, what was
/// counted since the reading before. What was delivered before the first reading, or on days without
/// one, counts on the day of the next reading. A total that a platform corrects downwards counts
/// nothing until it is exceeded, so that the days never add up to more than the platform counted.
pub fn by_day(readings: &[Reading], first: Day, last: Day) -> Vec<DeliveryRow> {
    let mut packages: BTreeMap<&PackageId, Vec<&Reading>> = BTreeMap::new();
    for reading in readings {
        packages.entry(&reading.total.package).or_default().push(reading);
    }
    let mut rows = Vec::new();
    for (package, mut readings) in packages {
        readings.sort_by_key(|reading| reading.day);
        let mut most: Option<DeliveryTotal> = None;
        for Reading { day, total, .. } in readings {
            let before = most.take();
            let since = |now: i64, before: Option<i64>| now.saturating_sub(before.unwrap_or(0)).max(0);
            let optional = |now: Option<i64>, before: Option<i64>| now.map(|now| since(now, before));
            let was = before.as_ref();
            if (first..=last).contains(day) {
                rows.push(DeliveryRow {
                    package: package.clone(),
                    day: *day,
                    impressions: since(total.impressions, was.map(|was| was.impressions)),
                    spend: Micros::new(since(total.spend.get(), was.map(|was| was.spend.get()))).unwrap_or_default(),
                    clicks: optional(total.clicks, was.and_then(|was| was.clicks)),
                    video_completions: optional(total.video_completions, was.and_then(|was| was.video_completions)),
                });
            }
            most = Some(before.map_or_else(|| total.clone(), |before| highest(&before, total)));
        }
    }
    rows
}

fn highest(one: &DeliveryTotal, other: &DeliveryTotal) -> DeliveryTotal {
    DeliveryTotal {
        package: other.package.clone(),
        impressions: one.impressions.max(other.impressions),
        spend: one.spend.max(other.spend),
        clicks: one.clicks.max(other.clicks),
        video_completions: one.video_completions.max(other.video_completions),
    }
}

/// Returns what a reader of these days must know: which days they don't tell apart. `start` is when
/// the flight began.
pub fn remark(readings: &[Reading], start: Timestamp, first: Day, last: Day) -> Option<String> {
    let mut days: Vec<Day> = readings.iter().map(|reading| reading.day).collect();
    days.sort_unstable();
    days.dedup();
    let known_from = *days.first()?;
    if start.day() < known_from && (first..=last).contains(&known_from) {
        return Some(format!(
            "counts only totals, which were first read on {known_from}: what was delivered from {} on counts on that day",
            start.day()
        ));
    }
    if known_from > last {
        return Some(format!(
            "counts only totals, which were first read on {known_from}: nothing is known of these days"
        ));
    }
    let gap = days.windows(2).find(|pair| pair[0].days_until(pair[1]) > 1 && (first..=last).contains(&pair[1]))?;
    Some(format!(
        "counts only totals, which were not read between {} and {}: those days count on {}",
        gap[0], gap[1], gap[1]
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(day: i64, impressions: i64) -> Reading {
        let start = Day::parse("2026-12-01").unwrap();
        let total = DeliveryTotal {
            package: "a".into(),
            impressions,
            spend: Micros::new(impressions * 10).unwrap(),
            clicks: Some(impressions / 2),
            video_completions: None,
        };
        Reading { day: start.plus_days(day), at: start.plus_days(day).start(), total }
    }

    fn days(readings: &[Reading], first: i64, last: i64) -> Vec<(i64, i64)> {
        let start = Day::parse("2026-12-01").unwrap();
        let rows = by_day(readings, start.plus_days(first), start.plus_days(last));
        rows.iter().map(|row| (start.days_until(row.day), row.impressions)).collect()
    }

    #[test]
    fn a_day_is_the_difference_to_the_reading_before() {
        let readings = [reading(2, 250), reading(0, 100), reading(1, 150), reading(5, 400)];
        assert_eq!(days(&readings, 0, 9), [(0, 100), (1, 50), (2, 100), (5, 150)]);
        assert_eq!(days(&readings, 1, 2), [(1, 50), (2, 100)], "a range without its first day");
        let row = &by_day(&readings, readings[2].day, readings[2].day)[0];
        assert_eq!((row.spend.get(), row.clicks, row.video_completions), (500, Some(25), None));
    }

    #[test]
    fn a_correction_downwards_is_not_counted_twice() {
        let readings = [reading(0, 100), reading(1, 80), reading(2, 90), reading(3, 130)];
        assert_eq!(days(&readings, 0, 9), [(0, 100), (1, 0), (2, 0), (3, 30)]);
    }

    #[test]
    fn what_days_do_not_tell_apart_is_said() {
        let start = Day::parse("2026-12-01").unwrap();
        let (flight, day) = (start.start(), |n| start.plus_days(n));
        let readings = [reading(0, 1), reading(1, 2), reading(4, 3)];
        assert_eq!(remark(&readings, flight, day(0), day(3)), None);
        assert!(remark(&readings, flight, day(0), day(4)).unwrap().contains("between 2026-12-02 and 2026-12-05"));
        let late = [reading(3, 9)];
        assert!(remark(&late, flight, day(0), day(4)).unwrap().contains("first read on 2026-12-04"));
        assert!(remark(&late, flight, day(0), day(1)).unwrap().contains("nothing is known"));
        assert_eq!(remark(&[], flight, day(0), day(1)), None);
    }

    proptest! {
        #[test]
        fn the_days_add_up_to_the_highest_total(totals in prop::collection::vec(0i64..1_000, 1..20)) {
            let readings: Vec<Reading> = totals.iter().enumerate().map(|(day, n)| reading(day as i64, *n)).collect();
            let sum: i64 = days(&readings, 0, 100).iter().map(|(_, n)| n).sum();
            prop_assert_eq!(sum, *totals.iter().max().unwrap());
        }
    }
}
