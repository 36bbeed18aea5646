//! Durable execution: what was accepted is carried out, once, whatever happens.
//!
//! - [`planning`]: what a change will do on each platform, and the digest that an approval is bound
//!   to.
//! - [`runner`]: claims operations under leases and runs them, so many at a time.
//! - [`run`]: one run of one operation, from its claim to the write that ends or postpones it.
//! - [`journal`]: the durable record of steps that adapters see as `steps`.
//! - [`late_results`]: what a worker learned when its operation was somebody else's already:
//!   evidence, never applied.
//! - [`lease`]: the heartbeat that keeps a claim, and the proof that it still holds; `active_runs`:
//!   what this process carries out, so that it does so once even when the clock jumps.
//! - [`status`]: how buys stand on their ad servers; [`poller`] looks after all open ones;
//!   [`status_cache`]: what was last said, for a moment.
//! - [`events`]: the events, audit lines and history entries that go with changes.
//! - [`tasks`]: the tasks that an operation makes when it needs a person; [`decisions`]: what
//!   becomes of it once somebody has spoken.
//! - [`lookups`]: looks again for what requests made that got no answer, after their operation has
//!   ended.
//! - [`people`]: whose word counts: the tokens that are good, and the people behind them.
//! - [`outcome`]: what an operation that has ended made of its buy.
//! - [`hints`]: what replicas on one database tell each other.
//! - [`replicas`]: what those hosts have in common beside the work: components, paces, breakers.
//! - [`at_rest`]: keys of what lies in the database, and how far the audit log goes.
//! - [`backoff`]: how long to wait before the next try.
//! - [`timers`]: what the clock does: tasks that are late, tasks that expire, keys that may be
//!   forgotten.
//!
//! # Why nothing happens twice
//!
//! A worker writes only under its fence, which a later claim invalidates. An adapter changes
//! something only inside a step whose `begin` is committed. If the worker dies, the next run finds
//! the step open and the adapter looks the step's reference up on the ad server before it makes
//! anything. What was answered with a refusal is known not to have happened; what was answered with
//! nothing may have.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::domain::id::OperationId;

mod active_runs;
pub mod at_rest;
pub mod backoff;
mod busy;
pub mod decisions;
pub mod events;
pub mod hints;
pub mod journal;
pub mod late_results;
pub mod lease;
pub mod lookups;
pub mod outcome;
pub mod people;
pub mod planning;
pub mod poller;
pub mod replicas;
pub mod run;
pub mod runner;
pub mod status;
pub mod status_cache;
pub mod tasks;
pub mod timers;

pub use crate::clock::now;

/// That an operation came to rest: it ended, or waits for a person.
#[derive(Debug, Clone)]
pub struct Rest {
    /// Which one.
    pub operation: OperationId,
    /// Whether this host ran it, as opposed to another one on the same database.
    pub here: bool,
}

/// Who is told of what inside the process. A hint only: whoever waits also looks for itself from
/// time to time.
#[derive(Debug)]
pub struct Signals {
    /// There may be work.
    work: Notify,
    /// There may be work for other replicas, too.
    news: Notify,
    /// Something happened that others may want to hear of.
    happened: Notify,
    /// A buy may stand otherwise on its ad servers than it did.
    changed: Notify,
    rested: broadcast::Sender<Rest>,
    /// Callers that wait for an operation, each woken for its own alone: thousands may wait while
    /// hundreds come to rest.
    waiting: Arc<Waiting>,
    /// The host ends: nobody is to wait any longer.
    stop: CancellationToken,
}

impl Default for Signals {
    fn default() -> Self {
        // A listener that falls behind by more looks at the store instead.
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
    /// Tells every host's runner that there may be work.
    pub fn work(&self) {
        self.work_here();
        self.news.notify_one();
    }

    /// Tells this host's runner that there may be work.
    pub fn work_here(&self) {
        self.work.notify_one();
        self.happened();
    }

    /// Waits for the hint that there may be work.
    pub async fn wait_for_work(&self) {
        self.work.notified().await;
    }

    /// Tells those who send webhooks that something happened.
    pub fn happened(&self) {
        self.happened.notify_one();
    }

    /// Waits until something happened.
    pub async fn wait_for_happenings(&self) {
        self.happened.notified().await;
    }

    /// Waits until there is news for other replicas.
    pub async fn wait_for_news(&self) {
        self.news.notified().await;
    }

    /// Tells those who wait that an operation came to rest.
    pub fn rested(&self, operation: &OperationId) {
        self.changed.notify_one();
        self.tell(operation, true);
    }

    /// Waits until a buy may stand otherwise on its ad servers than it did.
    pub async fn wait_for_changes(&self) {
        self.changed.notified().await;
    }

    /// Tells those who wait that an operation came to rest on another replica.
    pub fn rested_elsewhere(&self, operation: &OperationId) {
        self.tell(operation, false);
    }

    fn tell(&self, operation: &OperationId, here: bool) {
        self.happened();
        if let Some((_, wake)) = self.waiting.all().get(operation) {
            wake.notify_waiters();
        }
        // Nobody listening is fine.
        let _ = self.rested.send(Rest { operation: operation.clone(), here });
    }

    /// Tells those who wait that the host ends.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the host ends.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Listens for one operation that comes to rest, from now on.
    pub fn wait_for(&self, operation: &OperationId) -> Waiter {
        let mut all = self.waiting.all();
        let (count, wake) = all.entry(operation.clone()).or_default();
        *count += 1;
        Waiter { all: self.waiting.clone(), operation: operation.clone(), wake: wake.clone() }
    }

    /// Listens for operations that come to rest.
    pub fn listen(&self) -> broadcast::Receiver<Rest> {
        self.rested.subscribe()
    }
}

/// Who waits for which operations: how many, and what wakes them.
#[derive(Debug, Default)]
struct Waiting(Mutex<HashMap<OperationId, (usize, Arc<Notify>)>>);

impl Waiting {
    fn all(&self) -> MutexGuard<'_, HashMap<OperationId, (usize, Arc<Notify>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for an operation to come to rest.
#[derive(Debug)]
pub struct Waiter {
    all: Arc<Waiting>,
    operation: OperationId,
    wake: Arc<Notify>,
}

impl Waiter {
    /// Ends when the operation comes to rest after this was called, even if it is waited for later.
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
