//! Many callers at once.

use std::{collections::HashSet, future::Future};

use flightdeck::{
    domain::{event::EventKind, operation::OperationState},
    store::{BuyFilter, Recording, StoreError, Write},
};
use futures::future::join_all;
use tokio::task::JoinHandle;

use super::fixtures::{LEASE, Store, accept, at, buy, event, operation, stored_buy, stored_operation, task};

const CALLERS: usize = 32;

/// Runs a caller for each number, all at once.
async fn all_at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(caller: impl Fn(usize) -> F) -> Vec<T> {
    let callers: Vec<JoinHandle<T>> = (0..CALLERS).map(|number| tokio::spawn(caller(number))).collect();
    join_all(callers).await.into_iter().map(Result::unwrap).collect()
}

pub(crate) async fn many_recordings_of_different_rows_are_all_written(store: Store) {
    all_at_once(|caller| {
        let store = store.clone();
        async move {
            for index in 0..8 {
                accept(&store, &format!("b{caller}-{index}")).await;
            }
        }
    })
    .await;
    let buys = store.buys(&BuyFilter { limit: 1_000, ..BuyFilter::default() }).await.unwrap();
    assert_eq!(buys.len(), CALLERS * 8);
    for buy in buys {
        stored_operation(&store, &format!("op-{}", buy.id).as_str().into()).await;
    }
}

pub(crate) async fn of_many_writers_of_one_row_each_version_is_won_once(store: Store) {
    accept(&store, "b1").await;
    let refusals = all_at_once(|_| {
        let store = store.clone();
        async move {
            let mut refusals = 0;
            loop {
                let mut stored = stored_buy(&store, "b1").await;
                stored.value.revision += 1;
                match store.record(Write::Buy(stored)).await {
                    Ok(()) => return refusals,
                    Err(StoreError::Stale(_)) => refusals += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    })
    .await;
    assert_eq!(stored_buy(&store, "b1").await.value.revision, 1 + CALLERS as i64, "after {refusals:?} refusals");
}

pub(crate) async fn no_operation_is_claimed_twice(store: Store) {
    for index in 0..CALLERS * 2 {
        accept(&store, &format!("b{index}")).await;
    }
    let claimed = all_at_once(|caller| {
        let store = store.clone();
        async move {
            let mut mine = Vec::new();
            while let Some(claim) = store.claim(&format!("worker-{caller}"), at(1), LEASE).await.unwrap() {
                assert_eq!(claim.operation.value.state, OperationState::Running);
                mine.push((claim.fence.operation, claim.fence.number));
            }
            mine
        }
    })
    .await;
    let all: Vec<_> = claimed.into_iter().flatten().collect();
    assert_eq!(all.len(), CALLERS * 2);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), CALLERS * 2);
}

pub(crate) async fn a_refused_recording_among_others_undoes_only_itself(store: Store) {
    accept(&store, "taken").await;
    let outcomes = all_at_once(|caller| {
        let store = store.clone();
        async move {
            let id = format!("b{caller}");
            let good = Recording::from([
                Write::NewBuy(buy(&id)),
                Write::NewOperation(operation(&format!("op-{id}"), &id)),
                Write::Event(event(&id, EventKind::TaskCreated)),
            ]);
            let bad = match caller % 4 {
                // What it writes first is good, what it writes last exists already.
                0 => good.with(Write::NewOperation(operation("op-taken", "taken"))),
                // It refers to an operation that there is not.
                1 => good.with(Write::NewTask(task("t", &operation("op-none", "taken")))),
                _ => good,
            };
            store.record(bad).await
        }
    })
    .await;
    for (caller, outcome) in outcomes.into_iter().enumerate() {
        let id = format!("b{caller}");
        match caller % 4 {
            0 => assert!(matches!(outcome, Err(StoreError::Stale(_))), "{outcome:?}"),
            1 => assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}"),
            _ => outcome.unwrap(),
        }
        let written = caller % 4 > 1;
        assert_eq!(store.buy(&id.as_str().into()).await.unwrap().is_some(), written);
        assert_eq!(store.events(&id.as_str().into(), 10).await.unwrap().len(), usize::from(written));
    }
}

pub(crate) async fn readers_see_a_recording_whole_or_not_at_all(store: Store) {
    let (written, done) = tokio::sync::watch::channel(false);
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for index in 0..100 {
                accept(&store, &format!("b{index}")).await;
            }
            written.send(true).unwrap();
        }
    });
    let mut seen = 0;
    while !*done.borrow() {
        for buy in store.buys(&BuyFilter { limit: 1, ..BuyFilter::default() }).await.unwrap() {
            assert!(store.creation(&buy.id).await.unwrap().is_some());
            seen += 1;
        }
    }
    writing.await.unwrap();
    assert!(seen > 0);
}

pub(crate) async fn callers_that_go_away_hurt_nobody(store: Store) {
    let callers: Vec<_> = (0..CALLERS)
        .map(|index| {
            let store = store.clone();
            tokio::spawn(async move { accept(&store, &format!("gone-{index}")).await })
        })
        .collect();
    for caller in &callers {
        caller.abort();
    }
    accept(&store, "stays").await;
    for index in 0..CALLERS {
        // Written or not, or written between two reads, but never half.
        let id = format!("gone-{index}").as_str().into();
        let created_before = store.creation(&id).await.unwrap().is_some();
        let bought = store.buy(&id).await.unwrap().is_some();
        let created_after = store.creation(&id).await.unwrap().is_some();
        assert!(!created_before || bought, "{id} has an operation and no buy");
        assert!(!bought || created_after, "{id} has a buy and no operation");
    }
    stored_buy(&store, "stays").await;
}
