//! The process dies at every single point of a create and of an update, and nothing happens twice or is lost.
//!
//! A debug build of the host counts the points that it passes (see `flightdeck::fault`) and aborts at the one that its
//! environment names. Each test lets it die at the first point, then at the second, until a run passes without dying.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use flightdeck_emulators::{
    control::{
        Controls,
        faults::{Action, Rule},
        settings::Change,
    },
    platform::Platform,
};
use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, House, REVIEWER, day, today},
    replicas::Replicas,
};

/// How many hosts die side by side.
const AT_ONCE: usize = 4;

/// No create or update passes more points than this; one that does is broken.
const MOST_POINTS: usize = 150;

/// Lets `story` run with a death at each point, until it runs without one. Says how many points there were.
pub(crate) async fn at_every_point<F: Future<Output = bool>>(story: impl Fn(usize) -> F) -> usize {
    let passed = AtomicUsize::new(usize::MAX);
    stream::iter(1..=MOST_POINTS)
        .take_while(|point| std::future::ready(*point <= passed.load(Ordering::Relaxed)))
        .for_each_concurrent(AT_ONCE, |point| {
            let (story, passed) = (&story, &passed);
            async move {
                if !story(point).await {
                    passed.fetch_min(point, Ordering::Relaxed);
                }
            }
        })
        .await;
    let passed = passed.into_inner();
    assert!(passed < MOST_POINTS, "the host died at every one of {MOST_POINTS} points");
    println!("died and recovered at {} points", passed - 1);
    passed - 1
}

/// Sends a write until it is answered, with the same key each time, as a client must. The host may die under it: then it is
/// started again.
pub(crate) async fn insist(
    house: &mut House,
    token: &str,
    method: Method,
    path: &str,
    body: &Value,
    key: &str,
) -> (Answer, bool) {
    let mut died = false;
    // Bounded: a host dies once, and an answer that says "still running" is asked again.
    for _ in 0..400 {
        let headers = [("Idempotency-Key", key), ("Prefer", "wait=5")];
        let answer = house.try_call(token, method.clone(), path, Some(body), &headers).await;
        match answer {
            Some(answer) if answer.status.as_u16() == 409 => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Some(answer) => return (answer, died),
            None => {
                house.ended().await;
                house.start(&[]).await;
                died = true;
            }
        }
    }
    panic!("no answer to {method} {path}:\n{}", house.log());
}

/// Waits until a task is closed; starts the host again if it dies meanwhile.
pub(crate) async fn closed(house: &mut House, task: &str) -> (Answer, bool) {
    let mut died = false;
    for _ in 0..2_000 {
        let answer = house.try_call(REVIEWER, Method::GET, &format!("/v1/tasks/{task}"), None, &[]).await;
        match answer {
            Some(answer) if matches!(answer.body["status"].as_str(), Some("completed" | "failed")) => {
                return (answer, died);
            }
            Some(_) => tokio::time::sleep(std::time::Duration::from_millis(25)).await,
            None => {
                house.ended().await;
                house.start(&[]).await;
                died = true;
            }
        }
    }
    panic!("task {task} was never closed:\n{}", house.log());
}

fn names(house: &House, kind: &str) -> Vec<String> {
    let objects = house.kevel.platform().objects(kind).expect("the emulator knows the kind");
    objects.iter().filter_map(|object| object["Name"].as_str()).map(str::to_owned).collect()
}

#[track_caller]
fn assert_once(house: &House, point: usize, campaigns: usize, flights: usize) {
    let found = (names(house, "campaigns"), names(house, "flights"));
    assert_eq!(
        (found.0.len(), found.1.len()),
        (campaigns, flights),
        "died at point {point}: {found:#?}\n{}",
        house.log()
    );
    let different: BTreeSet<&String> = found.1.iter().collect();
    assert_eq!(different.len(), flights, "died at point {point}: {found:#?}");
}

pub(crate) fn decisions(task: &Answer) -> usize {
    let history = task.body["history"].as_array().expect("a task has a history");
    history.iter().filter(|line| line["action"] == "approve").count()
}

/// Has the ad server's lists not show for a while what was made, as its adapter reckons with: who looks too early makes it twice.
pub(crate) fn lags(controls: &Controls) {
    controls.settings.change(Change { lookup_lag_ms: Some(2_500), ..Change::default() });
}

/// Has the ad server think about each write for longer than its adapter waits before it looks, and shorter than the bound that it is given.
fn thinks_long(house: &House) {
    let path = house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let slow = config.replace("processing_bound = \"300ms\"", "processing_bound = \"4s\"");
    assert_ne!(slow, config);
    std::fs::write(&path, slow).expect("it is written");
    house.kevel.controls().faults.add(Rule::every_write(Action::stall(2_000)));
}

/// A create with its approval; `false` if the host never died.
async fn create_and_die(point: usize, is_slow: bool) -> bool {
    let mut house = House::empty("").await;
    lags(house.kevel.controls());
    if is_slow {
        thinks_long(&house);
    }
    house.start(&[("FLIGHTDECK_FAULT_AT", &point.to_string())]).await;
    let request = json!({
        "packages": ["premium_sports", "news"], "total_budget": 10_000, "flight_start_date": today(),
        "targeting_overlay": { "geography": ["US-CA"], "device_types": ["mobile"] },
    });
    let (created, died_creating) =
        insist(&mut house, BUYER, Method::POST, "/v1/media-buys", &request, "create-1").await;
    let created = created.expect(202);
    let task = created.text("/task_id");
    let path = format!("/v1/tasks/{task}/complete");
    let decision = json!({ "resolution": "approved" });
    let (decided, died_deciding) = insist(&mut house, REVIEWER, Method::POST, &path, &decision, "decide-1").await;
    decided.expect(200);
    let (task, died_running) = closed(&mut house, &task).await;
    assert_eq!(task.body["status"], "completed", "died at point {point}: {:#}", task.body);
    assert_eq!(decisions(&task), 1, "died at point {point}: {:#}", task.body);
    // Until its lists show what was made, the ad server may say that there is nothing.
    let path = format!("/v1/media-buys/{}/status", created.text("/media_buy_id"));
    house.until(BUYER, &path, |answer| answer.body["status"] == "pending_activation").await;
    assert_once(&house, point, 1, 2);
    let buys = house.get(BUYER, "/v1/media-buys").await;
    assert_eq!(buys.body["media_buys"].as_array().map(Vec::len), Some(1), "died at point {point}: {:#}", buys.body);
    died_creating || died_deciding || died_running
}

/// An update of a buy that exists; `false` if the host never died.
async fn update_and_die(point: usize) -> bool {
    let mut house = House::new().await;
    lags(house.kevel.controls());
    let buy = house.created(json!(["premium_sports", "news"])).await;
    house.stop().await;
    house.start(&[("FLIGHTDECK_FAULT_AT", &point.to_string())]).await;
    let request = json!({
        "flight_end_date": day(60),
        "packages": [
            { "package_id": "news", "budget": 7_000, "targeting_overlay": { "geo_region_any_of": ["US-NY"] } },
            { "package_id": "premium_sports", "active": false },
        ],
    });
    let path = format!("/v1/media-buys/{buy}");
    let (answer, died_answering) = insist(&mut house, BUYER, Method::PATCH, &path, &request, "update-1").await;
    let operation = answer.text("/operation_id");
    let mut died = died_answering;
    while house.runs() {
        let path = format!("/v1/operations/{operation}");
        match house.try_call(BUYER, Method::GET, &path, None, &[]).await {
            Some(answer) if answer.body["state"] == "succeeded" => break,
            Some(answer) => {
                assert_ne!(answer.body["state"], "failed", "died at point {point}: {:#}", answer.body);
                tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            }
            None => {
                house.ended().await;
                house.start(&[]).await;
                died = true;
            }
        }
    }
    assert_once(&house, point, 1, 2);
    let path = format!("/v1/media-buys/{buy}/status");
    let paused = |answer: &Answer| {
        let packages = answer.body["package_statuses"].as_array().into_iter().flatten();
        packages.into_iter().any(|one| one["package_id"] == "premium_sports" && one["status"] == "paused")
    };
    house.until(BUYER, &path, paused).await;
    let flights = house.kevel.platform().objects("flights").expect("flights");
    let news = flights.iter().find(|flight| flight["Name"].as_str().is_some_and(|name| name.contains("news")));
    assert_eq!(
        news.map(|flight| &flight["Impressions"]),
        Some(&json!(1_120_000)),
        "died at point {point}: {flights:#?}"
    );
    died
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_survives_death_at_every_point_and_happens_once() {
    let points = at_every_point(|point| create_and_die(point, false)).await;
    assert!(points > 20, "only {points} points: the faults are not where they should be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_a_slow_ad_server_survives_death_at_every_point_and_happens_once() {
    let points = at_every_point(|point| create_and_die(point, true)).await;
    assert!(points > 20, "only {points} points: the faults are not where they should be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_survives_death_at_every_point_and_happens_once() {
    let points = at_every_point(update_and_die).await;
    assert!(points > 10, "only {points} points: the faults are not where they should be");
}

/// A create on Kevel over PostgreSQL: one host does it all and dies at a point, another one, which slept until then, takes over. `false` if
/// the first never died.
async fn die_beside_another(replicas: Replicas, point: usize) -> bool {
    let kevel = replicas.servers.server("kevel");
    lags(kevel.controls);
    replicas.start_with(0, &[("FLIGHTDECK_FAULT_AT", &point.to_string())]).await;
    replicas.start(1).await;
    replicas.signal(1, "STOP").await;
    let body = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
    let mut asked = Asked { replicas: &replicas, host: 0 };
    let created = asked.insist(BUYER, Method::POST, "/v1/media-buys", Some(&body), "create-1").await.expect(202);
    let path = format!("/v1/tasks/{}", created.text("/task_id"));
    let decision = json!({ "resolution": "approved" });
    asked.insist(REVIEWER, Method::POST, &format!("{path}/complete"), Some(&decision), "decide-1").await.expect(200);
    let until = tokio::time::Instant::now() + crate::house::PATIENCE;
    let task = loop {
        let task = asked.insist(REVIEWER, Method::GET, &path, None, "").await.expect(200);
        if task.body["status"] == "completed" {
            break task;
        }
        assert_ne!(task.body["status"], "failed", "died at point {point}: {:#}", task.body);
        assert!(tokio::time::Instant::now() < until, "died at point {point}: {:#}\n{}", task.body, replicas.log(1));
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    };
    assert_eq!(decisions(&task), 1, "died at point {point}: {:#}", task.body);
    assert_eq!(kevel.counts(), (1, 1), "died at point {point}\n{}\n{}", replicas.log(0), replicas.log(1));
    replicas.assert_well(1);
    asked.host == 1
}

/// Who asks the first host until it dies, and then the second one.
struct Asked<'a> {
    replicas: &'a Replicas,
    host: usize,
}

impl Asked<'_> {
    async fn insist(&mut self, token: &str, method: Method, path: &str, body: Option<&Value>, key: &str) -> Answer {
        for _ in 0..400 {
            let headers = [("Idempotency-Key", key), ("Prefer", "wait=5")];
            match self.replicas.ask(self.host, token, method.clone(), path, body, &headers).await {
                Some(answer) if answer.status.as_u16() == 409 => {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                Some(answer) => return answer,
                None => {
                    assert_eq!(self.host, 0, "the second host is gone:\n{}", self.replicas.log(1));
                    self.host = 1;
                    self.replicas.signal(1, "CONT").await;
                }
            }
        }
        panic!("no answer to {method} {path}:\n{}", self.replicas.log(self.host));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_dies_at_any_point_of_a_create_is_taken_over_by_another_and_it_happens_once() {
    if Replicas::empty(0, "").await.is_none() {
        return;
    }
    let points = at_every_point(|point| async move {
        let replicas = Replicas::empty(2, "").await.expect("PostgreSQL was there a moment ago");
        die_beside_another(replicas, point).await
    })
    .await;
    assert!(points > 15, "only {points} points: the faults are not where they should be");
}

/// How often an operation is begun before a person must look, as the configuration says.
const MOST_CLAIMS: i64 = 8;

/// How an operation stands in the database, whoever serves from it, and how often it was claimed.
async fn stands(database_url: &str, operation: &str) -> (String, i64) {
    use sqlx::Connection as _;
    let (state, doc): (String, String) = if database_url.starts_with("postgres:") {
        let mut beside = sqlx::PgConnection::connect(database_url).await.expect("the database");
        let asked = sqlx::query_as("SELECT state, doc FROM operations WHERE id = $1").bind(operation);
        asked.fetch_one(&mut beside).await.expect("the operation")
    } else {
        let mut beside = sqlx::SqliteConnection::connect(database_url).await.expect("the database");
        let asked = sqlx::query_as("SELECT state, doc FROM operations WHERE id = ?").bind(operation);
        let found = asked.fetch_one(&mut beside).await.expect("the operation");
        beside.close().await.expect("it is closed");
        found
    };
    let doc: Value = serde_json::from_str(&doc).expect("JSON");
    (state, doc["claims"].as_i64().expect("a number"))
}

/// An operation that kills whichever host begins it is parked after so many claims and no others; then a person lets it go on.
async fn parked_after_so_many_deaths(replicas: Replicas) {
    let hosts = replicas.all.len();
    let kevel = replicas.servers.server("kevel");
    // Each death makes the host wait twice as long for the ad server: what counts here is how often, not how long.
    let path = replicas.servers.house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let config = config.replace("processing_bound = \"300ms\"", "processing_bound = \"1ms\"");
    std::fs::write(&path, config).expect("the configuration is written");
    let busy: Action = serde_json::from_value(json!({ "fail": { "status": 503 } })).expect("an action");
    kevel.controls.faults.add(Rule { times: 0, ..Rule::new("POST", "/v1/campaign", busy) });
    replicas.start(0).await;
    let request = json!({ "packages": ["front_page"], "total_budget": 1_000, "flight_start_date": today() });
    let created = replicas.post(0, BUYER, "/v1/media-buys", request).await.expect(202);
    let decide = |task: String| format!("/v1/tasks/{task}/complete");
    let approval = json!({ "resolution": "approved" });
    replicas.post(0, REVIEWER, &decide(created.text("/task_id")), approval.clone()).await.expect(200);
    replicas.stop(0).await;
    kevel.controls.faults.clear();
    // From now on a host dies when it is about to send something of it. To give it back for a while, or to park it, takes no request.
    let operation = created.text("/operation_id");
    let (_, before) = stands(&replicas.database_url, &operation).await;
    // Each of them waits for the ad server's lag, one after the other.
    let until = tokio::time::Instant::now() + 4 * crate::house::PATIENCE;
    let mut deaths = 0;
    let mut children: Vec<Option<tokio::process::Child>> = (0..hosts).map(|_| None).collect();
    let parked = loop {
        let (state, claims) = stands(&replicas.database_url, &operation).await;
        let parked = state == "parked";
        assert!(tokio::time::Instant::now() < until, "never parked, after {deaths} deaths");
        for (index, child) in children.iter_mut().enumerate() {
            if child.as_mut().is_none_or(|child| child.try_wait().expect("it is looked at").is_some()) {
                deaths += i64::from(child.take().is_some());
                if !parked {
                    let mut command = replicas.command_of(index);
                    command
                        .arg("serve")
                        .env("FLIGHTDECK_FAULT_AT", "request.before")
                        .stderr(std::process::Stdio::null());
                    *child = Some(command.kill_on_drop(true).spawn().expect("a host starts"));
                }
            }
        }
        if parked {
            break claims;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    };
    // The last claim is the one that parked it. Those that only wait until the ad server would show what was made do not count.
    assert_eq!(parked, MOST_CLAIMS + 1, "after {deaths} deaths");
    assert_eq!(deaths, MOST_CLAIMS - before, "with {before} claims before");
    for mut child in children.into_iter().flatten() {
        child.kill().await.expect("it is killed");
    }
    assert_eq!(kevel.counts(), (0, 0));

    replicas.start(hosts - 1).await;
    let tasks = replicas.get(hosts - 1, REVIEWER, "/v1/tasks?task_type=reconciliation").await.expect(200);
    let said = tasks.text("/tasks/0/error_detail");
    assert!(said.contains(&format!("begun {MOST_CLAIMS} times and never came to an end")), "{said}");
    let task = tasks.text("/tasks/0/task_id");
    replicas.post(hosts - 1, REVIEWER, &decide(task.clone()), approval).await.expect(200);
    let path = format!("/v1/tasks/{task}");
    replicas.until(hosts - 1, REVIEWER, &path, |answer| answer.body["status"] == "completed").await;
    assert_eq!(kevel.counts(), (1, 1));
}

#[tokio::test]
async fn an_operation_that_kills_its_host_each_time_is_parked_for_a_person() {
    parked_after_so_many_deaths(Replicas::alone("").await).await;
}

#[tokio::test]
async fn an_operation_that_kills_one_host_after_the_other_is_parked_for_a_person() {
    let Some(replicas) = Replicas::empty(2, "").await else { return };
    parked_after_so_many_deaths(replicas).await;
}
