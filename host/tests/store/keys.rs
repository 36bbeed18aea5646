//! Idempotency keys.

use flightdeck::{
    domain::id::PrincipalId,
    store::{Recording, StoreError, Write},
};
use futures::future::join_all;
use serde_json::json;

use super::fixtures::{Store, at, buy, key, operation, principal};

pub(crate) async fn a_key_is_taken_once_and_its_entry_is_told(store: Store) {
    let write = |entry| Recording::from(Write::NewKey(entry));
    store.record(write(key("k", "op-1"))).await.unwrap();
    match store.record(write(key("k", "op-2"))).await {
        Err(StoreError::KeyTaken(entry)) => assert_eq!(*entry, key("k", "op-1")),
        other => panic!("{other:?}"),
    }
    // Another key, and the same key of somebody else.
    store.record(write(key("k2", "op-2"))).await.unwrap();
    let mut other = key("k", "op-3");
    other.principal = PrincipalId::from("zenith");
    store.record(write(other.clone())).await.unwrap();
    assert_eq!(store.idempotency(&other.principal, "k").await.unwrap(), Some(other));
}

pub(crate) async fn a_taken_key_keeps_everything_else_from_being_written(store: Store) {
    store.record(Write::NewKey(key("k", "op-1"))).await.unwrap();
    let recording = Recording::from([
        Write::NewKey(key("k", "op-2")),
        Write::NewBuy(buy("b2")),
        Write::NewOperation(operation("op-2", "b2")),
    ]);
    assert!(matches!(store.record(recording).await, Err(StoreError::KeyTaken(_))));
    assert!(store.buy(&"b2".into()).await.unwrap().is_none());
    assert!(store.operation(&"op-2".into()).await.unwrap().is_none());
}

pub(crate) async fn the_first_answer_stays(store: Store) {
    store.record(Write::NewKey(key("k", "op-1"))).await.unwrap();
    store.record_answer(&principal(), "k", &json!({"status": 201})).await.unwrap();
    store.record_answer(&principal(), "k", &json!({"status": 500})).await.unwrap();
    store.record_answer(&principal(), "unknown", &json!(1)).await.unwrap();
    let entry = store.idempotency(&principal(), "k").await.unwrap().unwrap();
    assert_eq!(entry.answer, Some(json!({"status": 201})));
    assert!(store.idempotency(&principal(), "unknown").await.unwrap().is_none());
}

pub(crate) async fn expired_keys_are_forgotten_oldest_first_and_no_more_than_asked(store: Store) {
    for second in [3, 1, 2, 9] {
        let mut entry = key(&second.to_string(), "op-1");
        entry.expires_at = at(second);
        store.record(Write::NewKey(entry)).await.unwrap();
    }
    assert_eq!(store.forget_keys(at(0), 10).await.unwrap(), 0);
    assert_eq!(store.forget_keys(at(3), 2).await.unwrap(), 2);
    assert!(store.idempotency(&principal(), "1").await.unwrap().is_none());
    assert!(store.idempotency(&principal(), "2").await.unwrap().is_none());
    assert!(store.idempotency(&principal(), "3").await.unwrap().is_some());
    assert_eq!(store.forget_keys(at(3), 2).await.unwrap(), 1);
    assert!(store.idempotency(&principal(), "9").await.unwrap().is_some());
    store.record(Write::NewKey(key("1", "op-2"))).await.unwrap();
}

pub(crate) async fn of_many_accepts_with_one_key_one_wins(store: Store) {
    let outcomes = join_all((0..16).map(|index| {
        let store = store.clone();
        tokio::spawn(async move {
            let (id, name) = (format!("b{index}"), format!("op-{index}"));
            let recording = Recording::from([
                Write::NewKey(key("k", &name)),
                Write::NewBuy(buy(&id)),
                Write::NewOperation(operation(&name, &id)),
            ]);
            store.record(recording).await
        })
    }))
    .await;
    let winner = store.idempotency(&principal(), "k").await.unwrap().expect("one has won");
    let mut won = 0;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let written = store.buy(&format!("b{index}").into()).await.unwrap().is_some();
        match outcome.unwrap() {
            Ok(()) => {
                won += 1;
                assert_eq!(winner.operation.as_str(), format!("op-{index}"));
                assert!(written);
            }
            Err(StoreError::KeyTaken(entry)) => {
                assert_eq!(*entry, winner);
                assert!(!written);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
}
