//! Reading tasks: the reviewers' list, and what the clock has to see to.

use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::{error::from_sqlx, read::MOST_PER_PAGE, record::NOT_CLOSED, rows};
use crate::{
    domain::{id::TaskId, task::Task, time::Timestamp},
    store::{StoreError, Stored, TaskFilter, TaskPage},
};

pub(super) async fn task(readers: &SqlitePool, id: &TaskId) -> Result<Option<Stored<Task>>, StoreError> {
    let found = sqlx::query("SELECT doc, version FROM tasks WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(readers)
        .await
        .map_err(from_sqlx)?;
    found.as_ref().map(rows::stored_task).transpose()
}

/// One statement for totals and page, so that both are of the same moment. It answers one row at least: on a page
/// without tasks that one has the totals only.
pub(super) async fn tasks(readers: &SqlitePool, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("WITH hits AS MATERIALIZED (SELECT seq, priority, created_at, ");
    push_overdue(&mut query, filter);
    query.push(" AS overdue FROM tasks WHERE ");
    push_conditions(&mut query, filter);
    query
        .push("), page AS (SELECT seq FROM hits ORDER BY priority DESC, created_at, seq LIMIT ")
        .push_bind(filter.limit.min(MOST_PER_PAGE))
        .push(" OFFSET ")
        .push_bind(filter.offset)
        .push(
            ") SELECT totals.total, totals.overdue, tasks.doc
               FROM (SELECT count(*) AS total, coalesce(sum(overdue), 0) AS overdue FROM hits) AS totals
               LEFT JOIN (page JOIN tasks USING (seq)) ON true
               ORDER BY tasks.priority DESC, tasks.created_at, tasks.seq",
        );
    let found = query.build().fetch_all(readers).await.map_err(from_sqlx)?;
    let mut page = TaskPage::default();
    for row in &found {
        page.total = rows::column::<i64>(row, "total")?.unsigned_abs();
        page.overdue = rows::column::<i64>(row, "overdue")?.unsigned_abs();
        if let Some(doc) = rows::column::<Option<&str>>(row, "doc")? {
            page.tasks.push(rows::from_doc("a task", doc)?);
        }
    }
    Ok(page)
}

/// Open and past its due date; without a `now` nothing is.
fn push_overdue(query: &mut QueryBuilder<Sqlite>, filter: &TaskFilter) {
    match filter.now {
        Some(now) => query.push("(open = 1 AND due_by < ").push_bind(now.as_micros()).push(")"),
        None => query.push("false"),
    };
}

fn push_conditions(query: &mut QueryBuilder<Sqlite>, filter: &TaskFilter) {
    let closed_after = filter.closed_since.map_or(NOT_CLOSED - 1, Timestamp::as_micros);
    query.push("closed_at > ").push_bind(closed_after);
    if let Some(principal) = &filter.principal {
        query.push(" AND principal = ").push_bind(principal.as_str());
    }
    if let Some(kind) = filter.kind {
        query.push(" AND kind = ").push_bind(kind.as_str());
    }
    if let Some(priority) = filter.priority {
        query.push(" AND priority = ").push_bind(i64::from(priority as u8));
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status.as_str());
    }
    if let Some(buy) = &filter.buy {
        query.push(" AND buy = ").push_bind(buy.as_str());
    }
    if filter.overdue == Some(false) {
        query.push(" AND NOT ");
        push_overdue(query, filter);
    }
}

pub(super) async fn tasks_due(
    readers: &SqlitePool,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Stored<Task>>, StoreError> {
    let found = sqlx::query(
        "SELECT doc, version FROM tasks
         WHERE (undecided = 1 AND expires_at <= ?1) OR (escalates = 1 AND due_by <= ?1)
         ORDER BY created_at, seq LIMIT ?2",
    )
    .bind(now.as_micros())
    .bind(limit.min(MOST_PER_PAGE))
    .fetch_all(readers)
    .await
    .map_err(from_sqlx)?;
    found.iter().map(rows::stored_task).collect()
}
