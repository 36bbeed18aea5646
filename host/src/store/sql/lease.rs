//! Who carries an operation out: claims, leases, and when there is something to claim.

use std::time::Duration;

use super::{
    Database, Dialect, Transaction,
    journal::doubt_open,
    rows::{Row, stored_operation, to_doc},
    script::{Script, Statement, Want},
};
use crate::{
    domain::{
        operation::{Operation, OperationState},
        time::Timestamp,
    },
    store::{Claim, Fence, StoreError, Stored},
};

/// For how long an operation is put off that can't be read: until somebody has mended it, or a host that can read it has come.
const UNREADABLE: Duration = Duration::from_secs(60);

/// Claims the first operation that may be claimed.
pub(super) async fn claim(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (worker, now, lease): &(String, Timestamp, Duration),
) -> Result<Option<Claim>, StoreError> {
    let mut asked = Statement::new(dialect.claimable);
    for _ in 0..dialect.moments {
        asked.bind(dialect.at(*now));
    }
    let found = transaction.run(Script::asking(asked)).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let seq = row.int("seq")?;
    let (operation, was_running) = match started(row, *now) {
        Ok(started) => started,
        Err(error) => {
            tracing::error!(seq, %error, "an operation can't be read and was put off: it holds up its media buy and nobody else");
            put_off(transaction, dialect, seq, *now).await?;
            return Ok(None);
        }
    };
    let number = row.int("fence")? + 1;
    let mut script = Script::default();
    script
        .statement(
            "UPDATE operations AS mine SET version = ?, state = ?, run_at = ?, doc = ?, fence = ?, worker = ?, lease_until = ",
            Want::Keep,
        )
        .push(dialect.moment)
        .push(" + ? WHERE seq = ?")
        .push(dialect.still_claimable)
        .push(" RETURNING seq")
        .bind(operation.version)
        .bind(operation.value.state.as_str())
        .bind(operation.value.run_at.as_micros())
        .bind(to_doc(&operation.value)?)
        .bind(number)
        .bind(worker.as_str())
        .bind(dialect.at(*now))
        .bind(micros(*lease))
        .bind(seq);
    if was_running {
        // Whoever ran it may have sent something until its lease ran out, and what was sent may not show yet.
        doubt_open(&mut script, dialect, &operation.value.id, *now);
    }
    if transaction.run(script).await?.is_empty() {
        // An older one of its buy may have begun since it was found.
        return Ok(None);
    }
    let fence = Fence { operation: operation.value.id.clone(), number };
    Ok(Some(Claim { operation, fence }))
}

/// Has an operation that can't be read come up again later, so that those behind it come up now.
async fn put_off(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    seq: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement("UPDATE operations SET run_at = ", Want::Any)
        .push(dialect.moment)
        .push(" + ?, lease_until = CASE WHEN lease_until IS NULL THEN NULL ELSE ")
        .push(dialect.moment)
        .push(" + ? END WHERE seq = ?")
        .bind(dialect.at(now))
        .bind(micros(UNREADABLE))
        .bind(dialect.at(now))
        .bind(micros(UNREADABLE))
        .bind(seq);
    transaction.run(script).await.map(drop)
}

/// The moment by the clock that judges leases and doubts.
pub(super) async fn clock(database: &impl Database, now: Timestamp) -> Result<Timestamp, StoreError> {
    let dialect = database.dialect();
    let mut asked = Statement::new("SELECT ");
    asked.push(dialect.moment).push(" AS now").bind(dialect.at(now));
    let found = database.read(asked).await?;
    let row = found.first().ok_or_else(|| StoreError::Corrupt("the database has no time".to_owned()))?;
    row.moment("now")
}

/// A duration in microseconds.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}

/// The operation of a row as it is once it is claimed, and whether somebody ran it before.
fn started(row: &Row, now: Timestamp) -> Result<(Stored<Operation>, bool), StoreError> {
    let mut stored = stored_operation(row)?;
    stored.version += 1;
    let operation = &mut stored.value;
    let was_running = operation.state == OperationState::Running;
    operation.become_state(OperationState::Running, now).map_err(|state| {
        StoreError::Corrupt(format!("{} is {state} in its document and not in its row", operation.id))
    })?;
    operation.claims = operation.claims.saturating_add(1);
    Ok((stored, was_running))
}

/// Prolongs a lease that nobody has taken over or given back, even if it ran out.
pub(super) async fn prolong(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (fence, now, lease): &(Fence, Timestamp, Duration),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "UPDATE operations SET lease_until = ",
            Want::Changes(1, StoreError::Fenced(fence.operation.clone())),
        )
        .push(dialect.moment)
        .push(" + ? WHERE id = ? AND fence = ? AND lease_until IS NOT NULL")
        .bind(dialect.at(*now))
        .bind(micros(*lease))
        .bind(fence.operation.as_str())
        .bind(fence.number);
    transaction.run(script).await.map(drop)
}

/// How long until [`claim`] will find something, if nothing else is written until then.
pub(super) async fn next_due(database: &impl Database, now: Timestamp) -> Result<Option<Duration>, StoreError> {
    let dialect = database.dialect();
    let mut asked = Statement::new("SELECT due, ");
    asked.push(dialect.moment).push(" AS now FROM (").push(dialect.next_due).push(") AS next").bind(dialect.at(now));
    let found = database.read(asked).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let Some(due) = row.maybe_moment("due")? else { return Ok(None) };
    Ok(Some(row.moment("now")?.until(due)))
}
