//! The runs of this process.
//!
//! Leases are judged by a clock that may be set, or that may stand still while a machine sleeps.
//! When it jumps ahead, a host may claim an operation that it is still running itself. The fence
//! keeps the two runs apart in the database, but not at the ad server, so the earlier one must end
//! before the later one begins.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::{domain::id::OperationId, store::Fence};

/// The handle by which other runs see a run.
#[derive(Debug, Clone)]
struct Known {
    number: i64,
    overtaken: CancellationToken,
    over: CancellationToken,
}

/// The runs of this process, at most one for each operation.
#[derive(Debug, Clone, Default)]
pub(super) struct ActiveRuns(Arc<Mutex<HashMap<OperationId, Known>>>);

/// A registered run. Dropping this ends the registration.
#[derive(Debug)]
pub(super) struct ActiveRun {
    active_runs: ActiveRuns,
    operation: OperationId,
    known: Known,
}

impl ActiveRuns {
    fn runs(&self) -> MutexGuard<'_, HashMap<OperationId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a run. If an earlier run of the same operation is active, tells it to stop and
    /// waits until it has ended.
    pub(super) async fn enter(&self, fence: &Fence) -> ActiveRun {
        let known = Known { number: fence.number, overtaken: CancellationToken::new(), over: CancellationToken::new() };
        let earlier = self.runs().insert(fence.operation.clone(), known.clone());
        let present = ActiveRun { active_runs: self.clone(), operation: fence.operation.clone(), known };
        if let Some(earlier) = earlier {
            tracing::warn!(
                operation = %fence.operation, fence = earlier.number,
                "a run of this host outlived its lease, as if the clock had jumped: it is stopped before another one begins"
            );
            earlier.overtaken.cancel();
            earlier.over.cancelled().await;
        }
        present
    }
}

impl ActiveRun {
    /// Waits until a later run of the operation wants to begin.
    pub(super) async fn overtaken(&self) {
        self.known.overtaken.cancelled().await;
    }
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        let mut runs = self.active_runs.runs();
        if runs.get(&self.operation).is_some_and(|known| known.number == self.known.number) {
            runs.remove(&self.operation);
        }
        drop(runs);
        self.known.over.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence(number: i64) -> Fence {
        Fence { operation: "op".into(), number }
    }

    #[tokio::test]
    async fn a_later_run_begins_when_the_earlier_one_has_ended() {
        let active_runs = ActiveRuns::default();
        let earlier = active_runs.enter(&fence(1)).await;
        let other = active_runs.clone();
        let later = tokio::spawn(async move { other.enter(&fence(2)).await });
        earlier.overtaken().await;
        assert!(!later.is_finished());
        drop(earlier);
        let later = later.await.unwrap();
        assert_eq!(
            active_runs.runs()[&OperationId::from("op")].number,
            2,
            "the earlier one did not take the later one along"
        );
        drop(later);
        assert!(active_runs.runs().is_empty());
    }
}
