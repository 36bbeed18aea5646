//! Claims operations under leases and runs them, so many at a time for each ad server. What a run
//! is cut off from is given back, so that nobody waits until its lease has run out.

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
    },
    store::{Author, Claim, LeaseAfter, Recording, Store, StoreError, Write},
};

/// How long the runner waits at most before it looks for work by itself: another replica's hint
/// does not reach it.
const POLL: Duration = Duration::from_secs(1);

/// How long it waits at least: what is due already and was not claimed is being claimed by somebody
/// else.
const SOONEST: Duration = Duration::from_millis(5);

/// How long it waits after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a run that lost its lease may still listen: it can send and record nothing any more,
/// but what its ad server answers is worth keeping.
const LATE_ANSWERS: Duration = Duration::from_secs(10);

/// Why a run ended without an end of its operation.
enum Interrupted {
    /// The database can't be used, or the host stops: that says nothing of the operation, and does
    /// not count as a claim of it.
    FromOutside,
    /// Something is wrong that may be the operation's own: claims are counted, and tries come less
    /// and less often.
    ByItself,
}

/// Carries operations out until it is stopped.
#[derive(Debug, Clone)]
pub struct Runner {
    /// Persistence.
    pub store: Store,
    /// The ad servers.
    pub adapters: Arc<Adapters>,
    /// What the operator configured.
    pub config: Arc<Config>,
    /// Wakes it, and those who wait for an operation.
    pub signals: Arc<Signals>,
    /// What is told when an operation of a buy ended: what the platform said before is old.
    pub status_cache: Arc<crate::operations::status_cache::StatusCache>,
    /// When the database was restored from a copy, if ever: what was accepted before is looked up
    /// before anything is made.
    pub restored_at: Option<Timestamp>,
    /// Its name, for leases; unique among processes.
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
    /// Claims and runs until `stop`; then claims nothing new and lets nothing new be sent, gives
    /// what was sent `grace` to be answered, and leaves the rest to whoever claims it: its journal
    /// says how far it came.
    pub async fn serve(self, stop: CancellationToken, grace: Duration) {
        let active_runs = ActiveRuns::default();
        let (busy, workers) = (Busy::default(), self.config.workers());
        let running = TaskTracker::new();
        let cut = CancellationToken::new();
        while !stop.is_cancelled() {
            let openings = busy.openings(workers);
            let asked_at = Instant::now();
            match self.store.claim_within(&self.name, now(), self.config.operations.lease, &openings).await {
                Ok(Some(claim)) => {
                    let this = self.clone();
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

    /// Waits for a hint, for what is due next of what may be taken on, or for the poll. A worker
    /// that becomes free gives a hint.
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
                    // Whoever claims the operation next goes on from its journal.
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
        // Whoever has the operation next need not wait for what follows.
        lease.stop_heartbeat();
        drop(active);
        late_results::record(&self.store, lease.fence(), &journals, cut).await;
        metrics::counter!(RUNS, "outcome" => outcome).increment(1);
        metrics::histogram!(RUN_SECONDS).record(watch.seconds());
        self.signals.rested(&id);
    }

    /// Gives an operation back from which a run was cut off, as long as the lease holds: others
    /// would have to wait until it has run out.
    async fn give_back(&self, lease: &Lease, cut_off: &Interrupted, stop: &CancellationToken) {
        while lease.holds() {
            match self.try_to_give_back(lease, cut_off).await {
                // Somebody else wrote to it: it is theirs, or it is read again.
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
        // What was not answered may have been recorded.
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
