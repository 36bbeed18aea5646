//! Reading buys, operations and what belongs to them. Each function is one statement, and so sees one state.

use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::{error::from_sqlx, rows};
use crate::{
    domain::{
        event::Event,
        id::{MediaBuyId, OperationId, PrincipalId, TaskId},
        media_buy::MediaBuy,
        operation::{Operation, OperationKind},
        task::HistoryEntry,
    },
    store::{BuyFilter, IdempotencyEntry, StoreError, Stored, TokenRecord},
};

/// The longest page of buys, tasks or events, whatever the caller asks for: some megabytes of documents.
pub(super) const MOST_PER_PAGE: u32 = 1_000;

/// The most rows of a list that has no pages (steps, history, open operations). Nothing that people and adapters do
/// comes near it; it bounds the memory that a runaway one can cost.
pub(super) const MOST_ROWS: u32 = 10_000;

/// The columns of a buy with its remote objects; the table is called `mine`.
const BUY: &str = "SELECT mine.doc, mine.version,
    (SELECT json_group_array(json_array(platform, kind, key, remote_id))
     FROM remote_objects WHERE buy = mine.id) AS remote
    FROM media_buys AS mine";

pub(super) async fn buy(readers: &SqlitePool, id: &MediaBuyId) -> Result<Option<Stored<MediaBuy>>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(BUY);
    query.push(" WHERE mine.id = ").push_bind(id.as_str());
    let found = query.build().fetch_optional(readers).await.map_err(from_sqlx)?;
    found.as_ref().map(rows::stored_buy).transpose()
}

pub(super) async fn buys(readers: &SqlitePool, filter: &BuyFilter) -> Result<Vec<MediaBuy>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(BUY);
    query.push(" WHERE true");
    if let Some(principal) = &filter.principal {
        query.push(" AND mine.principal = ").push_bind(principal.as_str());
    }
    if let Some(status) = filter.status {
        query.push(" AND mine.status = ").push_bind(status.as_str());
    }
    if let Some(po_number) = &filter.po_number {
        query.push(" AND mine.po_number = ").push_bind(po_number);
    }
    if let Some(platform) = &filter.platform {
        query
            .push(" AND EXISTS (SELECT 1 FROM buy_platforms WHERE buy_seq = mine.seq AND platform = ")
            .push_bind(platform.as_str())
            .push(")");
    }
    if let Some(after) = &filter.after {
        query.push(" AND mine.seq < (SELECT seq FROM media_buys WHERE id = ").push_bind(after.as_str()).push(")");
    }
    query.push(" ORDER BY mine.seq DESC LIMIT ").push_bind(filter.limit.min(MOST_PER_PAGE));
    let found = query.build().fetch_all(readers).await.map_err(from_sqlx)?;
    found.iter().map(rows::buy).collect()
}

pub(super) async fn operation(readers: &SqlitePool, id: &OperationId) -> Result<Option<Stored<Operation>>, StoreError> {
    let found = sqlx::query("SELECT doc, version FROM operations WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(readers)
        .await
        .map_err(from_sqlx)?;
    found.as_ref().map(rows::stored_operation).transpose()
}

pub(super) async fn open_operations(
    readers: &SqlitePool,
    buy: &MediaBuyId,
) -> Result<Vec<Stored<Operation>>, StoreError> {
    let found = sqlx::query(
        "SELECT doc, version FROM operations WHERE buy = ? AND state NOT IN ('succeeded', 'failed')
         ORDER BY seq LIMIT ?",
    )
    .bind(buy.as_str())
    .bind(MOST_ROWS)
    .fetch_all(readers)
    .await
    .map_err(from_sqlx)?;
    found.iter().map(rows::stored_operation).collect()
}

pub(super) async fn creation(readers: &SqlitePool, buy: &MediaBuyId) -> Result<Option<Stored<Operation>>, StoreError> {
    let found = sqlx::query("SELECT doc, version FROM operations WHERE buy = ? AND kind = ? ORDER BY seq LIMIT 1")
        .bind(buy.as_str())
        .bind(OperationKind::Create.as_str())
        .fetch_optional(readers)
        .await
        .map_err(from_sqlx)?;
    found.as_ref().map(rows::stored_operation).transpose()
}

pub(super) async fn history(readers: &SqlitePool, task: &TaskId) -> Result<Vec<HistoryEntry>, StoreError> {
    let found = sqlx::query("SELECT doc FROM task_history WHERE task = ? ORDER BY seq LIMIT ?")
        .bind(task.as_str())
        .bind(MOST_ROWS)
        .fetch_all(readers)
        .await
        .map_err(from_sqlx)?;
    found.iter().map(|row| rows::doc("a task's history", row)).collect()
}

pub(super) async fn idempotency(
    readers: &SqlitePool,
    principal: &PrincipalId,
    key: &str,
) -> Result<Option<IdempotencyEntry>, StoreError> {
    let found = sqlx::query("SELECT * FROM idempotency WHERE principal = ? AND key = ?")
        .bind(principal.as_str())
        .bind(key)
        .fetch_optional(readers)
        .await
        .map_err(from_sqlx)?;
    found.as_ref().map(rows::idempotency).transpose()
}

pub(super) async fn events(readers: &SqlitePool, buy: &MediaBuyId, limit: u32) -> Result<Vec<Event>, StoreError> {
    let found = sqlx::query("SELECT doc FROM events WHERE buy = ? ORDER BY seq LIMIT ?")
        .bind(buy.as_str())
        .bind(limit.min(MOST_PER_PAGE))
        .fetch_all(readers)
        .await
        .map_err(from_sqlx)?;
    found.iter().map(|row| rows::doc("an event", row)).collect()
}

pub(super) async fn token(readers: &SqlitePool, sha256: &str) -> Result<Option<TokenRecord>, StoreError> {
    let found = sqlx::query("SELECT * FROM tokens WHERE sha256 = ?")
        .bind(sha256)
        .fetch_optional(readers)
        .await
        .map_err(from_sqlx)?;
    found.as_ref().map(rows::token).transpose()
}
