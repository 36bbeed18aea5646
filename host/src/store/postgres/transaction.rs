//! One transaction from begin to commit, and its retries.

use std::time::Duration;

use sqlx::{PgConnection, Postgres as Sqlx, pool::PoolConnection};
use tokio::time::timeout;

use super::{
    Postgres,
    connections::Connections,
    error::{from_sqlx, lost_connection},
    late, script,
};
use crate::store::{StoreError, sql::Work};

/// The number of retries of a transaction that lost against another one.
const TRIES: u32 = 5;

/// How long the server may take to begin a transaction before the connection is considered dead.
/// Beginning requires no work of the server.
const BEGINNING: Duration = Duration::from_secs(2);

/// Why a transaction failed.
pub(super) enum Failure {
    /// The transaction lost against another one and is to be retried.
    Conflict(StoreError),
    /// The connection was dead and nothing was done over it. The next connection may work.
    Useless(StoreError),
    /// Like `Useless`, but finding out took the whole time limit.
    Silent(StoreError),
    Final(StoreError),
}

/// The retries that are left.
pub(super) struct Patience {
    tries: u32,
    /// The number of connections that may turn out dead: the whole pool, and one more that it
    /// opened meanwhile.
    connections: u32,
    silences: u32,
}

impl Patience {
    pub(super) fn new(connections: &Connections) -> Self {
        Self { tries: TRIES, connections: connections.pool.options().get_max_connections() + 1, silences: 1 }
    }

    /// Fails unless the transaction is to be retried after this failure.
    pub(super) fn after(&mut self, failure: Failure) -> Result<(), StoreError> {
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
    /// Runs one attempt of a transaction on a connection of its own.
    pub(super) async fn transact<T: Send + 'static>(connections: &Connections, work: &Work<T>) -> Result<T, Failure> {
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
        let mut open = script::OpenTransaction::new(connection);
        let outcome = work(&mut open).await;
        let (conflict, outdated) = (open.conflict, open.outdated);
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
            // The statements prepared on the connection are outdated, and so is the connection.
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

/// How far a transaction got.
enum Progress {
    Beginning,
    Working,
    Committing,
    /// The connection can be reused.
    Ended,
}

fn unsure(reason: &str) -> StoreError {
    StoreError::Unsure(reason.to_owned())
}

/// Closes a connection in an unknown state without notifying the server.
pub(super) fn discard(connection: PoolConnection<Sqlx>) {
    drop(connection.detach());
}
