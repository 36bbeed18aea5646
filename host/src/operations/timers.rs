//! Timed work: overdue tasks, expired tasks, and the deletion of expired keys and old rows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{
    config::{Desk, Retention},
    domain::{
        event::EventKind,
        failure::FailureDetails,
        operation::{Operation, OperationFailure, OperationKind, OperationState},
        task::{CLOSED_LISTED_FOR, Resolution, Task, TaskMove},
        time::Timestamp,
        webhook::DELIVERIES_KEPT_FOR,
    },
    operations::{
        Signals,
        decisions::{self, WaitingError},
        events, now,
        setup::LiveSetup,
        tasks,
    },
    store::{DueTask, Recording, Store, StoreError, Stored, Write, marks::RESTORED},
};

/// How often the timers are checked, and so how late a task may escalate.
const TICK: Duration = Duration::from_secs(5);

/// How many tasks or keys one check handles, so that none takes long.
const BATCH: u32 = 100;

/// How long one check deletes old rows, batch after batch. The rest is left for the next check. A
/// host that comes back after days finds more than one batch, and a busy one does so every time.
const FORGETS_FOR: Duration = Duration::from_secs(2);

/// Checks the timers until `stop`.
pub async fn serve(store: Store, signals: Arc<Signals>, live: LiveSetup, stop: CancellationToken) {
    loop {
        let config = live.current().config;
        if let Err(error) = tick(&store, &signals, config.operations.deadline, now()).await {
            tracing::error!(%error, "could not do what the clock asks for");
        }
        if let Err(error) = forget_sessions(&store, &config.desk, now()).await {
            tracing::error!(%error, "ended sessions of the desk could not be forgotten");
        }
        if let Err(error) = forget(&store, &config.retention, now()).await {
            tracing::error!(%error, "what is old could not be forgotten");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Does what is due at `now`.
///
/// `deadline`: how long the cancellation that an expired task starts may be tried.
///
/// # Errors
/// When expired rows could not be deleted. Whatever was not done is done at the next check.
pub async fn tick(store: &Store, signals: &Signals, deadline: Duration, now: Timestamp) -> Result<(), StoreError> {
    let due = store.tasks_due(now, BATCH).await.unwrap_or_else(|error| {
        tracing::error!(%error, "could not look for tasks that are late");
        Vec::new()
    });
    for DueTask { task, expired } in due {
        let (id, operation) = (task.value.id.clone(), task.value.operation.clone());
        let done = if expired {
            expire(store, task, deadline, now).await
        } else {
            escalate(store, task, now).await.map_err(WaitingError::from)
        };
        match done {
            Ok(()) => {
                signals.rested(&operation);
                signals.work();
            }
            // Somebody else was faster. The next check sees the result.
            Err(WaitingError::Store(StoreError::Stale(_)) | WaitingError::NotWaiting(_)) => {}
            Err(WaitingError::Store(error)) if error.passes() => {
                tracing::error!(%error, "tasks that are late stay as they are");
                break;
            }
            // A task that can't be handled must not hold up the others.
            Err(WaitingError::Store(error)) => {
                tracing::error!(task = %id, %error, "a task that is late stays as it is")
            }
        }
    }
    // One batch at a time, so that other writes get their turn.
    let begun = Instant::now();
    while store.forget_keys(now, BATCH).await? >= u64::from(BATCH) && begun.elapsed() < FORGETS_FOR {}
    let (begun, listed_since) = (Instant::now(), before(now, CLOSED_LISTED_FOR));
    while store.unlist_tasks(listed_since, BATCH).await? >= u64::from(BATCH) && begun.elapsed() < FORGETS_FOR {}
    let (begun, long_ago) = (Instant::now(), before(now, DELIVERIES_KEPT_FOR));
    while store.forget_deliveries(long_ago, BATCH).await? >= u64::from(BATCH) && begun.elapsed() < FORGETS_FOR {}
    Ok(())
}

/// Deletes what is past its retention at `now`: events, closed tasks, and then operations that no
/// task is about any more. Deletes one batch at a time, so that other writes get their turn.
///
/// # Errors
/// When the store can't be written. Whatever was not deleted is deleted at the next check.
pub async fn forget(store: &Store, retention: &Retention, now: Timestamp) -> Result<(), StoreError> {
    let full = u64::from(BATCH);
    let (begun, long_ago) = (Instant::now(), before(now, retention.events));
    while store.forget_events(long_ago, BATCH).await? >= full && begun.elapsed() < FORGETS_FOR {}
    let (begun, long_ago) = (Instant::now(), before(now, retention.tasks));
    while store.forget_tasks(long_ago, BATCH).await? >= full && begun.elapsed() < FORGETS_FOR {}
    let (begun, long_ago) = (Instant::now(), before(now, retention.operations));
    while store.forget_operations(long_ago, BATCH).await? >= full && begun.elapsed() < FORGETS_FOR {}
    Ok(())
}

/// Deletes the sessions of browsers that have been idle for too long.
async fn forget_sessions(store: &Store, desk: &Desk, now: Timestamp) -> Result<(), StoreError> {
    let (begun, idle_since) = (Instant::now(), before(now, desk.idle_timeout));
    while store.forget_sessions(idle_since, BATCH).await? >= u64::from(BATCH) && begun.elapsed() < FORGETS_FOR {}
    Ok(())
}

async fn escalate(store: &Store, mut stored: Stored<Task>, now: Timestamp) -> Result<(), StoreError> {
    let task = &mut stored.value;
    let words = match &task.escalate_to {
        Some(to) => format!("nobody decided by {}: it goes to {to}", task.due_by),
        None => format!("nobody decided by {}", task.due_by),
    };
    let Ok((from, to)) = task.advance(TaskMove::Escalate) else { return Ok(()) };
    // A person may have escalated it to somebody before.
    task.escalated_to = task.escalate_to.clone().or(task.escalated_to.take());
    let mut recording = Recording::default();
    recording.push(Write::History(
        task.id.clone(),
        events::history(events::ITSELF, "escalate", from, to, Some(&words), now),
    ));
    recording.push(Write::Audit(events::audit("task.escalated", task, &words, now)));
    recording.push(Write::Event(events::task_event(EventKind::TaskEscalated, task, now)));
    recording.push(Write::Task(stored));
    store.record(recording).await
}

/// Returns whether the database was restored from a copy in which this create was already waiting.
/// Nobody can tell from the database what was decided and made after that copy.
async fn is_older_than_the_copy(store: &Store, operation: &Operation) -> Result<bool, StoreError> {
    let restored_at = store.marked(RESTORED).await?;
    Ok(operation.kind == OperationKind::Create && restored_at.is_some_and(|at| operation.created_at <= at))
}

/// Returns whether an operation fails with its task when the task expires. Otherwise it keeps
/// waiting for a person.
///
/// # Errors
/// When the store can't be read.
pub async fn fails_when_expired(store: &Store, operation: &Operation) -> Result<bool, StoreError> {
    let waits = matches!(operation.state, OperationState::AwaitingApproval | OperationState::AwaitingPermission);
    Ok(waits && !is_older_than_the_copy(store, operation).await?)
}

/// Fails a task that nobody decided in time, together with its operation. What the operation made
/// is cancelled as if it had been rejected.
async fn expire(
    store: &Store,
    mut stored: Stored<Task>,
    deadline: Duration,
    now: Timestamp,
) -> Result<(), WaitingError> {
    let reason = format!("nobody decided by {}", stored.value.expires_at);
    let mut recording = Recording::default();
    let Some(operation) = store.operation(&stored.value.operation).await? else { return Ok(()) };
    match operation.value.state {
        // Somebody may have approved it after the copy was made, and it may be delivering since.
        OperationState::AwaitingApproval | OperationState::AwaitingPermission
            if !fails_when_expired(store, &operation.value).await? =>
        {
            let reason = format!("{reason}, and the database was restored from a copy since it was asked for");
            tasks::keep_open(stored, &reason, now, &mut recording);
        }
        OperationState::AwaitingApproval | OperationState::AwaitingPermission => {
            let task = &mut stored.value;
            decisions::decide(task, Resolution::CannotComplete, Some(&reason), events::ITSELF);
            task.version += 1;
            let line = events::history(events::ITSELF, "expire", task.status, task.status, Some(&reason), now);
            recording.push(Write::History(task.id.clone(), line));
            recording.push(Write::Audit(events::audit("task.expired", task, &reason, now)));
            let failure = OperationFailure {
                code: "EXPIRED".to_owned(),
                reason: reason.into(),
                details: FailureDetails::Other(serde_json::Value::Null),
            };
            decisions::give_up(store, operation, failure, stored, deadline, now, &mut recording).await?;
        }
        OperationState::Succeeded | OperationState::Failed => {
            recording.push(Write::Audit(events::audit("task.expired", &stored.value, &reason, now)));
            tasks::close(vec![stored], &operation.value, now, &mut recording);
        }
        // The ad server may hold something that only a person can find, so the task must stay.
        OperationState::Parked | OperationState::Queued | OperationState::Running => {
            tasks::keep_open(stored, &reason, now, &mut recording);
        }
    }
    Ok(store.record(recording).await?)
}

/// Returns the moment that is `time` before `at`.
fn before(at: Timestamp, time: Duration) -> Timestamp {
    at.plus_millis(-i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
