//! What the two database backends share. Every statement is written once, and a [`Dialect`]
//! supplies the parts where the databases differ.
//!
//! - `database`: the two databases behind one type.
//! - `script`: statements, their parameters, and their expected results.
//! - `rows`: conversion between rows, documents and the domain's values.
//! - `escape`: text with NUL, which PostgreSQL can't store.
//!
//! An aggregate is a JSON document next to the columns that are searched or constrained; one
//! statement writes both from one value. A buy's remote objects are rows of their own, because
//! workers write them while a request may be changing the buy. Flags are 0 and 1 and documents are
//! text in both databases, so that the same statement works in both.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;

use self::{rows::Row, script::Script};
use super::StoreError;
use crate::domain::{keys::Keyring, time::Timestamp};

pub(super) mod database;
pub(super) mod escape;
pub(super) mod rows;
pub(super) mod script;

/// The maximum page size of buys, tasks or events, whatever the caller asks for: some megabytes of
/// documents.
pub(super) const MOST_PER_PAGE: u32 = 1_000;

/// The maximum number of rows in a list without pages (steps, history, open operations). Normal use
/// by people and adapters comes nowhere near it; it bounds the memory that a runaway list can take.
pub(super) const MOST_ROWS: u32 = 10_000;

/// Rows per INSERT statement. Each takes at most seven parameters, and SQLite allows 32,766.
pub(super) const ROWS: usize = 1_000;

/// Wraps a function over a transaction as [`Store::write`](super::Store::write) takes it.
macro_rules! work {
    ($function:path) => {
        |transaction, dialect, with| Box::pin(async move { $function(transaction, dialect, &with).await })
    };
}
pub(super) use work;

/// The parts of the statements' text in which the databases differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// Finds a claimable operation of a lane, and keeps others from claiming it until the
    /// transaction ends. Its parameters are the moment, whether the lane is one of switches, and
    /// the lane's key, repeated [`Dialect::moments`] times.
    pub claimable: &'static str,
    /// Continues the condition of the statement that claims `mine`: no other operation of its buy
    /// is running, and it waits for none. Somebody else may have committed since the operation was
    /// found.
    pub still_claimable: &'static str,
    /// How often `claimable` takes the moment and the lane as parameters.
    pub moments: usize,
    /// Selects when the next operation is due, as `due`.
    pub next_due: &'static str,
    /// Like `next_due`, but for one lane. Its parameters, whether the lane is one of switches and
    /// its key, are given twice.
    pub next_due_in_lane: &'static str,
    /// Selects buys as `mine`, with `doc`, `version` and `remote`, which is a JSON array of arrays.
    pub buys: &'static str,
    /// The moment given as a parameter, or the database's own time if the parameter is NULL.
    pub moment: &'static str,
    /// Like `moment`, for WHERE clauses. The value is constant within the statement, so that an
    /// index can be used.
    pub current: &'static str,
    /// Ends a SELECT whose rows stay locked against changes until the transaction ends.
    pub locked: &'static str,
    /// Ends a SELECT that skips rows locked by others and locks the rest.
    pub unlocked_only: &'static str,
    /// A random integer below a parameter.
    pub random_below: &'static str,
    /// Follows the table name in the search for earlier deliveries of the same buy: names the index
    /// to use, if the database needs to be told.
    pub earlier: &'static str,
    /// Like `earlier`, in the search for deliveries that are due to an endpoint.
    pub due: &'static str,
    /// Takes the lock that serializes appends to the audit log; `None` for a database with a single
    /// writer.
    pub audit_lock: Option<&'static str>,
    /// Whether leases and tasks are judged by the caller's clock instead of the database's.
    pub callers_clock: bool,
}

impl Dialect {
    /// Returns the parameter for [`Dialect::moment`].
    pub(super) fn at(&self, now: Timestamp) -> Option<i64> {
        self.callers_clock.then_some(now.as_micros())
    }
}

/// Returns a duration in microseconds.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}

/// A connection inside a transaction.
#[async_trait]
pub(super) trait Transaction: Send {
    /// Returns the keys of the store that the transaction belongs to. If `None`, anything that
    /// needs a key can't be written in it.
    fn keys(&self) -> Option<Arc<Keyring>> {
        None
    }
    /// Runs a script and returns the rows that it keeps.
    ///
    /// # Errors
    /// The first unmet expectation of a statement, or the database's error.
    async fn run(&mut self, script: Script) -> Result<Vec<Row>, StoreError>;
}

/// The work of a transaction. It may run more than once, each time in a new transaction.
pub(super) type Work<T> =
    Arc<dyn for<'t> Fn(&'t mut (dyn Transaction + 't)) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync>;
