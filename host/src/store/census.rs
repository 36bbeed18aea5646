//! Counts of what has not ended, for metrics.

use std::time::Duration;

use crate::{
    domain::{operation::OperationState, task::TaskKind, time::Timestamp},
    store::{Store, StoreError, sql::script::Statement},
};

/// How much there is of what has not ended. Nothing is counted further than 100,000.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Operations, by their state.
    pub operations: Vec<(String, i64)>,
    /// For how long the longest has been due that nobody has claimed.
    pub overdue_work: Duration,
    /// Open tasks, by their type.
    pub tasks: Vec<(String, i64)>,
    /// Those of them that are past their due date.
    pub overdue_tasks: i64,
    /// Deliveries of webhooks that wait for a try.
    pub pending_deliveries: i64,
    /// Those that were given up.
    pub dead_deliveries: i64,
}

/// How far the census counts: more is as much a backlog, and a receiver that is away for a week may
/// leave a million.
const COUNTED: u32 = 100_000;

impl Store {
    /// Counts what has not ended, as of one moment. Each number is counted along an index, and no
    /// further than 100,000: more is as much a backlog, and a receiver that is away for a week may
    /// leave a million.
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
        // What waits for another operation of its buy is not due: nobody could claim it.
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
