//! `complete_task`: a reviewer's decision, made once whoever clicks twice.

use crate::{
    app::{
        App, Decide, TaskView,
        caller::Caller,
        error::{AppError, ErrorCode},
        tasks::take_up,
    },
    domain::{
        operation::{Operation, OperationFailure},
        task::{Approval, Resolution, Task, TaskKind, TaskStatus},
        time::Timestamp,
    },
    fault,
    operations::{
        now, tell,
        waiting::{self, WaitingError},
    },
    store::{AuditEntry, Recording, StoreError, Stored},
};

/// How often a decision is made anew because somebody wrote to its task or its buy at the same time.
const TRIES: u32 = 8;

/// Why nothing can be written of a decision.
#[derive(Debug, thiserror::Error)]
enum Undecided {
    /// It is refused, or the store could not be read.
    #[error(transparent)]
    Refused(#[from] AppError),
    /// Its operation can't be moved.
    #[error(transparent)]
    Waiting(#[from] WaitingError),
}

impl From<Undecided> for AppError {
    fn from(error: Undecided) -> Self {
        match error {
            Undecided::Refused(error) => error,
            Undecided::Waiting(error) => error.into(),
        }
    }
}

impl App {
    /// Decides a task. The same decision twice is one decision; one made on an old version is refused with the current task.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `CONFLICT`, `INVALID_STATE`, `INVALID_PARAMETER`.
    pub async fn complete_task(&self, caller: &Caller, decide: Decide) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        let mut tries = 0;
        let mut asked = None;
        let operation_id = loop {
            let stored = self.visible_task(caller, &decide.task).await?;
            if already(&stored.value, caller, &decide) {
                return self.view(stored.value).await;
            }
            check(&stored.value, caller, &decide)?;
            // What was decided on is what was read first: a decision does not move on to another question by itself.
            if asked.get_or_insert_with(|| stored.value.digest.clone()) != &stored.value.digest {
                return Err(conflict(&stored.value));
            }
            let operation_id = stored.value.operation.clone();
            let recording = match self.decision(caller, stored, &decide).await {
                Ok(recording) => recording,
                // Somebody decided after the task was read and before its operation was: as below.
                Err(Undecided::Waiting(WaitingError::NotWaiting(_))) if tries < TRIES => {
                    tries += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            fault::point("decide.before");
            match self.store.record(recording).await {
                Ok(()) => break operation_id,
                // Somebody was faster, at the task or at its buy: decide on what they made of it. Or this decision may be recorded: made
                // again, it waits for the one that may be under way, and finds itself.
                Err(StoreError::Stale(_) | StoreError::Unsure(_)) if tries < TRIES => tries += 1,
                Err(error) => return Err(error.into()),
            }
        };
        fault::point("decide.after");
        self.signals.work();
        self.signals.rested(&operation_id);
        let fresh = self.visible_task(caller, &decide.task).await?;
        self.view(fresh.value).await
    }

    /// Everything that a decision writes.
    async fn decision(&self, caller: &Caller, stored: Stored<Task>, decide: &Decide) -> Result<Recording, Undecided> {
        let at = now();
        let mut recording = Recording::default();
        recording.audit.push(AuditEntry {
            at,
            actor: caller.name.clone(),
            action: format!("task.{}", decide.resolution),
            subject: stored.value.id.to_string(),
            digest: stored.value.digest.clone(),
            reason: decide.words.clone(),
        });
        let operation = self.waiting_operation(&stored.value).await?;
        if stored.value.kind == TaskKind::Reconciliation && operation.value.state.is_final() {
            let decided = decided(stored, caller, decide, at, &mut recording)?;
            waiting::acknowledge(decided, at, &mut recording);
            return Ok(recording);
        }
        match (decide.resolution, stored.value.kind) {
            (Resolution::Approved, _) | (Resolution::Completed, TaskKind::PermissionException) => {
                self.go_on(caller, stored, decide, at, &mut recording).await?;
            }
            (Resolution::Completed, _) => {
                let operation = self.waiting_operation(&stored.value).await?;
                let decided = decided(stored, caller, decide, at, &mut recording)?;
                waiting::finish_by_hand(self.store.as_ref(), operation, decided, at, &mut recording).await?;
            }
            (Resolution::Rejected | Resolution::CannotComplete, _) => {
                let operation = self.waiting_operation(&stored.value).await?;
                let failure = refusal(decide);
                let decided = decided(stored, caller, decide, at, &mut recording)?;
                let (store, deadline) = (self.store.as_ref(), self.config.operations.deadline);
                waiting::give_up(store, operation, failure, decided, deadline, at, &mut recording).await?;
            }
        }
        Ok(recording)
    }

    /// A yes. With enough of them the operation runs: the one that was asked for, with the plan that was shown.
    async fn go_on(
        &self,
        caller: &Caller,
        mut stored: Stored<Task>,
        decide: &Decide,
        at: Timestamp,
        recording: &mut Recording,
    ) -> Result<(), Undecided> {
        let task = &mut stored.value;
        if task.status != TaskStatus::InProgress {
            take_up(task, caller, at, recording)?;
        } else {
            task.version += 1;
        }
        let digest = task.digest.clone();
        task.approvals.push(Approval { by: caller.name.clone(), at, words: decide.words.clone(), digest });
        task.changed = None;
        let words = decide.words.as_deref();
        let action = if decide.resolution == Resolution::Approved { "approve" } else { decide.resolution.as_str() };
        let line = tell::history(&caller.name, action, task.status, task.status, words, at);
        recording.history.push((task.id.clone(), line));
        if task.approvals.len() as u64 >= u64::from(task.approvals_needed) {
            waiting::decide(task, decide.resolution, words, &caller.name);
            let operation = self.waiting_operation(task).await?;
            let (store, deadline) = (self.store.as_ref(), self.config.operations.deadline);
            waiting::release(store, operation, task, deadline, at, recording).await?;
        }
        recording.tasks.push(stored);
        Ok(())
    }

    async fn waiting_operation(&self, task: &Task) -> Result<Stored<Operation>, AppError> {
        self.store.operation(&task.operation).await?.ok_or_else(|| AppError::not_found("operation"))
    }
}

/// Why an operation fails that a reviewer refused.
fn refusal(decide: &Decide) -> OperationFailure {
    let code = match decide.resolution {
        Resolution::Rejected => "REJECTED",
        _ => "CANNOT_COMPLETE",
    };
    let reason = decide.words.clone().unwrap_or_else(|| "no reason was given".to_owned());
    OperationFailure { code: code.to_owned(), reason, details: serde_json::Value::Null }
}

/// Takes a task up and marks it as decided, up to the move that closes it.
fn decided(
    mut stored: Stored<Task>,
    caller: &Caller,
    decide: &Decide,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<Stored<Task>, AppError> {
    let task = &mut stored.value;
    if task.status != TaskStatus::InProgress {
        take_up(task, caller, at, recording)?;
    }
    let words = decide.words.as_deref();
    waiting::decide(task, decide.resolution, words, &caller.name);
    let line = tell::history(&caller.name, decide.resolution.as_str(), task.status, task.status, words, at);
    recording.history.push((task.id.clone(), line));
    Ok(stored)
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
    match decide.version {
        Some(version) if version != task.version => return Err(conflict(task)),
        // It may be the answer to an earlier question, sent again because nobody heard that it had arrived.
        None if task.reopened > 0 => return Err(which_question(task)),
        _ => {}
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

/// A decision that does not say which of a task's questions it answers.
fn which_question(task: &Task) -> AppError {
    let message = format!(
        "the task was asked again after an approval: a decision on it must name its version, {} now",
        task.version
    );
    AppError::new(ErrorCode::Conflict, message)
        .suggest("look at the task again, then decide with version, or If-Match")
        .current_task(task)
}

impl From<WaitingError> for AppError {
    fn from(error: WaitingError) -> Self {
        match error {
            WaitingError::Store(error) => error.into(),
            WaitingError::NotWaiting(_) => Self::state(error.to_string()),
        }
    }
}
