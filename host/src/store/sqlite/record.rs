//! What one decision writes, and the small writes beside it.

use std::time::Duration;

use sqlx::SqliteConnection;

use super::{
    audit,
    error::from_sqlx,
    journal::reset_open,
    rows::{self, to_doc},
    script::{Script, Want},
};
use crate::{
    domain::{
        event::Event,
        id::{MediaBuyId, PrincipalId, TaskId},
        media_buy::MediaBuy,
        operation::{Operation, OperationState},
        task::{HistoryEntry, Task, TaskStatus},
        time::Timestamp,
    },
    store::{AuditEntry, Fence, IdempotencyEntry, Recording, StoreError, Stored, TokenRecord},
};

/// When an open task was closed: after everything.
pub(super) const NOT_CLOSED: i64 = i64::MAX;

/// Writes all of a recording. What it rests on is checked first: the fence, then the key.
pub(super) async fn record(connection: &mut SqliteConnection, recording: Recording) -> Result<(), StoreError> {
    let mut script = Script::default();
    if let Some(fence) = &recording.fence {
        check_fence(&mut script, fence);
    }
    if let Some(entry) = recording.idempotency {
        insert_key(&mut script, entry)?;
    }
    if let Some(buy) = recording.new_buy {
        insert_buy(&mut script, buy)?;
    }
    if let Some(buy) = recording.buy {
        update_buy(&mut script, buy)?;
    }
    if let Some(operation) = &recording.new_operation {
        insert_operation(&mut script, operation)?;
    }
    for operation in &recording.operations {
        update_operation(&mut script, operation)?;
    }
    for (operation, platform) in &recording.reset_steps {
        reset_open(&mut script, operation, platform);
    }
    if let Some(task) = &recording.new_task {
        insert_task(&mut script, task)?;
    }
    for task in &recording.tasks {
        update_task(&mut script, task)?;
    }
    append_history(&mut script, &recording.history)?;
    append_events(&mut script, &recording.events)?;
    if !recording.audit.is_empty() {
        // The writer is alone: nobody adds a line between this look and the commit.
        audit::append(&mut script, audit::head(connection).await?, &recording.audit)?;
    }
    if let (Some(fence), true) = (&recording.fence, recording.release) {
        script
            .statement("UPDATE operations SET worker = NULL, lease_until = NULL WHERE id = ?", Want::Any)
            .bind(fence.operation.as_str());
    }
    script.run(connection).await.map(drop)
}

/// The number must be the last one and the lease not given back. A lease that ran out still holds if nobody has
/// claimed the operation since.
pub(super) fn check_fence(script: &mut Script, fence: &Fence) {
    script
        .statement(
            "SELECT 1 FROM operations WHERE id = ? AND fence = ? AND lease_until IS NOT NULL",
            Want::Row(StoreError::Fenced(fence.operation.clone())),
        )
        .bind(fence.operation.as_str())
        .bind(fence.number);
}

fn insert_key(script: &mut Script, entry: IdempotencyEntry) -> Result<(), StoreError> {
    let answer = entry.answer.as_ref().map(to_doc).transpose()?;
    script
        .statement(
            "SELECT * FROM idempotency WHERE principal = ? AND key = ?",
            Want::NoRow(|row| match rows::idempotency(row) {
                Ok(entry) => StoreError::KeyTaken(Box::new(entry)),
                Err(error) => error,
            }),
        )
        .bind(entry.principal.as_str())
        .bind(entry.key.as_str());
    script
        .statement(
            "INSERT INTO idempotency (principal, key, fingerprint, operation, answer, created_at, expires_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            Want::Any,
        )
        .bind(entry.principal.as_str())
        .bind(entry.key)
        .bind(entry.fingerprint)
        .bind(entry.operation.as_str())
        .bind(answer)
        .bind(entry.created_at.as_micros())
        .bind(entry.expires_at.as_micros());
    Ok(())
}

fn insert_buy(script: &mut Script, mut buy: MediaBuy) -> Result<(), StoreError> {
    buy.remote.clear();
    script
        .statement(
            "INSERT INTO media_buys (id, principal, status, po_number, ends_at, asked_at, doc)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the media buy")),
        )
        .bind(buy.id.as_str())
        .bind(buy.principal.as_str())
        .bind(buy.status.as_str())
        .bind(buy.po_number.as_deref())
        .bind(buy.end.as_micros())
        .bind(buy.booked_at.map(Timestamp::as_micros))
        .bind(to_doc(&buy)?);
    add_platforms(script, &buy)
}

fn update_buy(script: &mut Script, stored: Stored<MediaBuy>) -> Result<(), StoreError> {
    let Stored { value: mut buy, version } = stored;
    buy.remote.clear();
    script
        .statement(
            "UPDATE media_buys SET version = version + 1, principal = ?, status = ?, po_number = ?, ends_at = ?,
                                   asked_at = coalesce(asked_at, ?), doc = ?
             WHERE id = ? AND version = ?",
            Want::Changes(1, StoreError::Stale("the media buy")),
        )
        .bind(buy.principal.as_str())
        .bind(buy.status.as_str())
        .bind(buy.po_number.as_deref())
        .bind(buy.end.as_micros())
        .bind(buy.booked_at.map(|_| buy.updated_at.as_micros()))
        .bind(to_doc(&buy)?)
        .bind(buy.id.as_str())
        .bind(version);
    script
        .statement(
            "DELETE FROM buy_platforms WHERE buy_seq = (SELECT seq FROM media_buys WHERE id = ?)
             AND platform NOT IN (SELECT value FROM json_each(?))",
            Want::Any,
        )
        .bind(buy.id.as_str())
        .bind(to_doc(&buy.platforms())?);
    add_platforms(script, &buy)
}

fn add_platforms(script: &mut Script, buy: &MediaBuy) -> Result<(), StoreError> {
    script
        .statement(
            "INSERT INTO buy_platforms (platform, buy_seq)
             SELECT platforms.value, media_buys.seq FROM media_buys, json_each(?) AS platforms WHERE media_buys.id = ?
             ON CONFLICT DO NOTHING",
            Want::Any,
        )
        .bind(to_doc(&buy.platforms())?)
        .bind(buy.id.as_str());
    Ok(())
}

fn insert_operation(script: &mut Script, operation: &Operation) -> Result<(), StoreError> {
    script
        .statement(
            "INSERT INTO operations (id, buy, kind, state, switches, begun, run_at, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the operation")),
        )
        .bind(operation.id.as_str())
        .bind(operation.buy.as_str())
        .bind(operation.kind.as_str())
        .bind(operation.state.as_str())
        .bind(operation.change.only_switches())
        .bind(operation.frozen.is_some())
        .bind(operation.run_at.as_micros())
        .bind(to_doc(operation)?);
    Ok(())
}

fn update_operation(script: &mut Script, stored: &Stored<Operation>) -> Result<(), StoreError> {
    let operation = &stored.value;
    // Whatever ends a run ends the lease, too, whoever writes it.
    let sql = if operation.state == OperationState::Running {
        "UPDATE operations SET version = version + 1, state = ?, begun = ?, run_at = ?, doc = ? WHERE id = ? AND version = ?"
    } else {
        "UPDATE operations SET version = version + 1, state = ?, begun = ?, run_at = ?, doc = ?, worker = NULL,
                               lease_until = NULL
         WHERE id = ? AND version = ?"
    };
    script
        .statement(sql, Want::Changes(1, StoreError::Stale("the operation")))
        .bind(operation.state.as_str())
        .bind(operation.frozen.is_some() && !operation.state.is_final())
        .bind(operation.run_at.as_micros())
        .bind(to_doc(operation)?)
        .bind(operation.id.as_str())
        .bind(stored.version);
    Ok(())
}

fn insert_task(script: &mut Script, task: &Task) -> Result<(), StoreError> {
    script.statement(
        "INSERT INTO tasks (status, open, undecided, escalates, priority, due_by, expires_at, closed_at, doc,
                            kind, principal, buy, operation, created_at, id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        Want::Changes(1, StoreError::Stale("the task")),
    );
    bind_task(script, task)?;
    script
        .bind(task.kind.as_str())
        .bind(task.principal.as_str())
        .bind(task.buy.as_str())
        .bind(task.operation.as_str())
        .bind(task.created_at.as_micros())
        .bind(task.id.as_str());
    Ok(())
}

fn update_task(script: &mut Script, stored: &Stored<Task>) -> Result<(), StoreError> {
    script.statement(
        "UPDATE tasks SET version = version + 1, status = ?, open = ?, undecided = ?, escalates = ?, priority = ?,
                          due_by = ?, expires_at = ?, closed_at = ?, doc = ?
         WHERE id = ? AND version = ?",
        Want::Changes(1, StoreError::Stale("the task")),
    );
    bind_task(script, &stored.value)?;
    script.bind(stored.value.id.as_str()).bind(stored.version);
    Ok(())
}

/// The columns of a task that may change, in the order of both statements.
fn bind_task(script: &mut Script, task: &Task) -> Result<(), StoreError> {
    let waits = matches!(task.status, TaskStatus::Pending | TaskStatus::Assigned | TaskStatus::InProgress);
    let closed_at = if task.status.is_open() { NOT_CLOSED } else { task.resolved_at.map_or(0, Timestamp::as_micros) };
    script
        .bind(task.status.as_str())
        .bind(task.status.is_open())
        .bind(task.status.is_open() && task.decision.is_none())
        .bind(waits && task.decision.is_none())
        .bind(i64::from(task.priority as u8))
        .bind(task.due_by.as_micros())
        .bind(task.expires_at.as_micros())
        .bind(closed_at)
        .bind(to_doc(task)?);
    Ok(())
}

// Lists are written by one statement each, however long they are: a JSON array of arrays with the columns' values.

fn append_history(script: &mut Script, lines: &[(TaskId, HistoryEntry)]) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let lines = lines.iter().map(|(task, line)| Ok((task, to_doc(line)?))).collect::<Result<Vec<_>, StoreError>>()?;
    script
        .statement(
            "INSERT INTO task_history (task, doc) SELECT value ->> 0, value ->> 1 FROM json_each(?) ORDER BY key",
            Want::Any,
        )
        .bind(to_doc(&lines)?);
    Ok(())
}

fn append_events(script: &mut Script, events: &[Event]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let lines = events
        .iter()
        .map(|event| Ok((&event.id, &event.buy, to_doc(event)?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    script
        .statement(
            "INSERT INTO events (id, buy, doc) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)
             WHERE true ORDER BY key ON CONFLICT DO NOTHING",
            Want::Changes(lines.len(), StoreError::Stale("the event")),
        )
        .bind(to_doc(&lines)?);
    Ok(())
}

/// Sets the first answer of a key; a later one changes nothing.
pub(super) async fn record_answer(
    connection: &mut SqliteConnection,
    principal: PrincipalId,
    key: String,
    answer: serde_json::Value,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE idempotency SET answer = ? WHERE principal = ? AND key = ? AND answer IS NULL")
        .bind(to_doc(&answer)?)
        .bind(principal.as_str())
        .bind(key)
        .execute(connection)
        .await
        .map(drop)
        .map_err(from_sqlx)
}

/// Gives buys their turn to be asked about, the longest due first; see [`crate::store::Store::take_turns`].
pub(super) async fn take_turns(
    connection: &mut SqliteConnection,
    now: Timestamp,
    ended_since: Timestamp,
    every: Duration,
    limit: u32,
) -> Result<Vec<MediaBuyId>, StoreError> {
    let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX);
    let last = now.as_micros().saturating_sub(every);
    sqlx::query("UPDATE media_buys SET asked_at = NULL WHERE asked_at <= ? AND ends_at < ?")
        .bind(last)
        .bind(ended_since.as_micros())
        .execute(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    let taken = sqlx::query_scalar(
        "UPDATE media_buys SET asked_at = ?1 - abs(random() % ?2) WHERE seq IN
         (SELECT seq FROM media_buys WHERE asked_at <= ?3 ORDER BY asked_at LIMIT ?4) RETURNING id",
    )
    .bind(now.as_micros())
    .bind((every / 2).max(1))
    .bind(last)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(from_sqlx)?;
    Ok(taken.into_iter().map(|id: String| MediaBuyId::new(id)).collect())
}

/// Deletes keys that expired, the oldest first.
pub(super) async fn forget_keys(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    sqlx::query(
        "DELETE FROM idempotency WHERE (principal, key) IN
         (SELECT principal, key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
    )
    .bind(now.as_micros())
    .bind(limit)
    .execute(connection)
    .await
    .map(|done| done.rows_affected())
    .map_err(from_sqlx)
}

/// Stores a token whose name and digest are new, with the line that tells of it.
pub(super) async fn add_token(
    connection: &mut SqliteConnection,
    token: TokenRecord,
    line: AuditEntry,
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "INSERT INTO tokens (name, sha256, role, principal, created_at, expires_at, revoked_at)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the token")),
        )
        .bind(token.name)
        .bind(token.sha256)
        .bind(token.role)
        .bind(token.principal.map(|principal| principal.to_string()))
        .bind(token.created_at.as_micros())
        .bind(token.expires_at.map(Timestamp::as_micros))
        .bind(token.revoked_at.map(Timestamp::as_micros));
    audit::append(&mut script, audit::head(connection).await?, &[line])?;
    script.run(connection).await.map(drop)
}
