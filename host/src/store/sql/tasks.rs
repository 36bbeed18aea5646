//! Reading tasks: the reviewers' list, and what the clock has to see to.

use super::{
    Database, Dialect, Transaction,
    read::MOST_PER_PAGE,
    record::NOT_CLOSED,
    rows,
    script::{Script, Statement},
};
use crate::{
    domain::{id::TaskId, task::Task, time::Timestamp},
    store::{DueTask, StoreError, Stored, TaskFilter, TaskPage},
};

pub(super) async fn task(database: &impl Database, id: &TaskId) -> Result<Option<Stored<Task>>, StoreError> {
    let asked = Statement::new("SELECT doc, version FROM tasks WHERE id = ?").with(id.as_str());
    database.read(asked).await?.first().map(rows::stored_task).transpose()
}

/// How many tasks a list has at most, and so how far their number is counted: a thousand pages of what nobody reads. Each combination of
/// filters has an index in the order of the list.
pub(super) const MOST_LISTED: u32 = 10_000;

/// One statement for totals and page, so that both are of the same moment. It answers one row at least: on a page
/// without tasks that one has the totals only. No more than [`MOST_LISTED`] are looked at, the first of the list.
pub(super) async fn tasks(database: &impl Database, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
    let mut query = Statement::new("WITH ");
    let mut from = "tasks";
    if let Some(buy) = &filter.buy {
        // The few of one buy, before anything else is looked at.
        from = "of_buy";
        query.push("of_buy AS MATERIALIZED (SELECT seq, priority, created_at, closed_at, open, due_by, listed, principal, kind, status
             FROM tasks WHERE buy = ?), ").bind(buy.as_str());
    }
    query
        .push("front AS MATERIALIZED (SELECT seq, priority, created_at, closed_at, open, due_by FROM ")
        .push(from)
        .push(" WHERE listed = 1");
    push_conditions(&mut query, filter);
    query
        .push(" ORDER BY priority DESC, created_at, seq LIMIT ?")
        .bind(MOST_LISTED)
        .push("), hits AS MATERIALIZED (SELECT seq, priority, created_at, CASE WHEN ");
    push_overdue(&mut query, filter);
    // What the clock has not taken out of the list yet.
    query
        .push(" THEN 1 ELSE 0 END AS overdue FROM front WHERE closed_at > ?")
        .bind(filter.closed_since.map_or(NOT_CLOSED - 1, Timestamp::as_micros));
    if filter.overdue == Some(false) {
        query.push(" AND NOT ");
        push_overdue(&mut query, filter);
    }
    query
        .push("), page AS MATERIALIZED (SELECT seq FROM hits ORDER BY priority DESC, created_at, seq LIMIT ? OFFSET ?")
        .bind(filter.limit.min(MOST_PER_PAGE))
        .bind(filter.offset)
        .push(
            ") SELECT totals.total, totals.overdue, shown.doc
               FROM (SELECT count(*) AS total, CAST(coalesce(sum(overdue), 0) AS BIGINT) AS overdue FROM hits) AS totals
               LEFT JOIN (SELECT doc, priority, created_at, seq FROM tasks WHERE seq IN (SELECT seq FROM page)) AS shown
                    ON true
               ORDER BY shown.priority DESC, shown.created_at, shown.seq",
        );
    let found = database.read(query).await?;
    let mut page = TaskPage::default();
    for row in &found {
        page.total = row.int("total")?.unsigned_abs();
        page.overdue = row.int("overdue")?.unsigned_abs();
        if let Some(doc) = row.maybe_text("doc")? {
            page.tasks.push(rows::from_doc("a task", &doc)?);
        }
    }
    Ok(page)
}

/// Open and past its due date; without a `now` nothing is.
fn push_overdue(query: &mut Statement, filter: &TaskFilter) {
    match filter.now {
        Some(now) => query.push("(open = 1 AND due_by < ?)").bind(now.as_micros()),
        None => query.push("(1 = 0)"),
    };
}

fn push_conditions(query: &mut Statement, filter: &TaskFilter) {
    if let Some(principal) = &filter.principal {
        query.push(" AND principal = ?").bind(principal.as_str());
    }
    if let Some(kind) = filter.kind {
        query.push(" AND kind = ?").bind(kind.as_str());
    }
    if let Some(priority) = filter.priority {
        query.push(" AND priority = ?").bind(i64::from(priority as u8));
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ?").bind(status.as_str());
    }
}

/// Takes tasks out of the list that were closed before a moment: the list is walked, and those would be most of it.
pub(super) async fn unlist(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (closed_before, limit): &(Timestamp, u32),
) -> Result<u64, StoreError> {
    let mut unlist = Statement::new(
        "WITH picked AS MATERIALIZED (
             SELECT seq FROM tasks WHERE listed = 1 AND closed_at < ? ORDER BY closed_at LIMIT ?",
    );
    unlist
        .push(dialect.unlocked_only)
        .push(") UPDATE tasks SET listed = 0 WHERE seq IN (SELECT seq FROM picked) RETURNING 1 AS unlisted")
        .bind(closed_before.as_micros())
        .bind(*limit);
    Ok(transaction.run(Script::asking(unlist)).await?.len() as u64)
}

/// Those that expired before those that are late, each by their moment: two walks along an index each, that end with the limit.
pub(super) async fn tasks_due(
    database: &impl Database,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<DueTask>, StoreError> {
    let dialect = database.dialect();
    let limit = limit.min(MOST_PER_PAGE);
    let mut asked = Statement::new(
        "SELECT id, doc, version, expired FROM (
             SELECT id, doc, version, CAST(1 AS BIGINT) AS expired FROM tasks WHERE undecided = 1 AND expires_at <= ",
    );
    asked
        .push(dialect.current)
        .bind(dialect.at(now))
        .push(" ORDER BY expires_at, seq LIMIT ?")
        .bind(limit)
        .push(
            ") AS ended UNION ALL SELECT id, doc, version, expired FROM (
                 SELECT id, doc, version, CAST(0 AS BIGINT) AS expired FROM tasks
                 WHERE escalates = 1 AND due_by <= ",
        )
        .push(dialect.current)
        .bind(dialect.at(now))
        .push(" ORDER BY due_by, seq LIMIT ?) AS late")
        .bind(limit);
    let mut due: Vec<DueTask> = Vec::new();
    for row in database.read(asked).await? {
        match rows::stored_task(&row) {
            // What expired is late, too.
            Ok(task) if due.len() >= limit as usize || due.iter().any(|known| known.task.value.id == task.value.id) => {
            }
            Ok(task) => due.push(DueTask { task, expired: row.int("expired")? == 1 }),
            Err(error) => {
                let id = row.text("id").unwrap_or_default();
                tracing::error!(task = %id, %error, "the clock passes over a task that can't be read");
            }
        }
    }
    Ok(due)
}
