//! Endpoints of webhooks, and the deliveries of events to them.

use std::time::Duration;

use flightdeck::{
    domain::{
        event::{Event, EventKind},
        id::{PrincipalId, WebhookId},
        webhook::{AT_A_TIME, DeliveryStatus, Disabled, Endpoint, PATIENCE, SigningSecret},
    },
    store::{
        Recording, StoreError, Stored, Write,
        webhooks::{Attempt, AttemptOutcome, DeliveryFilter, DueDelivery, Replay, Replayed},
    },
};

use super::fixtures::{LEASE, Store, accept, at, audit, event, payload, principal, stored_operation};

pub(super) fn endpoint(id: &str, owner: Option<PrincipalId>, events: &[EventKind]) -> Endpoint {
    Endpoint {
        id: WebhookId::from(id),
        owner,
        url: "https://example.com/hooks".to_owned(),
        events: events.to_vec(),
        description: None,
        secrets: vec![SigningSecret { text: "whsec_c2VjcmV0".to_owned(), until: None }],
        disabled: None,
        failing_since: None,
        dead: 0,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(super) async fn add(store: &Store, endpoint: &Endpoint) {
    assert!(store.add_webhook(endpoint, 20, audit("webhook.created", endpoint.id.as_str())).await.unwrap());
}

pub(super) async fn happen(store: &Store, events: Vec<Event>) {
    store.record(events.into_iter().map(Write::Event).collect::<Recording>()).await.unwrap();
}

pub(super) async fn claim(store: &Store, seconds: i64) -> Option<DueDelivery> {
    store.claim_delivery(at(seconds), LEASE).await.unwrap()
}

pub(super) fn tried(due: &DueDelivery, seconds: i64, outcome: AttemptOutcome) -> Attempt {
    let failed = outcome != AttemptOutcome::Delivered;
    Attempt {
        webhook: due.endpoint.id.clone(),
        event: due.event.clone(),
        url: due.endpoint.url.clone(),
        fence: due.fence,
        at: at(seconds),
        outcome,
        answered: Some(if failed { 500 } else { 204 }),
        error: failed.then(|| "it answered 500".to_owned()),
    }
}

pub(super) async fn statuses(store: &Store, id: &str) -> Vec<DeliveryStatus> {
    let filter = DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
    let listed = store.deliveries(&id.into(), &filter).await.unwrap();
    listed.into_iter().map(|delivery| delivery.status).collect()
}

pub(crate) async fn an_event_is_addressed_to_whoever_may_and_wants_to_hear(store: Store) {
    let zenith = PrincipalId::from("zenith");
    let both = [EventKind::TaskCreated, EventKind::BuyStatusChanged];
    add(&store, &endpoint("mine", Some(principal()), &both)).await;
    add(&store, &endpoint("theirs", Some(zenith), &both)).await;
    add(&store, &endpoint("publishers", None, &[EventKind::BuyStatusChanged])).await;
    let mut off = endpoint("off", Some(principal()), &both);
    off.disabled = Some(Disabled { at: at(0), by: "ana".to_owned(), reason: "moving".to_owned() });
    add(&store, &off).await;
    happen(&store, vec![event("b1", EventKind::TaskCreated), event("b1", EventKind::BuyStatusChanged)]).await;
    happen(&store, vec![event("b1", EventKind::OperationFailed)]).await;
    for (id, count) in [("mine", 2), ("theirs", 0), ("publishers", 1), ("off", 0)] {
        assert_eq!(statuses(&store, id).await.len(), count, "{id}");
    }
    // Somebody else's list is not mine.
    let mine = store.webhooks(Some(&principal())).await.unwrap();
    assert_eq!(mine, [endpoint("mine", Some(principal()), &both), off]);
    assert_eq!(store.webhooks(None).await.unwrap().len(), 4);
}

pub(crate) async fn a_refused_recording_tells_nobody(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    let id = accept(&store, "b1").await;
    let mut stale = stored_operation(&store, &id).await;
    stale.version += 1;
    let refused = [Write::Event(event("b1", EventKind::TaskCreated)), Write::Operation(stale)];
    // The event is written after what is stale, and before: neither order leaves a delivery.
    assert!(store.record(refused).await.is_err());
    assert!(claim(&store, 10).await.is_none());
}

pub(crate) async fn what_is_sent_is_the_same_each_time(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    let event = event("b1", EventKind::TaskCreated);
    happen(&store, vec![event.clone()]).await;
    let first = claim(&store, 0).await.unwrap();
    assert_eq!((first.event.clone(), first.attempts, first.since), (event.id.clone(), 0, at(0)));
    assert_eq!(first.body, payload(&event));
    assert_eq!(first.endpoint, endpoint("mine", None, EventKind::ALL));
    assert!(claim(&store, 29).await.is_none(), "it is leased");
    // Its worker died: the next one sends the same, and the late one can't record any more.
    let second = claim(&store, 31).await.unwrap();
    assert_eq!((second.body.clone(), second.fence), (first.body.clone(), first.fence + 1));
    let late = store.record_attempt(tried(&first, 32, AttemptOutcome::Delivered)).await;
    assert!(matches!(late, Err(StoreError::Stale(_))));
    store.record_attempt(tried(&second, 33, AttemptOutcome::Delivered)).await.unwrap();
    assert!(claim(&store, 100_000).await.is_none());
    let told = store.delivery(&"mine".into(), &event.id).await.unwrap().unwrap();
    assert_eq!((told.status, told.attempts, told.answered), (DeliveryStatus::Delivered, 1, Some(204)));
    assert_eq!((told.kind, told.buy, told.tried_at), (EventKind::TaskCreated, "b1".into(), Some(at(33))));
}

pub(crate) async fn a_failure_is_tried_again_and_the_endpoint_fails_until_something_succeeds(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    happen(&store, vec![event("b1", EventKind::TaskCreated), event("b2", EventKind::TaskCreated)]).await;
    let first = claim(&store, 0).await.unwrap();
    assert_eq!(store.record_attempt(tried(&first, 1, AttemptOutcome::Retry(at(60)))).await.unwrap(), Some(at(1)));
    let second = claim(&store, 2).await.unwrap();
    assert_ne!(first.event, second.event);
    assert_eq!(
        store.record_attempt(tried(&second, 3, AttemptOutcome::Retry(at(50)))).await.unwrap(),
        Some(at(1)),
        "since then"
    );
    let failing = store.webhook(&"mine".into()).await.unwrap().unwrap();
    assert_eq!((failing.value.failing_since, failing.version), (Some(at(1)), 1));
    assert!(claim(&store, 49).await.is_none());
    let again = claim(&store, 50).await.unwrap();
    assert_eq!((again.event.clone(), again.attempts), (second.event.clone(), 1));
    assert_eq!(store.record_attempt(tried(&again, 51, AttemptOutcome::Delivered)).await.unwrap(), None);
    let again = claim(&store, 60).await.unwrap();
    assert_eq!(store.record_attempt(tried(&again, 61, AttemptOutcome::DeadLetter)).await.unwrap(), Some(at(61)));
    assert!(claim(&store, 1_000_000).await.is_none());
    assert_eq!(statuses(&store, "mine").await, [DeliveryStatus::Delivered, DeliveryStatus::Dead]);
}

pub(crate) async fn events_of_one_buy_come_in_order_until_one_keeps_failing(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    let events = vec![event("b1", EventKind::TaskCreated), event("b1", EventKind::TaskFailed)];
    happen(&store, events.clone()).await;
    for attempt in 1..=PATIENCE {
        let seconds = i64::from(attempt) * 10;
        let due = claim(&store, seconds).await.unwrap();
        assert_eq!(due.event, events[0].id, "attempt {attempt}");
        assert!(claim(&store, seconds).await.is_none(), "the second waits for it");
        store.record_attempt(tried(&due, seconds, AttemptOutcome::Retry(at(seconds + 10)))).await.unwrap();
    }
    let due = claim(&store, i64::from(PATIENCE) * 10 + 1).await.unwrap();
    assert_eq!(due.event, events[1].id, "it no longer waits");
}

pub(crate) async fn an_endpoint_is_sent_so_many_at_a_time(store: Store) {
    add(&store, &endpoint("slow", None, EventKind::ALL)).await;
    happen(&store, (0..10).map(|index| event(&format!("b{index}"), EventKind::TaskCreated)).collect()).await;
    add(&store, &endpoint("quick", None, EventKind::ALL)).await;
    happen(&store, vec![event("b11", EventKind::TaskCreated)]).await;
    let mut claimed = Vec::new();
    while let Some(due) = claim(&store, 1).await {
        claimed.push(due);
    }
    let of = |id: &str| claimed.iter().filter(|due| due.endpoint.id.as_str() == id).count();
    assert_eq!((of("slow"), of("quick")), (AT_A_TIME as usize, 1), "a slow one keeps no other one waiting");
    let slow = claimed.iter().find(|due| due.endpoint.id.as_str() == "slow").unwrap();
    store.record_attempt(tried(slow, 2, AttemptOutcome::Delivered)).await.unwrap();
    assert!(claim(&store, 2).await.is_some());
    assert!(claim(&store, 2).await.is_none());
}

pub(crate) async fn what_waits_for_a_disabled_endpoint_is_given_up_and_can_be_replayed(store: Store) {
    add(&store, &endpoint("mine", Some(principal()), EventKind::ALL)).await;
    happen(&store, vec![event("b1", EventKind::TaskCreated), event("b2", EventKind::TaskCreated)]).await;
    let held = claim(&store, 0).await.unwrap();
    let mut stored = store.webhook(&"mine".into()).await.unwrap().unwrap();
    stored.value.disabled = Some(Disabled { at: at(1), by: "ana".to_owned(), reason: "moving".to_owned() });
    let line = || audit("webhook.changed", "mine");
    store.change_webhook(&stored, vec![line()]).await.unwrap();
    assert!(matches!(store.change_webhook(&stored, vec![line()]).await, Err(StoreError::Stale(_))), "an old version");
    assert_eq!(statuses(&store, "mine").await, [DeliveryStatus::Dead; 2]);
    let late = store.record_attempt(tried(&held, 2, AttemptOutcome::Delivered)).await;
    assert!(matches!(late, Err(StoreError::Stale(_))));
    happen(&store, vec![event("b3", EventKind::TaskCreated)]).await;
    assert_eq!(statuses(&store, "mine").await.len(), 2, "nothing is addressed to it");
    // As one that was written at the very moment it was disabled.
    store.add_test_event(&"mine".into(), &event("", EventKind::WebhookTest)).await.unwrap();
    assert!(claim(&store, 10).await.is_none(), "nothing is sent while it is disabled");

    stored = store.webhook(&"mine".into()).await.unwrap().unwrap();
    stored.value.disabled = None;
    store.change_webhook(&stored, vec![line()]).await.unwrap();
    assert!(claim(&store, 10).await.is_none(), "nothing is sent by itself");
    assert_eq!(statuses(&store, "mine").await, [DeliveryStatus::Dead; 3]);
    let dead = store.replay(&"mine".into(), Replay::DeadLetters, at(10), 1, line()).await.unwrap();
    assert_eq!(dead, Replayed { count: 1, more: true, next_since: None }, "no more than asked");
    let again = claim(&store, 10).await.unwrap();
    assert_eq!((again.event.clone(), again.attempts, again.since), (held.event.clone(), 0, at(10)));
    // What was missed is there as well, and what is being sent is sent once more.
    let since = store.replay(&"mine".into(), Replay::Since(at(0)), at(20), 100, line()).await.unwrap();
    assert_eq!(since, Replayed { count: 4, more: false, next_since: None });
    assert!(matches!(
        store.record_attempt(tried(&again, 21, AttemptOutcome::Delivered)).await,
        Err(StoreError::Stale(_))
    ));
    let mut sent = Vec::new();
    while let Some(due) = claim(&store, 20).await {
        sent.push(due.event);
    }
    assert_eq!(sent.len(), 4);
    let one = Replay::One(held.event);
    assert_eq!(store.replay(&"mine".into(), one, at(30), 100, line()).await.unwrap().count, 1);
    let none = Replay::One("evt_unknown".into());
    let before = store.audit(0, 1_000).await.unwrap().len();
    assert_eq!(store.replay(&"mine".into(), none, at(30), 100, line()).await.unwrap().count, 0);
    assert_eq!(store.audit(0, 1_000).await.unwrap().len(), before, "nothing was done, nothing is told");
}

/// Disables an endpoint, as it must be before it is removed.
pub(super) async fn disabled(store: &Store, id: &str) -> Stored<Endpoint> {
    let mut stored = store.webhook(&id.into()).await.unwrap().unwrap();
    stored.value.disabled = Some(Disabled { at: at(1), by: "ana".to_owned(), reason: "moving".to_owned() });
    store.change_webhook(&stored, vec![audit("webhook.disabled", id)]).await.unwrap();
    store.webhook(&id.into()).await.unwrap().unwrap()
}

pub(crate) async fn an_endpoint_is_removed_with_what_was_sent_to_it(store: Store) {
    for id in ["mine", "other"] {
        add(&store, &endpoint(id, Some(principal()), EventKind::ALL)).await;
    }
    happen(&store, ["b1", "b2", "b3"].map(|buy| event(buy, EventKind::TaskCreated)).into()).await;
    let line = || audit("webhook.deleted", "mine");
    let enabled = store.webhook(&"mine".into()).await.unwrap().unwrap();
    let refused = store.remove_webhook(&enabled, 100, line()).await;
    assert!(matches!(refused, Err(StoreError::Stale(_))), "it is not disabled: {refused:?}");
    let mut stored = disabled(&store, "mine").await;
    stored.version -= 1;
    assert!(matches!(store.remove_webhook(&stored, 100, line()).await, Err(StoreError::Stale(_))), "an old version");
    stored.version += 1;
    let before = store.audit(0, 1_000).await.unwrap().len();
    assert!(!store.remove_webhook(&stored, 2, line()).await.unwrap(), "two of three");
    assert_eq!(statuses(&store, "mine").await.len(), 1);
    assert_eq!(store.audit(0, 1_000).await.unwrap().len(), before);
    assert!(store.remove_webhook(&stored, 2, line()).await.unwrap());
    assert_eq!(store.audit(0, 1_000).await.unwrap().len(), before + 1);
    assert!(store.webhook(&"mine".into()).await.unwrap().is_none());
    assert!(matches!(store.remove_webhook(&stored, 2, line()).await, Err(StoreError::Stale(_))), "it is gone");
    let left = store.webhooks(None).await.unwrap();
    assert_eq!(left.iter().map(|endpoint| endpoint.id.as_str()).collect::<Vec<_>>(), ["other"]);
    assert_eq!(statuses(&store, "other").await, [DeliveryStatus::Pending; 3]);
    // What happens later is told to the other one alone.
    happen(&store, vec![event("b4", EventKind::TaskCreated)]).await;
    assert_eq!(statuses(&store, "other").await.len(), 4);
}

pub(crate) async fn events_may_happen_while_an_endpoint_is_removed(store: Store) {
    for round in 0..10 {
        let id = format!("wh_{round}");
        add(&store, &endpoint(&id, Some(principal()), EventKind::ALL)).await;
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for index in 0..5 {
                        let buy = format!("b{round}-{writer}-{index}");
                        happen(&store, vec![event(&buy, EventKind::TaskCreated)]).await;
                    }
                })
            })
            .collect();
        let stored = disabled(&store, &id).await;
        while !store.remove_webhook(&stored, 3, audit("webhook.deleted", &id)).await.unwrap() {}
        assert!(store.webhook(&id.as_str().into()).await.unwrap().is_none());
        for writer in writers {
            writer.await.unwrap();
        }
    }
    assert!(claim(&store, 100).await.is_none());
}

pub(crate) async fn a_replay_sends_nothing_of_somebody_else(store: Store) {
    happen(&store, vec![event("b1", EventKind::TaskCreated), event("b1", EventKind::TaskFailed)]).await;
    let mut others = event("b9", EventKind::TaskCreated);
    others.principal = PrincipalId::from("zenith");
    happen(&store, vec![others]).await;
    add(&store, &endpoint("mine", Some(principal()), &[EventKind::TaskCreated])).await;
    let line = audit("webhook.replayed", "mine");
    assert_eq!(store.replay(&"mine".into(), Replay::Since(at(-1)), at(1), 100, line).await.unwrap().count, 1);
    assert_eq!(claim(&store, 1).await.unwrap().body, {
        let found = store.events(&"b1".into(), 10).await.unwrap();
        payload(&found[0])
    });
}

pub(crate) async fn a_test_goes_to_its_endpoint_alone(store: Store) {
    add(&store, &endpoint("mine", Some(principal()), EventKind::ALL)).await;
    add(&store, &endpoint("other", None, EventKind::ALL)).await;
    let test = event("", EventKind::WebhookTest);
    store.add_test_event(&"mine".into(), &test).await.unwrap();
    let due = claim(&store, 0).await.unwrap();
    assert_eq!((due.endpoint.id.as_str(), due.event), ("mine", test.id));
    assert!(claim(&store, 0).await.is_none());
}

pub(crate) async fn deliveries_are_listed_newest_first_and_forgotten_when_they_are_old(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    for index in 0..5 {
        let mut event = event(&format!("b{index}"), EventKind::TaskCreated);
        event.at = at(index);
        happen(&store, vec![event]).await;
    }
    for _ in 0..2 {
        let due = claim(&store, 10).await.unwrap();
        store.record_attempt(tried(&due, 10, AttemptOutcome::Delivered)).await.unwrap();
    }
    let list = |status, before| {
        let store = store.clone();
        async move {
            let filter = DeliveryFilter { status, before, limit: 2 };
            store.deliveries(&"mine".into(), &filter).await.unwrap()
        }
    };
    let buys = |page: &[flightdeck::domain::webhook::Delivery]| {
        page.iter().map(|delivery| delivery.buy.to_string()).collect::<Vec<_>>()
    };
    let first = list(None, None).await;
    assert_eq!(buys(&first), ["b4", "b3"]);
    assert_eq!(buys(&list(None, Some(first[1].number)).await), ["b2", "b1"]);
    assert_eq!(buys(&list(Some(DeliveryStatus::Delivered), None).await), ["b1", "b0"]);
    // Only what has ended is forgotten, the oldest first.
    assert_eq!(store.forget_deliveries(at(0), 10).await.unwrap(), 0);
    assert_eq!(store.forget_deliveries(at(100), 1).await.unwrap(), 1);
    assert_eq!(buys(&list(Some(DeliveryStatus::Delivered), None).await), ["b1"]);
    assert_eq!(store.forget_deliveries(at(100), 10).await.unwrap(), 1);
    assert_eq!(statuses(&store, "mine").await, [DeliveryStatus::Pending; 3]);
}

pub(crate) async fn no_delivery_is_claimed_twice(store: Store) {
    add(&store, &endpoint("one", None, EventKind::ALL)).await;
    add(&store, &endpoint("two", None, EventKind::ALL)).await;
    happen(&store, (0..40).map(|index| event(&format!("b{index}"), EventKind::TaskCreated)).collect()).await;
    let workers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut sent = Vec::new();
            while let Some(due) = store.claim_delivery(at(1), Duration::from_secs(3_600)).await.unwrap() {
                store.record_attempt(tried(&due, 1, AttemptOutcome::Delivered)).await.unwrap();
                sent.push((due.endpoint.id, due.event));
            }
            sent
        })
    });
    let mut sent: Vec<_> = futures::future::join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    // Whoever found every place of an endpoint taken went away: what is left is for the next look.
    while let Some(due) = claim(&store, 2).await {
        store.record_attempt(tried(&due, 2, AttemptOutcome::Delivered)).await.unwrap();
        sent.push((due.endpoint.id, due.event));
    }
    assert_eq!(sent.len(), 80);
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 80);
}

pub(crate) async fn an_endpoint_keeps_what_it_was_given(store: Store) {
    let mut given = endpoint("mine", Some(principal()), EventKind::ALL);
    given.rotate("whsec_bmV3".to_owned(), at(5));
    given.description = Some("odd 'text' \" \\ \u{1f6eb}".to_owned());
    add(&store, &given).await;
    let stored = store.webhook(&given.id).await.unwrap().unwrap();
    assert_eq!(stored, Stored { value: given.clone(), version: 1 });
    assert!(matches!(
        store.add_webhook(&given, 20, audit("webhook.created", "mine")).await,
        Err(StoreError::Stale("the endpoint"))
    ));
    assert!(store.webhook(&"unknown".into()).await.unwrap().is_none());
}
