//! The heartbeat that keeps a claim, and the proof that it still holds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    domain::time::Timestamp,
    operations::now,
    store::{Fence, Store, StoreError},
};

/// A worker's lease on an operation, prolonged while this value lives.
#[derive(Debug)]
pub struct Lease {
    fence: Fence,
    /// Until when it certainly holds, in microseconds: what the store last confirmed.
    until: Arc<AtomicI64>,
    lost: CancellationToken,
    beat: tokio::task::JoinHandle<()>,
}

impl Lease {
    /// Keeps a claim that was made just before `claimed_at` for `length`, prolonging it every `heartbeat`.
    pub fn hold(
        store: Arc<dyn Store>,
        fence: Fence,
        claimed_at: Timestamp,
        length: Duration,
        heartbeat: Duration,
    ) -> Self {
        let until = Arc::new(AtomicI64::new(claimed_at.plus(length).as_micros()));
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
        !self.lost.is_cancelled() && now().as_micros() < self.until.load(Ordering::Acquire)
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
    until: Arc<AtomicI64>,
    lost: CancellationToken,
    length: Duration,
    heartbeat: Duration,
) {
    loop {
        tokio::time::sleep(heartbeat).await;
        let asked_at = now();
        match store.prolong(&fence, asked_at, length).await {
            Ok(()) => until.store(asked_at.plus(length).as_micros(), Ordering::Release),
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
