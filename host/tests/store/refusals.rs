//! What is refused, or not there, at the edges of the suite's other cases; and many callers at once of what hosts share.

use std::{collections::BTreeSet, time::Duration};

use flightdeck::{
    domain::{event::EventKind, operation::OperationState, person::Person},
    store::{
        Author, Fence, LeaseAfter, Recording, StoreError, TokenRecord, Write,
        census::Census,
        webhooks::{Attempt, AttemptOutcome, DueDelivery},
    },
};
use futures::future::join_all;

use super::{
    fixtures::{
        LEASE, Store, accept, at, audit, begins, claim, event, journal, key, moved, operation, stored_buy,
        stored_operation,
    },
    webhooks::{add, endpoint},
};

const CALLERS: usize = 16;

/// How soon a buy is asked about again that a recording wanted looked at.
const SETTLE: Duration = Duration::from_secs(10);

fn attempt(due: &DueDelivery, outcome: AttemptOutcome) -> Attempt {
    Attempt {
        webhook: due.endpoint.id.clone(),
        event: due.event.clone(),
        url: due.endpoint.url.clone(),
        fence: due.fence,
        at: at(2),
        outcome,
        answered: None,
        error: None,
    }
}

pub(crate) async fn an_operation_of_an_unknown_buy_is_refused_whole(store: Store) {
    let recording = Recording::from([
        Write::NewOperation(operation("op-b1", "b1")),
        Write::NewKey(key("k", "op-b1")),
        Write::Event(event("b1", EventKind::TaskCreated)),
        Write::Audit(audit("operation.accepted", "op-b1")),
    ]);
    let refused = store.record(recording).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    assert!(store.operation(&"op-b1".into()).await.unwrap().is_none());
    assert!(store.idempotency(&super::fixtures::principal(), "k").await.unwrap().is_none());
    assert!(store.events(&"b1".into(), 10).await.unwrap().is_empty());
    assert!(store.audit(0, 10).await.unwrap().is_empty());
}

pub(crate) async fn nobody_holds_an_operation_that_there_is_not(store: Store) {
    accept(&store, "b1").await;
    let fence = Fence { operation: "op-nowhere".into(), number: 1 };
    let recording = Recording::by(Author::Worker(fence.clone(), LeaseAfter::Kept))
        .with(Write::Buy(stored_buy(&store, "b1").await))
        .with(Write::Audit(audit("operation.succeeded", "op-nowhere")));
    let before = stored_buy(&store, "b1").await;
    let mut begun = journal(&fence, "b1", 1);
    begun.begin = begins("order", "r1");
    for refused in
        [store.record(recording).await, store.prolong(&fence, at(1), LEASE).await, store.journal(begun).await.map(drop)]
    {
        assert!(matches!(&refused, Err(StoreError::Fenced(id)) if id.as_str() == "op-nowhere"), "{refused:?}");
    }
    assert_eq!(stored_buy(&store, "b1").await, before);
    assert!(store.audit(0, 10).await.unwrap().is_empty());
    assert!(store.steps(&"op-nowhere".into()).await.unwrap().is_empty());
}

pub(crate) async fn a_try_is_recorded_once(store: Store) {
    add(&store, &endpoint("mine", None, &[EventKind::TaskCreated])).await;
    store.record(Write::Event(event("b1", EventKind::TaskCreated))).await.unwrap();
    let due = store.claim_delivery(at(1), LEASE).await.unwrap().expect("a delivery");
    store.record_attempt(attempt(&due, AttemptOutcome::Retry(at(10)))).await.unwrap();
    for outcome in [AttemptOutcome::Retry(at(20)), AttemptOutcome::Delivered, AttemptOutcome::DeadLetter] {
        let again = store.record_attempt(attempt(&due, outcome)).await;
        assert!(matches!(again, Err(StoreError::Stale(_))), "{again:?}");
    }
    let stands = store.delivery(&due.endpoint.id, &due.event).await.unwrap().expect("the delivery");
    assert_eq!((stands.attempts, stands.due_at), (1, at(10)));
}

pub(crate) async fn what_there_is_not_is_not_changed_and_not_found(store: Store) {
    add(&store, &endpoint("mine", None, &[EventKind::TaskCreated])).await;
    let mut stored = store.webhook(&"mine".into()).await.unwrap().expect("the endpoint");
    assert!(store.delivery(&"mine".into(), &"evt_nowhere".into()).await.unwrap().is_none());
    assert!(store.delivery(&"nowhere".into(), &"evt_nowhere".into()).await.unwrap().is_none());
    stored.value.id = "nowhere".into();
    let changed = store.change_webhook(&stored, vec![audit("webhook.changed", "nowhere")]).await;
    assert!(matches!(changed, Err(StoreError::Stale(_))), "{changed:?}");
    assert!(store.webhook(&"nowhere".into()).await.unwrap().is_none());
    assert_eq!(store.audit(0, 10).await.unwrap().len(), 1, "that it was made");
}

pub(crate) async fn deliveries_that_wait_or_were_given_up_are_counted(store: Store) {
    add(&store, &endpoint("mine", None, &[EventKind::TaskCreated])).await;
    let events = ["b1", "b2", "b3", "b4"].map(|buy| Write::Event(event(buy, EventKind::TaskCreated)));
    store.record(events).await.unwrap();
    for outcome in [AttemptOutcome::Delivered, AttemptOutcome::DeadLetter] {
        let due = store.claim_delivery(at(1), LEASE).await.unwrap().expect("a delivery");
        store.record_attempt(attempt(&due, outcome)).await.unwrap();
    }
    // One of the two that wait is being sent.
    store.claim_delivery(at(1), LEASE).await.unwrap().expect("a delivery");
    let wanted = Census { pending_deliveries: 2, dead_deliveries: 1, ..Census::default() };
    assert_eq!(store.census(at(3)).await.unwrap(), wanted);
}

pub(crate) async fn a_buy_has_one_turn_however_many_look(store: Store) {
    let mut booked = BTreeSet::new();
    for index in 0..20 {
        let id = format!("b{index}");
        accept(&store, &id).await;
        let mut stored = stored_buy(&store, &id).await;
        (stored.value.booked_at, stored.value.updated_at) = (Some(at(1)), at(1));
        store.record(Write::Buy(stored)).await.unwrap();
        booked.insert(id);
    }
    let turns = join_all((0..CALLERS).map(|_| {
        let store = store.clone();
        tokio::spawn(
            async move { store.take_turns(at(500), at(0), Duration::from_secs(100), SETTLE, 3).await.unwrap() },
        )
    }))
    .await;
    let mut turns: Vec<String> = turns.into_iter().flat_map(Result::unwrap).map(|id| id.to_string()).collect();
    // Two who look at the same moment may each leave the other's to the other.
    turns.extend(
        store
            .take_turns(at(500), at(0), Duration::from_secs(100), SETTLE, 20)
            .await
            .unwrap()
            .iter()
            .map(ToString::to_string),
    );
    assert_eq!(turns.len(), booked.len(), "one had two turns: {turns:?}");
    assert_eq!(turns.into_iter().collect::<BTreeSet<_>>(), booked);
}

pub(crate) async fn a_key_is_forgotten_once_however_many_clean_up(store: Store) {
    for index in 0..40 {
        let mut entry = key(&format!("k{index}"), "op-1");
        entry.expires_at = at(1);
        store.record(Write::NewKey(entry)).await.unwrap();
    }
    let forgotten = join_all((0..CALLERS).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.forget_keys(at(2), 5).await.unwrap() })
    }))
    .await;
    let mut sum: u64 = forgotten.into_iter().map(Result::unwrap).sum();
    sum += store.forget_keys(at(2), 100).await.unwrap();
    assert_eq!(sum, 40, "each is counted by the one who forgot it");
}

pub(crate) async fn a_name_of_a_token_is_taken_once_however_many_want_it(store: Store) {
    let outcomes = join_all((0..CALLERS).map(|index| {
        let store = store.clone();
        tokio::spawn(async move {
            let token = TokenRecord {
                name: "rita".to_owned(),
                person: Person::new("rita"),
                sha256: format!("{index:064x}"),
                role: "reviewer".to_owned(),
                principal: None,
                created_at: at(0),
                expires_at: None,
                revoked_at: None,
            };
            (token.sha256.clone(), store.add_token(&token, audit("token.created", "rita")).await)
        })
    }))
    .await;
    let mut won = Vec::new();
    for outcome in outcomes {
        match outcome.unwrap() {
            (sha256, Ok(())) => won.push(sha256),
            (_, Err(StoreError::Stale(_))) => {}
            (_, Err(other)) => panic!("{other:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(
        store.tokens().await.unwrap().iter().map(|token| &token.sha256).collect::<Vec<_>>(),
        won.iter().collect::<Vec<_>>()
    );
    assert_eq!(store.audit(0, 100).await.unwrap().len(), 1);
}

pub(crate) async fn what_ended_is_not_claimed_whatever_its_lease(store: Store) {
    accept(&store, "b1").await;
    let held = claim(&store, 0).await;
    let ended = moved(&held.operation, OperationState::Succeeded, 1);
    let recording = Recording::by(Author::Worker(held.fence, LeaseAfter::Released)).with(Write::Operation(ended));
    store.record(recording).await.unwrap();
    assert!(store.claim("other", at(1_000), LEASE).await.unwrap().is_none());
    assert_eq!(stored_operation(&store, &"op-b1".into()).await.value.claims, 1);
}
