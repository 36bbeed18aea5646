//! What one decision writes, and the small writes beside it.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Dialect, Transaction, audit, deliveries,
    journal::{doubt_open, reset_open},
    lease::micros,
    lookups,
    rows::{self, to_doc},
    script::{Script, Statement, Want},
};
use crate::{
    domain::{
        event::Event,
        id::{MediaBuyId, PrincipalId, TaskId},
        lane::Lane,
        media_buy::MediaBuy,
        operation::{Operation, OperationState},
        task::{HistoryEntry, Task, TaskStatus},
        time::Timestamp,
    },
    store::{Fence, IdempotencyEntry, InTime, Late, Recording, StoreError, Stored},
};

/// When an open task was closed: after everything.
pub(super) const NOT_CLOSED: i64 = i64::MAX;

/// When a buy was last asked about that is to be asked about before all others.
const LOOK_NOW: i64 = -1;

/// Writes all of a recording. What it rests on is checked first: the fence, then the key.
///
/// Rows are locked in one order by everybody, where the database locks rows: buy, operations, tasks, the end of the audit log.
pub(super) async fn record(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    recording: &Recording,
) -> Result<(), StoreError> {
    let mut script = Script::default();
    if let Some(fence) = &recording.fence {
        let buy = recording.buy.as_ref().map(|buy| &buy.value.id).or(recording.look.as_ref());
        if let (Some(buy), false) = (buy, dialect.locked.is_empty()) {
            script
                .statement("SELECT 1 AS found FROM media_buys WHERE id = ?", Want::Any)
                .push(dialect.locked)
                .bind(buy.as_str());
        }
        check_fence(&mut script, dialect, fence);
        if let Some(at) = recording.cut_off {
            doubt_open(&mut script, dialect, &fence.operation, at);
        }
    }
    if let Some(in_time) = &recording.in_time {
        check_in_time(&mut script, dialect, in_time);
    }
    if let Some(entry) = &recording.idempotency {
        insert_key(&mut script, entry)?;
    }
    if let Some(buy) = &recording.new_buy {
        insert_buy(&mut script, buy)?;
    }
    if let Some(buy) = &recording.buy {
        update_buy(&mut script, buy)?;
    }
    if let Some(buy) = &recording.look {
        script
            .statement("UPDATE media_buys SET asked_at = ? WHERE id = ? AND asked_at IS NOT NULL", Want::Any)
            .bind(LOOK_NOW)
            .bind(buy.as_str());
    }
    if let Some(operation) = &recording.new_operation {
        insert_operation(&mut script, operation)?;
    }
    let mut operations: Vec<_> = recording.operations.iter().collect();
    operations.sort_by(|one, other| one.value.id.cmp(&other.value.id));
    for operation in operations {
        update_operation(&mut script, operation)?;
    }
    for (operation, platform) in &recording.reset_steps {
        reset_open(&mut script, operation, platform);
    }
    if let Some(task) = &recording.new_task {
        insert_task(&mut script, task)?;
    }
    let mut tasks: Vec<_> = recording.tasks.iter().collect();
    tasks.sort_by(|one, other| one.value.id.cmp(&other.value.id));
    for task in tasks {
        update_task(&mut script, task)?;
    }
    append_history(&mut script, &recording.history)?;
    if let Some((next, at)) = &recording.lookup {
        lookups::put(&mut script, dialect, next, *at)?;
    }
    append_events(&mut script, &recording.events)?;
    if let (Some(fence), true) = (&recording.fence, recording.release) {
        script
            .statement("UPDATE operations SET worker = NULL, lease_until = NULL WHERE id = ?", Want::Any)
            .bind(fence.operation.as_str());
    }
    transaction.run(script).await?;
    audit::append(transaction, dialect, &recording.audit).await
}

/// The number must be the last one and the lease not given back. A lease that ran out still holds if nobody has
/// claimed the operation since.
pub(super) fn check_fence(script: &mut Script, dialect: &Dialect, fence: &Fence) {
    script
        .statement(
            "SELECT 1 AS found FROM operations WHERE id = ? AND fence = ? AND lease_until IS NOT NULL",
            Want::Row(StoreError::Fenced(fence.operation.clone())),
        )
        .push(dialect.locked)
        .bind(fence.operation.as_str())
        .bind(fence.number);
}

/// Nothing is locked for it: who closes the task or changes the buy meanwhile changes its version, and then nothing is written either.
fn check_in_time(script: &mut Script, dialect: &Dialect, in_time: &InTime) {
    let InTime { task, flight, at } = in_time;
    if let Some(task) = task {
        script
            .statement(
                "SELECT 1 AS found FROM tasks WHERE id = ? AND expires_at > ",
                Want::Row(StoreError::Late(Late::Task)),
            )
            .push(dialect.current)
            .bind(task.as_str())
            .bind(dialect.at(*at));
    }
    if let Some(buy) = flight {
        script
            .statement(
                "SELECT 1 AS found FROM media_buys WHERE id = ? AND ends_at > ",
                Want::Row(StoreError::Late(Late::Flight)),
            )
            .push(dialect.current)
            .bind(buy.as_str())
            .bind(dialect.at(*at));
    }
}

/// Writes a key, or finds who has it: an entry that stands already is answered as it is.
fn insert_key(script: &mut Script, entry: &IdempotencyEntry) -> Result<(), StoreError> {
    let answer = entry.answer.as_ref().map(to_doc).transpose()?;
    let mine = entry.operation.clone();
    let check = move |found: &[rows::Row]| {
        let row = found.first().ok_or_else(|| StoreError::Corrupt("a key was written and not found".to_owned()))?;
        let entry = rows::idempotency(row)?;
        if entry.operation == mine { Ok(()) } else { Err(StoreError::KeyTaken(Box::new(entry))) }
    };
    script
        .statement(
            "INSERT INTO idempotency (principal, key, fingerprint, operation, answer, created_at, expires_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (principal, key) DO UPDATE SET key = excluded.key
             RETURNING principal, key, fingerprint, operation, answer, created_at, expires_at",
            Want::Check(Box::new(check)),
        )
        .bind(entry.principal.as_str())
        .bind(entry.key.as_str())
        .bind(entry.fingerprint.as_str())
        .bind(entry.operation.as_str())
        .bind(answer)
        .bind(entry.created_at.as_micros())
        .bind(entry.expires_at.as_micros());
    Ok(())
}

fn insert_buy(script: &mut Script, buy: &MediaBuy) -> Result<(), StoreError> {
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
        .bind(buy_doc(buy)?);
    add_platforms(script, buy);
    Ok(())
}

fn update_buy(script: &mut Script, stored: &Stored<MediaBuy>) -> Result<(), StoreError> {
    let Stored { value: buy, version } = stored;
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
        .bind(buy_doc(buy)?)
        .bind(buy.id.as_str())
        .bind(*version);
    Ok(())
}

/// A buy without its remote objects, which have a table of their own.
fn buy_doc(buy: &MediaBuy) -> Result<String, StoreError> {
    if buy.remote.is_empty() {
        return to_doc(buy);
    }
    to_doc(&MediaBuy { remote: BTreeMap::new(), ..buy.clone() })
}

/// On which platforms a buy has packages: packages are neither added to a buy nor taken from it.
fn add_platforms(script: &mut Script, buy: &MediaBuy) {
    for platform in buy.platforms() {
        script
            .statement(
                "INSERT INTO buy_platforms (platform, buy_seq) SELECT ?, seq FROM media_buys WHERE id = ?
                 ON CONFLICT DO NOTHING",
                Want::Any,
            )
            .bind(platform.as_str())
            .bind(buy.id.as_str());
    }
}

fn insert_operation(script: &mut Script, operation: &Operation) -> Result<(), StoreError> {
    script
        .statement(
            "INSERT INTO operations (id, buy, kind, state, switches, lane, begun, run_at, ended_at, doc)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the operation")),
        )
        .bind(operation.id.as_str())
        .bind(operation.buy.as_str())
        .bind(operation.kind.as_str())
        .bind(operation.state.as_str())
        .bind(operation.change.only_switches())
        .bind(Lane::of(operation).key())
        .bind(operation.frozen.is_some())
        .bind(operation.run_at.as_micros())
        .bind(operation.ended_at.map(Timestamp::as_micros))
        .bind(to_doc(operation)?);
    Ok(())
}

fn update_operation(script: &mut Script, stored: &Stored<Operation>) -> Result<(), StoreError> {
    let operation = &stored.value;
    // Whatever ends a run ends the lease, too, whoever writes it.
    let sql = if operation.state == OperationState::Running {
        "UPDATE operations SET version = version + 1, state = ?, lane = ?, begun = ?, run_at = ?, ended_at = ?, doc = ?
         WHERE id = ? AND version = ?"
    } else {
        "UPDATE operations SET version = version + 1, state = ?, lane = ?, begun = ?, run_at = ?, ended_at = ?, doc = ?,
                               worker = NULL, lease_until = NULL
         WHERE id = ? AND version = ?"
    };
    script
        .statement(sql, Want::Changes(1, StoreError::Stale("the operation")))
        .bind(operation.state.as_str())
        .bind(Lane::of(operation).key())
        .bind(operation.frozen.is_some() && !operation.state.is_final())
        .bind(operation.run_at.as_micros())
        .bind(operation.ended_at.map(Timestamp::as_micros))
        .bind(to_doc(operation)?)
        .bind(operation.id.as_str())
        .bind(stored.version);
    Ok(())
}

fn insert_task(script: &mut Script, task: &Task) -> Result<(), StoreError> {
    let mut insert = Statement::new(
        "INSERT INTO tasks (status, open, undecided, escalates, priority, due_by, expires_at, closed_at, doc,
                            kind, principal, buy, operation, created_at, id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    bind_task(&mut insert, task)?;
    insert
        .bind(task.kind.as_str())
        .bind(task.principal.as_str())
        .bind(task.buy.as_str())
        .bind(task.operation.as_str())
        .bind(task.created_at.as_micros())
        .bind(task.id.as_str());
    script.add(insert, Want::Changes(1, StoreError::Stale("the task")));
    Ok(())
}

fn update_task(script: &mut Script, stored: &Stored<Task>) -> Result<(), StoreError> {
    let mut update = Statement::new(
        "UPDATE tasks SET version = version + 1, listed = 1, status = ?, open = ?, undecided = ?, escalates = ?, priority = ?,
                          due_by = ?, expires_at = ?, closed_at = ?, doc = ?
         WHERE id = ? AND version = ?",
    );
    bind_task(&mut update, &stored.value)?;
    update.bind(stored.value.id.as_str()).bind(stored.version);
    script.add(update, Want::Changes(1, StoreError::Stale("the task")));
    Ok(())
}

/// The columns of a task that may change, in the order of both statements.
fn bind_task(statement: &mut Statement, task: &Task) -> Result<(), StoreError> {
    let waits = matches!(task.status, TaskStatus::Pending | TaskStatus::Assigned | TaskStatus::InProgress);
    let closed_at = if task.status.is_open() { NOT_CLOSED } else { task.resolved_at.map_or(0, Timestamp::as_micros) };
    statement
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

/// How many rows one statement adds: seven parameters each at most, and SQLite takes 32,766.
const ROWS: usize = 1_000;

fn append_history(script: &mut Script, lines: &[(TaskId, HistoryEntry)]) -> Result<(), StoreError> {
    for lines in lines.chunks(ROWS) {
        let insert = script.statement("INSERT INTO task_history (task, doc) VALUES ", Want::Any);
        for (index, (task, line)) in lines.iter().enumerate() {
            insert.push(if index == 0 { "(?, ?)" } else { ", (?, ?)" }).bind(task.as_str()).bind(to_doc(line)?);
        }
    }
    Ok(())
}

/// Writes events, and has them delivered to whoever wants to hear of them.
fn append_events(script: &mut Script, events: &[Event]) -> Result<(), StoreError> {
    add_events(script, events)?;
    for event in events {
        deliveries::address(script, event);
    }
    Ok(())
}

/// Writes events and nothing else.
pub(super) fn add_events(script: &mut Script, events: &[Event]) -> Result<(), StoreError> {
    for events in events.chunks(ROWS) {
        let mut insert = Statement::new("INSERT INTO events (id, buy, doc, kind, principal, at, body) VALUES ");
        for (index, event) in events.iter().enumerate() {
            insert
                .push(if index == 0 { "(?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?)" })
                .bind(event.id.as_str())
                .bind(event.buy.as_str())
                .bind(to_doc(event)?)
                .bind(event.kind.as_str())
                .bind(event.principal.as_str())
                .bind(event.at.as_micros())
                .bind(event.body());
        }
        insert.push(" ON CONFLICT DO NOTHING");
        script.add(insert, Want::Changes(events.len(), StoreError::Stale("the event")));
    }
    Ok(())
}

/// Sets the first answer of a key; a later one changes nothing.
pub(super) async fn record_answer(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (principal, key, answer): &(PrincipalId, String, serde_json::Value),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement("UPDATE idempotency SET answer = ? WHERE principal = ? AND key = ? AND answer IS NULL", Want::Any)
        .bind(to_doc(answer)?)
        .bind(principal.as_str())
        .bind(key.as_str());
    transaction.run(script).await.map(drop)
}

/// How often one look takes a batch of buys of which some are over: those are left out from then on, and others may be behind them.
const ROUNDS: u32 = 4;

/// Gives buys their turn to be asked about, the longest due first; see [`crate::store::Store::take_turns`]. One that is over is left out
/// when its turn comes: nothing is looked for but by turn.
pub(super) async fn take_turns(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (now, ended_since, every, settle, limit): &(Timestamp, Timestamp, Duration, Duration, u32),
) -> Result<Vec<MediaBuyId>, StoreError> {
    let settle = micros(*settle.min(every));
    let every = micros(*every);
    let last = now.as_micros().saturating_sub(every);
    let mut turns = Vec::new();
    for _ in 0..ROUNDS {
        let wanted = limit.saturating_sub(u32::try_from(turns.len()).unwrap_or(u32::MAX));
        let mut script = Script::default();
        script
            .statement(
                "WITH picked AS MATERIALIZED (SELECT seq FROM media_buys WHERE asked_at <= ? ORDER BY asked_at LIMIT ?",
                Want::Keep,
            )
            .push(dialect.unlocked_only)
            .push(
                ") UPDATE media_buys SET asked_at = CASE WHEN ends_at < ? THEN NULL
                                                         WHEN asked_at = ? THEN CAST(? AS BIGINT) ELSE ? - ",
            )
            .push(dialect.random_below)
            .push(
                " END WHERE seq IN (SELECT seq FROM picked)
                  RETURNING id, CAST(CASE WHEN asked_at IS NULL THEN 1 ELSE 0 END AS BIGINT) AS ended",
            )
            .bind(last)
            .bind(wanted)
            .bind(ended_since.as_micros())
            .bind(LOOK_NOW)
            .bind(last.saturating_add(settle))
            .bind(now.as_micros())
            .bind((every / 2).max(1));
        let picked = transaction.run(script).await?;
        for row in &picked {
            if row.int("ended")? == 0 {
                turns.push(MediaBuyId::new(row.text("id")?));
            }
        }
        if picked.len() < wanted as usize || turns.len() >= *limit as usize {
            break;
        }
    }
    Ok(turns)
}

/// Deletes keys that expired, the oldest first.
pub(super) async fn forget_keys(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (now, limit): &(Timestamp, u32),
) -> Result<u64, StoreError> {
    let mut forget = Statement::new(
        "WITH picked AS MATERIALIZED (
             SELECT principal, key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
    );
    forget
        .push(dialect.unlocked_only)
        .push(
            ") DELETE FROM idempotency WHERE (principal, key) IN (SELECT principal, key FROM picked)
             RETURNING 1 AS forgotten",
        )
        .bind(now.as_micros())
        .bind(*limit);
    Ok(transaction.run(Script::asking(forget)).await?.len() as u64)
}
