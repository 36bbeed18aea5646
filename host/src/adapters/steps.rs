//! The steps of one call, on top of its journal. The guest's functions, its requests and the check
//! of its answer share them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Begun, Journal, JournalError};
use crate::domain::{
    media_buy::{RemoteKind, RemoteObject},
    step::{SentRequest, StepSequence},
};

mod guest;

pub(crate) use guest::{GuestSteps, RefusedStep};

/// The state of a step when a guest begins it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundStep {
    /// It never happened: carry it out, with this reference on the remote object.
    Fresh(String),
    /// It may have happened: look the reference up first.
    InDoubt(String),
    /// It happened; this is its outcome.
    Done(Vec<u8>),
}

/// The steps of one call that makes changes.
#[derive(Debug)]
pub struct CallSteps {
    journal: Journal,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    sequence: StepSequence,
    /// Remote objects known to exist, from before the call and from it.
    known: BTreeSet<(RemoteKind, String)>,
    /// Whether a step was finished, so that another call would get further.
    progressed: bool,
}

/// Returns the open step to the journal when the call ends, even if its future is dropped.
#[derive(Debug)]
pub(super) struct LeaveOnDrop(Arc<CallSteps>);

impl Drop for LeaveOnDrop {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl CallSteps {
    /// Creates the steps of a call. `remote` lists the objects known to exist before it.
    pub fn new(journal: Journal, remote: &[RemoteObject]) -> Arc<Self> {
        let known = remote.iter().map(|object| (object.kind, object.key.clone())).collect();
        let state = State { sequence: StepSequence::default(), known, progressed: false };
        Arc::new(Self { journal, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn leave_on_drop(self: &Arc<Self>) -> LeaveOnDrop {
        LeaveOnDrop(Arc::clone(self))
    }

    /// Begins a step.
    ///
    /// # Errors
    /// When another step is open, the call has begun a step of this name, or the journal refuses.
    pub async fn begin(&self, name: &str) -> Result<FoundStep, JournalError> {
        self.state().sequence.may_begin(name)?;
        let step = match self.journal.begin(name).await? {
            Begun::Done(outcome) => return Ok(FoundStep::Done(outcome)),
            Begun::Open(step) => step,
        };
        let reference = step.reference().to_owned();
        let found = if step.is_in_doubt() { FoundStep::InDoubt(reference) } else { FoundStep::Fresh(reference) };
        self.state().sequence.begin(step);
        Ok(found)
    }

    /// Records that the open step was looked up and did not happen. This is not persisted: if this
    /// run is cut off, the next one looks again.
    ///
    /// # Errors
    /// When the step is not open and in doubt, or may still be under way.
    pub fn absent(&self, name: &str) -> Result<(), JournalError> {
        Ok(self.state().sequence.absent(name)?)
    }

    /// Finishes the open step.
    ///
    /// # Errors
    /// When the step is not the open one, or the journal refuses.
    pub async fn finish(&self, name: &str, outcome: Vec<u8>) -> Result<(), JournalError> {
        let step = {
            let sequence = &mut self.state().sequence;
            sequence.may_finish(name)?;
            sequence.take()
        };
        if let Some(step) = step {
            self.journal.finish(step, outcome).await?;
            self.state().progressed = true;
        }
        Ok(())
    }

    /// Returns the open step to the journal, if there is one.
    pub fn leave(&self) {
        let left = self.state().sequence.take();
        if let Some(step) = left {
            self.journal.leave(step);
        }
    }

    /// Records that an object belongs to the buy.
    ///
    /// # Errors
    /// When the journal refuses.
    pub async fn remember(&self, object: RemoteObject) -> Result<(), JournalError> {
        let known = (object.kind, object.key.clone());
        self.journal.remember(object).await?;
        self.state().known.insert(known);
        Ok(())
    }

    /// Records that an object no longer exists.
    ///
    /// # Errors
    /// When the journal refuses.
    pub async fn forget(&self, object: RemoteObject) -> Result<(), JournalError> {
        let known = (object.kind, object.key.clone());
        self.journal.forget(object).await?;
        self.state().known.remove(&known);
        Ok(())
    }

    /// Checks that a request that writes may be sent now: a step is open, none of its requests may
    /// be under way, and the journal permits it. See
    /// [`StepJournal::may_write`](super::StepJournal::may_write).
    ///
    /// # Errors
    /// When the request may not be sent, with the reason.
    pub fn may_write(&self, leaves_within: Duration) -> Result<(), JournalError> {
        self.state().sequence.may_send()?;
        self.journal.may_write(leaves_within)
    }

    /// Numbers a request that writes and is about to leave. It counts as lost until
    /// [`CallSteps::sent`] says otherwise.
    pub fn sending(&self) -> u64 {
        self.state().sequence.sending()
    }

    /// Records the result of a request.
    pub fn sent(&self, request: u64, became: SentRequest) {
        self.state().sequence.sent(request, became);
    }

    /// Returns whether a step is open.
    pub(super) fn step_is_open(&self) -> bool {
        self.state().sequence.open().is_some()
    }

    /// Returns the name of the open step, if it may have happened.
    pub(super) fn open_step_that_may_have_happened(&self) -> Option<String> {
        let state = self.state();
        let open = state.sequence.open().filter(|open| open.may_have_happened())?;
        Some(open.name().to_owned())
    }

    /// Returns whether an object is known to exist.
    pub(super) fn knows(&self, kind: RemoteKind, key: &str) -> bool {
        self.state().known.contains(&(kind, key.to_owned()))
    }

    /// Returns whether the call has finished a step, so that another one would get further.
    pub fn progressed(&self) -> bool {
        self.state().progressed
    }
}
