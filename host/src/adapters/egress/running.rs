//! The requests of a call in flight: how many there are, and how long the call waits for them.

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::adapters::wait_times::{GuestTurn, Party, WaitClock, WaitGuard};

/// The requests of one call in flight.
#[derive(Debug)]
pub(crate) struct Running {
    requests: TaskTracker,
    waiting: WaitClock,
}

/// A request that is in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct Request {
    waiting: WaitClock,
    /// Whether the ad server is waited for, as opposed to the guest.
    waits: Option<WaitGuard>,
    _runs: TaskTrackerToken,
}

impl Running {
    pub(crate) fn new(waiting: WaitClock) -> Self {
        Self { requests: TaskTracker::new(), waiting }
    }

    /// Registers a request, which now waits for the ad server.
    pub(super) fn token(&self) -> Request {
        let waits = Some(self.waiting.begin(Party::AdServer));
        Request { waiting: self.waiting.clone(), waits, _runs: self.requests.token() }
    }

    /// Marks a request in flight as waiting for the guest, which is writing its body.
    pub(super) fn guest_turn(&self) -> GuestTurn {
        self.waiting.guest_turn(Party::AdServer)
    }

    /// Marks that no more requests will begin.
    pub(crate) fn close(&self) {
        self.requests.close();
    }

    /// Waits until all requests have ended.
    pub(crate) async fn wait(&self) {
        self.requests.wait().await;
    }
}

impl Request {
    /// Sets whether the ad server is waited for. If not, received data waits for the guest.
    pub(super) fn waits(&mut self, waits: bool) {
        if !waits {
            self.waits = None;
        } else if self.waits.is_none() {
            self.waits = Some(self.waiting.begin(Party::AdServer));
        }
    }
}
