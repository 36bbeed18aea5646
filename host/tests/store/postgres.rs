//! What is true of PostgreSQL only: several hosts, the database's clock.

use std::time::Duration;

use flightdeck::{
    domain::{
        event::EventKind,
        operation::{Change, OperationState},
        step::StepState,
        time::Timestamp,
        update::BuyPatch,
    },
    operations::now,
    store::{
        Author, Hint, JournalWrite, LeaseAfter, Recording, StoreError, Write,
        postgres::{self, Options},
    },
};
use flightdeck_test_support::postgres::database;
use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    auditing,
    fixtures::{
        LEASE, Store, accept, add_operation, audit, begins, journal, moved, operation, settles, stored_buy,
        stored_operation, task,
    },
    lists, plans, webhooks,
};

/// A store in a database of its own.
pub(crate) struct Backend {
    store: Store,
    url: String,
}

impl Backend {
    pub(crate) async fn fresh() -> Option<Self> {
        let url = database().await?;
        let options = Options { callers_clock: true, ..Options::default() };
        Some(Self { store: postgres::open(&url, options).await.unwrap(), url })
    }

    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    pub(crate) async fn check_plans(&self) {
        plans::check_postgres(&mut beside(&self.url).await).await;
    }
}

pub(super) async fn open(url: &str) -> Store {
    postgres::open(url, Options::default()).await.unwrap()
}

/// Somebody else's connection to the same database.
pub(super) async fn beside(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

pub(super) async fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

/// An operation of a new buy that is due now, by the machine's clock.
pub(super) async fn due_now(store: &Store, id: &str) {
    accept(store, id).await;
    let mut stored = stored_operation(store, &format!("op-{id}").as_str().into()).await;
    stored.value.run_at = now();
    store.record(Write::Operation(stored)).await.unwrap();
}

#[tokio::test]
async fn what_an_older_host_ended_is_forgotten_in_its_time() {
    let Some(backend) = Backend::fresh().await else { return };
    super::retention::end_as_an_older_host(&backend.store, async {
        sqlx::query(super::retention::TAKE_OUT).execute(&mut beside(&backend.url).await).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn tasks_expire_by_the_databases_clock() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    accept(&store, "b1").await;
    let day = Duration::from_secs(86_400);
    let mut late = task("t1", &operation("op-b1", "b1"));
    (late.due_by, late.expires_at) = (now(), now().plus(day));
    store.record(Write::NewTask(late)).await.unwrap();
    // A host whose clock is two days ahead finds it late like every other host, and not expired.
    for clock in [now(), now().plus(2 * day), Timestamp::from_micros(0)] {
        let due = store.tasks_due(clock, 10).await.unwrap();
        assert_eq!(due.iter().map(|due| due.expired).collect::<Vec<_>>(), [false], "{clock}");
    }
}

#[tokio::test]
async fn a_list_of_tasks_ends_with_its_most_urgent_ten_thousand() {
    let Some(backend) = Backend::fresh().await else { return };
    let numbers = "SELECT n FROM generate_series(1, 10010) AS n (n)";
    lists::a_list_of_tasks_ends(&backend.store, async {
        sqlx::query(AssertSqlSafe(lists::multiply(numbers))).execute(&mut beside(&backend.url).await).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn leases_are_judged_by_the_databases_clock() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    due_now(&store, "b1").await;
    // This host's clock is a day ahead, or a day behind: it makes no difference.
    let (ahead, behind) =
        (now().plus(Duration::from_secs(86_400)), Timestamp::from_micros(now().as_micros() - 86_400_000_000));
    let held = store.claim("worker", behind, LEASE).await.unwrap().expect("it is due");
    assert!(store.claim("other", ahead, LEASE).await.unwrap().is_none(), "the lease has just begun");
    store.prolong(&held.fence, behind, LEASE).await.unwrap();
    let left = store.next_due(ahead).await.unwrap().expect("the lease ends some time");
    assert!(left <= LEASE && left > LEASE - Duration::from_secs(10), "{left:?}");
}

#[tokio::test]
async fn doubts_begin_by_the_databases_clock() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    due_now(&store, "b1").await;
    let held = store.claim("worker", now(), LEASE).await.unwrap().expect("it is due");
    let write = JournalWrite { at: Timestamp::NEVER, ..journal(&held.fence, "b1", 0) };
    let begin = begins("order", "reference");
    let settled = settles("order", StepState::Open);
    // Whatever this host's clock says.
    for write in [JournalWrite { begin, ..write.clone() }, JournalWrite { settled, ..write }] {
        let before = store.clock(Timestamp::NEVER).await.unwrap();
        store.journal(write).await.unwrap();
        let begun_at = store.steps(&held.fence.operation).await.unwrap()[0].begun_at;
        assert!(before <= begun_at && begun_at <= store.clock(Timestamp::NEVER).await.unwrap(), "{begun_at:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_of_one_buy_are_never_leased_together() {
    let Some(url) = database().await else { return };
    let hosts = join_all((0..3).map(|_| open(&url))).await;
    let store = &hosts[0];
    for round in 0..20 {
        let id = format!("b{round}");
        due_now(store, &id).await;
        for index in 0..4 {
            let mut pause = operation(&format!("op-{id}-{index}"), &id);
            let patch = BuyPatch { active: Some(false), ..BuyPatch::default() };
            pause.change = Change::Update(patch);
            pause.run_at = now();
            add_operation(store, pause).await;
        }
        // A pause overtakes the create: both may be claimed, and all hosts try.
        let claims = join_all(hosts.iter().flat_map(|host| {
            (0..4).map(|_| {
                let host = host.clone();
                tokio::spawn(async move { host.claim("worker", now(), LEASE).await.unwrap() })
            })
        }))
        .await;
        let claimed: Vec<_> = claims.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(claimed.len(), 1, "{:?}", claimed.iter().map(|claim| &claim.fence).collect::<Vec<_>>());
        for operation in store.open_operations(&id.as_str().into()).await.unwrap() {
            let failed = moved(&operation, OperationState::Failed, 0);
            store.record(Write::Operation(failed)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_and_a_reviewer_who_write_the_same_rows_do_not_block_each_other() {
    let Some(url) = database().await else { return };
    let hosts = join_all((0..2).map(|_| open(&url))).await;
    due_now(&hosts[0], "b1").await;
    let held = hosts[0].claim("worker", now(), LEASE).await.unwrap().unwrap();
    let write = |host: Store, author: Author| async move {
        let mut written = 0;
        while written < 30 {
            let recording = Recording::by(author.clone())
                .with(Write::Buy(stored_buy(&host, "b1").await))
                .with(Write::Operation(stored_operation(&host, &"op-b1".into()).await))
                .with(Write::Audit(audit("changed", "b1")));
            match host.record(recording).await {
                Ok(()) => written += 1,
                Err(StoreError::Stale(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    let worker = tokio::spawn(write(hosts[0].clone(), Author::Worker(held.fence, LeaseAfter::Kept)));
    let reviewer = tokio::spawn(write(hosts[1].clone(), Author::Host));
    worker.await.unwrap();
    reviewer.await.unwrap();
    assert_eq!(
        number(&mut beside(&url).await, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .await,
        0
    );
    auditing::verify(&auditing::whole(&hosts[0]).await).unwrap();
}

#[tokio::test]
async fn a_hint_reaches_the_other_hosts_and_not_its_sender() {
    let Some(url) = database().await else { return };
    let (one, other) = (open(&url).await, open(&url).await);
    let (mut mine, mut heard) = (one.hints().unwrap(), other.hints().unwrap());
    let rested = Hint::Rested("op-1".into());
    // It takes a moment until both listen.
    let got = loop {
        one.send_hint(rested.clone());
        if let Ok(hint) = tokio::time::timeout(Duration::from_millis(50), heard.recv()).await {
            break hint.unwrap();
        }
    };
    assert_eq!(got, rested);
    other.send_hint(Hint::Work);
    let answered = loop {
        if let Ok(hint) = tokio::time::timeout(Duration::from_millis(50), mine.recv()).await {
            break hint.unwrap();
        }
        other.send_hint(Hint::Work);
    };
    assert_eq!(answered, Hint::Work, "its own hint did not come back");
}

#[tokio::test]
async fn a_server_without_room_for_another_connection_serves_those_that_are_there() {
    let Some(url) = database().await else { return };
    let mut owner = beside(&url).await;
    let name = url.rsplit('/').next().unwrap();
    // Limits are for everybody but superusers.
    open(&url).await.close().await;
    for sql in [
        format!("CREATE ROLE {name} LOGIN"),
        format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}"),
        format!("ALTER ROLE {name} CONNECTION LIMIT 2"),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut owner).await.unwrap();
    }
    let limited = url.replace("flightdeck@", &format!("{name}@"));
    // Without hints, which have a connection of their own.
    let options = Options { connections: 2, ..Options::default() };
    let store: Store = postgres::open_beside(&limited, options).await.unwrap();
    accept(&store, "b1").await;
    // The connection that looked after the tables is closed, but its session may not have ended yet.
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}'");
    while number(&mut owner, &sessions).await > 1 {
        tokio::task::yield_now().await;
    }
    // Somebody holds a row, and so both connections. Within a transaction one sees the sessions of one moment.
    let mut watcher = beside(&url).await;
    let recording = Recording::from(Write::Buy(stored_buy(&store, "b1").await));
    let mut holding = owner.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM media_buys FOR UPDATE").execute(&mut *holding).await.unwrap();
    let writing: Vec<_> = (0..2)
        .map(|_| {
            let (store, recording) = (store.clone(), recording.clone());
            tokio::spawn(async move { store.record(recording).await })
        })
        .collect();
    until_waiting(&mut watcher, 2).await;
    // Who asks now waits for one of them, though the server has no room for another one to see whether it is there.
    let mut asking = std::pin::pin!(store.ping());
    let early = tokio::time::timeout(Duration::from_millis(1_500), &mut asking).await;
    assert!(early.is_err(), "{early:?}");
    holding.rollback().await.unwrap();
    asking.await.unwrap();
    let written = join_all(writing).await.into_iter().filter(|written| matches!(written, Ok(Ok(())))).count();
    assert_eq!(written, 1, "the other one is stale");
}

#[tokio::test]
async fn a_row_that_somebody_holds_is_not_waited_for_for_ever() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    accept(&store, "b1").await;
    let write = || async { Recording::from(Write::Buy(stored_buy(&store, "b1").await)) };
    let mut beside = beside(&url).await;
    let mut holding = beside.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM media_buys FOR UPDATE").execute(&mut *holding).await.unwrap();
    let options = Options { patience: Duration::from_secs(2), ..Options::default() };
    let impatient: Store = postgres::open(&url, options).await.unwrap();
    assert!(matches!(impatient.record(write().await).await, Err(StoreError::Unavailable(_))));
    holding.rollback().await.unwrap();
    store.record(write().await).await.unwrap();
}

#[tokio::test]
async fn a_session_that_stopped_in_the_middle_is_ended_by_the_server() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    let limit: String =
        sqlx::query_scalar("SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")
            .fetch_one(&mut beside(&url).await)
            .await
            .unwrap();
    assert_eq!(limit, "0", "the server's own default is none");
    // What a host that is stopped between two statements looks like: its session, holding the end of the audit log.
    let sleeping = format!("{url}?options=-c%20idle_in_transaction_session_timeout=400");
    let mut stopped = beside(&sleeping).await;
    sqlx::raw_sql("BEGIN; SELECT pg_advisory_xact_lock(7023466421)").execute(&mut stopped).await.unwrap();
    store.record(Write::Audit(audit("a", "b"))).await.unwrap();
    assert!(sqlx::raw_sql("COMMIT").execute(&mut stopped).await.is_err());
}

#[tokio::test]
async fn an_event_that_was_being_written_while_its_endpoint_was_removed_goes_with_it() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    let (mut writer, mut watcher) = (beside(&url).await, beside(&url).await);
    webhooks::add(&store, &webhooks::endpoint("mine", None, &[EventKind::TaskCreated])).await;
    // As another host writes it that still found the endpoint enabled.
    let mut writing = writer.begin().await.unwrap();
    for sql in [
        "INSERT INTO events (id, buy, doc) VALUES ('evt_1', 'b1', '{}')",
        "INSERT INTO webhook_deliveries (webhook, event, buy, status, since, due_at)
         VALUES ('mine', 'evt_1', 'b1', 'pending', 0, 0)",
    ] {
        sqlx::query(sql).execute(&mut *writing).await.unwrap();
    }
    let stored = webhooks::disabled(&store, "mine").await;
    let removing = tokio::spawn({
        let store = store.clone();
        async move { store.remove_webhook(&stored, 100, audit("webhook.deleted", "mine")).await }
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while number(&mut watcher, waiting).await == 0 {
        assert!(!removing.is_finished(), "it waits for whoever writes");
        tokio::task::yield_now().await;
    }
    writing.commit().await.unwrap();
    assert!(removing.await.unwrap().unwrap());
    assert_eq!(number(&mut watcher, "SELECT count(*) FROM webhook_deliveries").await, 0);
}

/// Waits until so many sessions wait for a lock.
pub(super) async fn until_waiting(watcher: &mut PgConnection, sessions: i64) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while number(watcher, waiting).await < sessions {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("postgres://flightdeck:secret@{address}/x");
    let error = postgres::open(&url, Options::default()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

/// `tests/with-postgres cargo test --release -p flightdeck --test store -- --ignored --nocapture postgres::how_many`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and says nothing of right and wrong"]
async fn how_many_acceptances_are_recorded_a_second() {
    let Some(url) = database().await else { return };
    super::measure::acceptances(open(&url).await).await;
}
