//! Moving a whole SQLite database to an empty PostgreSQL.
//!
//! What is copied is found in SQLite's own catalogue, table by table and column by column, and must
//! be there on the other side, so that a table that is added later moves with the others. Rows are
//! copied in batches and then compared, all of them. A move that was cut off anywhere is begun
//! again and goes on:
//!
//! | mark | in | means |
//! |---|---|---|
//! | [`MOVING`] | the file | it is being moved: no host serves from it |
//! | [`ARRIVING`] | PostgreSQL | what is there is not whole yet: no host serves from it |
//! | [`ARRIVED`] | PostgreSQL | it is whole; written together with the end of [`ARRIVING`] |
//! | [`MOVED`] | the file | it was moved: no host serves from it |
//!
//! All four name the moment at which the move was begun: by it a move knows its own. The file's
//! rows stay as they are, but for the mark.
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

/// For how long a move waits for one that was killed and whose session the server has not given up
/// yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keeps two moves to one database apart.
const TURN: &str = "SELECT pg_advisory_lock(7023466422)";

/// Why a database was not moved. Both sides stay as they are, and the move may be begun again.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// One of the databases can't be used.
    #[error("{0}: {1}")]
    Store(&'static str, #[source] StoreError),
    /// The target is not empty.
    #[error("the target has something in it already (table {0}): make a new, empty database, and move to that")]
    NotEmpty(String),
    /// The file was moved to somewhere before.
    #[error(
        "the database was moved already (at {0}), and is served from no more: to move it to another place, take that move back first \
         (`flightdeck move --back`)"
    )]
    Moved(Timestamp),
    /// The target has part of another move.
    #[error(
        "the target has part of another move, of a database that has changed since or of another one: make the target anew \
         (DROP DATABASE, CREATE DATABASE), and move again"
    )]
    AnotherMove,
    /// The two don't have the same tables.
    #[error("table {table} is not the same on both sides: {what}; move with the flightdeck that wrote the database")]
    Tables {
        /// Which.
        table: String,
        /// In which way.
        what: String,
    },
    /// What arrived is not what was sent.
    #[error(
        "table {table} has {sent} rows here and {arrived} there, or rows that are not the same: make the target anew (DROP \
         DATABASE, CREATE DATABASE), and move again"
    )]
    Different {
        /// Which.
        table: String,
        /// Rows here.
        sent: u64,
        /// Rows there.
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

/// An error of the source, of either kind.
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

/// A move that has begun: both databases are marked, and no host has the file.
#[derive(Debug)]
pub struct Move {
    source: SqliteConnection,
    target: PgConnection,
    tables: Vec<Table>,
    at: Timestamp,
    _lock: Lock,
}

/// How a move stands when it is begun.
#[derive(Debug)]
pub enum Begun {
    /// It is to be carried out.
    Now(Box<Move>),
    /// Everything was there already, and only the file did not know; it does now.
    WasThere,
}

impl Move {
    /// Begins a move of the file at `path` to the database at `url`, or goes on with one that was
    /// cut off.
    ///
    /// # Errors
    /// A host has the file, or its tables are not those of this version; the target is not empty,
    /// or has part of another move.
    pub async fn begin(path: &Path, url: &str, now: Timestamp) -> Result<Begun, MoveError> {
        let (mut source, lock) = open_source(path).await?;
        if let Some(at) = marked(&mut source, MOVED).await? {
            return Err(MoveError::Moved(at));
        }
        // Makes the tables.
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

    /// Copies and compares every table; `told` hears of each that is there, with its number of
    /// rows.
    ///
    /// # Errors
    /// What keeps it from being copied; [`MoveError::Different`].
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

    /// The moment by which this move is known.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Marks the file as moved. To be called once the target is marked as whole.
    ///
    /// # Errors
    /// The file can't be written. The move may be begun again then, and ends here.
    pub async fn end(mut self) -> Result<(), MoveError> {
        fault::point("move.arrived");
        mark_moved(&mut self.source, self.at).await?;
        self.target.close().await.map_err(of_target)?;
        self.source.close().await.map_err(of_source)
    }
}

/// Takes a move back: hosts may serve from the file again. Whether it had been moved to its end.
///
/// # Errors
/// A host has the file, or it can't be written.
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

/// A session without limits, for statements that read a whole table, and the turn to move.
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
