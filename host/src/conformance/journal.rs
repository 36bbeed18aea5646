//! A journal in memory that outlives the calls that write to it, as the host's database does, and
//! that can die at any of its commits.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    adapters::{Begun, JournalError, StepJournal},
    domain::{
        id::{OperationId, PlatformName},
        media_buy::RemoteObject,
        step::{self, OpenStep, SentRequest, Step, StepState},
        time::Timestamp,
    },
};

#[derive(Debug)]
struct Kept {
    state: StepState,
    outcome: Vec<u8>,
}

#[derive(Debug, Default)]
struct Inner {
    steps: BTreeMap<String, Kept>,
    objects: Vec<RemoteObject>,
    /// The names of the steps that the current run has begun, in order.
    begun: Vec<String>,
    /// The requests that the current run has sent within steps, with their steps.
    sent: Vec<(String, SentRequest)>,
    /// How many commits the current run has come to.
    commits: usize,
    /// The commit at which the host dies: an even number before it, an odd one after it.
    dies_at: Option<usize>,
    /// What it died at, in words.
    died: Option<String>,
}

/// The journal of one operation.
#[derive(Debug)]
pub(super) struct KitJournal {
    operation: OperationId,
    platform: PlatformName,
    inner: Mutex<Inner>,
}

impl KitJournal {
    /// Creates the journal of an operation on a buy of which these objects are known.
    pub(super) fn new(operation: OperationId, platform: PlatformName, objects: Vec<RemoteObject>) -> Arc<Self> {
        Arc::new(Self { operation, platform, inner: Mutex::new(Inner { objects, ..Inner::default() }) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn operation(&self) -> &OperationId {
        &self.operation
    }

    /// Begins another run, on a host that dies at the given commit.
    pub(super) fn next_run(&self, dies_at: Option<usize>) {
        let mut inner = self.inner();
        *inner = Inner {
            dies_at,
            steps: std::mem::take(&mut inner.steps),
            objects: std::mem::take(&mut inner.objects),
            ..Inner::default()
        };
    }

    /// Lets the host die now. Nothing is recorded any more.
    pub(super) fn kill(&self, at: impl Into<String>) {
        self.inner().died.get_or_insert(at.into());
    }

    /// Returns where the host died in this run, if it did.
    pub(super) fn died(&self) -> Option<String> {
        self.inner().died.clone()
    }

    /// Returns the number of places of the current run at which a host can die: two for each commit.
    pub(super) fn places(&self) -> usize {
        self.inner().commits
    }

    pub(super) fn objects(&self) -> Vec<RemoteObject> {
        self.inner().objects.clone()
    }

    /// Returns the names of the steps that the current run has begun, in order.
    pub(super) fn begun(&self) -> Vec<String> {
        self.inner().begun.clone()
    }

    /// Returns how many writes the current run has sent.
    pub(super) fn writes(&self) -> usize {
        self.inner().sent.len()
    }

    /// Returns the names of the steps in which the current run has written.
    pub(super) fn wrote_in(&self) -> Vec<String> {
        let mut names: Vec<String> = self.inner().sent.iter().map(|(name, _)| name.clone()).collect();
        names.dedup();
        names
    }

    /// Returns the steps that are recorded and may have happened.
    pub(super) fn steps(&self) -> Vec<Step> {
        let inner = self.inner();
        let happened = inner.steps.iter().filter(|(_, kept)| kept.state != StepState::Fresh);
        let step = |(name, kept): (&String, &Kept)| Step {
            operation: self.operation.clone(),
            platform: self.platform.clone(),
            name: name.clone(),
            reference: step::reference(&self.operation, &self.platform, name),
            state: kept.state,
            outcome: (kept.state == StepState::Done).then(|| kept.outcome.clone()),
            begun_at: Timestamp::NEVER,
            sent_at: None,
            lost: 0,
        };
        happened.map(step).collect()
    }

    /// Passes a place at which the host can die.
    fn place(inner: &mut Inner, what: impl FnOnce() -> String) -> Result<(), JournalError> {
        Self::alive(inner)?;
        let here = inner.commits;
        inner.commits += 1;
        if inner.dies_at == Some(here) {
            inner.died = Some(what());
        }
        Self::alive(inner)
    }

    fn alive(inner: &Inner) -> Result<(), JournalError> {
        match &inner.died {
            None => Ok(()),
            Some(_) => Err(JournalError::Interrupted("the host was killed".to_owned())),
        }
    }
}

#[async_trait]
impl StepJournal for KitJournal {
    async fn begin(&self, name: &str) -> Result<Begun, JournalError> {
        let mut inner = self.inner();
        inner.begun.push(name.to_owned());
        if let Some(kept) = inner.steps.get(name).filter(|kept| kept.state == StepState::Done) {
            let outcome = kept.outcome.clone();
            Self::alive(&inner)?;
            return Ok(Begun::Done(outcome));
        }
        Self::place(&mut inner, || format!("before the commit of begin({name})"))?;
        let kept = inner.steps.entry(name.to_owned());
        let kept = kept.or_insert_with(|| Kept { state: StepState::Fresh, outcome: Vec::new() });
        let reference = step::reference(&self.operation, &self.platform, name);
        let open = match kept.state {
            StepState::Fresh => OpenStep::fresh(name, reference),
            StepState::Open | StepState::Done => OpenStep::in_doubt(name, reference),
        };
        kept.state = StepState::Open;
        match Self::place(&mut inner, || format!("after the commit of begin({name})")) {
            Ok(()) => Ok(Begun::Open(open)),
            Err(killed) => Err(killed),
        }
    }

    async fn finish(&self, open: OpenStep, outcome: Vec<u8>) -> Result<(), JournalError> {
        let mut inner = self.inner();
        let name = open.name().to_owned();
        inner.sent.extend(open.requests().map(|sent| (name.clone(), sent)));
        Self::place(&mut inner, || format!("before the commit of finish({name})"))?;
        inner.steps.insert(name.clone(), Kept { state: StepState::Done, outcome });
        Self::place(&mut inner, || format!("after the commit of finish({name})"))
    }

    fn leave(&self, open: OpenStep) {
        let mut inner = self.inner();
        let name = open.name().to_owned();
        inner.sent.extend(open.requests().map(|sent| (name.clone(), sent)));
        // A host that died has recorded nothing since the step began.
        if inner.died.is_none()
            && let (Some(kept), Some(state)) = (inner.steps.get_mut(&name), open.state_when_left())
        {
            kept.state = state;
        }
    }

    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError> {
        let mut inner = self.inner();
        let what = format!("remember({} {:?})", object.kind, object.key);
        Self::place(&mut inner, || format!("before the commit of {what}"))?;
        inner.objects.retain(|known| known.kind != object.kind || known.key != object.key);
        inner.objects.push(object);
        Self::place(&mut inner, || format!("after the commit of {what}"))
    }

    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError> {
        let mut inner = self.inner();
        let what = format!("forget({} {:?})", object.kind, object.key);
        Self::place(&mut inner, || format!("before the commit of {what}"))?;
        inner.objects.retain(|known| *known != object);
        Self::place(&mut inner, || format!("after the commit of {what}"))
    }

    fn may_write(&self, _leaves_within: Duration) -> Result<(), JournalError> {
        Self::alive(&self.inner())
    }
}
