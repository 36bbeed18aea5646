//! The contract's `steps` interface for guests. It bounds sizes; everything else is done by
//! [`CallSteps`].

use std::sync::Arc;

use flightdeck_bindings::v1::flightdeck::ad_server::{
    adapter_types::{self, RemoteObject},
    steps::{Host, State},
};

use super::{CallSteps, FoundStep};
use crate::adapters::{
    JournalError, contract,
    failures::FirstFailure,
    sandbox::CallState,
    wait_times::{Party, WaitClock, WaitGuard},
};

/// Bytes of a step's name.
const NAME_BYTES: usize = 200;

/// Bytes of a step's outcome.
const OUTCOME_BYTES: usize = 64 * 1024;

/// Bytes of a remote object's key and of its id.
const REMOTE_BYTES: usize = 1_000;

/// Maximum steps and remembered objects of one call. A buy of 100 packages with 10 creatives each
/// takes some 3,000. Each is a row in the database.
const RECORDS: u32 = 20_000;

/// A refusal that travels up the guest's stack and ends the call.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct RefusedStep(#[from] pub(crate) JournalError);

/// A guest's view of the steps of its call.
#[derive(Debug)]
pub(crate) struct GuestSteps {
    /// `None` in functions that make no changes.
    steps: Option<Arc<CallSteps>>,
    records: u32,
    /// The call's first failure, if any.
    first_failure: FirstFailure,
    waiting: WaitClock,
}

impl GuestSteps {
    pub(crate) fn new(steps: Option<Arc<CallSteps>>, first_failure: FirstFailure, waiting: WaitClock) -> Self {
        Self { steps, records: 0, first_failure, waiting }
    }

    /// Returns the steps if this call may use them once more. The guest counts as waiting for the
    /// host while it holds the guard.
    ///
    /// Once the host itself has refused something, nothing more is recorded: a guest may mistake
    /// the refusal for the ad server's and record it as the step's permanent outcome.
    fn steps(&mut self, function: &str) -> Result<(Arc<CallSteps>, WaitGuard), RefusedStep> {
        if self.first_failure.get().is_some() {
            return Err(RefusedStep(JournalError::Interrupted("the call has failed already".to_owned())));
        }
        self.records += 1;
        if self.records > RECORDS {
            return Err(misuse(format!("more than {RECORDS} steps and objects in one call")));
        }
        let steps = self.steps.clone();
        let steps =
            steps.ok_or_else(|| misuse(format!("`{function}` outside of a function that changes something")))?;
        Ok((steps, self.waiting.begin(Party::Host)))
    }

    async fn begin(&mut self, name: String) -> Result<State, RefusedStep> {
        let (steps, _waits) = self.steps("begin")?;
        if name.is_empty() || name.len() > NAME_BYTES {
            return Err(misuse(format!("a step's name has 1 to {NAME_BYTES} bytes, this one has {}", name.len())));
        }
        Ok(match steps.begin(&name).await? {
            FoundStep::Fresh(reference) => State::Fresh(reference),
            FoundStep::InDoubt(reference) => State::InDoubt(reference),
            FoundStep::Done(outcome) => State::Done(outcome),
        })
    }

    fn absent(&mut self, name: &str) -> Result<(), RefusedStep> {
        let (steps, _waits) = self.steps("absent")?;
        Ok(steps.absent(name)?)
    }

    async fn finish(&mut self, name: String, outcome: Vec<u8>) -> Result<(), RefusedStep> {
        let (steps, _waits) = self.steps("finish")?;
        if outcome.len() > OUTCOME_BYTES {
            return Err(misuse(format!(
                "a step's outcome has at most {OUTCOME_BYTES} bytes, this one {}",
                outcome.len()
            )));
        }
        Ok(steps.finish(&name, outcome).await?)
    }

    async fn remember(&mut self, object: RemoteObject) -> Result<(), RefusedStep> {
        let (steps, _waits) = self.steps("remember")?;
        Ok(steps.remember(checked(object)?).await?)
    }

    async fn forget(&mut self, object: RemoteObject) -> Result<(), RefusedStep> {
        let (steps, _waits) = self.steps("forget")?;
        Ok(steps.forget(checked(object)?).await?)
    }
}

fn misuse(what: String) -> RefusedStep {
    RefusedStep(JournalError::Misuse(what))
}

fn checked(object: RemoteObject) -> Result<crate::domain::media_buy::RemoteObject, RefusedStep> {
    if object.id.is_empty() || object.id.len() > REMOTE_BYTES || object.key.len() > REMOTE_BYTES {
        return Err(misuse(format!(
            "a remote object has an id of 1 to {REMOTE_BYTES} bytes and a key of at most as many"
        )));
    }
    contract::remote_from_guest(object).map_err(|what| misuse(what.to_owned()))
}

impl adapter_types::Host for CallState {}

impl Host for CallState {
    async fn begin(&mut self, name: String) -> wasmtime::Result<State> {
        Ok(self.steps.begin(name).await?)
    }

    async fn absent(&mut self, name: String) -> wasmtime::Result<()> {
        Ok(self.steps.absent(&name)?)
    }

    async fn finish(&mut self, name: String, outcome: Vec<u8>) -> wasmtime::Result<()> {
        Ok(self.steps.finish(name, outcome).await?)
    }

    async fn remember(&mut self, object: RemoteObject) -> wasmtime::Result<()> {
        Ok(self.steps.remember(object).await?)
    }

    async fn forget(&mut self, object: RemoteObject) -> wasmtime::Result<()> {
        Ok(self.steps.forget(object).await?)
    }
}
