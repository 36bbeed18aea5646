//! Runs that do not come to their end: a host that stops, a database that fails, a clock that jumps, a call that has too little of something.

use std::time::Duration;

use flightdeck_emulators::control::faults::{Action, Rule};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::{
    house::{BUYER, House, PATIENCE, REVIEWER, today},
    proxy::Mode,
    replicas::Replicas,
};

/// Longer than anything waits here: what is taken over within a test was given back.
fn with_a_long_lease(house: &House) {
    configure(house, "lease = \"1s\"\nheartbeat = \"300ms\"", "lease = \"900s\"\nheartbeat = \"400s\"");
}

fn configure(house: &House, from: &str, to: &str) {
    let path = house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    assert!(config.contains(from), "{from}");
    std::fs::write(&path, config.replace(from, to)).expect("it is written");
}

/// Has Kevel answer the making of a campaign so late, once. It is made at once.
fn slow_campaign(millis: u64) -> Rule {
    let stall: Action = serde_json::from_value(json!({ "stall_after_acting": { "ms": millis } })).expect("an action");
    Rule::new("POST", "/v1/campaign", stall)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Two hosts over PostgreSQL whose leases outlast the test, one of which carries a create out and waits for Kevel; its operation.
async fn at_work_under_a_long_lease(answers_after: u64) -> Option<(Replicas, String)> {
    let replicas = Replicas::empty(2, "").await?;
    with_a_long_lease(&replicas.servers.house);
    configure(&replicas.servers.house, "[publisher]", "[server]\nshutdown_grace = \"100ms\"\n\n[publisher]");
    replicas.servers.server("kevel").controls.faults.add(slow_campaign(answers_after));
    replicas.start(0).await;
    let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
    let created = replicas.post(0, BUYER, "/v1/media-buys", request).await.expect(202);
    let path = format!("/v1/tasks/{}/complete", created.text("/task_id"));
    replicas.post(0, REVIEWER, &path, json!({ "resolution": "approved" })).await.expect(200);
    let faults = &replicas.servers.server("kevel").controls.faults;
    until("a campaign is asked for", async || faults.list()[0].fired > 0).await;
    replicas.start(1).await;
    Some((replicas, created.text("/operation_id")))
}

async fn succeeds_once_on(replicas: &Replicas, index: usize, operation: &str) {
    let path = format!("/v1/operations/{operation}");
    let ended = replicas.until(index, BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
    assert_eq!(ended.text("/media_buy_id").split('_').next(), Some("kevel"));
    assert_eq!(replicas.servers.server("kevel").counts(), (1, 1));
}

#[tokio::test]
async fn a_host_that_stops_gives_back_what_it_can_not_finish() {
    let Some((replicas, operation)) = at_work_under_a_long_lease(600_000).await else { return };
    replicas.stop(0).await;
    succeeds_once_on(&replicas, 1, &operation).await;
}

#[tokio::test]
async fn a_run_that_lost_the_database_goes_on_as_soon_as_it_is_back() {
    let Some((replicas, operation)) = at_work_under_a_long_lease(1_500).await else { return };
    let cable = |index: usize| replicas.all[index].database.as_ref().expect("PostgreSQL");
    cable(0).set(Mode::Cut);
    // The answer comes, and can't be recorded.
    until("the run is interrupted", async || replicas.log(0).contains("the run was interrupted")).await;
    cable(0).set(Mode::Pass);
    succeeds_once_on(&replicas, 1, &operation).await;
}

/// A lease is judged by a clock that may be set. Here the lease is set instead.
#[tokio::test]
async fn a_host_that_claims_what_it_is_carrying_out_stops_its_earlier_run_first() {
    let mut house = House::empty("").await;
    with_a_long_lease(&house);
    house.start(&[]).await;
    let faults = &house.kevel.controls().faults;
    faults.add(slow_campaign(600_000));
    let request = json!({ "packages": ["premium_sports"], "total_budget": 10_000, "flight_start_date": today() });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    house.approve(&created.text("/task_id")).await.expect(200);
    until("a campaign is asked for", async || faults.list()[0].fired > 0).await;

    let database = format!("sqlite://{}", house.dir().join("data/flightdeck.db").display());
    let mut beside = SqliteConnection::connect(&database).await.expect("the database");
    let ran_out = "UPDATE operations SET lease_until = 0 WHERE lease_until IS NOT NULL";
    let done = sqlx::query(ran_out).execute(&mut beside).await.expect("it is written");
    assert_eq!(done.rows_affected(), 1);

    let path = format!("/v1/operations/{}", created.text("/operation_id"));
    house.until(BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
    assert!(house.log().contains("outlived its lease"), "{}", house.log());
    assert_eq!(house.kevel.platform().count("campaigns"), 1);
    assert_eq!(house.kevel.platform().count("flights"), 1);
}

#[tokio::test]
async fn what_takes_more_requests_than_a_call_may_send_is_done_in_several() {
    let mut house = House::empty("").await;
    configure(&house, "in_doubt_wait = \"200ms\"", "in_doubt_wait = \"200ms\"\nlimits = { requests = 3 }");
    house.start(&[]).await;
    let packages = json!(["premium_sports", "entertainment", "news", "drive_time_audio"]);
    house.created(packages).await;
    assert_eq!(house.kevel.platform().count("campaigns"), 1);
    assert_eq!(house.kevel.platform().count("flights"), 4);
}

/// Which release all hosts are to serve is known at once, and a host may need minutes to compile it.
#[tokio::test]
async fn a_host_that_is_behind_has_nobody_asked_again_on_account_of_its_own_plan() {
    let Some(replicas) = Replicas::new(1, "").await else { return };
    let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
    let created = replicas.post(0, BUYER, "/v1/media-buys", request).await.expect(202);
    let mut beside = PgConnection::connect(&replicas.database_url).await.expect("the database");
    let serves = "SELECT digest FROM activations WHERE platform = 'kevel' ORDER BY number DESC LIMIT 1";
    let served: String = sqlx::query_scalar(serves).fetch_one(&mut beside).await.expect("one serves");
    let all_are_to_serve = async |beside: &mut PgConnection, digest: &str| {
        let switch = "INSERT INTO activations (platform, number, digest, at, actor, kind)
                      SELECT 'kevel', max(number) + 1, $1, 0, 'ops', 'activate' FROM activations WHERE platform = 'kevel'";
        sqlx::query(switch).bind(digest).execute(beside).await.expect("it is written");
    };
    let newer = "a".repeat(64);
    let kept = "INSERT INTO components (digest, content, added_at) VALUES ($1, 'no component', 0)";
    sqlx::query(kept).bind(&newer).execute(&mut beside).await.expect("it is written");
    all_are_to_serve(&mut beside, &newer).await;
    // What was approved is another buy than the one that there is by now.
    let changed = "UPDATE media_buys SET doc = jsonb_set(doc::jsonb, '{revision}', '7')::text";
    sqlx::query(changed).execute(&mut beside).await.expect("it is written");
    let (task, operation) = (created.text("/task_id"), created.text("/operation_id"));
    let approval = json!({ "resolution": "approved" });
    replicas.post(0, REVIEWER, &format!("/v1/tasks/{task}/complete"), approval).await.expect(200);

    let handed_back = "SELECT fence FROM operations";
    let beside = tokio::sync::Mutex::new(beside);
    until("it is left to others", async || {
        sqlx::query_scalar::<_, i64>(handed_back).fetch_one(&mut *beside.lock().await).await.expect("it is there") > 2
    })
    .await;
    let mut beside = beside.into_inner();
    let shown = replicas.get(0, REVIEWER, &format!("/v1/tasks/{task}")).await.expect(200);
    assert_eq!(shown.text("/status"), "in_progress", "{:#}", shown.body);
    all_are_to_serve(&mut beside, &served).await;
    let path = format!("/v1/operations/{operation}");
    replicas.until(0, BUYER, &path, |answer| answer.body["state"] == "awaiting_approval").await;
}
