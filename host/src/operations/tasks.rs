//! The tasks that an operation creates when it needs a person, and how they are closed.

use std::time::Duration;

use crate::{
    domain::{
        approval::{self, Demand, Needed},
        disclosure::Disclosure,
        event::EventKind,
        id::TaskId,
        media_buy::MediaBuy,
        operation::Operation,
        plan::Plan,
        task::{Priority, Resolution, Task, TaskKind, TaskMove, TaskStatus},
        time::Timestamp,
    },
    operations::events,
    store::{Recording, Stored, Write},
};

/// The longest time a task may stay open. The flight may start far in the future, and a request
/// does not stay valid forever.
const EXPIRES_AFTER: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How long a task that the host creates by itself may wait before it escalates.
pub const DUE_IN: Duration = Duration::from_secs(24 * 3_600);

/// The contents of a new task.
#[derive(Debug)]
pub struct Question {
    /// Why a person is needed.
    pub kind: TaskKind,
    /// The priority of the task.
    pub priority: Priority,
    /// The reason in words.
    pub reason: Disclosure,
    /// After this time the task escalates.
    pub due_in: Duration,
    /// To whom it escalates then.
    pub escalate_to: Option<String>,
    /// After this time an approval expires, if that is sooner than usual.
    pub expires_in: Option<Duration>,
    /// What the rules demand; empty: one reviewer.
    pub demands: Vec<Demand>,
    /// The plan of the operation.
    pub plan: Plan,
    /// The digest of what is reviewed.
    pub digest: String,
}

impl Question {
    /// Returns the question that asks for the approval that the rules demand.
    pub fn for_approval(needed: Needed, reason: Disclosure, plan: Plan, digest: String) -> Self {
        Self {
            kind: TaskKind::ManualApproval,
            priority: needed.priority,
            reason,
            due_in: needed.due_in,
            escalate_to: needed.escalate_to,
            expires_in: needed.expires_in,
            demands: needed.demands,
            plan,
            digest,
        }
    }

    /// Returns how many people must answer at least.
    fn people(&self) -> u32 {
        approval::most(&self.demands).max(1)
    }

    /// Returns when the task escalates and when it expires.
    ///
    /// An approval expires when the flight starts, but after 30 days at most. If the flight starts
    /// before the task is due, which would leave the reviewer no time, the approval expires when
    /// the flight ends. A rule can make it expire earlier. A task about something that has begun does not expire before those 30 days,
    /// because the ad server may hold half of it.
    fn times(&self, buy: &MediaBuy, now: Timestamp) -> (Timestamp, Timestamp) {
        let latest = now.plus(EXPIRES_AFTER);
        let due_by = now.plus(self.due_in);
        let flight = if buy.start > due_by { buy.start } else { buy.end };
        let expires_at = match self.kind {
            TaskKind::ManualApproval => {
                let by_rule = self.expires_in.map_or(latest, |expires_in| now.plus(expires_in));
                latest.min(flight).min(by_rule).max(now.plus_millis(60_000))
            }
            TaskKind::PermissionException | TaskKind::CreativeApproval | TaskKind::Reconciliation => latest,
        };
        (due_by.min(expires_at), expires_at)
    }
}

/// Creates a task for an operation, with its event and the first entry of its history.
pub fn ask(
    operation: &mut Operation,
    buy: &MediaBuy,
    question: Question,
    now: Timestamp,
    recording: &mut Recording,
) -> TaskId {
    let (due_by, expires_at) = question.times(buy, now);
    let people = question.people();
    let task = Task {
        id: TaskId::mint(),
        kind: question.kind,
        principal: operation.principal.clone(),
        buy: buy.id.clone(),
        operation: operation.id.clone(),
        operation_name: operation.kind.to_string(),
        requested_by: operation.requested_by.clone(),
        requested_by_person: operation.requested_by_person.clone(),
        status: TaskStatus::Pending,
        priority: question.priority,
        reason: question.reason,
        created_at: now,
        due_by,
        expires_at,
        assigned_to: None,
        escalated_to: None,
        escalate_to: question.escalate_to,
        decision: None,
        resolution_detail: None,
        resolved_by: None,
        resolved_at: None,
        approvals: Vec::new(),
        approvals_needed: people,
        demands: question.demands,
        version: 1,
        request: operation.request.clone(),
        plan: question.plan,
        digest: question.digest,
        changed: None,
        reopened: 0,
        reason_code: None,
        inquiries: Vec::new(),
    };
    if task.kind == TaskKind::PermissionException {
        // The operation may hold up its buy.
        recording.push(Write::ReadStatusSoon(task.buy.clone()));
    }
    operation.tasks.push(task.id.clone());
    recording.push(Write::Event(events::task_event(EventKind::TaskCreated, &task, now)));
    recording.push(Write::History(
        task.id.clone(),
        events::history(
            events::ITSELF,
            "create",
            TaskStatus::Pending,
            TaskStatus::Pending,
            Some(task.reason.staff()),
            now,
        ),
    ));
    let id = task.id.clone();
    recording.push(Write::NewTask(task));
    id
}

/// Closes the open tasks of an operation that ended: as completed if it was carried out, otherwise
/// as failed with its reason.
pub fn close(mut tasks: Vec<Stored<Task>>, operation: &Operation, now: Timestamp, recording: &mut Recording) {
    tasks.retain(|task| task.value.status.is_open());
    let failure = operation.failure.as_ref().map(|failure| failure.reason.buyer().to_owned());
    for mut stored in tasks {
        let task = &mut stored.value;
        let decided = task.decision.is_some();
        let moved = match (&failure, decided) {
            (None, true) => task.advance(TaskMove::Complete),
            (Some(_), true) => task.advance(TaskMove::Fail),
            (_, false) => task.advance(TaskMove::Close),
        };
        let Ok((from, to)) = moved.or_else(|_| task.advance(TaskMove::Close)) else { continue };
        task.resolved_at = Some(now);
        if let Some(reason) = &failure {
            task.resolution_detail = Some(reason.clone());
        }
        if task.decision.is_none() {
            task.decision = Some(Resolution::CannotComplete);
        }
        let kind = if to == TaskStatus::Completed { EventKind::TaskCompleted } else { EventKind::TaskFailed };
        recording.push(Write::Event(events::task_event(kind, task, now)));
        let action = if to == TaskStatus::Completed { "complete" } else { "fail" };
        recording.push(Write::History(
            task.id.clone(),
            events::history(events::ITSELF, action, from, to, task.resolution_detail.as_deref(), now),
        ));
        recording.push(Write::Task(stored));
    }
}

/// Asks the new question in an existing task, because what was approved no longer holds.
pub fn ask_again(
    mut stored: Stored<Task>,
    buy: &MediaBuy,
    question: Question,
    changed: String,
    now: Timestamp,
    recording: &mut Recording,
) {
    let task = &mut stored.value;
    let Ok((from, to)) = task.advance(TaskMove::Reopen) else { return };
    task.decision = None;
    task.resolution_detail = None;
    task.resolved_by = None;
    task.approvals.clear();
    task.reopened += 1;
    (task.due_by, task.expires_at) = question.times(buy, now);
    task.approvals_needed = question.people();
    task.demands = question.demands;
    task.escalate_to = question.escalate_to;
    task.priority = question.priority;
    task.plan = question.plan;
    task.digest = question.digest;
    task.assigned_to = None;
    recording.push(Write::History(
        task.id.clone(),
        events::history(events::ITSELF, "reopen", from, to, Some(&changed), now),
    ));
    recording.push(Write::Audit(events::audit("task.reopened", task, &changed, now)));
    task.changed = Some(changed);
    recording.push(Write::Event(events::task_event(EventKind::TaskCreated, task, now)));
    recording.push(Write::Task(stored));
}

/// Escalates an expired task and gives it more time, because only a person can end what it is
/// about.
pub fn keep_open(mut stored: Stored<Task>, reason: &str, now: Timestamp, recording: &mut Recording) {
    let task = &mut stored.value;
    task.expires_at = now.plus(EXPIRES_AFTER);
    let status = task.status;
    let (from, to) = task.advance(TaskMove::Escalate).unwrap_or_else(|_| {
        task.version += 1;
        (status, status)
    });
    let words = format!("{reason}, but the ad server may hold something: it stays until somebody has looked");
    let line = events::history(events::ITSELF, "keep_open", from, to, Some(&words), now);
    recording.push(Write::History(task.id.clone(), line));
    recording.push(Write::Audit(events::audit("task.escalated", task, &words, now)));
    recording.push(Write::Event(events::task_event(EventKind::TaskEscalated, task, now)));
    recording.push(Write::Task(stored));
}
