//! Timestamps and days, in UTC.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{Date, Duration, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z. In JSON it is RFC 3339 with a `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A calendar day in UTC, `2026-12-01` in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// Why a text is not a timestamp or day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The text is not a timestamp.
    #[error("must be a date and time with an offset, like 2026-12-01T00:00:00Z")]
    NotATimestamp,
    /// The text is not a day, or the day does not exist.
    #[error("must be a calendar day, like 2026-12-01")]
    NotADay,
}

const DAY_FORMAT: &[time::format_description::BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]");

impl Timestamp {
    /// Stands for an event that has not happened yet. It is before all other timestamps.
    pub const NEVER: Self = Self(0);

    /// The latest time that is accepted from a caller: the end of the year 2199.
    pub const LATEST: Self = Self(7_258_118_399_000_000);

    /// Creates a timestamp from microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The timestamp in microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 with any offset.
    ///
    /// # Errors
    /// [`TimeError::NotATimestamp`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimeError::NotATimestamp)?;
        let micros = moment.unix_timestamp_nanos() / 1_000;
        i64::try_from(micros).map(Self).map_err(|_| TimeError::NotATimestamp)
    }

    /// Adds milliseconds, which may be negative.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000)))
    }

    /// Adds a duration.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time until `later`; zero if it has passed.
    pub fn until(self, later: Self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// The day that contains the timestamp.
    pub fn day(self) -> Day {
        Day(self.civil().date())
    }

    /// Truncates to the full second, the unit that every ad server supports.
    #[must_use]
    pub const fn floor_second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1_000_000))
    }

    fn civil(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl From<Timestamp> for std::time::SystemTime {
    fn from(at: Timestamp) -> Self {
        Self::UNIX_EPOCH + Timestamp::from_micros(0).until(at)
    }
}

impl Day {
    /// Parses `2026-12-01`.
    ///
    /// # Errors
    /// [`TimeError::NotADay`] if the text has another form, or the day does not exist.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        Date::parse(text, DAY_FORMAT).map(Self).map_err(|_| TimeError::NotADay)
    }

    /// The first moment of the day.
    pub fn start(self) -> Timestamp {
        let moment = self.0.with_time(Time::MIDNIGHT).assume_utc();
        Timestamp(moment.unix_timestamp().saturating_mul(1_000_000))
    }

    /// The last full second of the day.
    pub fn end(self) -> Timestamp {
        self.start().plus_millis(86_399_000)
    }

    /// Adds days, which may be negative.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(Duration::days(days)))
    }

    /// The number of days from this one to `later`.
    pub fn days_until(self, later: Self) -> i64 {
        (later.0 - self.0).whole_days()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.civil().format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(DAY_FORMAT).map_err(|_| fmt::Error)?)
    }
}

macro_rules! text_in_json {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    };
}

text_in_json!(Timestamp);
text_in_json!(Day);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_shown_in_utc_whatever_its_offset_was() {
        let moment = Timestamp::parse("2026-12-01T02:00:00.5+02:00").unwrap();
        assert_eq!(moment.to_string(), "2026-12-01T00:00:00.5Z");
        assert_eq!(moment.floor_second().to_string(), "2026-12-01T00:00:00Z");
    }

    #[test]
    fn days_that_are_not_in_the_calendar_are_refused() {
        for text in ["2026-02-29", "2026-13-01", "20261201", "2026-12-1", "", "tomorrow"] {
            assert_eq!(Day::parse(text), Err(TimeError::NotADay), "{text}");
        }
        assert!(Day::parse("2028-02-29").is_ok());
    }

    #[test]
    fn a_day_runs_from_midnight_to_its_last_second() {
        let day = Day::parse("2026-12-31").unwrap();
        assert_eq!(day.start().to_string(), "2026-12-31T00:00:00Z");
        assert_eq!(day.end().to_string(), "2026-12-31T23:59:59Z");
        assert_eq!(day.end().day(), day);
        assert_eq!(day.plus_days(1).to_string(), "2027-01-01");
        assert_eq!(day.days_until(day.plus_days(30)), 30);
    }

    #[test]
    fn the_latest_moment_is_the_end_of_2199() {
        assert_eq!(Timestamp::LATEST.to_string(), "2199-12-31T23:59:59Z");
    }
}
