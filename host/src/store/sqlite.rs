//! SQLite: no set-up, one process, every write on the disk before it is acknowledged.
//!
//! # Layout
//!
//! - `lock`: one process per file.
//! - `writer`: the one connection that writes, and how waiting writes share a commit. A small pool of connections that can't
//!   write reads.
//! - `script`: a script as one command.
//! - `dialect`: where its statements differ from PostgreSQL's.
//! - `error`: what SQLite's errors mean to a caller.
//!
//! The tables are in `migrations/sqlite`.

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
use tokio::sync::broadcast;

use self::{error::from_sqlx, lock::Lock, writer::Writer};
use super::{
    Hint, StoreError,
    sql::{Database, Dialect, SqlStore, Work, rows::Row, script::Statement},
};

mod dialect;
mod error;
mod lock;
mod script;
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
/// reads. To drop the store without [`Store::close`](super::Store::close) loses nothing that was acknowledged; the file stays locked until
/// the write that runs has ended.
pub type SqliteStore = SqlStore<Sqlite>;

/// The file's connections.
#[derive(Debug)]
pub struct Sqlite {
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
        let writer = Writer::start(connection, writing, lock);
        Ok(Self { database: Sqlite { writer, readers } })
    }
}

/// Writes a whole and consistent copy of the database at `path` to a file that does not exist yet, also while a host serves from it.
///
/// # Errors
/// [`StoreError::Unavailable`] if the copy's file exists or can't be written, [`StoreError::Full`] if there is no room for it.
pub async fn back_up(path: &Path, copy: &Path) -> Result<(), StoreError> {
    let shown = |error: StoreError| named(copy, error);
    if copy.exists() {
        return Err(shown(StoreError::Unavailable("exists already; name a file that does not".to_owned())));
    }
    let target =
        copy.to_str().ok_or_else(|| shown(StoreError::Unavailable("has a name that is no UTF-8".to_owned())))?;
    let reading = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = reading.connect().await.map_err(|error| named(path, from_sqlx(error)))?;
    let copied = sqlx::query("VACUUM INTO ?").bind(target).execute(&mut connection).await;
    copied.map_err(|error| shown(from_sqlx(error)))?;
    connection.close().await.map_err(from_sqlx)?;
    // SQLite leaves the copy to the system's cache.
    let synced = std::fs::File::open(copy).and_then(|file| file.sync_all());
    synced.map_err(|error| shown(StoreError::Unavailable(error.to_string())))
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
impl Database for Sqlite {
    fn dialect(&self) -> &'static Dialect {
        &dialect::DIALECT
    }

    async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        self.writer.write(move |connection| Box::pin(async move { work(connection).await })).await
    }

    async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        script::read(&self.readers, statement).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        if !self.writer.is_open() {
            return Err(error::closed());
        }
        sqlx::query("SELECT 1 FROM sqlite_schema LIMIT 1").execute(&self.readers).await.map(drop).map_err(from_sqlx)
    }

    /// There is nobody else: one process has the file.
    async fn tell(&self, _: Hint) {}

    fn hear(&self) -> Option<broadcast::Receiver<Hint>> {
        None
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
