//! Deliveries: their order, what is sent again, and who is sent how many at a time.

use std::time::Duration;

use flightdeck::{
    domain::{
        event::{Event, EventKind},
        id::{EventId, PrincipalId},
        webhook::{AT_A_TIME, DeliveryStatus, Disabled, OWNERS_AT_A_TIME},
    },
    operations::{Signals, timers},
    store::{
        Write, postgres, sqlite,
        webhooks::{AttemptOutcome, Replay, Replayed},
    },
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, sqlite::SqliteConnectOptions};

use super::{
    fixtures::{Store, at, audit, event, key, principal},
    webhooks::{add, claim, endpoint, happen, statuses, tried},
};

/// Enables an endpoint again, or disables it.
async fn switch(store: &Store, id: &str, enabled: bool) {
    let mut stored = store.webhook(&id.into()).await.unwrap().unwrap();
    let disabled = Disabled { at: at(1), by: "ana".to_owned(), reason: "moving".to_owned() };
    stored.value.disabled = (!enabled).then_some(disabled);
    store.change_webhook(&stored, vec![audit("webhook.changed", id)]).await.unwrap();
}

/// Has events happen one second after the other; their ids.
async fn happen_from(store: &Store, second: i64, buy: &str, count: i64) -> Vec<EventId> {
    let mut ids = Vec::new();
    for index in 0..count {
        let event = Event { at: at(second + index), ..event(buy, EventKind::TaskCreated) };
        ids.push(event.id.clone());
        happen(store, vec![event]).await;
    }
    ids
}

/// Claims and delivers everything that is due, one after the other.
async fn deliver_all(store: &Store, seconds: i64) -> Vec<EventId> {
    let mut sent = Vec::new();
    while let Some(due) = claim(store, seconds).await {
        store.record_attempt(tried(&due, seconds, AttemptOutcome::Delivered)).await.unwrap();
        sent.push(due.event);
    }
    sent
}

pub(crate) async fn a_replay_sends_events_of_a_buy_in_the_order_in_which_they_happened(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    let mut happened = happen_from(&store, 0, "b1", 1).await;
    assert_eq!(deliver_all(&store, 10).await, happened);
    switch(&store, "mine", false).await;
    happened.extend(happen_from(&store, 1, "b1", 2).await);
    switch(&store, "mine", true).await;
    happened.extend(happen_from(&store, 3, "b1", 1).await);
    assert_eq!(deliver_all(&store, 10).await, happened[3..], "what was missed is not sent by itself");
    let line = audit("webhook.replayed", "mine");
    let replayed = store.replay(&"mine".into(), Replay::Since(at(0)), at(20), 100, line).await.unwrap();
    assert_eq!(replayed.count, 4);
    // Each waits for the one before it, until that one was taken.
    let first = claim(&store, 20).await.unwrap();
    assert!(claim(&store, 20).await.is_none());
    store.record_attempt(tried(&first, 20, AttemptOutcome::Delivered)).await.unwrap();
    let rest = deliver_all(&store, 20).await;
    assert_eq!((&first.event, &rest[..]), (&happened[0], &happened[1..]));
}

pub(crate) async fn a_replay_of_more_than_its_limit_says_where_to_go_on(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    switch(&store, "mine", false).await;
    let happened = happen_from(&store, 0, "b1", 5).await;
    switch(&store, "mine", true).await;
    let line = || audit("webhook.replayed", "mine");
    let (mut since, mut sent, mut counts) = (at(0), Vec::new(), Vec::new());
    loop {
        let replayed = store.replay(&"mine".into(), Replay::Since(since), at(10), 2, line()).await.unwrap();
        sent.extend(deliver_all(&store, 10).await);
        counts.push(replayed.count);
        assert_eq!(replayed.more, replayed.next_since.is_some());
        let Some(next) = replayed.next_since else { break };
        assert!(next > since, "it goes on");
        since = next;
    }
    assert_eq!((counts, sent), (vec![2, 2, 1], happened.clone()));
    // All of them to the last one: there is nothing to go on with.
    let all = store.replay(&"mine".into(), Replay::Since(at(0)), at(20), 5, line()).await.unwrap();
    assert_eq!(all, Replayed { count: 5, more: false, next_since: None });
    switch(&store, "mine", false).await;
    switch(&store, "mine", true).await;
    let dead = async || store.replay(&"mine".into(), Replay::DeadLetters, at(30), 3, line()).await.unwrap();
    assert_eq!(dead().await, Replayed { count: 3, more: true, next_since: None });
    assert_eq!(deliver_all(&store, 30).await, happened[..3], "the oldest first");
    assert_eq!(dead().await, Replayed { count: 2, more: false, next_since: None });
}

pub(crate) async fn a_test_is_replayed_to_the_endpoint_that_was_tested_and_to_no_other(store: Store) {
    add(&store, &endpoint("mine", Some(principal()), EventKind::ALL)).await;
    add(&store, &endpoint("also mine", Some(principal()), EventKind::ALL)).await;
    add(&store, &endpoint("publishers", None, EventKind::ALL)).await;
    let test = event("", EventKind::WebhookTest);
    store.add_test_event(&"mine".into(), &test).await.unwrap();
    assert_eq!(deliver_all(&store, 1).await, std::slice::from_ref(&test.id));
    for (id, count) in [("mine", 1), ("also mine", 0), ("publishers", 0)] {
        let line = audit("webhook.replayed", id);
        let replayed = store.replay(&id.into(), Replay::Since(at(0)), at(2), 100, line).await.unwrap();
        assert_eq!(replayed.count, count, "{id}");
    }
    assert_eq!(deliver_all(&store, 2).await, [test.id]);
}

pub(crate) async fn an_endpoint_where_nothing_succeeds_is_sent_one_at_a_time(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    happen(&store, (0..10).map(|index| event(&format!("b{index}"), EventKind::TaskCreated)).collect()).await;
    let first = claim(&store, 1).await.unwrap();
    store.record_attempt(tried(&first, 1, AttemptOutcome::Retry(at(100)))).await.unwrap();
    let second = claim(&store, 2).await.unwrap();
    assert!(claim(&store, 2).await.is_none(), "the others wait until something succeeds");
    store.record_attempt(tried(&second, 2, AttemptOutcome::Delivered)).await.unwrap();
    let mut held = 0;
    while claim(&store, 3).await.is_some() {
        held += 1;
    }
    assert_eq!(held, AT_A_TIME);
}

pub(crate) async fn no_owner_takes_all_places(store: Store) {
    let other = PrincipalId::from("zenith");
    for index in 0..5 {
        add(&store, &endpoint(&format!("mine{index}"), Some(principal()), EventKind::ALL)).await;
        add(&store, &endpoint(&format!("publishers{index}"), None, EventKind::ALL)).await;
    }
    add(&store, &endpoint("theirs", Some(other.clone()), EventKind::ALL)).await;
    happen(&store, (0..10).map(|index| event(&format!("b{index}"), EventKind::TaskCreated)).collect()).await;
    happen(&store, vec![Event { principal: other, ..event("b10", EventKind::TaskCreated) }]).await;
    let mut claimed = Vec::new();
    while let Some(due) = claim(&store, 1).await {
        claimed.push(due);
    }
    let of = |owner: &str| claimed.iter().filter(|due| due.endpoint.id.as_str().starts_with(owner)).count();
    let most = OWNERS_AT_A_TIME as usize;
    assert_eq!((of("mine"), of("publishers"), of("theirs")), (most, most, 1));
    let mine = claimed.iter().find(|due| due.endpoint.id.as_str().starts_with("mine")).unwrap();
    store.record_attempt(tried(mine, 1, AttemptOutcome::Delivered)).await.unwrap();
    let next = claim(&store, 1).await.unwrap();
    assert!(next.endpoint.id.as_str().starts_with("mine"));
    // What a host that died has left takes nobody's place.
    assert!(claim(&store, 1).await.is_none());
    assert!(claim(&store, 100).await.is_some());
}

pub(crate) async fn what_an_old_url_answers_counts_for_nothing_at_the_new_one(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    happen(&store, ["b1", "b2", "b3"].map(|buy| event(buy, EventKind::TaskCreated)).into()).await;
    let (gone, taken) = (claim(&store, 0).await.unwrap(), claim(&store, 0).await.unwrap());
    let failed = claim(&store, 0).await.unwrap();
    store.record_attempt(tried(&failed, 1, AttemptOutcome::Retry(at(1_000)))).await.unwrap();
    let mut stored = store.webhook(&"mine".into()).await.unwrap().unwrap();
    assert_eq!(stored.value.failing_since, Some(at(1)));
    // Another name is no reason to begin anew.
    stored.value.description = Some("CRM".to_owned());
    store.change_webhook(&stored, vec![audit("webhook.changed", "mine")]).await.unwrap();
    stored = store.webhook(&"mine".into()).await.unwrap().unwrap();
    assert_eq!(stored.value.failing_since, Some(at(1)));
    stored.value.url = "https://example.com/moved".to_owned();
    store.change_webhook(&stored, vec![audit("webhook.changed", "mine")]).await.unwrap();
    let standing = async || store.webhook(&"mine".into()).await.unwrap().unwrap().value;
    assert_eq!(standing().await.failing_since, None, "its time begins anew");

    assert_eq!(store.record_attempt(tried(&gone, 2, AttemptOutcome::DeadLetter)).await.unwrap(), None);
    assert_eq!(standing().await.failing_since, None);
    assert_eq!(store.record_attempt(tried(&taken, 2, AttemptOutcome::Delivered)).await.unwrap(), None);
    // It is sent to the new url, as if it had never been tried.
    let again = claim(&store, 2).await.unwrap();
    assert_eq!((&again.event, again.attempts), (&gone.event, 0));
    assert_eq!(again.endpoint.url, "https://example.com/moved");
    assert_eq!(store.record_attempt(tried(&again, 3, AttemptOutcome::Retry(at(60)))).await.unwrap(), Some(at(3)));
    let delivered = store.delivery(&"mine".into(), &taken.event).await.unwrap().unwrap();
    assert_eq!((delivered.status, delivered.attempts), (DeliveryStatus::Delivered, 1));
}

pub(crate) async fn of_many_that_make_endpoints_at_once_no_owner_gets_too_many(store: Store) {
    add(&store, &endpoint("theirs", Some("zenith".into()), EventKind::ALL)).await;
    for owner in [Some(principal()), None] {
        let made = (0..12).map(|index| {
            let (store, owner) = (store.clone(), owner.clone());
            tokio::spawn(async move {
                let id = format!("wh_{index}_{}", owner.is_some());
                let new = endpoint(&id, owner, EventKind::ALL);
                store.add_webhook(&new, 5, audit("webhook.created", &id)).await.unwrap()
            })
        });
        let made = futures::future::join_all(made).await.into_iter().filter(|made| *made.as_ref().unwrap()).count();
        assert_eq!(made, 5);
    }
    assert_eq!(store.webhooks(None).await.unwrap().len(), 11);
    let lines = store.audit(0, 100).await.unwrap();
    assert_eq!(lines.len(), 11, "what was refused is not told");
}

pub(crate) async fn what_was_given_up_is_counted_for_each_endpoint(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    add(&store, &endpoint("other", None, EventKind::ALL)).await;
    happen(&store, ["b1", "b2", "b3"].map(|buy| event(buy, EventKind::TaskCreated)).into()).await;
    for _ in 0..2 {
        let mut due = claim(&store, 0).await.unwrap();
        while due.endpoint.id.as_str() != "mine" {
            due = claim(&store, 0).await.unwrap();
        }
        store.record_attempt(tried(&due, 1, AttemptOutcome::DeadLetter)).await.unwrap();
    }
    let listed = store.webhooks(None).await.unwrap();
    assert_eq!(listed.iter().map(|endpoint| endpoint.dead).collect::<Vec<_>>(), [2, 0]);
    assert_eq!(store.webhook(&"mine".into()).await.unwrap().unwrap().value.dead, 2);
}

pub(crate) async fn one_look_at_the_clock_forgets_everything_that_is_old(store: Store) {
    add(&store, &endpoint("mine", None, EventKind::ALL)).await;
    for batch in 0..2 {
        let buy = |index| format!("b{batch}-{index}");
        happen(&store, (0..500).map(|index| event(&buy(index), EventKind::TaskCreated)).collect()).await;
    }
    switch(&store, "mine", false).await;
    for index in 0..250 {
        store.record(Write::NewKey(key(&format!("k{index}"), "op-none"))).await.unwrap();
    }
    let later = at(31 * 86_400);
    timers::tick(&store, &Signals::default(), Duration::from_secs(60), later).await.unwrap();
    assert_eq!(statuses(&store, "mine").await, []);
    for index in [0, 249] {
        assert!(store.idempotency(&principal(), &format!("k{index}")).await.unwrap().is_none(), "{index}");
    }
}

/// Rows as the version before wrote them: of three events of a buy the first was delivered, and the last one's delivery was written first.
fn rows_of_the_version_before() -> Vec<String> {
    let doc = serde_json::to_string(&endpoint("mine", None, EventKind::ALL)).unwrap();
    let now = at(0).as_micros();
    let mut rows = vec![
        format!("INSERT INTO webhooks (id, owner, enabled, doc) VALUES ('mine', NULL, 1, '{doc}')"),
        "INSERT INTO webhook_events (webhook, kind) VALUES ('mine', 'task.created')".to_owned(),
    ];
    for id in ["evt_1", "evt_2", "evt_3"] {
        rows.push(format!(
            "INSERT INTO events (id, buy, doc, kind, principal, at, body)
             VALUES ('{id}', 'b1', '{{}}', 'task.created', 'acme', {now}, '{{}}')"
        ));
    }
    for (id, status) in [("evt_1", "delivered"), ("evt_3", "pending"), ("evt_2", "pending")] {
        rows.push(format!(
            "INSERT INTO webhook_deliveries (webhook, event, buy, status, since, due_at)
             VALUES ('mine', '{id}', 'b1', '{status}', {now}, {now})"
        ));
    }
    rows
}

async fn old_deliveries_go_in_the_order_of_their_events(store: Store) {
    let first = Replay::One("evt_1".into());
    let replayed = store.replay(&"mine".into(), first, at(1), 1, audit("webhook.replayed", "mine")).await.unwrap();
    assert_eq!(replayed, Replayed { count: 1, more: false, next_since: None });
    let sent = deliver_all(&store, 1).await;
    assert_eq!(sent.iter().map(EventId::as_str).collect::<Vec<_>>(), ["evt_1", "evt_2", "evt_3"]);
}

#[tokio::test]
async fn deliveries_of_the_version_before_go_in_order_on_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut old = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    let mut before = sqlx::migrate!("migrations/sqlite");
    before.migrations.to_mut().truncate(4);
    before.run_direct(None, &mut old, false).await.unwrap();
    for row in rows_of_the_version_before() {
        sqlx::query(AssertSqlSafe(row)).execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();
    let store = sqlite::open(path, sqlite::Options::default()).await.unwrap();
    old_deliveries_go_in_the_order_of_their_events(store).await;
}

#[tokio::test]
async fn deliveries_of_the_version_before_go_in_order_on_postgresql() {
    let Some(url) = flightdeck_test_support::postgres::database().await else { return };
    let mut old = PgConnection::connect(&url).await.unwrap();
    let mut before = sqlx::migrate!("migrations/postgres");
    before.migrations.to_mut().truncate(3);
    before.run_direct(None, &mut old, false).await.unwrap();
    for row in rows_of_the_version_before() {
        sqlx::query(AssertSqlSafe(row)).execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();
    let options = postgres::Options { callers_clock: true, ..postgres::Options::default() };
    let store = postgres::open(&url, options).await.unwrap();
    old_deliveries_go_in_the_order_of_their_events(store).await;
}

pub(crate) async fn however_much_waits_is_given_up_with_its_endpoint(store: Store) {
    add(&store, &endpoint("mine", None, &[EventKind::TaskCreated])).await;
    add(&store, &endpoint("other", None, &[EventKind::TaskCreated])).await;
    for batch in 0..21 {
        let events = (0..100).map(|index| event(&format!("b{batch}-{index}"), EventKind::TaskCreated)).collect();
        happen(&store, events).await;
    }
    switch(&store, "mine", false).await;
    let dead = |endpoints: Vec<flightdeck::domain::webhook::Endpoint>| {
        endpoints.iter().map(|endpoint| (endpoint.id.to_string(), endpoint.dead)).collect::<Vec<_>>()
    };
    let told = dead(store.webhooks(None).await.unwrap());
    assert_eq!(told, [("mine".to_owned(), 2_100), ("other".to_owned(), 0)]);
    switch(&store, "mine", true).await;
    let due = claim(&store, 10).await.unwrap();
    assert_eq!(due.endpoint.id.as_str(), "other", "nothing is sent by itself");
}
