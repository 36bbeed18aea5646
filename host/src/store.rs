//! Persistence: what is written together is written by one call, or not at all.
//!
//! [`Store`] has every function; each group of them stands, with its types and its SQL, in a file
//! named by its subject:
//!
//! - `recording`: [`Recording`], everything that one decision writes. Each row that it changes
//!   names the version that the change was made on; if one of them is stale, nothing is written.
//! - `media_buys`, `operations`, `tasks`, `events`, `idempotency`, `audit`, `tokens`: rows by their
//!   subject.
//! - `leases`: [`Claim`] and [`Fence`], who may carry an operation out. Every write of a worker
//!   names its fence, and a worker that lost its lease can record nothing. `journal`, `lookups`:
//!   the steps that a worker writes while an operation runs.
//! - [`webhooks`]: endpoints and deliveries.
//! - [`replicas`]: what the replicas on one database share. [`marks`], [`census`], `retention`.
//!
//! Two databases stand behind it: [`sqlite`], which needs no set-up, and [`postgres`], for several
//! replicas at once. `sql` is what both have in common; [`moving`] copies one to the other.

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
pub mod replicas;
mod retention;
mod sql;
pub mod sqlite;
pub mod statements;
mod tables;
mod tasks;
mod tokens;
pub mod webhooks;

/// Why the store did not do it. Nothing was written, but for [`StoreError::Unsure`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row that was to be changed is not at the version that the change was made on: read it
    /// again and decide anew.
    #[error("{0} was changed by somebody else meanwhile")]
    Stale(&'static str),
    /// The worker's lease on the operation is gone. What it wanted to record must not be recorded.
    #[error("the lease on {0} was lost")]
    Fenced(OperationId),
    /// The idempotency key is in use; here is its entry.
    #[error("the idempotency key is in use")]
    KeyTaken(Box<IdempotencyEntry>),
    /// A decision came too late.
    #[error("{0} is over")]
    Expired(Expired),
    /// The disk is full: nothing can be written until there is room; reading works.
    #[error("the disk is full: free some space and try again")]
    Full,
    /// The database can't be used now.
    #[error("the database can't be used now: {0}")]
    Unavailable(String),
    /// The connection was lost while the database committed: the one error after which it may have
    /// been written. Who must know reads, and not before the database's own time limit has passed.
    #[error("the database did not answer whether it was written: {0}")]
    Unsure(String),
    /// The audit log can't be written, and so nothing that it tells of: there is no key to sign it
    /// with.
    #[error("the audit log can't be written: {0}")]
    NoKey(KeyError),
    /// A row can't be read as what it should be: a bug, or somebody edited the database.
    #[error("the database holds something that can't be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether it is the database that can't be used now: it says nothing of what was to be
    /// written, and another try may succeed.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Full | Self::Unavailable(_) | Self::Unsure(_))
    }
}

/// A row and the version at which it was read, which rises with each write.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// What it says.
    pub value: T,
    /// The version to name when it is written again.
    pub version: i64,
}

/// What one replica tells the others, so that they look sooner than they would by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// There may be work to claim.
    Work,
    /// An operation came to rest.
    Rested(OperationId),
}

/// The host's database. Clones share one set of connections.
///
/// Times are given by the caller, but for leases and late tasks on PostgreSQL: several replicas
/// share them, so that they are judged by its clock.
///
/// If a caller's future is dropped while its write waits or runs, the write may still happen, or
/// not: a caller that must know reads. Dropping the last clone without [`Store::close`] loses
/// nothing that was acknowledged.
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

    /// Sends a hint to the other replicas on the same database. It may get lost, and is never part
    /// of a transaction.
    pub fn send_hint(&self, hint: Hint) {
        self.database.send_hint(hint);
    }

    /// Returns the hints of other replicas on the same database; `None` where there can't be any.
    pub fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
        self.database.hints()
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database.ping().await
    }

    /// Finishes what is being written and closes the database, for all clones.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Returns where the statements of its database differ.
    fn dialect(&self) -> &'static Dialect {
        self.database.dialect()
    }

    /// Returns the rows of a statement that only reads.
    async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.database.read(statement).await
    }

    /// Runs `work` over `with` in a transaction, more than once if the database asks for it. See
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

/// A transaction of a store, with the store's keys.
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
