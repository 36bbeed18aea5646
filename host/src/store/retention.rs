//! Deletes rows that are past their retention. The audit log, buys, their remote objects, and the
//! operations that created them are kept.
//!
//! Each function deletes the oldest rows, at most `limit`, in a transaction of its own, so that
//! other writes wait for one small transaction at most. It returns the number of rows deleted,
//! which is less than `limit` if nothing more can be deleted now.

use crate::{
    domain::time::Timestamp,
    store::{
        Store, StoreError,
        sql::{
            Dialect, Transaction,
            rows::stored_operation,
            script::{Script, Statement, Want},
            work,
        },
    },
};

impl Store {
    /// Deletes events that happened before `before`. An event is kept until its deliveries are
    /// deleted.
    pub async fn forget_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((before, limit), work!(events)).await
    }

    /// Deletes tasks that were closed before `closed_before`, with their histories. A task whose
    /// operation has not ended is kept.
    pub async fn forget_tasks(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((closed_before, limit), work!(tasks)).await
    }

    /// Deletes operations that ended before `ended_before`, with their steps. Kept are operations
    /// that created a buy, because they say how the buy came about, and operations that a task is
    /// about.
    pub async fn forget_operations(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((ended_before, limit), work!(operations)).await
    }
}

/// How many of the oldest rows are examined per row to be deleted, because some of them have to
/// stay for now.
const LOOKED_AT: u32 = 10;

async fn events(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (before, limit): &(Timestamp, u32),
) -> Result<u64, StoreError> {
    let mut forget = Statement::new(
        "WITH old AS MATERIALIZED (SELECT seq, id FROM events WHERE at < ? ORDER BY at LIMIT ?),
              free AS MATERIALIZED (SELECT seq FROM old WHERE NOT EXISTS (
                  SELECT 1 FROM webhook_deliveries WHERE webhook_deliveries.event = old.id) LIMIT ?),
              picked AS MATERIALIZED (SELECT seq FROM events WHERE seq IN (SELECT seq FROM free)",
    );
    forget
        .push(dialect.unlocked_only)
        .push(") DELETE FROM events WHERE seq IN (SELECT seq FROM picked) RETURNING 1 AS forgotten")
        .bind(before.as_micros())
        .bind(limit.saturating_mul(LOOKED_AT))
        .bind(*limit);
    Ok(transaction.run(Script::asking(forget)).await?.len() as u64)
}

async fn tasks(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (closed_before, limit): &(Timestamp, u32),
) -> Result<u64, StoreError> {
    let mut picked = Statement::new(
        "WITH old AS MATERIALIZED (SELECT seq, operation FROM tasks WHERE closed_at < ? ORDER BY closed_at LIMIT ?),
              free AS MATERIALIZED (SELECT seq FROM old WHERE NOT EXISTS (
                  SELECT 1 FROM operations WHERE operations.id = old.operation
                                             AND operations.state NOT IN ('succeeded', 'failed')) LIMIT ?)
         SELECT id FROM tasks WHERE seq IN (SELECT seq FROM free)",
    );
    picked
        .push(dialect.unlocked_only)
        .bind(closed_before.as_micros())
        .bind(limit.saturating_mul(LOOKED_AT))
        .bind(*limit);
    delete(transaction, picked, ["DELETE FROM task_history WHERE task = ?", "DELETE FROM tasks WHERE id = ?"]).await
}

async fn operations(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (ended_before, limit): &(Timestamp, u32),
) -> Result<u64, StoreError> {
    find_out_when(transaction, dialect, *limit).await?;
    let mut picked = Statement::new(
        "WITH old AS MATERIALIZED (
                  SELECT seq, id FROM operations
                  WHERE state IN ('succeeded', 'failed') AND kind <> 'create_media_buy' AND ended_at < ?
                  ORDER BY ended_at LIMIT ?),
              free AS MATERIALIZED (SELECT seq FROM old
                  WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.operation = old.id)
                    AND NOT EXISTS (SELECT 1 FROM lookups WHERE lookups.operation = old.id) LIMIT ?)
         SELECT id FROM operations WHERE seq IN (SELECT seq FROM free)",
    );
    picked
        .push(dialect.unlocked_only)
        .bind(ended_before.as_micros())
        .bind(limit.saturating_mul(LOOKED_AT))
        .bind(*limit);
    delete(transaction, picked, ["DELETE FROM steps WHERE operation = ?", "DELETE FROM operations WHERE id = ?"]).await
}

/// Deletes each row whose id `picked` selects, after the rows that refer to it. Returns how many
/// rows were selected.
async fn delete(
    transaction: &mut (dyn Transaction + '_),
    picked: Statement,
    deletes: [&'static str; 2],
) -> Result<u64, StoreError> {
    let found = transaction.run(Script::asking(picked)).await?;
    let mut script = Script::default();
    for row in &found {
        let id = row.text("id")?;
        for delete in deletes {
            script.statement(delete, Want::Any).bind(id.as_str());
        }
    }
    transaction.run(script).await?;
    Ok(found.len() as u64)
}

/// Fills in the end of operations that were ended by a host of an older version. An unreadable
/// operation is never deleted.
async fn find_out_when(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    limit: u32,
) -> Result<(), StoreError> {
    let mut unknown = Statement::new(
        "SELECT seq, doc, version FROM operations
         WHERE ended_at IS NULL AND state IN ('succeeded', 'failed') AND kind <> 'create_media_buy'
         ORDER BY seq LIMIT ?",
    );
    unknown.push(dialect.unlocked_only).bind(limit);
    let found = transaction.run(Script::asking(unknown)).await?;
    let mut script = Script::default();
    for row in &found {
        let seq = row.int("seq")?;
        let ended_at = stored_operation(row).ok().and_then(|stored| stored.value.ended_at);
        if ended_at.is_none() {
            tracing::warn!(seq, "it can't be read when an operation ended: it is kept for ever");
        }
        script
            .statement("UPDATE operations SET ended_at = ? WHERE seq = ?", Want::Any)
            .bind(ended_at.map_or(i64::MAX, Timestamp::as_micros))
            .bind(seq);
    }
    transaction.run(script).await.map(drop)
}
