//! What becomes of operations when one of several hosts over one PostgreSQL dies, sleeps, loses the database or is replaced.

use std::time::Duration;

use flightdeck::{
    domain::task::{Approval, Resolution, TaskMove},
    operations::{decisions, late_results::LATE_RESULT},
    store::{
        Recording, Write,
        postgres::{self, Options},
    },
};
use flightdeck_emulators::control::faults::{Action, Rule};
use reqwest::Method;
use serde_json::json;

use crate::{
    host::Host,
    house::{BUYER, OPERATOR, PATIENCE, REVIEWER, today},
    proxy::Mode,
    replicas::Replicas,
};

/// Holds the making of a campaign up for so long, once.
fn slow_campaign(replicas: &Replicas, millis: u64, acts: bool) {
    let stall = if acts {
        json!({ "stall_after_acting": { "ms": millis } })
    } else {
        json!({ "stall": { "ms": millis, "then": "drop" } })
    };
    let action: Action = serde_json::from_value(stall).expect("an action");
    replicas.kevel().controls.faults.add(Rule::new("POST", "/v1/campaign", action));
}

/// Waits until the slow request has come.
async fn came(replicas: &Replicas) {
    let fired = || replicas.kevel().controls.faults.list().iter().all(|rule| rule.fired > 0);
    let until = tokio::time::Instant::now() + PATIENCE;
    while !fired() {
        assert!(tokio::time::Instant::now() < until, "nobody asked for a campaign");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The host that carries an operation out: the one whose log does not matter, found by its pid in the lease.
async fn runs_on(replicas: &Replicas, operation: &str) -> usize {
    use sqlx::Connection as _;
    let mut database = sqlx::PgConnection::connect(&replicas.database_url).await.expect("the database");
    let worker: String = sqlx::query_scalar("SELECT worker FROM operations WHERE id = $1")
        .bind(operation)
        .fetch_one(&mut database)
        .await
        .expect("somebody has it");
    for (index, replica) in replicas.all.iter().enumerate() {
        let pid = replica.host.lock().await.as_ref().and_then(Host::pid);
        if pid.is_some_and(|pid| worker.starts_with(&format!("{pid}-"))) {
            return index;
        }
    }
    panic!("{worker} is none of the hosts");
}

/// How long the lease of these hosts is, as their configuration says.
const LEASE_MICROS: i64 = 1_000_000;

/// How much later than it may a host take over at most: it looks every second, on a machine that may be busy.
const SLACK_MICROS: i64 = 10_000_000;

/// How an operation stands in the database, at a moment of the database's clock.
#[derive(Debug, sqlx::FromRow)]
struct Standing {
    fence: i64,
    lease_until: Option<i64>,
    now: i64,
}

async fn beside(replicas: &Replicas) -> sqlx::PgConnection {
    use sqlx::Connection as _;
    sqlx::PgConnection::connect(&replicas.database_url).await.expect("the database")
}

async fn standing(database: &mut sqlx::PgConnection, operation: &str) -> Standing {
    let asked = "SELECT fence, lease_until, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
                 FROM operations WHERE id = $1";
    sqlx::query_as(asked).bind(operation).fetch_one(database).await.expect("the operation")
}

/// Waits until an operation stands as wanted.
async fn stands(
    database: &mut sqlx::PgConnection,
    operation: &str,
    what: &str,
    wanted: impl Fn(&Standing) -> bool,
) -> Standing {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let stands = standing(database, operation).await;
        if wanted(&stands) {
            return stands;
        }
        assert!(tokio::time::Instant::now() < until, "never {what}: {stands:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What a worker says in the audit log that it learned too late.
async fn learned_too_late(database: &mut sqlx::PgConnection, operation: &str) -> Vec<String> {
    let asked =
        "SELECT doc::jsonb->>'reason' FROM audit WHERE subject = $1 AND doc::jsonb->>'action' = $2 ORDER BY seq";
    sqlx::query_scalar(asked).bind(operation).bind(LATE_RESULT).fetch_all(database).await.expect("the lines")
}

/// Everything that a worker may write, row by row, but for what it says in the audit log that it learned too late.
async fn written(database: &mut sqlx::PgConnection) -> Vec<String> {
    let everything = "
        SELECT to_jsonb(one)::text FROM operations AS one UNION ALL SELECT to_jsonb(one)::text FROM steps AS one
        UNION ALL SELECT to_jsonb(one)::text FROM remote_objects AS one UNION ALL SELECT to_jsonb(one)::text FROM events AS one
        UNION ALL SELECT to_jsonb(one)::text FROM tasks AS one UNION ALL SELECT to_jsonb(one)::text FROM audit AS one
        WHERE doc::jsonb->>'action' <> $1 ORDER BY 1";
    sqlx::query_scalar(everything).bind(LATE_RESULT).fetch_all(database).await.expect("the rows")
}

#[tokio::test]
async fn any_host_serves_any_request() {
    let Some(replicas) = Replicas::new(3, "").await else { return };
    let request =
        json!({ "packages": ["front_page", "homepage"], "total_budget": 10_000, "flight_start_date": today() });
    let key = [("Idempotency-Key", "one-key")];
    let ask = |index| replicas.ask(index, BUYER, Method::POST, "/v1/media-buys", Some(&request), &key);
    let created = ask(0).await.expect("an answer").expect(202);
    let again = ask(1).await.expect("an answer").expect(202);
    assert_eq!((again.text("/media_buy_id"), &again.body["replayed"]), (created.text("/media_buy_id"), &json!(true)));
    // Approved on one host, carried out on any, waited for on a third.
    let task = created.text("/task_id");
    let path = format!("/v1/tasks/{task}/complete");
    replicas.post(1, REVIEWER, &path, json!({ "resolution": "approved" })).await.expect(200);
    replicas.until(2, REVIEWER, &format!("/v1/tasks/{task}"), |answer| answer.body["status"] == "completed").await;
    let status = replicas.get(0, BUYER, &format!("/v1/media-buys/{}/status", created.text("/media_buy_id"))).await;
    assert_eq!(status.expect(200).text("/status"), "pending_activation");
    assert_eq!(replicas.kevel().counts(), (1, 1));
    assert_eq!(replicas.servers.server("gam").counts(), (1, 1));
    // A token that is made beside the hosts is good at each of them, and the log is one.
    let made = replicas
        .command()
        .args(["token", "create", "--name", "new", "--role", "operator"])
        .output()
        .await
        .expect("it runs");
    let token = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for index in 0..3 {
        let audit = replicas.get(index, &token, "/v1/audit?limit=200").await.expect(200).body.to_string();
        for action in ["operation.accepted", "task.approved", "token.created"] {
            assert!(audit.contains(action), "{action}: {audit}");
        }
        replicas.get(index, OPERATOR, "/readyz").await.expect(200);
    }
}

#[tokio::test]
async fn a_host_that_dies_is_taken_over_within_its_lease() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    for acts in [true, false] {
        slow_campaign(&replicas, 60_000, acts);
        let before = replicas.kevel().counts().0;
        let operation = replicas.approved(0, 1).await;
        came(&replicas).await;
        let died = runs_on(&replicas, &operation).await;
        replicas.kill(died).await;
        let mut database = beside(&replicas).await;
        let left = standing(&mut database, &operation).await;
        let lease = left.lease_until.expect("it died with its lease");
        let taken = stands(&mut database, &operation, "taken over", |now| now.fence > left.fence).await;
        assert_eq!(taken.fence, left.fence + 1);
        assert!(taken.now <= lease + SLACK_MICROS, "taken over {} microseconds after the lease", taken.now - lease);
        // Whoever took it over did so when the lease had run out, and not before. Its own lease began then, or was prolonged since; it may have
        // given it back already, until the ad server shows what was made.
        let begun = taken.lease_until.map_or(taken.now, |until| until - LEASE_MICROS);
        assert!(begun >= lease, "taken over {} microseconds before the lease ran out", lease - begun);
        let ended = replicas.ended(1 - died, &operation).await;
        assert_eq!(ended.text("/state"), "succeeded", "{:#}", ended.body);
        assert_eq!(replicas.kevel().counts(), (before + 1, before + 1), "acts: {acts}");
        replicas.kevel().controls.faults.clear();
        replicas.start(died).await;
    }
}

#[tokio::test]
async fn a_host_that_was_stopped_and_wakes_up_late_records_nothing_but_what_it_heard() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    slow_campaign(&replicas, 3_000, true);
    let operation = replicas.approved(0, 1).await;
    came(&replicas).await;
    let stopped = runs_on(&replicas, &operation).await;
    let other = 1 - stopped;
    replicas.signal(stopped, "STOP").await;
    let mut database = beside(&replicas).await;
    let left = standing(&mut database, &operation).await;
    let ended = replicas.ended(other, &operation).await;
    assert_eq!(ended.text("/state"), "succeeded", "{:#}", ended.body);
    let (buy, claims) = (ended.text("/media_buy_id"), ended.body["attempts"].clone());
    let before = written(&mut database).await;
    assert!(!before.is_empty());
    replicas.signal(stopped, "CONT").await;
    // It hears what it was waiting for, and that is kept, but not applied.
    let until = tokio::time::Instant::now() + PATIENCE;
    let late = loop {
        let late = learned_too_late(&mut database, &operation).await;
        if !late.is_empty() {
            break late;
        }
        assert!(tokio::time::Instant::now() < until, "it kept nothing:\n{}", replicas.log(stopped));
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let first = format!("claim {}", left.fence);
    let fits = |words: &String| words.starts_with(&first) && words.contains("kevel: step");
    assert!(late.len() == 1 && late.iter().all(fits), "{late:#?}");
    // It serves on, and what it was doing is nobody's business any more.
    let path = format!("/v1/operations/{operation}");
    let seen = replicas.until(stopped, BUYER, &path, |answer| answer.status.is_success()).await;
    assert_eq!((seen.text("/state").as_str(), &seen.body["attempts"]), ("succeeded", &claims));
    assert_eq!(written(&mut database).await, before, "the host that woke up late recorded something");
    let status = replicas.get(stopped, BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
    assert_eq!(status.text("/status"), "pending_activation");
    assert_eq!(replicas.kevel().counts(), (1, 1));
}

#[tokio::test]
async fn losing_the_database_loses_nothing_and_needs_no_restart() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    for mode in [Mode::Cut, Mode::Hang] {
        let before = replicas.kevel().counts().0;
        slow_campaign(&replicas, 500, true);
        let operation = replicas.approved(0, 1).await;
        came(&replicas).await;
        for replica in &replicas.all {
            replica.cable().set(mode);
        }
        // Who asks now is told that nothing can be recorded, and when to come back; the process answers all the same.
        let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
        let refused = replicas.post(0, BUYER, "/v1/media-buys", request).await.expect(503);
        assert_eq!(refused.error_code().as_deref(), Some("STORAGE_UNAVAILABLE"), "{:#}", refused.body);
        assert!(refused.headers.contains_key("retry-after"));
        assert_eq!(replicas.get(1, BUYER, "/healthz").await.status, 200);
        assert_eq!(replicas.get(1, BUYER, "/readyz").await.status, 503);
        // For several leases, by the database's own clock.
        let mut database = beside(&replicas).await;
        let lease = standing(&mut database, &operation).await.lease_until.expect("nobody can give it back");
        stands(&mut database, &operation, "long past its lease", |now| now.now > lease + 3 * LEASE_MICROS).await;
        for replica in &replicas.all {
            replica.cable().set(Mode::Pass);
        }
        let ended = replicas.ended(0, &operation).await;
        let claims = standing(&mut database, &operation).await.fence;
        assert!(claims > 1, "{mode:?}: its worker lost the database and went on");
        assert_eq!(ended.text("/state"), "succeeded", "{mode:?}: {:#}", ended.body);
        assert_eq!(replicas.kevel().counts(), (before + 1, before + 1), "{mode:?}");
        replicas.until(1, BUYER, "/readyz", |answer| answer.status == 200).await;
        replicas.kevel().controls.faults.clear();
    }
}

#[tokio::test]
async fn hosts_are_replaced_one_by_one_without_a_failed_operation() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    let mut operations = Vec::new();
    for index in [0, 1] {
        for _ in 0..3 {
            operations.push(replicas.approved(1 - index, 1 - index).await);
        }
        replicas.stop(index).await;
        for _ in 0..3 {
            operations.push(replicas.approved(1 - index, 1 - index).await);
        }
        replicas.start(index).await;
    }
    for operation in &operations {
        assert_eq!(replicas.ended(0, operation).await.text("/state"), "succeeded");
    }
    assert_eq!(replicas.kevel().counts(), (operations.len(), operations.len()));
}

#[tokio::test]
async fn an_approval_that_nobody_hints_at_is_found_by_looking() {
    let Some(replicas) = Replicas::new(1, "").await else { return };
    let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
    let created = replicas.post(0, BUYER, "/v1/media-buys", request).await.expect(202);
    // As another host records it whose hints are all lost.
    let store = postgres::open_beside(&replicas.database_url, Options::default()).await.expect("the database");
    let at = flightdeck::operations::now();
    let mut task = store.task(&created.text("/task_id").as_str().into()).await.expect("it is read").expect("the task");
    for step in [TaskMove::Assign, TaskMove::Start] {
        task.value.advance(step).expect("it is pending");
    }
    let (by, digest) = ("reviewer".to_owned(), task.value.digest.clone());
    task.value.approvals.push(Approval { by, person: None, token: None, at, words: None, digest });
    decisions::decide(&mut task.value, Resolution::Approved, None, "reviewer");
    let operation = created.text("/operation_id");
    let stored = store.operation(&operation.as_str().into()).await.expect("it is read").expect("the operation");
    let mut recording = Recording::default();
    let deadline = Duration::from_secs(3_600);
    decisions::release(&store, stored, &task.value, deadline, at, &mut recording).await.expect("it waits");
    recording.push(Write::Task(task));
    store.record(recording).await.expect("it is recorded");
    store.close().await;
    assert_eq!(replicas.ended(0, &operation).await.text("/state"), "succeeded");
    assert_eq!(replicas.kevel().counts(), (1, 1));
}
