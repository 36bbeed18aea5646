//! Steps and remote objects.

use flightdeck::{
    domain::{
        media_buy::{RemoteKind, RemoteObject},
        step::{Step, StepState},
        time::Timestamp,
    },
    store::{Fence, FinishedStep, JournalWrite, Recording, RemoteChange, StoreError, Stored},
};

use super::fixtures::{AnyStore, LEASE, accept, at, claim, journal, platform, stored_buy, stored_operation};

fn begin(fence: &Fence, name: &str, reference: &str, seconds: i64) -> JournalWrite {
    JournalWrite { begin: Some((name.to_owned(), reference.to_owned())), ..journal(fence, "b1", seconds) }
}

fn finish(fence: &Fence, name: &str, outcome: &[u8]) -> JournalWrite {
    let finished = vec![FinishedStep { name: name.to_owned(), outcome: outcome.to_vec() }];
    JournalWrite { finished, ..journal(fence, "b1", 1) }
}

fn settle(fence: &Fence, name: &str, state: StepState) -> JournalWrite {
    JournalWrite { settled: Some((name.to_owned(), state)), ..journal(fence, "b1", 1) }
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
    }
}

fn never_begun(reference: &str) -> Step {
    Step { begun_at: Timestamp::NEVER, ..step(StepState::Fresh, reference, 0) }
}

async fn running(store: &AnyStore) -> Fence {
    accept(store, "b1").await;
    claim(store, 0).await.fence
}

async fn only_step(store: &AnyStore) -> Step {
    let mut steps = store.steps(&"op-b1".into()).await.unwrap();
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

pub(crate) async fn a_step_goes_from_fresh_to_open_to_done(store: AnyStore) {
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

pub(crate) async fn a_step_in_doubt_keeps_its_reference_and_its_doubt_begins_anew_with_each_run(store: AnyStore) {
    let fence = running(&store).await;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    let next = claim(&store, 31).await.fence;
    assert_eq!(store.journal(begin(&next, "order", "r2", 40)).await.unwrap(), Some(step(StepState::Open, "r1", 31)));
    assert_eq!(only_step(&store).await, step(StepState::Open, "r1", 40));
    let settled = JournalWrite { at: at(55), ..settle(&next, "order", StepState::Open) };
    store.journal(settled).await.unwrap();
    assert_eq!(only_step(&store).await, step(StepState::Open, "r1", 55));
}

pub(crate) async fn a_step_settled_as_fresh_is_begun_anew_with_its_reference(store: AnyStore) {
    let fence = running(&store).await;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    store.journal(settle(&fence, "order", StepState::Fresh)).await.unwrap();
    store.journal(settle(&fence, "order", StepState::Fresh)).await.unwrap();
    assert_eq!(store.journal(begin(&fence, "order", "r2", 40)).await.unwrap(), Some(step(StepState::Fresh, "r1", 5)));
    assert_eq!(only_step(&store).await, step(StepState::Open, "r1", 40));
}

pub(crate) async fn finishing_one_step_and_beginning_the_next_is_one_write(store: AnyStore) {
    let fence = running(&store).await;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    let write = JournalWrite {
        begin: Some(("flight".to_owned(), "r2".to_owned())),
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

pub(crate) async fn what_is_not_open_cannot_be_finished_or_settled(store: AnyStore) {
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

pub(crate) async fn a_refused_write_leaves_the_journal_as_it_was(store: AnyStore) {
    let fence = running(&store).await;
    store.journal(begin(&fence, "order", "r1", 5)).await.unwrap();
    let mut write = finish(&fence, "order", b"1");
    write.finished.push(FinishedStep { name: "never begun".to_owned(), outcome: Vec::new() });
    write.begin = Some(("flight".to_owned(), "r2".to_owned()));
    assert!(matches!(store.journal(write).await, Err(StoreError::Stale(_))));
    assert_eq!(only_step(&store).await, step(StepState::Open, "r1", 5));
}

pub(crate) async fn steps_of_platforms_and_operations_are_apart(store: AnyStore) {
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

pub(crate) async fn open_steps_are_reset_when_a_person_found_nothing(store: AnyStore) {
    let fence = running(&store).await;
    for name in ["a", "b", "c"] {
        store.journal(begin(&fence, name, name, 5)).await.unwrap();
    }
    store.journal(finish(&fence, "a", b"1")).await.unwrap();
    let elsewhere = JournalWrite { platform: platform("south"), ..begin(&fence, "d", "d", 5) };
    store.journal(elsewhere).await.unwrap();
    let recording = Recording { reset_steps: vec![("op-b1".into(), platform("north"))], ..Recording::default() };
    // It is part of the decision: if that is refused, the steps stay as they are.
    let stale = Stored { version: 99, ..stored_operation(&store, &"op-b1".into()).await };
    let refused = store.record(Recording { operations: vec![stale], ..recording.clone() }).await;
    assert!(matches!(refused, Err(StoreError::Stale(_))));
    assert!(
        store.steps(&"op-b1".into()).await.unwrap().iter().filter(|step| step.state == StepState::Open).count() == 3
    );
    store.record(recording.clone()).await.unwrap();
    let states: Vec<_> = store.steps(&"op-b1".into()).await.unwrap().into_iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Done, StepState::Fresh, StepState::Fresh, StepState::Open]);
    store.record(recording).await.unwrap();
}

pub(crate) async fn remote_objects_are_remembered_replaced_and_forgotten(store: AnyStore) {
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

pub(crate) async fn a_worker_without_its_lease_writes_no_journal(store: AnyStore) {
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
