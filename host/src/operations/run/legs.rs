//! The legs of an operation, called concurrently, each with a journal of its own.

use std::{sync::Arc, time::Duration};

use super::{
    CALL_TIME, Interruption, Run, STEP_IN_DOUBT,
    pause::{Postponed, Until, wait_for},
    prepared::{Prepared, PreparedLeg},
};
use crate::{
    adapters::{AdapterChange, Journal, JournalError},
    domain::{
        change::ProposedChange,
        failure::{Failure, FailureKind},
        id::PlatformName,
        media_buy::MediaBuy,
        operation::{LegOutcome, LegState},
        step::{Step, StepState},
        time::Timestamp,
    },
    operations::{
        journal::{Doubts, OperationJournal},
        now, planning,
    },
    store::Stored,
};

/// How often a change is retried that may have happened and is now refused. After that many
/// refusals it won't be accepted later.
const MAX_REFUSALS: u32 = 5;

/// The result of a leg in this run.
#[derive(Debug)]
pub(super) enum LegEnd {
    /// The leg was carried out.
    Done(LegOutcome),
    /// The leg was not carried out, or only in part; holds what is known of that part.
    Stopped(Failure, Option<LegOutcome>),
    /// Not yet: an earlier request may be under way inside the ad server, and is looked up again at
    /// that moment.
    UnderWay(Failure, Timestamp),
}

/// What a call is to make, and what is known of it so far.
pub(super) struct Making<'a> {
    pub(super) change: AdapterChange<'a>,
    /// Prefix of its steps' names.
    pub(super) prefix: &'static str,
    /// The operation's steps.
    pub(super) steps: &'a [Step],
}

impl Run<'_> {
    /// Runs the pending legs concurrently, and continues according to their results.
    pub(super) async fn forward(
        mut self,
        prepared: &Prepared,
        buy: Stored<MediaBuy>,
        steps: &[Step],
    ) -> Result<(), Interruption> {
        let pending: Vec<&PreparedLeg> = prepared.legs.iter().filter(|leg| leg.state == LegState::Pending).collect();
        let calls = pending.iter().map(|leg| self.leg(prepared, leg, &buy.value, steps));
        let ends = futures::future::join_all(calls).await;
        let steps = self.deps.store.steps(&self.operation.value.id).await?;
        let mut postponed = None;
        self.operation.value.unresolved.clear();
        for (leg, end) in pending.iter().zip(ends) {
            let platform = &leg.platform;
            let end = end?;
            let in_doubt = steps.iter().any(|step| &step.platform == platform && step.state == StepState::Open);
            if let Some(next) = self.settle_leg(platform, end, in_doubt) {
                wait_for(&mut postponed, next);
            }
        }
        match postponed {
            Some(postponed) => self.postpone(postponed).await,
            None => self.conclude(prepared).await,
        }
    }

    /// Records the result of a leg in the operation. Returns what the leg has to wait for, if it is
    /// not settled.
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
        // An earlier run may have got further than this one.
        leg.outcome = outcome.or(leg.outcome.take());
        if let Some(until) = until {
            return Some(Postponed::by(platform, until, failure));
        }
        (leg.state, leg.failure) = (LegState::Failed, Some(failure));
        None
    }

    /// Returns what the operation must wait for after a failure on a platform; `None` if the
    /// failure is final.
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
            // A refusal while a step is in doubt settles nothing, because the refused request may
            // be the second of two.
            _ if in_doubt && may_retry && self.operation.value.attempts < MAX_REFUSALS => Some(Until::Retry),
            _ if in_doubt => Some(Until::Resolved),
            _ => None,
        }
    }

    async fn leg(
        &self,
        prepared: &Prepared,
        leg: &PreparedLeg,
        buy: &MediaBuy,
        steps: &[Step],
    ) -> Result<LegEnd, Interruption> {
        // Uses the objects that exist now, not those at the time of the freeze: an earlier run may
        // have made some.
        let mut current = prepared.current.clone();
        let mut desired = prepared.desired.clone();
        current.remote.clone_from(&buy.remote);
        desired.remote.clone_from(&buy.remote);
        let proposed = ProposedChange { change: &self.operation.value.change, current: &current, desired: &desired };
        let made = Making { change: proposed.into(), prefix: "", steps };
        self.call(leg, proposed, made).await
    }

    /// Calls a leg's adapter, and records what it does in the journal.
    pub(super) async fn call(
        &self,
        leg: &PreparedLeg,
        proposed: ProposedChange<'_>,
        Making { change, prefix, steps }: Making<'_>,
    ) -> Result<LegEnd, Interruption> {
        let operation = &self.operation.value;
        let PreparedLeg { platform, release, began_with, .. } = leg;
        let (config, until) = (&self.deps.config, now().plus(CALL_TIME));
        let call = match planning::call(config, proposed, began_with.as_ref(), &operation.id, platform, until) {
            Ok(call) => call,
            Err(failure) => return Ok(LegEnd::Stopped(failure, None)),
        };
        let patience = self.deps.adapters.patience(platform, release).await;
        let journal = Arc::new(OperationJournal::new(
            self.deps.store.clone(),
            self.lease.clone(),
            operation.buy.clone(),
            platform.clone(),
            prefix,
            Doubts::new(steps, platform, patience, self.restored_at(), self.deps.store.clock(now()).await?),
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
}
