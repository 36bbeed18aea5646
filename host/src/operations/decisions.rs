//! What becomes of an operation that waits for a person, once the person or the clock has spoken.
//!
//! | said | then |
//! |---|---|
//! | go on | [`release`]: it runs again; what may have happened is looked up first |
//! | done by hand | [`finish_by_hand`]: it ends as if the adapter had done it |
//! | no, or nothing in time | [`give_up`]: what was made on an ad server is cancelled, then it fails |
//! | anything, of one that has ended | [`acknowledge`]: the task told of something, and closes |
//! | nothing, and its buy was cancelled on its ad servers | [`end_with_buy`]: it fails, unless it has begun |
//!
//! Nothing here writes: the caller records all of it together with the decision.

use std::time::Duration;

use crate::{
    domain::{
        event::EventKind,
        failure::FailureDetails,
        id::OperationId,
        media_buy::MediaBuy,
        operation::{Operation, OperationFailure, OperationKind, OperationState},
        status::{self, Creation},
        step,
        task::{Resolution, Task, TaskKind, TaskMove},
        time::Timestamp,
    },
    operations::{events, outcome, tasks},
    store::{Recording, Store, StoreError, Stored, Write},
};

/// Why an operation can't be moved.
#[derive(Debug, thiserror::Error)]
pub enum WaitingError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It does not wait any more.
    #[error("the operation does not wait for a decision any more: it is {0}")]
    NotWaiting(OperationState),
}

/// Lets an operation run that waited, with a new deadline and as if it had not been tried yet. A
/// buy that is created by it is being created from then on; another one may have been held up by
/// it.
///
/// # Errors
/// [`WaitingError`].
pub async fn release(
    store: &Store,
    mut operation: Stored<Operation>,
    task: &Task,
    deadline: Duration,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<(), WaitingError> {
    let waiting = &mut operation.value;
    if waiting.frozen.is_none() && task.kind == TaskKind::ManualApproval {
        waiting.approved_digest = Some(task.digest.clone());
    }
    // Only there the person was asked to look: every other step that is open is looked up by its
    // adapter.
    for platform in std::mem::take(&mut waiting.unresolved) {
        recording.push(Write::ResetSteps(waiting.id.clone(), platform));
    }
    queue(waiting, deadline, at)?;
    match waiting.kind {
        OperationKind::Create => being_created(store, waiting, at, recording).await?,
        _ => recording.push(Write::ReadStatusSoon(waiting.buy.clone())),
    }
    recording.push(Write::Operation(operation));
    Ok(())
}

/// How the buy stands whose creation goes on.
async fn being_created(
    store: &Store,
    operation: &Operation,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<(), StoreError> {
    let Some(Stored { mut value, version }) = store.buy(&operation.buy).await? else { return Ok(()) };
    let standing = status::derive(&value, &Creation::of(operation), &[], at);
    events::become_status(&mut value, standing, at, recording);
    recording.push(Write::Buy(Stored { value, version }));
    Ok(())
}

fn queue(operation: &mut Operation, deadline: Duration, at: Timestamp) -> Result<(), WaitingError> {
    operation.become_state(OperationState::Queued, at).map_err(WaitingError::NotWaiting)?;
    operation.run_at = at;
    operation.claims = 0;
    operation.attempts = 0;
    operation.faults = 0;
    operation.deadline = at.plus(deadline);
    Ok(())
}

/// Ends an operation whose work a person did: what it asks for is as asked, or what it made is gone
/// as it should be.
///
/// # Errors
/// [`WaitingError`].
pub async fn finish_by_hand(
    store: &Store,
    mut operation: Stored<Operation>,
    decided: Stored<Task>,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<(), WaitingError> {
    let undone = operation.value.undoing.clone();
    let end = if undone.is_some() { OperationState::Failed } else { OperationState::Succeeded };
    operation.value.failure = undone;
    operation.value.become_state(end, at).map_err(WaitingError::NotWaiting)?;
    end_waiting(store, operation, decided, at, recording).await
}

/// Closes a task about an operation that has ended: it told of something, and somebody has seen to
/// it, or says that nobody can.
pub fn acknowledge(mut decided: Stored<Task>, at: Timestamp, recording: &mut Recording) {
    let task = &mut decided.value;
    let seen_to = matches!(task.decision, Some(Resolution::Completed | Resolution::Approved));
    let (next, kind, action) = match seen_to {
        true => (TaskMove::Complete, EventKind::TaskCompleted, "complete"),
        false => (TaskMove::Fail, EventKind::TaskFailed, "fail"),
    };
    let Ok((from, to)) = task.advance(next) else { return };
    task.resolved_at = Some(at);
    recording.push(Write::Event(events::task_event(kind, task, at)));
    let line = events::history(events::ITSELF, action, from, to, task.resolution_detail.as_deref(), at);
    recording.push(Write::History(task.id.clone(), line));
    recording.push(Write::Task(decided));
}

/// Gives an operation up. A create that may have made something runs on, to cancel it; the task
/// that was decided stays open until that is done.
///
/// # Errors
/// [`WaitingError`].
pub async fn give_up(
    store: &Store,
    mut operation: Stored<Operation>,
    failure: OperationFailure,
    decided: Stored<Task>,
    deadline: Duration,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<(), WaitingError> {
    let giving_up = &mut operation.value;
    if giving_up.undoing.is_none() && left_something(store, giving_up).await? {
        giving_up.undoing = Some(failure);
        giving_up.unresolved.clear();
        queue(giving_up, deadline, at)?;
        recording.push(Write::Operation(operation));
        recording.push(Write::Task(decided));
        return Ok(());
    }
    giving_up.failure = Some(failure);
    giving_up.become_state(OperationState::Failed, at).map_err(WaitingError::NotWaiting)?;
    end_waiting(store, operation, decided, at, recording).await
}

/// Whether a create has made something on an ad server, or may have.
async fn left_something(store: &Store, operation: &Operation) -> Result<bool, StoreError> {
    if operation.kind != OperationKind::Create || operation.frozen.is_none() {
        return Ok(false);
    }
    let Some(buy) = store.buy(&operation.buy).await? else { return Ok(false) };
    let steps = store.steps(&operation.id).await?;
    Ok(!step::traces(&buy.value, &steps).is_empty())
}

/// Closes the tasks of an operation that has its last state, and lets the record of its buy follow.
async fn end_waiting(
    store: &Store,
    operation: Stored<Operation>,
    decided: Stored<Task>,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<(), WaitingError> {
    let mut tasks = Vec::new();
    for id in operation.value.tasks.iter().filter(|id| *id != &decided.value.id) {
        tasks.extend(store.task(id).await?);
    }
    tasks.push(decided);
    tasks::close(tasks, &operation.value, at, recording);
    if let Some(buy) = store.buy(&operation.value.buy).await? {
        let next = outcome::of(&operation.value, &buy.value, at, recording);
        events::operation_ended(&operation.value, &next, at, recording);
        if next != buy.value {
            recording.push(Write::Buy(Stored { value: next, version: buy.version }));
        }
    }
    recording.push(Write::Operation(operation));
    Ok(())
}

/// Fails the operations that wait for a person and have not begun, of a buy that was cancelled on
/// its ad servers, and returns their ids. Operations that have begun are left to the person who
/// must look at them.
///
/// # Errors
/// The store's.
pub async fn end_with_buy(
    store: &Store,
    buy: &MediaBuy,
    at: Timestamp,
    recording: &mut Recording,
) -> Result<Vec<OperationId>, StoreError> {
    let mut ended = Vec::new();
    for mut operation in store.open_operations(&buy.id).await? {
        let waiting = &mut operation.value;
        let waits = matches!(
            waiting.state,
            OperationState::AwaitingApproval | OperationState::AwaitingPermission | OperationState::Parked
        );
        if !waits || waiting.frozen.is_some() || waiting.become_state(OperationState::Failed, at).is_err() {
            continue;
        }
        let reason = format!("the media buy is gone: {}", buy.detail);
        waiting.failure = Some(OperationFailure {
            code: "INVALID_STATE".to_owned(),
            reason: reason.into(),
            details: FailureDetails::Other(serde_json::Value::Null),
        });
        let mut tasks = Vec::new();
        for id in &waiting.tasks {
            tasks.extend(store.task(id).await?);
        }
        tasks::close(tasks, waiting, at, recording);
        events::operation_ended(waiting, buy, at, recording);
        ended.push(operation.value.id.clone());
        recording.push(Write::Operation(operation));
    }
    Ok(ended)
}

/// Marks a task as decided; it stays open until what was decided is carried out.
pub fn decide(task: &mut Task, resolution: Resolution, words: Option<&str>, by: &str) {
    task.decision = Some(resolution);
    task.resolution_detail = words.map(str::to_owned);
    task.resolved_by = Some(by.to_owned());
}
