//! `complete_task`: a reviewer's decision, made once whoever clicks twice.

use crate::{
    app::{
        App, Decide, TaskView,
        caller::Caller,
        error::{AppError, ErrorCode},
        tasks::take_up,
    },
    domain::{
        id::TaskId,
        operation::{Operation, OperationFailure, OperationKind, OperationState},
        task::{Approval, Resolution, Task, TaskKind, TaskStatus},
        time::Timestamp,
    },
    fault,
    operations::{now, tell, timers},
    store::{AuditEntry, Recording, StoreError, Stored},
};

impl App {
    /// Decides a task. The same decision twice is one decision; one made on an old version is refused with the current task.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `CONFLICT`, `INVALID_STATE`, `INVALID_PARAMETER`.
    pub async fn complete_task(&self, caller: &Caller, decide: Decide) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        let stored = self.visible_task(caller, &decide.task).await?;
        if already(&stored.value, caller, &decide) {
            return self.view(stored.value).await;
        }
        check(&stored.value, caller, &decide)?;
        let at = now();
        let mut recording = Recording::default();
        let task_id = stored.value.id.clone();
        let operation_id = stored.value.operation.clone();
        recording.audit.push(AuditEntry {
            at,
            actor: caller.name.clone(),
            action: format!("task.{}", decide.resolution),
            subject: task_id.to_string(),
            digest: stored.value.digest.clone(),
            reason: decide.words.clone(),
        });
        match decide.resolution {
            Resolution::Approved => self.approve(caller, stored, &decide, at, &mut recording).await?,
            Resolution::Completed => self.completed_by_hand(caller, stored, &decide, at, &mut recording).await?,
            Resolution::Rejected | Resolution::CannotComplete => {
                self.reject(caller, stored, &decide, at, &mut recording).await?;
            }
        }
        fault::point("decide.before");
        match self.store.record(recording).await {
            Ok(()) => {}
            Err(StoreError::Stale(_)) => return self.somebody_was_faster(caller, &decide).await,
            Err(error) => return Err(error.into()),
        }
        fault::point("decide.after");
        self.signals.work();
        self.signals.rested(&operation_id);
        let fresh = self.visible_task(caller, &task_id).await?;
        self.view(fresh.value).await
    }

    /// The task changed between reading and writing: if it was the same decision, it is made; else it is a conflict.
    async fn somebody_was_faster(&self, caller: &Caller, decide: &Decide) -> Result<TaskView, AppError> {
        let fresh = self.visible_task(caller, &decide.task).await?.value;
        if already(&fresh, caller, decide) {
            return self.view(fresh).await;
        }
        Err(conflict(&fresh))
    }

    /// A yes. With enough of them the operation runs: the one that was asked for, with the plan that was shown.
    async fn approve(
        &self,
        caller: &Caller,
        mut stored: Stored<Task>,
        decide: &Decide,
        at: Timestamp,
        recording: &mut Recording,
    ) -> Result<(), AppError> {
        let version = stored.version;
        let task = &mut stored.value;
        if task.status != TaskStatus::InProgress {
            take_up(task, caller, at, recording)?;
        } else {
            task.version += 1;
        }
        let digest = task.digest.clone();
        task.approvals.push(Approval { by: caller.name.clone(), at, words: decide.words.clone(), digest });
        let words = decide.words.as_deref();
        let line = tell::history(&caller.name, "approve", task.status, task.status, words, at);
        recording.history.push((task.id.clone(), line));
        task.changed = None;
        let enough = task.approvals.len() as u64 >= u64::from(task.approvals_needed);
        if enough {
            task.decision = Some(Resolution::Approved);
            task.resolution_detail.clone_from(&decide.words);
            task.resolved_by = Some(caller.name.clone());
            self.release_operation(task, at, recording).await?;
        }
        recording.tasks.push(Stored { value: stored.value, version });
        Ok(())
    }

    /// Lets the operation run that a task held.
    async fn release_operation(&self, task: &Task, at: Timestamp, recording: &mut Recording) -> Result<(), AppError> {
        let found = self.store.operation(&task.operation).await?;
        let mut operation = found.ok_or_else(|| AppError::not_found("operation"))?;
        if operation.value.frozen.is_none() && task.kind == TaskKind::ManualApproval {
            operation.value.approved_digest = Some(task.digest.clone());
        }
        let from = operation.value.state;
        operation.value.become_state(OperationState::Queued, at).map_err(waits_no_more)?;
        operation.value.run_at = at;
        operation.value.claims = 0;
        operation.value.attempts = 0;
        operation.value.deadline = at.plus(self.config.operations.deadline);
        if from == OperationState::Parked {
            // The reviewer looked and found that the step in doubt did not happen.
            self.store.reset_open_steps(&operation.value.id).await?;
        }
        recording.operations.push(operation);
        Ok(())
    }

    /// A person did by hand what was needed: granted the permission, or finished what nobody could tell.
    async fn completed_by_hand(
        &self,
        caller: &Caller,
        stored: Stored<Task>,
        decide: &Decide,
        at: Timestamp,
        recording: &mut Recording,
    ) -> Result<(), AppError> {
        if stored.value.kind == TaskKind::PermissionException {
            return self.approve(caller, stored, decide, at, recording).await;
        }
        let found = self.store.operation(&stored.value.operation).await?;
        let mut operation = found.ok_or_else(|| AppError::not_found("operation"))?;
        if operation.value.undoing.is_some() {
            // What was left was cancelled by hand: the operation fails as it was going to.
            let failure = operation.value.undoing.clone();
            operation.value.failure = failure;
            operation.value.become_state(OperationState::Failed, at).map_err(waits_no_more)?;
        } else {
            operation.value.become_state(OperationState::Succeeded, at).map_err(waits_no_more)?;
        }
        let (version, mut task) = (stored.version, stored.value);
        decided(&mut task, Resolution::Completed, caller, decide, at, recording)?;
        let others = self.other_tasks(&operation.value.tasks, &task).await?;
        let mut all = others;
        all.push(Stored { value: task, version });
        timers::end_waiting(self.store.as_ref(), operation, all, at, recording).await?;
        Ok(())
    }

    /// A no: the operation fails with the reviewer's words.
    async fn reject(
        &self,
        caller: &Caller,
        stored: Stored<Task>,
        decide: &Decide,
        at: Timestamp,
        recording: &mut Recording,
    ) -> Result<(), AppError> {
        let found = self.store.operation(&stored.value.operation).await?;
        let mut operation = found.ok_or_else(|| AppError::not_found("operation"))?;
        let words = decide.words.clone().unwrap_or_else(|| "no reason was given".to_owned());
        let code = match decide.resolution {
            Resolution::Rejected => "REJECTED",
            _ => "CANNOT_COMPLETE",
        };
        let failure = OperationFailure { code: code.to_owned(), reason: words, details: serde_json::Value::Null };
        let (version, mut task) = (stored.version, stored.value);
        decided(&mut task, decide.resolution, caller, decide, at, recording)?;
        if self.left_something(&operation.value).await? {
            // What was made before a person was needed must not stay: the operation runs on, to cancel it.
            operation.value.undoing = Some(failure);
            operation.value.become_state(OperationState::Queued, at).map_err(waits_no_more)?;
            operation.value.run_at = at;
            operation.value.deadline = at.plus(self.config.operations.deadline);
            recording.operations.push(operation);
            recording.tasks.push(Stored { value: task, version });
            return Ok(());
        }
        operation.value.failure = Some(failure);
        operation.value.become_state(OperationState::Failed, at).map_err(waits_no_more)?;
        let mut all = self.other_tasks(&operation.value.tasks, &task).await?;
        all.push(Stored { value: task, version });
        timers::end_waiting(self.store.as_ref(), operation, all, at, recording).await?;
        Ok(())
    }

    /// Whether a create that is given up has made something on an ad server, as far as the host knows.
    async fn left_something(&self, operation: &Operation) -> Result<bool, AppError> {
        if operation.kind != OperationKind::Create || operation.frozen.is_none() || operation.undoing.is_some() {
            return Ok(false);
        }
        let buy = self.store.buy(&operation.buy).await?;
        Ok(buy.is_some_and(|buy| buy.value.remote.values().any(|objects| !objects.is_empty())))
    }

    async fn other_tasks(&self, ids: &[TaskId], task: &Task) -> Result<Vec<Stored<Task>>, AppError> {
        let mut others = Vec::new();
        for id in ids.iter().filter(|id| *id != &task.id) {
            others.extend(self.store.task(id).await?);
        }
        Ok(others)
    }
}

/// Records a decision that ends the task, up to the move that closes it.
fn decided(
    task: &mut Task,
    resolution: Resolution,
    caller: &Caller,
    decide: &Decide,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<(), AppError> {
    if task.status != TaskStatus::InProgress {
        take_up(task, caller, at, recording)?;
    }
    task.decision = Some(resolution);
    task.resolution_detail.clone_from(&decide.words);
    task.resolved_by = Some(caller.name.clone());
    let line = tell::history(&caller.name, resolution.as_str(), task.status, task.status, decide.words.as_deref(), at);
    recording.history.push((task.id.clone(), line));
    Ok(())
}

/// Whether this decision is made already, by whomever: sent twice, it is one.
fn already(task: &Task, caller: &Caller, decide: &Decide) -> bool {
    let same_decision = task.decision == Some(decide.resolution);
    let same_yes = decide.resolution == Resolution::Approved
        && task.decision.is_none()
        && task.approvals.iter().any(|approval| approval.by == caller.name && approval.digest == task.digest);
    same_decision || same_yes
}

/// Whether the decision can be made on the task as it stands.
fn check(task: &Task, caller: &Caller, decide: &Decide) -> Result<(), AppError> {
    if !task.status.is_open() {
        return Err(AppError::state(format!("the task is {} already", task.status)).current_task(task));
    }
    if let Some(decision) = task.decision {
        return Err(
            AppError::new(ErrorCode::Conflict, format!("the task was decided already: {decision}")).current_task(task)
        );
    }
    if decide.version.is_some_and(|version| version != task.version) {
        return Err(conflict(task));
    }
    if caller.name == task.requested_by {
        return Err(AppError::denied("nobody approves their own request: another reviewer must decide"));
    }
    let approval = decide.resolution == Resolution::Completed && task.kind == TaskKind::ManualApproval;
    if approval {
        return Err(AppError::invalid(
            "/resolution",
            "an approval is answered with approved, rejected or cannot_complete",
        ));
    }
    let no = matches!(decide.resolution, Resolution::Rejected | Resolution::CannotComplete);
    if no && decide.words.as_deref().is_none_or(|words| words.trim().is_empty()) {
        return Err(AppError::invalid("/resolution_detail", "resolution_detail is needed: the buyer is told why"));
    }
    Ok(())
}

fn conflict(task: &Task) -> AppError {
    AppError::new(
        ErrorCode::Conflict,
        format!("the task changed: it is at version {} now. Look at it again, then decide", task.version),
    )
    .current_task(task)
}

fn waits_no_more(from: OperationState) -> AppError {
    AppError::state(format!("the operation does not wait for a decision any more: it is {from}"))
}
