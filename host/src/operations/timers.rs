//! What the clock does: tasks that are late, tasks that expire, keys that may be forgotten.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        event::EventKind,
        operation::{OperationFailure, OperationKind, OperationState},
        status::{self, BuyStatus, Creation, Standing},
        task::{Task, TaskMove},
        time::Timestamp,
    },
    operations::{Signals, asking, now, run::brought_about, tell},
    store::{Recording, Store, StoreError, Stored},
};

/// How often the clock looks: a task may be late by so much before it escalates.
const TICK: Duration = Duration::from_secs(5);

/// How many tasks or keys one look handles, so that none takes long.
const BATCH: u32 = 100;

/// Looks at the clock until `stop`.
pub async fn serve(store: Arc<dyn Store>, signals: Arc<Signals>, stop: CancellationToken) {
    loop {
        if let Err(error) = tick(store.as_ref(), &signals, now()).await {
            tracing::error!(%error, "could not do what the clock asks for");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Does what is due at `now`.
///
/// # Errors
/// The store could not be used; what was not done is done at the next look.
pub async fn tick(store: &dyn Store, signals: &Signals, now: Timestamp) -> Result<(), StoreError> {
    for task in store.tasks_due(now, BATCH).await? {
        let operation = task.value.operation.clone();
        let done = if task.value.expires_at <= now {
            expire(store, task, now).await
        } else {
            escalate(store, task, now).await
        };
        match done {
            Ok(()) => signals.rested(&operation),
            // Somebody was faster: the next look sees what they made of it.
            Err(StoreError::Stale(_)) => {}
            Err(error) => return Err(error),
        }
    }
    store.forget_keys(now, BATCH).await?;
    Ok(())
}

async fn escalate(store: &dyn Store, mut stored: Stored<Task>, now: Timestamp) -> Result<(), StoreError> {
    let task = &mut stored.value;
    let words = format!("nobody decided by {}", task.due_by);
    let Ok((from, to)) = task.advance(TaskMove::Escalate) else { return Ok(()) };
    let mut recording = Recording::default();
    recording.history.push((task.id.clone(), tell::history(tell::ITSELF, "escalate", from, to, Some(&words), now)));
    recording.events.push(tell::task_event(EventKind::TaskEscalated, task, now));
    recording.tasks.push(stored);
    store.record(recording).await
}

/// Fails a task that nobody decided in time, and its operation with it.
async fn expire(store: &dyn Store, stored: Stored<Task>, now: Timestamp) -> Result<(), StoreError> {
    let reason = format!("nobody decided by {}", stored.value.expires_at);
    let mut recording = Recording::default();
    let Some(mut operation) = store.operation(&stored.value.operation).await? else { return Ok(()) };
    let waits = matches!(operation.value.state, OperationState::AwaitingApproval | OperationState::AwaitingPermission);
    if waits && operation.value.become_state(OperationState::Failed, now).is_ok() {
        operation.value.failure =
            Some(OperationFailure { code: "EXPIRED".to_owned(), reason, details: serde_json::Value::Null });
        end_waiting(store, operation, vec![stored], now, &mut recording).await?;
    } else if operation.value.state.is_final() {
        asking::close(vec![stored], &operation.value, now, &mut recording);
    } else {
        // Being carried out, or parked: the ad server may hold something, so the task must stay.
        return Ok(());
    }
    store.record(recording).await
}

/// What is recorded when an operation that waited for a person ends: its tasks close, and a buy that was to be created
/// stands accordingly. The operation has its last state already.
///
/// # Errors
/// The store could not be read.
pub async fn end_waiting(
    store: &dyn Store,
    operation: Stored<crate::domain::operation::Operation>,
    tasks: Vec<Stored<Task>>,
    now: Timestamp,
    recording: &mut Recording,
) -> Result<(), StoreError> {
    asking::close(tasks, &operation.value, now, recording);
    if let Some(buy) = store.buy(&operation.value.buy).await? {
        let mut next = buy.value;
        tell::operation_ended(&operation.value, &next, now, recording);
        if operation.value.kind == OperationKind::Create {
            let standing = match &operation.value.failure {
                Some(failure) => Standing { status: BuyStatus::Failed, detail: failure.reason.clone() },
                None => status::derive(&next, &Creation::Done, &[], now),
            };
            tell::become_status(&mut next, standing, now, recording);
            recording.buy = Some(Stored { value: next, version: buy.version });
        } else if let (OperationState::Succeeded, Some(frozen)) = (operation.value.state, &operation.value.frozen) {
            // A person finished it by hand: the ad server now holds what was asked for.
            let next = brought_about(&next, &frozen.desired);
            recording.buy = Some(Stored { value: next, version: buy.version });
        }
    }
    recording.operations.push(operation);
    Ok(())
}
