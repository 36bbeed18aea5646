//! The durable record of an operation's steps on one platform.
//!
//! What adapters see as `steps` ends here. A step that is finished is written with the next step that begins, or when the call
//! ends: until then nothing is sent that could need it, because a request that writes needs an open step.
//!
//! A step in doubt of which a request got no answer may still be under way inside the ad server. Until that can no longer be
//! ([`Step::believed_from`]), a run may look for what it made and take what it finds, but can't take it for absent nor send it again:
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
        step::{self, Patience, SentRequest, Step, StepState},
        time::Timestamp,
    },
    fault,
    operations::{lease::Lease, now},
    store::{FinishedStep, JournalWrite, NewStep, RemoteChange, SettledStep, Store, StoreError},
};

/// How much of a step's outcome is told in words, in characters.
const MOST_OF_AN_OUTCOME: usize = 200;

/// What may be under way inside the ad server, of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    /// The last moment at which it may have been sent.
    pub since: Timestamp,
    /// From then on a lookup that finds nothing is believed.
    pub until: Timestamp,
}

/// What is known, at the beginning of a call, of requests that got no answer. By the clock that judges doubts.
#[derive(Debug, Clone)]
pub struct Doubts {
    /// Of each step that is known, by its name.
    steps: BTreeMap<String, Option<UnderWay>>,
    /// When the database was restored from a copy, if the operation is older than that: what the copy takes for not begun may have been
    /// carried out since.
    restored: Option<UnderWay>,
    asked: (Instant, Timestamp),
}

impl Doubts {
    /// The doubts about an operation's steps on a platform, at `now` by the clock that judges them.
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

    /// What may still be under way of a step.
    fn of(&self, name: &str) -> Option<UnderWay> {
        let known = self.steps.get(name).copied().unwrap_or(self.restored);
        known.filter(|under_way| under_way.until > self.now())
    }
}

/// The step that is open.
#[derive(Debug)]
struct OpenStep {
    name: String,
    was_in_doubt: bool,
    /// What keeps it from being sent again, or taken for absent.
    under_way: Option<UnderWay>,
    /// What the database has forgotten of it may have been sent.
    forgotten: bool,
    /// Requests by the number that they were given.
    requests: BTreeMap<u64, SentRequest>,
}

impl OpenStep {
    /// Whether something that this run knows of may arrive late.
    fn lost(&self) -> bool {
        self.forgotten || self.requests.values().any(|request| request.may_be_under_way())
    }
}

/// What is not written yet, and the open step.
#[derive(Debug, Default)]
struct Pages {
    open: Option<OpenStep>,
    /// How many requests were numbered. No two of a call have one number: an answer may come when another step is open.
    requests: u64,
    /// Whether a step was finished that an earlier run had not finished.
    progressed: bool,
    /// Why the call can't go on: what may be under way of its open step.
    waits_for: Option<UnderWay>,
    /// The host stops, and something was not sent because of that.
    stopped: bool,
    finished: Vec<FinishedStep>,
    remote: Vec<RemoteChange>,
}

/// The journal of one call.
#[derive(Debug)]
pub struct OperationJournal {
    store: Store,
    lease: Arc<Lease>,
    buy: MediaBuyId,
    platform: PlatformName,
    /// Put before each step's name, so that undoing has steps of its own.
    prefix: &'static str,
    doubts: Doubts,
    /// The host stops: nothing new is sent, and what was sent is listened for.
    stop: CancellationToken,
    pages: Mutex<Pages>,
}

impl OperationJournal {
    /// A journal for one call on one platform.
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

    /// When to look again, if the call could not go on because something may be under way. As long after now as it has been under way
    /// already: what takes twice as long is looked for half as often.
    pub fn look_again(&self, lag: Duration) -> Option<Timestamp> {
        let UnderWay { since, until } = self.pages().waits_for?;
        let now = self.doubts.now();
        Some(until.min(now.plus(since.until(now).max(lag))))
    }

    /// Whether something was not sent because the host stops.
    pub fn was_stopped(&self) -> bool {
        self.pages().stopped
    }

    /// Stops the call at its open step.
    fn waits(pages: &mut Pages, under_way: UnderWay) -> JournalError {
        pages.waits_for = Some(under_way);
        JournalError::UnderWay
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Nothing panics while it holds the lock; a poisoned one would still be consistent.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Writes, and keeps on the pages what could not be written: it is written with what comes next, or is evidence.
    async fn commit(&self, write: JournalWrite) -> Result<Option<Step>, JournalError> {
        let (finished, remote) = (write.finished.len(), write.remote.len());
        let before = self.store.journal(write).await.map_err(interrupted)?;
        let mut pages = self.pages();
        pages.finished.drain(..finished);
        pages.remote.drain(..remote);
        Ok(before)
    }

    /// What was learned and not recorded, in words: what was finished, what was made, and what the requests of the open step were
    /// answered with.
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
        let open = pages.open.iter().filter_map(|open| {
            let answers: Vec<String> = open
                .requests
                .values()
                .filter_map(|request| match request {
                    SentRequest::Answered(status) => Some(status.to_string()),
                    SentRequest::NeverSent | SentRequest::Lost => None,
                })
                .collect();
            let name = format!("{}{}", self.prefix, open.name);
            (!answers.is_empty())
                .then(|| named(format!("step {name:?} was answered with {} and not finished", answers.join(", "))))
        });
        finished.chain(remote).chain(open).collect()
    }

    /// Writes what is not written yet. To be called when the call has ended, well or badly: it also records what is known of a
    /// step that was left open.
    ///
    /// # Errors
    /// [`JournalError::Interrupted`]: the run must stop; what was not recorded is found out by the next one.
    pub async fn close(&self) -> Result<(), JournalError> {
        let write = {
            let pages = self.pages();
            let mut write = self.write(&pages);
            // One in which nothing could be sent stays as it was found.
            let open = pages.open.as_ref().filter(|open| open.under_way.is_none());
            write.settled = open.map(|open| {
                let requests: Vec<SentRequest> = open.requests.values().copied().collect();
                SettledStep {
                    name: format!("{}{}", self.prefix, open.name),
                    state: step::after_failure(open.was_in_doubt, &requests),
                    lost: open.lost(),
                }
            });
            write
        };
        if write.finished.is_empty() && write.remote.is_empty() && write.settled.is_none() {
            return Ok(());
        }
        fault::point("journal.close.before");
        self.commit(write).await?;
        self.pages().open = None;
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
        // What was finished stays for `close` if nothing can be begun any more.
        if !self.lease.holds() {
            return Err(JournalError::Interrupted("the lease ran out".to_owned()));
        }
        let under_way = self.doubts.of(&format!("{}{name}", self.prefix));
        let write = {
            let pages = self.pages();
            if let Some(open) = &pages.open {
                return Err(JournalError::Misuse(format!(
                    "step {name:?} was begun while step {:?} is open: finish one before the next",
                    open.name
                )));
            }
            let mut write = self.write(&pages);
            let name = format!("{}{name}", self.prefix);
            let reference = step::reference(&write.fence.operation, &self.platform, &name);
            write.begin = Some(NewStep { name, reference, sends: under_way.is_none() });
            write
        };
        fault::point("journal.begin.before");
        let before = self.commit(write).await?;
        fault::point("journal.begin.after");
        let before =
            before.ok_or_else(|| JournalError::Interrupted("the store did not answer about the step".to_owned()))?;
        // What is known to be fresh is known from after the copy, or only from before it.
        let doubted = self.doubts.restored.is_some_and(|restored| before.begun_at <= restored.since);
        let begun = match (before.state, before.outcome) {
            (StepState::Done, outcome) => return Ok(Begun::Done(outcome.unwrap_or_default())),
            (StepState::Fresh, _) if !doubted => Begun::Fresh(before.reference),
            (StepState::Fresh | StepState::Open, _) => Begun::InDoubt(before.reference),
        };
        let was_in_doubt = matches!(begun, Begun::InDoubt(_));
        self.pages().open = Some(OpenStep {
            name: name.to_owned(),
            was_in_doubt,
            under_way,
            forgotten: doubted,
            requests: BTreeMap::new(),
        });
        Ok(begun)
    }

    async fn absent(&self, name: &str) -> Result<(), JournalError> {
        let mut pages = self.pages();
        match &mut pages.open {
            Some(OpenStep { name: open, under_way: Some(under_way), .. }) if open == name => {
                let under_way = *under_way;
                Err(Self::waits(&mut pages, under_way))
            }
            Some(open) if open.name == name => {
                // Not written by itself: if this run is cut off, the next one looks again.
                open.was_in_doubt = false;
                open.requests.clear();
                Ok(())
            }
            _ => Err(JournalError::Misuse(format!("step {name:?} was looked up but is not the open step"))),
        }
    }

    async fn finish(&self, name: &str, outcome: Vec<u8>) -> Result<(), JournalError> {
        let mut pages = self.pages();
        match pages.open.take() {
            Some(open) if open.name == name => {
                let lost = open.lost();
                pages.finished.push(FinishedStep { name: format!("{}{name}", self.prefix), outcome, lost });
                pages.progressed = true;
                Ok(())
            }
            open => {
                pages.open = open;
                Err(JournalError::Misuse(format!("step {name:?} was finished but is not the open step")))
            }
        }
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
        let mut pages = self.pages();
        let Some(open) = &pages.open else {
            return Err(JournalError::Misuse(
                "a request that writes was made outside of a step: wrap it in a step of its own".to_owned(),
            ));
        };
        if let Some(under_way) = open.under_way {
            return Err(Self::waits(&mut pages, under_way));
        }
        if self.stop.is_cancelled() {
            pages.stopped = true;
            return Err(JournalError::Unavailable("the host stops".to_owned()));
        }
        if !self.lease.holds_for(leaves_within) {
            return Err(JournalError::Interrupted("the lease runs out before the request would have left".to_owned()));
        }
        Ok(())
    }

    fn step_is_open(&self) -> bool {
        self.pages().open.is_some()
    }

    fn sending(&self) -> u64 {
        let mut pages = self.pages();
        pages.requests += 1;
        let number = pages.requests;
        if let Some(open) = &mut pages.open {
            open.requests.insert(number, SentRequest::Lost);
        }
        number
    }

    fn sent(&self, request: u64, became: SentRequest) {
        let mut pages = self.pages();
        // One that belongs to a step that is over says nothing of the one that is open.
        if let Some(place) = pages.open.as_mut().and_then(|open| open.requests.get_mut(&request)) {
            *place = became;
        }
    }

    fn progressed(&self) -> bool {
        self.pages().progressed
    }
}
