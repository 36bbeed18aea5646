//! Slow ad servers: writes that are held, lists that lag, and what carries a reference in the end.

use std::time::Duration;

use flightdeck_emulators::control::{
    faults::{Action, Rule},
    log::Outcome,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{App, flight, id, until},
    gam_app::GamApp,
};

fn campaign(name: &str) -> Value {
    json!({ "AdvertiserId": 1001, "Name": name, "IsActive": true })
}

fn count(app: &App, kind: &str) -> usize {
    app.running.platform().count(kind)
}

#[tokio::test]
async fn what_is_held_acts_when_it_is_released_though_its_client_has_gone() {
    let app = App::start().await;
    app.fault(json!({ "method": "POST", "path": "/v1/campaign", "action": { "hold": {} } })).await;
    let request = app.request(Method::POST, "/v1/campaign").json(&campaign("c"));
    let sent = tokio::spawn(request.send());
    until("a held request", || app.running.controls().held.count() == 1).await;
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());
    assert_eq!(app.get("/__control/held").await, json!({ "held": 1 }));
    assert_eq!(count(&app, "campaigns"), 0);
    assert_eq!(app.post("/__control/held/release", &Value::Null).await, json!({ "released": 1 }));
    assert_eq!(count(&app, "campaigns"), 1, "it has acted when the release is answered");
    assert_eq!(app.post("/__control/held/release", &Value::Null).await, json!({ "released": 0 }));
}

#[tokio::test]
async fn what_is_held_is_answered_to_a_client_that_waits() {
    let app = App::start().await;
    app.fault(json!({ "method": "POST", "path": "/v1/campaign", "action": { "hold": {} } })).await;
    let sent = tokio::spawn(app.request(Method::POST, "/v1/campaign").json(&campaign("c")).send());
    until("a held request", || app.running.controls().held.count() == 1).await;
    app.running.controls().held.release().await;
    assert_eq!(sent.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_connection_may_be_closed_at_once_and_the_request_act_later() {
    let app = App::start().await;
    app.fault(json!({ "writes": true, "times": 2, "action": { "hold": { "hang_up": true } } })).await;
    for name in ["first", "second"] {
        let error = app.try_post("/v1/campaign", &campaign(name)).await.unwrap_err();
        assert!(error.is_request() && error.status().is_none(), "{error:?}");
    }
    app.post("/v1/campaign", &campaign("third")).await;
    until("two held requests", || app.running.controls().held.count() == 2).await;
    app.running.controls().held.release().await;
    let names: Vec<Value> =
        app.get("/v1/campaign").await["items"].as_array().unwrap().iter().map(|one| one["Name"].clone()).collect();
    assert_eq!(names, ["third", "first", "second"], "in the order in which they came");

    app.fault(json!({ "writes": true, "action": { "stall": { "ms": 1, "hang_up": true } } })).await;
    app.try_post("/v1/campaign", &campaign("stalled")).await.unwrap_err();
    until("the stalled campaign", || count(&app, "campaigns") == 4).await;
    let dropped = || {
        let log = app.running.controls().log.summary();
        log.requests.last().is_some_and(|entry| entry.acted && entry.outcome == Outcome::Dropped)
    };
    until("its entry", dropped).await;
}

#[tokio::test]
async fn a_reset_forgets_what_is_held() {
    let app = App::start().await;
    app.fault(json!({ "writes": true, "action": { "hold": { "hang_up": true } } })).await;
    app.try_post("/v1/campaign", &campaign("c")).await.unwrap_err();
    until("a held request", || app.running.controls().held.count() == 1).await;
    app.send(Method::POST, "/__control/reset", &Value::Null).await;
    assert_eq!(app.running.controls().held.release().await, 0);
    assert_eq!(count(&app, "campaigns"), 0);
}

#[tokio::test]
async fn a_fault_of_every_write_lets_reads_pass_whatever_their_method() {
    let app = App::start().await;
    let made = app.campaign("c").await;
    let line = app.flight(made, json!({})).await;
    app.fault(json!({ "writes": true, "times": 0, "action": { "fail": { "status": 418 } } })).await;
    let search = app.request(Method::POST, "/v1/campaign/search").form(&[("campaignName", "c")]);
    assert_eq!(search.send().await.unwrap().status(), 200);
    let counts = json!({ "flights": [line] });
    assert_eq!(app.send(Method::POST, "/v1/instantcounts/bulk", &counts).await.0, 200);
    assert_eq!(app.send(Method::GET, &format!("/v1/flight/{line}"), &Value::Null).await.0, 200);
    for _ in 0..2 {
        assert_eq!(app.try_post("/v1/campaign", &campaign("d")).await.unwrap().status(), 418);
    }
    assert_eq!(app.send(Method::GET, &format!("/v1/flight/{line}/delete"), &Value::Null).await.0, 418);
    let (status, _) = app.send(Method::PUT, &format!("/v1/campaign/{made}"), &campaign("c")).await;
    assert_eq!(status, 418);

    let gam = GamApp::start().await;
    gam.running.controls().faults.add(Rule::every_write(Action::Fail {
        status: 418,
        body: None,
        headers: std::collections::BTreeMap::new(),
    }));
    let (status, _) = gam.send(Method::GET, "/orders", &Value::Null).await;
    assert_eq!(status, 200);
    let (status, _) = gam.send(Method::POST, "/reports", &json!({})).await;
    assert_ne!(status, 418, "a report only reads");
    let (status, _) = gam.send(Method::POST, "/orders:batchCreate", &json!({})).await;
    assert_eq!(status, 418);
}

#[tokio::test]
async fn lists_may_lag_for_as_long_as_is_wanted_and_a_read_by_id_does_not() {
    let app = App::start().await;
    app.put("/__control/settings", &json!({ "lookup_lag_ms": 60_000 })).await;
    let made = app.campaign("lagging [k3f]").await;
    let line = id(&app.post("/v1/flight", &flight(made, json!({ "Name": "late [k4f]" }))).await);
    let items = |answer: Value| answer["items"].as_array().unwrap().len();
    let search = app.request(Method::POST, "/v1/campaign/search").form(&[("campaignName", "lagging")]);
    assert_eq!(items(search.send().await.unwrap().json().await.unwrap()), 0);
    assert_eq!(items(app.get(&format!("/v1/campaign/{made}/flight")).await), 0);
    assert_eq!(app.get(&format!("/v1/flight/{line}")).await["Id"], line);
    assert_eq!(app.get("/__control/references/k4f").await["total"], 1, "the controls see all at once");
    app.put("/__control/settings", &json!({ "lookup_lag_ms": 1 })).await;
    tokio::time::timeout(Duration::from_secs(10), async {
        while items(app.get(&format!("/v1/campaign/{made}/flight")).await) == 0 {}
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_carries_a_reference_is_counted_and_what_of_it_is_active() {
    let app = App::start().await;
    let (one, two) = (app.campaign("c [k1]").await, app.campaign("c [k1]").await);
    app.campaign("no reference").await;
    let line = id(&app.post("/v1/flight", &flight(one, json!({ "Name": "f [k2]" }))).await);
    let creative = json!({ "AdvertiserId": 1001, "AdTypeId": 5, "IsActive": true, "Title": "c [k3]" });
    let creative = id(&app.post("/v1/creative", &creative).await);
    let ad = json!({
        "FlightId": line, "Creative": { "Id": creative }, "IsActive": true,
        "ExternalMetadata": r#"{"flightdeck":{"reference":"k4"}}"#,
    });
    app.post(&format!("/v1/flight/{line}/creative"), &ad).await;
    let all = |active: usize| json!({ "k1": { "total": 2, "active": active }, "k2": { "total": 1, "active": 1 }, "k3": { "total": 1, "active": 1 }, "k4": { "total": 1, "active": 1 } });
    assert_eq!(app.get("/__control/references").await["references"], all(2));
    let mut archived = app.get(&format!("/v1/campaign/{two}")).await;
    archived["IsArchived"] = json!(true);
    archived.as_object_mut().unwrap().remove("Flights");
    app.put(&format!("/v1/campaign/{two}"), &archived).await;
    assert_eq!(app.get("/__control/references").await["references"], all(1));
    let carried = app.get("/__control/references/k1").await;
    assert_eq!(
        carried["objects"],
        json!([
            { "reference": "k1", "kind": "campaigns", "id": one, "active": true },
            { "reference": "k1", "kind": "campaigns", "id": two, "active": false },
        ])
    );
    app.send(Method::GET, &format!("/v1/campaign/{two}/delete"), &Value::Null).await;
    assert_eq!(app.get("/__control/references/k1").await["total"], 1, "what is deleted does not count");
    assert_eq!(app.get("/__control/references/unknown").await, json!({ "total": 0, "active": 0, "objects": [] }));
}
