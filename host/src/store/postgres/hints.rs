//! What hosts on one database tell each other: notifications, sent outside of any transaction. To send them inside would make
//! commits wait for each other.
//!
//! A hint may get lost: whoever waits for one also looks by itself.

use std::time::Duration;

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{domain::id::OperationId, store::Hint};

/// The channel of notifications.
const CHANNEL: &str = "flightdeck";

/// How many hints may wait to be sent. Further ones are dropped: the others look by themselves every second.
const QUEUE: usize = 256;

/// How many hints a listener may fall behind.
const BACKLOG: usize = 1_024;

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_secs(1);

/// The way to the other hosts, and from them.
#[derive(Debug)]
pub(super) struct Hints {
    outgoing: mpsc::Sender<Hint>,
    incoming: broadcast::Sender<Hint>,
    stop: CancellationToken,
}

impl Hints {
    /// Starts to send over `pool`, and to listen on a connection of its own.
    pub(super) fn start(pool: PgPool, listening: PgConnectOptions) -> Self {
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let (incoming, _) = broadcast::channel(BACKLOG);
        let stop = CancellationToken::new();
        // Hints of this host come back to it, too: they are told apart by this name.
        let name = uuid::Uuid::now_v7().simple().to_string();
        tokio::spawn(stop.clone().run_until_cancelled_owned(send(pool, queue, name.clone())));
        tokio::spawn(stop.clone().run_until_cancelled_owned(listen(listening, incoming.clone(), name)));
        Self { outgoing, incoming, stop }
    }

    pub(super) fn tell(&self, hint: Hint) {
        // A full queue is fine.
        let _ = self.outgoing.try_send(hint);
    }

    pub(super) fn hear(&self) -> broadcast::Receiver<Hint> {
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
    while queue.recv_many(&mut hints, QUEUE).await > 0 {
        let mut payloads: Vec<String> = hints.drain(..).map(|hint| to_payload(&name, &hint)).collect();
        payloads.dedup();
        let sent = sqlx::query("SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload")
            .bind(CHANNEL)
            .bind(payloads)
            .execute(&pool)
            .await;
        if let Err(error) = sent {
            tracing::debug!(%error, "a hint was not sent");
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
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    while let Some(notification) = listener.try_recv().await? {
        if let Some(hint) = from_payload(name, notification.payload()) {
            // Nobody listening is fine.
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

/// Somebody else's hint, if it is one.
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
