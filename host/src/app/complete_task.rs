//! `complete_task`: a reviewer's decision. Idempotent.

use crate::{
    app::{
        App, TaskView,
        caller::Caller,
        error::{AppError, ErrorCode},
        tasks::take_up,
    },
    domain::{
        approval::{self, NotACandidate, Voter},
        failure::FailureDetails,
        field::Field,
        id::TaskId,
        operation::{Operation, OperationFailure, OperationKind},
        task::{Approval, ReasonCode, Resolution, Task, TaskKind, TaskStatus},
        time::Timestamp,
    },
    fault,
    operations::{
        decisions::{self, WaitingError},
        events, now,
        people::{self, Counted},
        timers,
    },
    store::{AuditEntry, Author, DecisionWindow, Expired, Recording, StoreError, Stored, Write},
};

/// How often a decision is retried because somebody else wrote to its task or its buy at the same
/// time.
const TRIES: u32 = 8;

/// Why a decision can't be written.
#[derive(Debug, thiserror::Error)]
enum Undecided {
    /// The decision was refused, or the store could not be read.
    #[error(transparent)]
    Refused(#[from] AppError),
    /// The operation can't be moved on.
    #[error(transparent)]
    Waiting(#[from] WaitingError),
}

impl From<StoreError> for Undecided {
    fn from(error: StoreError) -> Self {
        Self::Waiting(error.into())
    }
}

impl From<Undecided> for AppError {
    fn from(error: Undecided) -> Self {
        match error {
            Undecided::Refused(error) => error,
            Undecided::Waiting(error) => error.into(),
        }
    }
}

/// A reviewer's decision.
#[derive(Debug, Clone)]
pub struct Decide {
    /// The task to decide.
    pub task: TaskId,
    /// The decision.
    pub resolution: Resolution,
    /// The reason, in the reviewer's words.
    pub words: Option<String>,
    /// Why it is rejected, for programs.
    pub reason_code: Option<ReasonCode>,
    /// The version of the task that the decision is based on.
    pub version: Option<i64>,
}

impl App {
    /// Decides a task. Repeating the same decision changes nothing. A decision based on an old
    /// version is refused, and the error contains the current task.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `CONFLICT`, `INVALID_STATE`, `INVALID_PARAMETER`.
    pub async fn complete_task(&self, caller: &Caller, decide: Decide) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        let mut tries = 0;
        let mut asked = None;
        let operation_id = loop {
            let stored = self.visible_task(caller, &decide.task).await?;
            let (store, at) = (&self.store, now());
            let counted = people::counted(&self.config, store, &stored.value, at).await?;
            if already(&stored.value, &counted, caller, &decide) {
                return self.view(caller, stored.value).await;
            }
            check(&stored.value, &decide)?;
            if people::asked_for(&self.config, store, &stored.value, &caller.person, at).await? {
                return Err(AppError::denied("nobody approves their own request: another person must decide"));
            }
            self.check_candidate(&stored.value, &counted, caller, &decide)?;
            // The decision is about the question that was read first, and must not be applied to a
            // different one.
            if asked.get_or_insert_with(|| stored.value.digest.clone()) != &stored.value.digest {
                return Err(conflict(&stored.value));
            }
            let read = stored.value.clone();
            let operation_id = read.operation.clone();
            let recording = match self.decision(caller, stored, counted, &decide).await {
                Ok(recording) => recording,
                // Somebody else decided after the task was read and before its operation was.
                // Handled as below.
                Err(Undecided::Waiting(WaitingError::NotWaiting(_))) if tries < TRIES => {
                    tries += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            fault::point("decide.before");
            match self.store.record(recording).await {
                Ok(()) => break operation_id,
                // Somebody else was faster, at the task or at its buy: decide again on the result.
                // Or this decision may already be recorded: when repeated, it waits for a write
                // that may be under way, and then finds itself.
                Err(StoreError::Stale(_) | StoreError::Unsure(_)) if tries < TRIES => tries += 1,
                Err(StoreError::Expired(what)) => return Err(too_late(what, &read)),
                Err(error) => return Err(error.into()),
            }
        };
        fault::point("decide.after");
        self.signals.work();
        self.signals.rested(&operation_id);
        let fresh = self.visible_task(caller, &decide.task).await?;
        self.view(caller, fresh.value).await
    }

    /// Checks that the rules ask the caller, and for an approval, that it is not somebody else's
    /// that is missing.
    fn check_candidate(
        &self,
        task: &Task,
        counted: &Counted,
        caller: &Caller,
        decide: &Decide,
    ) -> Result<(), AppError> {
        let (demands, groups, voter) = (task.demanded(), &self.config.groups, Voter::new(caller.person.clone()));
        let checked = match goes_on(task, decide) {
            true => approval::may_approve(&demands, groups, &counted.voters, &voter),
            false => approval::may_decide(&demands, groups, &voter),
        };
        checked.map_err(|refused: NotACandidate| AppError::denied(refused.to_string()).current_task(task))
    }

    /// Returns everything that a decision writes.
    async fn decision(
        &self,
        caller: &Caller,
        stored: Stored<Task>,
        counted: Counted,
        decide: &Decide,
    ) -> Result<Recording, Undecided> {
        let at = now();
        let operation = self.waiting_operation(&stored.value).await?;
        let window = self.window(&stored.value, &operation.value, decide, at).await?;
        let mut recording = Recording::by(Author::Reviewer(window));
        recording.push(Write::Audit(AuditEntry {
            at,
            actor: caller.signature(),
            action: format!("task.{}", decide.resolution),
            subject: stored.value.id.to_string(),
            digest: stored.value.digest.clone(),
            reason: decide.words.clone(),
        }));
        let operation = self.waiting_operation(&stored.value).await?;
        if stored.value.kind == TaskKind::Reconciliation && operation.value.state.is_final() {
            let decided = decided(stored, caller, decide, at, &mut recording)?;
            decisions::acknowledge(decided, at, &mut recording);
            return Ok(recording);
        }
        match (decide.resolution, stored.value.kind) {
            (Resolution::Approved, _) | (Resolution::Completed, TaskKind::PermissionException) => {
                self.go_on(caller, stored, counted, operation, (decide, at), &mut recording).await?;
            }
            (Resolution::Completed, _) => {
                let decided = decided(stored, caller, decide, at, &mut recording)?;
                decisions::finish_by_hand(&self.store, operation, decided, at, &mut recording).await?;
            }
            (Resolution::Rejected | Resolution::CannotComplete, _) => {
                let failure = refusal(decide);
                let decided = decided(stored, caller, decide, at, &mut recording)?;
                let (store, deadline) = (&self.store, self.config.operations.deadline);
                decisions::give_up(store, operation, failure, decided, deadline, at, &mut recording).await?;
            }
        }
        Ok(recording)
    }

    /// Returns the deadlines that a decision must meet. A task that fails its operation on expiry
    /// can't be decided after that, whether the timers have handled it or not; and a buy whose
    /// flight is over is not created.
    async fn window(
        &self,
        task: &Task,
        operation: &Operation,
        decide: &Decide,
        at: Timestamp,
    ) -> Result<DecisionWindow, Undecided> {
        let expires = timers::fails_when_expired(&self.store, operation).await?;
        let makes = operation.kind == OperationKind::Create && operation.undoing.is_none() && goes_on(task, decide);
        Ok(DecisionWindow { task: expires.then(|| task.id.clone()), flight: makes.then(|| task.buy.clone()), at })
    }

    /// Records an approval. Once there are enough, the operation runs: the one that was requested,
    /// with the plan that was shown.
    async fn go_on(
        &self,
        caller: &Caller,
        mut stored: Stored<Task>,
        counted: Counted,
        operation: Stored<Operation>,
        (decide, at): (&Decide, Timestamp),
        recording: &mut Recording,
    ) -> Result<(), Undecided> {
        let task = &mut stored.value;
        let mut voters = counted.voters.clone();
        voters.push(Voter::new(caller.person.clone()));
        drop_lapsed(task, counted, at, recording);
        if task.status != TaskStatus::InProgress {
            take_up(task, caller, at, recording)?;
        } else {
            task.version += 1;
        }
        let digest = task.digest.clone();
        task.approvals.push(Approval {
            by: caller.name.clone(),
            person: Some(caller.person.clone()),
            token: Some(caller.fingerprint.clone()),
            at,
            words: decide.words.clone(),
            digest,
        });
        task.changed = None;
        let words = decide.words.as_deref();
        let action = if decide.resolution == Resolution::Approved { "approve" } else { decide.resolution.as_str() };
        let line = events::history(&caller.signature(), action, task.status, task.status, words, at);
        recording.push(Write::History(task.id.clone(), line));
        if approval::unmet(&task.demanded(), &self.config.groups, &voters).is_empty() {
            decisions::decide(task, decide.resolution, words, &caller.name);
            let (store, deadline) = (&self.store, self.config.operations.deadline);
            decisions::release(store, operation, task, deadline, at, recording).await?;
        }
        recording.push(Write::Task(stored));
        Ok(())
    }

    async fn waiting_operation(&self, task: &Task) -> Result<Stored<Operation>, AppError> {
        self.store.operation(&task.operation).await?.ok_or_else(|| AppError::not_found("operation"))
    }
}

/// Returns whether a decision lets its operation go on.
fn goes_on(task: &Task, decide: &Decide) -> bool {
    match decide.resolution {
        Resolution::Approved => true,
        Resolution::Completed => task.kind == TaskKind::PermissionException,
        Resolution::Rejected | Resolution::CannotComplete => false,
    }
}

/// Removes approvals that no longer count, and records that.
fn drop_lapsed(task: &mut Task, counted: Counted, at: Timestamp, recording: &mut Recording) {
    if let Some(why) = counted.why_not() {
        let line = events::history(events::ITSELF, "drop_approval", task.status, task.status, Some(&why), at);
        recording.push(Write::History(task.id.clone(), line));
        recording.push(Write::Audit(events::audit("task.approval_dropped", task, &why, at)));
        task.approvals = counted.good;
    }
}

/// Returns the error for a decision that came too late.
fn too_late(what: Expired, task: &Task) -> AppError {
    let message = match what {
        Expired::Task => {
            format!("nobody decided by {}: the task has expired, and what it is about fails", task.expires_at)
        }
        Expired::Flight => "the flight of the media buy is over: it is not made any more".to_owned(),
    };
    let suggestion = match what {
        Expired::Task => "the buyer can ask for it anew",
        Expired::Flight => "reject the task; the buyer can ask for a new media buy with later dates",
    };
    AppError::state(message).suggest(suggestion).current_task(task)
}

/// Returns the failure of an operation that a reviewer refused.
fn refusal(decide: &Decide) -> OperationFailure {
    let code = match decide.resolution {
        Resolution::Rejected => "REJECTED",
        _ => "CANNOT_COMPLETE",
    };
    let reason = decide.words.clone().unwrap_or_else(|| "no reason was given".to_owned());
    OperationFailure {
        code: code.to_owned(),
        reason: reason.into(),
        details: FailureDetails::Other(serde_json::Value::Null),
    }
}

/// Takes up a task and marks it as decided, short of the move that closes it.
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
    decisions::decide(task, decide.resolution, words, &caller.name);
    task.reason_code = decide.reason_code;
    let line = events::history(&caller.signature(), decide.resolution.as_str(), task.status, task.status, words, at);
    recording.push(Write::History(task.id.clone(), line));
    Ok(stored)
}

/// Returns whether this decision has already been made. Sent twice it counts once, whichever of
/// their tokens a person uses.
fn already(task: &Task, counted: &Counted, caller: &Caller, decide: &Decide) -> bool {
    let same_decision = task.decision == Some(decide.resolution);
    let same_yes = decide.resolution == Resolution::Approved
        && task.decision.is_none()
        && counted.good.iter().any(|approval| approval.person() == caller.person && approval.digest == task.digest);
    same_decision || same_yes
}

/// Checks that the decision can be made on the task in its current state.
fn check(task: &Task, decide: &Decide) -> Result<(), AppError> {
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
        // It may be a retry of the answer to an earlier question, whose acknowledgement got lost.
        None if task.reopened > 0 => return Err(which_question(task)),
        _ => {}
    }
    let approval = decide.resolution == Resolution::Completed && task.kind == TaskKind::ManualApproval;
    if approval {
        return Err(AppError::invalid(
            Field::Resolution,
            "an approval is answered with approved, rejected or cannot_complete",
        ));
    }
    let no = matches!(decide.resolution, Resolution::Rejected | Resolution::CannotComplete);
    if decide.reason_code.is_some() && !no {
        return Err(AppError::invalid(Field::ReasonCode, "reason_code is for rejected and cannot_complete"));
    }
    if no && decide.words.as_deref().is_none_or(|words| words.trim().is_empty()) {
        return Err(AppError::invalid(Field::ResolutionDetail, "resolution_detail is needed: the buyer is told why"));
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

/// Returns the error for a decision that does not say which of a task's questions it answers.
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
