//! Times and days: the contract's text forms and `time`'s types.

use std::time::Duration;

use time::{
    Date, OffsetDateTime, UtcOffset,
    format_description::well_known::{Iso8601, Rfc3339},
};

use crate::{
    failure::Fallible,
    types::{Context, Failure},
};

/// Reads an instant: RFC 3339, the same without a zone (then UTC), or a day (then its midnight). Platforms write all
/// three.
#[must_use]
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let moment = match text.len() {
        10 => read(&format!("{text}T00:00:00Z")),
        _ => read(text).or_else(|| read(&format!("{text}Z"))),
    };
    Some(moment?.to_offset(UtcOffset::UTC))
}

/// Reads an instant of the contract.
///
/// # Errors
/// `invalid` when it is none.
pub fn timestamp(text: &str) -> Fallible<OffsetDateTime> {
    parse(text).ok_or_else(|| Failure::invalid("invalid_timestamp", format!("{text} is not a time in RFC 3339.")))
}

/// Writes an instant as the contract wants it, in whole seconds: `2026-12-01T00:00:00Z`.
#[must_use]
pub fn format(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(UtcOffset::UTC);
    let (date, (hour, minute, second)) = (day(moment.date()), moment.to_hms());
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Writes a day: `2026-12-01`.
#[must_use]
pub fn day(date: Date) -> String {
    let (year, month, day) = date.to_calendar_date();
    format!("{year:04}-{:02}-{day:02}", u8::from(month))
}

/// Reads a day.
///
/// # Errors
/// `invalid` when it is none.
pub fn date(text: &str) -> Fallible<Date> {
    Date::parse(text, &Iso8601::DATE)
        .map_err(|_| Failure::invalid("invalid_date", format!("{text} is not a day as 2026-12-01.")))
}

/// How long the host still waits for this call. Nothing, if the context's deadline can't be read.
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
