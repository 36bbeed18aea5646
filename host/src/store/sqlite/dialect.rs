//! SQLite's dialect.

use crate::store::sql::Dialect;

/// Selects what may be claimed: `due` is when it becomes due, and `run_at` determines the order.
///
/// An operation waits while another one of its buy is running, under whatever lease. A queued
/// operation waits for more, see [`Store::claim_within`]. One whose lease expired does not: an
/// older operation may have been queued while it ran (once it was approved), and then each would
/// wait for the other.
///
/// [`Store::claim_within`]: crate::store::Store::claim_within
///
/// Only the first of each kind is wanted; the partial indexes give them in order. `$queued_lane`
/// and `$running_lane` restrict both to one lane.
macro_rules! candidates {
    ($due_queued:literal, $due_running:literal, $queued_lane:expr, $running_lane:expr) => {
        concat!(
            "SELECT seq, run_at, run_at AS due FROM (
                 SELECT mine.seq, mine.run_at FROM operations AS mine
                 WHERE mine.state = 'queued'", $due_queued, $queued_lane, "
                   AND NOT EXISTS (SELECT 1 FROM operations AS other
                                   WHERE other.buy = mine.buy AND other.state = 'running')
                   AND (mine.begun = 1 OR NOT EXISTS (
                           SELECT 1 FROM operations AS other
                           WHERE other.buy = mine.buy AND other.state = 'queued' AND other.seq < mine.seq
                             AND other.switches >= mine.switches))
                   AND (mine.begun = 1 OR mine.switches = 1 OR NOT EXISTS (
                           SELECT 1 FROM operations AS other WHERE other.buy = mine.buy AND other.begun = 1))
                 ORDER BY mine.run_at, mine.seq LIMIT 1)
             UNION ALL
             SELECT seq, run_at, due FROM (
                 SELECT mine.seq, mine.run_at, coalesce(mine.lease_until, mine.run_at) AS due FROM operations AS mine
                 WHERE mine.state = 'running'", $due_running, $running_lane, "
                   AND NOT EXISTS (SELECT 1 FROM operations AS other
                                   WHERE other.buy = mine.buy AND other.state = 'running' AND other.seq <> mine.seq)"
        )
    };
}

/// The wording makes SQLite use the index of lanes, which holds queued and running operations.
macro_rules! queued_in_lane {
    () => {
        " AND mine.state IN ('queued', 'running') AND mine.switches = ? AND mine.lane = ?"
    };
}

/// Without that wording SQLite uses the index of running operations. There are few of those, while
/// a lane may have a long queue.
macro_rules! running_in_lane {
    () => {
        " AND mine.switches = ? AND mine.lane = ?"
    };
}

/// SQLite's dialect. A running operation without a lease was released, and is due as if it were
/// queued.
pub(super) static DIALECT: Dialect = Dialect {
    claimable: concat!(
        "SELECT operations.seq, operations.run_at, operations.doc, operations.version, operations.fence FROM (",
        candidates!(
            " AND mine.run_at <= ?",
            " AND coalesce(mine.lease_until, mine.run_at) <= ?",
            queued_in_lane!(),
            running_in_lane!()
        ),
        " ORDER BY mine.run_at, mine.seq LIMIT 1)) AS candidates JOIN operations USING (seq)
          ORDER BY candidates.run_at, seq LIMIT 1"
    ),
    // There is a single writer, so nothing is committed in between.
    still_claimable: "",
    moments: 2,
    next_due: concat!("SELECT min(due) AS due FROM (", candidates!("", "", "", ""), " ORDER BY due LIMIT 1))"),
    next_due_in_lane: concat!(
        "SELECT min(due) AS due FROM (",
        candidates!("", "", queued_in_lane!(), running_in_lane!()),
        " ORDER BY due LIMIT 1))"
    ),
    buys: "SELECT mine.doc, mine.version,
           (SELECT json_group_array(json_array(platform, kind, key, remote_id))
            FROM remote_objects WHERE buy = mine.id) AS remote
           FROM media_buys AS mine",
    moment: "?",
    current: "?",
    locked: "",
    unlocked_only: "",
    random_below: "abs(random() % ?)",
    // Of two equally good indexes SQLite would pick the one by status, and then read everything
    // that waits for the endpoint.
    earlier: " INDEXED BY webhook_deliveries_in_order",
    due: " INDEXED BY webhook_deliveries_due",
    audit_lock: None,
    callers_clock: true,
};

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, Row as _, SqliteConnection};

    use super::DIALECT;
    use crate::store::{leases::LANES, sqlite::MIGRATIONS};

    /// Returns how SQLite says that it finds the rows of a statement.
    async fn searched(sql: &'static str) -> Vec<String> {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        MIGRATIONS.run_direct(None, &mut connection, false).await.unwrap();
        let asked = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan = sqlx::query(asked).fetch_all(&mut connection).await.unwrap();
        plan.iter()
            .map(|row| row.get::<String, _>("detail"))
            .filter(|line| line.contains("operations") || line.contains("mine") || line.contains("other"))
            .collect()
    }

    #[tokio::test]
    async fn what_may_be_claimed_is_found_by_indexes_and_a_long_queue_is_not_read_for_what_runs() {
        for sql in [LANES, DIALECT.claimable, DIALECT.next_due_in_lane] {
            let plan = searched(sql).await;
            // All running operations may be read: there are only as many as workers.
            let fine = |line: &String| line.starts_with("SEARCH") || line.ends_with("USING INDEX operations_running");
            assert!(!plan.is_empty() && plan.iter().all(fine), "{plan:#?}");
            assert!(plan.iter().any(|line| line.contains("operations_in_lanes")), "{plan:#?}");
        }
        for sql in [DIALECT.claimable, DIALECT.next_due_in_lane] {
            let plan = searched(sql).await;
            let of_lanes = plan.iter().filter(|line| line.contains("operations_in_lanes")).count();
            assert_eq!(of_lanes, 1, "only what is queued is looked for in the lane: {plan:#?}");
        }
    }
}
