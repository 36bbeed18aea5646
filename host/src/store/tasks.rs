//! Tasks: their rows and histories, the reviewers' list, and the tasks that have expired or are
//! overdue.

use crate::{
    domain::{
        id::{MediaBuyId, PrincipalId, TaskId},
        task::{HistoryEntry, Priority, Task, TaskKind, TaskStatus},
        time::Timestamp,
    },
    store::{
        Store, StoreError, Stored,
        sql::{
            Dialect, MOST_PER_PAGE, MOST_ROWS, ROWS, Transaction,
            rows::{self, to_doc},
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// A filter for listing tasks: the most urgent first, then the oldest.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only tasks of this principal; `None`: of all principals.
    pub principal: Option<PrincipalId>,
    /// Only tasks of this kind.
    pub kind: Option<TaskKind>,
    /// Only tasks of this priority.
    pub priority: Option<Priority>,
    /// Only tasks in this status.
    pub status: Option<TaskStatus>,
    /// Only tasks about this buy.
    pub buy: Option<MediaBuyId>,
    /// `Some(false)` leaves out tasks that are past their due date.
    pub overdue: Option<bool>,
    /// Only tasks that are assigned to this name.
    pub assigned_to: Option<String>,
    /// Includes closed tasks if they were closed after this moment; `None`: no closed tasks.
    pub closed_since: Option<Timestamp>,
    /// The current time, by which tasks are overdue.
    pub now: Option<Timestamp>,
    /// The number of tasks to skip.
    pub offset: u32,
    /// The maximum number of tasks in the page.
    pub limit: u32,
}

/// A page of tasks.
#[derive(Debug, Clone, Default)]
pub struct TaskPage {
    /// The tasks of the page.
    pub tasks: Vec<Task>,
    /// The number of tasks in all pages. 10,000 means that or more; the rest are not listed.
    pub total: u64,
    /// The number of tasks in all pages that are open and past their due date.
    pub overdue: u64,
}

/// A task that has expired or is overdue.
#[derive(Debug, Clone, PartialEq)]
pub struct DueTask {
    /// The task.
    pub task: Stored<Task>,
    /// Whether the task has expired; otherwise it is only overdue.
    pub expired: bool,
}

impl Store {
    /// Reads a task.
    pub async fn task(&self, id: &TaskId) -> Result<Option<Stored<Task>>, StoreError> {
        let asked = Statement::new("SELECT doc, version FROM tasks WHERE id = ?").with(id.as_str());
        self.read(asked).await?.first().map(rows::stored_task).transpose()
    }

    /// Reads a page of the list of tasks, the most urgent first, then the oldest. The list has the
    /// first 10,000 tasks that match the filter.
    ///
    /// One statement reads both totals and page, so that they are from the same moment. It always
    /// returns at least one row; for a page without tasks, that row holds only the totals.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        let mut query = Statement::new("WITH ");
        let mut from = "tasks";
        if let Some(buy) = &filter.buy {
            // A buy has few tasks, so this filter comes before all others.
            from = "of_buy";
            query.push("of_buy AS MATERIALIZED (SELECT seq, priority, created_at, closed_at, open, due_by, listed, principal, kind, status, assignee
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
        // Whatever `unlist_tasks` has not taken out of the list yet.
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
        let found = self.read(query).await?;
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

    /// Reads at most `limit` open, undecided tasks that have expired, or that are overdue and not
    /// escalated yet. Expired tasks come first, then those overdue for longest. An unreadable task
    /// is logged and left out.
    pub async fn tasks_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTask>, StoreError> {
        let dialect = self.dialect();
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
        for row in self.read(asked).await? {
            match rows::stored_task(&row) {
                // An expired task is overdue, too.
                Ok(task)
                    if due.len() >= limit as usize || due.iter().any(|known| known.task.value.id == task.value.id) => {}
                Ok(task) => due.push(DueTask { task, expired: row.int("expired")? == 1 }),
                Err(error) => {
                    let id = row.text("id").unwrap_or_default();
                    tracing::error!(task = %id, %error, "the clock passes over a task that can't be read");
                }
            }
        }
        Ok(due)
    }

    /// Takes at most `limit` tasks that were closed before `closed_before` out of the list, and
    /// returns how many. They can still be read by id.
    pub async fn unlist_tasks(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((closed_before, limit), work!(unlist)).await
    }

    /// Reads a task's history, oldest first.
    pub async fn history(&self, task: &TaskId) -> Result<Vec<HistoryEntry>, StoreError> {
        let asked = Statement::new("SELECT doc FROM task_history WHERE task = ? ORDER BY seq LIMIT ?")
            .with(task.as_str())
            .with(MOST_ROWS);
        self.read(asked).await?.iter().map(|row| row.doc("a task's history", "doc")).collect()
    }
}

/// The value of `closed_at` for an open task, which sorts after all others.
const NOT_CLOSED: i64 = i64::MAX;

/// The maximum number of tasks in a list, and so the limit of their count: a thousand pages that
/// nobody reads. Each combination of filters has an index in the order of the list.
const MOST_LISTED: u32 = 10_000;

pub(super) fn insert_task(script: &mut Script, task: &Task) -> Result<(), StoreError> {
    let mut insert = Statement::new(
        "INSERT INTO tasks (status, open, undecided, escalates, priority, due_by, expires_at, closed_at, doc, assignee,
                            kind, principal, buy, operation, created_at, id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    bind_task(&mut insert, task)?;
    insert
        .bind(task.kind.as_str())
        .bind(task.principal.as_str())
        .bind(task.buy.as_str())
        .bind(task.operation.as_str())
        .bind(task.created_at.as_micros())
        .bind(task.id.as_str());
    script.add(insert, Want::Changes(1, StoreError::Stale("the task")));
    Ok(())
}

pub(super) fn update_task(script: &mut Script, stored: &Stored<Task>) -> Result<(), StoreError> {
    let mut update = Statement::new(
        "UPDATE tasks SET version = version + 1, listed = 1, status = ?, open = ?, undecided = ?, escalates = ?, priority = ?,
                          due_by = ?, expires_at = ?, closed_at = ?, doc = ?, assignee = ?
         WHERE id = ? AND version = ?",
    );
    bind_task(&mut update, &stored.value)?;
    update.bind(stored.value.id.as_str()).bind(stored.version);
    script.add(update, Want::Changes(1, StoreError::Stale("the task")));
    Ok(())
}

/// Binds the mutable columns of a task, in the order of both statements.
fn bind_task(statement: &mut Statement, task: &Task) -> Result<(), StoreError> {
    let waits = matches!(task.status, TaskStatus::Pending | TaskStatus::Assigned | TaskStatus::InProgress);
    let closed_at = if task.status.is_open() { NOT_CLOSED } else { task.resolved_at.map_or(0, Timestamp::as_micros) };
    // The due date stands still while the buyer is asked, and is written anew with the answer.
    let due_by = if task.open_inquiry().is_some() { NOT_CLOSED } else { task.due_by.as_micros() };
    statement
        .bind(task.status.as_str())
        .bind(task.status.is_open())
        .bind(task.status.is_open() && task.decision.is_none())
        .bind(waits && task.decision.is_none())
        .bind(i64::from(task.priority as u8))
        .bind(due_by)
        .bind(task.expires_at.as_micros())
        .bind(closed_at)
        .bind(to_doc(task)?)
        .bind(task.assigned_to.as_deref());
    Ok(())
}

pub(super) fn append_history(script: &mut Script, lines: &[(&TaskId, &HistoryEntry)]) -> Result<(), StoreError> {
    for lines in lines.chunks(ROWS) {
        let insert = script.statement("INSERT INTO task_history (task, doc) VALUES ", Want::Any);
        for (index, (task, line)) in lines.iter().enumerate() {
            insert.push(if index == 0 { "(?, ?)" } else { ", (?, ?)" }).bind(task.as_str()).bind(to_doc(*line)?);
        }
    }
    Ok(())
}

/// Pushes the condition that a task is open and past its due date. Without `now`, no task is.
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
    if let Some(name) = &filter.assigned_to {
        query.push(" AND assignee = ?").bind(name.as_str());
    }
}

/// Takes tasks that were closed before a moment out of the list. The list is scanned, and without
/// this closed tasks would make up most of it.
async fn unlist(
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
