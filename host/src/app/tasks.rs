//! The task tools other than the decision: list, get, assign, start, escalate, comment.

use crate::{
    app::{App, Page, caller::Caller, error::AppError, lists::page_size},
    domain::{
        event::EventKind,
        field::Field,
        id::{MediaBuyId, TaskId},
        task::{CLOSED_LISTED_FOR, HistoryEntry, Priority, Task, TaskKind, TaskMove, TaskStatus},
        time::Timestamp,
    },
    operations::{events, now},
    store::{AuditEntry, Recording, StoreError, Stored, TaskFilter, Write},
};

/// How often a change of a task is retried because somebody else changed it meanwhile.
const TRIES: u32 = 5;

/// The action of a comment in a task's history.
const COMMENT: &str = "comment";

/// A filter for listing tasks.
#[derive(Debug, Clone, Default)]
pub struct ListTasks {
    /// Only tasks of this kind.
    pub kind: Option<TaskKind>,
    /// Only tasks of this priority.
    pub priority: Option<Priority>,
    /// Only tasks in this status.
    pub status: Option<TaskStatus>,
    /// Only tasks about this buy.
    pub buy: Option<MediaBuyId>,
    /// `Some(false)` leaves out tasks that are past their due date.
    pub include_overdue: Option<bool>,
    /// The page size: 50 by default, at most 200.
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// A page of tasks, with totals.
#[derive(Debug, Clone)]
pub struct TaskList {
    /// The page.
    pub page: Page<Task>,
    /// The number of tasks on all pages.
    pub total: u64,
    /// The number of tasks on all pages that are open and past their due date.
    pub overdue: u64,
    /// The time of the answer.
    pub now: Timestamp,
    /// Whether the caller belongs to the publisher.
    pub staff: bool,
}

/// A task with its history.
#[derive(Debug, Clone)]
pub struct TaskView {
    /// The task.
    pub task: Task,
    /// Its history, oldest first.
    pub history: Vec<HistoryEntry>,
    /// The time of the answer.
    pub now: Timestamp,
    /// Whether the caller belongs to the publisher.
    pub staff: bool,
}

impl App {
    /// Returns a page of tasks: the open ones, and those closed in the last 7 days.
    ///
    /// # Errors
    /// An invalid filter.
    pub async fn get_pending_tasks(&self, caller: &Caller, asked: ListTasks) -> Result<TaskList, AppError> {
        let limit = page_size(asked.limit)?;
        let at = now();
        let offset = match asked.cursor {
            None => 0,
            Some(cursor) => cursor
                .parse()
                .map_err(|_| AppError::invalid(Field::Cursor, "cursor must be the next_cursor of the page before"))?,
        };
        let filter = TaskFilter {
            principal: caller.scope().cloned(),
            kind: asked.kind,
            priority: asked.priority,
            status: asked.status,
            buy: asked.buy,
            overdue: asked.include_overdue,
            assigned_to: None,
            closed_since: Some(at.plus_millis(-i64::try_from(CLOSED_LISTED_FOR.as_millis()).unwrap_or(i64::MAX))),
            now: Some(at),
            offset,
            limit,
        };
        let found = self.store.tasks(&filter).await?;
        let end = u64::from(offset) + found.tasks.len() as u64;
        let next_cursor = (end < found.total && !found.tasks.is_empty()).then(|| end.to_string());
        Ok(TaskList {
            page: Page { items: found.tasks, next_cursor },
            total: found.total,
            overdue: found.overdue,
            now: at,
            staff: caller.is_staff(),
        })
    }

    /// Returns a task with its history.
    ///
    /// # Errors
    /// `NOT_FOUND`, whether the task does not exist or belongs to somebody else.
    pub async fn get_task(&self, caller: &Caller, id: &TaskId) -> Result<TaskView, AppError> {
        let task = self.visible_task(caller, id).await?;
        self.view(caller, task.value).await
    }

    /// Assigns a task to somebody.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `INVALID_STATE`.
    pub async fn assign_task(
        &self,
        caller: &Caller,
        id: &TaskId,
        assigned_to: &str,
        reason: Option<&str>,
    ) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        self.change_task(caller, id, |task, at, recording| {
            task.assigned_to = Some(assigned_to.to_owned());
            let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let words = format!("to {assigned_to}{why}");
            advance(task, TaskMove::Assign, caller, Some(&words), at, recording)?;
            recording.push(Write::Audit(line("task.assigned", task, caller, Some(words), at)));
            recording.push(Write::Event(events::task_event(EventKind::TaskAssigned, task, at)));
            Ok(())
        })
        .await
    }

    /// Starts work on a task. An unassigned task is first assigned to the caller.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `INVALID_STATE`.
    pub async fn start_task(&self, caller: &Caller, id: &TaskId) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        self.change_task(caller, id, |task, at, recording| {
            take_up(task, caller, at, recording)?;
            recording.push(Write::Audit(line("task.started", task, caller, None, at)));
            Ok(())
        })
        .await
    }

    /// Takes a task over from whoever has it, and starts work on it.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `INVALID_STATE`.
    pub async fn take_over_task(&self, caller: &Caller, id: &TaskId, reason: &str) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        self.change_task(caller, id, |task, at, recording| {
            if task.decision.is_some() {
                return Err(AppError::state("it is decided and being carried out"));
            }
            let from = task.assigned_to.replace(caller.name.clone());
            let words = match from.filter(|from| *from != caller.name) {
                Some(from) => format!("from {from}: {reason}"),
                None => reason.to_owned(),
            };
            // Work that has begun is handed on by way of an escalation; see the table of moves.
            if task.status == TaskStatus::InProgress {
                advance(task, TaskMove::Escalate, caller, Some(&words), at, recording)?;
            }
            advance(task, TaskMove::Assign, caller, Some(&words), at, recording)?;
            advance(task, TaskMove::Start, caller, None, at, recording)?;
            recording.push(Write::Audit(line("task.taken_over", task, caller, Some(words), at)));
            recording.push(Write::Event(events::task_event(EventKind::TaskAssigned, task, at)));
            Ok(())
        })
        .await
    }

    /// Escalates a task.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `INVALID_STATE`.
    pub async fn escalate_task(
        &self,
        caller: &Caller,
        id: &TaskId,
        escalated_to: Option<&str>,
        reason: &str,
    ) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        self.change_task(caller, id, |task, at, recording| {
            if task.decision.is_some() {
                return Err(AppError::state("it is decided and being carried out"));
            }
            task.escalated_to = escalated_to.map(str::to_owned);
            advance(task, TaskMove::Escalate, caller, Some(reason), at, recording)?;
            recording.push(Write::Audit(line("task.escalated", task, caller, Some(reason.to_owned()), at)));
            recording.push(Write::Event(events::task_event(EventKind::TaskEscalated, task, at)));
            Ok(())
        })
        .await
    }

    /// Adds a comment to a task's history, which only the publisher's people see. The task stays as
    /// it is, also its version.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`.
    pub async fn comment_task(&self, caller: &Caller, id: &TaskId, words: &str) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        let task = self.visible_task(caller, id).await?.value;
        let at = now();
        let entry = events::history(&caller.signature(), COMMENT, task.status, task.status, Some(words), at);
        let mut tries = 0;
        loop {
            let mut recording = Recording::default();
            recording.push(Write::History(task.id.clone(), entry.clone()));
            recording.push(Write::Audit(line("task.commented", &task, caller, Some(words.to_owned()), at)));
            match self.store.record(recording).await {
                Ok(()) => return self.view(caller, task).await,
                // The database did not say whether the comment was recorded. If it was, it is there.
                Err(StoreError::Unsure(_)) if tries < TRIES => {
                    tries += 1;
                    let view = self.view(caller, task.clone()).await?;
                    if view.history.contains(&entry) {
                        return Ok(view);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) async fn visible_task(&self, caller: &Caller, id: &TaskId) -> Result<Stored<Task>, AppError> {
        let found = self.store.task(id).await?.filter(|task| caller.sees(&task.value.principal));
        found.ok_or_else(|| AppError::not_found("task"))
    }

    pub(super) async fn view(&self, caller: &Caller, task: Task) -> Result<TaskView, AppError> {
        let mut history: Vec<HistoryEntry> = self.store.history(&task.id).await?;
        // What the publisher's people say to each other.
        history.retain(|entry| caller.is_staff() || entry.action != COMMENT);
        Ok(TaskView { task, history, now: now(), staff: caller.is_staff() })
    }

    /// Changes a task that the caller may see. Who may make the change is the caller's of this
    /// function to check.
    pub(super) async fn change_task(
        &self,
        caller: &Caller,
        id: &TaskId,
        change: impl Fn(&mut Task, Timestamp, &mut Recording) -> Result<(), AppError>,
    ) -> Result<TaskView, AppError> {
        let mut tries = 0;
        // The changed task, if the database did not say whether the change was recorded.
        let mut perhaps = None;
        loop {
            let mut stored = self.visible_task(caller, id).await?;
            if perhaps.as_ref() == Some(&stored.value) {
                return self.view(caller, stored.value).await;
            }
            let at = now();
            let mut recording = Recording::default();
            change(&mut stored.value, at, &mut recording)?;
            let task = stored.value.clone();
            recording.push(Write::Task(stored));
            match self.store.record(recording).await {
                Ok(()) => return self.view(caller, task).await,
                Err(StoreError::Stale(_)) if tries < TRIES => tries += 1,
                // When repeated, the write waits for the one that may be under way.
                Err(StoreError::Unsure(_)) if tries < TRIES => {
                    tries += 1;
                    perhaps = Some(task);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Returns the audit line for a person's change of a task.
pub(super) fn line(action: &str, task: &Task, caller: &Caller, reason: Option<String>, at: Timestamp) -> AuditEntry {
    AuditEntry { actor: caller.signature(), reason, ..events::audit(action, task, "", at) }
}

/// Moves a task on behalf of a person, with an entry in its history.
pub(super) fn advance(
    task: &mut Task,
    step: TaskMove,
    caller: &Caller,
    words: Option<&str>,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<(), AppError> {
    let (from, to) = task.advance(step).map_err(|from| {
        AppError::state(format!("a task that is {from} can't be moved by {step}"))
            .suggest("get the task to see where it stands")
    })?;
    recording.push(Write::History(
        task.id.clone(),
        events::history(&caller.signature(), step.as_str(), from, to, words, at),
    ));
    Ok(())
}

/// Assigns a task to the caller and starts it, as far as that is not done yet.
pub(super) fn take_up(
    task: &mut Task,
    caller: &Caller,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<(), AppError> {
    if task.status == TaskStatus::Pending || task.assigned_to.is_none() {
        task.assigned_to = Some(caller.name.clone());
        advance(task, TaskMove::Assign, caller, None, at, recording)?;
        recording.push(Write::Event(events::task_event(EventKind::TaskAssigned, task, at)));
    }
    advance(task, TaskMove::Start, caller, None, at, recording)
}
