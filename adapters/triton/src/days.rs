//! Moments as days: Triton books whole days.

use flightdeck_adapter::{moment, prelude::*};
use time::{Duration, Time};

/// The first and the last day of a flight or campaign, and what that changes, if it does.
///
/// The last moment of a buy is included, so an end at midnight does not touch the day that begins then.
///
/// # Errors
/// `invalid` when one of the two is no moment.
pub fn of(start: &str, end: &str) -> Fallible<(String, String, Option<String>)> {
    let (start, end) = (moment::timestamp(start)?, moment::timestamp(end)?);
    let last = if end.time() == Time::MIDNIGHT { end - Duration::SECOND } else { end };
    let whole = start.time() == Time::MIDNIGHT && (last + Duration::SECOND).time() == Time::MIDNIGHT;
    let (first, last) = (moment::day(start.date()), moment::day(last.date()));
    let note =
        (!whole).then(|| format!("Triton books whole days: from the beginning of {first} to the end of {last}, UTC."));
    Ok((first, last, note))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_days() {
        let of = |start: &str, end: &str| of(start, end).unwrap();
        let (first, last, note) = of("2026-12-01T00:00:00Z", "2026-12-31T00:00:00Z");
        assert_eq!((first.as_str(), last.as_str(), note), ("2026-12-01", "2026-12-30", None));
        let (_, last, note) = of("2026-12-01T00:00:00Z", "2026-12-31T23:59:59Z");
        assert_eq!((last.as_str(), note), ("2026-12-31", None));
        let (first, last, note) = of("2026-12-01T09:30:00Z", "2026-12-31T12:00:00Z");
        assert_eq!((first.as_str(), last.as_str()), ("2026-12-01", "2026-12-31"));
        assert!(note.unwrap().contains("whole days"));
        assert!(super::of("soon", "later").is_err());
    }
}
