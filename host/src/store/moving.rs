//! Moves a whole SQLite database to an empty PostgreSQL database.
//!
//! The tables and columns to copy come from SQLite's own catalogue, so that a table added later
//! moves with the others. Each must exist in PostgreSQL too. Rows are copied in batches, and
//! afterwards all of them are compared. An interrupted move is resumed by starting it again:
//!
//! | mark | in | means |
//! |---|---|---|
//! | [`MOVING`] | the file | the file is being moved: no host serves from it |
//! | [`ARRIVING`] | PostgreSQL | the database is not complete yet: no host serves from it |
//! | [`ARRIVED`] | PostgreSQL | the database is complete; written together with the removal of [`ARRIVING`] |
//! | [`MOVED`] | the file | the file was moved: no host serves from it |
//!
//! All four marks carry the moment at which the move was started, by which a move recognizes its
//! own marks. Apart from the mark, the rows of the file stay as they are.
//!
//! - `tables`: which tables there are, and in which order they are written.
//! - `copying`: batches of rows, from one side to the other.
//! - `comparing`: digests of all rows of a table.

use std::{path::Path, time::Duration};

use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use self::tables::Table;
use super::{
    StoreError,
    marks::{ARRIVED, ARRIVING, MOVED, MOVING},
    postgres,
    sqlite::{self, Lock},
};
use crate::{domain::time::Timestamp, fault};

mod comparing;
mod copying;
mod tables;

/// How long a move waits for a killed one whose session the server has not ended yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes the lock that keeps two moves to one database apart.
const TURN: &str = "SELECT pg_advisory_lock(7023466422)";

/// Why a database was not moved. Both sides stay as they are, and the move may be started again.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// One of the databases can't be used.
    #[error("{0}: {1}")]
    Store(&'static str, #[source] StoreError),
    /// The target is not empty.
    #[error("the target has something in it already (table {0}): make a new, empty database, and move to that")]
    NotEmpty(String),
    /// The file was moved to another database before.
    #[error(
        "the database was moved already (at {0}), and is served from no more: to move it to another place, take that move back first \
         (`flightdeck move --back`)"
    )]
    Moved(Timestamp),
    /// The target holds part of another move.
    #[error(
        "the target has part of another move, of a database that has changed since or of another one: make the target anew \
         (DROP DATABASE, CREATE DATABASE), and move again"
    )]
    AnotherMove,
    /// The two databases don't have the same tables.
    #[error("table {table} is not the same on both sides: {what}; move with the flightdeck that wrote the database")]
    Tables {
        /// The name of the table.
        table: String,
        /// The difference, in words.
        what: String,
    },
    /// A table's rows in the target differ from those in the source.
    #[error(
        "table {table} has {sent} rows here and {arrived} there, or rows that are not the same: make the target anew (DROP \
         DATABASE, CREATE DATABASE), and move again"
    )]
    Different {
        /// The name of the table.
        table: String,
        /// The number of rows in the source.
        sent: u64,
        /// The number of rows in the target.
        arrived: u64,
    },
}

const SOURCE: &str = "the SQLite database";
const TARGET: &str = "the PostgreSQL database";

fn of_source(error: impl Into<SourceError>) -> MoveError {
    MoveError::Store(SOURCE, error.into().0)
}

fn of_target(error: sqlx::Error) -> MoveError {
    MoveError::Store(TARGET, postgres::from_sqlx(error))
}

/// An error of the source, from the store or from sqlx.
struct SourceError(StoreError);

impl From<StoreError> for SourceError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<sqlx::Error> for SourceError {
    fn from(error: sqlx::Error) -> Self {
        Self(sqlite::from_sqlx(error))
    }
}

/// A move in progress: both databases are marked, and no host has the file open.
#[derive(Debug)]
pub struct Move {
    source: SqliteConnection,
    target: PgConnection,
    tables: Vec<Table>,
    at: Timestamp,
    _lock: Lock,
}

/// The state of a move when it is started.
#[derive(Debug)]
pub enum Begun {
    /// The move has to be carried out.
    Now(Box<Move>),
    /// Everything had already been copied, and only the file's mark was missing. It has been set
    /// now.
    WasThere,
}

impl Move {
    /// Starts a move of the file at `path` to the database at `url`, or resumes an interrupted one.
    ///
    /// # Errors
    /// When a host has the file open or its tables are not those of this version, and when the
    /// target is not empty or holds part of another move.
    pub async fn begin(path: &Path, url: &str, now: Timestamp) -> Result<Begun, MoveError> {
        let (mut source, lock) = open_source(path).await?;
        if let Some(at) = marked(&mut source, MOVED).await? {
            return Err(MoveError::Moved(at));
        }
        // Creates the tables.
        let made = postgres::open(url, postgres::Options::default()).await;
        let made = made.map_err(|error| MoveError::Store(TARGET, error))?;
        made.close().await;
        let mut target = open_target(url).await?;
        let tables = tables::of(&mut source, &mut target).await?;
        let at = marked(&mut source, MOVING).await?;
        let (arriving, arrived) = (arrival(&mut target, ARRIVING).await?, arrival(&mut target, ARRIVED).await?);
        if let (Some(at), Some(arrived)) = (at, arrived)
            && at == arrived
        {
            mark_moved(&mut source, at).await?;
            return Ok(Begun::WasThere);
        }
        if let Some(arriving) = arriving
            && at != Some(arriving)
        {
            return Err(MoveError::AnotherMove);
        }
        if arriving.is_none() {
            tables::check_empty(&mut target, &tables).await?;
        }
        let at = match at {
            Some(at) => at,
            None => mark_moving(&mut source, now).await?,
        };
        fault::point("move.marked");
        let mark = "INSERT INTO marks (name, at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        sqlx::query(mark).bind(ARRIVING).bind(at.as_micros()).execute(&mut target).await.map_err(of_target)?;
        Ok(Begun::Now(Box::new(Self { source, target, tables, at, _lock: lock })))
    }

    /// Copies and compares every table. Calls `told` with each finished table's name and number of
    /// rows.
    ///
    /// # Errors
    /// When a table can't be copied, or [`MoveError::Different`] if its rows differ afterwards.
    pub async fn carry(&mut self, mut told: impl FnMut(&str, u64)) -> Result<(), MoveError> {
        for table in &self.tables {
            copying::copy(&mut self.source, &mut self.target, table).await?;
            fault::point("move.table");
        }
        for table in &self.tables {
            let rows = comparing::compare(&mut self.source, &mut self.target, table).await?;
            told(&table.name, rows);
        }
        for table in &self.tables {
            copying::set_sequence(&mut self.target, table).await?;
        }
        fault::point("move.compared");
        Ok(())
    }

    /// Returns the moment by which the marks of this move are recognized.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Marks the file as moved. Call it once the target is marked as complete.
    ///
    /// # Errors
    /// When the file can't be written. If the move is then started again, it ends here.
    pub async fn end(mut self) -> Result<(), MoveError> {
        fault::point("move.arrived");
        mark_moved(&mut self.source, self.at).await?;
        self.target.close().await.map_err(of_target)?;
        self.source.close().await.map_err(of_source)
    }
}

/// Undoes a move, so that hosts may serve from the file again. Returns whether the move had been
/// completed.
///
/// # Errors
/// When a host has the file open or it can't be written.
pub async fn take_back(path: &Path) -> Result<bool, MoveError> {
    let (mut source, _lock) = open_source(path).await?;
    let ended = marked(&mut source, MOVED).await?.is_some();
    let back = "DELETE FROM marks WHERE name IN (?, ?)";
    sqlx::query(back).bind(MOVING).bind(MOVED).execute(&mut source).await.map_err(of_source)?;
    source.close().await.map_err(of_source)?;
    Ok(ended)
}

async fn open_source(path: &Path) -> Result<(SqliteConnection, Lock), MoveError> {
    let lock = sqlite::alone(path).await.map_err(of_source)?;
    let options = SqliteConnectOptions::new().filename(path);
    let source = options.connect().await.map_err(of_source)?;
    Ok((source, lock))
}

/// Opens a session without time limits, for statements that read a whole table, and takes the lock
/// that keeps two moves apart.
async fn open_target(url: &str) -> Result<PgConnection, MoveError> {
    let of_store = |error| MoveError::Store(TARGET, error);
    let options = postgres::connect_options(url, Duration::ZERO).map_err(of_store)?;
    let options = options.options([("lock_timeout", &PATIENCE.as_millis().to_string())]);
    let mut target = PgConnection::connect_with(&options).await.map_err(of_target)?;
    sqlx::query(TURN).execute(&mut target).await.map_err(of_target)?;
    Ok(target)
}

async fn marked(source: &mut SqliteConnection, name: &str) -> Result<Option<Timestamp>, MoveError> {
    let asked = sqlx::query_scalar("SELECT at FROM marks WHERE name = ?").bind(name);
    let at: Option<i64> = asked.fetch_optional(source).await.map_err(of_source)?;
    Ok(at.map(Timestamp::from_micros))
}

async fn arrival(target: &mut PgConnection, name: &str) -> Result<Option<Timestamp>, MoveError> {
    let asked = sqlx::query_scalar("SELECT at FROM marks WHERE name = $1").bind(name);
    let at: Option<i64> = asked.fetch_optional(target).await.map_err(of_target)?;
    Ok(at.map(Timestamp::from_micros))
}

async fn mark_moving(source: &mut SqliteConnection, at: Timestamp) -> Result<Timestamp, MoveError> {
    let mark = "INSERT INTO marks (name, at) VALUES (?, ?)";
    sqlx::query(mark).bind(MOVING).bind(at.as_micros()).execute(source).await.map_err(of_source)?;
    Ok(at)
}

async fn mark_moved(source: &mut SqliteConnection, at: Timestamp) -> Result<(), MoveError> {
    let mark = "UPDATE marks SET name = ? WHERE name = ? AND at = ?";
    let marked = sqlx::query(mark).bind(MOVED).bind(MOVING).bind(at.as_micros());
    marked.execute(source).await.map(drop).map_err(of_source)
}
