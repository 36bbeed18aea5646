//! Rules of Ad Manager that concern states: what holds for one request, reservations, pauses,
//! activation, credit, and whose days a report counts.

use flightdeck_emulators::gam::settings::GamChange;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::merge,
    gam_app::{GamApp, below, id, name, order},
    gam_rules::{line_item, refused, turn},
};

const INVALID: &str = "400 INVALID_ARGUMENT";

/// An approved line item that has its creative.
async fn running(app: &GamApp, changes: Value) -> (String, String) {
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, changes).await;
    app.act("orders:batchApprove", &order).await;
    app.creative(&item).await;
    (order, item)
}

#[tokio::test]
async fn what_a_request_allows_holds_for_that_request() {
    let app = GamApp::in_2029().await;
    turn(&app, GamChange { available_impressions: Some(9000), ..GamChange::default() });
    let order = app.order(json!({})).await;
    let flags = json!({ "allowOverbook": true, "skipInventoryCheck": true });
    let item = app.line_item(&order, flags.clone()).await;
    let read = app.read(&item).await;
    assert_eq!((read.get("allowOverbook"), read.get("skipInventoryCheck")), (None, None));
    let names = json!({ "names": [order] });
    let short = "400 FAILED_PRECONDITION NOT_ENOUGH_INVENTORY";
    for action in ["batchApprove", "batchSubmitForApproval"] {
        assert_eq!(app.refused(Method::POST, &format!("/orders:{action}"), &names).await.0, short, "{action}");
    }
    let skip = json!({ "names": [order], "skipInventoryCheck": true });
    app.post("/orders:batchApprove", &skip).await;
    app.creative(&item).await;
    // A change reserves anew, and so does a resume.
    let path = |mask: &str| format!("{}?updateMask={mask}", below(&item));
    let goal = json!({ "goal": { "goalType": "LIFETIME", "unitType": "IMPRESSIONS", "units": "20000" }, "allowOverbook": true });
    assert_eq!(app.refused(Method::PATCH, &path("goal"), &goal).await.0, short, "the mask does not name the flag");
    app.patch(&item, "goal,allowOverbook", &goal).await;
    app.act("lineItems:batchPause", &item).await;
    assert_eq!(app.refused(Method::POST, "/lineItems:batchResume", &json!({ "names": [item] })).await.0, short);
    app.act("lineItems:batchResumeAndOverbook", &item).await;
    app.act("orders:batchPause", &order).await;
    assert_eq!(app.refused(Method::POST, "/orders:batchResume", &names).await.0, short);
    app.post("/orders:batchResume", &skip).await;
    let other = app.order(json!({ "displayName": "Other" })).await;
    let held = app.line_item(&other, json!({})).await;
    assert_eq!(app.refused(Method::POST, "/lineItems:batchReserve", &json!({ "names": [held] })).await.0, short);
    app.act("lineItems:batchReserveAndOverbook", &held).await;
    assert_eq!(app.read(&held).await["reservationStatus"], "RESERVED");
    app.act("orders:batchApprove", &other).await;
    let third = app.order(json!({ "displayName": "Third" })).await;
    let body = line_item(&third, json!({ "reserveOnCreation": true }));
    assert_eq!(app.refused(Method::POST, "/lineItems", &body).await.0, short);
    // A batch whose second line item finds too little leaves no first one behind.
    let goal = json!({ "goalType": "LIFETIME", "unitType": "IMPRESSIONS", "units": "10" });
    let small = line_item(&third, json!({ "reserveOnCreation": true, "goal": goal }));
    let batch = json!({ "requests": [{ "lineItem": small }, { "lineItem": body }] });
    let before = app.running.platform().count("lineItems");
    assert_eq!(app.refused(Method::POST, "/lineItems:batchCreate", &batch).await.0, short);
    assert_eq!(app.running.platform().count("lineItems"), before);
    app.line_item(&third, flags).await;
    app.act("orders:batchApproveAndOverbook", &third).await;
    let wrong = json!({ "names": [third], "skipInventoryCheck": "yes" });
    refused(&app, "/orders:batchApprove", &wrong, "TYPE_BOOL").await;
    let unknown = json!({ "names": [held], "skipInventoryCheck": true });
    refused(&app, "/lineItems:batchResume", &unknown, "Unknown name").await;
}

#[tokio::test]
async fn a_guaranteed_line_item_that_delivers_is_paused_before_its_reservation_changes() {
    let app = GamApp::in_2029().await;
    let (_, item) = running(&app, json!({})).await;
    app.clock("2030-01-02T00:00:00Z");
    let goal = json!({ "goal": { "units": "20000" } });
    let end = json!({ "targetEndTime": "2030-01-20T00:00:00Z" });
    let not = "400 FAILED_PRECONDITION UPDATE_RESERVATION_NOT_ALLOWED";
    for (mask, body) in [("goal.units", &goal), ("targetEndTime", &end)] {
        let path = format!("{}?updateMask={mask}", below(&item));
        assert_eq!(app.refused(Method::PATCH, &path, body).await.0, not, "{mask}");
    }
    app.patch(&item, "rate", &json!({ "rate": { "currencyCode": "USD", "units": "13" } })).await;
    app.act("lineItems:batchPause", &item).await;
    app.patch(&item, "goal.units", &goal).await;
    app.act("lineItems:batchResume", &item).await;
    assert_eq!(app.status(&item).await, "DELIVERING");
}

#[tokio::test]
async fn orders_are_paused_in_their_line_items() {
    let app = GamApp::in_2029().await;
    let (order, item) = running(&app, json!({})).await;
    let inapplicable = "400 FAILED_PRECONDITION NOT_APPLICABLE";
    let names = json!({ "names": [order] });
    assert_eq!(app.refused(Method::POST, "/orders:batchResume", &names).await.0, inapplicable);
    app.act("orders:batchPause", &order).await;
    assert_eq!((app.status(&order).await, app.status(&item).await), ("APPROVED".to_owned(), "PAUSED".to_owned()));
    assert_eq!(app.refused(Method::POST, "/orders:batchPause", &names).await.0, inapplicable);
    assert_eq!(app.refused(Method::POST, "/lineItems:batchPause", &json!({ "names": [item] })).await.0, inapplicable);
    app.act("lineItems:batchResume", &item).await;
    assert_eq!(app.status(&item).await, "READY");
    app.clock("2030-06-01T00:00:00Z");
    for action in ["batchPause", "batchResume"] {
        let line = app.refused(Method::POST, &format!("/orders:{action}"), &names).await.0;
        assert_eq!(line, "400 FAILED_PRECONDITION HAS_ENDED", "{action}");
    }
}

#[tokio::test]
async fn a_line_item_is_activated_once_it_has_a_creative_for_every_size() {
    let app = GamApp::in_2029().await;
    let sizes = json!({ "creativePlaceholders": [
        { "size": { "width": 300, "height": 250, "sizeType": "PIXEL" } },
        { "size": { "width": 728, "height": 90, "sizeType": "PIXEL" } },
    ] });
    let (_, item) = running(&app, sizes.clone()).await;
    let read = app.read(&item).await;
    assert_eq!((&read["status"], &read["missingCreatives"]), (&json!("INACTIVE"), &json!(true)));
    app.act("lineItems:batchActivate", &item).await;
    assert_eq!(app.status(&item).await, "READY", "it has one, and is activated by hand");
    let not = app.refused(Method::POST, "/lineItems:batchActivate", &json!({ "names": [item] })).await.0;
    assert_eq!(not, "400 FAILED_PRECONDITION NOT_APPLICABLE");
    // A network may leave all of that to people.
    turn(&app, GamChange { auto_activate: Some(false), ..GamChange::default() });
    let order = app.order(json!({ "displayName": "Other" })).await;
    let item = app.line_item(&order, json!({})).await;
    app.act("orders:batchApprove", &order).await;
    let lonely = app.refused(Method::POST, "/lineItems:batchActivate", &json!({ "names": [item] })).await.0;
    assert_eq!(lonely, "400 FAILED_PRECONDITION HAS_NO_ACTIVE_CREATIVES");
    app.creative(&item).await;
    let read = app.read(&item).await;
    assert_eq!((&read["status"], &read["missingCreatives"]), (&json!("INACTIVE"), &json!(false)));
    app.act("lineItems:batchActivate", &item).await;
    assert_eq!(app.status(&item).await, "READY");
}

#[tokio::test]
async fn credit_decides_about_orders_and_approvals() {
    let app = GamApp::in_2029().await;
    for company in [4005, 4006, 4007] {
        let body = json!({ "requests": [{ "order": order(json!({ "advertiser": format!("networks/21700001/companies/{company}") })) }] });
        refused(&app, "/orders:batchCreate", &body, "credit status").await;
    }
    turn(&app, GamChange { credit_on_hold: Some(true), ..GamChange::default() });
    let order = app.order(json!({})).await;
    app.line_item(&order, json!({})).await;
    let names = json!({ "names": [order] });
    let (line, why) = app.refused(Method::POST, "/orders:batchApprove", &names).await;
    assert_eq!(line, "400 FAILED_PRECONDITION CANNOT_APPROVE_COMPANY_CREDIT_STATUS_ON_HOLD");
    assert!(why.contains("companies/4001"), "{why}");
    turn(&app, GamChange { credit_on_hold: Some(false), ..GamChange::default() });
    app.post("/orders:batchApprove", &names).await;
}

#[tokio::test]
async fn reports_count_the_networks_days() {
    let app = GamApp::in_2029().await;
    turn(&app, GamChange { hours_ahead_of_utc: Some(-5), ..GamChange::default() });
    let network =
        app.request(Method::GET, "/v1/networks/21700001").send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(network["timeZone"], "Etc/GMT+5");
    let (_, item) = running(&app, json!({})).await;
    app.clock("2030-01-02T12:00:00Z");
    let of = |more: Value| {
        let mut body = json!({ "displayName": "r", "reportDefinition": {
            "reportType": "HISTORICAL", "dimensions": ["DATE", "LINE_ITEM_ENVIRONMENT_TYPE"],
            "metrics": ["AD_SERVER_IMPRESSIONS", "VIDEO_VIEWERSHIP_COMPLETES"],
            "dateRange": { "fixed": {
                "startDate": { "year": 2029, "month": 12, "day": 31 }, "endDate": { "year": 2030, "month": 1, "day": 2 },
            } },
            "filters": [{ "fieldFilter": {
                "field": { "dimension": "LINE_ITEM_ID" }, "operation": "IN",
                "values": [{ "intValue": id(&item).to_string() }],
            } }],
        } });
        merge(&mut body["reportDefinition"], more);
        body
    };
    let days = async |body: Value| {
        let made = name(&app.post("/reports", &body).await);
        let mut run = app.post(&format!("{}:run", below(&made)), &json!({})).await;
        while run["done"] != true {
            run = app.read(&name(&run)).await;
        }
        let result = run["response"]["reportResult"].as_str().unwrap().to_owned();
        let page = app.get(&format!("{}:fetchRows", below(&result))).await;
        let cells = |row: &Value| {
            let day = row["dimensionValues"][0]["intValue"].as_str().unwrap().to_owned();
            assert_eq!(row["dimensionValues"][1]["intValue"], "1");
            (day, row["metricValueGroups"][0]["primaryValues"][0]["intValue"].as_str().unwrap().to_owned())
        };
        page["rows"].as_array().unwrap().iter().map(cells).collect::<Vec<(String, String)>>()
    };
    let text = |days: [(&str, &str); 3]| days.map(|(day, count)| (day.to_owned(), count.to_owned())).to_vec();
    let network = [("20291231", "208"), ("20300101", "1000"), ("20300102", "292")];
    assert_eq!(days(of(json!({}))).await, text(network));
    assert_eq!(days(of(json!({ "timeZoneSource": "PUBLISHER" }))).await, text(network));
    let utc = of(json!({ "timeZoneSource": "PROVIDED", "timeZone": "Etc/UTC" }));
    assert_eq!(
        days(utc).await,
        [("20300101".to_owned(), "1000".to_owned()), ("20300102".to_owned(), "500".to_owned())]
    );
    for (more, said) in [
        (json!({ "timeZoneSource": "UTC" }), "Revenue Verification"),
        (json!({ "timeZoneSource": "AD_EXCHANGE" }), "not compatible"),
        (json!({ "timeZoneSource": "PROVIDED" }), "is required with"),
        (json!({ "timeZone": "Etc/UTC" }), "leave it empty"),
        (json!({ "timeZoneSource": "PUBLISHER", "timeZone": "Etc/UTC" }), "leave it empty"),
    ] {
        let (line, why) = app.refused(Method::POST, "/reports", &of(more)).await;
        assert!(line.starts_with(INVALID) && why.contains(said), "{line} {why}");
    }
}
