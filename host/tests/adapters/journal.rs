//! A journal in memory that survives "crashes" of the calls that write to it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use flightdeck::{
    adapters::{Begun, JournalError, StepJournal},
    domain::{
        media_buy::RemoteObject,
        step::{OpenStep, SentRequest, StepState},
    },
};

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) state: StepState,
    pub(crate) reference: String,
    outcome: Vec<u8>,
    /// Of the latest run.
    requests: Vec<SentRequest>,
}

#[derive(Debug, Default)]
struct Inner {
    steps: BTreeMap<String, Step>,
    left: Option<OpenStep>,
    objects: Vec<RemoteObject>,
}

#[derive(Debug, Default)]
pub(crate) struct MemoryJournal {
    inner: Mutex<Inner>,
    pub(crate) lost_lease: AtomicBool,
    /// As a database that does not answer.
    pub(crate) hangs: AtomicBool,
}

impl MemoryJournal {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What the host does when a run has ended without finishing its step.
    pub(crate) fn end_run(&self) {
        let mut inner = self.inner.lock().unwrap();
        if let Some(left) = inner.left.take() {
            let step = inner.steps.get_mut(left.name()).unwrap();
            step.state = left.state_when_left().unwrap();
        }
    }

    pub(crate) fn state(&self, name: &str) -> StepState {
        self.inner.lock().unwrap().steps[name].state
    }

    pub(crate) fn requests(&self) -> Vec<SentRequest> {
        self.inner.lock().unwrap().steps.values().flat_map(|step| step.requests.clone()).collect()
    }

    pub(crate) fn reference(&self, name: &str) -> String {
        self.inner.lock().unwrap().steps[name].reference.clone()
    }

    pub(crate) fn objects(&self) -> Vec<RemoteObject> {
        self.inner.lock().unwrap().objects.clone()
    }

    fn lease(&self) -> Result<(), JournalError> {
        if self.lost_lease.load(Ordering::SeqCst) {
            return Err(JournalError::Interrupted("the lease is gone".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl StepJournal for MemoryJournal {
    async fn begin(&self, name: &str) -> Result<Begun, JournalError> {
        self.lease()?;
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let mut inner = self.inner.lock().unwrap();
        let step = inner.steps.entry(name.to_owned()).or_insert_with(|| Step {
            state: StepState::Fresh,
            reference: uuid::Uuid::now_v7().simple().to_string().split_off(8),
            outcome: Vec::new(),
            requests: Vec::new(),
        });
        let reference = step.reference.clone();
        let open = match step.state {
            StepState::Done => return Ok(Begun::Done(step.outcome.clone())),
            StepState::Fresh => OpenStep::fresh(name, reference),
            StepState::Open => OpenStep::in_doubt(name, reference),
        };
        step.state = StepState::Open;
        step.requests.clear();
        Ok(Begun::Open(open))
    }

    async fn finish(&self, open: OpenStep, outcome: Vec<u8>) -> Result<(), JournalError> {
        if let Err(refused) = self.lease() {
            self.leave(open);
            return Err(refused);
        }
        let mut inner = self.inner.lock().unwrap();
        let step = inner.steps.get_mut(open.name()).unwrap();
        step.requests = open.requests().collect();
        step.state = StepState::Done;
        step.outcome = outcome;
        Ok(())
    }

    fn leave(&self, open: OpenStep) {
        let mut inner = self.inner.lock().unwrap();
        inner.steps.get_mut(open.name()).unwrap().requests = open.requests().collect();
        inner.left = Some(open);
    }

    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError> {
        self.lease()?;
        self.inner.lock().unwrap().objects.push(object);
        Ok(())
    }

    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError> {
        self.lease()?;
        self.inner.lock().unwrap().objects.retain(|known| *known != object);
        Ok(())
    }

    fn may_write(&self, _leaves_within: Duration) -> Result<(), JournalError> {
        self.lease()
    }
}
