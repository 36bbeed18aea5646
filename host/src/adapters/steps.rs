//! The host's side of `steps`: the rules that the contract names, over the caller's [`StepJournal`].
//!
//! [`StepJournal`]: super::StepJournal

use flightdeck_bindings::v0_1::flightdeck::ad_server::{
    steps::{Host, State},
    types::{self, RemoteObject},
};

use super::{
    Begun, Journal, JournalError, contract,
    sandbox::CallState,
    verdict::Verdict,
    waiting::{For, Wait, Waiting},
};

/// Bytes of a step's name.
const NAME_BYTES: usize = 200;

/// Bytes of a step's outcome.
const OUTCOME_BYTES: usize = 64 * 1024;

/// Bytes of a remote object's key and of its id.
const REMOTE_BYTES: usize = 1_000;

/// Steps and remembered objects of one call: a buy of 100 packages with 10 creatives each takes some 3,000. Each is a
/// row in the database.
const RECORDS: u32 = 20_000;

/// A journal's refusal on its way through the guest's stack, which it ends.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct StepError(pub(crate) JournalError);

/// The steps of one call.
#[derive(Debug)]
pub(crate) struct Steps {
    /// `None` in functions that change nothing.
    journal: Option<Journal>,
    open: Option<String>,
    /// Whether the open step was in doubt when it was begun, and nobody has looked since.
    in_doubt: bool,
    records: u32,
    /// What spoiled the call, if something did.
    verdict: Verdict,
    waiting: Waiting,
}

impl Steps {
    pub(crate) fn new(journal: Option<Journal>, verdict: Verdict, waiting: Waiting) -> Self {
        Self { journal, open: None, in_doubt: false, records: 0, verdict, waiting }
    }

    /// The journal, if this call may use it once more. Until it has answered, the guest waits for the host.
    ///
    /// Once the host itself has refused something, nothing more is recorded: a guest may take the refusal for the ad
    /// server's and would write it down as the step's outcome for good.
    fn journal(&mut self, function: &str) -> Result<(Journal, Wait), StepError> {
        if self.verdict.get().is_some() {
            return Err(StepError(JournalError::Interrupted("the call has failed already".to_owned())));
        }
        self.records += 1;
        if self.records > RECORDS {
            return Err(misuse(format!("more than {RECORDS} steps and objects in one call")));
        }
        let journal = self.journal.clone();
        let journal =
            journal.ok_or_else(|| misuse(format!("`{function}` outside of a function that changes something")))?;
        Ok((journal, self.waiting.begin(For::Host)))
    }

    async fn begin(&mut self, name: String) -> Result<State, StepError> {
        let (journal, _waits) = self.journal("begin")?;
        if let Some(open) = &self.open {
            return Err(misuse(format!("`{name}` was begun while `{open}` was open; finish it first")));
        }
        if name.is_empty() || name.len() > NAME_BYTES {
            return Err(misuse(format!("a step's name has 1 to {NAME_BYTES} bytes, this one has {}", name.len())));
        }
        let begun = journal.begin(&name).await.map_err(StepError)?;
        self.in_doubt = matches!(begun, Begun::InDoubt(_));
        Ok(match begun {
            Begun::Fresh(reference) => {
                self.open = Some(name);
                State::Fresh(reference)
            }
            Begun::InDoubt(reference) => {
                self.open = Some(name);
                State::InDoubt(reference)
            }
            Begun::Done(outcome) => State::Done(outcome),
        })
    }

    async fn absent(&mut self, name: String) -> Result<(), StepError> {
        let (journal, _waits) = self.journal("absent")?;
        if self.open.as_deref() != Some(name.as_str()) || !self.in_doubt {
            return Err(misuse(format!("`{name}` was said not to have happened, but is no open step in doubt")));
        }
        journal.absent(&name).await.map_err(StepError)?;
        self.in_doubt = false;
        Ok(())
    }

    async fn finish(&mut self, name: String, outcome: Vec<u8>) -> Result<(), StepError> {
        let (journal, _waits) = self.journal("finish")?;
        if self.open.as_deref() != Some(name.as_str()) {
            let open = self.open.as_deref().unwrap_or("none");
            return Err(misuse(format!("`{name}` was finished, but the open step is {open}")));
        }
        if outcome.len() > OUTCOME_BYTES {
            return Err(misuse(format!(
                "a step's outcome has at most {OUTCOME_BYTES} bytes, this one {}",
                outcome.len()
            )));
        }
        journal.finish(&name, outcome).await.map_err(StepError)?;
        self.open = None;
        Ok(())
    }

    async fn remember(&mut self, object: RemoteObject) -> Result<(), StepError> {
        let (journal, _waits) = self.journal("remember")?;
        journal.remember(checked(object)?).await.map_err(StepError)
    }

    async fn forget(&mut self, object: RemoteObject) -> Result<(), StepError> {
        let (journal, _waits) = self.journal("forget")?;
        journal.forget(checked(object)?).await.map_err(StepError)
    }
}

fn misuse(what: String) -> StepError {
    StepError(JournalError::Misuse(what))
}

fn checked(object: RemoteObject) -> Result<crate::domain::media_buy::RemoteObject, StepError> {
    if object.id.is_empty() || object.id.len() > REMOTE_BYTES || object.key.len() > REMOTE_BYTES {
        return Err(misuse(format!(
            "a remote object has an id of 1 to {REMOTE_BYTES} bytes and a key of at most as many"
        )));
    }
    contract::remote_from_guest(object).map_err(|what| misuse(what.to_owned()))
}

impl types::Host for CallState {}

impl Host for CallState {
    async fn begin(&mut self, name: String) -> wasmtime::Result<State> {
        Ok(self.steps.begin(name).await?)
    }

    async fn absent(&mut self, name: String) -> wasmtime::Result<()> {
        Ok(self.steps.absent(name).await?)
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
