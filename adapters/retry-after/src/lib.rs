//! The header `Retry-After` (RFC 9110, section 10.2.3): whole seconds, or a date in any of HTTP's
//! three forms.
//!
//! The host reads it in responses from ad servers and webhook receivers, and adapters in responses
//! from their platform. They must all interpret it in the same way, so the parser is shared.

use std::time::{Duration, SystemTime};

/// The longest delay that is honoured. A server that asks for more is retried after this.
pub const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Returns the delay that a value of the header asks for, at most [`LONGEST`].
///
/// A date in the past means no delay. `None` means that the value is neither a date nor a number of
/// seconds, such as `-5`, `1.5` or `soon`; treat the header as missing.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let now = UNIX_EPOCH + Duration::from_secs(784_111_747);
/// let wait = |value| flightdeck_retry_after::read(value, now);
/// assert_eq!(wait("120"), Some(Duration::from_secs(120)));
/// assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
/// assert_eq!(wait("soon"), None);
/// ```
#[must_use]
pub fn read(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that don't parse are too many.
        return Some(value.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    Some(until.duration_since(now).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// 6 November 1994, 08:49:07.
    const NOW: u64 = 784_111_747;

    #[test]
    fn every_form_is_read() {
        for (value, seconds) in [
            ("0", Some(0)),
            ("3", Some(3)),
            (" \t3 ", Some(3)),
            ("007", Some(7)),
            ("86400", Some(86_400)),
            ("86401", Some(86_400)),
            ("18446744073709551615", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun Nov  6 08:49:37 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:49:06 GMT", Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
        ] {
            assert_eq!(read(value, at(NOW)), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn what_is_neither_says_nothing() {
        for value in [
            "",
            " ",
            "-5",
            "+5",
            "1.5",
            "1e3",
            "5 s",
            "5, 6",
            "soon",
            "٣",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37 +0100",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
        ] {
            assert_eq!(read(value, at(NOW)), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn seconds_are_read_as_they_are_and_bounded(seconds: u64, blanks in "[ \t]{0,3}") {
            let wait = read(&format!("{blanks}{seconds}{blanks}"), at(NOW));
            prop_assert_eq!(wait, Some(Duration::from_secs(seconds).min(LONGEST)));
        }

        #[test]
        fn a_date_asks_for_the_time_until_it_whenever_that_is(now in 0..253_402_300_799u64, until in 0..253_402_300_799u64) {
            let wait = read(&httpdate::fmt_http_date(at(until)), at(now));
            prop_assert_eq!(wait, Some(Duration::from_secs(until.saturating_sub(now)).min(LONGEST)));
        }

        #[test]
        fn nothing_that_a_server_sends_is_more_than_the_longest(value in any::<String>(), now in 0..4_000_000_000u64) {
            prop_assert!(read(&value, at(now)).is_none_or(|wait| wait <= LONGEST));
        }

        #[test]
        fn signs_and_fractions_are_no_seconds(seconds: u32, sign in "[-+]", fraction in "[.,][0-9]{1,3}") {
            prop_assert_eq!(read(&format!("{sign}{seconds}"), at(NOW)), None);
            prop_assert_eq!(read(&format!("{seconds}{fraction}"), at(NOW)), None);
        }
    }
}
