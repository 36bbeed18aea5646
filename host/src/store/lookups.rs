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
    /// `hold` has passed; after that they are due again, in case the taker died.
    pub async fn take_lookups(&self, now: Timestamp, hold: Duration, limit: u32) -> Result<Vec<DueLookup>, StoreError> {
        self.write((now, hold, limit), work!(take)).await
    }
}

/// Takes the due lookups and postpones them by `hold`, so that nobody else gets them meanwhile but
/// somebody does if the taker dies.
async fn take(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (now, hold, limit): &(Timestamp, Duration, u32),
) -> Result<Vec<DueLookup>, StoreError> {
    let mut asked = Statement::new("SELECT ");
    asked
        .push(COLUMNS)
        .push(
            ", lookups.round, lookups.told FROM lookups
             JOIN steps ON steps.operation = lookups.operation AND steps.platform = lookups.platform AND steps.name = lookups.name
             WHERE lookups.due_at <= ",
        )
        .push(dialect.current)
        .push(" ORDER BY lookups.due_at LIMIT ?")
        .push(dialect.unlocked_only)
        .bind(dialect.at(*now))
        .bind(*limit);
    let found = transaction.run(Script::asking(asked)).await?;
    let due = found.iter().map(due).collect::<Result<Vec<_>, _>>()?;
    let mut script = Script::default();
    for lookup in &due {
        script
            .statement("UPDATE lookups SET due_at = ", Want::Any)
            .push(dialect.moment)
            .push(" + ? WHERE operation = ? AND platform = ? AND name = ?")
            .bind(dialect.at(*now))
            .bind(micros(*hold))
            .bind(lookup.step.operation.as_str())
            .bind(lookup.step.platform.as_str())
            .bind(lookup.step.name.as_str());
    }
    transaction.run(script).await?;
    Ok(due)
}

fn due(row: &Row) -> Result<DueLookup, StoreError> {
    Ok(DueLookup {
        step: rows::step(row)?,
        round: u32::try_from(row.int("round")?).unwrap_or(u32::MAX),
        told: row.doc("a lookup", "told")?,
    })
}

/// Schedules the next lookup of a step, or ends its lookups.
pub(super) fn put(script: &mut Script, dialect: &Dialect, next: &NextLookup, at: Timestamp) -> Result<(), StoreError> {
    const OF_STEP: &str = " WHERE operation = ? AND platform = ? AND name = ?";
    let statement = match next.after {
        None => script.statement("DELETE FROM lookups", Want::Any),
        Some(after) => script
            .statement("UPDATE lookups SET due_at = ", Want::Any)
            .push(dialect.moment)
            .push(" + ?, round = ?, told = ?")
            .bind(dialect.at(at))
            .bind(micros(after))
            .bind(next.round)
            .bind(to_doc(&next.told)?),
    };
    statement.push(OF_STEP).bind(next.operation.as_str()).bind(next.platform.as_str()).bind(next.name.as_str());
    Ok(())
}
