//! The process dies at every single point of a create and of an update, and nothing happens twice or is lost.
//!
//! A debug build of the host counts the points that it passes (see `flightdeck::fault`) and aborts at the one that its
//! environment names. Each test lets it die at the first point, then at the second, until a run passes without dying.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use flightdeck_emulators::{
    control::faults::{Action, Rule},
    platform::Platform,
};
use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, BUYER, House, REVIEWER, day, today};

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

/// A create with its approval; `false` if the host never died.
async fn create_and_die(point: usize) -> bool {
    let mut house = House::empty("").await;
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
    let status = house.get(BUYER, &format!("/v1/media-buys/{}/status", created.text("/media_buy_id"))).await;
    assert_eq!(status.body["status"], "pending_activation", "died at point {point}: {:#}", status.body);
    assert_once(&house, point, 1, 2);
    let buys = house.get(BUYER, "/v1/media-buys").await;
    assert_eq!(buys.body["media_buys"].as_array().map(Vec::len), Some(1), "died at point {point}: {:#}", buys.body);
    died_creating || died_deciding || died_running
}

/// An update of a buy that exists; `false` if the host never died.
async fn update_and_die(point: usize) -> bool {
    let mut house = House::new().await;
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
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    let paused = status.body["package_statuses"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["package_id"] == "premium_sports");
    assert_eq!(paused.map(|package| &package["status"]), Some(&json!("paused")), "{:#}", status.body);
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
    let points = at_every_point(create_and_die).await;
    assert!(points > 20, "only {points} points: the faults are not where they should be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_survives_death_at_every_point_and_happens_once() {
    let points = at_every_point(update_and_die).await;
    assert!(points > 10, "only {points} points: the faults are not where they should be");
}

/// How an operation stands in the database's file, whoever serves from it.
async fn state_of(house: &House, operation: &str) -> String {
    use sqlx::{ConnectOptions as _, Connection as _};
    let file =
        sqlx::sqlite::SqliteConnectOptions::new().filename(house.dir().join("data/flightdeck.db")).read_only(true);
    let mut beside = file.connect().await.expect("the database");
    let asked = sqlx::query_scalar("SELECT state FROM operations WHERE id = ?").bind(operation);
    let state = asked.fetch_one(&mut beside).await.expect("the operation");
    beside.close().await.expect("it is closed");
    state
}

#[tokio::test]
async fn an_operation_that_kills_its_host_each_time_is_parked_for_a_person() {
    let mut house = House::new().await;
    let busy: Action = serde_json::from_value(json!({ "fail": { "status": 503 } })).expect("an action");
    house.kevel.controls().faults.add(Rule { times: 0, ..Rule::new("POST", "/v1/campaign", busy) });
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    house.approve(&created.text("/task_id")).await.expect(200);
    house.stop().await;
    house.kevel.controls().faults.clear();
    // From now on a host dies as soon as it sends something of it. To park it passes two points, and lives.
    let operation = created.text("/operation_id");
    let until = tokio::time::Instant::now() + crate::house::PATIENCE;
    let mut deaths = 0;
    let mut child: Option<tokio::process::Child> = None;
    while state_of(&house, &operation).await != "parked" {
        assert!(tokio::time::Instant::now() < until, "never parked, after {deaths} deaths");
        let gone = child.as_mut().is_none_or(|child| child.try_wait().expect("it is looked at").is_some());
        if gone {
            deaths += usize::from(child.is_some());
            let mut command = house.command();
            command.arg("serve").env("FLIGHTDECK_FAULT_AT", "3").stderr(std::process::Stdio::null());
            child = Some(command.kill_on_drop(true).spawn().expect("a host starts"));
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert!(deaths >= 3, "{deaths}: it is given a fair number of tries");
    let mut last = child.expect("a host that lives");
    last.kill().await.expect("it is killed");
    assert_eq!(house.kevel.platform().count("campaigns"), 0);

    house.start(&[]).await;
    let tasks = house.get(REVIEWER, "/v1/tasks?task_type=reconciliation").await.expect(200);
    let task = tasks.body["tasks"][0].clone();
    assert!(task["error_detail"].as_str().is_some_and(|words| words.contains("never came to an end")), "{task:#}");
    let id = task["task_id"].as_str().expect("an id");
    house.approve(id).await.expect(200);
    assert_eq!(house.task_closed(id).await.body["status"], "completed");
    assert_eq!((house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights")), (1, 1));
}
