//! Claims operations under leases and runs a limited number at a time for each ad server. If a run
//! is interrupted, its operation is handed back, so that nobody has to wait until the lease
//! expires.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    adapters::Adapters,
    config::Config,
    domain::{
        lane::{Lane, Openings},
        operation::OperationState,
        time::Timestamp,
    },
    metrics::{RUN_SECONDS, RUNS, Watch},
    operations::{
        Signals,
        active_runs::{ActiveRun, ActiveRuns},
        backoff::Backoff,
        busy::Busy,
        late_results::{self, Journals},
        lease::Lease,
        now,
        run::Run,
        setup::{LiveSetup, Setup},
    },
    store::{Author, Claim, LeaseAfter, Recording, Store, StoreError, Write},
};

/// The longest wait before the runner looks for work by itself, in case another replica's hint got
/// lost.
const POLL: Duration = Duration::from_secs(1);

/// The shortest wait. An operation that is due but could not be claimed is being claimed by
/// somebody else.
const SOONEST: Duration = Duration::from_millis(5);

/// How long the runner waits after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a run that lost its lease may still wait for answers. It can neither send nor record
/// anything any more, but its ad server's answers are worth keeping.
const LATE_ANSWERS: Duration = Duration::from_secs(10);

/// Why a run ended without ending its operation.
enum Interrupted {
    /// The database can't be used, or the host is stopping. That says nothing about the operation,
    /// and does not count as a claim of it.
    FromOutside,
    /// The cause may be the operation itself. Claims are counted, and retries become less and less
    /// frequent.
    ByItself,
}

/// Runs operations until it is stopped.
#[derive(Debug, Clone)]
pub struct Runner {
    /// The host's database.
    pub store: Store,
    /// The adapters of the ad servers.
    pub adapters: Arc<Adapters>,
    /// The host's configuration.
    pub config: Arc<Config>,
    /// Wakes the runner, and callers that wait for an operation.
    pub signals: Arc<Signals>,
    /// The cache in which a buy's status is dropped once an operation of the buy has ended.
    pub status_cache: Arc<crate::operations::status_cache::StatusCache>,
    /// When the database was restored from a copy, if ever. For operations accepted before that,
    /// everything is looked up before it is made.
    pub restored_at: Option<Timestamp>,
    /// The runner's name in leases, unique among processes.
    pub name: String,
}

/// Gives a run that lost its lease time to receive the answers that it waits for.
async fn await_late_answers(run: impl Future, active: &ActiveRun, cut: &CancellationToken) {
    tokio::select! {
        _ = run => {}
        () = active.overtaken() => {}
        () = cut.cancelled() => {}
        () = tokio::time::sleep(LATE_ANSWERS) => {}
    }
}

impl Runner {
    /// Claims and runs operations until `stop`. After that it claims nothing new, sends nothing
    /// new, and gives requests in flight `grace` to be answered. The rest is left to whichever host
    /// claims it, which continues from the journal.
    ///
    /// A run keeps the setup with which it began.
    pub async fn serve(self, live: LiveSetup, stop: CancellationToken, grace: Duration) {
        let active_runs = ActiveRuns::default();
        let busy = Busy::default();
        let running = TaskTracker::new();
        let cut = CancellationToken::new();
        while !stop.is_cancelled() {
            let this = self.with(live.current());
            let openings = busy.openings(this.config.workers());
            let asked_at = Instant::now();
            match this.store.claim_within(&this.name, now(), this.config.operations.lease, &openings).await {
                Ok(Some(claim)) => {
                    let (active_runs, stop, cut) = (active_runs.clone(), stop.clone(), cut.clone());
                    let worker = busy.begin(Lane::of(&claim.operation.value));
                    running.spawn(async move {
                        this.run(claim, asked_at, &active_runs, stop, &cut).await;
                        drop(worker);
                        this.signals.work_here();
                    });
                }
                Ok(None) => self.wait(&openings, &stop).await,
                Err(error) => {
                    tracing::error!(%error, "could not look for work");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
            }
        }
        running.close();
        if tokio::time::timeout(grace, running.wait()).await.is_err() {
            tracing::warn!(left = running.len(), "operations still run; they go on after the next start");
            cut.cancel();
            running.wait().await;
        }
    }

    fn with(&self, setup: Setup) -> Self {
        Self { config: setup.config, adapters: setup.adapters, ..self.clone() }
    }

    /// Waits for a hint, for the next due operation in a lane that has an opening, or for the poll
    /// interval. A worker that becomes free also gives a hint.
    async fn wait(&self, openings: &Openings, stop: &CancellationToken) {
        let due = match self.store.next_due_within(now(), openings).await {
            Ok(Some(due)) => due.clamp(SOONEST, POLL),
            _ => POLL,
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.signals.wait_for_work() => {}
            () = tokio::time::sleep(due) => {}
        }
    }

    async fn run(
        &self,
        claim: Claim,
        asked_at: Instant,
        active_runs: &ActiveRuns,
        stop: CancellationToken,
        cut: &CancellationToken,
    ) {
        let settings = &self.config.operations;
        let id = claim.operation.value.id.clone();
        let active = active_runs.enter(&claim.fence).await;
        let lease = Arc::new(Lease::keep(
            self.store.clone(),
            claim.fence.clone(),
            asked_at,
            settings.lease,
            settings.heartbeat,
        ));
        let watch = Watch::start();
        let mut cut_off = None;
        let journals = Arc::new(Journals::default());
        let mut run = Box::pin(Run::new(self, claim, lease.clone(), journals.clone(), stop).carry_out());
        let outcome = tokio::select! {
            ended = &mut run => match ended {
                Ok(()) => "ended",
                Err(error) => {
                    // The next claim of the operation continues from its journal.
                    tracing::warn!(operation = %id, %error, "the run was interrupted");
                    cut_off = Some(if error.passes() { Interrupted::FromOutside } else { Interrupted::ByItself });
                    "interrupted"
                }
            },
            () = lease.lost() => {
                await_late_answers(&mut run, &active, cut).await;
                "lost"
            }
            () = active.overtaken() => "lost",
            () = cut.cancelled() => {
                cut_off = Some(Interrupted::FromOutside);
                "interrupted"
            }
        };
        drop(run);
        if let Some(cut_off) = cut_off {
            self.give_back(&lease, &cut_off, cut).await;
        }
        // Whoever claims the operation next need not wait for what follows.
        lease.stop_heartbeat();
        drop(active);
        late_results::record(&self.store, lease.fence(), &journals, cut).await;
        metrics::counter!(RUNS, "outcome" => outcome).increment(1);
        metrics::histogram!(RUN_SECONDS).record(watch.seconds());
        self.signals.rested(&id);
    }

    /// Hands back the operation of an interrupted run, as long as the lease holds. Otherwise others
    /// would have to wait until it expires.
    async fn give_back(&self, lease: &Lease, cut_off: &Interrupted, stop: &CancellationToken) {
        while lease.holds() {
            match self.try_to_give_back(lease, cut_off).await {
                // Somebody else wrote to the operation. Either it is theirs now, or it is read
                // again.
                Err(StoreError::Stale(_)) => continue,
                Err(error) if error.passes() => {
                    tracing::debug!(operation = %lease.fence().operation, %error, "can't give an operation back now");
                }
                Ok(()) | Err(_) => return,
            }
            if stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn try_to_give_back(&self, lease: &Lease, cut_off: &Interrupted) -> Result<(), StoreError> {
        let fence = lease.fence();
        let Some(mut stored) = self.store.operation(&fence.operation).await? else { return Ok(()) };
        let (operation, at) = (&mut stored.value, now());
        // A write without an acknowledgement may have been recorded.
        if operation.state != OperationState::Running || operation.become_state(OperationState::Queued, at).is_err() {
            return Ok(());
        }
        let settings = &self.config.operations;
        operation.run_at = match cut_off {
            Interrupted::FromOutside => {
                operation.claims = operation.claims.saturating_sub(1);
                at.plus(PAUSE)
            }
            Interrupted::ByItself => {
                let backoff = Backoff { initial: settings.backoff_initial, max: settings.backoff_max };
                at.plus(backoff.wait(operation.claims, None))
            }
        };
        self.store
            .record(Recording::by(Author::Worker(fence.clone(), LeaseAfter::CutOff(at))).with(Write::Operation(stored)))
            .await
    }
}
