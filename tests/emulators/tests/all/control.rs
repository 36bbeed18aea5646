//! The controls: every fault, the log, settings, duplicates, reset.

use std::time::{Duration, Instant};

use flightdeck_emulators::control::log::Outcome;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::app::{App, KEY, until};

fn campaign(name: &str) -> Value {
    json!({ "AdvertiserId": 1001, "Name": name, "IsActive": true })
}

fn rule(action: Value) -> Value {
    json!({ "method": "POST", "path": "/v1/campaign", "action": action })
}

fn count(app: &App) -> usize {
    app.running.platform().count("campaigns")
}

#[tokio::test]
async fn fail_answers_instead_of_acting_as_often_as_told() {
    let app = App::start().await;
    let mut one = rule(json!({ "fail": {
        "status": 503, "body": { "Message": "later" }, "headers": { "Retry-After": "7" },
    } }));
    one["after"] = json!(1);
    one["times"] = json!(2);
    app.fault(one).await;
    let mut seen = Vec::new();
    for n in 0..4 {
        let answer = app.try_post("/v1/campaign", &campaign(&format!("c{n}"))).await.unwrap();
        if answer.status() == 503 {
            assert_eq!(answer.headers()["retry-after"], "7");
            assert!(answer.text().await.unwrap().contains("later"));
            seen.push(503);
        } else {
            seen.push(200);
        }
    }
    assert_eq!(seen, [200, 503, 503, 200]);
    assert_eq!(count(&app), 2);
    let faults = app.get("/__control/faults").await;
    assert_eq!((&faults["faults"][0]["matched"], &faults["faults"][0]["fired"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn fail_after_acting_leaves_the_object() {
    let app = App::start().await;
    app.fault(rule(json!({ "fail_after_acting": { "status": 500 } }))).await;
    let answer = app.try_post("/v1/campaign", &campaign("c")).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(count(&app), 1);
}

#[tokio::test]
async fn drop_before_acting_leaves_nothing_but_a_broken_connection() {
    let app = App::start().await;
    app.get("/v1/campaign").await;
    app.fault(rule(json!("drop_before_acting"))).await;
    let error = app.try_post("/v1/campaign", &campaign("c")).await.unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(count(&app), 0);
}

#[tokio::test]
async fn drop_after_acting_leaves_the_object_and_a_broken_connection() {
    let app = App::start().await;
    app.fault(rule(json!("drop_after_acting"))).await;
    let error = app.try_post("/v1/campaign", &campaign("c")).await.unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(count(&app), 1);
    let log = app.running.controls().log.summary();
    assert_eq!(log.requests[0].outcome, Outcome::Dropped);
    assert!(log.requests[0].acted);
    app.post("/v1/campaign", &campaign("c")).await;
    let objects = app.get("/__control/objects").await;
    assert_eq!(objects["counts"]["campaigns"], 2);
    assert_eq!(
        objects["duplicates"],
        json!([{ "kind": "campaigns", "parent": 1001, "name": "c", "ids": [110_001, 110_002] }])
    );
}

#[tokio::test]
async fn a_dropped_connection_carries_not_one_byte() {
    let app = App::start().await;
    app.fault(json!({ "action": "drop_after_acting" })).await;
    let body = campaign("c").to_string();
    let mut stream = TcpStream::connect(app.running.addr).await.unwrap();
    let head = format!(
        "POST /v1/campaign HTTP/1.1\r\nHost: x\r\nX-Adzerk-ApiKey: {KEY}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut got = Vec::new();
    // An end or a reset are both an end; what matters is that nothing came.
    let _ = stream.read_to_end(&mut got).await;
    assert!(got.is_empty(), "{}", String::from_utf8_lossy(&got));
    assert_eq!(count(&app), 1);
}

#[tokio::test]
async fn a_stalled_action_is_done_though_the_client_has_gone() {
    let app = App::start().await;
    app.fault(rule(json!({ "stall": { "ms": 2_000, "then": "act" } }))).await;
    let request = app.request(Method::POST, "/v1/campaign").json(&campaign("c"));
    let error = request.timeout(Duration::from_millis(250)).send().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(count(&app), 0);
    until("the campaign", || count(&app) == 1).await;
}

#[tokio::test]
async fn a_stall_may_end_in_a_drop_or_come_after_the_action() {
    let app = App::start().await;
    app.fault(rule(json!({ "stall": { "ms": 1, "then": "drop" } }))).await;
    app.try_post("/v1/campaign", &campaign("c")).await.unwrap_err();
    assert_eq!(count(&app), 0);

    app.fault(rule(json!({ "stall_after_acting": { "ms": 60_000 } }))).await;
    let request = app.request(Method::POST, "/v1/campaign").json(&campaign("c"));
    let sent = tokio::spawn(request.send());
    until("the campaign", || count(&app) == 1).await;
    assert!(!sent.is_finished(), "the answer is still held back");
    sent.abort();
}

#[tokio::test]
async fn rules_pick_by_method_and_pattern_and_can_be_removed() {
    let app = App::start().await;
    app.fault(json!({ "path": "/v1/*/1001", "times": 0, "action": { "fail": { "status": 418 } } })).await;
    assert_eq!(app.send(Method::GET, "/v1/advertiser/1001", &Value::Null).await.0, 418);
    assert_eq!(app.send(Method::GET, "/v1/advertiser/1001", &Value::Null).await.0, 418);
    assert_eq!(app.send(Method::GET, "/v1/advertiser/1002", &Value::Null).await.0, 200);
    app.send(Method::DELETE, "/__control/faults", &Value::Null).await;
    assert_eq!(app.send(Method::GET, "/v1/advertiser/1001", &Value::Null).await.0, 200);
    let wrong = json!({ "action": "explode" });
    assert_eq!(app.send(Method::POST, "/__control/faults", &wrong).await.0, 400);
}

#[tokio::test]
async fn over_the_rate_limit_is_429_with_a_time_to_wait() {
    let app = App::start().await;
    app.put("/__control/settings", &json!({ "rate_limit_per_second": 2 })).await;
    let begun = Instant::now();
    let mut limited = None;
    for _ in 0..200 {
        let answer = app.request(Method::GET, "/v1/site").send().await.unwrap();
        if answer.status() == 429 {
            limited = Some(answer);
            break;
        }
    }
    let answer = limited.expect("200 requests were let through");
    assert_eq!(answer.headers()["retry-after"], "1");
    assert!(begun.elapsed() < Duration::from_secs(30));
    app.put("/__control/settings", &json!({ "rate_limit_per_second": 0 })).await;
    app.get("/v1/site").await;
}

#[tokio::test]
async fn new_objects_can_be_kept_from_lists_for_a_while() {
    let app = App::start().await;
    app.put("/__control/settings", &json!({ "lookup_lag_ms": 600_000 })).await;
    let id = app.campaign("lagging").await;
    assert_eq!(app.get("/v1/campaign").await["totalItems"], 0);
    assert_eq!(app.get(&format!("/v1/campaign/{id}")).await["Name"], "lagging");
    app.put("/__control/settings", &json!({ "lookup_lag_ms": 0 })).await;
    assert_eq!(app.get("/v1/campaign").await["totalItems"], 1);
}

#[tokio::test]
async fn the_clock_runs_until_it_is_set() {
    let app = App::start().await;
    assert_eq!(app.get("/__control/clock").await["running"], true);
    let held = json!({ "now": "2030-05-01T10:00:00Z", "running": false });
    assert_eq!(app.clock(json!({ "now": "2030-05-01T10:00:00Z" })).await, held);
    assert_eq!(app.get("/__control/clock").await, held);
    let later = app.clock(json!({ "advance_seconds": 90 })).await;
    assert_eq!(later["now"], "2030-05-01T10:01:30Z");
    assert_eq!(app.clock(json!({ "running": true })).await["running"], true);
}

#[tokio::test]
async fn reset_puts_everything_back() {
    let app = App::start().await;
    app.campaign("c").await;
    app.fault(rule(json!("drop_before_acting"))).await;
    app.clock(json!({ "now": "2030-05-01T10:00:00Z" })).await;
    let whole = app.get("/__control/objects/campaigns").await;
    assert_eq!(whole["objects"][0]["Name"], "c");
    assert_eq!(app.send(Method::GET, "/__control/objects/nothing", &Value::Null).await.0, 404);
    assert_eq!(app.send(Method::POST, "/__control/reset", &Value::Null).await.0, 204);
    assert_eq!(count(&app), 0);
    assert_eq!(app.get("/__control/requests").await["total"], 0);
    assert_eq!(app.get("/__control/clock").await["running"], true);
    app.campaign("c").await;
}

#[tokio::test]
async fn it_stops_when_told_and_when_dropped() {
    let app = App::start().await;
    let addr = app.running.addr;
    app.get("/v1/site").await;
    drop(app);
    let mut gone = false;
    for _ in 0..1000 {
        gone = TcpStream::connect(addr).await.is_err();
        if gone {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(gone, "still listening after the drop");
    let App { running, .. } = App::start().await;
    let addr = running.addr;
    running.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
}
