//! Durable execution: every accepted operation is carried out exactly once, whatever happens.
//!
//! - [`accounts`]: reads the account on each platform, and what the configuration names there.
//! - [`planning`]: what a change will do on each platform, and the digest that an approval is bound
//!   to.
//! - [`runner`]: claims operations under leases and runs a limited number at a time.
//! - [`run`]: one run of one operation, from its claim to the write that ends or postpones it.
//! - [`journal`]: the durable record of steps that adapters see as `steps`.
//! - [`late_results`]: what a worker learned after losing its operation: kept as evidence, never
//!   applied.
//! - [`lease`]: the heartbeat that keeps a claim, and the proof that it still holds.
//! - `active_runs`: the operations that this process is running, so that none runs twice even if
//!   the clock jumps.
//! - [`status`]: reads the status of buys from their ad servers.
//! - [`poller`]: polls the status of all open buys.
//! - [`follow_ups`]: what adapters do after somebody else changed something on a platform.
//! - [`status_cache`]: caches the last status for a moment.
//! - [`events`]: the events, audit lines and history entries that go with changes.
//! - [`tasks`]: the tasks that an operation creates when it needs a person.
//! - [`decisions`]: what happens to an operation after a decision.
//! - [`lookups`]: looks up again what unanswered requests may have made, after their operation has
//!   ended.
//! - [`people`]: whose approvals count: the valid tokens, and the people behind them.
//! - [`outcome`]: applies an operation that has ended to the record of its buy.
//! - [`hints`]: exchanges hints between the replicas on one database.
//! - [`releases`]: which release of an adapter serves each platform.
//! - [`replicas`]: shares request rates and circuit breakers between the replicas.
//! - [`setup`]: the configuration that serves, with its adapters, which a reload replaces.
//! - [`at_rest`]: the keys of the database's contents, and reports of the audit log's head.
//! - [`backoff`]: how long to wait before the next try.
//! - [`totals`]: delivery totals of platforms that count nothing else.
//! - [`timers`]: overdue tasks, expired tasks, and the deletion of old rows.
//!
//! # Why nothing happens twice
//!
//! A worker writes only under its fence, which a later claim invalidates. An adapter changes
//! something only inside a step whose `begin` is committed. If the worker dies, the next run finds
//! the step open, and the adapter looks the step's reference up on the ad server before it makes
//! anything. A request that was refused is known not to have happened; a request without an answer
//! may have.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::domain::id::OperationId;

pub mod accounts;
mod active_runs;
pub mod at_rest;
pub mod backoff;
mod busy;
pub mod checklist;
pub mod decisions;
pub mod events;
pub mod follow_ups;
pub mod hints;
pub mod journal;
pub mod late_results;
pub mod lease;
pub mod lookups;
pub mod outcome;
pub mod people;
pub mod planning;
pub mod poller;
pub mod provenance;
pub mod releases;
pub mod replicas;
pub mod run;
pub mod runner;
pub mod setup;
pub mod status;
pub mod status_cache;
pub mod tasks;
pub mod timers;
pub mod totals;

pub use crate::clock::now;

/// A notice that an operation came to rest: it ended, or is waiting for a person.
#[derive(Debug, Clone)]
pub struct Rest {
    /// The operation that came to rest.
    pub operation: OperationId,
    /// Whether this host ran the operation, as opposed to another one on the same database.
    pub here: bool,
}

/// Signals between the tasks of this process. They are only hints: every waiting task also polls.
#[derive(Debug)]
pub struct Signals {
    /// There may be work.
    work: Notify,
    /// There may be work for other replicas, too.
    news: Notify,
    /// There may be events to deliver.
    happened: Notify,
    /// The status of a buy on its ad servers may have changed.
    changed: Notify,
    rested: broadcast::Sender<Rest>,
    /// The callers that wait for an operation. Each is woken only for its own, because thousands
    /// may wait while hundreds come to rest.
    waiting: Arc<Waiting>,
    /// The host is stopping, so all waits end.
    stop: CancellationToken,
}

impl Default for Signals {
    fn default() -> Self {
        // A listener that falls further behind looks in the store instead.
        let (rested, _) = broadcast::channel(1_024);
        Self {
            work: Notify::new(),
            news: Notify::new(),
            happened: Notify::new(),
            changed: Notify::new(),
            rested,
            waiting: Arc::default(),
            stop: CancellationToken::new(),
        }
    }
}

impl Signals {
    /// Signals to the runners of all hosts that there may be work.
    pub fn work(&self) {
        self.work_here();
        self.news.notify_one();
    }

    /// Signals to this host's runner that there may be work.
    pub fn work_here(&self) {
        self.work.notify_one();
        self.happened();
    }

    /// Waits for a signal that there may be work.
    pub async fn wait_for_work(&self) {
        self.work.notified().await;
    }

    /// Signals to the dispatcher of webhooks that there may be events to deliver.
    pub fn happened(&self) {
        self.happened.notify_one();
    }

    /// Waits for a signal that there may be events to deliver.
    pub async fn wait_for_happenings(&self) {
        self.happened.notified().await;
    }

    /// Waits for a signal that there may be work for other replicas.
    pub async fn wait_for_news(&self) {
        self.news.notified().await;
    }

    /// Signals to waiting callers that an operation came to rest on this host.
    pub fn rested(&self, operation: &OperationId) {
        self.changed.notify_one();
        self.tell(operation, true);
    }

    /// Waits for a signal that the status of a buy on its ad servers may have changed.
    pub async fn wait_for_changes(&self) {
        self.changed.notified().await;
    }

    /// Signals to waiting callers that an operation came to rest on another replica.
    pub fn rested_elsewhere(&self, operation: &OperationId) {
        self.tell(operation, false);
    }

    fn tell(&self, operation: &OperationId, here: bool) {
        self.happened();
        if let Some((_, wake)) = self.waiting.all().get(operation) {
            wake.notify_waiters();
        }
        // No listeners is fine.
        let _ = self.rested.send(Rest { operation: operation.clone(), here });
    }

    /// Signals that the host is stopping.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the host is stopping.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Registers to be woken when one operation comes to rest from now on.
    pub fn wait_for(&self, operation: &OperationId) -> Waiter {
        let mut all = self.waiting.all();
        let (count, wake) = all.entry(operation.clone()).or_default();
        *count += 1;
        Waiter { all: self.waiting.clone(), operation: operation.clone(), wake: wake.clone() }
    }

    /// Subscribes to all operations that come to rest.
    pub fn listen(&self) -> broadcast::Receiver<Rest> {
        self.rested.subscribe()
    }
}

/// The number of waiters of each operation, and what wakes them.
#[derive(Debug, Default)]
struct Waiting(Mutex<HashMap<OperationId, (usize, Arc<Notify>)>>);

impl Waiting {
    fn all(&self) -> MutexGuard<'_, HashMap<OperationId, (usize, Arc<Notify>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller's registration to be woken when an operation comes to rest.
#[derive(Debug)]
pub struct Waiter {
    all: Arc<Waiting>,
    operation: OperationId,
    wake: Arc<Notify>,
}

impl Waiter {
    /// Returns a future that completes when the operation comes to rest after this call, even if it
    /// is first polled later.
    pub fn rested(&self) -> impl Future<Output = ()> + '_ {
        let mut woken = Box::pin(self.wake.notified());
        woken.as_mut().enable();
        woken
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut all = self.all.all();
        if let Some((count, _)) = all.get_mut(&self.operation) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.operation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_an_operation_hears_of_it_and_of_no_other() {
        let signals = Signals::default();
        let waiters: Vec<Waiter> = ["one", "one", "two"].map(|id| signals.wait_for(&OperationId::from(id))).into();
        let mut heard: Vec<_> = waiters.iter().map(|waiter| Box::pin(waiter.rested())).collect();
        signals.rested(&OperationId::from("one"));
        let mut woken = Vec::new();
        for heard in &mut heard {
            woken.push(futures::poll!(heard).is_ready());
        }
        assert_eq!(woken, [true, true, false]);
        signals.rested_elsewhere(&OperationId::from("two"));
        heard.remove(2).await;
        drop(heard);
        drop(waiters);
        assert!(signals.waiting.all().is_empty(), "nobody is remembered who does not wait");
    }
}
