//! The heartbeat that keeps a claim, and the proof that it still holds.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    operations::now,
    store::{Fence, Store, StoreError},
};

/// A worker's lease on an operation, prolonged while this value lives.
#[derive(Debug)]
pub struct Lease {
    fence: Fence,
    /// Until when it certainly holds: a length after the store was last asked and confirmed it. By a clock that nobody sets; who
    /// judges the lease began to count later.
    until: Arc<Mutex<Instant>>,
    lost: CancellationToken,
    beat: tokio::task::JoinHandle<()>,
}

impl Lease {
    /// Keeps a claim that was asked for at `asked_at` for `length`, prolonging it every `heartbeat`.
    pub fn hold(store: Arc<dyn Store>, fence: Fence, asked_at: Instant, length: Duration, heartbeat: Duration) -> Self {
        let until = Arc::new(Mutex::new(asked_at + length));
        let lost = CancellationToken::new();
        let beat = tokio::spawn(beat(store, fence.clone(), until.clone(), lost.clone(), length, heartbeat));
        Self { fence, until, lost, beat }
    }

    /// The right under which the worker writes.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Whether nobody else can have claimed the operation yet.
    pub fn holds(&self) -> bool {
        !self.lost.is_cancelled() && Instant::now() < *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the lease is lost.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

async fn beat(
    store: Arc<dyn Store>,
    fence: Fence,
    until: Arc<Mutex<Instant>>,
    lost: CancellationToken,
    length: Duration,
    heartbeat: Duration,
) {
    loop {
        tokio::time::sleep(heartbeat).await;
        let asked_at = Instant::now();
        match store.prolong(&fence, now(), length).await {
            Ok(()) => *until.lock().unwrap_or_else(PoisonError::into_inner) = asked_at + length,
            Err(StoreError::Fenced(_)) => {
                tracing::warn!(operation = %fence.operation, fence = fence.number, "lost the lease to another worker");
                lost.cancel();
                return;
            }
            // The lease still runs; the next beat may get through. Nothing is sent to an ad server once it ran out.
            Err(error) => tracing::warn!(operation = %fence.operation, %error, "could not prolong the lease"),
        }
    }
}
