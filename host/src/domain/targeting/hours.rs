//! Compares dayparting with a flight that is shorter than a week.

use super::{Dayparting, Weekday};
use crate::domain::time::Timestamp;

const HOUR: i64 = 3_600_000_000;
const HOURS_OF_A_WEEK: i64 = 7 * 24;
/// The largest offset of a time zone from UTC in hours, in either direction. The actual offset is
/// not looked up: hours that miss a flight by this margin miss it in any time zone.
const FURTHEST_ZONE: i64 = 14;
/// Names of the time zone UTC.
const UTC: [&str; 3] = ["UTC", "Etc/UTC", "Etc/Zulu"];

impl Dayparting {
    /// Whether none of the hours lies in a flight. With presets the answer is `false`, because
    /// their hours are not known here.
    pub fn misses(&self, start: Timestamp, end: Timestamp) -> bool {
        if !self.presets.is_empty() {
            return false;
        }
        let margin = if UTC.contains(&self.timezone.as_str()) { 0 } else { FURTHEST_ZONE };
        let first = start.as_micros().div_euclid(HOUR).saturating_sub(margin);
        let last = end.as_micros().div_euclid(HOUR).saturating_add(margin);
        let week = first.saturating_add(HOURS_OF_A_WEEK - 1);
        !(first..=last.min(week)).any(|hour| self.has(hour))
    }

    /// Whether an hour, counted since 1970-01-01 (a Thursday), is one of the hours.
    fn has(&self, hour: i64) -> bool {
        let days = hour.div_euclid(24);
        let day = usize::try_from((days + 3).rem_euclid(7)).ok().and_then(|index| Weekday::ALL.get(index));
        let hour = hour.rem_euclid(24);
        self.schedules.iter().any(|part| {
            let hours = i64::from(part.start_hour)..i64::from(part.end_hour);
            day.is_some_and(|day| part.days.contains(day)) && hours.contains(&hour)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::targeting::Daypart;

    fn hours(timezone: &str, days: &[Weekday], start_hour: u8, end_hour: u8) -> Dayparting {
        let schedules = vec![Daypart { days: days.to_vec(), start_hour, end_hour }];
        Dayparting { timezone: timezone.to_owned(), schedules, presets: Vec::new() }
    }

    fn missed(hours: &Dayparting, start: &str, end: &str) -> bool {
        hours.misses(Timestamp::parse(start).unwrap(), Timestamp::parse(end).unwrap())
    }

    #[test]
    fn hours_outside_of_a_short_flight_are_found() {
        // 2 March 2027 is a Tuesday.
        let tuesday = ("2027-03-02T00:00:00Z", "2027-03-02T23:59:59Z");
        for (timezone, days, from, to, misses) in [
            ("UTC", &[Weekday::Tuesday][..], 0, 1, false),
            ("UTC", &[Weekday::Monday, Weekday::Wednesday], 0, 24, true),
            ("America/New_York", &[Weekday::Monday], 20, 24, false),
            ("America/New_York", &[Weekday::Saturday, Weekday::Thursday], 0, 24, true),
        ] {
            assert_eq!(missed(&hours(timezone, days, from, to), tuesday.0, tuesday.1), misses, "{timezone} {days:?}");
        }
        let evening = hours("UTC", &[Weekday::Tuesday], 20, 24);
        assert!(missed(&evening, "2027-03-02T06:00:00Z", "2027-03-02T18:00:00Z"));
        assert!(!missed(&evening, "2027-03-02T06:00:00Z", "2027-03-09T05:00:00Z"));
    }

    #[test]
    fn a_week_has_every_hour() {
        for day in Weekday::ALL {
            for hour in 0..24 {
                let one = hours("UTC", &[*day], hour, hour + 1);
                assert!(!missed(&one, "2027-03-02T00:00:00Z", "2027-03-08T23:59:59Z"), "{day} {hour}");
            }
        }
    }
}
