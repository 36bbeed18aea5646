//! What becomes of a request that writes: never sent, answered or lost. The host knows, so no adapter has to guess.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    adapters::{JournalError, steps::CallSteps},
    domain::step::SentRequest,
};

/// Shut when the call ends: a request that was still being prepared is not sent afterwards.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<bool>);

impl Default for Gate {
    fn default() -> Self {
        Self(Mutex::new(true))
    }
}

impl Gate {
    /// Lets nothing through from now on.
    pub(crate) fn shut(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Asks the call's steps whether the request may leave and numbers it, in one, so that a call can't end in between. It must
    /// have begun to leave `within` that time.
    ///
    /// # Errors
    /// Why the request may not leave.
    pub(super) fn leave(&self, steps: &Arc<CallSteps>, within: Duration) -> Result<Leaving, JournalError> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !*open {
            return Err(JournalError::Interrupted("the call has ended".to_owned()));
        }
        steps.may_write(within)?;
        Ok(Leaving { request: steps.sending(), steps: Arc::clone(steps), told: false })
    }
}

/// A request that writes and has left. Dropped without a word, it is lost: its call was cancelled or ran out of time.
#[derive(Debug)]
pub(super) struct Leaving {
    request: u64,
    steps: Arc<CallSteps>,
    told: bool,
}

impl Leaving {
    /// Records what became of it.
    pub(super) fn became(mut self, became: SentRequest) {
        self.told = true;
        self.steps.sent(self.request, became);
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.told {
            self.steps.sent(self.request, SentRequest::Lost);
        }
    }
}
