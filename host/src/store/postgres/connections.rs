//! The connection pool, and whether the database can be reached at all.
//!
//! The pool assumes that a server refusing connections is about to start: it waits for its whole
//! time limit and then reports that no connection became free. So as soon as there is doubt, one
//! caller tries a separate connection, and all callers get its result at once.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::future::join_all;
use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres as Sqlx,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{
    Options,
    error::{from_sqlx, is_away},
};
use crate::store::StoreError;

/// How long to wait for a connection before the database is in doubt.
const SUSPICIOUS: Duration = Duration::from_millis(500);

/// The time limit of the separate connection.
const LOOK: Duration = Duration::from_secs(1);

/// How long a failed attempt is believed.
const BELIEVED: Duration = Duration::from_millis(250);

/// The connections to the database.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) pool: PgPool,
    /// The time limit of a transaction.
    pub(super) patience: Duration,
    connect: PgConnectOptions,
    in_doubt: AtomicBool,
    /// When the last attempt failed, and why.
    looked: Mutex<Option<(Instant, String)>>,
}

impl Connections {
    /// Returns a pool that connects when a connection is needed.
    pub(super) fn new(connect: PgConnectOptions, options: &Options) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(2))
            .acquire_timeout(options.patience)
            // A transaction that begins on a dead connection is retried on the next one.
            .test_before_acquire(false)
            .connect_lazy_with(connect.clone());
        Self { pool, patience: options.patience, connect, in_doubt: AtomicBool::new(false), looked: Mutex::default() }
    }

    /// Returns a connection.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason why the database can't be reached, or because no
    /// connection became free.
    pub(super) async fn acquire(&self) -> Result<PoolConnection<Sqlx>, StoreError> {
        self.look_if_in_doubt().await?;
        let mut acquiring = std::pin::pin!(self.pool.acquire());
        let acquired = match timeout(SUSPICIOUS, &mut acquiring).await {
            Ok(acquired) => acquired,
            Err(_) => {
                self.doubt();
                self.look_if_in_doubt().await?;
                acquiring.await
            }
        };
        acquired.map_err(from_sqlx)
    }

    /// Records that the database may be unreachable.
    pub(super) fn doubt(&self) {
        self.in_doubt.store(true, Ordering::Relaxed);
    }

    async fn look_if_in_doubt(&self) -> Result<(), StoreError> {
        if !self.in_doubt.load(Ordering::Relaxed) {
            return Ok(());
        }
        // One caller connects; the others wait for the result.
        let mut looked = self.looked.lock().await;
        if let Some((_, reason)) = looked.as_ref().filter(|(at, _)| at.elapsed() < BELIEVED) {
            return Err(StoreError::Unavailable(reason.clone()));
        }
        if !self.in_doubt.load(Ordering::Relaxed) {
            return Ok(());
        }
        let found = match timeout(LOOK, PgConnection::connect_with(&self.connect)).await {
            // The server may have no room for another connection. Those of the pool still work.
            Ok(Err(error)) if !is_away(&error) => Ok(None),
            Ok(Ok(connection)) => Ok(Some(connection)),
            Ok(Err(error)) => Err(from_sqlx(error)),
            Err(_) => Err(super::late()),
        };
        let found = match found {
            Ok(connection) => {
                self.in_doubt.store(false, Ordering::Relaxed);
                *looked = None;
                self.sweep().await;
                drop(looked);
                if let Some(connection) = connection {
                    // It doesn't matter whether the server hears that the connection is closed.
                    let _ = timeout(LOOK, connection.close()).await;
                }
                return Ok(());
            }
            Err(found) => found,
        };
        let reason = match &found {
            StoreError::Unavailable(reason) => reason.clone(),
            other => other.to_string(),
        };
        *looked = Some((Instant::now(), reason));
        Err(found)
    }

    /// Closes dead connections. After a restart of the server or a change of the network path, the
    /// whole pool may consist of them.
    async fn sweep(&self) {
        let mut waiting = Vec::new();
        while let Some(connection) = self.pool.try_acquire() {
            waiting.push(connection);
        }
        join_all(waiting.into_iter().map(keep_if_it_answers)).await;
    }
}

async fn keep_if_it_answers(mut connection: PoolConnection<Sqlx>) {
    if !matches!(timeout(LOOK, connection.ping()).await, Ok(Ok(()))) {
        super::discard(connection);
    }
}
