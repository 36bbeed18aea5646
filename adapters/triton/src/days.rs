//! Conversion of timestamps to days: Triton books whole days, from midnight to midnight in the
//! station's time zone.
//!
//! A buyer gives days or timestamps. The host passes both as timestamps: a day starts at midnight
//! UTC and ends with its last second.
//!
//! | a flight | on Triton |
//! |---|---|
//! | starts at midnight UTC, ends with the end of a day in UTC | the same calendar days in the station's time zone |
//! | starts or ends at any other time | the station's day that contains the timestamp |
//!
//! So a day is booked if and only if any part of it was requested.

use flightdeck_adapter::{moment, prelude::*};
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::{TimeZone, TimeZoneDatabase},
};

/// A named time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name in the time zone database, such as America/New_York.
    pub name: String,
    zone: TimeZone,
}

impl Zone {
    /// Returns a zone of the time zone database.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self { name: zone.iana_name().unwrap_or(name).to_owned(), zone })
    }

    /// Returns the default zone, used if the stations' zone is not configured.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    fn begins(&self, date: Date) -> Option<Timestamp> {
        date.to_zoned_datetime(self.zone.clone()).ok().map(|midnight| midnight.timestamp())
    }

    /// Returns the zone's calendar day at an instant.
    ///
    /// # Errors
    /// When the instant is outside the range of the calendar.
    pub fn day(&self, at: time::OffsetDateTime) -> Fallible<String> {
        Ok(self.date(instant(at)?).to_string())
    }
}

/// The days of a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// The first day, such as 2026-12-01.
    pub first: String,
    /// The last day.
    pub last: String,
    /// How this differs from what the buyer asked for, if it does.
    pub note: Option<String>,
}

/// Returns the days for which a flight is booked, or `None` if it ends before the first day on
/// which it may start.
///
/// # Errors
/// `invalid` when `start` or `end` is not a timestamp.
pub fn of(start: &str, end: &str, zone: &Zone) -> Fallible<Option<Days>> {
    let (start, end) = (instant(moment::timestamp(start)?)?, instant(moment::timestamp(end)?)?);
    let first =
        if is_midnight(start, &TimeZone::UTC) { TimeZone::UTC.to_datetime(start).date() } else { zone.date(start) };
    let last = last_day(end, zone);
    if last < first {
        return Ok(None);
    }
    let (Some(begins), Some(ends)) = (zone.begins(first), last.tomorrow().ok().and_then(|next| zone.begins(next)))
    else {
        return Err(Failure::invalid("invalid_flight_dates", "The flight's days lie beyond the calendar."));
    };
    let whole = begins == start && (ends == end || ends == plus_second(end));
    let note = (!whole).then(|| {
        format!(
            "Triton books whole days: from the beginning of {first} to the end of {last}, {}, which is from {begins} to {ends}.",
            zone.name
        )
    });
    Ok(Some(Days { first: first.to_string(), last: last.to_string(), note }))
}

/// Returns the day that contains an end. An end at midnight doesn't count as part of the day that
/// starts then.
fn last_day(end: Timestamp, zone: &Zone) -> Date {
    let utc = &TimeZone::UTC;
    let before = |end: Timestamp, zone: &TimeZone| {
        let end = if is_midnight(end, zone) { minus_second(end) } else { end };
        zone.to_datetime(end).date()
    };
    if is_midnight(end, utc) || is_midnight(plus_second(end), utc) {
        return before(end, utc);
    }
    before(end, &zone.zone)
}

fn is_midnight(at: Timestamp, zone: &TimeZone) -> bool {
    zone.to_datetime(at).time() == Time::midnight()
}

fn plus_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().saturating_add(1)).unwrap_or(at)
}

fn minus_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().saturating_sub(1)).unwrap_or(at)
}

fn instant(at: time::OffsetDateTime) -> Fallible<Timestamp> {
    Timestamp::from_second(at.unix_timestamp())
        .map_err(|_| Failure::invalid("invalid_timestamp", format!("{at} lies beyond the calendar.")))
}

/// The position of an instant relative to a flight's days, which are in Triton's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before the first day.
    Before,
    /// On one of the days.
    Within,
    /// After the last day.
    After,
}

/// Returns the position of an instant relative to some days. Returns `None` if the days can't be
/// parsed.
#[must_use]
pub fn place(at: time::OffsetDateTime, first: &str, last: &str, zone: &Zone) -> Option<Place> {
    let today = zone.date(instant(at).ok()?);
    let (first, last): (Date, Date) = (first.parse().ok()?, last.parse().ok()?);
    Some(match () {
        () if today < first => Place::Before,
        () if today > last => Place::After,
        () => Place::Within,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONES: [&str; 9] = [
        "UTC",
        "America/New_York",
        "America/Sao_Paulo",
        "America/St_Johns",
        "Europe/London",
        "Asia/Kathmandu",
        "Asia/Tokyo",
        "Pacific/Kiritimati",
        "Australia/Lord_Howe",
    ];

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    fn booked(start: &str, end: &str, name: &str) -> String {
        let days = of(start, end, &zone(name)).unwrap().unwrap();
        format!("{} {}{}", days.first, days.last, if days.note.is_some() { " noted" } else { "" })
    }

    #[test]
    fn moments_become_the_days_of_the_station() {
        for (start, end, name, days) in [
            ("2026-12-01T00:00:00Z", "2026-12-31T00:00:00Z", "UTC", "2026-12-01 2026-12-30"),
            ("2026-12-01T00:00:00Z", "2026-12-31T23:59:59Z", "UTC", "2026-12-01 2026-12-31"),
            ("2026-12-01T09:30:00Z", "2026-12-31T12:00:00Z", "UTC", "2026-12-01 2026-12-31 noted"),
            // Across the change to daylight saving time, and back.
            ("2027-03-01T00:00:00-05:00", "2027-03-31T23:59:59-04:00", "America/New_York", "2027-03-01 2027-03-31"),
            ("2027-11-01T00:00:00-04:00", "2027-11-30T23:59:59-05:00", "America/New_York", "2027-11-01 2027-11-30"),
            ("2027-03-01T00:00:00-05:00", "2027-04-01T00:00:00-04:00", "America/New_York", "2027-03-01 2027-03-31"),
            ("2027-03-14T00:00:00-05:00", "2027-03-14T23:59:59-04:00", "America/New_York", "2027-03-14 2027-03-14"),
            ("2027-11-07T00:00:00-04:00", "2027-11-07T23:59:59-05:00", "America/New_York", "2027-11-07 2027-11-07"),
            ("2027-03-01T00:00:00+05:45", "2027-03-31T23:59:59+05:45", "Asia/Kathmandu", "2027-03-01 2027-03-31"),
            ("2027-03-01T00:00:00-03:00", "2027-03-31T23:59:59-03:00", "America/Sao_Paulo", "2027-03-01 2027-03-31"),
            // A day without midnight: clocks went from 23:59:59 to 01:00.
            ("2018-11-04T01:00:00-02:00", "2018-11-04T23:59:59-02:00", "America/Sao_Paulo", "2018-11-04 2018-11-04"),
            // Calendar days, whatever the station's zone.
            ("2027-03-01T00:00:00Z", "2027-03-31T23:59:59Z", "America/New_York", "2027-03-01 2027-03-31 noted"),
            ("2027-03-01T00:00:00Z", "2027-03-31T23:59:59Z", "Pacific/Kiritimati", "2027-03-01 2027-03-31 noted"),
            // A day of which only part was requested.
            (
                "2027-03-01T12:00:00-05:00",
                "2027-03-31T12:30:00-04:00",
                "America/New_York",
                "2027-03-01 2027-03-31 noted",
            ),
        ] {
            assert_eq!(booked(start, end, name), days, "{start} {end} {name}");
        }
        assert!(of("soon", "later", &Zone::utc()).is_err());
        assert_eq!(Zone::named("America/Nowhere"), None);
    }

    #[test]
    fn a_note_says_when_the_days_begin_and_end() {
        let days = of("2027-03-01T00:00:00Z", "2027-03-31T23:59:59Z", &zone("America/New_York")).unwrap().unwrap();
        let note = days.note.unwrap();
        assert!(
            note.contains("America/New_York") && note.contains("2027-03-01T05:00:00Z to 2027-04-01T04:00:00Z"),
            "{note}"
        );
    }

    #[test]
    fn a_flight_without_a_day_is_none() {
        let none = of("2027-03-02T00:00:00Z", "2027-03-02T03:00:00Z", &zone("America/New_York"));
        assert_eq!(none.unwrap(), None, "the second of March has not begun there");
    }

    #[test]
    fn an_instant_lies_before_within_or_after() {
        let of = |at: &str| place(moment::parse(at).unwrap(), "2027-03-01", "2027-03-31", &zone("America/New_York"));
        assert_eq!(of("2027-03-01T04:59:59Z"), Some(Place::Before));
        assert_eq!(of("2027-03-01T05:00:00Z"), Some(Place::Within));
        assert_eq!(of("2027-04-01T03:59:59Z"), Some(Place::Within));
        assert_eq!(of("2027-04-01T04:00:00Z"), Some(Place::After));
        assert_eq!(place(moment::parse("2027-03-01T00:00:00Z").unwrap(), "soon", "later", &Zone::utc()), None);
    }

    proptest! {
        #[test]
        fn no_day_is_booked_that_was_not_asked_for(
            start in 1_700_000_000_i64..2_500_000_000,
            length in 1_i64..4_000_000,
            number in 0..ZONES.len(),
        ) {
            let zone = zone(ZONES[number]);
            let (start, end) = (Timestamp::from_second(start).unwrap(), Timestamp::from_second(start + length).unwrap());
            if let Some(days) = of(&start.to_string(), &end.to_string(), &zone).unwrap() {
                let (first, last): (Date, Date) = (days.first.parse().unwrap(), days.last.parse().unwrap());
                let asked = |date: Date, zone: &TimeZone| {
                    let begins = date.to_zoned_datetime(zone.clone()).unwrap().timestamp();
                    let ends = date.tomorrow().unwrap().to_zoned_datetime(zone.clone()).unwrap().timestamp();
                    begins < end && start < ends
                };
                for day in [first, last] {
                    prop_assert!(asked(day, &zone.zone) || asked(day, &TimeZone::UTC), "{day} {}", zone.name);
                }
            }
        }

        #[test]
        fn whole_days_of_a_station_are_booked_as_they_are(
            first in 0_i32..9_000,
            length in 0_i32..400,
            last_second in any::<bool>(),
            number in 0..ZONES.len(),
        ) {
            let zone = zone(ZONES[number]);
            let day = |days: i32| jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(days);
            let (first, last) = (day(first), day(first + length));
            let (start, after) = (zone.begins(first).unwrap(), zone.begins(last.tomorrow().unwrap()).unwrap());
            let end = if last_second { minus_second(after) } else { after };
            // A midnight in this zone that is also midnight UTC of another day can't be told apart
            // from it.
            let told_apart = |at: Timestamp, day: Date| !is_midnight(at, &TimeZone::UTC) || TimeZone::UTC.to_datetime(at).date() == day;
            if told_apart(start, first) && told_apart(after, last.tomorrow().unwrap()) {
                let days = of(&start.to_string(), &end.to_string(), &zone).unwrap().unwrap();
                prop_assert_eq!((days.first, days.last, days.note), (first.to_string(), last.to_string(), None));
            }
        }
    }
}
