//! Counts of unfinished work, for metrics.

use std::time::Duration;

use crate::{
    domain::{operation::OperationState, task::TaskKind, time::Timestamp},
    store::{Store, StoreError, sql::script::Statement},
};

/// Counts of unfinished work. No count goes beyond 100,000.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Unfinished operations by state.
    pub operations: Vec<(String, i64)>,
    /// How long the longest-waiting unclaimed operation has been due.
    pub overdue_work: Duration,
    /// Open tasks by type.
    pub tasks: Vec<(String, i64)>,
    /// Open tasks that are past their due date.
    pub overdue_tasks: i64,
    /// Webhook deliveries waiting for an attempt.
    pub pending_deliveries: i64,
    /// Webhook deliveries that were given up.
    pub dead_deliveries: i64,
}

/// The limit of each count. A larger number says no more about the backlog, and a receiver that is
/// away for a week may leave a million deliveries.
const COUNTED: u32 = 100_000;

impl Store {
    /// Counts unfinished work as of one moment. Each count follows an index and stops at 100,000.
    pub async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        let mut asked = Statement::default();
        let mut count = |what: &'static str, name: &str, rows: &str| {
            asked
                .push("SELECT CAST(? AS TEXT) AS what, CAST(? AS TEXT) AS name, count(*) AS number FROM (SELECT 1 AS one FROM ")
                .push(rows)
                .push(" LIMIT ?) AS counted UNION ALL ")
                .bind(what)
                .bind(name)
                .bind(COUNTED);
        };
        for state in OperationState::ALL.iter().filter(|state| !state.is_final()) {
            let state = state.as_str();
            let rows = format!("operations WHERE state NOT IN ('succeeded', 'failed') AND state = '{state}'");
            count("operation", state, &rows);
        }
        for kind in TaskKind::ALL.iter().map(|kind| kind.as_str()) {
            count("task", kind, &format!("tasks WHERE open = 1 AND kind = '{kind}'"));
        }
        count("pending", "", "webhook_deliveries WHERE status = 'pending'");
        count("dead", "", "webhook_deliveries WHERE status = 'dead'");
        asked
            .push("SELECT 'overdue', '', count(*) FROM (SELECT 1 AS one FROM tasks WHERE open = 1 AND due_by < ? LIMIT ?) AS counted")
            .bind(now.as_micros())
            .bind(COUNTED);
        asked.push(" UNION ALL SELECT 'due', '', due FROM (");
        // An operation that waits for another one of its buy is not due, because nobody could claim
        // it.
        asked.push(self.dialect().next_due).push(") AS next");
        let mut census = Census::default();
        for row in self.read(asked).await? {
            let (name, number) = (row.text("name")?, row.maybe_int("number")?.unwrap_or(0));
            match row.text("what")?.as_str() {
                "operation" | "task" if number == 0 => {}
                "operation" => census.operations.push((name, number)),
                "task" => census.tasks.push((name, number)),
                "overdue" => census.overdue_tasks = number,
                "pending" => census.pending_deliveries = number,
                "dead" => census.dead_deliveries = number,
                _ if number > 0 => census.overdue_work = Timestamp::from_micros(number).until(now),
                _ => {}
            }
        }
        census.operations.sort();
        census.tasks.sort();
        Ok(census)
    }
}
