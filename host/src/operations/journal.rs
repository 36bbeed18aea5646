//! The durable record of an operation's steps on one platform.
//!
//! What adapters see as `steps` ends here. A step that is finished is written with the next step that begins, or when the call
//! ends: until then nothing is sent that could need it, because a request that writes needs an open step.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    adapters::{Begun, JournalError, StepJournal},
    domain::{
        id::{MediaBuyId, PlatformName},
        media_buy::RemoteObject,
        step::{self, SentRequest, Step, StepState},
        time::Timestamp,
    },
    fault,
    operations::{lease::Lease, now},
    store::{FinishedStep, JournalWrite, RemoteChange, Store, StoreError},
};

/// How much of a step's outcome is told in words, in characters.
const MOST_OF_AN_OUTCOME: usize = 200;

/// The step that is open.
#[derive(Debug)]
struct OpenStep {
    name: String,
    was_in_doubt: bool,
    /// Requests by the number that they were given.
    requests: BTreeMap<u64, SentRequest>,
}

/// What is not written yet, and the open step.
#[derive(Debug, Default)]
struct Pages {
    open: Option<OpenStep>,
    /// How many requests were numbered. No two of a call have one number: an answer may come when another step is open.
    requests: u64,
    /// Whether a step was finished that an earlier run had not finished.
    progressed: bool,
    finished: Vec<FinishedStep>,
    remote: Vec<RemoteChange>,
}

/// The journal of one call.
#[derive(Debug)]
pub struct OperationJournal {
    store: Arc<dyn Store>,
    lease: Arc<Lease>,
    buy: MediaBuyId,
    platform: PlatformName,
    /// Put before each step's name, so that undoing has steps of its own.
    prefix: &'static str,
    /// When the database was restored from a copy, if the operation is older than that: what the copy takes for not begun may have been
    /// carried out since.
    restored_at: Option<Timestamp>,
    pages: Mutex<Pages>,
}

impl OperationJournal {
    /// A journal for one call on one platform.
    pub fn new(
        store: Arc<dyn Store>,
        lease: Arc<Lease>,
        buy: MediaBuyId,
        platform: PlatformName,
        prefix: &'static str,
        restored_at: Option<Timestamp>,
    ) -> Self {
        Self { store, lease, buy, platform, prefix, restored_at, pages: Mutex::new(Pages::default()) }
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
            write.settled = pages.open.as_ref().map(|open| {
                let requests: Vec<SentRequest> = open.requests.values().copied().collect();
                (format!("{}{}", self.prefix, open.name), step::after_failure(open.was_in_doubt, &requests))
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
            write.begin = Some((name, reference));
            write
        };
        fault::point("journal.begin.before");
        let before = self.commit(write).await?;
        fault::point("journal.begin.after");
        let before =
            before.ok_or_else(|| JournalError::Interrupted("the store did not answer about the step".to_owned()))?;
        // What is known to be fresh is known from after the copy, or only from before it.
        let doubted = self.restored_at.is_some_and(|restored_at| before.begun_at <= restored_at);
        let begun = match (before.state, before.outcome) {
            (StepState::Done, outcome) => return Ok(Begun::Done(outcome.unwrap_or_default())),
            (StepState::Fresh, _) if !doubted => Begun::Fresh(before.reference),
            (StepState::Fresh | StepState::Open, _) => Begun::InDoubt(before.reference),
        };
        let was_in_doubt = matches!(begun, Begun::InDoubt(_));
        self.pages().open = Some(OpenStep { name: name.to_owned(), was_in_doubt, requests: BTreeMap::new() });
        Ok(begun)
    }

    async fn absent(&self, name: &str) -> Result<(), JournalError> {
        let mut pages = self.pages();
        match &mut pages.open {
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
                pages.finished.push(FinishedStep { name: format!("{}{name}", self.prefix), outcome });
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

    fn may_write(&self) -> Result<(), JournalError> {
        if self.pages().open.is_none() {
            return Err(JournalError::Misuse(
                "a request that writes was made outside of a step: wrap it in a step of its own".to_owned(),
            ));
        }
        if !self.lease.holds() {
            return Err(JournalError::Interrupted("the lease ran out".to_owned()));
        }
        Ok(())
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
