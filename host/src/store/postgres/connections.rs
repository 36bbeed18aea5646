//! The connections, and whether the database can be reached at all.
//!
//! The pool takes a server that refuses connections for one that is about to start: it waits for as
//! long as it may, and says then that no connection became free. So as soon as there is reason to
//! doubt, one caller tries a connection of its own, and all are told at once what came of it.

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

/// How long a connection may be waited for before there is doubt.
const SUSPICIOUS: Duration = Duration::from_millis(500);

/// How long a connection of its own may take.
const LOOK: Duration = Duration::from_secs(1);

/// How long what came of it is believed.
const BELIEVED: Duration = Duration::from_millis(250);

/// The connections to the database.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) pool: PgPool,
    /// How long a transaction may take.
    pub(super) patience: Duration,
    connect: PgConnectOptions,
    in_doubt: AtomicBool,
    /// When somebody last looked, and what was wrong.
    looked: Mutex<Option<(Instant, String)>>,
}

impl Connections {
    /// Connects when a connection is needed.
    pub(super) fn new(connect: PgConnectOptions, options: &Options) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(2))
            .acquire_timeout(options.patience)
            // Whoever begins a transaction on a connection that is gone takes the next one.
            .test_before_acquire(false)
            .connect_lazy_with(connect.clone());
        Self { pool, patience: options.patience, connect, in_doubt: AtomicBool::new(false), looked: Mutex::default() }
    }

    /// A connection.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: why the database can't be reached, or that none became free.
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

    /// There is reason to doubt that the database can be reached.
    pub(super) fn doubt(&self) {
        self.in_doubt.store(true, Ordering::Relaxed);
    }

    async fn look_if_in_doubt(&self) -> Result<(), StoreError> {
        if !self.in_doubt.load(Ordering::Relaxed) {
            return Ok(());
        }
        // One looks, the others wait for what comes of it.
        let mut looked = self.looked.lock().await;
        if let Some((_, reason)) = looked.as_ref().filter(|(at, _)| at.elapsed() < BELIEVED) {
            return Err(StoreError::Unavailable(reason.clone()));
        }
        if !self.in_doubt.load(Ordering::Relaxed) {
            return Ok(());
        }
        let found = match timeout(LOOK, PgConnection::connect_with(&self.connect)).await {
            // It may have no room for another connection: those of the pool are as good as ever.
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
                    // Whether it hears that this one goes makes no difference.
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

    /// Does away with connections that lead nowhere any more: after the server was started anew, or
    /// the way to it was another, that may be all that wait in the pool.
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
