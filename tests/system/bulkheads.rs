//! A slow or dead ad server hurts only itself: while it hangs, changes of others are carried out, and changes of its own buys are accepted and
//! begun as if nothing were the matter.

use std::time::Duration;

use flightdeck_emulators::control::faults::{Action, Rule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, House, OPERATOR, PATIENCE, REVIEWER, ask, today},
    servers::{Endpoints, Server, Servers},
};

/// Nothing that these tests change needs a person's word.
const NOBODY_APPROVES: &str = "[[approvals]]\noperations = [\"create_media_buy\"]\nabove_budget = 900_000_000\n";

/// Longer than any test runs.
const FOR_EVER: u64 = 3_600_000;

/// How long a pause may take to be accepted, or to be carried out where nothing is slow. The machine may be busy; an ad server that hangs costs
/// whoever waits for it a minute.
const SOON: Duration = Duration::from_secs(20);

/// Every request of an ad server waits for so long before it is carried out.
fn hangs(server: &Server<'_>, millis: u64) {
    let action: Action = serde_json::from_value(json!({ "stall": { "ms": millis } })).expect("an action");
    server.controls.faults.add(Rule {
        method: None,
        path: Some("/v1*".to_owned()),
        writes: false,
        after: 0,
        times: 0,
        action,
    });
}

/// How many requests have met a fault.
fn met(server: &Server<'_>) -> u64 {
    server.controls.faults.list().iter().map(|rule| rule.fired).sum()
}

async fn servers() -> Servers {
    let mut servers = Servers::with(NOBODY_APPROVES, |gam, triton| Endpoints {
        gam: format!("\"{gam}\""),
        triton: format!("\"{triton}\""),
        login: format!("\"{triton}/login\""),
    })
    .await;
    servers.house.start(&[]).await;
    servers
}

/// Creates a buy of one package; its id.
async fn created(house: &House, package: &str) -> String {
    let request = json!({ "packages": [package], "total_budget": 10_000, "flight_start_date": today() });
    let answer = house.post(BUYER, "/v1/media-buys", request).await;
    assert_eq!(answer.body["status"], "pending_activation", "{:#}\n{}", answer.body, house.log());
    let operation = format!("/v1/operations/{}", answer.text("/operation_id"));
    house.until(BUYER, &operation, |answer| answer.body["state"] == "succeeded").await;
    answer.text("/media_buy_id")
}

/// Changes a buy, without waiting for what comes of it.
async fn change(house: &House, buy: &str, change: &Value) -> Answer {
    let path = format!("/v1/media-buys/{buy}");
    let at_once = [("Prefer", "wait=0")];
    let began = tokio::time::Instant::now();
    let answer = house.try_call(BUYER, Method::PATCH, &path, Some(change), &at_once).await.expect("an answer");
    assert!(began.elapsed() < SOON, "it took {:?} to be accepted", began.elapsed());
    assert!(answer.status.is_success(), "{} {:#}\n{}", answer.status, answer.body, house.log());
    answer
}

async fn state(house: &House, operation: &str) -> String {
    house.get(BUYER, &format!("/v1/operations/{operation}")).await.text("/state")
}

/// How many of these operations run.
async fn running(house: &House, operations: &[String]) -> usize {
    let mut running = 0;
    for operation in operations {
        running += usize::from(state(house, operation).await == "running");
    }
    running
}

/// A buyer's software that asks how buys stand, again and again and of all at once.
struct Flood {
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Flood {
    fn of(house: &House, buys: &[String]) -> Self {
        let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        let one = |(token, buy): (&'static str, &String)| {
            let (client, url) = (client.clone(), house.url().to_owned());
            let path = format!("/v1/media-buys/{buy}/status");
            tokio::spawn(async move {
                loop {
                    if let Some(answer) = ask(&client, &url, token, Method::GET, &path, None, &[]).await {
                        // Whoever asks too often may be told so, and asks on.
                        assert!([200, 429].contains(&answer.status.as_u16()), "{:#}", answer.body);
                    }
                }
            })
        };
        let asked = buys.iter().flat_map(|buy| [(BUYER, buy), (REVIEWER, buy)]);
        Self { tasks: asked.map(one).collect() }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn until(what: &str, house: &House, mut is_so: impl AsyncFnMut() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < until, "never {what}:\n{}", house.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// On each of the three in turn: thirty-two changes hang there, its status is asked for by a flood, and a pause goes through everywhere else.
async fn hurts_only_itself(name: &'static str) {
    let servers = servers().await;
    let house = &servers.house;
    let slow = servers.server(name);
    let buys: Vec<String> = futures::future::join_all((0..33).map(|_| created(house, slow.packages[0]))).await;
    let mut healthy = Vec::new();
    for other in servers.all().into_iter().filter(|other| other.name != name) {
        healthy.push((other, created(house, other.packages[0]).await));
    }
    hangs(&slow, FOR_EVER);
    let (last, hanging) = buys.split_last().expect("there are many");
    let mut operations = Vec::new();
    for buy in hanging {
        operations.push(change(house, buy, &json!({ "total_budget": 12_000 })).await.text("/operation_id"));
    }
    let flood = Flood::of(house, &buys);
    until("it hangs and is flooded", house, async || met(&slow) >= 6 && running(house, &operations).await >= 2).await;

    // Healthy ones are paused, and that is carried out.
    for (other, buy) in &healthy {
        let paused = change(house, buy, &json!({ "active": false })).await.text("/operation_id");
        let path = format!("/v1/operations/{paused}");
        house.until(BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
        // An order of Ad Manager that has nothing to show is a draft, and stays one.
        let delivers = |order: &Value| order["status"] != "DRAFT";
        assert!(!other.running().iter().any(delivers), "{} still delivers", other.name);
        // The host notices by itself, though it also looks after buys on the one that hangs.
        let listed = |answer: &Answer| {
            let buys = answer.body["media_buys"].as_array().cloned().unwrap_or_default();
            buys.iter().any(|listed| listed["media_buy_id"] == buy.as_str())
        };
        house.until(BUYER, "/v1/media-buys?status=paused", listed).await;
        let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
        assert_eq!(status.text("/status"), "paused", "{:#}", status.body);
    }
    // On the slow one, too, a pause is accepted, and does not queue behind the changes; so is what only asks what would be done.
    let paused = change(house, last, &json!({ "active": false })).await.text("/operation_id");
    until("it is begun", house, async || state(house, &paused).await == "running").await;
    let dry = json!({ "packages": [slow.packages[0]], "total_budget": 1_000, "dry_run": true });
    house.post(BUYER, "/v1/media-buys", dry).await.expect(200);
    // New buys on the others are made.
    for (other, _) in &healthy {
        created(house, other.packages[1]).await;
    }
    // All of that while the others wait, and none of them takes more than its share.
    let now = running(house, &operations).await;
    assert!((1..=5).contains(&now), "{now} of {} run", operations.len());
    for operation in &operations {
        assert!(["queued", "running"].contains(&state(house, operation).await.as_str()), "nobody gave up");
    }
    assert!(flood.tasks.iter().all(|asks| !asks.is_finished()));
    let metrics = house.get(OPERATOR, "/metrics").await.expect(200).body.as_str().expect("text").to_owned();
    for purpose in ["change", "read"] {
        let line = format!("flightdeck_breaker_open{{platform=\"{name}\",purpose=\"{purpose}\"}} 0");
        assert!(metrics.contains(&line), "{line}:\n{metrics}");
    }
    house.get(OPERATOR, "/readyz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kevel_hangs_and_is_flooded_and_buys_are_paused_everywhere() {
    hurts_only_itself("kevel").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ad_manager_hangs_and_is_flooded_and_buys_are_paused_everywhere() {
    hurts_only_itself("gam").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn triton_hangs_and_is_flooded_and_buys_are_paused_everywhere() {
    hurts_only_itself("triton").await;
}

/// A reader that gives up before the ad server answers says nothing of the adapter.
#[tokio::test]
async fn status_reads_that_come_too_late_keep_no_change_waiting() {
    let servers = servers().await;
    let house = &servers.house;
    let slow = servers.server("kevel");
    let buy = created(house, slow.packages[0]).await;
    hangs(&slow, 17_000);
    let path = format!("/v1/media-buys/{buy}/status");
    let asked = futures::future::join_all((0..6).map(|_| house.get(BUYER, &path))).await;
    for answer in asked {
        let answer = answer.expect(200);
        let detail = answer.text("/detail");
        assert!(detail.starts_with("as last known") && !detail.contains("left alone"), "{detail}");
    }
    slow.controls.faults.clear();
    let paused = change(house, &buy, &json!({ "active": false })).await.text("/operation_id");
    let path = format!("/v1/operations/{paused}");
    house.until(BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
    assert!(slow.running().is_empty());
    let dry = json!({ "packages": [slow.packages[0]], "total_budget": 1_000, "dry_run": true });
    house.post(BUYER, "/v1/media-buys", dry).await.expect(200);
}

/// Faults end an operation after the third. An ad server that takes all of a call's time is none.
#[tokio::test]
async fn an_operation_outlasts_an_ad_server_that_hangs() {
    let mut servers = Servers::with(NOBODY_APPROVES, |gam, triton| Endpoints {
        gam: format!("\"{gam}\""),
        triton: format!("\"{triton}\""),
        login: format!("\"{triton}/login\""),
    })
    .await;
    let path = servers.house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let kevel = "processing_bound = \"300ms\"\n\n[[principals]]";
    assert!(config.contains(kevel));
    // A request may take so long, and two of them are too much for one call.
    let limits = format!("limits = {{ wall_time = \"4s\", first_byte_time = \"2500ms\" }}\n{kevel}");
    std::fs::write(&path, config.replace(kevel, &limits)).expect("it is written");
    servers.house.start(&[]).await;
    let house = &servers.house;
    let slow = servers.server("kevel");
    let buy = created(house, slow.packages[0]).await;
    hangs(&slow, 2_200);
    let operation = change(house, &buy, &json!({ "active": false })).await.text("/operation_id");
    let path = format!("/v1/operations/{operation}");
    let tried = |answer: &Answer| answer.body["attempts"].as_u64().is_some_and(|attempts| attempts >= 4);
    let seen = house.until(BUYER, &path, tried).await;
    assert!(["queued", "running"].contains(&seen.text("/state").as_str()), "{:#}", seen.body);
    slow.controls.faults.clear();
    house.until(BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
    assert!(slow.running().is_empty());
}
