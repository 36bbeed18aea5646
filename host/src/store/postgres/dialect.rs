//! PostgreSQL's dialect.

use crate::store::sql::Dialect;

/// No other operation of the same buy is running. For the reasons see [`Store::claim_within`] and
/// SQLite's dialect.
///
/// [`Store::claim_within`]: crate::store::Store::claim_within
macro_rules! alone {
    () => {
        "NOT EXISTS (SELECT 1 FROM operations AS other
                     WHERE other.buy = mine.buy AND other.state = 'running' AND other.seq <> mine.seq)"
    };
}

/// The further conditions of a queued operation.
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

/// Like `moment`, but constant within a statement, so that an index can be searched with it.
macro_rules! current {
    () => {
        "coalesce(?, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)"
    };
}

/// Selects when the next operation is due. Only the first queued one is looked for, because many
/// may be waiting for an hour. `$lane` restricts the search to one lane.
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
            // A single scan of the index of lanes, which ends where queued operations are not due
            // any more and no running one follows: a lease may expire anywhere among the running
            // ones. It has to be a single scan because the first operation of either state that
            // nobody has locked is wanted.
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

/// The dialect in which leases are judged by the database's clock.
pub(super) static DIALECT: Dialect = dialect!(false);

/// The dialect in which leases are judged by the caller's clock, for tests, which have a clock of
/// their own.
pub(super) static WITH_CALLERS_CLOCK: Dialect = dialect!(true);
