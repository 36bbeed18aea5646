//! How far a platform's clock is from this host's, by the `Date` of its answers (RFC 9110, 6.6.1).
//! Dates of flights and tokens go wrong where the two differ.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use http::{HeaderMap, header};

use crate::domain::time::Timestamp;

/// No answer has had a date yet.
const UNKNOWN: i64 = i64::MIN;

/// What the last answer with a date has said.
#[derive(Debug)]
pub(crate) struct ServerClock(AtomicI64);

impl Default for ServerClock {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl ServerClock {
    /// Notes the date of an answer that began to arrive at `now`.
    pub(super) fn note(&self, headers: &HeaderMap, now: Timestamp) {
        // A cache in between says how old its answer is, and its date is that of then.
        if headers.contains_key(header::AGE) {
            return;
        }
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else { return };
        let Ok(since) = date.duration_since(std::time::UNIX_EPOCH) else { return };
        let there = Timestamp::from_micros(0).plus(since);
        self.0.store(there.as_micros().saturating_sub(now.as_micros()), Ordering::Relaxed);
    }

    /// Returns by how many whole seconds the platform's clock is ahead of this host's, or behind it
    /// (negative). A date has no fractions, so up to a second is nothing.
    pub(crate) fn ahead_seconds(&self) -> Option<i64> {
        let micros = self.0.load(Ordering::Relaxed);
        let second = i64::try_from(Duration::from_secs(1).as_micros()).unwrap_or(i64::MAX);
        (micros != UNKNOWN).then(|| micros / second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(headers: &[(&'static str, &'static str)]) -> Option<i64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let clock = ServerClock::default();
        clock.note(&map, Timestamp::parse("2026-12-01T12:00:00.400Z").unwrap());
        clock.ahead_seconds()
    }

    #[test]
    fn the_date_of_an_answer_is_compared_in_whole_seconds() {
        assert_eq!(after(&[("date", "Tue, 01 Dec 2026 12:00:00 GMT")]), Some(0));
        assert_eq!(after(&[("date", "Tue, 01 Dec 2026 12:01:00 GMT")]), Some(59));
        assert_eq!(after(&[("date", "Tue, 01 Dec 2026 11:58:00 GMT")]), Some(-120));
    }

    #[test]
    fn an_answer_without_a_date_of_its_own_says_nothing() {
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[("date", "yesterday")]), None);
        assert_eq!(after(&[("date", "Tue, 01 Dec 2026 11:58:00 GMT"), ("age", "120")]), None);
    }
}
