//! SQLite: no set-up, one process, every write on disk before it is acknowledged.
//!
//! # Layout
//!
//! - `lock`: one process per file.
//! - `files`: who may read the database's files.
//! - `writer`: the one connection that writes, and how waiting writes share a commit. A small pool
//!   of read-only connections serves reads.
//! - `copies`: backup and restore.
//! - `script`: runs a script as one command.
//! - `dialect`: where its statements differ from PostgreSQL's.
//! - `error`: maps SQLite's errors to the store's.
//!
//! The tables are in `migrations/sqlite`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use self::copies::{back_up, restore};
use self::writer::Writer;
pub(super) use self::{error::from_sqlx, lock::Lock};
use super::{
    Store, StoreError,
    events::unformatted,
    sql::{Dialect, Work, database::Database, rows::Row, script::Statement},
    tables::{self, Applied},
};
use crate::domain::{event::PayloadFormat, keys::Keyring};

mod copies;
mod dialect;
mod error;
mod files;
mod lock;
mod script;
mod writer;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The size in bytes to which the write-ahead log is truncated once its contents are in the
/// database. Without this limit the file would keep the size of the largest burst of writes.
const LOG_BYTES: &str = "67108864";

/// The number of prepared statements that a connection keeps. A recording's statements are a single
/// text, so there are as many texts as kinds of decisions: some dozens.
const STATEMENTS: usize = 200;

/// Options of the store. The defaults are right unless measurements say otherwise.
#[derive(Debug, Clone)]
pub struct Options {
    /// The number of connections for reading. Each takes a thread, so more than there are cores
    /// don't help.
    pub readers: u32,
    /// How long to wait for a reader, or for a lock held by somebody else (a backup, a person with
    /// a shell), before giving up.
    pub patience: Duration,
    /// The keys that sign and encrypt the database's contents. The default is a key that only this
    /// process has.
    pub keys: Arc<Keyring>,
    /// The format of webhook payloads. The default is the event as it is stored.
    pub payload: PayloadFormat,
}

impl Default for Options {
    fn default() -> Self {
        let keys = Arc::new(Keyring::of_this_process());
        Self { readers: 4, patience: Duration::from_secs(5), keys, payload: unformatted }
    }
}

/// The connections to a file. The file stays locked until the last write has ended.
#[derive(Debug)]
pub(super) struct Sqlite {
    writer: Writer,
    readers: SqlitePool,
}

/// Opens the database at `path`, creating it if it does not exist, and migrates its tables.
///
/// # Errors
/// [`StoreError::Unavailable`] if another process has the file open, if it can't be used, or if its
/// tables are from a newer version.
pub async fn open(path: impl AsRef<Path>, options: Options) -> Result<Store, StoreError> {
    let path = path.as_ref().to_owned();
    let lock = take_lock(path.clone()).await?;
    // SQLite itself would create a file that everybody can read.
    files::open_private(&path)
        .map_err(|error| named(&path, StoreError::Unavailable(format!("can't be opened: {error}"))))?;
    connect(path, options, Some(lock)).await
}

/// Opens an existing database for a short time, even while a host serves from it; SQLite itself
/// keeps two writers apart. The tables are not migrated. Nothing may be claimed through this store.
///
/// # Errors
/// [`StoreError::Unavailable`] if there is no database, if it can't be used, or if its tables are
/// not those of this version.
pub async fn open_beside(path: impl AsRef<Path>, options: Options) -> Result<Store, StoreError> {
    let path = path.as_ref().to_owned();
    check_tables(&path).await.map_err(|error| named(&path, error))?;
    start(path, options, None).await
}

/// Like [`open_beside`], but fails while a host has the database open, and keeps hosts from
/// starting on it.
///
/// # Errors
/// As [`open_beside`], and when another process has the file open.
pub async fn open_alone(path: impl AsRef<Path>, options: Options) -> Result<Store, StoreError> {
    let path = path.as_ref().to_owned();
    check_tables(&path).await.map_err(|error| named(&path, error))?;
    let lock = take_lock(path.clone()).await?;
    start(path, options, Some(lock)).await
}

/// Opens an existing file and migrates its tables.
async fn connect(path: PathBuf, options: Options, lock: Option<Lock>) -> Result<Store, StoreError> {
    let migrated = async {
        let mut connection = writing(&path, &options).connect().await.map_err(from_sqlx)?;
        migrate(&mut connection).await?;
        connection.close().await.map_err(from_sqlx)
    };
    migrated.await.map_err(|error| named(&path, error))?;
    start(path, options, lock).await
}

async fn start(path: PathBuf, options: Options, lock: Option<Lock>) -> Result<Store, StoreError> {
    let writing = writing(&path, &options);
    let connection = writing.connect().await.map_err(|error| named(&path, from_sqlx(error)))?;
    let reading = SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .busy_timeout(options.patience)
        .statement_cache_capacity(STATEMENTS);
    let readers = SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(options.patience)
        // A local file does not drop connections, and a check before each use would double the
        // price of a read.
        .test_before_acquire(false)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_with(reading)
        .await
        .map_err(|error| named(&path, from_sqlx(error)))?;
    let writer = Writer::start(connection, writing, lock);
    Ok(Store::new(Database::Sqlite(Sqlite { writer, readers }), options.keys, options.payload))
}

/// Returns the options with which the writer opens the file, which must exist.
fn writing(path: &Path, options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(options.patience)
        .pragma("journal_size_limit", LOG_BYTES)
        // Replaced content is overwritten with zeros where its page is written anyway, so that a
        // secret does not outlive its row there.
        .pragma("secure_delete", "FAST")
        .statement_cache_capacity(STATEMENTS)
}

/// Fails unless the database exists and its tables are those of this version.
async fn check_tables(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Err(copies::no_database());
    }
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.map_err(from_sqlx)?;
    let made = applied(&mut connection).await.map_err(from_sqlx)?;
    connection.close().await.map_err(from_sqlx)?;
    tables::check_current(&MIGRATIONS, &made)
}

/// Returns the migrations that were applied; none if the database has no migrations table.
async fn applied(connection: &mut SqliteConnection) -> Result<Vec<Applied>, sqlx::Error> {
    let listed = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'";
    let listed: i64 = sqlx::query_scalar(listed).fetch_one(&mut *connection).await?;
    if listed == 0 { Ok(Vec::new()) } else { sqlx::query_as(tables::APPLIED).fetch_all(connection).await }
}

/// Locks an existing database, so that no host has it open or can start on it. Its tables must be
/// those of this version.
///
/// # Errors
/// As [`open_alone`].
pub(super) async fn alone(path: &Path) -> Result<Lock, StoreError> {
    check_tables(path).await.map_err(|error| named(path, error))?;
    take_lock(path.to_owned()).await
}

async fn take_lock(path: PathBuf) -> Result<Lock, StoreError> {
    tokio::task::spawn_blocking(move || Lock::take(&path))
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?
}

/// Adds the file's path to an error, which is shown to the person who starts the host.
fn named(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(reason) => StoreError::Unavailable(format!("{}: {reason}", path.display())),
        StoreError::Corrupt(reason) => StoreError::Corrupt(format!("{}: {reason}", path.display())),
        other => other,
    }
}

/// Applies all migrations or none, under SQLite's write lock.
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

impl Sqlite {
    pub(super) fn dialect(&self) -> &'static Dialect {
        &dialect::DIALECT
    }

    pub(super) async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        self.writer.write(move |connection| Box::pin(async move { work(connection).await })).await
    }

    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        script::read(&self.readers, statement).await
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        if !self.writer.is_open() {
            return Err(error::closed());
        }
        sqlx::query("SELECT 1 FROM sqlite_schema LIMIT 1").execute(&self.readers).await.map(drop).map_err(from_sqlx)
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
