//! When a delivery is given up, and when an endpoint: the store, the sender and a receiver, in a time that tests make.

use std::time::Duration;

use flightdeck::{
    domain::{
        event::{Event, EventData, EventKind},
        id::{EventId, WebhookId},
        time::Timestamp,
        webhook::{DeliveryStatus, Endpoint, SigningSecret},
    },
    network::{allow_list::AllowList, receivers::Policy},
    operations::now,
    store::{
        AuditEntry, Store, Write,
        sqlite::{self, Options},
        webhooks::{Attempt, AttemptOutcome, DueDelivery},
    },
    webhooks::{delivery::Sender, dispatcher::deliver},
};
use tempfile::TempDir;

use crate::receiver::Receiver;

/// An endpoint at a receiver, with its store and what sends to it.
struct Alone {
    store: Store,
    sender: Sender,
    receiver: Receiver,
    endpoint: Endpoint,
    _folder: TempDir,
}

fn seconds_ago(seconds: i64) -> Timestamp {
    Timestamp::from_micros(now().as_micros() - seconds * 1_000_000)
}

fn days_ago(days: i64) -> Timestamp {
    seconds_ago(days * 86_400)
}

impl Alone {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = sqlite::open(folder.path().join("store.db"), Options::default()).await.expect("a store");
        let receiver = Receiver::start().await;
        let policy =
            Policy::new(AllowList::new(&["127.0.0.0/8".parse().expect("a network")]), true, Duration::from_secs(30));
        let endpoint = Endpoint {
            id: WebhookId::from("wh_1"),
            owner: None,
            url: receiver.url.clone(),
            events: vec![EventKind::TaskCreated],
            description: None,
            secrets: vec![SigningSecret { text: "whsec_MDEyMzQ1Njc4OWFiY2RlZg==".to_owned(), until: None }],
            disabled: None,
            failing_since: None,
            dead: 0,
            created_at: days_ago(9),
            updated_at: days_ago(9),
        };
        let line = AuditEntry {
            at: now(),
            actor: "test".to_owned(),
            action: "webhook.created".to_owned(),
            subject: "wh_1".to_owned(),
            digest: endpoint.digest(),
            reason: None,
        };
        assert!(store.add_webhook(&endpoint, 1, line).await.expect("it is written"));
        Self { store, sender: Sender::new(policy), receiver, endpoint, _folder: folder }
    }

    /// An event of that time, claimed.
    async fn claim(&self, at: Timestamp) -> DueDelivery {
        let id = EventId::mint();
        let event = Event {
            // Each of another buy, so that none waits for the one before.
            buy: id.as_str().into(),
            id,
            kind: EventKind::TaskCreated,
            principal: "agency".into(),
            at,
            data: EventData::Test { webhook: self.endpoint.id.clone(), by: "somebody".to_owned() },
        };
        self.store.record(Write::Event(event)).await.expect("it is written");
        let due = self.store.claim_delivery(now(), Duration::from_secs(60)).await.expect("the store");
        due.expect("it is due")
    }

    /// Tries a delivery that the receiver answers so.
    async fn answered(&self, status: u16, due: &DueDelivery) {
        self.receiver.answer(&[status]);
        deliver(&self.store, &self.sender, due).await.expect("the store");
    }

    async fn standing(&self) -> Endpoint {
        self.store.webhook(&self.endpoint.id).await.expect("the store").expect("the endpoint").value
    }

    /// How a delivery stands, and how many were given up.
    async fn status(&self, due: &DueDelivery) -> (DeliveryStatus, u64) {
        let found = self.store.delivery(&self.endpoint.id, &due.event).await.expect("the store").expect("the delivery");
        (found.status, self.standing().await.dead)
    }
}

#[tokio::test]
async fn a_delivery_is_a_dead_letter_once_it_is_three_days_old() {
    let alone = Alone::new().await;
    let young = alone.claim(seconds_ago(3 * 86_400 - 3_600)).await;
    alone.answered(500, &young).await;
    assert_eq!(alone.status(&young).await, (DeliveryStatus::Pending, 0), "an hour is left");
    let old = alone.claim(days_ago(3)).await;
    alone.answered(500, &old).await;
    assert_eq!(alone.status(&old).await, (DeliveryStatus::Dead, 1));
    // However old it is: what the receiver takes is delivered.
    let taken = alone.claim(days_ago(4)).await;
    alone.answered(204, &taken).await;
    assert_eq!(alone.status(&taken).await, (DeliveryStatus::Delivered, 1));
    alone.store.close().await;
}

#[tokio::test]
async fn an_endpoint_at_which_nothing_succeeds_for_five_days_is_disabled() {
    let alone = Alone::new().await;
    let fail = async |at: Timestamp| {
        let due = alone.claim(now()).await;
        let failed = Attempt {
            webhook: due.endpoint.id.clone(),
            event: due.event.clone(),
            url: due.endpoint.url.clone(),
            fence: due.fence,
            at,
            outcome: AttemptOutcome::DeadLetter,
            answered: Some(500),
            error: Some("it answered 500".to_owned()),
        };
        alone.store.record_attempt(failed).await.expect("it is recorded");
    };
    // A failure of just now disables nothing.
    alone.answered(500, &alone.claim(now()).await).await;
    let failing = alone.standing().await;
    assert!(failing.disabled.is_none() && failing.failing_since.is_some());
    // Neither do five days of them, once something has succeeded.
    alone.answered(204, &alone.claim(now()).await).await;
    assert_eq!(alone.standing().await.failing_since, None);
    fail(days_ago(5)).await;
    assert!(alone.standing().await.disabled.is_none(), "the next failure says that it goes on");
    let last = alone.claim(now()).await;
    alone.answered(500, &last).await;
    assert!(alone.standing().await.disabled.is_some_and(|disabled| disabled.reason.contains("five days")));
    let audit = alone.store.audit(0, 100).await.expect("the log");
    let line = audit.iter().find(|line| line.text.contains("webhook.disabled")).expect("a line");
    assert!(line.text.contains("five days") && line.text.contains(&alone.endpoint.digest()), "{}", line.text);
    alone.store.close().await;
}

#[tokio::test]
async fn what_the_old_url_answers_does_not_disable_the_new_one() {
    let alone = Alone::new().await;
    let tried_there = alone.claim(now()).await;
    let mut stored = alone.store.webhook(&alone.endpoint.id).await.expect("the store").expect("the endpoint");
    stored.value.url = format!("{}/new", alone.receiver.url);
    alone.store.change_webhook(&stored, Vec::new()).await.expect("it is written");
    alone.answered(410, &tried_there).await;
    let standing = alone.standing().await;
    assert_eq!((standing.disabled, standing.failing_since), (None, None));
    // It is sent to the new one, and what that one says counts.
    let again =
        alone.store.claim_delivery(now(), Duration::from_secs(60)).await.expect("the store").expect("it is due");
    assert_eq!(again.event, tried_there.event);
    alone.answered(410, &again).await;
    assert!(alone.standing().await.disabled.is_some_and(|disabled| disabled.reason.contains("410")));
    assert_eq!(alone.receiver.hooks().iter().map(|hook| hook.path.as_str()).collect::<Vec<_>>(), ["/", "/new"]);
    alone.store.close().await;
}
