//! How a run ends: carried out, failed, postponed, handed back, or waiting for a person.

use std::time::Duration;

use serde_json::json;

use super::{Interruption, Postponed, Run, leg_failures};
use crate::{
    app::error::AppError,
    config::Needed,
    domain::{
        failure::Failure,
        media_buy::MediaBuy,
        operation::{Change, Frozen, Operation, OperationFailure, OperationKind, OperationState},
        plan::Plan,
        problem::Problem,
        status::{self, BuyStatus, Creation, Standing},
        task::{Priority, TaskKind},
        time::Timestamp,
    },
    operations::{
        asking::{self, Question},
        now, planning, tell,
    },
    store::{Recording, Stored},
};

/// A failure of the whole operation, in the words of one call's failure.
pub(super) fn operation_failure(failure: &Failure) -> OperationFailure {
    let error = AppError::from_failure(failure);
    OperationFailure {
        code: error.code.to_string(),
        reason: failure.to_string(),
        details: error.details.unwrap_or_default(),
    }
}

/// A failure of the whole operation because what it asks for is impossible by now.
pub(crate) fn failure_of(problems: &[Problem]) -> OperationFailure {
    let error = AppError::problems(crate::app::error::ErrorCode::InvalidParameter, problems);
    OperationFailure { code: error.code.to_string(), reason: error.message, details: json!({ "items": problems }) }
}

impl Run<'_> {
    /// Every leg is settled: succeed, fail, or begin to undo.
    pub(super) async fn conclude(mut self, buy: Stored<MediaBuy>, frozen: Frozen) -> Result<(), Interruption> {
        let Some(failure) = self.failure_of_legs() else {
            return self.succeed(buy, frozen).await;
        };
        if self.operation.value.kind != OperationKind::Create {
            return self.fail_partly(buy, frozen, failure).await;
        }
        if buy.value.remote.values().all(Vec::is_empty) {
            let made = self.deps.store.buy(&buy.value.id).await?;
            if made.is_none_or(|fresh| fresh.value.remote.values().all(Vec::is_empty)) {
                return self.fail(buy, failure).await;
            }
        }
        self.operation.value.undoing = Some(failure);
        self.operation.value.updated_at = now();
        self.write(Recording::default(), false).await?;
        let buy = self.buy().await?;
        self.undo(buy).await
    }

    fn failure_of_legs(&self) -> Option<OperationFailure> {
        let operation = &self.operation.value;
        let failures = leg_failures(operation);
        let (platform, first) = failures.iter().next()?;
        let mut failure = operation_failure(first);
        let failed_package = operation
            .legs
            .iter()
            .filter_map(|leg| leg.outcome.as_ref())
            .find_map(|outcome| outcome.failed_package.as_ref());
        if let Some((package, cause)) = failed_package {
            failure.reason = format!("package {package}: {cause}");
        } else if operation.legs.len() > 1 {
            failure.reason = format!("{platform}: {first}");
        }
        if operation.legs.len() > 1 {
            let outcomes: Vec<_> = operation
                .legs
                .iter()
                .map(|leg| json!({ "platform": leg.platform, "state": leg.state, "failure": leg.failure }))
                .collect();
            failure.details = json!({ "platforms": outcomes });
        }
        Some(failure)
    }

    async fn succeed(mut self, buy: Stored<MediaBuy>, frozen: Frozen) -> Result<(), Interruption> {
        let at = now();
        let mut recording = Recording::default();
        let mut next = brought_about(&buy.value, &frozen.desired);
        for leg in &self.operation.value.legs {
            let Some(outcome) = &leg.outcome else { continue };
            tell::creatives_changed(&next, &outcome.assets, at, &mut recording);
            let known = next.assets.entry(leg.platform.clone()).or_default();
            for asset in &outcome.assets {
                known.retain(|earlier| earlier.creative != asset.creative);
                known.push(asset.clone());
            }
        }
        let standing = status::derive(&next, &Creation::Done, &[], at);
        tell::become_status(&mut next, standing, at, &mut recording);
        self.end(OperationState::Succeeded, buy.version, next, recording).await
    }

    /// An update that stopped half-way: what was changed before the failure stays changed.
    async fn fail_partly(
        mut self,
        buy: Stored<MediaBuy>,
        frozen: Frozen,
        failure: OperationFailure,
    ) -> Result<(), Interruption> {
        let affected = self.operation.value.affected_packages();
        if affected.is_empty() || !matches!(self.operation.value.change, Change::Update(_)) {
            return self.fail(buy, failure).await;
        }
        let mut next = brought_about(&buy.value, &frozen.desired);
        for package in &mut next.packages {
            if let Some(unchanged) = buy.value.package(&package.id).filter(|package| !affected.contains(&package.id)) {
                package.clone_from(unchanged);
            }
        }
        if let Some(total) = crate::domain::money::Micros::sum(next.packages.iter().map(|package| package.budget)) {
            next.total_budget = total;
        }
        let mut recording = Recording::default();
        let at = now();
        let standing = status::derive(&next, &Creation::Done, &[], at);
        tell::become_status(&mut next, standing, at, &mut recording);
        self.operation.value.failure = Some(failure);
        self.end(OperationState::Failed, buy.version, next, recording).await
    }

    /// Fails the operation; a buy that was to be created is failed with it.
    pub(super) async fn fail(&mut self, buy: Stored<MediaBuy>, failure: OperationFailure) -> Result<(), Interruption> {
        let at = now();
        let mut recording = Recording::default();
        let mut next = buy.value;
        if self.operation.value.kind == OperationKind::Create {
            let standing = Standing { status: BuyStatus::Failed, detail: failure.reason.clone() };
            tell::become_status(&mut next, standing, at, &mut recording);
        }
        self.operation.value.failure = Some(failure);
        self.end(OperationState::Failed, buy.version, next, recording).await
    }

    /// The write that ends the operation: state, buy, tasks and events together.
    async fn end(
        &mut self,
        state: OperationState,
        buy_version: i64,
        next: MediaBuy,
        mut recording: Recording,
    ) -> Result<(), Interruption> {
        let at = now();
        self.become_state(state, at)?;
        tell::operation_ended(&self.operation.value, &next, at, &mut recording);
        let mut tasks = Vec::new();
        for id in &self.operation.value.tasks {
            tasks.extend(self.deps.store.task(id).await?);
        }
        asking::close(tasks, &self.operation.value, at, &mut recording);
        let id = next.id.clone();
        recording.buy = Some(Stored { value: next, version: buy_version });
        self.write(recording, true).await?;
        self.deps.live.forget(&id);
        Ok(())
    }

    fn become_state(&mut self, next: OperationState, at: Timestamp) -> Result<(), Interruption> {
        let id = self.operation.value.id.clone();
        self.operation
            .value
            .become_state(next, at)
            .map_err(|from| Interruption::Missing(format!("operation {id} can't go from {from} to {next}")))
    }

    /// Puts the operation off, for the reason given.
    pub(super) async fn postpone(mut self, buy: Stored<MediaBuy>, postponed: Postponed) -> Result<(), Interruption> {
        match postponed {
            Postponed::Retry(failure) => self.retry(failure).await,
            Postponed::Unresolved(failure) => self.park(&buy, failure).await,
            Postponed::Permission(failure) => {
                let state = OperationState::AwaitingPermission;
                self.wait_for_person(&buy, state, TaskKind::PermissionException, Priority::High, failure).await
            }
            Postponed::Approval(failure) => {
                let state = OperationState::AwaitingApproval;
                self.wait_for_person(&buy, state, TaskKind::ManualApproval, Priority::Medium, failure).await
            }
        }
    }

    /// Tries again later.
    pub(super) async fn retry(&mut self, failure: Failure) -> Result<(), Interruption> {
        let at = now();
        let backoff = self.backoff();
        let operation = &mut self.operation.value;
        operation.attempts += 1;
        // The run ended by itself, so it did not stop the host.
        operation.claims = 0;
        operation.last_error = Some(failure.to_string());
        let asked_for = failure.retry_after_ms.map(Duration::from_millis);
        let wait = backoff.wait(operation.attempts, asked_for);
        operation.run_at = at.plus(wait).min(operation.deadline.max(at));
        tracing::info!(attempts = operation.attempts, wait_ms = wait.as_millis(), error = %failure, "will be tried again");
        self.become_state(OperationState::Queued, at)?;
        self.write(Recording::default(), true).await
    }

    /// Gives the operation back, to be run again at a certain time, without counting a try.
    pub(super) async fn hand_back(&mut self, at: Timestamp) -> Result<(), Interruption> {
        self.operation.value.run_at = at;
        self.become_state(OperationState::Queued, now())?;
        self.write(Recording::default(), true).await
    }

    /// Stops the operation until a person has looked at both sides.
    pub(super) async fn park(&mut self, buy: &Stored<MediaBuy>, failure: Failure) -> Result<(), Interruption> {
        let state = OperationState::Parked;
        self.wait_for_person(buy, state, TaskKind::Reconciliation, Priority::Urgent, failure).await
    }

    async fn wait_for_person(
        &mut self,
        buy: &Stored<MediaBuy>,
        state: OperationState,
        kind: TaskKind,
        priority: Priority,
        failure: Failure,
    ) -> Result<(), Interruption> {
        let at = now();
        let mut recording = Recording::default();
        let operation = &mut self.operation.value;
        operation.last_error = Some(failure.to_string());
        let plan = operation.plan.clone();
        let question = Question {
            kind,
            priority,
            reason: failure.to_string(),
            due_in: asking::DUE_IN,
            approvals_needed: 1,
            digest: planning::digest(&operation.request, &plan, buy.value.revision),
            plan,
        };
        asking::ask(operation, &buy.value, question, at, &mut recording);
        self.become_state(state, at)?;
        if let Some(standing) = waiting_standing(&self.operation.value) {
            let mut next = buy.value.clone();
            tell::become_status(&mut next, standing, at, &mut recording);
            recording.buy = Some(Stored { value: next, version: buy.version });
        }
        self.write(recording, true).await
    }

    /// Nobody was asked when the change was accepted, and by now somebody must be.
    pub(super) async fn ask_first(
        &mut self,
        buy: &Stored<MediaBuy>,
        desired: &MediaBuy,
        plan: Plan,
        digest: String,
        needed: Needed,
    ) -> Result<(), Interruption> {
        let at = now();
        let mut recording = Recording::default();
        let operation = &mut self.operation.value;
        operation.plan = plan.clone();
        let question = Question {
            kind: TaskKind::ManualApproval,
            priority: needed.priority,
            reason: format!(
                "{} needs approval by the publisher, after what else was changed meanwhile",
                operation.kind
            ),
            due_in: needed.due_in,
            approvals_needed: needed.reviewers,
            plan,
            digest,
        };
        asking::ask(operation, desired, question, at, &mut recording);
        self.become_state(OperationState::AwaitingApproval, at)?;
        if let Some(standing) = waiting_standing(&self.operation.value) {
            let mut next = buy.value.clone();
            tell::become_status(&mut next, standing, at, &mut recording);
            recording.buy = Some(Stored { value: next, version: buy.version });
        }
        self.write(recording, true).await
    }

    /// What was approved no longer holds: the reviewer is asked again.
    pub(super) async fn ask_again(
        &mut self,
        buy: Stored<MediaBuy>,
        plan: Plan,
        digest: String,
    ) -> Result<(), Interruption> {
        let at = now();
        let mut recording = Recording::default();
        let mut changed = Vec::new();
        if planning::releases(&plan) != planning::releases(&self.operation.value.plan) {
            changed.push("the adapter was replaced");
        }
        if plan != self.operation.value.plan {
            changed.push("the plan is another one");
        }
        if changed.is_empty() {
            changed.push("the media buy was changed");
        }
        let changed = format!("since it was approved, {}", changed.join(" and "));
        let Some(id) = self.operation.value.task().cloned() else {
            return Err(Interruption::Missing("an approved operation without a task".to_owned()));
        };
        if let Some(task) = self.deps.store.task(&id).await? {
            asking::ask_again(task, plan.clone(), digest, changed, at, &mut recording);
        }
        self.operation.value.plan = plan;
        self.operation.value.approved_digest = None;
        self.become_state(OperationState::AwaitingApproval, at)?;
        if let Some(standing) = waiting_standing(&self.operation.value) {
            let mut next = buy.value;
            tell::become_status(&mut next, standing, at, &mut recording);
            recording.buy = Some(Stored { value: next, version: buy.version });
        }
        self.write(recording, true).await
    }
}

/// The buy as it is to be, with what others recorded about it meanwhile.
pub(crate) fn brought_about(fresh: &MediaBuy, desired: &MediaBuy) -> MediaBuy {
    let mut next = desired.clone();
    next.status = fresh.status;
    next.detail.clone_from(&fresh.detail);
    next.assets.clone_from(&fresh.assets);
    next.revision = fresh.revision + 1;
    next.updated_at = now();
    next
}

/// How a buy stands whose creation waits for a person; `None` for other operations, which leave the status alone.
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
    let error = operation.last_error.as_deref().unwrap_or("a person must look");
    Some(Standing { status, detail: error.to_owned() })
}
