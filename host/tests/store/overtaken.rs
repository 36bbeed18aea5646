//! What the locks of PostgreSQL are for, one by one: each case holds one of them from beside, and sees who waits and who does not.

use flightdeck::{
    domain::operation::OperationState,
    operations::now,
    store::{Author, JournalWrite, LeaseAfter, Recording, StoreError, Write},
};
use flightdeck_test_support::postgres::database;
use sqlx::Connection as _;

use super::{
    fixtures::{LEASE, accept, add_operation, audit, begins, journal, operation, stored_operation},
    postgres::{beside, due_now, number, open},
};

const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_being_overtaken_waits_and_then_writes_nothing() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    due_now(&store, "b1").await;
    let held = store.claim("worker", now(), LEASE).await.unwrap().expect("it is due");
    let (mut other, mut watcher) = (beside(&url).await, beside(&url).await);
    // Another host claims, and has not committed.
    let mut claiming = other.begin().await.unwrap();
    sqlx::query("UPDATE operations SET fence = fence + 1").execute(&mut *claiming).await.unwrap();
    let begun = JournalWrite { begin: begins("order", "r1"), ..journal(&held.fence, "b1", 1) };
    let ended = Recording::by(Author::Worker(held.fence.clone(), LeaseAfter::Kept))
        .with(Write::Operation(held.operation.clone()))
        .with(Write::Audit(audit("operation.succeeded", "op-b1")));
    let before = stored_operation(&store, &"op-b1".into()).await;
    let (mine, too) = (store.clone(), store.clone());
    let writing = [
        tokio::spawn(async move { mine.journal(begun).await.map(drop) }),
        tokio::spawn(async move { too.record(ended).await }),
    ];
    while number(&mut watcher, WAITING).await < 2 {
        assert!(!writing.iter().any(|writes| writes.is_finished()), "it did not wait for whoever claims");
        tokio::task::yield_now().await;
    }
    claiming.commit().await.unwrap();
    for written in writing {
        let refused = written.await.unwrap();
        assert!(matches!(refused, Err(StoreError::Fenced(_))), "{refused:?}");
    }
    assert!(store.steps(&"op-b1".into()).await.unwrap().is_empty());
    assert_eq!(stored_operation(&store, &"op-b1".into()).await, before);
    assert!(store.audit(0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_operation_that_somebody_is_writing_keeps_no_other_one_waiting() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    for id in ["b1", "b2"] {
        due_now(&store, id).await;
    }
    let mut other = beside(&url).await;
    let mut writing = other.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM operations WHERE id = 'op-b1' FOR UPDATE").execute(&mut *writing).await.unwrap();
    // Were it to wait, it would give up after ten seconds, and fail.
    let claimed = store.claim("worker", now(), LEASE).await.unwrap().expect("the second one is due");
    assert_eq!(claimed.fence.operation.as_str(), "op-b2");
    assert!(store.claim("worker", now(), LEASE).await.unwrap().is_none(), "the first one is not to be had");
    writing.rollback().await.unwrap();
    let claimed = store.claim("worker", now(), LEASE).await.unwrap().expect("the first one is due");
    assert_eq!(claimed.fence.operation.as_str(), "op-b1");
}

#[tokio::test]
async fn a_store_that_was_closed_says_that_it_can_not_be_used() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    accept(&store, "b1").await;
    store.close().await;
    for refused in [
        store.ping().await,
        store.record(Write::Audit(audit("a", "b"))).await,
        store.claim("worker", now(), LEASE).await.map(drop),
        store.buy(&"b1".into()).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    // Closed twice is closed.
    store.close().await;
    assert_eq!(number(&mut beside(&url).await, "SELECT count(*) FROM audit").await, 0);
}

/// What may be claimed is found by one statement and claimed by the next. A host may be frozen between the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_operation_has_overtaken_since_it_was_found_is_not_claimed() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    // The create waits for approval, and so keeps nothing waiting.
    let mut create = stored_operation(&store, &accept(&store, "b1").await).await;
    create.value.state = OperationState::AwaitingApproval;
    store.record(Write::Operation(create)).await.unwrap();
    let mut change = operation("op-change", "b1");
    change.run_at = now();
    add_operation(&store, change).await;
    let (mut other, mut watcher) = (beside(&url).await, beside(&url).await);
    let mut approving = other.begin().await.unwrap();
    // Whoever wants to write waits; whoever looks, and locks what it found, does not.
    sqlx::query("LOCK TABLE operations IN SHARE MODE").execute(&mut *approving).await.unwrap();
    let claiming = {
        let store = store.clone();
        tokio::spawn(async move { store.claim("worker", now(), LEASE).await })
    };
    while number(&mut watcher, WAITING).await < 1 {
        assert!(!claiming.is_finished(), "it claimed without a write");
        tokio::task::yield_now().await;
    }
    // Approved, begun on another host, and put off by it for a minute.
    let begun = "UPDATE operations SET state = 'queued', begun = 1, run_at = run_at + 60000000 WHERE id = 'op-b1'";
    sqlx::query(begun).execute(&mut *approving).await.unwrap();
    approving.commit().await.unwrap();
    assert!(claiming.await.unwrap().unwrap().is_none(), "it runs between two tries of an older one");
}
