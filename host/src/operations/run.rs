//! One run of one operation, from its claim to the write that ends or postpones it.
//!
//! - `prepare`: plans again, compares with what was approved, and freezes the inputs of the
//!   operation.
//! - `prepared`: these inputs as a value that has everything the legs need.
//! - `doubts`: how long the run must wait before a lookup is believed.
//! - `legs`: runs the legs concurrently.
//! - `undo`: cancels what a create has made if it fails after all.
//! - `finish`: ends the operation.
//! - `pause`: retries later, hands the operation back, or waits for a person.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    adapters::JournalError,
    domain::{
        disclosure::Disclosure,
        failure::{Failure, FailureKind},
        media_buy::MediaBuy,
        operation::{Operation, OperationState},
        time::Timestamp,
    },
    fault,
    operations::{backoff::Backoff, late_results::Journals, lease::Lease, now, runner::Runner},
    store::{Claim, LeaseAfter, Recording, StoreError, Stored, Write},
};

mod doubts;
mod finish;
mod legs;
mod pause;
mod prepare;
mod prepared;
mod undo;

/// How often a row that others changed meanwhile is read again before a run gives up.
const TRIES: u32 = 8;

/// How often a component may break before the operation fails. One trap may be caused by the
/// machine's load, but hardly a second and a third. The number is lower than what opens the
/// adapter's circuit breaker, so that the operation ends with the actual error.
const MAX_FAULTS: u32 = 3;

/// The code with which an adapter reports a step that may have happened and can't be looked up (see
/// `wit/`). It is the only case in which a person's "go on" means that the step has not happened.
const STEP_IN_DOUBT: &str = "step_in_doubt";

/// The time limit of one adapter call, including the ad server's time, whatever `limits.wall_time`
/// of its platform allows.
const CALL_TIME: Duration = Duration::from_secs(3_600);

/// Why a run stopped without recording an end. Another run continues from its journal.
#[derive(Debug, thiserror::Error)]
pub enum Interruption {
    /// The store could not be used, the lease is lost, or the stored operation is invalid.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Interruption {
    /// Returns whether the cause is a temporary failure of the database. That says nothing about
    /// the operation, which has not crashed the host either.
    pub fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.passes(),
            Self::Journal(error) => matches!(error, JournalError::Unavailable(_)),
        }
    }
}

/// One run of an operation.
#[derive(Debug)]
pub struct Run<'a> {
    deps: &'a Runner,
    operation: Stored<Operation>,
    lease: Arc<Lease>,
    journals: Arc<Journals>,
    stop: CancellationToken,
}

impl<'a> Run<'a> {
    /// Returns a run of a claimed operation. The run adds its journals to `journals`, and sends
    /// nothing more once `stop` is cancelled.
    pub fn new(
        deps: &'a Runner,
        claim: Claim,
        lease: Arc<Lease>,
        journals: Arc<Journals>,
        stop: CancellationToken,
    ) -> Self {
        Self { deps, operation: claim.operation, lease, journals, stop }
    }

    /// Carries the operation out as far as possible.
    ///
    /// # Errors
    /// [`Interruption`] if nothing final was recorded.
    #[tracing::instrument(skip_all, fields(operation = %self.operation.value.id, fence = self.lease.fence().number))]
    pub async fn carry_out(mut self) -> Result<(), Interruption> {
        let buy = self.buy().await?;
        let settings = &self.deps.config.operations;
        if self.operation.value.claims > settings.max_claims {
            let claims = self.operation.value.claims - 1;
            let reason = format!(
                "it was begun {claims} times and never came to an end, as if it stopped the host each time: look at the logs, then \
                 approve to have it tried again"
            );
            let told = Disclosure::apart(
                "it was begun several times and never came to an end: somebody at the publisher finds out",
                reason,
            );
            return self.park(told).await;
        }
        let steps = self.deps.store.steps(&self.operation.value.id).await?;
        if !self.catch_up(&buy.value, &steps).await? {
            return Ok(());
        }
        self.drop_lapsed_approvals(&steps).await?;
        let Some(prepared) = self.prepared(&buy).await? else { return Ok(()) };
        if let Some(at) = self.lookups_trusted_from(&prepared, &steps).await? {
            return self.hand_back(at).await;
        }
        match self.operation.value.undoing.clone() {
            Some(failure) => self.undo(&prepared, failure, buy, &steps).await,
            None => self.forward(&prepared, buy, &steps).await,
        }
    }

    async fn buy(&self) -> Result<Stored<MediaBuy>, Interruption> {
        let id = &self.operation.value.buy;
        let found = self.deps.store.buy(id).await?;
        found.ok_or_else(|| self.corrupt(&format!("its media buy {id} is not there")))
    }

    /// Returns the error for a stored operation that can't be valid.
    fn corrupt(&self, what: &str) -> Interruption {
        StoreError::Corrupt(format!("operation {}: {what}", self.operation.value.id)).into()
    }

    fn become_state(&mut self, next: OperationState, at: Timestamp) -> Result<(), Interruption> {
        let moved = self.operation.value.become_state(next, at);
        moved.map_err(|from| self.corrupt(&format!("it is {from}, and a worker has it")))
    }

    fn backoff(&self) -> Backoff {
        let settings = &self.deps.config.operations;
        Backoff { initial: settings.backoff_initial, max: settings.backoff_max }
    }

    /// Returns whether a temporary failure may be retried. The first one always may, because the
    /// operation had not been tried before, though it may have waited for long.
    fn may_retry(&self, failure: &Failure) -> bool {
        let operation = &self.operation.value;
        let faults_left = failure.kind != FailureKind::Fault || operation.faults < MAX_FAULTS;
        faults_left && (operation.attempts == 0 || now() < operation.deadline)
    }

    /// Writes the operation and the rest of the recording under the fence.
    async fn write(&mut self, recording: Recording, lease: LeaseAfter) -> Result<(), Interruption> {
        let recording =
            recording.by_worker(self.lease.fence().clone(), lease).with(Write::Operation(self.operation.clone()));
        fault::point("record.before");
        self.deps.store.record(recording).await?;
        fault::point("record.after");
        self.operation.version += 1;
        Ok(())
    }
}
