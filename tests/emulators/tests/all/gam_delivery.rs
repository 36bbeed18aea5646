//! Delivery by the clock, reports, and quotas of the Google Ad Manager emulator.

use flightdeck_emulators::{amount::Amount, gam::settings::GamChange};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::merge,
    gam_app::{GamApp, below, id, name},
};

/// An approved line item with a creative.
async fn running(app: &GamApp, changes: Value) -> (String, String) {
    let count = app.running.platform().count("orders");
    let order = app.order(json!({ "displayName": format!("o{count}") })).await;
    let item = app.line_item(&order, changes).await;
    app.act("orders:batchApprove", &order).await;
    app.creative(&item).await;
    (order, item)
}

/// What makes a line item one of video.
fn video() -> Value {
    json!({
        "environmentType": "VIDEO_PLAYER", "maxVideoCreativeDuration": "30s",
        "targeting": {
            "inventoryTargeting": { "targetedAdUnits": [{ "adUnit": "networks/21700001/adUnits/6005" }] },
            "requestPlatformTargeting": { "requestPlatforms": ["VIDEO_PLAYER"] },
        },
    })
}

fn impressions(app: &GamApp, item: &str) -> u64 {
    app.running.platform().delivered(id(item)).unwrap().impressions
}

fn report(items: &[i64], dimensions: Value) -> Value {
    let ids: Vec<String> = items.iter().map(ToString::to_string).collect();
    json!({ "displayName": "r", "reportDefinition": {
        "reportType": "HISTORICAL", "dimensions": dimensions,
        "metrics": ["AD_SERVER_IMPRESSIONS", "AD_SERVER_CLICKS", "AD_SERVER_REVENUE", "AD_SERVER_COMPLETED_VIEWS"],
        "dateRange": { "fixed": {
            "startDate": { "year": 2030, "month": 1, "day": 1 }, "endDate": { "year": 2030, "month": 1, "day": 31 },
        } },
        "filters": [{ "fieldFilter": {
            "field": { "dimension": "LINE_ITEM_ID" }, "operation": "IN", "values": [{ "intListValue": { "values": ids } }],
        } }],
    } })
}

/// Runs a report to its end and answers the name of its result.
async fn run(app: &GamApp, body: &Value) -> String {
    let made = name(&app.post("/reports", body).await);
    let mut operation = app.post(&format!("{}:run", below(&made)), &json!({})).await;
    while operation["done"] != true {
        operation = app.read(&name(&operation)).await;
    }
    operation["response"]["reportResult"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn delivery_grows_evenly_up_to_the_goal_and_stops() {
    let app = GamApp::in_2029().await;
    let (order, item) = running(&app, json!({})).await;
    for (now, wanted) in [
        ("2029-12-31T23:59:59Z", 0),
        ("2030-01-01T12:00:00Z", 500),
        ("2030-01-02T00:00:00Z", 1000),
        ("2030-01-06T00:00:00Z", 5000),
        ("2030-01-10T23:59:59Z", 9999),
        ("2030-06-01T00:00:00Z", 10_000),
    ] {
        app.clock(now);
        assert_eq!(impressions(&app, &item), wanted, "{now}");
    }
    assert_eq!(app.read(&item).await["stats"]["impressionsDelivered"], "10000");
    assert_eq!(app.read(&item).await["stats"]["clicksDelivered"], "100");
    let read = app.read(&order).await;
    assert_eq!((&read["impressionsDelivered"], &read["totalClicksDelivered"]), (&json!("10000"), &json!("100")));
    let totals = app.running.platform().delivered(id(&item)).unwrap();
    assert_eq!(totals.revenue, Amount(123_400_000_000));
}

#[tokio::test]
async fn a_pause_is_made_up_for_in_the_days_that_are_left() {
    let app = GamApp::in_2029().await;
    let (order, item) = running(&app, json!({})).await;
    app.clock("2030-01-03T00:00:00Z");
    app.act("lineItems:batchPause", &item).await;
    app.clock("2030-01-05T00:00:00Z");
    assert_eq!(impressions(&app, &item), 2000);
    app.act("lineItems:batchResume", &item).await;
    app.act("orders:batchPause", &order).await;
    app.clock("2030-01-07T00:00:00Z");
    assert_eq!(impressions(&app, &item), 2000);
    app.act("orders:batchResume", &order).await;
    app.clock("2030-01-09T00:00:00Z");
    assert_eq!(impressions(&app, &item), 6000);
    app.clock("2030-01-11T00:00:00Z");
    assert_eq!(impressions(&app, &item), 10_000);
}

#[tokio::test]
async fn a_new_rate_counts_from_when_it_was_set() {
    let app = GamApp::in_2029().await;
    let (_, item) = running(&app, json!({ "rate": { "currencyCode": "USD", "units": "10" } })).await;
    app.clock("2030-01-06T00:00:00Z");
    app.patch(&item, "rate", &json!({ "rate": { "currencyCode": "USD", "units": "20" } })).await;
    app.clock("2030-02-01T00:00:00Z");
    // 5,000 at 10 and 5,000 at 20 CPM.
    assert_eq!(app.running.platform().delivered(id(&item)).unwrap().revenue, Amount(150_000_000_000));
}

#[tokio::test]
async fn goals_by_the_day_by_clicks_and_of_videos_are_kept() {
    let app = GamApp::in_2029().await;
    let rate = json!({ "currencyCode": "USD", "units": "1" });
    let (_, daily) = running(
        &app,
        json!({
            "lineItemType": "PRICE_PRIORITY", "goal": { "goalType": "DAILY", "unitType": "IMPRESSIONS", "units": 300 },
        }),
    )
    .await;
    let mut watched = video();
    let goal = json!({ "goalType": "LIFETIME", "unitType": "IMPRESSIONS", "units": 3000 });
    merge(&mut watched, json!({ "goal": goal, "costType": "CPCV", "rate": rate }));
    let (_, watched) = running(&app, watched).await;
    let (_, clicks) = running(
        &app,
        json!({
            "goal": { "goalType": "LIFETIME", "unitType": "CLICKS", "units": 20 }, "costType": "CPC", "rate": rate,
        }),
    )
    .await;
    let (_, share) = running(
        &app,
        json!({
            "lineItemType": "SPONSORSHIP", "goal": { "goalType": "DAILY", "unitType": "IMPRESSIONS", "units": 50 },
            "costType": "CPD", "rate": rate,
        }),
    )
    .await;
    app.clock("2030-01-02T00:00:00Z");
    let totals = |item: &str| app.running.platform().delivered(id(item)).unwrap();
    assert_eq!((totals(&daily).impressions, totals(&daily).completed_views), (300, 0));
    assert_eq!((totals(&watched).impressions, totals(&watched).completed_views), (300, 225));
    assert_eq!(totals(&watched).revenue, Amount(225_000_000_000));
    assert_eq!((totals(&clicks).clicks, totals(&clicks).revenue), (2, Amount(2_000_000_000)));
    assert_eq!((totals(&share).impressions, totals(&share).revenue), (5000, Amount(1_000_000_000)));
}

#[tokio::test]
async fn nothing_is_delivered_without_approval_or_creatives() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    app.clock("2030-01-03T00:00:00Z");
    assert_eq!(impressions(&app, &item), 0);
    app.act("orders:batchApprove", &order).await;
    app.clock("2030-01-06T00:00:00Z");
    assert_eq!(impressions(&app, &item), 0);
    assert!(app.read(&item).await.get("stats").is_none());
}

#[tokio::test]
async fn a_report_tells_days_and_line_items_in_pages() {
    let app = GamApp::in_2029().await;
    let (_, one) = running(&app, video()).await;
    let (_, other) = running(&app, json!({})).await;
    running(&app, json!({})).await;
    app.clock("2030-01-03T12:00:00Z");
    let result = run(&app, &report(&[id(&one), id(&other)], json!(["DATE", "LINE_ITEM_ID"]))).await;
    let mut rows = Vec::new();
    let mut token = String::new();
    loop {
        let page = app.get(&format!("{}:fetchRows?pageSize=4&pageToken={token}", below(&result))).await;
        assert_eq!(page["totalRowCount"], 6);
        rows.extend(page["rows"].as_array().unwrap().clone());
        match page.get("nextPageToken") {
            Some(next) => token = next.as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0]["dimensionValues"], json!([{ "intValue": "20300101" }, { "intValue": id(&one).to_string() }]));
    let first = json!([{ "intValue": "1000" }, { "intValue": "10" }, { "doubleValue": 12.34 }, { "intValue": "750" }]);
    assert_eq!(rows[0]["metricValueGroups"], json!([{ "primaryValues": first }]));
    let half = &rows[5]["metricValueGroups"][0]["primaryValues"];
    assert_eq!(
        (&half[0]["intValue"], &half[2]["doubleValue"], &half[3]["intValue"]),
        (&json!("500"), &json!(6.17), &json!("0"))
    );
    let result = run(&app, &report(&[id(&one), id(&other)], json!(["ADVERTISER_ID"]))).await;
    let page = app.get(&format!("{}:fetchRows", below(&result))).await;
    assert_eq!(page["rows"][0]["metricValueGroups"][0]["primaryValues"][0]["intValue"], "5000");
}

#[tokio::test]
async fn a_run_is_done_after_as_many_polls_as_told_and_keeps_its_rows() {
    let app = GamApp::in_2029().await;
    app.running.platform().change(GamChange { report_polls: Some(3), ..GamChange::default() });
    let (_, item) = running(&app, json!({})).await;
    app.clock("2030-01-02T00:00:00Z");
    let made = name(&app.post("/reports", &report(&[id(&item)], json!(["LINE_ITEM_ID"]))).await);
    let begun = app.post(&format!("{}:run", below(&made)), &json!({})).await;
    assert_eq!((&begun["done"], &begun["metadata"]["report"]), (&Value::Null, &json!(made)));
    app.clock("2030-01-05T00:00:00Z");
    let mut polls = Vec::new();
    for _ in 0..4 {
        polls.push(app.read(&name(&begun)).await["done"].as_bool());
    }
    // What isn't done doesn't say so.
    assert_eq!(polls, [None, None, None, Some(true)]);
    let result = app.read(&name(&begun)).await["response"]["reportResult"].as_str().unwrap().to_owned();
    let page = app.get(&format!("{}:fetchRows", below(&result))).await;
    assert_eq!(page["rows"][0]["metricValueGroups"][0]["primaryValues"][0]["intValue"], "1000");
    assert_eq!(app.find("reports", "").await[0]["name"], made);
    assert_eq!(app.read(&made).await["displayName"], "r");
}

#[tokio::test]
async fn a_result_is_not_read_before_its_run_is_done() {
    let app = GamApp::in_2029().await;
    let made = name(&app.post("/reports", &report(&[1], json!(["DATE"]))).await);
    let begun = app.post(&format!("{}:run", below(&made)), &json!({})).await;
    let run = id(&name(&begun));
    let path = format!("{}/results/{run}:fetchRows", below(&made));
    assert_eq!(app.refused(Method::GET, &path, &Value::Null).await.0, "404 NOT_FOUND NOT_FOUND");
}

#[tokio::test]
async fn report_runs_of_an_hour_are_counted() {
    let app = GamApp::in_2029().await;
    app.running.platform().change(GamChange { report_runs_per_hour: Some(2), ..GamChange::default() });
    let made = name(&app.post("/reports", &report(&[1], json!(["DATE"]))).await);
    let path = format!("{}:run", below(&made));
    app.post(&path, &json!({})).await;
    app.clock("2029-12-01T00:30:00Z");
    app.post(&path, &json!({})).await;
    let (line, _) = app.refused(Method::POST, &path, &json!({})).await;
    assert_eq!(line, "429 RESOURCE_EXHAUSTED REPORT_JOB_LIMIT");
    app.clock("2029-12-01T01:00:00Z");
    app.post(&path, &json!({})).await;
}

#[tokio::test]
async fn requests_a_second_are_counted() {
    let app = GamApp::start().await;
    app.send(Method::PUT, "/__control/settings", &json!({ "rate_limit_per_second": 1 })).await;
    let mut seen = Vec::new();
    for _ in 0..20 {
        let (status, body) = app.send(Method::GET, "/orders", &Value::Null).await;
        if status == 429 {
            assert_eq!(body["error"]["status"], "RESOURCE_EXHAUSTED");
            assert_eq!(body["error"]["details"][0]["reason"], "RATE_LIMIT_EXCEEDED");
        }
        seen.push(status.as_u16());
    }
    assert!(seen.contains(&200) && seen.contains(&429), "{seen:?}");
}

#[tokio::test]
async fn report_definitions_are_checked() {
    let app = GamApp::start().await;
    let good = report(&[1], json!(["DATE"]));
    for (path, value, said) in [
        ("/reportDefinition/dimensions", json!([]), "dimensions"),
        ("/reportDefinition/dimensions", json!(["MOOD"]), "dimensions[0]"),
        ("/reportDefinition/metrics", json!([]), "metrics"),
        ("/reportDefinition/metrics", json!(["APPLAUSE"]), "metrics[0]"),
        ("/reportDefinition/reportType", json!("REACH"), "report_type: must be HISTORICAL"),
        ("/reportDefinition/dateRange", json!({ "relative": "TODAY" }), "date_range: fixed"),
        (
            "/reportDefinition/dateRange/fixed/startDate",
            json!({ "year": 2030, "month": 2, "day": 30 }),
            "startDate needs",
        ),
        (
            "/reportDefinition/dateRange/fixed/endDate",
            json!({ "year": 2029, "month": 1, "day": 1 }),
            "endDate must not",
        ),
        ("/reportDefinition/filters/0/fieldFilter/operation", json!("MATCHES"), "operation must be"),
        ("/reportDefinition/filters/0/fieldFilter/values", json!([]), "values must hold"),
        ("/reportDefinition/filters/0/fieldFilter/field", json!({}), "field.dimension is needed"),
        ("/reportDefinition/filters/0", json!({}), "fieldFilter, notFilter"),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        let (line, why) = app.refused(Method::POST, "/reports", &body).await;
        assert!(line.starts_with("400 INVALID_ARGUMENT") && why.contains(said), "{path}: {line} {why}");
    }
    let mut body = good.clone();
    body["reportDefinition"]["timeZone"] = json!("Mars/Olympus");
    assert!(app.refused(Method::POST, "/reports", &body).await.1.contains("leave it empty"));
    body["reportDefinition"]["timeZoneSource"] = json!("PROVIDED");
    assert!(app.refused(Method::POST, "/reports", &body).await.1.contains("Mars/Olympus is not known"));
    body["reportDefinition"]["timeZone"] = json!("UTC");
    body["reportDefinition"]["currencyCode"] = json!("EUR");
    assert!(app.refused(Method::POST, "/reports", &body).await.1.contains("USD"));
}
