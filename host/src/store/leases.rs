//! Claims and leases: which worker may run an operation, and when there is something to claim.

use std::time::Duration;

use crate::{
    domain::{
        id::OperationId,
        lane::{Lane, Openings},
        operation::{Operation, OperationState},
        time::Timestamp,
    },
    store::{
        Store, StoreError, Stored,
        journal::doubt_open,
        sql::{
            Dialect, Transaction, micros,
            rows::{Row, stored_operation, to_doc},
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// A worker's right to run an operation. It holds until somebody else claims the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The operation that was claimed.
    pub operation: OperationId,
    /// The fencing token, which rises with each claim of the operation.
    pub number: i64,
}

/// An operation that a worker has claimed; its state is `running`.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The operation as of the claim.
    pub operation: Stored<Operation>,
    /// The fence that the worker's writes must name.
    pub fence: Fence,
}

/// How long an unreadable operation is put off: until somebody repairs it, or a host that can read
/// it comes up.
const UNREADABLE: Duration = Duration::from_secs(60);

/// Selects the lanes in which operations are queued or running, and when the first of each was to
/// be run. The query jumps along the index from lane to lane, so it takes one step per lane,
/// however many operations wait in it.
pub(in crate::store) const LANES: &str = "
    WITH RECURSIVE lanes (switches, lane) AS (
        SELECT CAST(1 AS BIGINT), (SELECT min(lane) FROM operations
                                   WHERE state IN ('queued', 'running') AND switches = 1)
        UNION ALL
        SELECT CAST(0 AS BIGINT), (SELECT min(lane) FROM operations
                                   WHERE state IN ('queued', 'running') AND switches = 0)
        UNION ALL
        SELECT lanes.switches, (SELECT min(following.lane) FROM operations AS following
                                WHERE following.state IN ('queued', 'running') AND following.switches = lanes.switches
                                  AND following.lane > lanes.lane)
        FROM lanes WHERE lanes.lane IS NOT NULL
    )
    SELECT switches, lane, (SELECT min(earliest.run_at) FROM operations AS earliest
                            WHERE earliest.state IN ('queued', 'running') AND earliest.switches = lanes.switches
                              AND earliest.lane = lanes.lane) AS first_at
    FROM lanes WHERE lane IS NOT NULL";

impl Store {
    /// Claims an operation for a worker. Candidates are operations that are queued and due, or
    /// running under an expired lease, whose buy has no other operation running, and whose lane has
    /// an opening in `openings`. Operations that only stop or restart delivery come first, then the
    /// oldest. The claimed operation becomes `running`, its number of claims and its fence rise by
    /// one, and the worker holds it for `lease`.
    ///
    /// A queued operation also waits for others of its buy:
    /// - if it only stops or restarts delivery: for older queued ones that do only that;
    /// - if it has begun (it is frozen): for none;
    /// - otherwise: for older queued ones, and for any that has begun and not ended, whatever that
    ///   one waits for.
    ///
    /// An operation that has already run waits for none of them, or each would wait for the other.
    /// Its open steps are in doubt anew as of the claim, because its last worker may have sent
    /// something until then.
    ///
    /// An unreadable operation is logged and put off, so that it doesn't hold up the others.
    pub async fn claim_within(
        &self,
        worker: &str,
        now: Timestamp,
        lease: Duration,
        openings: &Openings,
    ) -> Result<Option<Claim>, StoreError> {
        self.write((worker.to_owned(), now, lease, openings.clone()), work!(claim)).await
    }

    /// Extends a lease.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker no longer holds it.
    pub async fn prolong(&self, fence: &Fence, now: Timestamp, lease: Duration) -> Result<(), StoreError> {
        self.write((fence.clone(), now, lease), work!(prolong)).await
    }

    /// Returns how long until the next operation is due or the next lease expires, among lanes with
    /// an opening in `openings`; `None` if nothing is waiting.
    pub async fn next_due_within(&self, now: Timestamp, openings: &Openings) -> Result<Option<Duration>, StoreError> {
        let dialect = self.dialect();
        if openings.admit_everything() {
            return self.due(now, Statement::new(dialect.next_due)).await;
        }
        let mut soonest: Option<Duration> = None;
        for lane in admitted(&self.read(Statement::new(LANES)).await?, openings)? {
            let mut asked = Statement::new(dialect.next_due_in_lane);
            for _ in 0..2 {
                asked.bind(lane.switches).bind(lane.key.as_str());
            }
            let due = self.due(now, asked).await?;
            soonest = soonest.into_iter().chain(due).min();
        }
        Ok(soonest)
    }

    /// Returns the time by the clock that judges leases and doubts: the database's clock if several
    /// replicas share it, otherwise the caller's, which is `now`.
    pub async fn clock(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let dialect = self.dialect();
        let mut asked = Statement::new("SELECT ");
        asked.push(dialect.moment).push(" AS now").bind(dialect.at(now));
        let found = self.read(asked).await?;
        let row = found.first().ok_or_else(|| StoreError::Corrupt("the database has no time".to_owned()))?;
        row.moment("now")
    }

    /// Like [`Store::claim_within`], without limits on what runs at the same time.
    pub async fn claim(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<Option<Claim>, StoreError> {
        self.claim_within(worker, now, lease, &Openings::default()).await
    }

    /// Like [`Store::next_due_within`], without limits on what runs at the same time.
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Duration>, StoreError> {
        self.next_due_within(now, &Openings::default()).await
    }

    /// Returns how long until the moment that `next` selects as `due`.
    async fn due(&self, now: Timestamp, next: Statement) -> Result<Option<Duration>, StoreError> {
        let dialect = self.dialect();
        let mut asked = Statement::new("SELECT due, ");
        asked.push(dialect.moment).push(" AS now FROM (").push(&next.sql).push(") AS next").bind(dialect.at(now));
        asked.values.extend(next.values);
        let found = self.read(asked).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let Some(due) = row.maybe_moment("due")? else { return Ok(None) };
        Ok(Some(row.moment("now")?.until(due)))
    }
}

/// A lane with waiting operations, as the database names it.
struct Waiting {
    switches: bool,
    key: String,
    /// When the lane's first operation was to be run, whether it may be claimed or not.
    first_at: i64,
}

impl Waiting {
    fn order(&self) -> (bool, i64) {
        (!self.switches, self.first_at)
    }
}

/// Returns the lanes that have an opening: those of switches first, then by when their first
/// operation was to be run.
fn admitted(rows: &[Row], openings: &Openings) -> Result<Vec<Waiting>, StoreError> {
    let mut lanes = Vec::with_capacity(rows.len());
    for row in rows {
        let lane =
            Waiting { switches: row.int("switches")? == 1, key: row.text("lane")?, first_at: row.int("first_at")? };
        if openings.admit(&Lane::with_key(lane.switches, &lane.key)) {
            lanes.push(lane);
        }
    }
    lanes.sort_by_key(Waiting::order);
    Ok(lanes)
}

/// Returns the first claimable operation of all lanes that have an opening.
async fn first(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    now: Timestamp,
    openings: &Openings,
) -> Result<Option<Row>, StoreError> {
    let lanes = transaction.run(Script::asking(Statement::new(LANES))).await?;
    let mut first: Option<((bool, i64, i64), Row)> = None;
    for lane in admitted(&lanes, openings)? {
        if first.as_ref().is_some_and(|((after, run_at, _), _)| (*after, *run_at) < lane.order()) {
            break;
        }
        let mut asked = Statement::new(dialect.claimable);
        for _ in 0..dialect.moments {
            asked.bind(dialect.at(now)).bind(lane.switches).bind(lane.key.as_str());
        }
        let Some(row) = transaction.run(Script::asking(asked)).await?.pop() else { continue };
        let order = (!lane.switches, row.int("run_at")?, row.int("seq")?);
        if first.as_ref().is_none_or(|(known, _)| order < *known) {
            first = Some((order, row));
        }
    }
    Ok(first.map(|(_, row)| row))
}

/// Claims the first claimable operation.
async fn claim(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (worker, now, lease, openings): &(String, Timestamp, Duration, Openings),
) -> Result<Option<Claim>, StoreError> {
    let Some(row) = first(transaction, dialect, *now, openings).await? else { return Ok(None) };
    let seq = row.int("seq")?;
    let (operation, was_running) = match started(&row, *now) {
        Ok(started) => started,
        Err(error) => {
            tracing::error!(seq, %error, "an operation can't be read and was put off: it holds up its media buy and nobody else");
            put_off(transaction, dialect, seq, *now).await?;
            return Ok(None);
        }
    };
    let number = row.int("fence")? + 1;
    let mut script = Script::default();
    script
        .statement(
            "UPDATE operations AS mine SET version = ?, state = ?, run_at = ?, doc = ?, fence = ?, worker = ?, lease_until = ",
            Want::Keep,
        )
        .push(dialect.moment)
        .push(" + ? WHERE seq = ?")
        .push(dialect.still_claimable)
        .push(" RETURNING seq")
        .bind(operation.version)
        .bind(operation.value.state.as_str())
        .bind(operation.value.run_at.as_micros())
        .bind(to_doc(&operation.value)?)
        .bind(number)
        .bind(worker.as_str())
        .bind(dialect.at(*now))
        .bind(micros(*lease))
        .bind(seq);
    if was_running {
        // The previous worker may have sent something until its lease expired, and the result may
        // not be visible yet.
        doubt_open(&mut script, dialect, &operation.value.id, *now);
    }
    if transaction.run(script).await?.is_empty() {
        // An older operation of the same buy may have begun since this one was found.
        return Ok(None);
    }
    let fence = Fence { operation: operation.value.id.clone(), number };
    Ok(Some(Claim { operation, fence }))
}

/// Postpones an unreadable operation, so that the ones behind it get their turn.
async fn put_off(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    seq: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement("UPDATE operations SET run_at = ", Want::Any)
        .push(dialect.moment)
        .push(" + ?, lease_until = CASE WHEN lease_until IS NULL THEN NULL ELSE ")
        .push(dialect.moment)
        .push(" + ? END WHERE seq = ?")
        .bind(dialect.at(now))
        .bind(micros(UNREADABLE))
        .bind(dialect.at(now))
        .bind(micros(UNREADABLE))
        .bind(seq);
    transaction.run(script).await.map(drop)
}

/// Returns the operation of a row as it is once claimed, and whether it had been run before.
fn started(row: &Row, now: Timestamp) -> Result<(Stored<Operation>, bool), StoreError> {
    let mut stored = stored_operation(row)?;
    stored.version += 1;
    let operation = &mut stored.value;
    let was_running = operation.state == OperationState::Running;
    operation.become_state(OperationState::Running, now).map_err(|state| {
        StoreError::Corrupt(format!("{} is {state} in its document and not in its row", operation.id))
    })?;
    operation.claims = operation.claims.saturating_add(1);
    Ok((stored, was_running))
}

/// Extends a lease that nobody has taken over or released, even if it has expired.
async fn prolong(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (fence, now, lease): &(Fence, Timestamp, Duration),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "UPDATE operations SET lease_until = ",
            Want::Changes(1, StoreError::Fenced(fence.operation.clone())),
        )
        .push(dialect.moment)
        .push(" + ? WHERE id = ? AND fence = ? AND lease_until IS NOT NULL")
        .bind(dialect.at(*now))
        .bind(micros(*lease))
        .bind(fence.operation.as_str())
        .bind(fence.number);
    transaction.run(script).await.map(drop)
}

/// Checks that the fence is the latest and that the lease has not been released. An expired lease
/// still holds if nobody has claimed the operation since.
pub(super) fn check_fence(script: &mut Script, dialect: &Dialect, fence: &Fence) {
    script
        .statement(
            "SELECT 1 AS found FROM operations WHERE id = ? AND fence = ? AND lease_until IS NOT NULL",
            Want::Row(StoreError::Fenced(fence.operation.clone())),
        )
        .push(dialect.locked)
        .bind(fence.operation.as_str())
        .bind(fence.number);
}
