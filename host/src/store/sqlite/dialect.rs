//! Where SQLite's statements differ.

use crate::store::sql::Dialect;

/// What may be claimed: `due` says since when, `run_at` in which order.
///
/// An operation waits while another one of its buy runs, under whatever lease. One that is queued waits for more, as
/// [`Store::claim`] says; one whose lease ran out does not: an older one may have been queued while it ran (approved at
/// last), and then each would wait for the other.
///
/// [`Store::claim`]: crate::store::Store::claim
///
/// Of each kind only the first is wanted; the partial indexes give them in order.
macro_rules! candidates {
    ($due_queued:literal, $due_running:literal) => {
        concat!(
            "SELECT seq, run_at, run_at AS due FROM (
                 SELECT mine.seq, mine.run_at FROM operations AS mine
                 WHERE mine.state = 'queued'", $due_queued, "
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
                 WHERE mine.state = 'running'", $due_running, "
                   AND NOT EXISTS (SELECT 1 FROM operations AS other
                                   WHERE other.buy = mine.buy AND other.state = 'running' AND other.seq <> mine.seq)"
        )
    };
}

/// SQLite's. What runs without a lease was handed back, and is due as if it were queued.
pub(super) static DIALECT: Dialect = Dialect {
    claimable: concat!(
        "SELECT operations.seq, operations.doc, operations.version, operations.fence FROM (",
        candidates!(" AND mine.run_at <= ?", " AND coalesce(mine.lease_until, mine.run_at) <= ?"),
        " ORDER BY mine.run_at, mine.seq LIMIT 1)) AS candidates JOIN operations USING (seq)
          ORDER BY candidates.run_at, seq LIMIT 1"
    ),
    moments: 2,
    next_due: concat!("SELECT min(due) AS due FROM (", candidates!("", ""), " ORDER BY due LIMIT 1))"),
    buys: "SELECT mine.doc, mine.version,
           (SELECT json_group_array(json_array(platform, kind, key, remote_id))
            FROM remote_objects WHERE buy = mine.id) AS remote
           FROM media_buys AS mine",
    moment: "?",
    current: "?",
    locked: "",
    unlocked_only: "",
    random_below: "abs(random() % ?)",
    // Of two that fit alike it takes the one by status, and then reads everything that waits for the endpoint.
    earlier: " INDEXED BY webhook_deliveries_in_order",
    due: " INDEXED BY webhook_deliveries_due",
    audit_lock: None,
    callers_clock: true,
};
