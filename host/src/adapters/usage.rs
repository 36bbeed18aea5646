//! The most that any call has used so far, measured where each limit is enforced.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What one call used, or the maximum of each over several calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of all linear memories together.
    pub memory_bytes: usize,
    /// CPU time.
    pub cpu: Duration,
    /// Time from beginning to end.
    pub wall: Duration,
    /// Requests sent.
    pub requests: u32,
    /// Bytes of all request bodies together.
    pub sent_bytes: usize,
    /// Bytes of all response bodies together.
    pub received_bytes: usize,
}

impl Usage {
    /// Returns the larger value of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
            cpu: self.cpu.max(other.cpu),
            wall: self.wall.max(other.wall),
            requests: self.requests.max(other.requests),
            sent_bytes: self.sent_bytes.max(other.sent_bytes),
            received_bytes: self.received_bytes.max(other.received_bytes),
        }
    }
}

/// The maximum over all calls that have ended.
#[derive(Debug, Default)]
pub(crate) struct PeakUsage(Mutex<Usage>);

impl PeakUsage {
    /// Records a call that has ended.
    pub(crate) fn note(&self, used: Usage) {
        let mut most = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *most = most.max(used);
    }

    /// Returns the maximum so far.
    pub(crate) fn most(&self) -> Usage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
