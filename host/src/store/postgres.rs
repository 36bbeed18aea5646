//! PostgreSQL: any number of hosts over one database.
//!
//! # Layout
//!
//! - here: how a transaction is begun, ended and tried again.
//! - `connections`: connections, and whether there can be any.
//! - `script`: a script, statement by statement.
//! - `dialect`: where its statements differ from SQLite's.
//! - `hints`: what hosts tell each other.
//! - `error`: what its errors mean to a caller.
//!
//! The tables are in `migrations/postgres`.
//!
//! # What it relies on
//!
//! Transactions are READ COMMITTED. What a decision rests on is a row at a version or a fence, which the transaction locks by
//! writing or by `FOR NO KEY UPDATE`; nothing else that it read counts. Rows are locked in one order by everybody. Claims skip what
//! others hold, and an index keeps two operations of one buy from being leased at once. Leases are judged by the database's clock.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{
    Connection, PgConnection, Postgres as Sqlx,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    postgres::PgConnectOptions,
};
use tokio::{sync::broadcast, time::timeout};

pub(super) use self::error::from_sqlx;
use self::{
    connections::Connections,
    error::{is_locked, is_outdated, lost_connection},
    hints::Hints,
};
use super::{
    Hint, StoreError,
    sql::{Database, Dialect, SqlStore, Work, rows::Row, script::Statement},
    tables::{self, Applied},
};
use crate::domain::keys::Keyring;

mod connections;
mod dialect;
mod error;
mod hints;
mod script;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How many prepared statements a connection keeps: each text of a statement is one.
const STATEMENTS: usize = 300;

/// How often a transaction is done again that lost against another one.
const TRIES: u32 = 5;

/// How long the server may take to begin a transaction, for which it does nothing, before the connection is taken for one that leads
/// nowhere any more.
const BEGINNING: Duration = Duration::from_secs(2);

/// How much longer the server waits than this host: it gives a session up that the host can no longer end.
const SERVERS_PATIENCE: u32 = 2;

/// How the store works; the defaults are right unless measured otherwise.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections of this host, one more for hints not counted.
    pub connections: u32,
    /// How long a connection, and then a transaction, may take before it is given up.
    pub patience: Duration,
    /// Whether leases are judged by the caller's clock. For tests, which have a time of their own.
    pub callers_clock: bool,
    /// The keys of what lies in it; by default one that only this process has.
    pub keys: Arc<Keyring>,
}

impl Default for Options {
    fn default() -> Self {
        let keys = Arc::new(Keyring::of_this_process());
        Self { connections: 16, patience: Duration::from_secs(10), callers_clock: false, keys }
    }
}

/// A store in a PostgreSQL database.
///
/// If a caller's future is dropped while its write waits or runs, the write may still happen, or not: who must know reads.
pub type PostgresStore = SqlStore<Postgres>;

/// The connections to the database.
#[derive(Debug)]
pub struct Postgres {
    connections: Arc<Connections>,
    dialect: &'static Dialect,
    hints: Option<Hints>,
}

impl SqlStore<Postgres> {
    /// Connects to the database at `url` (`postgres://user:password@host/database`) and brings its tables up to date, for as long as
    /// that takes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not answer or its tables are those of a newer version.
    pub async fn open(url: &str, options: Options) -> Result<Self, StoreError> {
        bring_up_to_date(url, options.patience).await?;
        let mut store = Self::start(url, &options)?;
        store.database.hints =
            Some(Hints::start(store.database.connections.pool.clone(), connect_options(url, Duration::ZERO)?));
        Ok(store)
    }

    /// Connects for a moment, beside the hosts that serve. The tables stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not answer, or if its tables are not those of this version.
    pub async fn open_beside(url: &str, options: Options) -> Result<Self, StoreError> {
        let connect = connect_options(url, options.patience)?;
        let checked = timeout(options.patience * SERVERS_PATIENCE, async {
            let mut connection = PgConnection::connect_with(&connect).await.map_err(from_sqlx)?;
            let made = applied(&mut connection).await.map_err(from_sqlx)?;
            tables::check_current(&MIGRATIONS, &made)?;
            connection.close().await.map_err(from_sqlx)
        });
        checked.await.map_err(|_| late())??;
        Self::start(url, &options)
    }

    fn start(url: &str, options: &Options) -> Result<Self, StoreError> {
        let connections = Arc::new(Connections::new(connect_options(url, options.patience)?, options));
        let dialect = if options.callers_clock { &dialect::WITH_CALLERS_CLOCK } else { &dialect::DIALECT };
        Ok(Self { database: Postgres { connections, dialect, hints: None }, keys: options.keys.clone() })
    }
}

/// What each session is: READ COMMITTED, durable when acknowledged, and given up by the server soon after this host would have
/// given it up, so that a host that stopped in the middle of a transaction holds nobody else up.
pub(super) fn connect_options(url: &str, patience: Duration) -> Result<PgConnectOptions, StoreError> {
    let options: PgConnectOptions =
        url.parse().map_err(|error| StoreError::Unavailable(format!("its address can't be used: {error}")))?;
    let limit = (patience * SERVERS_PATIENCE).as_millis().to_string();
    // By it an operator sees which process a session is of.
    let name = format!("flightdeck-{}", std::process::id());
    Ok(options.application_name(&name).statement_cache_capacity(STATEMENTS).options([
        ("default_transaction_isolation", "read committed"),
        ("synchronous_commit", "on"),
        ("statement_timeout", limit.as_str()),
        ("idle_in_transaction_session_timeout", limit.as_str()),
    ]))
}

/// Brings the tables up to date, for as long as that takes. Hosts that start together wait for each other: sqlx takes an advisory
/// lock. Who waits for it, or for a table that somebody uses (a dump), gives up what it has after `patience` and tries again: whatever
/// waits for a table holds up everybody behind it.
async fn bring_up_to_date(url: &str, patience: Duration) -> Result<(), StoreError> {
    let connect = connect_options(url, Duration::ZERO)?.options([("lock_timeout", &patience.as_millis().to_string())]);
    loop {
        // One connection by itself: what is wrong is told as it is, and not as a pool that timed out.
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

/// The migrations that made the tables; none if it has none of ours.
async fn applied(connection: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    let listed = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let listed: bool = sqlx::query_scalar(listed).fetch_one(&mut *connection).await?;
    if listed { sqlx::query_as(tables::APPLIED).fetch_all(connection).await } else { Ok(Vec::new()) }
}

fn late() -> StoreError {
    StoreError::Unavailable("it did not answer in time".to_owned())
}

/// Why a transaction was not done.
enum Failure {
    /// It lost against another one, and is to be done again.
    Conflict(StoreError),
    /// Its connection was of no use any more, and nothing was done over it: the next one may be.
    Useless(StoreError),
    /// As `Useless`, but that took its time to find out.
    Silent(StoreError),
    Final(StoreError),
}

/// How often something is tried again.
struct Patience {
    tries: u32,
    /// As many connections as may be of no use: all of the pool, and one more that it made meanwhile.
    connections: u32,
    silences: u32,
}

impl Patience {
    fn new(connections: &Connections) -> Self {
        Self { tries: TRIES, connections: connections.pool.options().get_max_connections() + 1, silences: 1 }
    }

    /// Fails unless it is to be tried again.
    fn after(&mut self, failure: Failure) -> Result<(), StoreError> {
        let (left, error) = match failure {
            Failure::Conflict(error) => (&mut self.tries, error),
            Failure::Useless(error) => (&mut self.connections, error),
            Failure::Silent(error) => (&mut self.silences, error),
            Failure::Final(error) => return Err(error),
        };
        *left = left.checked_sub(1).ok_or(error)?;
        Ok(())
    }
}

impl Postgres {
    /// A transaction, from its beginning to its end, on a connection of its own.
    async fn transact<T: Send + 'static>(connections: &Connections, work: &Work<T>) -> Result<T, Failure> {
        let mut connection = connections.acquire().await.map_err(Failure::Final)?;
        let mut progress = Progress::Beginning;
        let beginning = BEGINNING.min(connections.patience / 2);
        let steps = Self::steps(&mut connection, work, beginning, &mut progress);
        let done = timeout(connections.patience, steps).await;
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(failure)) => {
                if !matches!(progress, Progress::Ended) {
                    connections.doubt();
                    discard(connection);
                }
                Err(failure)
            }
            Err(_) => {
                connections.doubt();
                discard(connection);
                Err(Failure::Final(match progress {
                    Progress::Committing => unsure("it did not answer in time"),
                    _ => late(),
                }))
            }
        }
    }

    async fn steps<T: Send + 'static>(
        connection: &mut PgConnection,
        work: &Work<T>,
        beginning: Duration,
        progress: &mut Progress,
    ) -> Result<T, Failure> {
        match timeout(beginning, sqlx::raw_sql("BEGIN").execute(&mut *connection)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if lost_connection(&error) => return Err(Failure::Useless(from_sqlx(error))),
            Ok(Err(error)) => return Err(Failure::Final(from_sqlx(error))),
            Err(_) => return Err(Failure::Silent(late())),
        }
        *progress = Progress::Working;
        let mut inside = script::Inside::new(connection);
        let outcome = work(&mut inside).await;
        let (conflict, outdated) = (inside.conflict, inside.outdated);
        match outcome {
            Ok(done) => {
                *progress = Progress::Committing;
                match sqlx::raw_sql("COMMIT").execute(connection).await {
                    Ok(_) => {
                        *progress = Progress::Ended;
                        Ok(done)
                    }
                    Err(error) if lost_connection(&error) => Err(Failure::Final(unsure(&error.to_string()))),
                    Err(error) => Err(Failure::Final(from_sqlx(error))),
                }
            }
            // What it has prepared is of no use any more, and so is the connection.
            Err(error) if outdated => Err(Failure::Useless(error)),
            Err(error) => {
                if sqlx::raw_sql("ROLLBACK").execute(connection).await.is_ok() {
                    *progress = Progress::Ended;
                }
                Err(if conflict { Failure::Conflict(error) } else { Failure::Final(error) })
            }
        }
    }
}

/// How far a transaction came.
enum Progress {
    Beginning,
    Working,
    Committing,
    /// The connection can be used again.
    Ended,
}

fn unsure(reason: &str) -> StoreError {
    StoreError::Unsure(reason.to_owned())
}

/// Closes a connection of which nothing certain is known, without a word to the server.
fn discard(connection: PoolConnection<Sqlx>) {
    drop(connection.detach());
}

#[async_trait]
impl Database for Postgres {
    fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        let connections = self.connections.clone();
        // A task of its own, so that a caller who goes away leaves no transaction open.
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

    async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
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

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(Statement::new("SELECT 1 AS one")).await.map(drop)
    }

    async fn tell(&self, hint: Hint) {
        if let Some(hints) = &self.hints {
            hints.tell(hint);
        }
    }

    fn hear(&self) -> Option<broadcast::Receiver<Hint>> {
        self.hints.as_ref().map(Hints::hear)
    }

    async fn close(&self) {
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

    /// Whatever the server's own settings are.
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
