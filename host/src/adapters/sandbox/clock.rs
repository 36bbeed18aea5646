//! A guest's clock that does not show the host's time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmtime_wasi::HostWallClock;

/// How a guest's clock differs from the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockShift {
    /// It is ahead: the host tries whether an answer depends on the time.
    Ahead(Duration),
    /// It is behind: the call was recorded then.
    Behind(Duration),
}

impl ClockShift {
    /// The host's own time.
    pub(crate) const NONE: Self = Self::Ahead(Duration::ZERO);
}

/// The clock of a guest.
pub(super) struct GuestClock(pub(super) ClockShift);

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        match self.0 {
            ClockShift::Ahead(time) => now + time,
            ClockShift::Behind(time) => now.saturating_sub(time),
        }
    }
}
