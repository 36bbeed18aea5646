//! How a run ends for now: retried later, handed back, or waiting for a person.

use std::time::Duration;

use super::{Interruption, Run, TRIES};
use crate::{
    domain::{
        approval::{Lack, Needed},
        change::ProposedChange,
        disclosure::Disclosure,
        failure::{Failure, FailureKind},
        id::PlatformName,
        media_buy::MediaBuy,
        operation::{Operation, OperationKind, OperationState},
        plan::Plan,
        status::{BuyStatus, Standing},
        task::{Priority, Resolution, Task, TaskKind},
        time::Timestamp,
    },
    operations::{
        events, now,
        people::{self, Counted},
        planning,
        tasks::{self, Question},
    },
    store::{LeaseAfter, Recording, StoreError, Stored, Write},
};

/// How a person can answer about a step that may have happened and that the ad server can't be
/// asked about.
const IF_IT_IS_NOT_THERE: &str = "If it is not there, answer `approved`: it is made again. If it is there, remove it and answer \
                                  `approved`, or do the rest by hand and answer `completed`";

/// Added to the reason of a task about a change that needed no approval when it was accepted.
const AFTER_OTHERS: &str = "others of its changes were carried out meanwhile";

/// What must happen before the operation can go on.
#[derive(Debug)]
pub(super) struct Postponed {
    pub(super) until: Until,
    pub(super) failure: Failure,
    /// The failure in words.
    pub(super) told: Disclosure,
}

impl Postponed {
    /// Returns a postponement because of a failure on a platform.
    pub(super) fn by(platform: &PlatformName, until: Until, failure: Failure) -> Self {
        Self { until, told: Disclosure::failure(platform, &failure), failure }
    }
}

/// What an operation waits for. If there are several, the last in this order counts, because people
/// take longer than a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Until {
    /// The next lookup of what may be under way.
    Look(Timestamp),
    /// The next try.
    Retry,
    /// The ad server's approval, which a person must obtain.
    Approval,
    /// A permission for the ad server's account.
    Permission,
    /// A person who finds out what happened.
    Resolved,
}

/// Keeps the more important of two reasons to wait; of two lookups, the earlier one.
pub(super) fn wait_for(postponed: &mut Option<Postponed>, next: Postponed) {
    let keep = postponed.as_ref().is_some_and(|known| match (known.until, next.until) {
        (Until::Look(known), Until::Look(next)) => known <= next,
        (known, next) => known >= next,
    });
    if !keep {
        *postponed = Some(next);
    }
}

impl Run<'_> {
    /// Postpones the operation for the given reason.
    pub(super) async fn postpone(mut self, postponed: Postponed) -> Result<(), Interruption> {
        let Postponed { until, failure, told } = postponed;
        match until {
            Until::Look(at) => self.look_later(at, told).await,
            Until::Retry => self.retry(&failure, told).await,
            Until::Resolved => self.park(told).await,
            Until::Permission => {
                let state = OperationState::AwaitingPermission;
                self.wait_for_person(state, TaskKind::PermissionException, Priority::High, told).await
            }
            Until::Approval => {
                let state = OperationState::AwaitingApproval;
                self.wait_for_person(state, TaskKind::ManualApproval, Priority::Medium, told).await
            }
        }
    }

    /// Retries later.
    pub(super) async fn retry(&mut self, failure: &Failure, told: Disclosure) -> Result<(), Interruption> {
        let at = now();
        let backoff = self.backoff();
        let deadline = at.plus(self.deps.config.operations.deadline);
        let operation = &mut self.operation.value;
        if operation.attempts == 0 {
            operation.deadline = operation.deadline.max(deadline);
        }
        operation.attempts += 1;
        operation.faults += u32::from(failure.kind == FailureKind::Fault);
        // The run came to an end, so the operation did not crash the host.
        operation.claims = 0;
        let asked_for = failure.retry_after_ms.map(Duration::from_millis);
        let wait = backoff.wait(operation.attempts, asked_for);
        operation.run_at = at.plus(wait).min(operation.deadline.max(at));
        operation.last_error = Some(told.again_at(operation.run_at));
        tracing::info!(attempts = operation.attempts, wait_ms = wait.as_millis(), error = %failure, "will be tried again");
        self.become_state(OperationState::Queued, at)?;
        self.write(Recording::default(), LeaseAfter::Released).await
    }

    /// Schedules another lookup of what may be under way. It counts neither as a try nor as a
    /// claim, because nothing was sent.
    async fn look_later(&mut self, at: Timestamp, told: Disclosure) -> Result<(), Interruption> {
        tracing::info!(%at, "will be looked for again: {}", told.staff());
        self.operation.value.last_error = Some(told.again_at(at));
        self.hand_back(at).await
    }

    /// Hands the operation back, to be run again at a given time, without counting a try or a
    /// claim.
    pub(super) async fn hand_back(&mut self, at: Timestamp) -> Result<(), Interruption> {
        self.operation.value.run_at = at;
        self.operation.value.claims = self.operation.value.claims.saturating_sub(1);
        self.become_state(OperationState::Queued, now())?;
        self.write(Recording::default(), LeaseAfter::Released).await
    }

    /// Stops the operation until a person has looked at both sides.
    pub(super) async fn park(&mut self, told: Disclosure) -> Result<(), Interruption> {
        self.wait_for_person(OperationState::Parked, TaskKind::Reconciliation, Priority::Urgent, told).await
    }

    async fn wait_for_person(
        &mut self,
        state: OperationState,
        kind: TaskKind,
        priority: Priority,
        told: Disclosure,
    ) -> Result<(), Interruption> {
        let buy = self.buy().await?.value;
        let joined = self.joined(kind, &buy, priority, &told).await?;
        let operation = &mut self.operation.value;
        let reason = match operation.unresolved.is_empty() {
            true => told,
            false => Disclosure::apart(told.buyer(), format!("{}. {IF_IT_IS_NOT_THERE}", told.staff())),
        };
        operation.last_error = Some(reason.clone());
        let plan = operation.plan.clone();
        let question = Question {
            kind,
            priority: joined.priority,
            reason,
            due_in: joined.due_in,
            escalate_to: joined.escalate_to,
            expires_in: joined.expires_in,
            demands: joined.demands,
            digest: planning::digest(&operation.request, &plan, buy.revision),
            plan,
        };
        self.ask(&buy, question, state).await
    }

    /// Returns what a question of an ad server's demands: one person, who must be of the groups that
    /// the rules about this change name, within the times that they set. A question about what has
    /// happened is for any reviewer, because it can't wait for one of a group.
    async fn joined(
        &self,
        kind: TaskKind,
        buy: &MediaBuy,
        priority: Priority,
        told: &Disclosure,
    ) -> Result<Needed, Interruption> {
        let anybody =
            Needed { demands: Vec::new(), priority, due_in: tasks::DUE_IN, escalate_to: None, expires_in: None };
        if kind == TaskKind::Reconciliation {
            return Ok(anybody);
        }
        let operation = &self.operation.value;
        let (current, desired) = match &operation.frozen {
            Some(frozen) => (&frozen.current, &frozen.desired),
            None => (buy, buy),
        };
        let proposed = ProposedChange { change: &operation.change, current, desired };
        let (rules, _) = self.approval_needed(proposed).await?;
        Ok(match rules {
            Some(rules) => rules.joined_by_platform(told.staff(), priority),
            None => anybody,
        })
    }

    /// Asks for an approval that was not needed when the change was accepted, but is needed now.
    pub(super) async fn ask_first(
        &mut self,
        desired: &MediaBuy,
        plan: Plan,
        digest: String,
        needed: Needed,
        reason: &str,
    ) -> Result<(), Interruption> {
        let reason = format!("{reason} ({AFTER_OTHERS})");
        self.operation.value.plan = plan.clone();
        let question = Question::for_approval(needed, reason.into(), plan, digest);
        self.ask(desired, question, OperationState::AwaitingApproval).await
    }

    /// Creates a task and comes to rest.
    async fn ask(&mut self, about: &MediaBuy, question: Question, state: OperationState) -> Result<(), Interruption> {
        let at = now();
        let mut recording = Recording::default();
        tasks::ask(&mut self.operation.value, about, question, at, &mut recording);
        self.become_state(state, at)?;
        let mut tries = 0;
        loop {
            let mut recording = recording.clone();
            self.record_standing(at, &mut recording).await?;
            match self.write(recording, LeaseAfter::Released).await {
                Err(Interruption::Store(StoreError::Stale(_))) if tries < TRIES => tries += 1,
                written => return written,
            }
        }
    }

    /// Asks the reviewers again, because what was approved no longer holds. As many are needed as
    /// the rules require now.
    pub(super) async fn ask_again(
        &mut self,
        desired: &MediaBuy,
        plan: Plan,
        digest: String,
        needed: Option<Needed>,
        lack: Lack,
    ) -> Result<(), Interruption> {
        let at = now();
        let approvals = self.approvals().await?;
        let fewer = needed.as_ref().is_some_and(|needed| approvals.people() < needed.reviewers());
        let changed = self.what_changed(&plan, lack, approvals.why_not(), fewer);
        let operation = &mut self.operation.value;
        operation.plan = plan.clone();
        operation.approved_digest = None;
        self.become_state(OperationState::AwaitingApproval, at)?;
        let mut tries = 0;
        loop {
            let task = self.approved_task().await?;
            // Asks even if no rule requires an approval any more, because the one that was given
            // was for something else.
            let needed = needed.clone().unwrap_or_else(|| Needed {
                demands: task.value.demanded(),
                priority: task.value.priority,
                due_in: tasks::DUE_IN,
                escalate_to: task.value.escalate_to.clone(),
                expires_in: None,
            });
            let reason = task.value.reason.clone();
            let question = Question::for_approval(needed, reason, plan.clone(), digest.clone());
            let mut recording = Recording::default();
            tasks::ask_again(task, desired, question, changed.clone(), at, &mut recording);
            self.record_standing(at, &mut recording).await?;
            match self.write(recording, LeaseAfter::Released).await {
                Err(Interruption::Store(StoreError::Stale(_))) if tries < TRIES => tries += 1,
                written => return written,
            }
        }
    }

    /// Says in words what has changed since the approval.
    fn what_changed(&self, plan: &Plan, lack: Lack, lapsed: Option<String>, fewer: bool) -> String {
        let approved = &self.operation.value.plan;
        let mut changed = Vec::new();
        if planning::releases(plan) != planning::releases(approved) {
            changed.push("the adapter was replaced");
        }
        if plan != approved {
            changed.push("the plan is another one");
        }
        if changed.is_empty() && lack == Lack::OtherDigest {
            changed.push("the media buy was changed");
        }
        changed.extend(lapsed.as_deref());
        if changed.is_empty() {
            changed.push(match fewer {
                true => "the rules have come to want more reviewers",
                false => "the rules have come to want other reviewers",
            });
        }
        format!("since it was approved, {}", changed.join(" and "))
    }

    /// Returns the approvals of this operation, sorted by whether they still count.
    pub(super) async fn approvals(&self) -> Result<Counted, Interruption> {
        let task = self.approved_task().await?.value;
        Ok(people::counted(&self.deps.config, &self.deps.store, &task, now()).await?)
    }

    /// Returns the task in which this operation was approved.
    pub(super) async fn approved_task(&self) -> Result<Stored<Task>, Interruption> {
        for id in self.operation.value.tasks.iter().rev() {
            let task = self.deps.store.task(id).await?;
            let is_it = |task: &Stored<Task>| {
                task.value.kind == TaskKind::ManualApproval && task.value.decision == Some(Resolution::Approved)
            };
            if let Some(task) = task.filter(is_it) {
                return Ok(task);
            }
        }
        Err(self.corrupt("it was approved, and has no task on which it was"))
    }

    /// Records the standing of a buy whose creation came to rest. Other operations leave the status
    /// alone.
    async fn record_standing(&self, at: Timestamp, recording: &mut Recording) -> Result<(), Interruption> {
        if let Some(standing) = waiting_standing(&self.operation.value) {
            let Stored { mut value, version } = self.buy().await?;
            events::become_status(&mut value, standing, at, recording);
            recording.push(Write::Buy(Stored { value, version }));
        }
        Ok(())
    }
}

/// Returns the standing of a buy whose creation waits for a person; `None` for other operations,
/// which leave the status alone.
fn waiting_standing(operation: &Operation) -> Option<Standing> {
    if operation.kind != OperationKind::Create {
        return None;
    }
    let status = match operation.state {
        OperationState::AwaitingApproval => BuyStatus::PendingManual,
        OperationState::AwaitingPermission => BuyStatus::PendingPermission,
        OperationState::Parked => BuyStatus::PendingManual,
        _ => return None,
    };
    let error = operation.last_error.as_ref().map_or("a person must look", Disclosure::buyer);
    Some(Standing { status, detail: error.to_owned() })
}
