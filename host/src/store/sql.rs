//! What the two databases share: every statement is written once, and a [`Dialect`] says where the
//! databases differ.
//!
//! - `database`: the two databases behind one type.
//! - `script`: statements, their parameters, and what must come of them.
//! - `rows`: rows and documents as the domain's values. `escape`: text with NUL, which PostgreSQL
//!   can't store.
//!
//! An aggregate is a JSON document beside the columns that are searched or constrained; both are
//! written by one statement from one value. A buy's remote objects are rows of their own, because
//! workers write them while a request may be changing the buy. Flags are 0 and 1 and documents are
//! text in both databases, so that one text of a statement serves both.

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

/// The longest page of buys, tasks or events, whatever the caller asks for: some megabytes of
/// documents.
pub(super) const MOST_PER_PAGE: u32 = 1_000;

/// The most rows of a list that has no pages (steps, history, open operations). Nothing that people
/// and adapters do comes near it; it bounds the memory that a runaway one can cost.
pub(super) const MOST_ROWS: u32 = 10_000;

/// How many rows one statement adds: seven parameters each at most, and SQLite takes 32,766.
pub(super) const ROWS: usize = 1_000;

/// A function over a transaction as [`Store::write`](super::Store::write) takes it.
macro_rules! work {
    ($function:path) => {
        |transaction, dialect, with| Box::pin(async move { $function(transaction, dialect, &with).await })
    };
}
pub(super) use work;

/// Where the text of statements differs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// Finds what may be claimed of a lane at a moment, and keeps others from claiming it until the
    /// transaction ends. Its parameters are the moment, whether the lane is one of switches, and
    /// the lane's key, [`Dialect::moments`] times.
    pub claimable: &'static str,
    /// Continues the condition of the statement that claims `mine`: nothing else of its buy runs by
    /// now, and it waits for none. Others may have committed something since it was found.
    pub still_claimable: &'static str,
    /// How often `claimable` names the moment and the lane.
    pub moments: usize,
    /// When the next operation is due, as `due`.
    pub next_due: &'static str,
    /// The same for one lane: twice, whether it is one of switches, and its key.
    pub next_due_in_lane: &'static str,
    /// Selects buys as `mine`, with `doc`, `version` and `remote`: a JSON array of arrays.
    pub buys: &'static str,
    /// The moment that a parameter says, or the database's own if it is NULL.
    pub moment: &'static str,
    /// As `moment`, where rows are looked for: one value for the whole statement, so that an index
    /// finds them.
    pub current: &'static str,
    /// Ends a SELECT whose rows nobody else may change until the transaction ends.
    pub locked: &'static str,
    /// Ends a SELECT of rows that others may be working on: those are left out, and nobody else
    /// gets the others.
    pub unlocked_only: &'static str,
    /// A random whole number below a parameter.
    pub random_below: &'static str,
    /// Follows the name of the table where earlier deliveries of the same buy are looked for: by
    /// which index, if the database must be told.
    pub earlier: &'static str,
    /// The same, where deliveries are looked for that are due to an endpoint.
    pub due: &'static str,
    /// Makes those who go on with the audit log wait for each other; `None` where there is one
    /// writer.
    pub audit_lock: Option<&'static str>,
    /// Whether leases and tasks are judged by the caller's clock and not by the database's.
    pub callers_clock: bool,
}

impl Dialect {
    /// The parameter for [`Dialect::moment`].
    pub(super) fn at(&self, now: Timestamp) -> Option<i64> {
        self.callers_clock.then_some(now.as_micros())
    }
}

/// A duration in microseconds.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}

/// A connection that is inside a transaction.
#[async_trait]
pub(super) trait Transaction: Send {
    /// The keys of the store that the transaction belongs to; `None`: what needs one can't be
    /// written in it.
    fn keys(&self) -> Option<Arc<Keyring>> {
        None
    }
    /// Runs a script; the rows that it keeps.
    ///
    /// # Errors
    /// The first refusal, or what the database says.
    async fn run(&mut self, script: Script) -> Result<Vec<Row>, StoreError>;
}

/// What is done inside a transaction. It may be done more than once, each time in a new one.
pub(super) type Work<T> =
    Arc<dyn for<'t> Fn(&'t mut (dyn Transaction + 't)) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync>;
