//! What happens to an operation that waits for a person, after a decision or the expiry of its
//! task.
//!
//! | decision | effect |
//! |---|---|
//! | go on | [`release`]: it runs again; whatever may have happened is looked up first |
//! | done by hand | [`finish_by_hand`]: it ends as if the adapter had done it |
//! | no, or nothing in time | [`give_up`]: what was made on an ad server is cancelled, then it fails |
//! | any decision about an operation that has ended | [`acknowledge`]: the task was only a notice, and is closed |
//! | none, and its buy was cancelled on its ad servers | [`end_with_buy`]: it fails, unless it has begun |
//!
//! Nothing here writes to the store: the caller records all of it together with the decision.

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

/// Why an operation can't be moved on.
#[derive(Debug, thiserror::Error)]
pub enum WaitingError {
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operation is not waiting any more.
    #[error("the operation does not wait for a decision any more: it is {0}")]
    NotWaiting(OperationState),
}

/// Lets a waiting operation run, with a new deadline and as if it had not been tried yet. If it
/// creates its buy, the buy's status becomes that of a buy being created. Any other buy may have
/// been held up by the operation, so its status is read soon.
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
    // The person was asked to look only there. Every other open step is looked up by its adapter.
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

/// Returns the standing of a buy whose creation goes on.
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

/// Ends an operation whose work a person did: what it asks for is in place, or what it made has
/// been removed as it should be.
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

/// Closes a task about an operation that has already ended. The task was a notice, and somebody has
/// dealt with it or says that nobody can.
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

/// Gives an operation up. A create that may have made something keeps running in order to cancel
/// it; the decided task stays open until that is done.
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

/// Returns whether a create has made something on an ad server, or may have.
async fn left_something(store: &Store, operation: &Operation) -> Result<bool, StoreError> {
    if operation.kind != OperationKind::Create || operation.frozen.is_none() {
        return Ok(false);
    }
    let Some(buy) = store.buy(&operation.buy).await? else { return Ok(false) };
    let steps = store.steps(&operation.id).await?;
    Ok(!step::traces(&buy.value, &steps).is_empty())
}

/// Closes the tasks of an operation in its final state, and applies the outcome to the record of
/// its buy.
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

/// Fails the operations of a buy that was cancelled on its ad servers, if they wait for a person
/// and have not begun, and returns their ids. Operations that have begun are left to the person who
/// must look at them.
///
/// # Errors
/// When the store can't be read.
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

/// Marks a task as decided. It stays open until the decision has been carried out.
pub fn decide(task: &mut Task, resolution: Resolution, words: Option<&str>, by: &str) {
    task.decision = Some(resolution);
    task.resolution_detail = words.map(str::to_owned);
    task.resolved_by = Some(by.to_owned());
}
