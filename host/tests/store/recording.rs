//! What one decision writes.

use flightdeck::{
    domain::{
        event::{EventData, EventKind},
        id::TaskId,
        media_buy::{RemoteKind, RemoteObject},
        operation::OperationState,
        status::BuyStatus,
        task::TaskMove,
    },
    store::{
        AuditEntry, Author, BuyFilter, IdempotencyEntry, JournalWrite, LeaseAfter, Recording, RemoteChange, StoreError,
        TaskFilter, Write,
    },
};
use serde_json::json;

use super::fixtures::{
    LEASE, Store, accept, at, audit, begins, buy, claim, event, journal, key, line, moved, operation, payload,
    platform, stored_buy, stored_operation, stored_task, task,
};
use super::{auditing, webhooks};

pub(crate) async fn all_parts_of_a_recording_are_written_and_read_back(store: Store) {
    let operation = operation("op-1", "b1");
    let task = task("t1", &operation);
    let happened = [event("b1", EventKind::TaskCreated), event("b1", EventKind::BuyStatusChanged)];
    let [first, second] = happened.clone();
    let recording = [
        Write::NewKey(key("k", "op-1")),
        Write::NewBuy(buy("b1")),
        Write::NewOperation(operation.clone()),
        Write::NewTask(task.clone()),
        Write::History(task.id.clone(), line("created", 0)),
        Write::History(task.id.clone(), line("assign", 1)),
        Write::Event(first),
        Write::Event(second),
        Write::Audit(audit("operation.accepted", "op-1")),
        Write::Audit(audit("task.created", "t1")),
    ];
    store.record(recording).await.unwrap();

    assert_eq!(stored_buy(&store, "b1").await.value, buy("b1"));
    assert_eq!(stored_operation(&store, &operation.id).await.value, operation);
    assert_eq!(stored_task(&store, "t1").await.value, task);
    assert_eq!(store.history(&task.id).await.unwrap(), [line("created", 0), line("assign", 1)]);
    assert_eq!(store.events(&"b1".into(), 10).await.unwrap(), happened);
    assert_eq!(store.idempotency(&operation.principal, "k").await.unwrap(), Some(key("k", "op-1")));
}

pub(crate) async fn what_exists_already_is_not_written_again(store: Store) {
    let id = accept(&store, "b1").await;
    let stored = stored_operation(&store, &id).await.value;
    let with_task = Recording::from(Write::NewTask(task("t1", &stored)));
    store.record(with_task.clone()).await.unwrap();
    let again = [
        Recording::from(Write::NewBuy(buy("b1"))),
        Recording::from(Write::NewOperation(operation("op-b1", "b1"))),
        with_task,
    ];
    for recording in again {
        assert!(matches!(store.record(recording).await, Err(StoreError::Stale(_))));
    }
}

pub(crate) async fn a_stale_part_keeps_everything_else_from_being_written(store: Store) {
    accept(&store, "b1").await;
    let mut stale = stored_buy(&store, "b1").await;
    stale.version += 1;
    let fresh = operation("op-new", "b2");
    let recording = Recording::from([
        Write::NewKey(key("k", "op-new")),
        Write::NewBuy(buy("b2")),
        Write::Buy(stale),
        Write::NewOperation(fresh.clone()),
        Write::NewTask(task("t1", &fresh)),
        Write::History("t1".into(), line("created", 0)),
        Write::Event(event("b2", EventKind::TaskCreated)),
    ]);
    assert!(matches!(store.record(recording).await, Err(StoreError::Stale(_))));
    assert!(store.buy(&"b2".into()).await.unwrap().is_none());
    assert!(store.operation(&fresh.id).await.unwrap().is_none());
    assert!(store.task(&"t1".into()).await.unwrap().is_none());
    assert!(store.history(&"t1".into()).await.unwrap().is_empty());
    assert!(store.events(&"b2".into(), 10).await.unwrap().is_empty());
    assert!(store.idempotency(&fresh.principal, "k").await.unwrap().is_none());
}

pub(crate) async fn a_version_rises_with_each_write_and_an_old_one_is_refused(store: Store) {
    let id = accept(&store, "b1").await;
    let read = stored_buy(&store, "b1").await;
    let mut changed = read.clone();
    changed.value.detail = "changed".to_owned();
    let write = |buy| Recording::from(Write::Buy(buy));
    store.record(write(changed.clone())).await.unwrap();
    let now = stored_buy(&store, "b1").await;
    assert_eq!(now.value, changed.value);
    assert!(now.version > read.version);
    assert!(matches!(store.record(write(changed)).await, Err(StoreError::Stale(_))));

    let read = stored_operation(&store, &id).await;
    let failed = moved(&read, OperationState::Failed, 1);
    let write = |operation| Recording::from(Write::Operation(operation));
    store.record(write(failed.clone())).await.unwrap();
    assert!(stored_operation(&store, &id).await.version > read.version);
    assert!(matches!(store.record(write(failed)).await, Err(StoreError::Stale(_))));
}

pub(crate) async fn several_operations_and_tasks_change_together(store: Store) {
    let ids = [accept(&store, "b1").await, accept(&store, "b2").await];
    let (mut operations, mut tasks) = (Vec::new(), Vec::new());
    for (index, id) in ids.iter().enumerate() {
        let stored = stored_operation(&store, id).await;
        let name = format!("t{index}");
        let with_task = Recording::from(Write::NewTask(task(&name, &stored.value)));
        store.record(with_task).await.unwrap();
        let mut closed = stored_task(&store, &name).await;
        closed.value.advance(TaskMove::Close).unwrap();
        tasks.push(closed);
        operations.push(moved(&stored, OperationState::Failed, 1));
    }
    let change = |tasks: &[_]| -> Recording {
        let tasks = tasks.iter().cloned().map(Write::Task);
        operations.iter().cloned().map(Write::Operation).chain(tasks).collect()
    };
    let mut half_stale = tasks.clone();
    half_stale[1].version += 1;
    assert!(matches!(store.record(change(&half_stale)).await, Err(StoreError::Stale(_))));
    assert!(stored_task(&store, "t0").await.value.status.is_open());

    store.record(change(&tasks)).await.unwrap();
    for (index, id) in ids.iter().enumerate() {
        assert_eq!(stored_operation(&store, id).await.value.state, OperationState::Failed);
        assert!(!stored_task(&store, &format!("t{index}")).await.value.status.is_open());
    }
}

pub(crate) async fn a_recording_under_a_lost_lease_is_refused(store: Store) {
    let id = accept(&store, "b1").await;
    let first = claim(&store, 0).await;
    let second = claim(&store, 31).await;
    let write = |claim: &flightdeck::store::Claim| {
        Recording::by(Author::Worker(claim.fence.clone(), LeaseAfter::Kept))
            .with(Write::Operation(moved(&claim.operation, OperationState::Succeeded, 32)))
            .with(Write::Event(event("b1", EventKind::OperationSucceeded)))
    };
    match store.record(write(&first)).await {
        Err(StoreError::Fenced(operation)) => assert_eq!(operation, id),
        other => panic!("{other:?}"),
    }
    assert!(store.events(&"b1".into(), 10).await.unwrap().is_empty());
    store.record(write(&second)).await.unwrap();
    assert_eq!(stored_operation(&store, &id).await.value.state, OperationState::Succeeded);
    // The run is over, and with it the right to write.
    let late = Recording::by(Author::Worker(second.fence, LeaseAfter::Kept));
    assert!(matches!(store.record(late).await, Err(StoreError::Fenced(_))));
}

pub(crate) async fn releasing_gives_the_lease_back(store: Store) {
    accept(&store, "b1").await;
    let held = claim(&store, 0).await;
    let release = Recording::by(Author::Worker(held.fence.clone(), LeaseAfter::Released));
    store.record(release.clone()).await.unwrap();
    assert!(matches!(store.record(release).await, Err(StoreError::Fenced(_))));
    assert!(matches!(store.prolong(&held.fence, at(1), LEASE).await, Err(StoreError::Fenced(_))));
    assert!(matches!(store.journal(journal(&held.fence, "b1", 1)).await, Err(StoreError::Fenced(_))));
    // It still says that it runs, and nobody has it: the next worker may take it without waiting for a lease to run out.
    assert_eq!(claim(&store, 1).await.fence.number, held.fence.number + 1);
}

pub(crate) async fn a_run_that_ends_takes_its_lease_along(store: Store) {
    let id = accept(&store, "b1").await;
    let held = claim(&store, 0).await;
    let mut queued = moved(&held.operation, OperationState::Queued, 1);
    queued.value.run_at = at(5);
    // Somebody without a fence may end a run, too: a person, the clock.
    store.record(Write::Operation(queued)).await.unwrap();
    assert!(matches!(store.prolong(&held.fence, at(2), LEASE).await, Err(StoreError::Fenced(_))));
    assert!(store.claim("other", at(4), LEASE).await.unwrap().is_none());
    let next = claim(&store, 5).await;
    assert_eq!((&next.fence.operation, next.fence.number), (&id, held.fence.number + 1));
}

pub(crate) async fn remote_objects_are_not_taken_from_a_recording(store: Store) {
    let mut first = buy("b1");
    let object = RemoteObject { kind: RemoteKind::Order, key: String::new(), id: "77".to_owned() };
    first.remember(&platform("north"), object.clone());
    store.record(Write::NewBuy(first)).await.unwrap();
    let mut read = stored_buy(&store, "b1").await;
    assert!(read.value.remote.is_empty());
    read.value.remember(&platform("north"), object);
    store.record(Write::Buy(read)).await.unwrap();
    assert!(stored_buy(&store, "b1").await.value.remote.is_empty());
}

pub(crate) async fn odd_text_is_kept_as_it_is(store: Store) {
    let odd = "quote ' \" backslash \\ newline \n nul \0 emoji \u{1f6eb} private \u{f8f0} \u{f8f0}0 \u{f8f0}1 ?1 $1 ; \
               DROP TABLE tasks";
    let mut odd_buy = buy("b1");
    odd_buy.po_number = Some(odd.to_owned());
    let mut odd_operation = operation("op-1", "b1");
    odd_operation.request = json!({ odd: [odd, 0.1, 1e300, i64::MAX, u64::MAX, null] });
    let mut odd_task = task("t1", &odd_operation);
    odd_task.reason = odd.into();
    let mut odd_line = line("comment", 0);
    odd_line.words = Some(odd.to_owned());
    let mut odd_event = event("b1", EventKind::TaskCreated);
    odd_event.data = EventData::BuyStatus { status: BuyStatus::Active, before: None, detail: odd.to_owned() };
    let recording = Recording::from([
        Write::NewKey(key(odd, "op-1")),
        Write::NewBuy(odd_buy.clone()),
        Write::NewOperation(odd_operation.clone()),
        Write::NewTask(odd_task.clone()),
        Write::History(TaskId::from("t1"), odd_line.clone()),
        Write::Event(odd_event.clone()),
        Write::Audit(AuditEntry { reason: Some(odd.to_owned()), ..audit("odd", odd) }),
    ]);
    let mut endpoint = webhooks::endpoint("mine", None, &[EventKind::TaskCreated]);
    endpoint.description = Some(odd.to_owned());
    webhooks::add(&store, &endpoint).await;
    store.record(recording).await.unwrap();
    assert_eq!(stored_buy(&store, "b1").await.value, odd_buy);
    let filter = BuyFilter { po_number: Some(odd.to_owned()), limit: 9, ..BuyFilter::default() };
    assert_eq!(store.buys(&filter).await.unwrap(), [odd_buy.clone()]);
    assert_eq!(stored_operation(&store, &odd_operation.id).await.value, odd_operation);
    assert_eq!(store.history(&"t1".into()).await.unwrap(), [odd_line]);
    assert_eq!(store.events(&"b1".into(), 1).await.unwrap(), [odd_event.clone()]);
    store.record_answer(&odd_buy.principal, odd, &json!({ odd: odd })).await.unwrap();
    let entry = IdempotencyEntry { answer: Some(json!({ odd: odd })), ..key(odd, "op-1") };
    assert_eq!(store.idempotency(&odd_buy.principal, odd).await.unwrap(), Some(entry));
    assert_eq!(stored_task(&store, "t1").await.value, odd_task);
    let filter = TaskFilter { limit: 9, ..TaskFilter::default() };
    assert_eq!(store.tasks(&filter).await.unwrap().tasks, [odd_task]);
    let lines = auditing::whole(&store).await;
    assert_eq!(store.last_audit(odd).await.unwrap().as_ref(), lines.last());
    auditing::verify(&lines).unwrap();
    let due = store.claim_delivery(at(0), LEASE).await.unwrap().expect("it is due");
    assert_eq!((due.endpoint, due.body), (endpoint, payload(&odd_event)));
    // While it runs.
    let held = claim(&store, 0).await;
    assert_eq!(held.operation.value.request, odd_operation.request);
    let object = RemoteObject { kind: RemoteKind::Order, key: odd.to_owned(), id: odd.to_owned() };
    let begin = begins(odd, odd);
    let remote = vec![RemoteChange::Remember(object.clone())];
    store.journal(JournalWrite { remote, begin, ..journal(&held.fence, "b1", 0) }).await.unwrap();
    assert_eq!(stored_buy(&store, "b1").await.value.remote_on(&platform("north")), [object]);
    let steps = store.steps(&odd_operation.id).await.unwrap();
    assert_eq!((steps[0].name.as_str(), steps[0].reference.as_str()), (odd, odd));
}

pub(crate) async fn an_empty_recording_is_fine(store: Store) {
    store.record(Recording::default()).await.unwrap();
}
