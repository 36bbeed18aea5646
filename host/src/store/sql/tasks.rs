//! Reading tasks: the reviewers' list, and what the clock has to see to.

use super::{Database, read::MOST_PER_PAGE, record::NOT_CLOSED, rows, script::Statement};
use crate::{
    domain::{id::TaskId, task::Task, time::Timestamp},
    store::{DueTask, StoreError, Stored, TaskFilter, TaskPage},
};

pub(super) async fn task(database: &impl Database, id: &TaskId) -> Result<Option<Stored<Task>>, StoreError> {
    let asked = Statement::new("SELECT doc, version FROM tasks WHERE id = ?").with(id.as_str());
    database.read(asked).await?.first().map(rows::stored_task).transpose()
}

/// One statement for totals and page, so that both are of the same moment. It answers one row at least: on a page
/// without tasks that one has the totals only.
pub(super) async fn tasks(database: &impl Database, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
    let mut query = Statement::new("WITH hits AS MATERIALIZED (SELECT seq, priority, created_at, CASE WHEN ");
    push_overdue(&mut query, filter);
    query.push(" THEN 1 ELSE 0 END AS overdue FROM tasks WHERE ");
    push_conditions(&mut query, filter);
    query
        .push("), page AS (SELECT seq FROM hits ORDER BY priority DESC, created_at, seq LIMIT ")
        .push("?")
        .bind(filter.limit.min(MOST_PER_PAGE))
        .push(" OFFSET ")
        .push("?")
        .bind(filter.offset)
        .push(
            ") SELECT totals.total, totals.overdue, tasks.doc
               FROM (SELECT count(*) AS total, CAST(coalesce(sum(overdue), 0) AS BIGINT) AS overdue FROM hits) AS totals
               LEFT JOIN (page JOIN tasks USING (seq)) ON true
               ORDER BY tasks.priority DESC, tasks.created_at, tasks.seq",
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
    let closed_after = filter.closed_since.map_or(NOT_CLOSED - 1, Timestamp::as_micros);
    query.push("closed_at > ").push("?").bind(closed_after);
    if let Some(principal) = &filter.principal {
        query.push(" AND principal = ").push("?").bind(principal.as_str());
    }
    if let Some(kind) = filter.kind {
        query.push(" AND kind = ").push("?").bind(kind.as_str());
    }
    if let Some(priority) = filter.priority {
        query.push(" AND priority = ").push("?").bind(i64::from(priority as u8));
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ").push("?").bind(status.as_str());
    }
    if let Some(buy) = &filter.buy {
        query.push(" AND buy = ").push("?").bind(buy.as_str());
    }
    if filter.overdue == Some(false) {
        query.push(" AND NOT ");
        push_overdue(query, filter);
    }
}

pub(super) async fn tasks_due(
    database: &impl Database,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<DueTask>, StoreError> {
    let dialect = database.dialect();
    let mut asked = Statement::new("SELECT id, doc, version, CAST(CASE WHEN undecided = 1 AND expires_at <= ");
    asked
        .push(dialect.current)
        .push(" THEN 1 ELSE 0 END AS BIGINT) AS expired FROM tasks WHERE (undecided = 1 AND expires_at <= ")
        .push(dialect.current)
        .push(") OR (escalates = 1 AND due_by <= ")
        .push(dialect.current)
        .push(") ORDER BY created_at, seq LIMIT ?");
    for _ in 0..3 {
        asked.bind(dialect.at(now));
    }
    asked.bind(limit.min(MOST_PER_PAGE));
    let mut due = Vec::new();
    for row in database.read(asked).await? {
        match rows::stored_task(&row) {
            Ok(task) => due.push(DueTask { task, expired: row.int("expired")? == 1 }),
            Err(error) => {
                let id = row.text("id").unwrap_or_default();
                tracing::error!(task = %id, %error, "the clock passes over a task that can't be read");
            }
        }
    }
    Ok(due)
}
