//! What hosts on one database have in common beside the work.

use std::time::Duration;

use flightdeck::{
    domain::{event::EventKind, operation::OperationState, purpose::Purpose},
    store::{Write, census::Census, replicas::HoldKey},
};
use futures::future::join_all;

use super::fixtures::{
    Store, accept, add_operation, at, audit, claim, event, moved, operation, platform, principal, stored_operation,
    task,
};

pub(crate) async fn requests_are_reserved_one_after_the_other(store: Store) {
    let (interval, burst) = (Duration::from_millis(100), Duration::from_secs(1));
    let reserve = |key: &'static str, count: u32, millis: i64| {
        let store = store.clone();
        let now = flightdeck::domain::time::Timestamp::from_micros(at(0).as_micros() + millis * 1_000);
        async move { store.reserve(key, count, interval, burst, now).await.unwrap() / 1_000 }
    };
    // After a rest ten may come at once.
    assert_eq!(reserve("a", 10, 0).await, -1_000);
    assert_eq!(reserve("a", 2, 0).await, 0, "then one every 100 ms");
    assert_eq!(reserve("a", 1, 0).await, 200);
    assert_eq!(reserve("a", 1, 50).await, 250);
    assert_eq!(reserve("b", 1, 50).await, -1_000, "each key for itself");
    assert_eq!(reserve("a", 5, 400).await, 0);
    // What nobody used is not saved up beyond the burst.
    assert_eq!(reserve("a", 1, 100_000).await, -1_000);
    // Many at once get a place each.
    let mut places = join_all((0..20).map(|_| reserve("c", 1, 0))).await;
    places.sort_unstable();
    assert_eq!(places, (0..20).map(|place| place * 100 - 1_000).collect::<Vec<_>>());
}

pub(crate) async fn what_is_to_be_left_alone_is_told_to_everybody_until_it_is_over(store: Store) {
    let seconds = Duration::from_secs;
    let [a, b] = ["a", "b"].map(|credential| HoldKey::Pause(credential.to_owned()));
    assert!(store.holds(at(0)).await.unwrap().is_empty());
    store.hold(&a, seconds(30), at(0)).await.unwrap();
    store.hold(&a, seconds(10), at(5)).await.unwrap();
    store.hold(&b, seconds(5), at(0)).await.unwrap();
    let held = |key: &HoldKey, left| (key.clone(), seconds(left));
    assert_eq!(store.holds(at(1)).await.unwrap(), [held(&a, 29), held(&b, 4)], "a shorter one shortens nothing");
    assert_eq!(store.holds(at(5)).await.unwrap(), [held(&a, 25)]);
    store.hold(&a, seconds(30), at(10)).await.unwrap();
    assert_eq!(store.holds(at(10)).await.unwrap(), [held(&a, 30)]);
    assert!(store.holds(at(40)).await.unwrap().is_empty());
    // Another component has a clean slate.
    let north = platform("north");
    for purpose in Purpose::GUARDED {
        store.hold(&HoldKey::Breaker(north.clone(), purpose), seconds(30), at(50)).await.unwrap();
    }
    assert_eq!(store.holds(at(50)).await.unwrap().len(), 2, "each purpose has its own");
    super::releases::serve(&store, &north, "d1").await;
    assert!(store.holds(at(50)).await.unwrap().is_empty());
}

pub(crate) async fn a_buyer_has_booked_once_another_buy_of_theirs_was_carried_out(store: Store) {
    let booked = async |id: &str| store.has_booked(&principal(), &id.into()).await.unwrap();
    accept(&store, "b1").await;
    assert!(!booked("b1").await && !booked("b2").await, "nothing was carried out");
    let mut stored = store.buy(&"b1".into()).await.unwrap().unwrap();
    stored.value.booked_at = Some(at(1));
    store.record([Write::Buy(stored)]).await.unwrap();
    assert!(!booked("b1").await, "it is no buy before itself");
    assert!(booked("b2").await);
    assert!(!store.has_booked(&"other".into(), &"b2".into()).await.unwrap());
}

pub(crate) async fn what_has_not_ended_is_counted(store: Store) {
    assert_eq!(store.census(at(0)).await.unwrap(), Census::default());
    for buy in ["b1", "b2", "b3", "b4"] {
        accept(&store, buy).await;
    }
    let claimed = claim(&store, 1).await;
    let first = stored_operation(&store, &"op-b4".into()).await;
    let parked = moved(&claimed.operation, OperationState::Parked, 2);
    let failed = moved(&first, OperationState::Failed, 2);
    let recording = [
        Write::Operation(parked),
        Write::Operation(failed),
        Write::NewTask(task("t1", &claimed.operation.value)),
        Write::Event(event("b1", EventKind::TaskCreated)),
    ];
    store.record(recording).await.unwrap();
    let counted = store.census(at(4_000)).await.unwrap();
    let wanted = Census {
        operations: vec![("parked".to_owned(), 1), ("queued".to_owned(), 2)],
        overdue_work: Duration::from_secs(4_000),
        tasks: vec![("manual_approval".to_owned(), 1)],
        overdue_tasks: 1,
        pending_deliveries: 0,
        dead_deliveries: 0,
    };
    assert_eq!(counted, wanted);
    // What waits for another operation of its buy is not late: nobody could claim it.
    let mut held = Vec::new();
    for _ in ["b2", "b3"] {
        held.push(claim(&store, 4_000).await);
    }
    for (index, held) in held.iter().enumerate() {
        let mut waits = operation(&format!("op-{index}"), held.operation.value.buy.as_str());
        waits.run_at = at(1);
        add_operation(&store, waits).await;
    }
    let counted = store.census(at(4_010)).await.unwrap();
    assert_eq!(counted.overdue_work, Duration::ZERO, "their leases hold");
    assert_eq!(
        counted.operations,
        [("parked", 1), ("queued", 2), ("running", 2)].map(|(name, n)| (name.to_owned(), n))
    );
    let late = store.census(at(4_040)).await.unwrap();
    assert_eq!(late.overdue_work, Duration::from_secs(10), "a lease that ran out is work that nobody has claimed");
}

pub(crate) async fn the_last_mark_of_a_name_stays(store: Store) {
    assert_eq!(store.marked("restored").await.unwrap(), None);
    for seconds in [5, 3] {
        store.mark("restored", at(seconds), audit("database.restored", "database")).await.unwrap();
        assert_eq!(store.marked("restored").await.unwrap(), Some(at(seconds)));
    }
    // Without a word, and never back.
    let lines = store.audit(0, 100).await.unwrap().len();
    let last = store.marked("restored").await.unwrap().expect("it is marked");
    for (moment, wanted) in [(last.plus_millis(-1), last), (last.plus_millis(1), last.plus_millis(1))] {
        store.renew_mark("restored", moment).await.unwrap();
        assert_eq!(store.marked("restored").await.unwrap(), Some(wanted));
    }
    store.renew_mark("never marked", last).await.unwrap();
    assert_eq!(store.marked("never marked").await.unwrap(), None);
    assert_eq!(store.audit(0, 100).await.unwrap().len(), lines);
    assert_eq!(store.audit(0, 10).await.unwrap().len(), 2);
}
