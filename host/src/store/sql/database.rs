//! The two databases behind one type.

use tokio::sync::broadcast;

use super::{Dialect, Work, rows::Row, script::Statement};
use crate::store::{Hint, StoreError, postgres::Postgres, sqlite::Sqlite};

/// A database of either kind.
#[derive(Debug)]
pub(in crate::store) enum Database {
    /// One file, one process.
    Sqlite(Sqlite),
    /// A server, for any number of replicas.
    Postgres(Postgres),
}

impl Database {
    /// Returns where its statements differ.
    pub(in crate::store) fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Sqlite(sqlite) => sqlite.dialect(),
            Self::Postgres(postgres) => postgres.dialect(),
        }
    }

    /// Runs `work` in a transaction. It is committed when this returns `Ok`, and rolled back if
    /// `work` fails.
    ///
    /// # Errors
    /// Those of `work` and the database.
    pub(in crate::store) async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work).await,
            Self::Postgres(postgres) => postgres.write(work).await,
        }
    }

    /// Returns the rows of a statement that only reads.
    ///
    /// # Errors
    /// The database's.
    pub(in crate::store) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(statement).await,
            Self::Postgres(postgres) => postgres.read(statement).await,
        }
    }

    /// Checks that it answers.
    ///
    /// # Errors
    /// It does not.
    pub(in crate::store) async fn ping(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.ping().await,
            Self::Postgres(postgres) => postgres.ping().await,
        }
    }

    /// Sends a hint to the other replicas. With SQLite there are none: one process has the file.
    pub(in crate::store) fn send_hint(&self, hint: Hint) {
        if let Self::Postgres(postgres) = self {
            postgres.send_hint(hint);
        }
    }

    /// Returns the hints of other replicas; `None` where there can't be any.
    pub(in crate::store) fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(postgres) => postgres.hints(),
        }
    }

    /// Finishes what is being written and closes it.
    pub(in crate::store) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}
