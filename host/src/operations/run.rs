//! One run of one operation, from its claim to the write that ends or postpones it.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    adapters::{AdapterChange, Journal, JournalError},
    domain::{
        change::ProposedChange,
        failure::{Failure, FailureKind},
        id::PlatformName,
        media_buy::MediaBuy,
        operation::{Frozen, LegOutcome, LegState, Operation, OperationKind},
        step::{Step, StepState},
        time::Timestamp,
        told::Told,
    },
    fault,
    operations::{
        backoff::Backoff,
        journal::{Doubts, OperationJournal},
        late_results::Journals,
        lease::Lease,
        now, planning,
        runner::Runner,
    },
    store::{Claim, Recording, StoreError, Stored},
};

mod finish;
mod pause;
mod prepare;
mod undo;

/// How often something that others wrote meanwhile is read again before a run gives up.
const TRIES: u32 = 8;

/// How often a component may break before the operation fails: one trap may come from the machine's load, a second and a third
/// hardly. Fewer than open the adapter's circuit breaker, so that the operation ends with what really happened.
const MAX_FAULTS: u32 = 3;

/// How often a change is tried again that may have happened and is refused now. What is refused so often is not accepted later.
const MAX_REFUSALS: u32 = 5;

/// The code with which an adapter says that a step may have happened and can't be looked up (see `wit/`): the one case in which
/// a person's "go on" means that it has not.
const STEP_IN_DOUBT: &str = "step_in_doubt";

/// The most that one call of an adapter may take, the ad server's time included, whatever `limits.wall_time` of its platform allows.
const CALL_TIME: Duration = Duration::from_secs(3_600);

/// Why a run stopped without recording an end. Another run goes on.
#[derive(Debug, thiserror::Error)]
pub enum Interruption {
    /// The store could not be used, or the lease is gone.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Something that this run needs is gone.
    #[error("{0}")]
    Missing(String),
}

impl Interruption {
    /// Whether it is the database that can't be used now: it says nothing of the operation, which did not stop the host either.
    pub fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.passes(),
            Self::Journal(error) => matches!(error, JournalError::Unavailable(_)),
            Self::Missing(_) => false,
        }
    }
}

/// What came of a leg in this run.
#[derive(Debug)]
enum LegEnd {
    /// Carried out.
    Done(LegOutcome),
    /// Not, or only in part; what is known of that part.
    Stopped(Failure, Option<LegOutcome>),
    /// Not yet: an earlier request may be under way inside the ad server, and is looked for again at that moment.
    UnderWay(Failure, Timestamp),
}

/// What must happen before the operation can go on.
#[derive(Debug)]
struct Postponed {
    until: Until,
    failure: Failure,
    /// The failure in words.
    told: Told,
}

impl Postponed {
    /// Because of a failure on a platform.
    fn by(platform: &PlatformName, until: Until, failure: Failure) -> Self {
        Self { until, told: Told::failure(platform, &failure), failure }
    }
}

/// What an operation waits for; of several things, the last of these: people take longer than a second try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    /// The next look for what may be under way.
    Look(Timestamp),
    /// The next try.
    Retry,
    /// The ad server's consent, which a person must get.
    Approval,
    /// A permission for the ad server's account.
    Permission,
    /// A person who finds out what happened.
    Resolved,
}

/// Keeps the more important of two reasons to wait; of two looks, the earlier.
fn wait_for(postponed: &mut Option<Postponed>, next: Postponed) {
    let keep = postponed.as_ref().is_some_and(|known| match (known.until, next.until) {
        (Until::Look(known), Until::Look(next)) => known <= next,
        (known, next) => known >= next,
    });
    if !keep {
        *postponed = Some(next);
    }
}

/// What a call makes, and what is known of it so far.
struct Making<'a> {
    change: AdapterChange<'a>,
    /// Put before the names of its steps.
    prefix: &'static str,
    /// The operation's steps.
    steps: &'a [Step],
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
    /// A run of what was claimed, which enters its journals in `journals`, and lets nothing be sent any more once `stop` is cancelled.
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
        self.heed_lapsed_approvals(&steps).await?;
        if self.operation.value.frozen.is_none() && !self.prepare(&buy).await? {
            return Ok(());
        }
        if let Some(at) = self.lookups_count_from(&steps).await? {
            return self.hand_back(at).await;
        }
        if self.operation.value.undoing.is_some() {
            return self.undo(buy, &steps).await;
        }
        self.forward(buy, &steps).await
    }

    async fn buy(&self) -> Result<Stored<MediaBuy>, Interruption> {
        let id = &self.operation.value.buy;
        let found = self.deps.store.buy(id).await?;
        found.ok_or_else(|| Interruption::Missing(format!("media buy {id} is not in the database")))
    }

    /// If a step is in doubt and a lookup could still miss what it made: when it no longer can, by the clock that judges doubts. A step
    /// of an operation that this one overtook counts as well: what is on the way of it would change what this one is about to set.
    /// But not one that was begun anew long after this operation was accepted: that one may be refused and tried again for hours.
    async fn lookups_count_from(&self, steps: &[Step]) -> Result<Option<Timestamp>, Interruption> {
        let accepted = self.operation.value.created_at;
        let overtaken = self.steps_of_overtaken().await?;
        let releases = self.operation.value.frozen.as_ref().map(|frozen| &frozen.releases);
        let own = steps.iter().map(|step| (step, None));
        let mut since: Vec<(&PlatformName, Timestamp, Option<Timestamp>)> = own
            .chain(overtaken.iter().map(|step| (step, Some(accepted))))
            .filter(|(step, _)| step.state == StepState::Open)
            .map(|(step, overtaken_at)| (&step.platform, step.begun_at, overtaken_at))
            .filter(|(platform, ..)| releases.is_none_or(|releases| releases.contains_key(*platform)))
            .collect();
        // What the database has forgotten may have been done until shortly before it was restored.
        if let Some(restored_at) = self.doubted_since() {
            since.extend(releases.into_iter().flatten().map(|(platform, _)| (platform, restored_at, None)));
        }
        let mut latest = None;
        for (platform, since, overtaken_at) in since {
            let release = releases.and_then(|releases| releases.get(platform)).map_or("", String::as_str);
            let lag = i64::from(self.deps.adapters.in_doubt_wait_ms(platform, release).await);
            if overtaken_at.is_none_or(|at| since <= at.plus_millis(lag)) {
                latest = latest.max(Some(since.plus_millis(lag)));
            }
        }
        match latest {
            Some(latest) if latest > self.deps.store.clock(now()).await? => Ok(Some(latest)),
            _ => Ok(None),
        }
    }

    /// The steps of other changes of the buy that have begun and not ended. None when it is being created: nothing overtakes that to
    /// make something else.
    async fn steps_of_overtaken(&self) -> Result<Vec<Step>, Interruption> {
        let this = &self.operation.value;
        let mut found = Vec::new();
        if this.kind == OperationKind::Create {
            return Ok(found);
        }
        for other in self.deps.store.open_operations(&this.buy).await? {
            if other.value.id != this.id && other.value.frozen.is_some() {
                found.extend(self.deps.store.steps(&other.value.id).await?);
            }
        }
        Ok(found)
    }

    /// When the database was restored from a copy, if the operation is older than that: what its record takes for not begun may have been
    /// carried out since the copy was made.
    fn doubted_since(&self) -> Option<Timestamp> {
        self.deps.restored_at.filter(|at| self.operation.value.created_at <= *at)
    }

    /// Runs the legs that are not done, side by side, and goes on from what came of them.
    async fn forward(mut self, buy: Stored<MediaBuy>, steps: &[Step]) -> Result<(), Interruption> {
        let frozen = self.frozen()?;
        let operation = &self.operation.value;
        let pending: Vec<PlatformName> = operation
            .legs
            .iter()
            .filter(|leg| leg.state == LegState::Pending)
            .map(|leg| leg.platform.clone())
            .collect();
        let calls = pending.iter().map(|platform| self.leg(&frozen, &buy.value, platform, steps));
        let ends = futures::future::join_all(calls).await;
        let steps = self.deps.store.steps(&self.operation.value.id).await?;
        let mut postponed = None;
        self.operation.value.unresolved.clear();
        for (platform, end) in pending.iter().zip(ends) {
            let end = end?;
            let in_doubt = steps.iter().any(|step| &step.platform == platform && step.state == StepState::Open);
            if let Some(next) = self.settle_leg(platform, end, in_doubt) {
                wait_for(&mut postponed, next);
            }
        }
        match postponed {
            Some(postponed) => self.postpone(postponed).await,
            None => self.conclude().await,
        }
    }

    /// Records what came of a leg in the operation; what keeps it from being settled, if something does.
    fn settle_leg(&mut self, platform: &PlatformName, end: LegEnd, in_doubt: bool) -> Option<Postponed> {
        let (failure, outcome) = match end {
            LegEnd::Done(outcome) => {
                let leg = self.operation.value.leg_mut(platform)?;
                (leg.state, leg.failure, leg.outcome) = (LegState::Done, None, Some(outcome));
                return None;
            }
            LegEnd::UnderWay(failure, at) => return Some(Postponed::by(platform, Until::Look(at), failure)),
            LegEnd::Stopped(failure, outcome) => (failure, outcome),
        };
        let until = self.until(platform, &failure, in_doubt);
        let leg = self.operation.value.leg_mut(platform)?;
        // An earlier run may have come further than this one.
        leg.outcome = outcome.or(leg.outcome.take());
        if let Some(until) = until {
            return Some(Postponed::by(platform, until, failure));
        }
        (leg.state, leg.failure) = (LegState::Failed, Some(failure));
        None
    }

    /// What a failure on a platform has the operation wait for; `None`: it is final.
    fn until(&mut self, platform: &PlatformName, failure: &Failure, in_doubt: bool) -> Option<Until> {
        let may_retry = self.may_retry(failure);
        match failure.kind {
            FailureKind::Permission => Some(Until::Permission),
            FailureKind::ApprovalRequired => Some(Until::Approval),
            FailureKind::Unresolved => {
                if failure.code == STEP_IN_DOUBT && in_doubt {
                    self.operation.value.unresolved.push(platform.clone());
                }
                Some(Until::Resolved)
            }
            FailureKind::Unavailable | FailureKind::Fault if may_retry => Some(Until::Retry),
            // A refusal while a step is in doubt settles nothing: what was refused may be the second of two.
            _ if in_doubt && may_retry && self.operation.value.attempts < MAX_REFUSALS => Some(Until::Retry),
            _ if in_doubt => Some(Until::Resolved),
            _ => None,
        }
    }

    async fn leg(
        &self,
        frozen: &Frozen,
        buy: &MediaBuy,
        platform: &PlatformName,
        steps: &[Step],
    ) -> Result<LegEnd, Interruption> {
        // What exists now, not what existed when the operation was frozen: an earlier run may have made something.
        let mut current = frozen.current.clone();
        let mut desired = frozen.desired.clone();
        current.remote.clone_from(&buy.remote);
        desired.remote.clone_from(&buy.remote);
        let proposed = ProposedChange { change: &self.operation.value.change, current: &current, desired: &desired };
        let made = Making { change: proposed.into(), prefix: "", steps };
        self.call(frozen, proposed, platform, made).await
    }

    async fn call(
        &self,
        frozen: &Frozen,
        proposed: ProposedChange<'_>,
        platform: &PlatformName,
        Making { change, prefix, steps }: Making<'_>,
    ) -> Result<LegEnd, Interruption> {
        let operation = &self.operation.value;
        let began_with = frozen.platforms.get(platform);
        let (config, until) = (&self.deps.config, now().plus(CALL_TIME));
        let call = match planning::call(config, proposed, began_with, &operation.id, platform, until) {
            Ok(call) => call,
            Err(failure) => return Ok(LegEnd::Stopped(failure, None)),
        };
        let Some(release) = frozen.releases.get(platform) else {
            return Err(Interruption::Missing(format!("operation {} has no release for {platform}", operation.id)));
        };
        let patience = self.deps.adapters.patience(platform, release).await;
        let journal = Arc::new(OperationJournal::new(
            self.deps.store.clone(),
            self.lease.clone(),
            operation.buy.clone(),
            platform.clone(),
            prefix,
            Doubts::new(steps, platform, patience, self.doubted_since(), self.deps.store.clock(now()).await?),
            self.stop.clone(),
        ));
        self.journals.add(journal.clone());
        let handed_out: Journal = journal.clone();
        let answer = self.deps.adapters.execute(platform, release, &call, change, handed_out).await;
        journal.close().await?;
        if !self.lease.holds() {
            return Err(JournalError::Interrupted("the lease ran out during the call".to_owned()).into());
        }
        if journal.was_stopped() {
            return Err(JournalError::Unavailable("the host stops".to_owned()).into());
        }
        let again = journal.look_again(Duration::from_millis(u64::from(patience.lag_ms)));
        Ok(match answer {
            Err(failure) if let Some(at) = again => LegEnd::UnderWay(failure, at),
            Ok(outcome) => match outcome.failed_package.clone() {
                Some((_, failure)) => LegEnd::Stopped(failure, Some(outcome)),
                None => LegEnd::Done(outcome),
            },
            Err(failure) => LegEnd::Stopped(failure, None),
        })
    }

    fn frozen(&self) -> Result<Frozen, Interruption> {
        let frozen = self.operation.value.frozen.clone();
        frozen.ok_or_else(|| Interruption::Missing("the operation was not prepared".to_owned()))
    }

    fn backoff(&self) -> Backoff {
        let settings = &self.deps.config.operations;
        Backoff { initial: settings.backoff_initial, max: settings.backoff_max }
    }

    /// Whether a failure that may pass can be waited for. The first one always: until then the operation was not tried, but may have
    /// waited for long.
    fn may_retry(&self, failure: &Failure) -> bool {
        let operation = &self.operation.value;
        let faults_left = failure.kind != FailureKind::Fault || operation.faults < MAX_FAULTS;
        faults_left && (operation.attempts == 0 || now() < operation.deadline)
    }

    /// Writes the operation and whatever else belongs to it, under the fence.
    async fn write(&mut self, mut recording: Recording, release: bool) -> Result<(), Interruption> {
        recording.fence = Some(self.lease.fence().clone());
        recording.release = release;
        recording.operations.push(self.operation.clone());
        fault::point("record.before");
        self.deps.store.record(recording).await?;
        fault::point("record.after");
        self.operation.version += 1;
        Ok(())
    }
}
