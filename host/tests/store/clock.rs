//! What the clock does to tasks that nobody decides.

use std::{collections::BTreeMap, time::Duration};

use flightdeck::{
    domain::{
        event::{EventData, EventKind},
        operation::{Frozen, Leg, LegState, Operation, OperationState},
        status::BuyStatus,
        step::StepState,
        task::{Resolution, Task, TaskKind, TaskStatus},
        time::Timestamp,
    },
    operations::{Signals, decisions, timers},
    store::{AuditEntry, Author, DecisionWindow, Expired, JournalWrite, Recording, StoreError, Stored, Write},
};

use super::fixtures::{
    LEASE, Store, accept, at, audit, begins, buy, claim, journal, moved, operation, platform, stored_buy,
    stored_operation, stored_task, task,
};

const DEADLINE: Duration = Duration::from_secs(3_600);

pub(crate) async fn tick(store: &Store, seconds: i64) {
    timers::tick(store, &Signals::default(), DEADLINE, at(seconds)).await.unwrap();
}

/// The create of `b1`, claimed and frozen, with a step begun that may have made something.
async fn begun(store: &Store) -> Stored<Operation> {
    accept(store, "b1").await;
    let mut claim = claim(store, 0).await;
    let operation = &mut claim.operation.value;
    let (releases, platforms) = (BTreeMap::new(), BTreeMap::new());
    operation.frozen =
        Some(Frozen { current: buy("b1"), desired: buy("b1"), earlier: Vec::new(), releases, platforms });
    operation.legs = vec![Leg { platform: platform("north"), state: LegState::Pending, failure: None, outcome: None }];
    let begin = begins("order", "reference");
    store.journal(JournalWrite { begin, ..journal(&claim.fence, "b1", 0) }).await.unwrap();
    claim.operation
}

/// Has an operation wait with a task.
pub(crate) async fn wait(store: &Store, mut stored: Stored<Operation>, state: OperationState, mut task: Task) {
    stored = moved(&stored, state, 1);
    stored.value.tasks.push(task.id.clone());
    task.operation = stored.value.id.clone();
    let recording = Recording::from([Write::Operation(stored), Write::NewTask(task)]);
    store.record(recording).await.unwrap();
}

pub(crate) fn of_kind(id: &str, kind: TaskKind) -> Task {
    Task { kind, ..task(id, &operation("op-b1", "b1")) }
}

/// What the last line of the audit log about a task says: what was done and by whom. It has a reason and a digest.
async fn audited(store: &Store, task: &str) -> (String, String) {
    let line = store.last_audit(task).await.unwrap().expect("a line");
    let entry: AuditEntry = serde_json::from_str(&line.text).unwrap();
    assert!(entry.reason.is_some() && entry.digest == "d".repeat(64), "{entry:?}");
    (entry.action, entry.actor)
}

pub(crate) async fn a_task_that_nobody_decides_fails_its_operation_and_its_buy(store: Store) {
    accept(&store, "b1").await;
    let claim = claim(&store, 0).await;
    wait(&store, claim.operation, OperationState::AwaitingApproval, of_kind("t1", TaskKind::ManualApproval)).await;
    tick(&store, 7_199).await;
    assert_eq!(stored_task(&store, "t1").await.value.status, TaskStatus::Escalated, "late");
    assert_eq!(audited(&store, "t1").await, ("task.escalated".to_owned(), "flightdeck".to_owned()));
    tick(&store, 7_200).await;
    assert_eq!(audited(&store, "t1").await, ("task.expired".to_owned(), "flightdeck".to_owned()));
    let ended = stored_operation(&store, &"op-b1".into()).await.value;
    assert_eq!(ended.state, OperationState::Failed);
    assert_eq!(ended.failure.unwrap().code, "EXPIRED");
    let task = stored_task(&store, "t1").await.value;
    assert_eq!((task.status, task.decision), (TaskStatus::Failed, Some(Resolution::CannotComplete)));
    assert_eq!(stored_buy(&store, "b1").await.value.status, BuyStatus::Failed);
    tick(&store, 8_000).await;
}

pub(crate) async fn what_waited_in_a_copy_is_not_given_up_before_somebody_has_looked(store: Store) {
    accept(&store, "b1").await;
    let claim = claim(&store, 0).await;
    wait(&store, claim.operation, OperationState::AwaitingApproval, of_kind("t1", TaskKind::ManualApproval)).await;
    store.mark("restored", at(5_000), audit("database.restored", "database")).await.unwrap();
    tick(&store, 7_200).await;
    // It may have been approved after the copy was made, and deliver.
    assert_eq!(stored_operation(&store, &"op-b1".into()).await.value.state, OperationState::AwaitingApproval);
    let task = stored_task(&store, "t1").await.value;
    assert_eq!((task.status, task.decision), (TaskStatus::Escalated, None));
    assert!(task.expires_at > at(7_200));
    let told = store.history(&"t1".into()).await.unwrap();
    let words = told.last().and_then(|line| line.words.clone()).unwrap_or_default();
    assert!(words.contains("restored") && words.contains("has looked"), "{words}");
}

pub(crate) async fn a_task_that_was_decided_does_not_expire(store: Store) {
    accept(&store, "b1").await;
    let claim = claim(&store, 0).await;
    let mut approved = of_kind("t1", TaskKind::ManualApproval);
    (approved.status, approved.decision) = (TaskStatus::InProgress, Some(Resolution::Approved));
    wait(&store, claim.operation, OperationState::AwaitingPermission, approved).await;
    tick(&store, 100_000).await;
    assert_eq!(stored_operation(&store, &"op-b1".into()).await.value.state, OperationState::AwaitingPermission);
    assert_eq!(stored_task(&store, "t1").await.value.status, TaskStatus::InProgress);
}

pub(crate) async fn every_task_of_an_operation_closes_when_one_expires(store: Store) {
    accept(&store, "b1").await;
    let mut stored = claim(&store, 0).await.operation;
    stored.value.tasks.push("t0".into());
    let mut approved = of_kind("t0", TaskKind::ManualApproval);
    (approved.status, approved.decision) = (TaskStatus::InProgress, Some(Resolution::Approved));
    store.record(Write::NewTask(approved)).await.unwrap();
    wait(&store, stored, OperationState::AwaitingPermission, of_kind("t1", TaskKind::PermissionException)).await;
    tick(&store, 7_200).await;
    for id in ["t0", "t1"] {
        assert_eq!(stored_task(&store, id).await.value.status, TaskStatus::Failed, "{id}");
    }
}

pub(crate) async fn what_may_have_been_made_is_cancelled_when_its_task_expires(store: Store) {
    let begun = begun(&store).await;
    wait(&store, begun, OperationState::AwaitingPermission, of_kind("t1", TaskKind::PermissionException)).await;
    tick(&store, 7_200).await;
    let operation = stored_operation(&store, &"op-b1".into()).await.value;
    assert_eq!(operation.state, OperationState::Queued, "it runs on, to cancel");
    assert_eq!(operation.undoing.unwrap().code, "EXPIRED");
    assert_eq!((operation.claims, operation.deadline), (0, at(7_200).plus(DEADLINE)));
    let task = stored_task(&store, "t1").await.value;
    assert!(task.status.is_open() && task.decision == Some(Resolution::CannotComplete), "{task:?}");
    // The step is left as it is: what cancels looks for what it may have made.
    assert_eq!(store.steps(&"op-b1".into()).await.unwrap()[0].state, StepState::Open);
    assert!(store.claim("worker", at(7_200), LEASE).await.unwrap().is_some());
}

pub(crate) async fn parked_operations_are_kept_for_a_person_and_hold_up_no_other_task(store: Store) {
    let begun = begun(&store).await;
    wait(&store, begun, OperationState::Parked, of_kind("t1", TaskKind::Reconciliation)).await;
    tick(&store, 7_200).await;
    let task = stored_task(&store, "t1").await.value;
    assert!(task.status.is_open() && task.decision.is_none(), "{task:?}");
    assert!(task.expires_at > at(7_200));
    assert_eq!(stored_operation(&store, &"op-b1".into()).await.value.state, OperationState::Parked);
    let due: Vec<Timestamp> =
        store.tasks_due(at(7_201), 10).await.unwrap().into_iter().map(|due| due.task.value.expires_at).collect();
    assert!(due.is_empty(), "it was seen to: {due:?}");
}

pub(crate) async fn a_buy_that_a_person_finishes_after_its_end_is_over(store: Store) {
    let begun = begun(&store).await;
    wait(&store, begun, OperationState::Parked, of_kind("t1", TaskKind::Reconciliation)).await;
    let mut waiting = stored_buy(&store, "b1").await;
    waiting.value.status = BuyStatus::PendingManual;
    store.record(Write::Buy(waiting)).await.unwrap();

    let long_after = buy("b1").end.plus_millis(1);
    let mut decided = stored_task(&store, "t1").await;
    decided.value.status = TaskStatus::InProgress;
    decisions::decide(&mut decided.value, Resolution::Completed, None, "rita");
    let operation = stored_operation(&store, &"op-b1".into()).await;
    let mut recording = Recording::default();
    decisions::finish_by_hand(&store, operation, decided, long_after, &mut recording).await.unwrap();
    store.record(recording).await.unwrap();

    assert_eq!(stored_buy(&store, "b1").await.value.status, BuyStatus::Completed);
    let told = store.events(&"b1".into(), 100).await.unwrap();
    let status = told.iter().find(|event| event.kind == EventKind::BuyStatusChanged).expect("it is told");
    let EventData::BuyStatus { status, before, .. } = &status.data else { panic!("{status:?}") };
    assert_eq!((*status, *before), (BuyStatus::Completed, Some(BuyStatus::PendingManual)));
}

pub(crate) async fn booked_buys_have_their_turn_one_after_the_other(store: Store) {
    for id in ["b1", "b2", "b3"] {
        accept(&store, id).await;
    }
    let (every, settle) = (Duration::from_secs(100), Duration::from_secs(7));
    let turns = |seconds: i64, limit: u32| {
        let store = store.clone();
        async move { store.take_turns(at(seconds), at(seconds - 10), every, settle, limit).await.unwrap() }
    };
    assert!(turns(0, 10).await.is_empty(), "nothing is booked yet");
    for (id, seconds) in [("b2", 1), ("b1", 2), ("b3", 3)] {
        let mut stored = stored_buy(&store, id).await;
        (stored.value.booked_at, stored.value.updated_at) = (Some(at(seconds)), at(seconds));
        store.record(Write::Buy(stored)).await.unwrap();
    }
    assert!(turns(100, 10).await.is_empty(), "they were just booked");
    let mut first = turns(110, 2).await;
    first.sort();
    assert_eq!(first, ["b1".into(), "b2".into()], "they were booked first");
    assert_eq!(turns(110, 2).await, ["b3".into()], "the others had their turn");
    assert!(turns(110 + 49, 10).await.is_empty(), "not before half of the time has passed");
    assert_eq!(turns(110 + 100, 10).await.len(), 3, "and not after all of it");
    // A later record does not change whose turn it is.
    let stored = stored_buy(&store, "b1").await;
    store.record(Write::Buy(stored)).await.unwrap();
    assert!(turns(110 + 149, 10).await.is_empty());
    // Unless it wants a look: then it has its turn at once, and once more when the ad server has settled.
    let look = |id: &str| store.record(Write::ReadStatusSoon(id.into()));
    look("b1").await.unwrap();
    assert_eq!(turns(110 + 120, 10).await, ["b1".into()]);
    assert!(turns(110 + 126, 10).await.is_empty());
    assert_eq!(turns(110 + 127, 10).await, ["b1".into()]);
    assert!(turns(110 + 149, 10).await.is_empty(), "and then as before");
    accept(&store, "b4").await;
    look("b4").await.unwrap();
    assert!(turns(110 + 149, 10).await.is_empty(), "what was not booked is nowhere");
    // What is over is left alone, until its end is moved.
    let mut over = stored_buy(&store, "b1").await;
    over.value.end = at(100);
    store.record(Write::Buy(over)).await.unwrap();
    assert_eq!(turns(110 + 300, 10).await.len(), 2);
    let mut longer = stored_buy(&store, "b1").await;
    (longer.value.end, longer.value.updated_at) = (at(1_000_000), at(420));
    store.record(Write::Buy(longer)).await.unwrap();
    assert!(turns(520, 10).await.contains(&"b1".into()));
}

pub(crate) async fn a_decision_is_written_in_time_or_not_at_all(store: Store) {
    accept(&store, "b1").await;
    let claim = claim(&store, 0).await;
    wait(&store, claim.operation, OperationState::AwaitingApproval, of_kind("t1", TaskKind::ManualApproval)).await;
    let read = stored_task(&store, "t1").await;
    let decide = async |seconds: i64, task: bool, flight: bool| {
        let mut stored = stored_task(&store, "t1").await;
        stored.value.version += 1;
        let window =
            DecisionWindow { task: task.then(|| "t1".into()), flight: flight.then(|| "b1".into()), at: at(seconds) };
        store.record(Recording::by(Author::Reviewer(window)).with(Write::Task(stored))).await
    };
    let over = 40 * 86_400;
    for (seconds, task, flight, late) in [
        (7_200, true, false, Expired::Task),
        (7_200, true, true, Expired::Task),
        (over, false, true, Expired::Flight),
        (over + 1, false, true, Expired::Flight),
    ] {
        let refused = decide(seconds, task, flight).await;
        assert!(matches!(refused, Err(StoreError::Expired(what)) if what == late), "{seconds} {refused:?}");
        assert_eq!(stored_task(&store, "t1").await, read, "nothing was written");
    }
    for (seconds, task, flight) in [(7_199, true, true), (over - 1, false, true), (over, false, false)] {
        decide(seconds, task, flight).await.unwrap();
    }
}
