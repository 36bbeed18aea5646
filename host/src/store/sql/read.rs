//! Reading buys, operations and what belongs to them. Each function is one statement, and so sees one state.

use super::{Database, rows, script::Statement};
use crate::{
    domain::{
        event::Event,
        id::{MediaBuyId, OperationId, PrincipalId, TaskId},
        media_buy::MediaBuy,
        operation::{Operation, OperationKind},
        status::BuyStatus,
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

/// A page of buys. Each combination of filters has an index in the order of the list, of the buys themselves or, where a platform is asked
/// for, of what they have on platforms: nothing is read that is not listed.
pub(super) async fn buys(database: &impl Database, filter: &BuyFilter) -> Result<Vec<MediaBuy>, StoreError> {
    let mut asked = Statement::new(database.dialect().buys);
    let limit = filter.limit.min(MOST_PER_PAGE);
    match &filter.platform {
        None => {
            asked.push(" WHERE true");
            push_filters(&mut asked, filter, "mine", "seq");
            asked.push(" ORDER BY mine.seq DESC LIMIT ?").bind(limit);
        }
        Some(platform) => {
            asked
                .push(
                    " WHERE mine.seq IN (SELECT listed.buy_seq FROM buy_platforms AS listed WHERE listed.platform = ?",
                )
                .bind(platform.as_str());
            push_filters(&mut asked, filter, "listed", "buy_seq");
            asked.push(" ORDER BY listed.buy_seq DESC LIMIT ?) ORDER BY mine.seq DESC").bind(limit);
        }
    }
    database.read(asked).await?.iter().map(rows::buy).collect()
}

/// What both kinds of lists have in common: `table` has the columns, `seq` is what it calls the number of the buy.
fn push_filters(asked: &mut Statement, filter: &BuyFilter, table: &str, seq: &str) {
    let mut equals = |column: &str, value: Option<&str>| {
        if let Some(value) = value {
            asked.push(" AND ").push(table).push(".").push(column).push(" = ?").bind(value);
        }
    };
    equals("principal", filter.principal.as_ref().map(PrincipalId::as_str));
    equals("status", filter.status.map(BuyStatus::as_str));
    equals("po_number", filter.po_number.as_deref());
    if let Some(after) = &filter.after {
        asked.push(" AND ").push(table).push(".").push(seq);
        asked.push(" < (SELECT seq FROM media_buys WHERE id = ?)").bind(after.as_str());
    }
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
