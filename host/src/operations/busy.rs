//! The lanes that this host's workers are busy with, which determine what else they may take on.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::lane::{Lane, Openings, Workers};

/// The lanes of the operations that this host is running.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    lanes: BTreeMap<u64, Lane>,
    numbers: u64,
}

/// A busy worker. Dropping this frees it.
#[derive(Debug)]
pub(super) struct Worker {
    busy: Busy,
    number: u64,
}

impl Busy {
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns which lanes may take on an operation now.
    pub(super) fn openings(&self, workers: Workers) -> Openings {
        workers.openings(self.lock().lanes.values())
    }

    /// Records that a worker begins an operation of this lane.
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
