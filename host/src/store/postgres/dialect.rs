//! Where PostgreSQL's statements differ.

use crate::store::sql::Dialect;

/// The conditions under which an operation may be claimed, whenever it is due; see [`Store::claim`] and SQLite's for why.
///
/// [`Store::claim`]: crate::store::Store::claim
macro_rules! claimable {
    () => {
        "mine.state IN ('queued', 'running')
         AND NOT EXISTS (SELECT 1 FROM operations AS other
                         WHERE other.buy = mine.buy AND other.state = 'running' AND other.seq <> mine.seq)
         AND (mine.state = 'running' OR mine.begun = 1 OR NOT EXISTS (
                 SELECT 1 FROM operations AS other
                 WHERE other.buy = mine.buy AND other.state = 'queued' AND other.seq < mine.seq
                   AND other.switches >= mine.switches))
         AND (mine.state = 'running' OR mine.begun = 1 OR mine.switches = 1 OR NOT EXISTS (
                 SELECT 1 FROM operations AS other WHERE other.buy = mine.buy AND other.begun = 1))"
    };
}

/// Since when an operation is due: a lease that runs out makes it so.
macro_rules! due {
    () => {
        "CASE WHEN mine.state = 'running' THEN coalesce(mine.lease_until, mine.run_at) ELSE mine.run_at END"
    };
}

/// A moment in microseconds: the parameter, or the database's own clock.
macro_rules! moment {
    () => {
        "coalesce(?, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"
    };
}

macro_rules! dialect {
    ($callers_clock:literal) => {
        Dialect {
            claimable: concat!(
                "SELECT mine.seq, mine.doc, mine.version, mine.fence FROM operations AS mine,
                 (SELECT ",
                moment!(),
                " AS now) AS clock
                 WHERE ",
                claimable!(),
                " AND ",
                due!(),
                " <= clock.now
                 ORDER BY mine.run_at, mine.seq LIMIT 1 FOR NO KEY UPDATE OF mine SKIP LOCKED"
            ),
            moments: 1,
            next_due: concat!("SELECT min(", due!(), ") AS due FROM operations AS mine WHERE ", claimable!()),
            buys: "SELECT mine.doc, mine.version,
                   (SELECT coalesce(json_agg(json_build_array(platform, kind, key, remote_id)), '[]')::text
                    FROM remote_objects WHERE buy = mine.id) AS remote
                   FROM media_buys AS mine",
            moment: moment!(),
            locked: " FOR NO KEY UPDATE",
            unlocked_only: " FOR UPDATE SKIP LOCKED",
            random_below: "floor(random() * ?)::bigint",
            audit_lock: Some("SELECT pg_advisory_xact_lock(7023466421)"),
            callers_clock: $callers_clock,
        }
    };
}

/// Leases are judged by the database's clock.
pub(super) static DIALECT: Dialect = dialect!(false);

/// Leases are judged by the caller's clock: for tests, which have a time of their own.
pub(super) static WITH_CALLERS_CLOCK: Dialect = dialect!(true);
