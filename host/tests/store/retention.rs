//! What is forgotten, when, and what never is.

use flightdeck::{
    config::Retention,
    domain::{
        event::{Event, EventKind},
        media_buy::{RemoteKind, RemoteObject},
        operation::{Operation, OperationKind, OperationState},
        task::TaskMove,
    },
    operations::timers,
    store::{JournalWrite, Recording, RemoteChange, Stored, Write, webhooks::AttemptOutcome},
};

use super::{
    fixtures::{
        Store, accept, add_operation, at, begins, claim, event, journal, line, moved, operation, stored_operation, task,
    },
    webhooks,
};

const DAY: i64 = 86_400;

/// Thirty days for events, seven for operations and nine for tasks.
fn retention() -> Retention {
    let days = |days: u64| std::time::Duration::from_secs(days * 86_400);
    Retention { events: days(30), operations: days(7), tasks: days(9) }
}

/// A buy, and an update of it that was carried out and ended at a moment, with a step and a task that was closed then.
async fn changed_buy(store: &Store, ended: i64) -> Operation {
    let create = accept(store, "b1").await;
    let claimed = claim(store, 0).await;
    let order = RemoteObject { kind: RemoteKind::Order, key: String::new(), id: "77".to_owned() };
    let remote = vec![RemoteChange::Remember(order)];
    let begin = begins("order", "reference");
    store.journal(JournalWrite { remote, begin, ..journal(&claimed.fence, "b1", 0) }).await.unwrap();
    end(store, stored_operation(store, &create).await, 1).await;
    let update = Operation { kind: OperationKind::Update, ..operation("update", "b1") };
    add_operation(store, update.clone()).await;
    store.record(Write::NewTask(task("t1", &update))).await.unwrap();
    let claimed = claim(store, 2).await;
    let begin = begins("line", "reference 2");
    store.journal(JournalWrite { begin, ..journal(&claimed.fence, "b1", 2) }).await.unwrap();
    end(store, stored_operation(store, &update.id).await, ended).await;
    close(store, "t1", ended).await;
    update
}

async fn end(store: &Store, stored: Stored<Operation>, seconds: i64) {
    let mut ended = moved(&stored, OperationState::Succeeded, seconds);
    ended.value.ended_at = Some(at(seconds));
    store.record(Write::Operation(ended)).await.unwrap();
}

async fn close(store: &Store, id: &str, seconds: i64) {
    let mut closed = store.task(&id.into()).await.unwrap().unwrap();
    closed.value.advance(TaskMove::Close).unwrap();
    closed.value.resolved_at = Some(at(seconds));
    store.record([Write::Task(closed), Write::History(id.into(), line("close", seconds))]).await.unwrap();
}

async fn forget(store: &Store, seconds: i64) {
    timers::forget(store, &retention(), at(seconds)).await.unwrap();
}

/// How much there is of what is forgotten: the task and its history, the update and its steps.
async fn left(store: &Store) -> (bool, usize, bool, usize) {
    (
        store.task(&"t1".into()).await.unwrap().is_some(),
        store.history(&"t1".into()).await.unwrap().len(),
        store.operation(&"update".into()).await.unwrap().is_some(),
        store.steps(&"update".into()).await.unwrap().len(),
    )
}

pub(crate) async fn what_ended_is_kept_for_its_time_and_then_forgotten(store: Store) {
    changed_buy(&store, 10).await;
    let all = (true, 1, true, 1);
    forget(&store, 10 + 7 * DAY).await;
    assert_eq!(left(&store).await, all, "a task is about the operation until it is forgotten itself");
    forget(&store, 10 + 9 * DAY).await;
    assert_eq!(left(&store).await, all, "kept until then, and not only almost");
    let audited = store.audit(0, 1_000).await.unwrap();
    forget(&store, 11 + 9 * DAY).await;
    assert_eq!(left(&store).await, (false, 0, false, 0));
    // What the buy needs stays for ever, and so does the audit log.
    forget(&store, 10_000 * DAY).await;
    let buy = store.buy(&"b1".into()).await.unwrap().unwrap().value;
    assert_eq!(buy.remote.values().map(Vec::len).sum::<usize>(), 1);
    let creation = store.creation(&"b1".into()).await.unwrap().unwrap().value;
    assert_eq!(store.steps(&creation.id).await.unwrap().len(), 1);
    assert_eq!(store.audit(0, 1_000).await.unwrap(), audited);
}

pub(crate) async fn what_has_not_ended_is_never_forgotten(store: Store) {
    accept(&store, "b1").await;
    let waiting = Operation { kind: OperationKind::Update, state: OperationState::Parked, ..operation("update", "b1") };
    add_operation(&store, waiting.clone()).await;
    for id in ["t1", "closed"] {
        store.record(Write::NewTask(task(id, &waiting))).await.unwrap();
    }
    close(&store, "closed", 1).await;
    forget(&store, 10_000 * DAY).await;
    assert!(store.task(&"t1".into()).await.unwrap().is_some(), "it is open");
    assert!(store.task(&"closed".into()).await.unwrap().is_some(), "its operation is open");
    assert!(store.operation(&waiting.id).await.unwrap().is_some());
    // It ends at last: from then on it has its time.
    end(&store, stored_operation(&store, &waiting.id).await, 10_000 * DAY).await;
    close(&store, "t1", 10_000 * DAY).await;
    forget(&store, 10_001 * DAY).await;
    assert!(store.task(&"closed".into()).await.unwrap().is_none());
    assert!(store.operation(&waiting.id).await.unwrap().is_some());
    forget(&store, 10_010 * DAY).await;
    assert!(store.operation(&waiting.id).await.unwrap().is_none());
}

pub(crate) async fn events_are_forgotten_oldest_first_and_batch_by_batch(store: Store) {
    let happened = |index: i64| Event { at: at(index), ..event("b1", EventKind::BuyStatusChanged) };
    let events: Vec<_> = (0..250).map(happened).collect();
    store.record(events.clone().into_iter().map(Write::Event).collect::<Recording>()).await.unwrap();
    assert_eq!(store.forget_events(at(0), 100).await.unwrap(), 0);
    assert_eq!(store.forget_events(at(5), 3).await.unwrap(), 3);
    assert_eq!(store.events(&"b1".into(), 1_000).await.unwrap(), events[3..]);
    forget(&store, 200 + 30 * DAY).await;
    assert_eq!(store.events(&"b1".into(), 1_000).await.unwrap(), events[200..], "in one look, however many they are");
    forget(&store, 300 + 30 * DAY).await;
    assert!(store.events(&"b1".into(), 1_000).await.unwrap().is_empty());
}

pub(crate) async fn an_event_stays_as_long_as_its_deliveries(store: Store) {
    webhooks::add(&store, &webhooks::endpoint("mine", None, EventKind::ALL)).await;
    webhooks::happen(&store, vec![event("b1", EventKind::TaskCreated), event("b1", EventKind::BuyStatusChanged)]).await;
    forget(&store, 10_000 * DAY).await;
    assert_eq!(store.events(&"b1".into(), 10).await.unwrap().len(), 2, "they wait to be sent");
    while let Some(due) = webhooks::claim(&store, 1_000).await {
        store.record_attempt(webhooks::tried(&due, 1_000, AttemptOutcome::Delivered)).await.unwrap();
    }
    forget(&store, 10_000 * DAY).await;
    assert_eq!(store.events(&"b1".into(), 10).await.unwrap().len(), 2, "it can be seen that they were");
    assert_eq!(store.forget_deliveries(at(2_000), 100).await.unwrap(), 2);
    forget(&store, 10_000 * DAY).await;
    assert!(store.events(&"b1".into(), 10).await.unwrap().is_empty());
}

/// An update that a host of an older version ended: only its document says when. Each backend takes the moment out of its row in between.
pub(super) async fn end_as_an_older_host(store: &Store, takes_out: impl Future<Output = ()>) {
    changed_buy(store, 10).await;
    takes_out.await;
    forget(store, 10 + 9 * DAY).await;
    assert!(store.operation(&"update".into()).await.unwrap().is_some());
    forget(store, 11 + 9 * DAY).await;
    assert!(store.operation(&"update".into()).await.unwrap().is_none());
}

/// Takes it out.
pub(super) const TAKE_OUT: &str = "UPDATE operations SET ended_at = NULL";
