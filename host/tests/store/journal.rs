//! Steps and remote objects.

use std::time::Duration;

use flightdeck::{
    domain::{
        media_buy::{RemoteKind, RemoteObject},
        step::{Step, StepState},
        time::Timestamp,
    },
    store::{
        Author, DueLookup, Fence, FinishedStep, JournalWrite, LeaseAfter, NewStep, NextLookup, Recording, RemoteChange,
        SettledStep, StoreError, Stored, Write,
    },
};

use super::fixtures::{
    LEASE, Store, accept, at, begins, claim, finishes, journal, platform, settles, stored_buy, stored_operation,
};

fn begin(fence: &Fence, name: &str, reference: &str, seconds: i64) -> JournalWrite {
    JournalWrite { begin: begins(name, reference), ..journal(fence, "b1", seconds) }
}

fn finish(fence: &Fence, name: &str, outcome: &[u8]) -> JournalWrite {
    JournalWrite { finished: vec![finishes(name, outcome)], ..journal(fence, "b1", 1) }
}

fn settle(fence: &Fence, name: &str, state: StepState) -> JournalWrite {
    JournalWrite { settled: settles(name, state), ..journal(fence, "b1", 1) }
}

fn step(state: StepState, reference: &str, seconds: i64) -> Step {
    Step {
        operation: "op-b1".into(),
        platform: platform("north"),
        name: "order".to_owned(),
        reference: reference.to_owned(),
        state,
        outcome: None,
        begun_at: at(seconds),
        sent_at: None,
        lost: 0,
    }
}

fn never_begun(reference: &str) -> Step {
    Step { begun_at: Timestamp::NEVER, ..step(StepState::Fresh, reference, 0) }
}

async fn running(store: &Store) -> Fence {
    accept(store, "b1").await;
    claim(store, 0).await.fence
}

async fn only_step(store: &Store) -> Step {
    let mut steps = store.steps(&"op-b1".into()).await.unwrap();
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

pub(crate) async fn a_step_goes_from_fresh_to_open_to_done(store: Store) {
    let fence = running(&store).await;
    assert_eq!(store.journal(begin(&fence, "order", "r1", 5)).await.unwrap(), Some(never_begun("r1")));
    assert_eq!(only_step(&store).await, step(StepState::Open, "r1", 5));
    assert_eq!(store.journal(finish(&fence, "order", b"")).await.unwrap(), None);
    let done = Step { outcome: Some(Vec::new()), ..step(StepState::Done, "r1", 5) };
    assert_eq!(only_step(&store).await, done);
    // Begun again, it tells its outcome and stays done.
    assert_eq!(store.journal(begin(&fence, "order", "r2", 9)).await.unwrap(), Some(done.clone()));
    assert_eq!(only_step(&store).await, done);
    // The same end once more is no harm; another one is.
    store.journal(finish(&fence, "order", b"")).await.unwrap();
    assert!(matches!(store.journal(finish(&fence, "order", b"\0other")).await, Err(StoreError::Stale(_))));
    assert_eq!(only_step(&store).await, done);
}

pub(crate) async fn a_step_in_doubt_keeps_its_reference_and_its_doubt_begins_anew_with_each_run(store: Store) {
    let fence = running(&store).await;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    let next = claim(&store, 31).await.fence;
    // Whoever had it may have sent something until it was taken over.
    let lost = |seconds| Step { sent_at: Some(at(31)), lost: 1, ..step(StepState::Open, "r1", seconds) };
    assert_eq!(store.journal(begin(&next, "order", "r2", 40)).await.unwrap(), Some(lost(31)));
    assert_eq!(only_step(&store).await, lost(40));
    let settled = JournalWrite { at: at(55), ..settle(&next, "order", StepState::Open) };
    store.journal(settled).await.unwrap();
    assert_eq!(only_step(&store).await, lost(55));
}

pub(crate) async fn a_step_settled_as_fresh_is_begun_anew_with_its_reference(store: Store) {
    let fence = running(&store).await;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    store.journal(settle(&fence, "order", StepState::Fresh)).await.unwrap();
    store.journal(settle(&fence, "order", StepState::Fresh)).await.unwrap();
    assert_eq!(store.journal(begin(&fence, "order", "r2", 40)).await.unwrap(), Some(step(StepState::Fresh, "r1", 5)));
    assert_eq!(only_step(&store).await, step(StepState::Open, "r1", 40));
}

pub(crate) async fn finishing_one_step_and_beginning_the_next_is_one_write(store: Store) {
    let fence = running(&store).await;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    let write = JournalWrite {
        begin: begins("flight", "r2"),
        remote: vec![RemoteChange::Remember(RemoteObject {
            kind: RemoteKind::Order,
            key: String::new(),
            id: "77".to_owned(),
        })],
        ..finish(&fence, "order", b"77")
    };
    let before = store.journal(write).await.unwrap().unwrap();
    assert_eq!((before.name.as_str(), before.state), ("flight", StepState::Fresh));
    let steps = store.steps(&"op-b1".into()).await.unwrap();
    let states: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.state)).collect();
    assert_eq!(states, [("order", StepState::Done), ("flight", StepState::Open)]);
    assert_eq!(steps[0].outcome.as_deref(), Some(&b"77"[..]));
    assert_eq!(stored_buy(&store, "b1").await.value.remote_on(&platform("north"))[0].id, "77");
}

pub(crate) async fn what_is_not_open_cannot_be_finished_or_settled(store: Store) {
    let fence = running(&store).await;
    let refused = |outcome| matches!(outcome, Err(StoreError::Stale(_)));
    assert!(refused(store.journal(finish(&fence, "order", b"1")).await));
    assert!(refused(store.journal(settle(&fence, "order", StepState::Fresh)).await));
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    assert!(matches!(store.journal(settle(&fence, "order", StepState::Done)).await, Err(StoreError::Corrupt(_))));
    store.journal(settle(&fence, "order", StepState::Fresh)).await.unwrap();
    assert!(refused(store.journal(finish(&fence, "order", b"1")).await));
    assert!(refused(store.journal(settle(&fence, "order", StepState::Open)).await));
    store.journal(begin(&fence, "order", "r1", 6)).await.unwrap();
    store.journal(finish(&fence, "order", b"1")).await.unwrap();
    assert!(refused(store.journal(settle(&fence, "order", StepState::Fresh)).await));
    assert!(refused(store.journal(settle(&fence, "order", StepState::Open)).await));
    assert_eq!(only_step(&store).await.state, StepState::Done);
}

pub(crate) async fn a_refused_write_leaves_the_journal_as_it_was(store: Store) {
    let fence = running(&store).await;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    let mut write = finish(&fence, "order", b"1");
    write.finished.push(finishes("never begun", b""));
    write.begin = begins("flight", "r2");
    assert!(matches!(store.journal(write).await, Err(StoreError::Stale(_))));
    assert_eq!(only_step(&store).await, step(StepState::Open, "r1", 5));
}

pub(crate) async fn steps_of_platforms_and_operations_are_apart(store: Store) {
    let fence = running(&store).await;
    accept(&store, "b2").await;
    let other = claim(&store, 1).await.fence;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    let elsewhere = JournalWrite { platform: platform("south"), ..begin(&fence, "order", "r2", 6) };
    assert_eq!(store.journal(elsewhere).await.unwrap().unwrap().reference, "r2");
    let theirs = JournalWrite { buy: "b2".into(), ..begin(&other, "order", "r3", 7) };
    assert_eq!(store.journal(theirs).await.unwrap().unwrap().reference, "r3");
    assert_eq!(store.steps(&"op-b1".into()).await.unwrap().len(), 2);
    assert_eq!(store.steps(&"op-b2".into()).await.unwrap().len(), 1);
}

pub(crate) async fn open_steps_are_reset_when_a_person_found_nothing(store: Store) {
    let fence = running(&store).await;
    for name in ["a", "b", "c"] {
        store.journal(begin(&fence, name, name, 5)).await.unwrap();
    }
    store.journal(finish(&fence, "a", b"1")).await.unwrap();
    let elsewhere = JournalWrite { platform: platform("south"), ..begin(&fence, "d", "d", 5) };
    store.journal(elsewhere).await.unwrap();
    let recording = Recording::from(Write::ResetSteps("op-b1".into(), platform("north")));
    // It is part of the decision: if that is refused, the steps stay as they are.
    let stale = Stored { version: 99, ..stored_operation(&store, &"op-b1".into()).await };
    let refused = store.record(recording.clone().with(Write::Operation(stale))).await;
    assert!(matches!(refused, Err(StoreError::Stale(_))));
    assert!(
        store.steps(&"op-b1".into()).await.unwrap().iter().filter(|step| step.state == StepState::Open).count() == 3
    );
    store.record(recording.clone()).await.unwrap();
    let states: Vec<_> = store.steps(&"op-b1".into()).await.unwrap().into_iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Done, StepState::Fresh, StepState::Fresh, StepState::Open]);
    store.record(recording).await.unwrap();
}

pub(crate) async fn remote_objects_are_remembered_replaced_and_forgotten(store: Store) {
    let fence = running(&store).await;
    let remember = |kind, key: &str, id: &str| {
        RemoteChange::Remember(RemoteObject { kind, key: key.to_owned(), id: id.to_owned() })
    };
    let before = stored_buy(&store, "b1").await;
    let mut write = journal(&fence, "b1", 1);
    write.remote = vec![
        remember(RemoteKind::Package, "sports", "1"),
        remember(RemoteKind::Order, "", "2"),
        remember(RemoteKind::Other, "ad:nul\0", "3\0"),
        remember(RemoteKind::Package, "sports", "4"),
        remember(RemoteKind::Creative, "c1", "5"),
        RemoteChange::Forget(RemoteKind::Creative, "c1".to_owned()),
        RemoteChange::Forget(RemoteKind::Creative, "never there".to_owned()),
    ];
    store.journal(write).await.unwrap();
    let elsewhere = JournalWrite {
        platform: platform("south"),
        remote: vec![remember(RemoteKind::Order, "", "9")],
        ..journal(&fence, "b1", 1)
    };
    store.journal(elsewhere).await.unwrap();
    let after = stored_buy(&store, "b1").await;
    let mut expected = before.value.clone();
    for (kind, key, id) in
        [(RemoteKind::Package, "sports", "4"), (RemoteKind::Order, "", "2"), (RemoteKind::Other, "ad:nul\0", "3\0")]
    {
        expected.remember(&platform("north"), RemoteObject { kind, key: key.to_owned(), id: id.to_owned() });
    }
    let order = RemoteObject { kind: RemoteKind::Order, key: String::new(), id: "9".to_owned() };
    expected.remember(&platform("south"), order);
    assert_eq!(after.value, expected);
    // A request that changes the buy meanwhile is not made stale by a worker's journal.
    assert_eq!(after.version, before.version);
}

/// A step that is looked for again, by name, with its rounds.
async fn looked_for(store: &Store, seconds: i64) -> Vec<(String, u32)> {
    let due = store.take_lookups(at(seconds), LEASE, 10).await.unwrap();
    due.into_iter().map(|due| (due.step.name, due.round)).collect()
}

pub(crate) async fn a_lost_request_is_counted_and_its_step_is_looked_for_again(store: Store) {
    let fence = running(&store).await;
    let lost = |name: &str, seconds| {
        let settled = settles(name, StepState::Open).map(|step| SettledStep { lost: true, ..step });
        JournalWrite { settled, ..journal(&fence, "b1", seconds) }
    };
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    assert!(!store.lookup_is_due(at(1_000)).await.unwrap(), "nothing was lost yet");
    store.journal(lost("order", 6)).await.unwrap();
    let known = Step { sent_at: Some(at(6)), lost: 1, ..step(StepState::Open, "r1", 6) };
    assert_eq!(only_step(&store).await, known);
    assert!(store.lookup_is_due(at(6)).await.unwrap());
    // A run that only looks leaves it as it is.
    let looks = begins("order", "r2").map(|step| NewStep { sends: false, ..step });
    let looks = JournalWrite { begin: looks, ..journal(&fence, "b1", 20) };
    assert_eq!(store.journal(looks).await.unwrap(), Some(known.clone()));
    assert_eq!(only_step(&store).await, known);
    // Sent again and lost again, it is lost twice; done, it stays so.
    store.journal(begin(&fence, "order", "r2", 30)).await.unwrap();
    store.journal(lost("order", 40)).await.unwrap();
    assert_eq!((only_step(&store).await.sent_at, only_step(&store).await.lost), (Some(at(40)), 2));
    store.journal(begin(&fence, "order", "r2", 50)).await.unwrap();
    store.journal(finish(&fence, "order", b"77")).await.unwrap();
    assert_eq!((only_step(&store).await.state, only_step(&store).await.lost), (StepState::Done, 2));
    assert_eq!(looked_for(&store, 60).await, [("order".to_owned(), 0)]);
}

pub(crate) async fn a_step_whose_worker_died_or_was_cut_off_may_have_sent_something(store: Store) {
    let first = running(&store).await;
    store.journal(begin(&first, "order", "r1", 5)).await.unwrap();
    let second = claim(&store, 31).await;
    assert_eq!((only_step(&store).await.sent_at, only_step(&store).await.lost), (Some(at(31)), 1));
    // This one only looks, and dies as well: nothing more can have been sent.
    let looks = begins("order", "r2").map(|step| NewStep { sends: false, ..step });
    store.journal(JournalWrite { begin: looks, ..journal(&second.fence, "b1", 40) }).await.unwrap();
    let third = claim(&store, 90).await;
    assert_eq!((only_step(&store).await.sent_at, only_step(&store).await.lost), (Some(at(31)), 1));
    store.journal(begin(&third.fence, "order", "r2", 91)).await.unwrap();
    let queued = super::fixtures::moved(&third.operation, flightdeck::domain::operation::OperationState::Queued, 95);
    let cut_off = Author::Worker(third.fence, LeaseAfter::CutOff(at(95)));
    store.record(Recording::by(cut_off).with(Write::Operation(queued))).await.unwrap();
    assert_eq!((only_step(&store).await.sent_at, only_step(&store).await.lost), (Some(at(95)), 2));
    assert_eq!(looked_for(&store, 95).await, [("order".to_owned(), 0)]);
}

pub(crate) async fn a_look_is_its_takers_for_a_while_and_is_put_off_or_over(store: Store) {
    let fence = running(&store).await;
    for name in ["order", "flight"] {
        store.journal(begin(&fence, name, name, 5)).await.unwrap();
        let finished = vec![FinishedStep { lost: true, ..finishes(name, b"1") }];
        store.journal(JournalWrite { finished, ..journal(&fence, "b1", 6) }).await.unwrap();
    }
    assert_eq!(store.take_lookups(at(6), LEASE, 1).await.unwrap().len(), 1, "as many as were asked for");
    assert_eq!(looked_for(&store, 7).await.len(), 1, "the other one is still to be had");
    assert_eq!(looked_for(&store, 30).await, [], "both are taken");
    assert!(!store.lookup_is_due(at(30)).await.unwrap());
    assert_eq!(looked_for(&store, 40).await.len(), 2, "whoever took them died");
    let next = |name: &str, after: Option<u64>| NextLookup {
        operation: "op-b1".into(),
        platform: platform("north"),
        name: name.to_owned(),
        after: after.map(Duration::from_secs),
        round: 3,
        told: vec!["77".to_owned()],
        fence: 2,
        held: false,
    };
    let stale = |result| assert!(matches!(result, Err(StoreError::Stale("the lookup"))), "{result:?}");
    for (name, after) in [("order", Some(100)), ("flight", None)] {
        let late = NextLookup { fence: 1, ..next(name, after) };
        stale(store.record(Write::Lookup(late, at(45))).await);
        store.record(Write::Lookup(next(name, after), at(50))).await.unwrap();
    }
    stale(store.record(Write::Lookup(next("flight", None), at(51))).await);
    assert_eq!(looked_for(&store, 149).await, []);
    let due = store.take_lookups(at(150), LEASE, 10).await.unwrap();
    assert_eq!(
        due.iter().map(|due| (due.step.name.as_str(), due.round, due.told.clone())).collect::<Vec<_>>(),
        [("order", 3, vec!["77".to_owned()])]
    );
    assert_eq!(looked_for(&store, 1_000_000).await.len(), 1, "the flight is looked for no more");
}

/// Ends a step, one of whose requests got no answer.
fn loses(fence: &Fence, name: &'static str, seconds: i64) -> JournalWrite {
    let finished = vec![FinishedStep { lost: true, ..finishes(name, b"1") }];
    JournalWrite { finished, ..journal(fence, "b1", seconds) }
}

/// Takes the lookups of two lost requests, of a flight and then of an order, at second 10.
async fn held_lookups(store: &Store) -> (Fence, Vec<DueLookup>) {
    let fence = running(store).await;
    for (name, seconds) in [("flight", 6), ("order", 7)] {
        store.journal(begin(&fence, name, name, 5)).await.unwrap();
        store.journal(loses(&fence, name, seconds)).await.unwrap();
    }
    (fence, store.take_lookups(at(10), LEASE, 10).await.unwrap())
}

pub(crate) async fn a_late_heartbeat_does_not_bring_the_next_look_forward(store: Store) {
    let (_, held) = held_lookups(&store).await;
    assert_eq!(held.iter().map(|held| held.fence).collect::<Vec<_>>(), [1, 1]);
    // A heartbeat that comes after the result does not bring the next lookup forward; one that comes after
    // a notice, with which the taker goes on, counts.
    let next = |index: usize, after, is_held| NextLookup {
        operation: held[index].step.operation.clone(),
        platform: held[index].step.platform.clone(),
        name: held[index].step.name.clone(),
        after: Some(Duration::from_secs(after)),
        round: 1,
        told: Vec::new(),
        fence: held[index].fence,
        held: is_held,
    };
    store.record(Write::Lookup(next(1, 500, false), at(11))).await.unwrap();
    store.record(Write::Lookup(next(0, 20, true), at(11))).await.unwrap();
    let late = store.prolong_lookups(&held[1..], at(12), LEASE).await;
    assert!(matches!(late, Err(StoreError::Stale("the lookup"))), "{late:?}");
    store.prolong_lookups(&held[..1], at(12), LEASE).await.unwrap();
    assert_eq!(looked_for(&store, 41).await, [], "the flight is held, and the order is due much later");
    assert_eq!(store.take_lookups(at(511), LEASE, 10).await.unwrap().len(), 2);
}

pub(crate) async fn a_look_stays_its_takers_while_the_lease_is_prolonged(store: Store) {
    let (fence, held) = held_lookups(&store).await;
    store.prolong_lookups(&held, at(30), LEASE).await.unwrap();
    assert_eq!(looked_for(&store, 59).await, [], "prolonged");
    // What is lost again meanwhile is looked for from the beginning, and not by who held it.
    store.journal(begin(&fence, "order", "order", 40)).await.unwrap();
    store.journal(loses(&fence, "order", 41)).await.unwrap();
    store.prolong_lookups(&held, at(42), LEASE).await.unwrap();
    let order: Vec<_> = held.iter().filter(|held| held.step.name == "order").cloned().collect();
    let refused = store.prolong_lookups(&order, at(42), LEASE).await;
    assert!(matches!(refused, Err(StoreError::Stale("the lookup"))), "{refused:?}");
    assert_eq!(looked_for(&store, 43).await, [("order".to_owned(), 0)]);
    // After the lease, another one has them.
    assert_eq!(looked_for(&store, 72).await, [("flight".to_owned(), 0)]);
    let refused = store.prolong_lookups(&held, at(73), LEASE).await;
    assert!(matches!(refused, Err(StoreError::Stale("the lookup"))), "{refused:?}");
}

pub(crate) async fn a_worker_without_its_lease_writes_no_journal(store: Store) {
    let first = running(&store).await;
    let second = claim(&store, 31).await.fence;
    assert!(matches!(store.journal(begin(&first, "order", "r1", 32)).await, Err(StoreError::Fenced(_))));
    assert!(store.steps(&"op-b1".into()).await.unwrap().is_empty());
    store.journal(begin(&second, "order", "r2", 32)).await.unwrap();
    assert!(matches!(store.journal(finish(&first, "order", b"1")).await, Err(StoreError::Fenced(_))));
    assert_eq!(only_step(&store).await, step(StepState::Open, "r2", 32));
    // Out of time, but not replaced: what it did must not be lost.
    assert!(store.claim("other", at(60), LEASE).await.unwrap().is_none());
    store.journal(finish(&second, "order", b"1")).await.unwrap();
}
