//! Several statements as one command.
//!
//! Each command to SQLite costs sqlx a hop to the connection's thread and back, which takes longer than most of our
//! statements do. A script is any number of statements sent at once, and for each of them what must come of it. The
//! first that comes out otherwise ends the script with its refusal; what came before is undone with the transaction.

use futures::TryStreamExt;
use sqlx::{
    Arguments, AssertSqlSafe, Either, Encode, Executor, Sqlite, SqliteConnection, Type,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::error::from_sqlx;
use crate::store::StoreError;

/// What must come of a statement.
pub(super) enum Want {
    /// Anything.
    Any,
    /// So many rows are written; otherwise this error.
    Changes(usize, StoreError),
    /// A row is found; otherwise this error.
    Row(StoreError),
    /// No row is found; otherwise the error that is made of it.
    NoRow(fn(&SqliteRow) -> StoreError),
    /// Its rows are the script's result.
    Keep,
}

impl Want {
    /// Judges what came of a statement, and keeps its rows if they are wanted.
    fn judge(self, found: Vec<SqliteRow>, changes: u64) -> Result<Vec<SqliteRow>, StoreError> {
        match (self, found.first()) {
            (Self::Changes(count, error), _) if changes != count as u64 => Err(error),
            (Self::Row(error), None) => Err(error),
            (Self::NoRow(error), Some(row)) => Err(error(row)),
            (Self::Keep, _) => Ok(found),
            (Self::Any | Self::Changes(..) | Self::Row(_) | Self::NoRow(_), _) => Ok(Vec::new()),
        }
    }
}

/// A script that is being written.
#[derive(Default)]
pub(super) struct Script {
    sql: String,
    arguments: SqliteArguments,
    wants: Vec<Want>,
    unencodable: Option<StoreError>,
}

impl Script {
    /// Adds a statement. Its parameters are plain `?`, bound in order by the calls of [`Self::bind`] that follow.
    pub(super) fn statement(&mut self, sql: &'static str, want: Want) -> &mut Self {
        self.sql.push_str(sql);
        self.sql.push_str(";\n");
        self.wants.push(want);
        self
    }

    /// Binds the next parameter.
    pub(super) fn bind<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.unencodable.get_or_insert(StoreError::Corrupt(error.to_string()));
        }
        self
    }

    /// Runs it on a connection that is inside a transaction.
    ///
    /// # Errors
    /// The first refusal, or what the database says.
    pub(super) async fn run(self, connection: &mut SqliteConnection) -> Result<Vec<SqliteRow>, StoreError> {
        if let Some(error) = self.unencodable {
            return Err(error);
        }
        let mut wants = self.wants.into_iter();
        let mut kept = Vec::new();
        let mut rows = Vec::new();
        // The text is made of string literals of this crate only.
        let mut results = connection.fetch_many(sqlx::query_with(AssertSqlSafe(self.sql), self.arguments));
        while let Some(result) = results.try_next().await.map_err(from_sqlx)? {
            match result {
                Either::Right(row) => rows.push(row),
                Either::Left(done) => {
                    let found = std::mem::take(&mut rows);
                    let Some(want) = wants.next() else { continue };
                    kept.extend(want.judge(found, done.rows_affected())?);
                }
            }
        }
        // Every statement was judged, or the script did not run to its end.
        match wants.next() {
            Some(_) => Err(StoreError::Unavailable("some statements were not carried out".to_owned())),
            None => Ok(kept),
        }
    }
}
