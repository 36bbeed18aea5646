//! Steps to be looked up again because one of their requests got no answer.

use std::time::Duration;

use crate::{
    domain::{
        id::{OperationId, PlatformName},
        step::Step,
        time::Timestamp,
    },
    store::{
        Store, StoreError,
        journal::COLUMNS,
        sql::{
            Dialect, Transaction, micros,
            rows::{self, Row, to_doc},
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// A step whose objects are due to be looked up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueLookup {
    /// The step to look up.
    pub step: Step,
    /// The number of lookups since a request was last lost or a second object was last found.
    pub round: u32,
    /// The remote ids that a person has been notified of.
    pub told: Vec<String>,
    /// The fencing token: counts how often the lookup was taken or started over. Whoever holds an
    /// older one writes nothing more about it.
    pub fence: i64,
}

/// The next lookup of a step, or the end of its lookups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextLookup {
    /// The operation of the step.
    pub operation: OperationId,
    /// The platform of the step.
    pub platform: PlatformName,
    /// The name of the step.
    pub name: String,
    /// The delay before the next lookup; `None`: no further lookups.
    pub after: Option<Duration>,
    /// The new value of [`DueLookup::round`].
    pub round: u32,
    /// The new value of [`DueLookup::told`].
    pub told: Vec<String>,
    /// The [`DueLookup::fence`] under which the step was looked up.
    pub fence: i64,
    /// Whether the taker goes on with the lookup, and keeps its fencing token and its lease.
    pub held: bool,
}

impl Store {
    /// Returns whether any step is due to be looked up again.
    pub async fn lookup_is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let dialect = self.dialect();
        let mut asked = Statement::new("SELECT 1 AS due FROM lookups WHERE due_at <= ");
        asked.push(dialect.current).push(" LIMIT 1").bind(dialect.at(now));
        Ok(!self.read(asked).await?.is_empty())
    }

    /// Takes at most `limit` steps that are due to be looked up again. Nobody else gets them before
    /// the lease has passed; after that they are due again, in case the taker died.
    pub async fn take_lookups(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DueLookup>, StoreError> {
        self.write((now, lease, limit), work!(take)).await
    }

    /// Extends the lease on lookups, as far as nobody else has taken them.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the first of them, the one that is being looked up, was taken or
    /// started over.
    pub async fn prolong_lookups(&self, held: &[DueLookup], now: Timestamp, lease: Duration) -> Result<(), StoreError> {
        self.write((held.to_vec(), now, lease), work!(prolong)).await
    }
}

/// Condition on a row: it is the lookup of this step, and nobody has taken it since.
const HELD: &str = " WHERE operation = ? AND platform = ? AND name = ? AND fence = ?";

const TAKEN: StoreError = StoreError::Stale("the lookup");

/// Takes the due lookups and postpones them by the lease, so that nobody else gets them meanwhile
/// but somebody does if the taker dies.
async fn take(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (now, lease, limit): &(Timestamp, Duration, u32),
) -> Result<Vec<DueLookup>, StoreError> {
    let mut asked = Statement::new("SELECT ");
    asked
        .push(COLUMNS)
        .push(
            ", lookups.round, lookups.told, lookups.fence FROM lookups
             JOIN steps ON steps.operation = lookups.operation AND steps.platform = lookups.platform AND steps.name = lookups.name
             WHERE lookups.due_at <= ",
        )
        .push(dialect.current)
        .push(" ORDER BY lookups.due_at LIMIT ?")
        .push(dialect.unlocked_only)
        .bind(dialect.at(*now))
        .bind(*limit);
    let found = transaction.run(Script::asking(asked)).await?;
    let mut due = found.iter().map(due).collect::<Result<Vec<_>, _>>()?;
    let mut script = Script::default();
    for lookup in &mut due {
        let statement = script.statement("UPDATE lookups SET fence = fence + 1, due_at = ", Want::Any);
        postpone(statement, dialect, lookup, (*now, *lease));
        lookup.fence += 1;
    }
    transaction.run(script).await?;
    Ok(due)
}

async fn prolong(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (held, now, lease): &(Vec<DueLookup>, Timestamp, Duration),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    for (index, lookup) in held.iter().enumerate() {
        let want = if index == 0 { Want::Changes(1, TAKEN) } else { Want::Any };
        let statement = script.statement("UPDATE lookups SET due_at = ", want);
        postpone(statement, dialect, lookup, (*now, *lease));
    }
    transaction.run(script).await.map(drop)
}

/// Completes an update of `due_at` of a lookup that is held.
fn postpone(statement: &mut Statement, dialect: &Dialect, lookup: &DueLookup, (now, by): (Timestamp, Duration)) {
    statement
        .push(dialect.moment)
        .push(" + ?")
        .push(HELD)
        .bind(dialect.at(now))
        .bind(micros(by))
        .bind(lookup.step.operation.as_str())
        .bind(lookup.step.platform.as_str())
        .bind(lookup.step.name.as_str())
        .bind(lookup.fence);
}

fn due(row: &Row) -> Result<DueLookup, StoreError> {
    Ok(DueLookup {
        step: rows::step(row)?,
        round: u32::try_from(row.int("round")?).unwrap_or(u32::MAX),
        told: row.doc("a lookup", "told")?,
        fence: row.int("fence")?,
    })
}

/// Schedules the next lookup of a step, or ends its lookups. Fails if somebody else has taken it, or
/// if a request of the step was lost again meanwhile.
pub(super) fn put(script: &mut Script, dialect: &Dialect, next: &NextLookup, at: Timestamp) -> Result<(), StoreError> {
    let statement = match next.after {
        None => script.statement("DELETE FROM lookups", Want::Changes(1, TAKEN)),
        Some(after) => script
            .statement("UPDATE lookups SET due_at = ", Want::Changes(1, TAKEN))
            .push(dialect.moment)
            // A heartbeat that is on its way must not bring the next lookup forward.
            .push(" + ?, round = ?, told = ?, fence = fence + ?")
            .bind(dialect.at(at))
            .bind(micros(after))
            .bind(next.round)
            .bind(to_doc(&next.told)?)
            .bind(!next.held),
    };
    statement
        .push(HELD)
        .bind(next.operation.as_str())
        .bind(next.platform.as_str())
        .bind(next.name.as_str())
        .bind(next.fence);
    Ok(())
}
