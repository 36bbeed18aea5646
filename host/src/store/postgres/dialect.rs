//! Where PostgreSQL's statements differ.

use crate::store::sql::Dialect;

/// No other operation of its buy runs; see [`Store::claim_within`] and SQLite's for why.
///
/// [`Store::claim_within`]: crate::store::Store::claim_within
macro_rules! alone {
    () => {
        "NOT EXISTS (SELECT 1 FROM operations AS other
                     WHERE other.buy = mine.buy AND other.state = 'running' AND other.seq <> mine.seq)"
    };
}

/// What one that is queued waits for besides.
macro_rules! first {
    () => {
        "(mine.begun = 1 OR NOT EXISTS (
              SELECT 1 FROM operations AS other
              WHERE other.buy = mine.buy AND other.state = 'queued' AND other.seq < mine.seq
                AND other.switches >= mine.switches))
         AND (mine.begun = 1 OR mine.switches = 1 OR NOT EXISTS (
              SELECT 1 FROM operations AS other WHERE other.buy = mine.buy AND other.begun = 1))"
    };
}

/// A moment in microseconds: the parameter, or the database's own clock.
macro_rules! moment {
    () => {
        "coalesce(?, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"
    };
}

/// The same, once for a statement: an index is searched with it.
macro_rules! current {
    () => {
        "coalesce(?, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)"
    };
}

/// Of those that are queued, only the first is looked for: many may wait for an hour. `$lane`
/// narrows it to one lane.
macro_rules! next_due {
    ($lane:literal) => {
        concat!(
            "SELECT min(due) AS due FROM (
                 (SELECT mine.run_at AS due FROM operations AS mine WHERE mine.state = 'queued'",
            $lane,
            " AND ",
            alone!(),
            " AND ",
            first!(),
            " ORDER BY mine.run_at LIMIT 1)
              UNION ALL (SELECT min(coalesce(mine.lease_until, mine.run_at)) FROM operations AS mine
                         WHERE mine.state = 'running'",
            $lane,
            " AND ",
            alone!(),
            ")) AS dues"
        )
    };
}

macro_rules! dialect {
    ($callers_clock:literal) => {
        Dialect {
            // One walk along the index of lanes, no further than what is queued is due, or than
            // what runs stands in it: a lease runs out wherever that is. It is one walk because the
            // first that nobody holds is wanted, of both.
            claimable: concat!(
                "SELECT mine.seq, mine.run_at, mine.doc, mine.version, mine.fence FROM operations AS mine,
                 (SELECT ",
                current!(),
                " AS now) AS clock
                 WHERE mine.state IN ('queued', 'running') AND mine.switches = ? AND mine.lane = ?
                   AND mine.run_at <= greatest(clock.now, (SELECT max(run_at) FROM operations WHERE state = 'running'))
                   AND CASE mine.state WHEN 'queued' THEN mine.run_at
                                       ELSE coalesce(mine.lease_until, mine.run_at) END <= clock.now AND ",
                alone!(),
                " AND (mine.state = 'running' OR (",
                first!(),
                ")) ORDER BY mine.run_at, mine.seq LIMIT 1 FOR NO KEY UPDATE OF mine SKIP LOCKED"
            ),
            still_claimable: concat!(" AND ", alone!(), " AND (mine.state = 'running' OR (", first!(), "))"),
            moments: 1,
            next_due: next_due!(""),
            next_due_in_lane: next_due!(" AND mine.switches = ? AND mine.lane = ?"),
            buys: "SELECT mine.doc, mine.version,
                   (SELECT coalesce(json_agg(json_build_array(platform, kind, key, remote_id)), '[]')::text
                    FROM remote_objects WHERE buy = mine.id) AS remote
                   FROM media_buys AS mine",
            moment: moment!(),
            current: current!(),
            locked: " FOR NO KEY UPDATE",
            unlocked_only: " FOR UPDATE SKIP LOCKED",
            random_below: "floor(random() * ?)::bigint",
            earlier: "",
            due: "",
            audit_lock: Some("SELECT pg_advisory_xact_lock(7023466421)"),
            callers_clock: $callers_clock,
        }
    };
}

/// Leases are judged by the database's clock.
pub(super) static DIALECT: Dialect = dialect!(false);

/// Leases are judged by the caller's clock: for tests, which have a time of their own.
pub(super) static WITH_CALLERS_CLOCK: Dialect = dialect!(true);
