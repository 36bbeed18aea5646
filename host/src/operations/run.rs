//! One run of one operation, from its claim to the write that ends or postpones it.
//!
//! - `prepare`: plans again, compares with what was approved, and fixes what the operation is
//!   carried out with. `prepared`: that, as a value that has everything its legs need.
//! - `doubts`: how long the run must wait before a lookup is believed.
//! - `legs`: runs the legs side by side. `undo`: cancels what a create made that fails after all.
//! - `finish`: ends the operation. `pause`: tries again later, hands it back, or waits for a
//!   person.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    adapters::JournalError,
    domain::{
        failure::{Failure, FailureKind},
        media_buy::MediaBuy,
        operation::{Operation, OperationState},
        time::Timestamp,
        told::Told,
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

/// How often something that others wrote meanwhile is read again before a run gives up.
const TRIES: u32 = 8;

/// How often a component may break before the operation fails: one trap may come from the machine's
/// load, a second and a third hardly. Fewer than open the adapter's circuit breaker, so that the
/// operation ends with what really happened.
const MAX_FAULTS: u32 = 3;

/// The code with which an adapter says that a step may have happened and can't be looked up (see
/// `wit/`): the one case in which a person's "go on" means that it has not.
const STEP_IN_DOUBT: &str = "step_in_doubt";

/// The most that one call of an adapter may take, the ad server's time included, whatever
/// `limits.wall_time` of its platform allows.
const CALL_TIME: Duration = Duration::from_secs(3_600);

/// Why a run stopped without recording an end. Another run goes on from its journal.
#[derive(Debug, thiserror::Error)]
pub enum Interruption {
    /// The store could not be used, the lease is gone, or what is stored can't be right.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Interruption {
    /// Whether it is the database that can't be used now: it says nothing of the operation, which
    /// did not stop the host either.
    pub fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.passes(),
            Self::Journal(error) => matches!(error, JournalError::Unavailable(_)),
        }
    }
}

/// One run.
#[derive(Debug)]
pub struct Run<'a> {
    deps: &'a Runner,
    operation: Stored<Operation>,
    lease: Arc<Lease>,
    journals: Arc<Journals>,
    stop: CancellationToken,
}

impl<'a> Run<'a> {
    /// A run of what was claimed, which enters its journals in `journals`, and lets nothing be sent
    /// any more once `stop` is cancelled.
    pub fn new(
        deps: &'a Runner,
        claim: Claim,
        lease: Arc<Lease>,
        journals: Arc<Journals>,
        stop: CancellationToken,
    ) -> Self {
        Self { deps, operation: claim.operation, lease, journals, stop }
    }

    /// Carries the operation out as far as it gets.
    ///
    /// # Errors
    /// [`Interruption`]: nothing final was recorded.
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
            let told = Told::apart(
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

    /// What is stored of the operation can't be right.
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

    /// Whether a failure that may pass can be waited for. The first one always: until then the
    /// operation was not tried, but may have waited for long.
    fn may_retry(&self, failure: &Failure) -> bool {
        let operation = &self.operation.value;
        let faults_left = failure.kind != FailureKind::Fault || operation.faults < MAX_FAULTS;
        faults_left && (operation.attempts == 0 || now() < operation.deadline)
    }

    /// Writes the operation and whatever else belongs to it, under the fence.
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
