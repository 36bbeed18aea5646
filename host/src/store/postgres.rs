//! PostgreSQL: any number of replicas on one database.
//!
//! # Layout
//!
//! - this file: opens the database and migrates its tables.
//! - `transaction`: begins, ends and retries a transaction.
//! - `connections`: the connection pool, and whether the database can be reached.
//! - `script`: runs a script, statement by statement.
//! - `dialect`: where its statements differ from SQLite's.
//! - `hints`: notifications between replicas.
//! - `error`: maps PostgreSQL's errors to the store's.
//!
//! The tables are in `migrations/postgres`.
//!
//! # Concurrency
//!
//! Transactions are READ COMMITTED. A decision rests on rows at a version, or on a fence, and the
//! transaction locks these by writing them or with `FOR NO KEY UPDATE`; nothing else that it read
//! counts. Every writer locks rows in the same order. Claims skip rows that others hold, and an
//! index keeps two operations of one buy from being leased at once. Leases are judged by the
//! database's clock.

use std::{sync::Arc, time::Duration};

use sqlx::{
    Connection, PgConnection,
    migrate::{MigrateError, Migrator},
    postgres::PgConnectOptions,
};
use tokio::{sync::broadcast, time::timeout};

pub(super) use self::error::from_sqlx;
use self::{
    connections::Connections,
    error::{is_locked, is_outdated, lost_connection},
    hints::Hints,
    transaction::{Failure, Patience, discard},
};
use super::{
    Hint, Store, StoreError,
    events::unformatted,
    sql::{Dialect, Work, database::Database, rows::Row, script::Statement},
    tables::{self, Applied},
};
use crate::domain::{event::PayloadFormat, keys::Keyring};

mod connections;
mod dialect;
mod error;
mod hints;
mod script;
mod transaction;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The number of prepared statements that a connection keeps, one for each text.
const STATEMENTS: usize = 300;

/// How many times longer the server waits than this host does before it ends a session that the
/// host can no longer end.
const SERVERS_PATIENCE: u32 = 2;

/// Options of the store. The defaults are right unless measurements say otherwise.
#[derive(Debug, Clone)]
pub struct Options {
    /// The number of this host's connections, not counting one more for hints.
    pub connections: u32,
    /// How long to wait for a connection, and then for a transaction, before giving up.
    pub patience: Duration,
    /// Whether leases are judged by the caller's clock. For tests, which have a clock of their own.
    pub callers_clock: bool,
    /// The keys that sign and encrypt the database's contents. The default is a key that only this
    /// process has.
    pub keys: Arc<Keyring>,
    /// The format of webhook payloads. The default is the event as it is stored.
    pub payload: PayloadFormat,
}

impl Default for Options {
    fn default() -> Self {
        let keys = Arc::new(Keyring::of_this_process());
        Self { connections: 16, patience: Duration::from_secs(10), callers_clock: false, keys, payload: unformatted }
    }
}

/// The connections to the database.
#[derive(Debug)]
pub(super) struct Postgres {
    connections: Arc<Connections>,
    dialect: &'static Dialect,
    hints: Option<Hints>,
}

/// Connects to the database at `url` (`postgres://user:password@host/database`) and migrates its
/// tables, however long that takes.
///
/// # Errors
/// [`StoreError::Unavailable`] if the database does not answer or its tables are from a newer
/// version.
pub async fn open(url: &str, options: Options) -> Result<Store, StoreError> {
    bring_up_to_date(url, options.patience).await?;
    let mut postgres = Postgres::new(url, &options)?;
    let hints = Hints::start(postgres.connections.pool.clone(), connect_options(url, Duration::ZERO)?);
    postgres.hints = Some(hints);
    Ok(Store::new(Database::Postgres(postgres), options.keys, options.payload))
}

/// Connects for a short time, alongside the replicas that serve. The tables are not migrated.
///
/// # Errors
/// [`StoreError::Unavailable`] if the database does not answer, or if its tables are not those of
/// this version.
pub async fn open_beside(url: &str, options: Options) -> Result<Store, StoreError> {
    let connect = connect_options(url, options.patience)?;
    let checked = timeout(options.patience * SERVERS_PATIENCE, async {
        let mut connection = PgConnection::connect_with(&connect).await.map_err(from_sqlx)?;
        let made = applied(&mut connection).await.map_err(from_sqlx)?;
        tables::check_current(&MIGRATIONS, &made)?;
        connection.close().await.map_err(from_sqlx)
    });
    checked.await.map_err(|_| late())??;
    Ok(Store::new(Database::Postgres(Postgres::new(url, &options)?), options.keys, options.payload))
}

/// Returns the options of each session: READ COMMITTED, durable when acknowledged, and ended by the
/// server soon after this host would have given it up, so that a host that stopped in the middle of
/// a transaction doesn't block the others.
pub(super) fn connect_options(url: &str, patience: Duration) -> Result<PgConnectOptions, StoreError> {
    let options: PgConnectOptions =
        url.parse().map_err(|error| StoreError::Unavailable(format!("its address can't be used: {error}")))?;
    let limit = (patience * SERVERS_PATIENCE).as_millis().to_string();
    // Tells an operator which process a session belongs to.
    let name = format!("flightdeck-{}", std::process::id());
    Ok(options.application_name(&name).statement_cache_capacity(STATEMENTS).options([
        ("default_transaction_isolation", "read committed"),
        ("synchronous_commit", "on"),
        ("statement_timeout", limit.as_str()),
        ("idle_in_transaction_session_timeout", limit.as_str()),
    ]))
}

/// Migrates the tables, however long that takes. Hosts that start together wait for each other on
/// sqlx's advisory lock. A host that waits for that lock, or for a table in use (by a dump, for
/// example), releases what it holds after `patience` and retries, because a statement waiting for a
/// table lock blocks everything queued behind it.
async fn bring_up_to_date(url: &str, patience: Duration) -> Result<(), StoreError> {
    let connect = connect_options(url, Duration::ZERO)?.options([("lock_timeout", &patience.as_millis().to_string())]);
    loop {
        // A single connection rather than a pool, so that the actual error is reported instead of a
        // pool timeout.
        let connected = timeout(patience * SERVERS_PATIENCE, PgConnection::connect_with(&connect)).await;
        let mut connection = connected.map_err(|_| late())?.map_err(from_sqlx)?;
        let migrated = MIGRATIONS.run_direct(None, &mut connection, false).await;
        match migrated {
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                if !is_locked(&error) {
                    return Err(from_sqlx(error));
                }
                tracing::info!(
                    "the tables are to be changed: waiting for a host that changes them, or for who uses them"
                );
            }
            Err(error) => {
                return Err(StoreError::Unavailable(format!(
                    "its tables are not those of this version: {error}; use the flightdeck that wrote them, or a newer one"
                )));
            }
            Ok(()) => return connection.close().await.map_err(from_sqlx),
        }
    }
}

/// Returns the migrations that were applied; none if the database has no migrations table.
async fn applied(connection: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    let listed = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let listed: bool = sqlx::query_scalar(listed).fetch_one(&mut *connection).await?;
    if listed { sqlx::query_as(tables::APPLIED).fetch_all(connection).await } else { Ok(Vec::new()) }
}

fn late() -> StoreError {
    StoreError::Unavailable("it did not answer in time".to_owned())
}

impl Postgres {
    fn new(url: &str, options: &Options) -> Result<Self, StoreError> {
        let connections = Arc::new(Connections::new(connect_options(url, options.patience)?, options));
        let dialect = if options.callers_clock { &dialect::WITH_CALLERS_CLOCK } else { &dialect::DIALECT };
        Ok(Self { connections, dialect, hints: None })
    }

    pub(super) fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    pub(super) async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        let connections = self.connections.clone();
        // Runs as a task of its own, so that a caller that goes away leaves no transaction open.
        let done = tokio::spawn(async move {
            let mut patience = Patience::new(&connections);
            loop {
                match Self::transact(&connections, &work).await {
                    Ok(done) => return Ok(done),
                    Err(failure) => patience.after(failure)?,
                }
            }
        });
        done.await.map_err(|error| StoreError::Unavailable(format!("a write did not end: {error}")))?
    }

    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let mut patience = Patience::new(&self.connections);
        loop {
            let mut connection = self.connections.acquire().await?;
            let failure = match timeout(self.connections.patience, script::read(&mut connection, &statement)).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) if lost_connection(&error) || is_outdated(&error) => Failure::Useless(from_sqlx(error)),
                Ok(Err(error)) => return Err(from_sqlx(error)),
                Err(_) => Failure::Final(late()),
            };
            self.connections.doubt();
            discard(connection);
            patience.after(failure)?;
        }
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.read(Statement::new("SELECT 1 AS one")).await.map(drop)
    }

    pub(super) fn send_hint(&self, hint: Hint) {
        if let Some(hints) = &self.hints {
            hints.send(hint);
        }
    }

    pub(super) fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
        self.hints.as_ref().map(Hints::subscribe)
    }

    pub(super) async fn close(&self) {
        if let Some(hints) = &self.hints {
            hints.stop();
        }
        self.connections.pool.close().await;
    }
}

#[cfg(test)]
mod tests {
    use flightdeck_test_support::postgres::database;
    use sqlx::{AssertSqlSafe, ConnectOptions};

    use super::*;

    /// The session's settings apply regardless of the server's own.
    #[tokio::test]
    async fn every_session_is_durable_and_limited() {
        let Some(url) = database().await else { return };
        let name = url.rsplit('/').next().unwrap();
        let mut careless = PgConnection::connect(&url).await.unwrap();
        for setting in ["synchronous_commit = off", "default_transaction_isolation = 'serializable'"] {
            let sql = format!("ALTER DATABASE {name} SET {setting}");
            sqlx::query(AssertSqlSafe(sql)).execute(&mut careless).await.unwrap();
        }
        let mut session = connect_options(&url, Duration::from_secs(10)).unwrap().connect().await.unwrap();
        for (setting, wanted) in [
            ("synchronous_commit", "on"),
            ("transaction_isolation", "read committed"),
            ("statement_timeout", "20s"),
            ("idle_in_transaction_session_timeout", "20s"),
        ] {
            let asked = AssertSqlSafe(format!("SHOW {setting}"));
            let set: String = sqlx::query_scalar(asked).fetch_one(&mut session).await.unwrap();
            assert_eq!(set, wanted, "{setting}");
        }
    }
}
