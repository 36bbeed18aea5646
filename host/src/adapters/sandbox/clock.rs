//! A guest's clock that does not show the host's time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmtime_wasi::HostWallClock;

/// The clock of a call in which the host tries whether an answer depends on the time.
pub(super) struct GuestClock {
    /// How far it is ahead.
    pub(super) ahead: Duration,
}

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead
    }
}
