//! A clock that a test can set.
//!
//! It starts at the real time and runs with it. Once set or advanced, it stands still until it is
//! moved again, so that the same request returns the same result twice, to the last impression.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::lock;

/// Milliseconds since 1970-01-01T00:00:00Z, the unit in which emulators count time.
pub type Millis = i64;

/// The clock of one emulator.
#[derive(Debug, Default)]
pub struct Clock(Mutex<Hands>);

#[derive(Debug, Default, Clone, Copy)]
enum Hands {
    /// Running with the real time.
    #[default]
    Real,
    /// Running ahead of the real time (or behind it) by this much.
    Shifted(Duration),
    /// Standing still.
    Held(OffsetDateTime),
}

/// How to move the clock: the body of `PUT /__control/clock`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Sets the clock to this instant.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub now: Option<OffsetDateTime>,
    /// Then adds this many seconds (may be negative).
    #[serde(default)]
    pub advance_seconds: Option<i64>,
    /// Whether the clock keeps running from there. By default, a clock that was moved stands still.
    #[serde(default)]
    pub running: bool,
}

/// The state of the clock: the response of `GET /__control/clock`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Reading {
    /// The emulator's current time.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// Whether it moves by itself.
    pub running: bool,
}

impl Clock {
    /// The emulator's current time.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.read().now
    }

    /// The emulator's current time in milliseconds.
    #[must_use]
    pub fn millis(&self) -> Millis {
        to_millis(self.now())
    }

    /// Returns the time, and whether the clock runs.
    #[must_use]
    pub fn read(&self) -> Reading {
        match *lock(&self.0) {
            Hands::Real => Reading { now: OffsetDateTime::now_utc(), running: true },
            Hands::Shifted(by) => Reading { now: OffsetDateTime::now_utc() + by, running: true },
            Hands::Held(now) => Reading { now, running: false },
        }
    }

    /// Moves the clock and returns its new state.
    pub fn shift(&self, how: &Move) -> Reading {
        let from = how.now.unwrap_or_else(|| self.now());
        let to = from.checked_add(Duration::seconds(how.advance_seconds.unwrap_or(0))).unwrap_or(from);
        *lock(&self.0) = if how.running { Hands::Shifted(to - OffsetDateTime::now_utc()) } else { Hands::Held(to) };
        self.read()
    }

    /// Sets the clock to an instant and holds it there.
    pub fn set(&self, now: OffsetDateTime) {
        *lock(&self.0) = Hands::Held(now);
    }

    /// Moves the clock forward by this much and holds it there.
    pub fn advance(&self, by: std::time::Duration) {
        let now = self.now();
        let by = Duration::try_from(by).unwrap_or(Duration::ZERO);
        *lock(&self.0) = Hands::Held(now.checked_add(by).unwrap_or(now));
    }

    /// Returns to the real time.
    pub fn reset(&self) {
        *lock(&self.0) = Hands::Real;
    }
}

/// Converts an instant to the emulators' unit.
#[must_use]
pub fn to_millis(instant: OffsetDateTime) -> Millis {
    instant.unix_timestamp() * 1000 + i64::from(instant.millisecond())
}
