//! Persistence. Each call writes everything it is given in one transaction, or nothing.
//!
//! [`Store`] carries all functions. They are grouped by subject into files, each with its types and
//! its SQL:
//!
//! - `recording`: [`Recording`], everything that one decision writes. Each changed row names the
//!   version that the change is based on; if any of them is stale, nothing is written.
//! - `media_buys`, `operations`, `tasks`, `events`, `idempotency`, `audit`, `tokens`: the rows of
//!   each subject.
//! - `leases`: [`Claim`] and [`Fence`], which decide which worker may run an operation. Every write
//!   of a worker names its fence, and a worker that has lost its lease can't record anything.
//! - `journal`, `lookups`: the steps that a worker writes while an operation runs, and those to
//!   look up again afterwards.
//! - [`webhooks`]: endpoints and deliveries.
//! - [`releases`]: components of adapters, and which of them serves a platform.
//! - [`replicas`]: state that the replicas on one database share.
//! - [`marks`], [`census`], `retention`: moments in the database's life, counts for metrics,
//!   deletion of old rows.
//!
//! There are two database backends: [`sqlite`], which needs no set-up, and [`postgres`], which
//! serves several replicas. `sql` holds what they have in common; [`moving`] copies a SQLite
//! database to PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::broadcast;

use self::sql::{
    Dialect, Transaction, Work,
    database::Database,
    rows::Row,
    script::{Script, Statement},
};
pub use self::{
    idempotency::IdempotencyEntry,
    journal::{FinishedStep, JournalWrite, NewStep, RemoteChange, SettledStep},
    leases::{Claim, Fence},
    lookups::{DueLookup, NextLookup},
    media_buys::BuyFilter,
    recording::{Author, DecisionWindow, Expired, LeaseAfter, Recording, Write},
    tasks::{DueTask, TaskFilter, TaskPage},
    tokens::{Revocation, TokenRecord},
};
pub use crate::domain::audit::AuditEntry;
use crate::{
    domain::{
        event::PayloadFormat,
        id::OperationId,
        keys::{KeyError, Keyring},
    },
    metrics::{STORE_ERRORS, WRITE_SECONDS, Watch},
};

mod audit;
pub mod census;
mod events;
pub mod hosts;
mod idempotency;
mod journal;
mod leases;
mod lookups;
pub mod marks;
mod media_buys;
pub mod moving;
mod operations;
pub mod postgres;
mod recording;
pub mod releases;
pub mod replicas;
mod retention;
pub mod sessions;
mod sql;
pub mod sqlite;
pub mod statements;
mod tables;
mod tasks;
mod tokens;
pub mod totals;
pub mod webhooks;

/// Why a call failed. Nothing was written, except possibly after [`StoreError::Unsure`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row to be changed is no longer at the version that the change is based on. Read it again
    /// and decide anew.
    #[error("{0} was changed by somebody else meanwhile")]
    Stale(&'static str),
    /// The worker has lost its lease on the operation, so its results must not be recorded.
    #[error("the lease on {0} was lost")]
    Fenced(OperationId),
    /// The idempotency key is in use; holds its entry.
    #[error("the idempotency key is in use")]
    KeyTaken(Box<IdempotencyEntry>),
    /// The decision came too late.
    #[error("{0} is over")]
    Expired(Expired),
    /// The disk is full. Reads work, but writes fail until space is freed.
    #[error("the disk is full: free some space and try again")]
    Full,
    /// The database is temporarily unusable.
    #[error("the database can't be used now: {0}")]
    Unavailable(String),
    /// The connection was lost during the commit. This is the only error after which the data may
    /// have been written. A caller that must know reads it back, but only after the database's own
    /// time limit has passed.
    #[error("the database did not answer whether it was written: {0}")]
    Unsure(String),
    /// There is no key to sign the audit log with. Neither the log nor the changes it would record
    /// can be written.
    #[error("the audit log can't be written: {0}")]
    NoKey(KeyError),
    /// A row can't be parsed: either a bug, or somebody edited the database.
    #[error("the database holds something that can't be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Returns whether the error is a temporary failure of the database. It says nothing about the
    /// data being written, and a retry may succeed.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Full | Self::Unavailable(_) | Self::Unsure(_))
    }
}

/// A row and the version at which it was read. The version rises with each write.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// The row's contents.
    pub value: T,
    /// The version to name when writing the row back.
    pub version: i64,
}

/// A message to the other replicas, so that they look sooner than their next poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// There may be an operation to claim.
    Work,
    /// An operation has ended or is waiting for a person.
    Rested(OperationId),
}

/// The host's database. Clones share one set of connections.
///
/// The caller supplies the current time. Leases and overdue tasks on PostgreSQL are the exception:
/// they are shared between replicas, so they are judged by the database's clock.
///
/// If a caller's future is dropped while its write is queued or running, the write may or may not
/// happen; a caller that must know reads it back. Dropping the last clone without [`Store::close`]
/// loses nothing that was acknowledged.
#[derive(Debug, Clone)]
pub struct Store {
    database: Arc<Database>,
    keys: Arc<Keyring>,
    payload: PayloadFormat,
}

impl Store {
    fn new(database: Database, keys: Arc<Keyring>, payload: PayloadFormat) -> Self {
        Self { database: Arc::new(database), keys, payload }
    }

    /// Returns the keys that sign the audit log and encrypt secrets.
    pub fn keys(&self) -> &Arc<Keyring> {
        &self.keys
    }

    /// Sends a hint to the other replicas on the same database. Hints may get lost, and are never
    /// part of a transaction.
    pub fn send_hint(&self, hint: Hint) {
        self.database.send_hint(hint);
    }

    /// Returns the hints of other replicas on the same database, or `None` if the database can't
    /// have other replicas.
    pub fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
        self.database.hints()
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database.ping().await
    }

    /// Finishes the writes in flight and closes the database for all clones.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Returns the SQL dialect of the database.
    fn dialect(&self) -> &'static Dialect {
        self.database.dialect()
    }

    /// Runs a read-only statement and returns its rows.
    async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.database.read(statement).await
    }

    /// Runs `work` on `with` in a transaction, more than once if the database requires a retry. See
    /// [`Database::write`].
    async fn write<T, F, W>(&self, with: W, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut (dyn Transaction + 't), &'static Dialect, Arc<W>) -> BoxFuture<'t, Result<T, StoreError>>
            + Send
            + Sync
            + 'static,
    {
        let (dialect, watch) = (self.dialect(), Watch::start());
        let (work, with, keys) = (Arc::new(work), Arc::new(with), self.keys.clone());
        let with_keys: Work<T> = Arc::new(move |transaction| {
            let (work, with, keys) = (work.clone(), with.clone(), keys.clone());
            Box::pin(async move { work(&mut WithKeys { transaction, keys }, dialect, with).await })
        });
        let written = self.database.write(with_keys).await;
        metrics::histogram!(WRITE_SECONDS).record(watch.seconds());
        let reason = match &written {
            Err(StoreError::Full) => "full",
            Err(StoreError::Unavailable(_)) => "unavailable",
            Err(StoreError::Unsure(_)) => "unsure",
            _ => return written,
        };
        metrics::counter!(STORE_ERRORS, "reason" => reason).increment(1);
        written
    }
}

/// A transaction together with the store's keys.
struct WithKeys<'t> {
    transaction: &'t mut (dyn Transaction + 't),
    keys: Arc<Keyring>,
}

#[async_trait]
impl Transaction for WithKeys<'_> {
    fn keys(&self) -> Option<Arc<Keyring>> {
        Some(self.keys.clone())
    }
    async fn run(&mut self, script: Script) -> Result<Vec<Row>, StoreError> {
        self.transaction.run(script).await
    }
}
