//! The heartbeat that keeps a claim, and the proof that it still holds.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::time::Timestamp,
    operations::now,
    store::{Fence, Store, StoreError},
};

/// Until when a lease certainly holds: its length after the last request to the store that
/// confirmed it. Whoever judges the lease began to count later than that.
///
/// Two clocks are used, and the lease holds no longer than either allows. One is never set, but
/// stands still while a machine sleeps; the other goes on then, but may be set back.
#[derive(Debug, Clone, Copy)]
struct Until {
    steady: Instant,
    wall: Timestamp,
}

impl Until {
    fn asked(steady: Instant, wall: Timestamp, length: Duration) -> Self {
        Self { steady: steady + length, wall: wall.plus(length) }
    }

    fn holds(self, steady: Instant, wall: Timestamp) -> bool {
        steady < self.steady && wall < self.wall
    }
}

/// A worker's lease on an operation, extended while this value lives.
#[derive(Debug)]
pub struct Lease {
    fence: Fence,
    until: Arc<Mutex<Until>>,
    lost: CancellationToken,
    beat: tokio::task::JoinHandle<()>,
}

impl Lease {
    /// Keeps a claim that was requested at `asked_at` for `length`, extending it every `heartbeat`.
    pub fn keep(store: Store, fence: Fence, asked_at: Instant, length: Duration, heartbeat: Duration) -> Self {
        let asked_at_wall = now().plus_millis(-i64::try_from(asked_at.elapsed().as_millis()).unwrap_or(i64::MAX));
        let until = Arc::new(Mutex::new(Until::asked(asked_at, asked_at_wall, length)));
        let lost = CancellationToken::new();
        let beat = tokio::spawn(heartbeat_loop(store, fence.clone(), until.clone(), lost.clone(), length, heartbeat));
        Self { fence, until, lost, beat }
    }

    /// Returns the fence under which the worker writes.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Returns whether the operation certainly has not been claimed by anybody else yet.
    pub fn holds(&self) -> bool {
        self.holds_for(Duration::ZERO)
    }

    /// Returns whether nobody else can claim the operation within `time` from now, even if the
    /// lease is not extended any more.
    pub fn holds_for(&self, time: Duration) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        !self.lost.is_cancelled() && until.holds(Instant::now() + time, now().plus(time))
    }

    /// Waits until the lease is lost.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Stops extending the lease, no matter who still holds this value, so that anybody who waits
    /// for it to expire waits no longer than that.
    pub fn stop_heartbeat(&self) {
        self.beat.abort();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop_heartbeat();
    }
}

async fn heartbeat_loop(
    store: Store,
    fence: Fence,
    until: Arc<Mutex<Until>>,
    lost: CancellationToken,
    length: Duration,
    heartbeat: Duration,
) {
    loop {
        tokio::time::sleep(heartbeat).await;
        let (steady, wall) = (Instant::now(), now());
        match store.prolong(&fence, wall, length).await {
            Ok(()) => *until.lock().unwrap_or_else(PoisonError::into_inner) = Until::asked(steady, wall, length),
            Err(StoreError::Fenced(_)) => {
                tracing::warn!(operation = %fence.operation, fence = fence.number, "lost the lease to another worker");
                lost.cancel();
                return;
            }
            // The lease is still valid, and the next heartbeat may get through. Nothing is sent to
            // an ad server once it has expired.
            Err(error) => tracing::warn!(operation = %fence.operation, %error, "could not prolong the lease"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_holds_no_longer_than_either_clock_says() {
        let (steady, wall, length) = (Instant::now(), now(), Duration::from_secs(30));
        let until = Until::asked(steady, wall, length);
        let after = |seconds| Duration::from_secs(seconds);
        assert!(until.holds(steady + after(29), wall.plus(after(29))));
        assert!(!until.holds(steady + after(30), wall), "the wall clock was set back");
        assert!(!until.holds(steady + after(1), wall.plus(after(30))), "the machine slept");
    }
}
