//! What buyers are told of an ad server's failures: which platform, why it was refused, when it is tried again; and nothing of where the ad
//! server is or what else it answers. The publisher's people are told all of it.

use flightdeck_emulators::control::faults::{Action, Rule};
use serde_json::{Value, json};

use crate::house::{BUYER, House, OPERATOR, REVIEWER, today};

/// What an ad server may answer: its status, its body, and what of that a buyer is told if it is a refusal.
fn answers() -> Vec<(u16, Value, Option<&'static str>)> {
    vec![
        (503, Value::Null, None),
        (500, json!("Traceback: inner-secret in /srv/api/app.py at db-7.internal:5432"), None),
        (502, json!("<html><body>inner-secret nginx at http://10.0.0.7/v1/</body></html>"), None),
        (403, json!({ "Error": "inner-secret key has no role on http://10.0.0.7/admin" }), None),
        (400, json!({ "Error": "the price is too low" }), Some("the price is too low")),
        (400, json!("no such priority, see https://wiki.internal/inner-secret/v1"), Some("no such priority, see")),
        (400, json!({ "trace": { "inner-secret": "http://10.0.0.7/v1/flight" } }), None),
        // Of a page, its words are the reason.
        (409, json!("<h1>Not <b>now</b></h1>"), Some("Not now")),
    ]
}

/// What no text for a buyer has.
fn assert_discreet(house: &House, what: &str, told: &Value) {
    let (text, address) = (told.to_string(), house.kevel.url.trim_start_matches("http://"));
    for secret in
        ["http://", "https://", address, "127.0.0.1", "inner-secret", "/v1/", "10.0.0.7", "internal", "<h", "/srv"]
    {
        assert!(!text.contains(secret), "{what} tells a buyer of {secret:?}: {told:#}");
    }
}

/// All that a buyer can read of a buy and an operation, over HTTP and MCP.
async fn assert_every_face_is_discreet(house: &House, what: &str, buy: &str, operation: &str) {
    for path in [
        format!("/v1/media-buys/{buy}/status"),
        format!("/v1/media-buys/{buy}/delivery?start_date={0}&end_date={0}", today()),
        format!("/v1/media-buys/{buy}"),
        "/v1/media-buys".to_owned(),
        format!("/v1/operations/{operation}"),
        "/v1/tasks".to_owned(),
    ] {
        assert_discreet(house, &format!("{what}: {path}"), &house.get(BUYER, &path).await.body);
    }
    for (tool, arguments) in [
        ("check_media_buy_status", json!({ "media_buy_id": buy })),
        ("get_media_buy_delivery", json!({ "media_buy_id": buy, "start_date": today(), "end_date": today() })),
        ("get_operation", json!({ "operation_id": operation })),
        ("get_pending_tasks", json!({})),
        ("list_media_buys", json!({})),
    ] {
        assert_discreet(house, &format!("{what}: {tool}"), &house.tool(BUYER, tool, arguments).await);
    }
    let tasks = house.get(BUYER, "/v1/tasks").await;
    for task in tasks.body["tasks"].as_array().into_iter().flatten() {
        let path = format!("/v1/tasks/{}", task["task_id"].as_str().expect("an id"));
        assert_discreet(house, &format!("{what}: {path}"), &house.get(BUYER, &path).await.body);
    }
}

#[tokio::test]
async fn a_buyer_is_told_what_it_means_and_nothing_of_the_ad_server() {
    let mut house = House::empty("").await;
    house.start(&[]).await;
    for (status, body, told) in answers() {
        let what = format!("{status} {body}");
        let mut fail = json!({ "fail": { "status": status } });
        if !body.is_null() {
            fail["fail"]["body"] = body.clone();
        }
        let action: Action = serde_json::from_value(fail).expect("an action");
        house.kevel.controls().faults.clear();
        let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
        let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
        assert_discreet(&house, &what, &created.body);
        let (buy, operation) = (created.text("/media_buy_id"), created.text("/operation_id"));
        house.kevel.controls().faults.add(Rule { times: 0, ..Rule::new("POST", "/v1/flight", action) });
        house.approve(&created.text("/task_id")).await.expect(200);
        let path = format!("/v1/operations/{operation}");
        let failed = |answer: &crate::house::Answer| {
            let body = &answer.body;
            !body["last_error"].is_null() || !body["error"].is_null()
        };
        let seen = house.until(BUYER, &path, failed).await;
        assert_every_face_is_discreet(&house, &what, &buy, &operation).await;
        let words = seen.body["error"]["message"].as_str().or(seen.body["last_error"].as_str()).expect("words");
        assert!(words.contains("kevel"), "{what}: the platform is named: {words}");
        assert!(told.is_none_or(|told| words.contains(told)), "{what}: {words}");
        if status >= 500 {
            assert!(words.contains("tried again at 20"), "{what}: {words}");
        }
        // The publisher reads all of it.
        for token in [OPERATOR, REVIEWER] {
            let whole = house.get(token, &path).await.body.to_string();
            assert!(whole.contains(&status.to_string()), "{what}: {whole}");
            assert!(
                body.is_null() || !body.to_string().contains("inner-secret") || whole.contains("inner-secret"),
                "{what}: {whole}"
            );
        }
    }
}

#[tokio::test]
async fn a_status_that_is_as_last_known_says_of_which_platform_and_until_when() {
    let house = House::new().await;
    let buy = house.created(json!(["news"])).await;
    let down: Action =
        serde_json::from_value(json!({ "fail": { "status": 503, "body": "inner-secret" } })).expect("an action");
    house.kevel.controls().faults.add(Rule { method: None, times: 0, ..Rule::new("GET", "/v1/", down) });
    let path = format!("/v1/media-buys/{buy}/status");
    let told = house.until(BUYER, &path, |answer| answer.text("/detail").contains("as last known")).await;
    let detail = told.text("/detail");
    assert!(detail.contains("kevel can't be asked now") && detail.contains("asked again by 20"), "{detail}");
    let operation = house.get(BUYER, &format!("/v1/media-buys/{buy}")).await;
    assert_discreet(&house, "status", &told.body);
    assert_discreet(&house, "the buy", &operation.body);
    let whole = house.get(OPERATOR, &path).await.text("/detail");
    assert!(whole.contains("503") && whole.contains(&house.kevel.url), "{whole}");
    let delivery = format!("/v1/media-buys/{buy}/delivery?start_date={0}&end_date={0}", today());
    let reports: Action =
        serde_json::from_value(json!({ "fail": { "status": 503, "body": "inner-secret" } })).expect("an action");
    house.kevel.controls().faults.add(Rule { times: 0, ..Rule::new("POST", "/v1/report", reports) });
    let refused = house.get(BUYER, &delivery).await.expect(503);
    assert_discreet(&house, "delivery", &refused.body);
    assert!(
        refused.body["error"]["message"].as_str().is_some_and(|words| words.contains("kevel")),
        "{:#}",
        refused.body
    );
    let whole = house.get(OPERATOR, &delivery).await.expect(503).body.to_string();
    assert!(whole.contains("inner-secret"), "{whole}");
}
