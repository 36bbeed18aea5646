//! The Signpost emulator: bookings, what it refuses, lists, delivery and the shared controls.

use flightdeck_emulators::{
    control::{
        faults::{Action, Rule},
        settings::{Change, Paging},
    },
    platform::Platform,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::signpost_app::{App, creative, line, order, with};

#[tokio::test]
async fn only_the_key_opens_the_door_and_it_stays_out_of_the_log() {
    let app = App::start().await;
    let url = format!("{}/v1/advertisers", app.running.url);
    assert_eq!(app.client.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(app.client.get(&url).header("X-Signpost-Key", "x").send().await.unwrap().status(), 401);
    assert_eq!(app.get("/advertisers").await["items"][0]["id"], "701");
    app.send(Method::GET, "/orders?external_ref=demo-key", &Value::Null).await;
    let log = app.client.get(format!("{}/__control/requests", app.running.url)).send().await.unwrap();
    assert!(!log.text().await.unwrap().contains("demo-key"));
}

#[tokio::test]
async fn bookings_are_kept_listed_and_changed() {
    let app = App::start().await;
    let order = app.order(json!({})).await;
    app.order(json!({ "external_ref": "other" })).await;
    app.order(json!({ "advertiser_id": "702", "external_ref": null, "name": "Autumn" })).await;
    assert_eq!(app.get("/orders?external_ref=ref1").await["items"][0]["id"], json!(order));
    assert_eq!(app.get("/orders?advertiser_id=701").await["items"].as_array().unwrap().len(), 2);
    assert_eq!(app.get(&format!("/orders/{order}")).await["state"], "draft");
    let line = app.line(&order, json!({})).await;
    assert_eq!(app.state(&line).await, "draft");
    assert_eq!(app.patch(&format!("/orders/{order}"), json!({ "state": "live" })).await["state"], "live");
    assert_eq!(app.state(&line).await, "awaiting_creatives");
    let creative = app.post("/creatives", creative()).await["id"].clone();
    let path = format!("/lines/{line}/creatives");
    let first = app.post(&path, json!({ "creative_id": creative })).await;
    assert_eq!(app.state(&line).await, "scheduled");
    let assignment = format!("/assignments/{}", first["id"].as_str().unwrap());
    assert_eq!(app.patch(&assignment, json!({ "active": false })).await["active"], false);
    assert_eq!(app.state(&line).await, "awaiting_creatives");
    let again = app.post(&path, json!({ "creative_id": creative })).await;
    assert_eq!((&again["id"], &again["active"]), (&first["id"], &json!(true)), "it is assigned once");
    assert_eq!(app.get(&path).await["items"].as_array().unwrap().len(), 1);
    let changed = app
        .patch(
            &format!("/lines/{line}"),
            json!({ "rate": "13", "active": false, "daily_budget": "99.9", "countries": null }),
        )
        .await;
    assert_eq!(
        (&changed["rate"], &changed["daily_budget"], &changed["countries"], &changed["state"]),
        (&json!("13.00"), &json!("99.90"), &json!([]), &json!("paused"))
    );
    app.patch(&format!("/orders/{order}"), json!({ "state": "archived" })).await;
    app.patch(&format!("/orders/{order}"), json!({ "state": "archived" })).await;
    assert_eq!(app.state(&line).await, "archived");
    let refused = app.refused(Method::PATCH, &format!("/lines/{line}"), json!({ "active": true })).await;
    assert_eq!((refused.0, refused.1.as_str()), (409, "order_archived"));
    assert_eq!(app.running.platform().count("assignments"), 1);
}

#[tokio::test]
async fn a_reference_is_not_unique_so_a_repeat_is_a_second_object() {
    let app = App::start().await;
    let order = app.order(json!({})).await;
    app.line(&order, json!({})).await;
    app.line(&order, json!({})).await;
    assert_eq!(app.running.platform().duplicates().len(), 1);
    let count = app.client.get(format!("{}/__control/references/ref2", app.running.url)).send().await.unwrap();
    let count: Value = count.json().await.unwrap();
    assert_eq!((&count["total"], &count["active"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_its_field() {
    let app = App::start().await;
    for (changes, field) in [
        (json!({ "advertiser_id": "1" }), "advertiser_id"),
        (json!({ "advertiser_id": 701 }), "advertiser_id"),
        (json!({ "name": " " }), "name"),
        (json!({ "currency": "usd" }), "currency"),
        (json!({ "external_ref": "x".repeat(41) }), "external_ref"),
        (json!({ "state": "archived" }), "state"),
        (json!({ "budget": "5.00" }), "budget"),
    ] {
        let (status, _, found) = app.refused(Method::POST, "/orders", with(order(), changes)).await;
        assert_eq!((status, found.as_str()), (422, field));
    }
    let id = app.order(json!({ "state": "live" })).await;
    let path = format!("/orders/{id}/lines");
    for (changes, field) in [
        (json!({ "goal_impressions": 0 }), "goal_impressions"),
        (json!({ "goal_impressions": "7" }), "goal_impressions"),
        (json!({ "rate": 12.5 }), "rate"),
        (json!({ "rate": "12.50001" }), "rate"),
        (json!({ "rate_type": "cpc" }), "rate_type"),
        (json!({ "start": "2029-12-01" }), "start"),
        (json!({ "start": "2029-12-01T00:00:00+01:00" }), "start"),
        (json!({ "end": "2029-12-01T00:00:00Z" }), "end"),
        (json!({ "pacing": "front" }), "pacing"),
        (json!({ "active": "yes" }), "active"),
        (json!({ "daily_budget": "0" }), "daily_budget"),
        (json!({ "countries": ["usa"] }), "countries"),
        (json!({ "devices": ["tv"] }), "devices"),
        (json!({ "order_id": "1" }), "order_id"),
    ] {
        let (status, _, found) = app.refused(Method::POST, &path, with(line(), changes)).await;
        assert_eq!((status, found.as_str()), (422, field));
    }
    for (changes, field) in [
        (json!({ "format": "audio" }), "format"),
        (json!({ "format": "video" }), "duration_seconds"),
        (json!({ "width": null }), "width"),
        (json!({ "url": "http://x" }), "url"),
    ] {
        let (status, _, found) = app.refused(Method::POST, "/creatives", with(creative(), changes)).await;
        assert_eq!((status, found.as_str()), (422, field));
    }
    assert_eq!(app.refused(Method::PATCH, &format!("/orders/{id}"), json!({ "state": "draft" })).await.2, "state");
    assert_eq!(app.refused(Method::GET, "/orders?page=2", Value::Null).await.1, "unknown_parameter");
    assert_eq!(app.refused(Method::GET, "/orders?limit=51", Value::Null).await.2, "limit");
    assert_eq!(app.refused(Method::GET, "/orders?cursor=2", Value::Null).await.2, "cursor");
    assert_eq!(app.refused(Method::POST, "/orders", json!([])).await.1, "malformed");
    assert_eq!(app.refused(Method::GET, "/status", Value::Null).await.1, "required");
    assert_eq!(app.refused(Method::GET, "/lines/1", Value::Null).await.0, 404);
    assert_eq!(app.refused(Method::DELETE, &format!("/orders/{id}"), Value::Null).await.0, 404);
    assert_eq!((app.running.platform().count("lines"), app.running.platform().count("creatives")), (0, 0));
}

#[tokio::test]
async fn lists_are_read_by_their_cursors() {
    let app = App::start().await;
    for _ in 0..51 {
        app.order(json!({})).await;
    }
    for (paging, pages) in [(Paging::Full, 2), (Paging::EmptyBetween, 4)] {
        app.running.controls().settings.change(Change { paging: Some(paging), ..Change::default() });
        let (mut found, mut read, mut next) = (0, 0, String::new());
        loop {
            let page = app.get(&format!("/orders?external_ref=ref1{next}")).await;
            (found, read) = (found + page["items"].as_array().unwrap().len(), read + 1);
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!((found, read), (51, pages));
    }
    app.running.controls().settings.change(Change { paging: Some(Paging::SameToken), ..Change::default() });
    assert_eq!(app.get("/orders?cursor=page-1").await["next_cursor"], "page-1");
}

#[tokio::test]
async fn lines_deliver_by_the_clock_and_are_reported_by_day() {
    let app = App::start().await;
    let (_, line) = app.booked(json!({})).await;
    app.clock("2029-12-03T12:00:00Z");
    assert_eq!(app.state(&line).await, "delivering");
    assert_eq!(app.running.platform().delivered(line.parse().unwrap()).unwrap().impressions, 2500);
    let report = app.get(&format!("/report?from=2029-11-30&to=2029-12-03&line_ids={line},9")).await;
    let expected = json!({ "line_id": line, "day": "2029-12-01", "impressions": 1000, "clicks": 4, "spend": "12.5" });
    assert_eq!((&report["rows"][0], report["rows"].as_array().unwrap().len()), (&expected, 3));
    assert_eq!(report["as_of"], "2029-12-03T12:00:00Z");
    let status = app.get(&format!("/status?line_ids={line},9")).await;
    assert_eq!((&status["lines"][0]["impressions"], &status["unknown"]), (&json!(2500), &json!(["9"])));
    let refused = app.refused(Method::PATCH, &format!("/lines/{line}"), json!({ "goal_impressions": 2499 })).await;
    assert_eq!(refused.2, "goal_impressions");
    app.clock("2029-12-31T00:00:00Z");
    assert_eq!(app.state(&line).await, "completed");
    let many = vec!["1"; 51].join(",");
    assert_eq!(app.refused(Method::GET, &format!("/status?line_ids={many}"), Value::Null).await.2, "line_ids");
    let days = format!("/report?from=2029-12-01&to=2030-03-03&line_ids={line}");
    assert_eq!(app.refused(Method::GET, &days, Value::Null).await.2, "to");
}

#[tokio::test]
async fn the_shared_controls_work_here_too() {
    let app = App::start().await;
    app.running.controls().faults.add(Rule::new("POST", "/v1/orders", Action::DropAfterActing));
    assert!(app.request(Method::POST, "/orders").json(&order()).send().await.is_err());
    assert_eq!(app.running.platform().count("orders"), 1, "it acted before it hung up");
    app.running.controls().settings.change(Change { lookup_lag_ms: Some(60_000), ..Change::default() });
    assert_eq!(app.get("/orders?external_ref=ref1").await["items"], json!([]), "lists lag behind");
    app.running.controls().settings.change(Change { lookup_lag_ms: Some(0), ..Change::default() });
    assert_eq!(app.get("/orders?external_ref=ref1").await["items"].as_array().unwrap().len(), 1);
    app.running.controls().settings.change(Change { rate_limit_per_second: Some(1), ..Change::default() });
    app.send(Method::GET, "/orders", &Value::Null).await;
    let limited = app.request(Method::GET, "/orders").send().await.unwrap();
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    app.running.platform().reset();
    assert_eq!(app.running.platform().count("orders"), 0);
}
