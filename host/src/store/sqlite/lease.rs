//! Who carries an operation out: claims, leases, and when there is something to claim.

use std::time::Duration;

use sqlx::{SqliteConnection, SqlitePool};

use super::{
    error::from_sqlx,
    rows::{column, stored_operation, to_doc},
};
use crate::{
    domain::{
        operation::{Operation, OperationState},
        time::Timestamp,
    },
    store::{Claim, Fence, StoreError},
};

/// What may be claimed: `due` says since when, `run_at` in which order.
///
/// An operation waits while another one of its buy runs, under whatever lease. One that is queued waits for more, as
/// [`Store::claim`] says; one whose lease ran out does not: an older one may have been queued while it ran (approved at
/// last), and then each would wait for the other.
///
/// [`Store::claim`]: crate::store::Store::claim
///
/// Of each kind only the first is wanted; the partial indexes give them in order.
macro_rules! candidates {
    ($due_queued:literal, $due_running:literal) => {
        concat!(
            "SELECT seq, run_at, run_at AS due FROM (
                 SELECT mine.seq, mine.run_at FROM operations AS mine
                 WHERE mine.state = 'queued'", $due_queued, "
                   AND NOT EXISTS (SELECT 1 FROM operations AS other
                                   WHERE other.buy = mine.buy AND other.state = 'running')
                   AND (mine.begun = 1 OR NOT EXISTS (
                           SELECT 1 FROM operations AS other
                           WHERE other.buy = mine.buy AND other.state = 'queued' AND other.seq < mine.seq
                             AND other.switches >= mine.switches))
                   AND (mine.begun = 1 OR mine.switches = 1 OR NOT EXISTS (
                           SELECT 1 FROM operations AS other WHERE other.buy = mine.buy AND other.begun = 1))
                 ORDER BY mine.run_at, mine.seq LIMIT 1)
             UNION ALL
             SELECT seq, run_at, due FROM (
                 SELECT mine.seq, mine.run_at, coalesce(mine.lease_until, mine.run_at) AS due FROM operations AS mine
                 WHERE mine.state = 'running'", $due_running, "
                   AND NOT EXISTS (SELECT 1 FROM operations AS other
                                   WHERE other.buy = mine.buy AND other.state = 'running' AND other.seq <> mine.seq)"
        )
    };
}

/// The first that is due at `?1`. What runs without a lease was handed back, and is due as if it were queued.
const FIRST: &str = concat!(
    "SELECT operations.seq, operations.doc, operations.version, operations.fence FROM (",
    candidates!(" AND mine.run_at <= ?1", " AND coalesce(mine.lease_until, mine.run_at) <= ?1"),
    " ORDER BY mine.run_at, mine.seq LIMIT 1)) AS candidates JOIN operations USING (seq)
      ORDER BY candidates.run_at, seq LIMIT 1"
);

const NEXT_DUE: &str = concat!("SELECT min(due) FROM (", candidates!("", ""), " ORDER BY due LIMIT 1))");

/// Claims the first operation that may be claimed.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    worker: String,
    now: Timestamp,
    lease: Duration,
) -> Result<Option<Claim>, StoreError> {
    let found = sqlx::query(FIRST).bind(now.as_micros()).fetch_optional(&mut *connection).await.map_err(from_sqlx)?;
    let Some(row) = found else { return Ok(None) };
    let mut operation = stored_operation(&row)?;
    let number = column::<i64>(&row, "fence")? + 1;
    start(&mut operation.value, now)?;
    operation.version += 1;
    sqlx::query(
        "UPDATE operations SET version = ?, state = ?, run_at = ?, doc = ?, fence = ?, worker = ?, lease_until = ?
         WHERE seq = ?",
    )
    .bind(operation.version)
    .bind(operation.value.state.as_str())
    .bind(operation.value.run_at.as_micros())
    .bind(to_doc(&operation.value)?)
    .bind(number)
    .bind(worker)
    .bind(now.plus(lease).as_micros())
    .bind(column::<i64>(&row, "seq")?)
    .execute(connection)
    .await
    .map_err(from_sqlx)?;
    let fence = Fence { operation: operation.value.id.clone(), number };
    Ok(Some(Claim { operation, fence }))
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
    connection: &mut SqliteConnection,
    fence: Fence,
    now: Timestamp,
    lease: Duration,
) -> Result<(), StoreError> {
    let done =
        sqlx::query("UPDATE operations SET lease_until = ? WHERE id = ? AND fence = ? AND lease_until IS NOT NULL")
            .bind(now.plus(lease).as_micros())
            .bind(fence.operation.as_str())
            .bind(fence.number)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced(fence.operation)) }
}

/// When [`claim`] will find something, if nothing else is written until then.
pub(super) async fn next_due(readers: &SqlitePool) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = sqlx::query_scalar(NEXT_DUE).fetch_one(readers).await.map_err(from_sqlx)?;
    Ok(due.map(Timestamp::from_micros))
}
