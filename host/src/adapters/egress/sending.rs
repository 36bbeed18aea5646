//! Tracks the result of each request that writes: never sent, answered or lost. The host knows, so
//! no adapter has to guess.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    adapters::{JournalError, steps::CallSteps},
    domain::step::SentRequest,
};

/// Closed when the call ends, so that a request still being prepared is not sent afterwards.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<bool>);

impl Default for Gate {
    fn default() -> Self {
        Self(Mutex::new(true))
    }
}

impl Gate {
    /// Closes the gate for good.
    pub(crate) fn shut(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Checks with the call's steps that the request may leave, and numbers it, atomically, so that
    /// the call can't end in between. The request must begin to leave within the time `within`.
    ///
    /// # Errors
    /// When the request may not leave, with the reason.
    pub(super) fn leave(&self, steps: &Arc<CallSteps>, within: Duration) -> Result<Leaving, JournalError> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !*open {
            return Err(JournalError::Interrupted("the call has ended".to_owned()));
        }
        steps.may_write(within)?;
        Ok(Leaving { request: steps.sending(), steps: Arc::clone(steps), told: false })
    }
}

/// A request that writes and has left. Dropped without [`Leaving::became`], it counts as lost: its
/// call was cancelled or ran out of time.
#[derive(Debug)]
pub(super) struct Leaving {
    request: u64,
    steps: Arc<CallSteps>,
    told: bool,
}

impl Leaving {
    /// Records the request's result.
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
