//! PostgreSQL at the end of a cable that is cut: at once, without a word, in the middle of a commit.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use flightdeck::store::{
    Recording, StoreError,
    postgres::{Options, PostgresStore},
};
use flightdeck_test_support::postgres::database;
use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    task::JoinSet,
};

use super::{
    fixtures::{AnyStore, accept, buy, operation, stored_buy},
    postgres::{beside, number, open, until_waiting},
};

/// When a cable is cut at a `COMMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Before it reaches the server.
    Before,
    /// When the server has committed, before it can say so.
    After,
}

/// What becomes of what goes over a cable.
#[derive(Debug, Default)]
struct Faults {
    /// Of the next commit.
    commit: Mutex<Option<Cut>>,
    /// Calls that began before it rose go on for ever, and nothing comes of them.
    silences: AtomicUsize,
}

/// A cable to the database; it is cut when this is dropped.
struct Cable {
    /// The database's URL through it.
    url: String,
    address: SocketAddr,
    faults: Arc<Faults>,
    calls: tokio::task::JoinHandle<()>,
}

impl Cable {
    /// To the server of a database.
    fn to(url: &str) -> Self {
        Self::between(SocketAddr::from(([127, 0, 0, 1], 0)), url)
    }

    /// From an address to the server of a database.
    fn between(address: SocketAddr, url: &str) -> Self {
        let server = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(64).unwrap();
        let address = listener.local_addr().unwrap();
        let url = url.replace(&server, &address.to_string());
        let faults = Arc::new(Faults::default());
        let of_calls = faults.clone();
        let calls = tokio::spawn(async move {
            // They end with this task.
            let mut calls = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&server).await.unwrap();
                calls.spawn(carry(near, far, of_calls.clone()));
            }
        });
        Self { url, address, faults, calls }
    }

    /// Cuts the next call that commits.
    fn cut_at_commit(&self, cut: Cut) {
        *self.faults.commit.lock().unwrap() = Some(cut);
    }

    /// From now on nothing goes over the calls that are there, and nobody is told.
    fn silence(&self) {
        self.faults.silences.fetch_add(1, Ordering::SeqCst);
    }

    async fn cut(mut self) {
        self.calls.abort();
        let _ = (&mut self.calls).await;
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.calls.abort();
    }
}

/// Carries one call until it ends or is cut.
async fn carry(near: TcpStream, far: TcpStream, faults: Arc<Faults>) {
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    let began = faults.silences.load(Ordering::SeqCst);
    let (silent, unheard) = (|| faults.silences.load(Ordering::SeqCst) > began, AtomicBool::new(false));
    tokio::select! {
        () = ask(from_near, to_far, &faults, &silent, &unheard) => {}
        () = answer(from_far, to_near, &silent, &unheard) => {}
    }
}

async fn ask(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    faults: &Faults,
    silent: &impl Fn() -> bool,
    unheard: &AtomicBool,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        let commits = buffer[..size].windows(6).any(|window| window == b"COMMIT");
        match if commits { faults.commit.lock().unwrap().take() } else { None } {
            Some(Cut::Before) => return,
            Some(Cut::After) => unheard.store(true, Ordering::SeqCst),
            None => {}
        }
        if !silent() && to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silent: &impl Fn() -> bool, unheard: &AtomicBool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        if unheard.load(Ordering::SeqCst) || !silent() && to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn connections_that_the_server_ended_are_replaced() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    accept(&store, "b1").await;
    let mut beside = beside(&url).await;
    for id in ["b2", "b3"] {
        let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert!(number(&mut beside, ended).await > 0);
        accept(&store, id).await;
        stored_buy(&store, id).await;
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_told_at_once_and_by_what_it_is_and_is_found_again() {
    let Some(url) = database().await else { return };
    let cable = Cable::to(&url);
    let (address, store) = (cable.address, open(&cable.url).await);
    accept(&store, "b1").await;
    cable.cut().await;
    // Were each of them to wait for a connection to become free, this would take minutes.
    for _ in 0..30 {
        for refused in [store.ping().await, store.record(Recording::default()).await] {
            let Err(StoreError::Unavailable(reason)) = refused else { panic!("{refused:?}") };
            assert!(reason.contains("refused"), "{reason}");
        }
    }
    let _cable = Cable::between(address, &url);
    while store.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    accept(&store, "b2").await;
}

/// As many connections as the pool has, each of which was used.
async fn fill(store: &AnyStore, url: &str, connections: u32) {
    accept(store, "b1").await;
    let (mut holding, mut watcher) = (beside(url).await, beside(url).await);
    let mut held = sqlx::Connection::begin(&mut holding).await.unwrap();
    sqlx::query("SELECT 1 FROM media_buys FOR UPDATE").execute(&mut *held).await.unwrap();
    let recording = Recording { buy: Some(stored_buy(store, "b1").await), ..Recording::default() };
    let writing: Vec<_> = (0..connections)
        .map(|_| {
            let (store, recording) = (store.clone(), recording.clone());
            tokio::spawn(async move { store.record(recording).await })
        })
        .collect();
    until_waiting(&mut watcher, connections.into()).await;
    held.rollback().await.unwrap();
    join_all(writing).await;
}

#[tokio::test]
async fn a_write_finds_a_way_past_a_whole_pool_of_connections_that_the_server_ended() {
    let Some(url) = database().await else { return };
    let options = Options { connections: 12, ..Options::default() };
    let store: AnyStore = Arc::new(PostgresStore::open(&url, options).await.unwrap());
    fill(&store, &url, 12).await;
    let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(number(&mut beside(&url).await, ended).await >= 12);
    accept(&store, "b2").await;
    stored_buy(&store, "b2").await;
}

#[tokio::test]
async fn a_write_finds_a_way_past_a_whole_pool_of_connections_that_lead_nowhere() {
    let Some(url) = database().await else { return };
    let cable = Cable::to(&url);
    let options = Options { connections: 8, ..Options::default() };
    let store: AnyStore = Arc::new(PostgresStore::open(&cable.url, options).await.unwrap());
    fill(&store, &url, 8).await;
    cable.silence();
    accept(&store, "b2").await;
    // It found all of them: nobody else waits for one.
    let (asked, patient) = (join_all((0..8).map(|_| stored_buy(&store, "b2"))), Duration::from_secs(5));
    tokio::time::timeout(patient, asked).await.expect("no connection is left that leads nowhere");
}

/// A buy and the operation that creates it.
fn accepted(id: &str) -> Recording {
    let operation = operation(&format!("op-{id}"), id);
    Recording { new_buy: Some(buy(id)), new_operation: Some(operation), ..Recording::default() }
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_unsure_and_was_done() {
    let Some(url) = database().await else { return };
    let cable = Cable::to(&url);
    let store = open(&cable.url).await;
    accept(&store, "b1").await;
    cable.cut_at_commit(Cut::After);
    let unsure = store.record(accepted("b2")).await;
    assert!(matches!(unsure, Err(StoreError::Unsure(_))), "{unsure:?}");
    stored_buy(&store, "b2").await;
    // Recorded once more, it is found.
    assert!(matches!(store.record(accepted("b2")).await, Err(StoreError::Stale(_))));
}

#[tokio::test]
async fn a_commit_that_did_not_arrive_is_unsure_and_was_not_done() {
    let Some(url) = database().await else { return };
    let cable = Cable::to(&url);
    let store = open(&cable.url).await;
    accept(&store, "b1").await;
    cable.cut_at_commit(Cut::Before);
    let unsure = store.record(accepted("b2")).await;
    assert!(matches!(unsure, Err(StoreError::Unsure(_))), "{unsure:?}");
    assert!(store.buy(&"b2".into()).await.unwrap().is_none());
    store.record(accepted("b2")).await.unwrap();
}
