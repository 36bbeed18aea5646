//! Replays over a long past: so much at a time, while everybody else goes on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use flightdeck::{
    domain::{event::EventKind, id::PrincipalId, time::Timestamp},
    store::{
        Recording, Write, postgres, sqlite,
        webhooks::{Replay, Replayed},
    },
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, sqlite::SqliteConnectOptions};

use super::{
    fixtures::{Store, at, audit, event, principal},
    webhooks::{add, endpoint, happen},
};

/// How many events have happened to one principal before: more than one call looks through.
const EVENTS: i64 = 100_000;

/// The beginning of time.
const BEGINNING: Timestamp = Timestamp::from_micros(0);

/// Writes the past: a microsecond between one event and the next.
fn past(numbers: &str) -> String {
    format!(
        "INSERT INTO events (id, buy, doc, kind, principal, at, body)
         SELECT 'evt_' || n, 'b' || (n % 1000), '{{}}', 'task.created', '{}', {} + n, '{{}}' FROM {numbers}",
        principal(),
        at(0).as_micros()
    )
}

async fn replay(store: &Store, id: &str, since: Timestamp) -> Replayed {
    let line = audit("webhook.replayed", id);
    store.replay(&id.into(), Replay::Since(since), at(1_000), 10_000, line).await.unwrap()
}

/// Everything that is said of one database.
async fn a_long_past_is_replayed_in_parts(store: Store) {
    add(&store, &endpoint("everything", Some(principal()), &[EventKind::TaskCreated])).await;
    others_write_while_it_is_replayed(&store).await;
    one_call_looks_through_so_much(&store).await;
    what_happened_to_others_is_not_looked_through(&store).await;
}

async fn others_write_while_it_is_replayed(store: &Store) {
    let (written, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let writing = {
        let (store, written, over) = (store.clone(), written.clone(), over.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let line = Recording::from(Write::Audit(audit("decided", "task")));
                store.record(line).await.unwrap();
                written.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    while written.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let before = written.load(Ordering::SeqCst);
    let first = replay(store, "everything", BEGINNING).await;
    let meanwhile = written.load(Ordering::SeqCst) - before;
    over.store(true, Ordering::SeqCst);
    writing.await.unwrap();
    let next = Timestamp::from_micros(at(0).as_micros() + 10_001);
    assert_eq!(first, Replayed { count: 10_000, more: true, next_since: Some(next) });
    // Forty writes of 250; in between, the other one had its turn.
    assert!(meanwhile >= 20, "only {meanwhile} writes were acknowledged during the replay");
}

async fn one_call_looks_through_so_much(store: &Store) {
    add(store, &endpoint("seldom", Some(principal()), &[EventKind::OperationFailed])).await;
    let last = at(500);
    happen(store, vec![flightdeck::domain::event::Event { at: last, ..event("b1", EventKind::OperationFailed) }]).await;
    let looked = replay(store, "seldom", BEGINNING).await;
    assert_eq!(looked, Replayed { count: 0, more: true, next_since: Some(last) });
    assert_eq!(replay(store, "seldom", last).await, Replayed { count: 1, more: false, next_since: None });
}

async fn what_happened_to_others_is_not_looked_through(store: &Store) {
    let other = PrincipalId::from("zenith");
    add(store, &endpoint("theirs", Some(other.clone()), EventKind::ALL)).await;
    let theirs =
        flightdeck::domain::event::Event { principal: other, at: at(600), ..event("b2", EventKind::BuyStatusChanged) };
    happen(store, vec![theirs]).await;
    assert_eq!(replay(store, "theirs", BEGINNING).await, Replayed { count: 1, more: false, next_since: None });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_past_is_replayed_in_parts_on_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = sqlite::open(&path, sqlite::Options::default()).await.unwrap();
    let mut beside = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let numbers = format!(
        "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {EVENTS}) SELECT n FROM numbers)"
    );
    sqlx::query(AssertSqlSafe(past(&numbers))).execute(&mut beside).await.unwrap();
    beside.close().await.unwrap();
    a_long_past_is_replayed_in_parts(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_past_is_replayed_in_parts_on_postgresql() {
    let Some(url) = flightdeck_test_support::postgres::database().await else { return };
    let options = postgres::Options { callers_clock: true, ..postgres::Options::default() };
    let store = postgres::open(&url, options).await.unwrap();
    let mut beside = PgConnection::connect(&url).await.unwrap();
    let numbers = format!("generate_series(1, {EVENTS}) AS numbers (n)");
    sqlx::query(AssertSqlSafe(past(&numbers))).execute(&mut beside).await.unwrap();
    beside.close().await.unwrap();
    a_long_past_is_replayed_in_parts(store).await;
}
