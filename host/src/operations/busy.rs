//! What this host's workers are busy with, lane by lane: what they may take on follows from it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::lane::{Lane, Openings, Workers};

/// The operations that this host runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    lanes: BTreeMap<u64, Lane>,
    numbers: u64,
}

/// A worker that is busy until this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    busy: Busy,
    number: u64,
}

impl Busy {
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What may be taken on now.
    pub(super) fn openings(&self, workers: Workers) -> Openings {
        workers.openings(self.lock().lanes.values())
    }

    /// A worker begins with an operation.
    pub(super) fn begin(&self, lane: Lane) -> Worker {
        let mut running = self.lock();
        running.numbers += 1;
        let number = running.numbers;
        running.lanes.insert(number, lane);
        Worker { busy: self.clone(), number }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.busy.lock().lanes.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_busy_until_it_is_dropped() {
        let (busy, workers) = (Busy::default(), Workers { all: 1, on_a_platform: 1, for_switches: 1 });
        let lane = Lane::with_key(false, "acme");
        assert!(busy.openings(workers).admit(&lane));
        let worker = busy.begin(lane.clone());
        assert!(!busy.openings(workers).admit(&lane));
        drop(worker);
        assert!(busy.openings(workers).admit(&lane));
    }
}
