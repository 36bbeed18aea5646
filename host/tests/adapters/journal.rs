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
        step::{SentRequest, StepState, after_failure},
    },
};

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) state: StepState,
    pub(crate) reference: String,
    outcome: Vec<u8>,
    /// Of all runs: what became of a request may be told after its run was cut off.
    requests: Vec<SentRequest>,
    /// Where those of the latest run begin.
    from: usize,
    was_in_doubt: bool,
}

impl Step {
    fn latest(&self) -> &[SentRequest] {
        &self.requests[self.from..]
    }
}

#[derive(Debug, Default)]
struct Inner {
    steps: BTreeMap<String, Step>,
    open: Option<String>,
    objects: Vec<RemoteObject>,
    requests: Vec<(String, usize)>,
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
        if let Some(name) = inner.open.take() {
            let step = inner.steps.get_mut(&name).unwrap();
            step.state = after_failure(step.was_in_doubt, step.latest());
        }
    }

    pub(crate) fn state(&self, name: &str) -> StepState {
        self.inner.lock().unwrap().steps[name].state
    }

    pub(crate) fn requests(&self) -> Vec<SentRequest> {
        self.inner.lock().unwrap().steps.values().flat_map(|step| step.latest().to_vec()).collect()
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
            from: 0,
            was_in_doubt: false,
        });
        let begun = match step.state {
            StepState::Done => return Ok(Begun::Done(step.outcome.clone())),
            StepState::Fresh => Begun::Fresh(step.reference.clone()),
            StepState::Open => Begun::InDoubt(step.reference.clone()),
        };
        step.was_in_doubt = step.state == StepState::Open;
        step.state = StepState::Open;
        step.from = step.requests.len();
        inner.open = Some(name.to_owned());
        Ok(begun)
    }

    async fn absent(&self, name: &str) -> Result<(), JournalError> {
        self.lease()?;
        let mut inner = self.inner.lock().unwrap();
        let step = inner.steps.get_mut(name).unwrap();
        step.was_in_doubt = false;
        step.from = step.requests.len();
        Ok(())
    }

    async fn finish(&self, name: &str, outcome: Vec<u8>) -> Result<(), JournalError> {
        self.lease()?;
        let mut inner = self.inner.lock().unwrap();
        inner.open = None;
        let step = inner.steps.get_mut(name).unwrap();
        step.state = StepState::Done;
        step.outcome = outcome;
        Ok(())
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
        self.lease()?;
        match self.inner.lock().unwrap().open {
            Some(_) => Ok(()),
            None => Err(JournalError::Misuse("no step is open".to_owned())),
        }
    }

    fn step_is_open(&self) -> bool {
        self.inner.lock().unwrap().open.is_some()
    }

    fn progressed(&self) -> bool {
        self.inner.lock().unwrap().steps.values().any(|step| step.state == StepState::Done)
    }

    fn sending(&self) -> u64 {
        let mut inner = self.inner.lock().unwrap();
        let name = inner.open.clone().unwrap();
        let requests = &mut inner.steps.get_mut(&name).unwrap().requests;
        requests.push(SentRequest::Lost);
        let place = requests.len() - 1;
        inner.requests.push((name, place));
        inner.requests.len() as u64 - 1
    }

    fn sent(&self, request: u64, became: SentRequest) {
        let mut inner = self.inner.lock().unwrap();
        let (name, place) = inner.requests[usize::try_from(request).unwrap()].clone();
        inner.steps.get_mut(&name).unwrap().requests[place] = became;
    }
}
