//! PostgreSQL at the end of a cable that is cut: at once, without a word, in the middle of a commit.

use std::time::Duration;

use flightdeck::store::{
    Hint, Recording, StoreError, Write,
    postgres::{self, Options},
};
use flightdeck_test_support::{
    cable::{Cable, Cut},
    postgres::database,
};
use futures::future::join_all;

use super::{
    fixtures::{Store, accept, buy, operation, stored_buy},
    postgres::{beside, number, open, until_waiting},
};

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
async fn fill(store: &Store, url: &str, connections: u32) {
    accept(store, "b1").await;
    let (mut holding, mut watcher) = (beside(url).await, beside(url).await);
    let mut held = sqlx::Connection::begin(&mut holding).await.unwrap();
    sqlx::query("SELECT 1 FROM media_buys FOR UPDATE").execute(&mut *held).await.unwrap();
    let recording = Recording::from(Write::Buy(stored_buy(store, "b1").await));
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
    let store: Store = postgres::open(&url, options).await.unwrap();
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
    let store: Store = postgres::open(&cable.url, options).await.unwrap();
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
    Recording::from([Write::NewBuy(buy(id)), Write::NewOperation(operation)])
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_unsure_and_was_done() {
    let Some(url) = database().await else { return };
    let cable = Cable::to(&url);
    let store = open(&cable.url).await;
    accept(&store, "b1").await;
    cable.cut_at_commit("", Cut::After);
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
    cable.cut_at_commit("", Cut::Before);
    let unsure = store.record(accepted("b2")).await;
    assert!(matches!(unsure, Err(StoreError::Unsure(_))), "{unsure:?}");
    assert!(store.buy(&"b2".into()).await.unwrap().is_none());
    store.record(accepted("b2")).await.unwrap();
}

#[tokio::test]
async fn hints_are_heard_again_after_the_cable_led_nowhere_for_a_while() {
    let Some(url) = database().await else { return };
    let cable = Cable::to(&url);
    let (near, far) = (open(&cable.url).await, open(&url).await);
    let mut heard = near.hints().unwrap();
    let arrives = async |heard: &mut tokio::sync::broadcast::Receiver<Hint>| loop {
        far.send_hint(Hint::Work);
        if let Ok(hint) = tokio::time::timeout(Duration::from_millis(200), heard.recv()).await {
            return hint.unwrap();
        }
    };
    arrives(&mut heard).await;
    cable.silence();
    while heard.try_recv().is_ok() {}
    assert_eq!(arrives(&mut heard).await, Hint::Work);
    // And sent again.
    let mut theirs = far.hints().unwrap();
    loop {
        near.send_hint(Hint::Work);
        if let Ok(hint) = tokio::time::timeout(Duration::from_millis(200), theirs.recv()).await {
            return assert_eq!(hint.unwrap(), Hint::Work);
        }
    }
}
