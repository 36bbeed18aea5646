//! What a run does before its first step: it adapts the operation to its buy, plans again, and
//! checks whether what was approved still holds.

use std::time::Duration;

use super::{CALL_TIME, Interruption, Run, finish, prepared::Prepared};
use crate::{
    domain::{
        approval::{self, ApprovalQuestion, Gate, Lack, Needed},
        change::ProposedChange,
        disclosure::Disclosure,
        failure::{Failure, FailureKind},
        id::PlatformName,
        media_buy::MediaBuy,
        operation::{Change, Frozen, Leg, LegState, Operation},
        plan::Plan,
        step::{Step, StepState},
        update::When,
    },
    operations::{now, planning, planning::Unplannable},
    store::{LeaseAfter, Recording, Stored},
};

/// How long a host that is still compiling the approved release leaves an operation to others.
const CATCHES_UP: Duration = Duration::from_secs(1);

/// Returns whether something of an operation may have been sent.
fn has_begun(operation: &Operation, steps: &[Step]) -> bool {
    steps.iter().any(|step| step.state != StepState::Fresh)
        || operation.legs.iter().any(|leg| leg.state != LegState::Pending)
}

impl Run<'_> {
    /// Adapts a frozen operation to what was carried out on its buy since: a pause, which overtakes
    /// everything else. If the operation has not begun yet, it is prepared anew, and approval is
    /// requested again if it had been approved. Returns `false` if the operation came to rest
    /// instead.
    pub(super) async fn catch_up(&mut self, buy: &MediaBuy, steps: &[Step]) -> Result<bool, Interruption> {
        let operation = &mut self.operation.value;
        let Some(frozen) = &operation.frozen else { return Ok(true) };
        if frozen.current.revision == buy.revision {
            return Ok(true);
        }
        if !has_begun(operation, steps) {
            operation.frozen = None;
            operation.legs.clear();
            return Ok(true);
        }
        match operation.desired_on(buy) {
            Ok(desired) => {
                // An update sends the differences between both sides. Any other change only has to
                // know how the buy stands.
                let current = match operation.change {
                    Change::Update(_) => buy.as_if_not_switched_since(operation.created_at),
                    _ => buy.clone(),
                };
                if let Some(frozen) = &mut operation.frozen {
                    frozen.catch_up(current, desired);
                }
                Ok(true)
            }
            Err(problems) => {
                let words: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
                let reason = format!(
                    "it had begun when the media buy was changed by somebody else, and can't go on as it is ({}): finish it by hand and \
                     answer `completed`, or reject it",
                    words.join("; ")
                );
                self.park(reason.into()).await?;
                Ok(false)
            }
        }
    }

    /// Resets an approved operation that has not begun, to be prepared anew, if one of its
    /// approvals no longer counts, or no longer for its group. It may have been waiting for its ad server for long.
    pub(super) async fn drop_lapsed_approvals(&mut self, steps: &[Step]) -> Result<(), Interruption> {
        let operation = &self.operation.value;
        let is_fixed = operation.frozen.is_some() && operation.approved_digest.is_some() && operation.undoing.is_none();
        if !is_fixed || has_begun(operation, steps) {
            return Ok(());
        }
        let demands = self.approved_task().await?.value.demanded();
        let approvals = self.approvals().await?;
        let unmet = approval::unmet(&demands, &self.deps.config.groups, &approvals.voters);
        if !approvals.lapsed.is_empty() || !unmet.is_empty() {
            self.operation.value.frozen = None;
            self.operation.value.legs.clear();
        }
        Ok(())
    }

    /// Returns what the operation is carried out with: what it was frozen with earlier, or what it
    /// is frozen with now. Returns `None` if it came to rest instead.
    pub(super) async fn prepared(&mut self, buy: &Stored<MediaBuy>) -> Result<Option<Prepared>, Interruption> {
        self.leave_unhealthy();
        match Prepared::of(&self.operation.value)? {
            Some(prepared) => Ok(Some(prepared)),
            None => self.prepare(buy).await,
        }
    }

    /// Continues on the release that serves, where the operation began on one that a host rolled back
    /// from because it was unhealthy: it would fail there again and again. Its steps are in the
    /// journal by name, so the other release finds what is done.
    fn leave_unhealthy(&mut self) {
        let Some(frozen) = &mut self.operation.value.frozen else { return };
        for (platform, release) in &mut frozen.releases {
            if let Some(successor) = self.deps.adapters.successor(platform, release) {
                tracing::warn!(%platform, from = release, to = successor, "an operation leaves an unhealthy release");
                *release = successor;
            }
        }
    }

    /// Plans again, checks that what was approved still holds, and freezes what the operation is
    /// carried out with. Returns `None` if it came to rest instead.
    async fn prepare(&mut self, buy: &Stored<MediaBuy>) -> Result<Option<Prepared>, Interruption> {
        let operation = &self.operation.value;
        let when = When { asked: operation.created_at, now: now() };
        let desired = match operation.change.apply(&buy.value, when) {
            Ok(desired) => desired,
            Err(problems) => {
                self.fail(finish::failure_of(&problems)).await?;
                return Ok(None);
            }
        };
        let proposed = ProposedChange { change: &operation.change, current: &buy.value, desired: &desired };
        let planned =
            planning::plan(&self.deps.adapters, &self.deps.config, &operation.id, proposed, now().plus(CALL_TIME))
                .await;
        let plan = match planned {
            Ok(plan) => plan,
            Err(Unplannable { first: (platform, failure), .. }) => {
                self.could_not_plan(&platform, failure).await?;
                return Ok(None);
            }
        };
        let approved = operation.approved_digest.as_deref();
        // An approval is of what is going to happen: it holds under another release that plans the
        // same.
        let strict = self.deps.config.publisher.strict_approvals;
        let compared = if strict { plan.clone() } else { plan.as_if_made_by(&operation.plan) };
        let digest = planning::digest_like(approved, &operation.request, &compared, buy.value.revision);
        let (needed, reason) = self.approval_needed(proposed).await?;
        let voters = match approved {
            Some(_) => self.approvals().await?.voters,
            None => Vec::new(),
        };
        let groups = &self.deps.config.groups;
        match (approval::gate(approved, &digest, needed.as_ref(), groups, &voters), needed) {
            (Gate::AskAgain(Lack::OtherDigest), _) if self.is_behind(&plan).await? => {
                let at = self.deps.store.clock(now()).await?.plus(CATCHES_UP);
                self.hand_back(at).await?;
                Ok(None)
            }
            (Gate::AskAgain(lack), needed) => {
                self.ask_again(&desired, plan, digest, needed, lack).await?;
                Ok(None)
            }
            (Gate::AskFirst, Some(needed)) => {
                self.ask_first(&desired, plan, digest, needed, &reason).await?;
                Ok(None)
            }
            (Gate::AskFirst, None) | (Gate::Open, _) => self.freeze(buy, desired, plan).await.map(Some),
        }
    }

    /// Returns the approval that the change needs as it is about to be made, and the reason why.
    /// The rules were already checked when the change was accepted, but another change may have
    /// come in between: two that are small by themselves may be large together.
    pub(super) async fn approval_needed(
        &self,
        proposed: ProposedChange<'_>,
    ) -> Result<(Option<Needed>, String), Interruption> {
        let Run { deps, operation, .. } = self;
        let nothing_booked = deps.config.asks_for_first_buys()
            && !deps.store.has_booked(&operation.value.principal, &operation.value.buy).await?;
        let asked = ApprovalQuestion::about(operation.value.kind, proposed, nothing_booked);
        Ok((deps.config.approvals_needed(&asked), asked.reason()))
    }

    async fn could_not_plan(&mut self, platform: &PlatformName, failure: Failure) -> Result<(), Interruption> {
        match failure.kind {
            FailureKind::Unavailable | FailureKind::Fault if self.may_retry(&failure) => {
                let told = Disclosure::failure(platform, &failure);
                self.retry(&failure, told).await
            }
            _ => self.fail(finish::operation_failure(platform, &failure)).await,
        }
    }

    async fn freeze(
        &mut self,
        buy: &Stored<MediaBuy>,
        desired: MediaBuy,
        plan: Plan,
    ) -> Result<Prepared, Interruption> {
        let operation = &mut self.operation.value;
        let platforms = planning::frozen(&self.deps.adapters, &self.deps.config, &buy.value.principal, &plan);
        operation.legs = plan
            .platforms
            .iter()
            .map(|part| Leg { platform: part.platform.clone(), state: LegState::Pending, failure: None, outcome: None })
            .collect();
        let releases = planning::releases(&plan);
        let frozen = Frozen { current: buy.value.clone(), desired, earlier: Vec::new(), releases, platforms };
        let prepared = Prepared::new(operation, &frozen)?;
        operation.frozen = Some(frozen);
        operation.plan = plan;
        operation.updated_at = now();
        self.write(Recording::default(), LeaseAfter::Kept).await?;
        Ok(prepared)
    }

    /// Returns whether this host still plans with an older release than all are to serve, because
    /// it is compiling the new one. A host that is up to date carries out what was approved on the
    /// new release. After the deadline the reviewers are asked again regardless.
    async fn is_behind(&self, plan: &Plan) -> Result<bool, Interruption> {
        if now() >= self.operation.value.deadline {
            return Ok(false);
        }
        let serving = self.deps.store.serving().await?;
        Ok(serving.iter().any(|serving| {
            plan.platforms.iter().any(|part| part.platform == serving.platform && part.release != serving.digest)
        }))
    }
}
