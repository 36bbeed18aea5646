//! The requests of a call that run: how many, and for how long they are waited for.

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::adapters::wait_times::{GuestTurn, Party, WaitClock, WaitGuard};

/// The requests of one call that run.
#[derive(Debug)]
pub(crate) struct Running {
    requests: TaskTracker,
    waiting: WaitClock,
}

/// A request that runs until this is dropped.
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

    /// A request begins, and the ad server is waited for.
    pub(super) fn token(&self) -> Request {
        let waits = Some(self.waiting.begin(Party::AdServer));
        Request { waiting: self.waiting.clone(), waits, _runs: self.requests.token() }
    }

    /// A request that has begun waits for the guest, which writes its body.
    pub(super) fn guest_turn(&self) -> GuestTurn {
        self.waiting.guest_turn(Party::AdServer)
    }

    /// No more of them will begin.
    pub(crate) fn close(&self) {
        self.requests.close();
    }

    /// Waits until all have ended.
    pub(crate) async fn wait(&self) {
        self.requests.wait().await;
    }
}

impl Request {
    /// From now on the ad server is waited for, or is not: what has come waits for the guest.
    pub(super) fn waits(&mut self, waits: bool) {
        if !waits {
            self.waits = None;
        } else if self.waits.is_none() {
            self.waits = Some(self.waiting.begin(Party::AdServer));
        }
    }
}
