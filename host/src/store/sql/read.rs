//! Reading buys, operations and what belongs to them. Each function is one statement, and so sees one state.

use super::{Database, rows, script::Statement};
use crate::{
    domain::{
        event::Event,
        id::{MediaBuyId, OperationId, PrincipalId, TaskId},
        media_buy::MediaBuy,
        operation::{Operation, OperationKind},
        task::HistoryEntry,
    },
    store::{BuyFilter, IdempotencyEntry, StoreError, Stored},
};

/// The longest page of buys, tasks or events, whatever the caller asks for: some megabytes of documents.
pub(super) const MOST_PER_PAGE: u32 = 1_000;

/// The most rows of a list that has no pages (steps, history, open operations). Nothing that people and adapters do
/// comes near it; it bounds the memory that a runaway one can cost.
pub(super) const MOST_ROWS: u32 = 10_000;

pub(super) async fn buy(database: &impl Database, id: &MediaBuyId) -> Result<Option<Stored<MediaBuy>>, StoreError> {
    let mut asked = Statement::new(database.dialect().buys);
    asked.push(" WHERE mine.id = ?").bind(id.as_str());
    database.read(asked).await?.first().map(rows::stored_buy).transpose()
}

pub(super) async fn buys(database: &impl Database, filter: &BuyFilter) -> Result<Vec<MediaBuy>, StoreError> {
    let mut asked = Statement::new(database.dialect().buys);
    asked.push(" WHERE true");
    if let Some(principal) = &filter.principal {
        asked.push(" AND mine.principal = ?").bind(principal.as_str());
    }
    if let Some(status) = filter.status {
        asked.push(" AND mine.status = ?").bind(status.as_str());
    }
    if let Some(po_number) = &filter.po_number {
        asked.push(" AND mine.po_number = ?").bind(po_number.as_str());
    }
    if let Some(platform) = &filter.platform {
        asked
            .push(" AND EXISTS (SELECT 1 FROM buy_platforms WHERE buy_seq = mine.seq AND platform = ?)")
            .bind(platform.as_str());
    }
    if let Some(after) = &filter.after {
        asked.push(" AND mine.seq < (SELECT seq FROM media_buys WHERE id = ?)").bind(after.as_str());
    }
    asked.push(" ORDER BY mine.seq DESC LIMIT ?").bind(filter.limit.min(MOST_PER_PAGE));
    database.read(asked).await?.iter().map(rows::buy).collect()
}

pub(super) async fn operation(
    database: &impl Database,
    id: &OperationId,
) -> Result<Option<Stored<Operation>>, StoreError> {
    let asked = Statement::new("SELECT doc, version FROM operations WHERE id = ?").with(id.as_str());
    database.read(asked).await?.first().map(rows::stored_operation).transpose()
}

pub(super) async fn open_operations(
    database: &impl Database,
    buy: &MediaBuyId,
) -> Result<Vec<Stored<Operation>>, StoreError> {
    let asked = Statement::new(
        "SELECT doc, version FROM operations WHERE buy = ? AND state NOT IN ('succeeded', 'failed')
         ORDER BY seq LIMIT ?",
    )
    .with(buy.as_str())
    .with(MOST_ROWS);
    database.read(asked).await?.iter().map(rows::stored_operation).collect()
}

pub(super) async fn creation(
    database: &impl Database,
    buy: &MediaBuyId,
) -> Result<Option<Stored<Operation>>, StoreError> {
    let asked = Statement::new("SELECT doc, version FROM operations WHERE buy = ? AND kind = ? ORDER BY seq LIMIT 1")
        .with(buy.as_str())
        .with(OperationKind::Create.as_str());
    database.read(asked).await?.first().map(rows::stored_operation).transpose()
}

pub(super) async fn history(database: &impl Database, task: &TaskId) -> Result<Vec<HistoryEntry>, StoreError> {
    let asked = Statement::new("SELECT doc FROM task_history WHERE task = ? ORDER BY seq LIMIT ?")
        .with(task.as_str())
        .with(MOST_ROWS);
    database.read(asked).await?.iter().map(|row| row.doc("a task's history", "doc")).collect()
}

pub(super) async fn idempotency(
    database: &impl Database,
    principal: &PrincipalId,
    key: &str,
) -> Result<Option<IdempotencyEntry>, StoreError> {
    let asked = Statement::new(
        "SELECT principal, key, fingerprint, operation, answer, created_at, expires_at FROM idempotency
             WHERE principal = ? AND key = ?",
    )
    .with(principal.as_str())
    .with(key);
    database.read(asked).await?.first().map(rows::idempotency).transpose()
}

pub(super) async fn events(database: &impl Database, buy: &MediaBuyId, limit: u32) -> Result<Vec<Event>, StoreError> {
    let asked = Statement::new("SELECT doc FROM events WHERE buy = ? ORDER BY seq LIMIT ?")
        .with(buy.as_str())
        .with(limit.min(MOST_PER_PAGE));
    database.read(asked).await?.iter().map(|row| row.doc("an event", "doc")).collect()
}
