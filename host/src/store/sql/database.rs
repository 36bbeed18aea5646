//! The two databases behind one type.

use tokio::sync::broadcast;

use super::{Dialect, Work, rows::Row, script::Statement};
use crate::store::{Hint, StoreError, postgres::Postgres, sqlite::Sqlite};

/// A database of either kind.
#[derive(Debug)]
pub(in crate::store) enum Database {
    /// A file that one process has open.
    Sqlite(Sqlite),
    /// A server shared by any number of replicas.
    Postgres(Postgres),
}

impl Database {
    /// Returns the SQL dialect of the database.
    pub(in crate::store) fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Sqlite(sqlite) => sqlite.dialect(),
            Self::Postgres(postgres) => postgres.dialect(),
        }
    }

    /// Runs `work` in a transaction. The transaction is committed once this returns `Ok`, and
    /// rolled back if `work` fails.
    ///
    /// # Errors
    /// Those of `work` and the database.
    pub(in crate::store) async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work).await,
            Self::Postgres(postgres) => postgres.write(work).await,
        }
    }

    /// Runs a read-only statement and returns its rows.
    ///
    /// # Errors
    /// When the database can't be read.
    pub(in crate::store) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(statement).await,
            Self::Postgres(postgres) => postgres.read(statement).await,
        }
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::store) async fn ping(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.ping().await,
            Self::Postgres(postgres) => postgres.ping().await,
        }
    }

    /// Sends a hint to the other replicas. SQLite has none, because one process has the file.
    pub(in crate::store) fn send_hint(&self, hint: Hint) {
        if let Self::Postgres(postgres) = self {
            postgres.send_hint(hint);
        }
    }

    /// Returns the hints of other replicas, or `None` if the database can't have other replicas.
    pub(in crate::store) fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(postgres) => postgres.hints(),
        }
    }

    /// Finishes the writes in flight and closes the database.
    pub(in crate::store) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}
