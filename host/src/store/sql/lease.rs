//! Who carries an operation out: claims, leases, and when there is something to claim.

use std::time::Duration;

use super::{
    Database, Dialect, Transaction,
    rows::{stored_operation, to_doc},
    script::{Script, Statement, Want},
};
use crate::{
    domain::{
        operation::{Operation, OperationState},
        time::Timestamp,
    },
    store::{Claim, Fence, StoreError},
};

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
    let mut operation = stored_operation(row)?;
    let number = row.int("fence")? + 1;
    start(&mut operation.value, *now)?;
    operation.version += 1;
    let mut script = Script::default();
    script
        .statement(
            "UPDATE operations SET version = ?, state = ?, run_at = ?, doc = ?, fence = ?, worker = ?, lease_until = ",
            Want::Any,
        )
        .push(dialect.moment)
        .push(" + ? WHERE seq = ?")
        .bind(operation.version)
        .bind(operation.value.state.as_str())
        .bind(operation.value.run_at.as_micros())
        .bind(to_doc(&operation.value)?)
        .bind(number)
        .bind(worker.as_str())
        .bind(dialect.at(*now))
        .bind(micros(*lease))
        .bind(row.int("seq")?);
    transaction.run(script).await?;
    let fence = Fence { operation: operation.value.id.clone(), number };
    Ok(Some(Claim { operation, fence }))
}

/// A duration in microseconds.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}

fn start(operation: &mut Operation, now: Timestamp) -> Result<(), StoreError> {
    operation.become_state(OperationState::Running, now).map_err(|state| {
        StoreError::Corrupt(format!("{} is {state} in its document and not in its row", operation.id))
    })?;
    operation.claims = operation.claims.saturating_add(1);
    Ok(())
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
