//! Times in Kevel's interpretation.
//!
//! A flight whose `EndDateISO` is midnight delivers on that whole day, too (reference page,
//! flights; reports count their last day in the same way). So an end at midnight is sent as one
//! second earlier, and an end that is read as midnight means the following midnight.

use flightdeck_adapter::{moment, prelude::*};
use time::{Duration, OffsetDateTime, Time};

/// Returns the start of a flight in Kevel's form.
///
/// # Errors
/// `invalid` when the text is not a timestamp.
pub fn start(text: &str) -> Fallible<String> {
    moment::timestamp(text).map(moment::format)
}

/// Returns the end of a flight in Kevel's form.
///
/// # Errors
/// `invalid` when the text is not a timestamp.
pub fn end(text: &str) -> Fallible<String> {
    let end = moment::timestamp(text)?;
    let end = if end.time() == Time::MIDNIGHT { end - Duration::SECOND } else { end };
    Ok(moment::format(end))
}

/// Whether a flight with this end is over.
#[must_use]
pub fn has_ended(end: Option<&str>, now: OffsetDateTime) -> bool {
    let Some(end) = end.and_then(moment::parse) else { return false };
    let end = if end.time() == Time::MIDNIGHT { end + Duration::DAY } else { end };
    end <= now
}

/// Whether a flight with this start has started.
#[must_use]
pub fn has_begun(start: Option<&str>, now: OffsetDateTime) -> bool {
    start.and_then(moment::parse).is_none_or(|start| start <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_at_midnight_does_not_deliver_the_day_that_begins_then() {
        assert_eq!(end("2026-12-31T00:00:00Z").unwrap(), "2026-12-30T23:59:59Z");
        assert_eq!(end("2026-12-31T23:59:59Z").unwrap(), "2026-12-31T23:59:59Z");
        assert_eq!(start("2026-12-01T00:00:00Z").unwrap(), "2026-12-01T00:00:00Z");
        assert!(end("soon").is_err());
    }

    #[test]
    fn an_end_read_at_midnight_includes_its_day() {
        let now = |text: &str| moment::parse(text).unwrap();
        assert!(!has_ended(Some("2026-12-31T00:00:00"), now("2026-12-31T12:00:00Z")));
        assert!(has_ended(Some("2026-12-31T00:00:00"), now("2027-01-01T00:00:00Z")));
        assert!(has_ended(Some("2026-12-30T23:59:59Z"), now("2026-12-31T00:00:00Z")));
        assert!(!has_ended(None, now("2026-12-31T00:00:00Z")));
        assert!(has_begun(Some("2026-12-01T00:00:00Z"), now("2026-12-01T00:00:00Z")));
        assert!(!has_begun(Some("2026-12-01T00:00:00Z"), now("2026-11-30T23:59:59Z")));
    }
}
