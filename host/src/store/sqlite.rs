//! SQLite: no set-up, one process, every write on the disk before it is acknowledged.
//!
//! # Layout
//!
//! - `lock`: one process per file.
//! - `writer`: the one connection that writes, and how waiting writes share a commit.
//! - `script`: several statements as one command.
//! - `record`, `audit`, `lease`, `journal`: what is written. Functions over a connection that is inside a transaction.
//! - `read`, `tasks`: what is read, on a small pool of connections that can't write.
//! - `rows`: rows and documents as the domain's values.
//! - `error`: what SQLite's errors mean to a caller.
//!
//! The tables are in `migrations/sqlite`. An aggregate is a JSON document beside the columns that are searched or
//! constrained; both are written by one statement from one value. A buy's remote objects are rows of their own, because
//! workers write them while a request may be changing the buy.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::{error::from_sqlx, lock::Lock, writer::Writer};
use super::{
    AuditEntry, BuyFilter, Claim, Fence, IdempotencyEntry, JournalWrite, Recording, Store, StoreError, Stored,
    TaskFilter, TaskPage, TokenRecord,
};
use crate::domain::{
    audit::AuditLine,
    event::Event,
    id::{MediaBuyId, OperationId, PrincipalId, TaskId},
    media_buy::MediaBuy,
    operation::Operation,
    step::Step,
    task::{HistoryEntry, Task},
    time::Timestamp,
};

mod audit;
mod error;
mod journal;
mod lease;
mod lock;
mod read;
mod record;
mod rows;
mod script;
mod tasks;
mod writer;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The write-ahead log is cut back to this many bytes once its contents are in the database. Without it the file keeps
/// the size of the largest burst of writes.
const LOG_BYTES: &str = "67108864";

/// How many prepared statements a connection keeps. A recording's statements are one text, so that there are as many
/// texts as there are kinds of decisions: some dozens.
const STATEMENTS: usize = 200;

/// How the store works; the defaults are right unless measured otherwise.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections for reading. Each is a thread; more than cores bring nothing.
    pub readers: u32,
    /// How long to wait for a reader, or for somebody else's lock (a backup, a person with a shell), before giving up.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, patience: Duration::from_secs(5) }
    }
}

/// A store in one SQLite file.
///
/// If a caller's future is dropped while its write waits or runs, the write may still happen, or not: who must know
/// reads. To drop the store without [`Store::close`] loses nothing that was acknowledged; the file stays locked until
/// the write that runs has ended.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the database at `path`, creates it if it does not exist, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if another process has it, if the file can't be used, or if its tables are those of
    /// a newer version.
    pub async fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let lock = take_lock(path.clone()).await?;
        Self::connect(path, options, Some(lock)).await
    }

    /// Opens the database for a moment, also while a host serves from it: SQLite itself keeps two writers apart. Nothing may be
    /// claimed through it.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], but for the lock.
    pub async fn open_beside(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        Self::connect(path.as_ref().to_owned(), options, None).await
    }

    async fn connect(path: PathBuf, options: Options, lock: Option<Lock>) -> Result<Self, StoreError> {
        let writing = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(options.patience)
            .pragma("journal_size_limit", LOG_BYTES)
            .statement_cache_capacity(STATEMENTS);
        let mut connection = writing.connect().await.map_err(|error| named(&path, from_sqlx(error)))?;
        migrate(&mut connection).await.map_err(|error| named(&path, error))?;
        let reading = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(true)
            .busy_timeout(options.patience)
            .statement_cache_capacity(STATEMENTS);
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .acquire_timeout(options.patience)
            // A local file does not hang up; to ask before each use would double the price of a read.
            .test_before_acquire(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(reading)
            .await
            .map_err(|error| named(&path, from_sqlx(error)))?;
        Ok(Self { writer: Writer::start(connection, writing, lock), readers })
    }
}

async fn take_lock(path: PathBuf) -> Result<Lock, StoreError> {
    tokio::task::spawn_blocking(move || Lock::take(&path))
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?
}

/// Says which file an error is about: it is shown to the person who starts the host.
fn named(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(reason) => StoreError::Unavailable(format!("{}: {reason}", path.display())),
        StoreError::Corrupt(reason) => StoreError::Corrupt(format!("{}: {reason}", path.display())),
        other => other,
    }
}

/// All migrations or none, under SQLite's write lock.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = |error: sqlx::migrate::MigrateError| match error {
        sqlx::migrate::MigrateError::Execute(error) | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => {
            from_sqlx(error)
        }
        error => StoreError::Unavailable(format!(
            "its tables are not those of this version: {error}; use the flightdeck that wrote it, or a newer one"
        )),
    };
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(from_sqlx)?;
    MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(failed)?;
    transaction.commit().await.map_err(from_sqlx)
}

#[async_trait]
impl Store for SqliteStore {
    async fn record(&self, recording: Recording) -> Result<(), StoreError> {
        self.writer.write(|connection| Box::pin(record::record(connection, recording))).await
    }

    async fn record_answer(
        &self,
        principal: &PrincipalId,
        key: &str,
        answer: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let (principal, key, answer) = (principal.clone(), key.to_owned(), answer.clone());
        self.writer.write(|connection| Box::pin(record::record_answer(connection, principal, key, answer))).await
    }

    async fn claim(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let worker = worker.to_owned();
        self.writer.write(move |connection| Box::pin(lease::claim(connection, worker, now, lease))).await
    }

    async fn prolong(&self, fence: &Fence, now: Timestamp, lease: Duration) -> Result<(), StoreError> {
        let fence = fence.clone();
        self.writer.write(move |connection| Box::pin(lease::prolong(connection, fence, now, lease))).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        lease::next_due(&self.readers).await
    }

    async fn journal(&self, write: JournalWrite) -> Result<Option<Step>, StoreError> {
        self.writer.write(|connection| Box::pin(journal::journal(connection, write))).await
    }

    async fn steps(&self, operation: &OperationId) -> Result<Vec<Step>, StoreError> {
        journal::steps(&self.readers, operation).await
    }

    async fn buy(&self, id: &MediaBuyId) -> Result<Option<Stored<MediaBuy>>, StoreError> {
        read::buy(&self.readers, id).await
    }

    async fn buys(&self, filter: &BuyFilter) -> Result<Vec<MediaBuy>, StoreError> {
        read::buys(&self.readers, filter).await
    }

    async fn take_turns(
        &self,
        now: Timestamp,
        ended_since: Timestamp,
        every: Duration,
        limit: u32,
    ) -> Result<Vec<MediaBuyId>, StoreError> {
        self.writer
            .write(move |connection| Box::pin(record::take_turns(connection, now, ended_since, every, limit)))
            .await
    }

    async fn operation(&self, id: &OperationId) -> Result<Option<Stored<Operation>>, StoreError> {
        read::operation(&self.readers, id).await
    }

    async fn open_operations(&self, buy: &MediaBuyId) -> Result<Vec<Stored<Operation>>, StoreError> {
        read::open_operations(&self.readers, buy).await
    }

    async fn creation(&self, buy: &MediaBuyId) -> Result<Option<Stored<Operation>>, StoreError> {
        read::creation(&self.readers, buy).await
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Stored<Task>>, StoreError> {
        tasks::task(&self.readers, id).await
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        tasks::tasks(&self.readers, filter).await
    }

    async fn tasks_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Stored<Task>>, StoreError> {
        tasks::tasks_due(&self.readers, now, limit).await
    }

    async fn history(&self, task: &TaskId) -> Result<Vec<HistoryEntry>, StoreError> {
        read::history(&self.readers, task).await
    }

    async fn idempotency(&self, principal: &PrincipalId, key: &str) -> Result<Option<IdempotencyEntry>, StoreError> {
        read::idempotency(&self.readers, principal, key).await
    }

    async fn forget_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.writer.write(move |connection| Box::pin(record::forget_keys(connection, now, limit))).await
    }

    async fn events(&self, buy: &MediaBuyId, limit: u32) -> Result<Vec<Event>, StoreError> {
        read::events(&self.readers, buy, limit).await
    }

    async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        audit::lines(&self.readers, after, limit).await
    }

    async fn last_audit(&self, subject: &str) -> Result<Option<AuditLine>, StoreError> {
        audit::last_about(&self.readers, subject).await
    }

    async fn add_token(&self, token: &TokenRecord, line: AuditEntry) -> Result<(), StoreError> {
        let token = token.clone();
        self.writer.write(|connection| Box::pin(record::add_token(connection, token, line))).await
    }

    async fn token(&self, sha256: &str) -> Result<Option<TokenRecord>, StoreError> {
        read::token(&self.readers, sha256).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        if !self.writer.is_open() {
            return Err(error::closed());
        }
        sqlx::query("SELECT 1 FROM sqlite_schema LIMIT 1").execute(&self.readers).await.map(drop).map_err(from_sqlx)
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
