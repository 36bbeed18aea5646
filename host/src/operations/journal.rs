//! The durable record of an operation's steps on one platform.
//!
//! This is what adapters see as `steps`. A finished step is written with the next step that begins,
//! or when the call ends. Until then nothing that could depend on it is sent, because a request
//! that writes needs an open step.
//!
//! If a request of a step in doubt got no answer, it may still be under way inside the ad server.
//! Until that can no longer be ([`Step::believed_from`]), a run may look for what the request made
//! and use what it finds, but can neither conclude that it is absent nor send the request again:
//! [`JournalError::UnderWay`] ends the call, and the operation is run again later.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::{Begun, JournalError, StepJournal},
    domain::{
        id::{MediaBuyId, PlatformName},
        media_buy::RemoteObject,
        step::{self, OpenStep, Patience, SentRequest, Step, StepState, UnderWay},
        time::Timestamp,
    },
    fault,
    operations::{lease::Lease, now},
    store::{FinishedStep, JournalWrite, NewStep, RemoteChange, SettledStep, Store, StoreError},
};

/// How many characters of a step's outcome are shown in words.
const MOST_OF_AN_OUTCOME: usize = 200;

/// What is known, at the beginning of a call, about requests that got no answer. Times are by the
/// clock that judges doubts.
#[derive(Debug, Clone)]
pub struct Doubts {
    /// What may be under way of each known step, by the step's name.
    steps: BTreeMap<String, Option<UnderWay>>,
    /// When the database was restored from a copy, if the operation is older than that. Steps that
    /// the copy shows as not begun may have been carried out since.
    restored: Option<UnderWay>,
    asked: (Instant, Timestamp),
}

impl Doubts {
    /// Returns the doubts about an operation's steps on a platform, as of `now` by the clock that
    /// judges them.
    pub fn new(
        steps: &[Step],
        platform: &PlatformName,
        patience: Patience,
        restored_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let whole = i64::from(patience.lag_ms) + i64::from(patience.processing_ms);
        let restored = restored_at.map(|since| UnderWay { since, until: since.plus_millis(whole) });
        let of_step = |step: &Step| {
            let sent = step.sent_at.zip(step.believed_from(patience)).map(|(since, until)| UnderWay { since, until });
            let forgotten = restored.filter(|restored| step.begun_at <= restored.since);
            sent.into_iter().chain(forgotten).max_by_key(|under_way| under_way.until)
        };
        let mine = steps.iter().filter(|step| &step.platform == platform);
        let steps = mine.map(|step| (step.name.clone(), of_step(step))).collect();
        Self { steps, restored, asked: (Instant::now(), now) }
    }

    fn now(&self) -> Timestamp {
        self.asked.1.plus(self.asked.0.elapsed())
    }

    /// Returns what may still be under way of a step.
    fn of(&self, name: &str) -> Option<UnderWay> {
        let known = self.steps.get(name).copied().unwrap_or(self.restored);
        known.filter(|under_way| under_way.until > self.now())
    }
}

/// What is not written yet.
#[derive(Debug, Default)]
struct Pages {
    finished: Vec<FinishedStep>,
    remote: Vec<RemoteChange>,
    /// The step that the call did not finish.
    left: Option<OpenStep>,
    /// What may be under way of the step that the call left, if that is why it could not go on.
    waits_for: Option<UnderWay>,
    /// Whether something was not sent because the host is stopping.
    stopped: bool,
}

/// The journal of one call.
#[derive(Debug)]
pub struct OperationJournal {
    store: Store,
    lease: Arc<Lease>,
    buy: MediaBuyId,
    platform: PlatformName,
    /// Prefix of each step's name, so that undoing has steps of its own.
    prefix: &'static str,
    doubts: Doubts,
    /// Cancelled when the host stops: nothing new is sent, but answers to requests in flight are
    /// still awaited.
    stop: CancellationToken,
    pages: Mutex<Pages>,
}

impl OperationJournal {
    /// Returns a journal for one call on one platform.
    pub fn new(
        store: Store,
        lease: Arc<Lease>,
        buy: MediaBuyId,
        platform: PlatformName,
        prefix: &'static str,
        doubts: Doubts,
        stop: CancellationToken,
    ) -> Self {
        Self { store, lease, buy, platform, prefix, doubts, stop, pages: Mutex::new(Pages::default()) }
    }

    /// Returns when to look again, if the call could not go on because something may be under way.
    /// The wait is as long as it has been under way so far, so that the intervals double.
    pub fn look_again(&self, lag: Duration) -> Option<Timestamp> {
        let UnderWay { since, until } = self.pages().waits_for?;
        let now = self.doubts.now();
        Some(until.min(now.plus(since.until(now).max(lag))))
    }

    /// Returns whether something was not sent because the host is stopping.
    pub fn was_stopped(&self) -> bool {
        self.pages().stopped
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Nothing panics while it holds the lock, and a poisoned one would still be consistent.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the name of a step in the store.
    fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn write(&self, pages: &Pages) -> JournalWrite {
        JournalWrite {
            fence: self.lease.fence().clone(),
            buy: self.buy.clone(),
            platform: self.platform.clone(),
            at: now(),
            finished: pages.finished.clone(),
            settled: None,
            remote: pages.remote.clone(),
            begin: None,
        }
    }

    /// Writes to the store. If that fails, the contents stay on the pages: they are written with
    /// the next write, or become evidence.
    async fn commit(&self, write: JournalWrite) -> Result<Option<Step>, JournalError> {
        let (finished, remote) = (write.finished.len(), write.remote.len());
        let before = self.store.journal(write).await.map_err(interrupted)?;
        let mut pages = self.pages();
        pages.finished.drain(..finished);
        pages.remote.drain(..remote);
        Ok(before)
    }

    /// Returns in words what was learned and not recorded: what was finished, what was made, and
    /// the answers to the requests of the open step.
    pub fn unrecorded(&self) -> Vec<String> {
        let pages = self.pages();
        let named = |what: String| format!("{}: {what}", self.platform);
        let finished = pages.finished.iter().map(|step| {
            let outcome: String = String::from_utf8_lossy(&step.outcome).chars().take(MOST_OF_AN_OUTCOME).collect();
            named(format!("step {:?} was done: {outcome}", step.name))
        });
        let remote = pages.remote.iter().map(|change| {
            named(match change {
                RemoteChange::Remember(object) => format!("{} {:?} is {}", object.kind, object.key, object.id),
                RemoteChange::Forget(kind, key) => format!("{kind} {key:?} is gone"),
            })
        });
        let left = pages.left.iter().filter_map(|step| {
            let answers: Vec<String> = step
                .requests()
                .filter_map(|request| match request {
                    SentRequest::Answered(status) => Some(status.to_string()),
                    SentRequest::NeverSent | SentRequest::Lost => None,
                })
                .collect();
            let name = self.full_name(step.name());
            (!answers.is_empty())
                .then(|| named(format!("step {name:?} was answered with {} and not finished", answers.join(", "))))
        });
        finished.chain(remote).chain(left).collect()
    }

    /// Writes what is not written yet. Call it when the adapter's call has ended, successfully or
    /// not: it also records what is known of a step that was left open.
    ///
    /// # Errors
    /// [`JournalError::Interrupted`] if the run must stop. The next run finds out what was not
    /// recorded.
    pub async fn close(&self) -> Result<(), JournalError> {
        let write = {
            let pages = self.pages();
            let mut write = self.write(&pages);
            write.settled = pages.left.as_ref().and_then(|step| {
                let (name, lost) = (self.full_name(step.name()), step.may_arrive_late());
                step.state_when_left().map(|state| SettledStep { name, state, lost })
            });
            write
        };
        if write.finished.is_empty() && write.remote.is_empty() && write.settled.is_none() {
            return Ok(());
        }
        fault::point("journal.close.before");
        self.commit(write).await?;
        self.pages().left = None;
        fault::point("journal.close.after");
        Ok(())
    }
}

fn interrupted(error: StoreError) -> JournalError {
    if error.passes() {
        JournalError::Unavailable(error.to_string())
    } else {
        JournalError::Interrupted(error.to_string())
    }
}

#[async_trait]
impl StepJournal for OperationJournal {
    async fn begin(&self, name: &str) -> Result<Begun, JournalError> {
        // Finished steps stay for `close` if nothing can be begun any more.
        if !self.lease.holds() {
            return Err(JournalError::Interrupted("the lease ran out".to_owned()));
        }
        let full_name = self.full_name(name);
        let under_way = self.doubts.of(&full_name);
        let write = {
            let mut write = self.write(&self.pages());
            let name = full_name;
            let reference = step::reference(&write.fence.operation, &self.platform, &name);
            write.begin = Some(NewStep { name, reference, sends: under_way.is_none() });
            write
        };
        fault::point("journal.begin.before");
        let before = self.commit(write).await?;
        fault::point("journal.begin.after");
        let before =
            before.ok_or_else(|| JournalError::Interrupted("the store did not answer about the step".to_owned()))?;
        // Whether the step was last known to be fresh only before the copy was made.
        let doubted = self.doubts.restored.is_some_and(|restored| before.begun_at <= restored.since);
        let step = match (before.state, before.outcome) {
            (StepState::Done, outcome) => return Ok(Begun::Done(outcome.unwrap_or_default())),
            (StepState::Fresh, _) if !doubted => OpenStep::fresh(name, before.reference),
            (StepState::Fresh | StepState::Open, _) => OpenStep::in_doubt(name, before.reference),
        };
        let step = step.under_way(under_way);
        Ok(Begun::Open(if doubted { step.forgotten() } else { step }))
    }

    async fn finish(&self, step: OpenStep, outcome: Vec<u8>) -> Result<(), JournalError> {
        let (name, lost) = (self.full_name(step.name()), step.may_arrive_late());
        self.pages().finished.push(FinishedStep { name, outcome, lost });
        Ok(())
    }

    fn leave(&self, step: OpenStep) {
        let mut pages = self.pages();
        pages.waits_for = step.waits_for();
        pages.left = Some(step);
    }

    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError> {
        self.pages().remote.push(RemoteChange::Remember(object));
        Ok(())
    }

    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError> {
        self.pages().remote.push(RemoteChange::Forget(object.kind, object.key));
        Ok(())
    }

    fn may_write(&self, leaves_within: Duration) -> Result<(), JournalError> {
        if self.stop.is_cancelled() {
            self.pages().stopped = true;
            return Err(JournalError::Unavailable("the host stops".to_owned()));
        }
        if !self.lease.holds_for(leaves_within) {
            return Err(JournalError::Interrupted("the lease runs out before the request would have left".to_owned()));
        }
        Ok(())
    }
}
