//! Hints between the replicas on one database: notifications, sent outside of any transaction.
//! Sending them inside transactions would make commits wait for each other.
//!
//! A hint may get lost, so anyone who waits for one also polls.

use std::time::Duration;

use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::{broadcast, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{domain::id::OperationId, store::Hint};

/// The channel of notifications.
const CHANNEL: &str = "flightdeck";

/// The number of hints that may be queued for sending. Further ones are dropped, because the other
/// replicas poll every second.
const QUEUE: usize = 256;

/// The number of hints that a listener may fall behind.
const BACKLOG: usize = 1_024;

/// The delay before a reconnect.
const PAUSE: Duration = Duration::from_secs(1);

/// The time limit of sending. A hint that takes longer is of no use to anybody.
const SENDING: Duration = Duration::from_secs(2);

/// How often this host sends itself a notification, to check that it still receives them.
const BEAT: Duration = Duration::from_secs(5);

/// How long without any notification before the connection is considered dead: several beats.
const SILENCE: Duration = Duration::from_secs(20);

/// The channels to and from the other replicas.
#[derive(Debug)]
pub(super) struct Hints {
    outgoing: mpsc::Sender<Hint>,
    incoming: broadcast::Sender<Hint>,
    stop: CancellationToken,
}

impl Hints {
    /// Starts sending over `pool`, and listening on a separate connection.
    pub(super) fn start(pool: PgPool, listening: PgConnectOptions) -> Self {
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let (incoming, _) = broadcast::channel(BACKLOG);
        let stop = CancellationToken::new();
        // This host receives its own hints, too, and recognizes them by this name.
        let name = uuid::Uuid::now_v7().simple().to_string();
        tokio::spawn(stop.clone().run_until_cancelled_owned(send(pool, queue, name.clone())));
        tokio::spawn(stop.clone().run_until_cancelled_owned(listen(listening, incoming.clone(), name)));
        Self { outgoing, incoming, stop }
    }

    pub(super) fn send(&self, hint: Hint) {
        // A full queue is fine.
        let _ = self.outgoing.try_send(hint);
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.incoming.subscribe()
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn send(pool: PgPool, mut queue: mpsc::Receiver<Hint>, name: String) {
    let mut hints = Vec::with_capacity(QUEUE);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        let mut payloads = tokio::select! {
            _ = beat.tick() => vec![format!("{name} beat")],
            received = queue.recv_many(&mut hints, QUEUE) => match received {
                0 => return,
                _ => hints.drain(..).map(|hint| to_payload(&name, &hint)).collect(),
            },
        };
        payloads.dedup();
        match timeout(SENDING, send_all(&pool, payloads)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a hint was not sent"),
            Err(_) => tracing::debug!("a hint was not sent in time"),
        }
    }
}

async fn send_all(pool: &PgPool, payloads: Vec<String>) -> Result<(), sqlx::Error> {
    // The connection is not returned to the pool until the hints are sent. If it is dead and this
    // is cut off by the time limit, returning it would wait just as long, so it is discarded
    // instead.
    let mut lent = Lent(Some(pool.acquire().await?));
    if let Some(connection) = &mut lent.0 {
        sqlx::query("SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload")
            .bind(CHANNEL)
            .bind(payloads)
            .execute(&mut **connection)
            .await?;
    }
    // The connection works: return it to the pool.
    drop(lent.0.take());
    Ok(())
}

/// A pooled connection that is closed rather than returned if it is dropped early.
struct Lent(Option<PoolConnection<Postgres>>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            super::discard(connection);
        }
    }
}

async fn listen(options: PgConnectOptions, incoming: broadcast::Sender<Hint>, name: String) {
    loop {
        if let Err(error) = hear_all(&options, &incoming, &name).await {
            tracing::debug!(%error, "no hints are heard");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear_all(
    options: &PgConnectOptions,
    incoming: &broadcast::Sender<Hint>,
    name: &str,
) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
    let silent = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    let listening = timeout(SILENCE, async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    });
    let mut listener = listening.await.map_err(silent)??;
    while let Some(notification) = timeout(SILENCE, listener.try_recv()).await.map_err(silent)?? {
        if let Some(hint) = from_payload(name, notification.payload()) {
            // No listeners is fine.
            let _ = incoming.send(hint);
        }
    }
    Ok(())
}

fn to_payload(name: &str, hint: &Hint) -> String {
    match hint {
        Hint::Work => format!("{name} work"),
        Hint::Rested(operation) => format!("{name} rested {operation}"),
    }
}

/// Parses a hint of another replica. Returns `None` for this host's own and for anything else.
fn from_payload(name: &str, payload: &str) -> Option<Hint> {
    let mut words = payload.split(' ');
    if words.next()? == name {
        return None;
    }
    match (words.next()?, words.next()) {
        ("work", None) => Some(Hint::Work),
        ("rested", Some(operation)) => Some(Hint::Rested(OperationId::from(operation))),
        _ => None,
    }
}
