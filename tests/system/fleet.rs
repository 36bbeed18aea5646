//! What hosts on one database have in common beside the work: components, the pace of ad servers, their pauses.

use std::time::Duration;

use flightdeck::domain::digest;
use flightdeck_emulators::control::faults::{Action, Rule};
use flightdeck_test_support::component;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::{
    house::{BUYER, OPERATOR, REVIEWER, today},
    replicas::Replicas,
};

/// Changes the configuration of hosts that are not started yet, or will be started again.
fn configure(replicas: &Replicas, from: &str, to: &str) {
    let path = replicas.servers.house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    assert!(config.contains(from), "{from}");
    std::fs::write(&path, config.replace(from, to)).expect("it is written");
}

/// Two hosts on a changed configuration.
async fn two(from: &str, to: &str) -> Option<Replicas> {
    let mut replicas = Replicas::empty(2, "").await?;
    // Limits are known by the ad server's address, too.
    replicas.one_address = true;
    configure(&replicas, from, to);
    for index in 0..2 {
        replicas.start(index).await;
    }
    Some(replicas)
}

/// Asks for a buy on Kevel and has it approved; its operation.
async fn approved(replicas: &Replicas, on: usize) -> String {
    let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
    let created = replicas.post(on, BUYER, "/v1/media-buys", request).await.expect(202);
    let path = format!("/v1/tasks/{}/complete", created.text("/task_id"));
    replicas.post(on, REVIEWER, &path, json!({ "resolution": "approved" })).await.expect(200);
    created.text("/operation_id")
}

async fn succeeded(replicas: &Replicas, operation: &str) -> Value {
    let path = format!("/v1/operations/{operation}");
    let ended = replicas.until(0, BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
    ended.body
}

/// The release that planned an operation.
fn planned_by(operation: &Value) -> String {
    operation["plan"][0]["adapter_release"].as_str().expect("a release").to_owned()
}

#[tokio::test]
async fn hosts_follow_the_release_that_one_of_them_brings_and_end_on_the_old_one_what_began_on_it() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    let first = succeeded(&replicas, &approved(&replicas, 0).await).await;
    // Something begins on the first release and can't go on.
    let stuck: Action = serde_json::from_value(json!({ "fail": { "status": 503 } })).expect("an action");
    let mut rule = Rule::new("POST", "/v1/flight", stuck);
    rule.times = 0;
    replicas.servers.server("kevel").controls.faults.add(rule);
    let begun = approved(&replicas, 0).await;
    let path = format!("/v1/operations/{begun}");
    replicas
        .until(0, BUYER, &path, |answer| answer.body["steps"].as_array().is_some_and(|steps| !steps.is_empty()))
        .await;

    // The same adapter with another digest: a custom section of one byte more.
    let old = component("flightdeck-adapter-kevel");
    let mut bytes = std::fs::read(&old).expect("the component");
    bytes.extend([0, 2, 1, b'x']);
    let new = replicas.servers.house.dir().join("newer.wasm");
    std::fs::write(&new, bytes).expect("it is written");
    configure(&replicas, &old.display().to_string(), &new.display().to_string());
    replicas.stop(1).await;
    replicas.start(1).await;

    // The first host never saw that file, and serves what is in it.
    let release = {
        let second = loop {
            let operation = approved(&replicas, 0).await;
            let shown = replicas.get(0, BUYER, &format!("/v1/operations/{operation}")).await.expect(200).body;
            if planned_by(&shown) != planned_by(&first) {
                break shown;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        planned_by(&second)
    };
    replicas.servers.server("kevel").controls.faults.clear();
    // What began on the old release ends on it, also where the host that began it is gone.
    replicas.kill(0).await;
    let path = format!("/v1/operations/{begun}");
    let ended = replicas.until(1, BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
    assert_eq!(planned_by(&ended.body), planned_by(&first));
    let audit = replicas.get(1, OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    assert!(audit.contains(&release) && audit.contains(&planned_by(&first)), "both activations are told");
}

#[tokio::test]
async fn hosts_keep_one_pace_together() {
    let kevel = "processing_bound = \"300ms\"\n\n[[principals]]";
    let Some(replicas) = two(kevel, &format!("rate_per_second = 5\n{kevel}")).await else { return };
    replicas.servers.server("kevel").controls.log.clear();
    let mut operations = Vec::new();
    for index in 0..16 {
        operations.push(approved(&replicas, index % 2).await);
    }
    for operation in &operations {
        succeeded(&replicas, operation).await;
    }
    let log = replicas.servers.server("kevel").controls.log.summary();
    let times: Vec<_> = log.requests.iter().map(|request| request.at).collect();
    assert!(times.len() >= 16, "there was something to pace: {}", times.len());
    // Five at once after a rest, then five a second; each host may hold one that it reserved and did not use at once. On its own,
    // each would ask twice as much.
    let window = time::Duration::seconds(2);
    for (index, first) in times.iter().enumerate() {
        let within = times[index..].iter().take_while(|time| **time - *first <= window).count();
        assert!(within <= 5 + 2 * 5 + 3, "{within} requests within {window} from {first}");
    }
}

#[tokio::test]
async fn a_pause_that_an_ad_server_asks_one_host_for_is_kept_by_all() {
    let Some(replicas) = two("", "").await else { return };
    let bought = succeeded(&replicas, &approved(&replicas, 0).await).await;
    let buy = bought["media_buy_id"].as_str().expect("a buy");
    let delivery = format!("/v1/media-buys/{buy}/delivery?start_date={}&end_date={}", today(), today());
    for index in [0, 1] {
        replicas.get(index, BUYER, &delivery).await.expect(200);
    }
    let server = replicas.servers.server("kevel");
    let busy = json!({ "fail": { "status": 429, "headers": { "Retry-After": "600" } } });
    server.controls.faults.add(Rule::new("POST", "/v1/campaign", serde_json::from_value(busy).expect("an action")));
    let operation = approved(&replicas, 0).await;
    let told =
        |answer: &crate::house::Answer| answer.body["last_error"].as_str().is_some_and(|error| error.contains("429"));
    replicas.until(0, OPERATOR, &format!("/v1/operations/{operation}"), told).await;
    // Whichever host was told: neither asks before the time has come, whatever for.
    for index in [0, 1] {
        let paused = replicas.until(index, BUYER, &delivery, |answer| answer.status == 503).await;
        assert_eq!(paused.error_code().as_deref(), Some("PLATFORM_UNAVAILABLE"), "{:#}", paused.body);
        let seconds: u64 = paused.headers["retry-after"].to_str().expect("text").parse().expect("a number");
        assert!(seconds > 500, "{seconds}");
    }
    let before = server.controls.log.summary().total;
    for index in [0, 1] {
        replicas.get(index, BUYER, &delivery).await.expect(503);
    }
    assert_eq!(server.controls.log.summary().total, before, "nobody asked");
    // What hosts know the credential by is in the database, and nobody who guesses a credential can see there that it is the one.
    let mut beside = PgConnection::connect(&replicas.database_url).await.expect("the database");
    let asked = "SELECT key FROM limits WHERE held_until > 0";
    let keys: Vec<String> = sqlx::query_scalar(asked).fetch_all(&mut beside).await.expect("keys");
    let guessed = ["X-Adzerk-ApiKey test-key", "test-key", "kevel"].map(|text| digest::sha256(text.as_bytes()));
    assert!(keys.iter().any(|key| key.starts_with("pause http://")), "{keys:?}");
    assert!(keys.iter().all(|key| !guessed.iter().any(|digest| key.contains(digest))), "{keys:?}");
}
