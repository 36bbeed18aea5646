//! Times and days: conversion between the contract's text forms and `time`'s types.

use std::time::Duration;

use time::{
    Date, OffsetDateTime, UtcOffset,
    format_description::well_known::{Iso8601, Rfc3339},
};

use crate::{
    failure::Fallible,
    types::{Context, Failure},
};

/// Parses an instant: RFC 3339, the same without an offset (then UTC), or a day (then its
/// midnight). Platforms use all three.
#[must_use]
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let moment = match text.len() {
        10 => read(&format!("{text}T00:00:00Z")),
        _ => read(text).or_else(|| read(&format!("{text}Z"))),
    };
    Some(moment?.to_offset(UtcOffset::UTC))
}

/// Parses an instant in the contract's form.
///
/// # Errors
/// `invalid` when the text is not an instant.
pub fn timestamp(text: &str) -> Fallible<OffsetDateTime> {
    parse(text).ok_or_else(|| Failure::invalid("invalid_timestamp", format!("{text} is not a time in RFC 3339.")))
}

/// Formats an instant as the contract wants it, in whole seconds: `2026-12-01T00:00:00Z`.
#[must_use]
pub fn format(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(UtcOffset::UTC);
    let (date, (hour, minute, second)) = (day(moment.date()), moment.to_hms());
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Formats a day: `2026-12-01`.
#[must_use]
pub fn day(date: Date) -> String {
    let (year, month, day) = date.to_calendar_date();
    format!("{year:04}-{:02}-{day:02}", u8::from(month))
}

/// Parses a day.
///
/// # Errors
/// `invalid` when the text is not a day.
pub fn date(text: &str) -> Fallible<Date> {
    Date::parse(text, &Iso8601::DATE)
        .map_err(|_| Failure::invalid("invalid_date", format!("{text} is not a day as 2026-12-01.")))
}

/// Returns how much longer the host waits for this call. Zero if the context's deadline can't be
/// parsed.
#[must_use]
pub fn time_left(ctx: &Context) -> Duration {
    let left = parse(&ctx.deadline).map(|deadline| deadline - crate::host::now());
    left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_an_instant_are_read() {
        for text in ["2026-12-01T00:00:00Z", "2026-12-01T00:00:00", "2026-12-01", "2026-12-01T02:00:00+02:00"] {
            assert_eq!(parse(text).map(format).as_deref(), Some("2026-12-01T00:00:00Z"), "{text}");
        }
        for text in ["", "2026-13-01", "tomorrow", "2026-12-01T25:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(timestamp("x").is_err());
    }

    #[test]
    fn days_are_read_and_written() {
        assert_eq!(day(date("2026-02-28").unwrap()), "2026-02-28");
        assert!(date("2026-02-30").is_err());
    }
}
