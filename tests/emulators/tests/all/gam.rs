//! What the Google Ad Manager emulator keeps and answers: every resource, every action.

use flightdeck_emulators::gam::settings::GamChange;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    gam_app::{GamApp, below, creative, id, line_item, name, order},
    gam_rules::video,
};

#[tokio::test]
async fn an_order_goes_from_draft_to_delivering_to_completed() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({ "poNumber": "PO-1", "notes": "n" })).await;
    let read = app.read(&order).await;
    assert_eq!((&read["status"], &read["archived"]), (&json!("DRAFT"), &json!(false)));
    assert_eq!((&read["orderId"], &read["currencyCode"]), (&json!(id(&order).to_string()), &json!("USD")));
    let item = app.line_item(&order, json!({ "externalLineItemId": "ref-1" })).await;
    let read = app.read(&item).await;
    assert_eq!((&read["status"], &read["missingCreatives"]), (&json!("DRAFT"), &json!(true)));
    assert_eq!((&read["orderDisplayName"], &read["reservationStatus"]), (&json!("Order"), &json!("UNRESERVED")));
    assert_eq!(read["budget"], json!({ "currencyCode": "USD", "units": "123", "nanos": 400_000_000 }));
    app.act("orders:batchApprove", &order).await;
    assert_eq!(app.status(&order).await, "APPROVED");
    assert_eq!(app.status(&item).await, "INACTIVE");
    app.creative(&item).await;
    assert_eq!(app.status(&item).await, "READY");
    app.clock("2030-01-02T00:00:00Z");
    assert_eq!(app.status(&item).await, "DELIVERING");
    app.act("lineItems:batchPause", &item).await;
    assert_eq!(app.status(&item).await, "PAUSED");
    app.act("lineItems:batchResume", &item).await;
    app.act("orders:batchPause", &order).await;
    assert_eq!((app.status(&order).await, app.status(&item).await), ("APPROVED".to_owned(), "PAUSED".to_owned()));
    app.act("orders:batchResume", &order).await;
    app.act("lineItems:batchRelease", &item).await;
    assert_eq!(app.status(&item).await, "PAUSED_INVENTORY_RELEASED");
    app.act("lineItems:batchReserve", &item).await;
    assert_eq!(app.status(&item).await, "DELIVERING");
    app.clock("2030-01-11T00:00:00Z");
    assert_eq!(app.status(&item).await, "COMPLETED");
}

#[tokio::test]
async fn an_order_that_was_submitted_waits_for_a_person() {
    let app = GamApp::in_2029().await;
    app.running.platform().change(GamChange { may_approve: Some(false), ..GamChange::default() });
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    let names = json!({ "names": [order] });
    let (line, why) = app.refused(Method::POST, "/orders:batchApprove", &names).await;
    assert_eq!(line, "403 PERMISSION_DENIED PERMISSION_DENIED");
    assert!(why.contains("submit the order for approval"), "{why}");
    app.act("orders:batchSubmitForApproval", &order).await;
    assert_eq!(app.status(&order).await, "PENDING_APPROVAL");
    assert_eq!(app.status(&item).await, "PENDING_APPROVAL");
    let control = |how: &str| format!("/__control/gam/orders/{}/{how}", id(&order));
    app.post(&control("disapprove"), &Value::Null).await;
    assert_eq!(
        (app.status(&order).await, app.status(&item).await),
        ("DISAPPROVED".to_owned(), "DISAPPROVED".to_owned())
    );
    app.act("orders:batchRetract", &order).await;
    assert_eq!(app.status(&order).await, "DRAFT");
    app.act("orders:batchSubmitForApproval", &order).await;
    app.post(&control("approve"), &Value::Null).await;
    assert_eq!((app.status(&order).await, app.status(&item).await), ("APPROVED".to_owned(), "INACTIVE".to_owned()));
    let (status, body) = app.send(Method::POST, &control("approve"), &Value::Null).await;
    assert_eq!(status, 409, "{body}");
}

#[tokio::test]
async fn a_new_guaranteed_line_item_has_no_forecast_for_a_while() {
    let app = GamApp::in_2029().await;
    let hour = json!({ "forecast_after_seconds": 3600 });
    let (status, settings) = app.send(Method::PUT, "/__control/gam/settings", &hour).await;
    assert_eq!((status.as_u16(), &settings["forecast_after_seconds"]), (200, &json!(3600)));
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    let names = json!({ "names": [order] });
    let (line, _) = app.refused(Method::POST, "/orders:batchApprove", &names).await;
    assert_eq!(line, "400 FAILED_PRECONDITION NO_FORECAST_YET");
    app.clock("2029-12-01T01:00:00Z");
    app.act("orders:batchApprove", &order).await;
    assert_eq!(app.status(&item).await, "INACTIVE");
    let other = app.order(json!({ "displayName": "No forecast needed" })).await;
    app.line_item(&other, json!({ "lineItemType": "PRICE_PRIORITY" })).await;
    app.act("orders:batchApprove", &other).await;
    let checked = app.order(json!({ "displayName": "Not checked" })).await;
    app.line_item(&checked, json!({ "skipInventoryCheck": true })).await;
    let (line, _) = app.refused(Method::POST, "/orders:batchApprove", &json!({ "names": [checked] })).await;
    assert_eq!(line, "400 FAILED_PRECONDITION NO_FORECAST_YET", "what the creation skipped, an approval does not");
    app.act("orders:batchApproveAndOverbook", &checked).await;
    let third = app.order(json!({ "displayName": "Without reservation" })).await;
    app.line_item(&third, json!({})).await;
    app.act("orders:batchApproveWithoutReservation", &third).await;
}

#[tokio::test]
async fn a_line_item_added_to_an_approved_order_waits_for_its_approval() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    app.line_item(&order, json!({})).await;
    app.act("orders:batchApprove", &order).await;
    let late = app.line_item(&order, json!({ "displayName": "late" })).await;
    assert_eq!(app.status(&late).await, "DRAFT");
    app.act("orders:batchApprove", &order).await;
    assert_eq!(app.status(&late).await, "INACTIVE");
}

#[tokio::test]
async fn enumerations_may_be_sent_as_numbers_as_googles_clients_do() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let body = video(&order, json!({ "environmentType": 2, "status": 7 }));
    let item = name(&app.post("/lineItems", &body).await);
    assert_eq!(app.read(&item).await["environmentType"], "VIDEO_PLAYER");
    let body = line_item(&order, json!({ "environmentType": 77 }));
    let (line, why) = app.refused(Method::POST, "/lineItems", &body).await;
    assert_eq!(line, "400 INVALID_ARGUMENT INVALID_PAYLOAD");
    assert!(why.contains("line_item.environment_type") && why.contains("one of BROWSER, VIDEO_PLAYER"), "{why}");
}

#[tokio::test]
async fn updates_replace_what_the_mask_names() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({ "notes": "old", "poNumber": "1" })).await;
    let body = json!({ "requests": [{ "order": { "name": order, "notes": "new" }, "updateMask": "notes,poNumber" }] });
    let answer = app.post("/orders:batchUpdate", &body).await;
    assert_eq!((&answer["orders"][0]["notes"], answer["orders"][0].get("poNumber")), (&json!("new"), None));
    let item = app.line_item(&order, json!({})).await;
    let sent = json!({ "display_name": "Renamed", "goal": { "units": 20_000 }, "status": "COMPLETED" });
    let after = app.patch(&item, "display_name,goal.units", &sent).await;
    assert_eq!((&after["displayName"], &after["status"]), (&json!("Renamed"), &json!("DRAFT")));
    assert_eq!(after["goal"], json!({ "goalType": "LIFETIME", "unitType": "IMPRESSIONS", "units": "20000" }));
    let body = json!({ "requests": [
        { "lineItem": { "name": item, "targetEndTime": "2030-01-21T01:00:00+01:00" }, "updateMask": "targetEndTime" },
    ] });
    let answer = app.post("/lineItems:batchUpdate", &body).await;
    assert_eq!(answer["lineItems"][0]["endTime"], "2030-01-21T00:00:00Z");
    let creative = app.creative(&item).await;
    let after = app.patch(&creative, "displayName", &json!({ "displayName": "c2" })).await;
    assert_eq!((&after["displayName"], after["imageRedirectCreative"].is_object()), (&json!("c2"), true));
    let tie = format!("{item}/creatives/{}", id(&creative));
    let weight = json!({ "manualCreativeRotationWeight": 5.0 });
    let after = app.patch(&tie, "manualCreativeRotationWeight", &weight).await;
    assert_eq!((&after["manualCreativeRotationWeight"], &after["status"]), (&json!(5.0), &json!("ACTIVE")));
}

#[tokio::test]
async fn creatives_and_associations_are_written_one_by_one_and_in_batches() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    app.act("orders:batchApprove", &order).await;
    let both = json!({ "requests": [
        { "creative": creative(json!({ "displayName": "a" })) },
        { "parent": "networks/21700001", "creative": creative(json!({ "displayName": "b" })) },
    ] });
    let made = app.post("/creatives:batchCreate", &both).await;
    let (a, b) = (name(&made["creatives"][0]), name(&made["creatives"][1]));
    let path = format!("{}/creatives", below(&item));
    let ties = json!({ "requests": [
        { "lineItemCreativeAssociation": { "lineItem": item, "creative": a } },
        { "lineItemCreativeAssociation": { "lineItem": item, "creative": b } },
    ] });
    let made = app.post(&format!("{path}:batchCreate"), &ties).await;
    let tie = &made["lineItemCreativeAssociations"][0];
    assert_eq!((&tie["name"], &tie["status"]), (&json!(format!("{item}/creatives/{}", id(&a))), &json!("ACTIVE")));
    assert_eq!(app.get(&path).await["lineItemCreativeAssociations"].as_array().unwrap().len(), 2);
    assert_eq!(app.get("/lineItems/-/creatives").await["lineItemCreativeAssociations"].as_array().unwrap().len(), 2);
    assert_eq!(app.read(&name(tie)).await["creative"], json!(a));
    assert_eq!(app.status(&item).await, "READY");
    let names = json!({ "names": [format!("{item}/creatives/{}", id(&a)), format!("{item}/creatives/{}", id(&b))] });
    app.post(&format!("{path}:batchDeactivate"), &names).await;
    assert_eq!(app.status(&item).await, "INACTIVE");
    app.post(&format!("{path}:batchActivate"), &names).await;
    app.post("/creatives:batchDeactivate", &json!({ "names": [a, b] })).await;
    assert_eq!(app.status(&item).await, "INACTIVE");
    app.post("/creatives:batchActivate", &json!({ "names": [a] })).await;
    assert_eq!(app.status(&item).await, "READY");
    app.post(&format!("{path}:batchDelete"), &names).await;
    assert_eq!(app.running.platform().count("associations"), 0);
    let update =
        json!({ "requests": [{ "creative": { "name": b, "displayName": "z" }, "updateMask": "displayName" }] });
    assert_eq!(app.post("/creatives:batchUpdate", &update).await["creatives"][0]["displayName"], "z");
}

#[tokio::test]
async fn every_kind_of_creative_of_the_catalogue_is_taken() {
    let app = GamApp::start().await;
    let none = "destinationUrlType";
    let vast = json!({
        "vastXmlUrl": "https://v.example/a.xml", "vastRedirectType": "LINEAR", "duration": "15s", none: "NONE",
    });
    for (kind, details) in [
        ("vastRedirectCreative", vast),
        ("videoRedirectCreative", json!({ "vastInfo": { "duration": "30s", "destinationUrl": "https://a.example" } })),
        ("audioRedirectCreative", json!({ "vastInfo": { "duration": "30s", none: "NONE" } })),
        ("thirdPartyCreative", json!({ "snippet": "<script></script>", "safeFrameCompatible": true, none: "NONE" })),
        ("html5Creative", json!({ "html5Asset": { "fileName": "a.zip", "assetByteArray": "AAAA" } })),
        (
            "imageCreative",
            json!({ "primaryImageAsset": { "fileName": "a.png", "assetByteArray": "AAAA" }, none: "NONE" }),
        ),
        ("templateCreative", json!({ "destinationUrl": "https://a.example" })),
    ] {
        let body = creative(json!({ "imageRedirectCreative": null, kind: details }));
        let made = app.post("/creatives", &body).await;
        let read = app.read(&name(&made)).await;
        assert!(read[kind].is_object(), "{made}");
        if kind == "imageCreative" {
            let asset = &read[kind]["primaryImageAsset"];
            assert_eq!((asset.get("assetByteArray"), &asset["fileSize"]), (None, &json!("3")));
            assert!(asset["asset"].as_str().unwrap().starts_with("networks/21700001/assets/"));
        }
    }
}

#[tokio::test]
async fn the_catalogues_are_listed_and_read() {
    let app = GamApp::start().await;
    for collection in [
        "companies",
        "users",
        "teams",
        "labels",
        "customFields",
        "adUnits",
        "placements",
        "customTargetingKeys",
        "customTargetingValues",
        "geoTargets",
        "deviceCategories",
        "operatingSystems",
        "browsers",
        "browserLanguages",
        "creativeTemplates",
        "audienceSegments",
        "bandwidthGroups",
    ] {
        let listed = app.find(collection, "").await;
        let first = listed.as_array().unwrap().first().unwrap_or_else(|| panic!("nothing in {collection}")).clone();
        assert_eq!(app.read(&name(&first)).await, first);
    }
    let values = app.get("/customTargetingKeys/7001/customTargetingValues").await;
    assert_eq!(values["customTargetingValues"].as_array().unwrap().len(), 3);
    assert_eq!(app.get("/customTargetingKeys/7001/customTargetingValues/7102").await["displayName"], "news");
    let city = app.find("geoTargets", "displayName = \"New York\" AND type = \"City\" AND regionCode = \"US\"").await;
    assert_eq!(city[0]["parentNames"], json!(["New York", "United States"]));
    assert_eq!(app.read(city[0]["canonicalParent"].as_str().unwrap()).await["type"], "State");
    let all = app.request(Method::GET, "/v1/networks").send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(all["networks"][0]["effectiveRootAdUnit"], "networks/21700001/adUnits/6000");
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let app = GamApp::in_2029().await;
    let mut made = Vec::new();
    for (at, po) in [("alpha video", "PO-1"), ("beta \"video\"", "PO-2"), ("gamma", "PO-3")] {
        made.push(app.order(json!({ "displayName": at, "poNumber": po, "externalOrderId": made.len() })).await);
    }
    for (filter, wanted) in [
        ("displayName = \"gamma\"", vec!["PO-3"]),
        ("orders.displayName = \"*video*\"", vec!["PO-1", "PO-2"]),
        ("display_name:\"VIDEO\"", vec!["PO-1", "PO-2"]),
        ("displayName = \"beta \\\"video\\\"\"", vec!["PO-2"]),
        ("poNumber = \"PO-1\" OR poNumber = \"PO-3\"", vec!["PO-1", "PO-3"]),
        ("displayName:\"video\" AND NOT poNumber = \"PO-1\"", vec!["PO-2"]),
        ("displayName:\"video\" poNumber != \"PO-1\"", vec!["PO-2"]),
        ("(poNumber = \"PO-1\" OR poNumber = \"PO-2\") AND -displayName:\"alpha\"", vec!["PO-2"]),
        // OR binds tighter than AND.
        ("poNumber = \"PO-3\" AND poNumber = \"PO-2\" OR poNumber = \"PO-3\"", vec!["PO-3"]),
        ("externalOrderId >= 1 AND externalOrderId < 2", vec!["PO-2"]),
        ("status = DRAFT AND archived = false AND poNumber = \"PO-1\"", vec!["PO-1"]),
        ("updateTime > \"2029-12-02T00:00:00Z\"", vec![]),
        ("updateTime <= \"2029-12-01T01:00:00+01:00\" AND poNumber = \"PO-1\"", vec!["PO-1"]),
    ] {
        let found = app.find("orders", filter).await;
        let found: Vec<&str> =
            found.as_array().unwrap().iter().map(|order| order["poNumber"].as_str().unwrap()).collect();
        assert_eq!(found, wanted, "{filter}");
    }
    let item = app.line_item(&made[0], json!({ "externalLineItemId": "ref-9" })).await;
    assert_eq!(name(&app.find("lineItems", "externalLineItemId = \"ref-9\"").await[0]), item);
    assert_eq!(name(&app.find("lineItems", &format!("order = \"{}\"", made[0])).await[0]), item);
    let unit = "targeting.inventoryTargeting.targetedAdUnits.adUnit:\"6001\"";
    assert_eq!(app.find("lineItems", unit).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_come_in_pages_and_in_order() {
    let app = GamApp::start().await;
    for n in 0..5 {
        app.order(json!({ "displayName": format!("o{n}") })).await;
    }
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = app.get(&format!("/orders?pageSize=2&orderBy=displayName%20desc&pageToken={token}")).await;
        let orders = page["orders"].as_array().unwrap();
        assert!(orders.len() <= 2);
        seen.extend(orders.iter().map(|order| order["displayName"].as_str().unwrap().to_owned()));
        match page.get("nextPageToken") {
            Some(next) => token = next.as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["o4", "o3", "o2", "o1", "o0"]);
    assert_eq!(app.get("/orders?pageSize=5000").await["orders"].as_array().unwrap().len(), 5);
    assert_eq!(app.get("/orders?page_size=1&skip=1").await["orders"][0]["displayName"], "o1");
    let first = app.get("/orders?pageSize=2").await["nextPageToken"].as_str().unwrap().to_owned();
    let wrong = format!("/orders?pageToken={first}&filter=status%3DDRAFT");
    let (line, _) = app.refused(Method::GET, &wrong, &Value::Null).await;
    assert_eq!(line, "400 INVALID_ARGUMENT INVALID_PAGING");
}

#[tokio::test]
async fn a_page_is_fifty_unless_asked_and_a_thousand_at_most() {
    let app = GamApp::start().await;
    for batch in 0..11 {
        let requests: Vec<Value> =
            (0..100).map(|n| json!({ "order": order(json!({ "displayName": format!("{batch}-{n}") })) })).collect();
        app.post("/orders:batchCreate", &json!({ "requests": requests })).await;
    }
    let settings = json!({ "max_page_size": 100_000 });
    app.send(Method::PUT, "/__control/settings", &settings).await;
    let page = async |query: &str| app.get(&format!("/orders{query}")).await["orders"].as_array().unwrap().len();
    assert_eq!((page("").await, page("?pageSize=0").await), (50, 50));
    assert_eq!((page("?pageSize=1000").await, page("?pageSize=1001").await), (1000, 1000));
}

#[tokio::test]
async fn controls_show_objects_counts_and_duplicates() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({ "poNumber": "PO" })).await;
    app.order(json!({ "displayName": "Another", "poNumber": "PO" })).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(id(&app.line_item(&order, json!({ "externalLineItemId": "same" })).await));
        app.post("/creatives", &creative(json!({ "displayName": "same" }))).await;
    }
    let body = app.get("/__control/objects").await;
    let counts =
        json!({ "orders": 2, "lineItems": 2, "creatives": 2, "creativeSets": 0, "associations": 0, "reports": 0 });
    assert_eq!(body["counts"], counts);
    let twice = body["duplicates"].as_array().unwrap();
    let kinds: Vec<&str> = twice.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["creatives", "lineItems", "orders"]);
    assert_eq!(
        (&twice[1]["name"], &twice[1]["ids"], &twice[1]["parent"]),
        (&json!("same"), &json!(ids), &json!(id(&order)))
    );
    for kind in ["orders", "lineItems", "creatives", "creativeSets", "associations", "reports"] {
        let objects = app.get(&format!("/__control/objects/{kind}")).await;
        assert_eq!(objects["objects"].as_array().unwrap().len(), counts[kind].as_u64().unwrap() as usize);
    }
    assert_eq!(app.send(Method::GET, "/__control/objects/flights", &Value::Null).await.0, 404);
    assert_eq!(app.send(Method::GET, "/__control/gam/nothing", &Value::Null).await.0, 404);
    app.send(Method::PUT, "/__control/gam/settings", &json!({ "may_approve": false })).await;
    app.send(Method::POST, "/__control/reset", &Value::Null).await;
    assert_eq!(app.running.platform().count("orders"), 0);
    assert!(app.running.platform().settings().may_approve);
}

#[tokio::test]
async fn a_dropped_answer_leaves_the_line_item_to_be_found() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let rule = json!({ "method": "POST", "path": "/v1/networks/*/lineItems", "action": "drop_after_acting" });
    assert_eq!(app.send(Method::POST, "/__control/faults", &rule).await.0, 201);
    let body = line_item(&order, json!({ "externalLineItemId": "lost" }));
    let sent = app.request(Method::POST, "/v1/networks/21700001/lineItems").json(&body).send().await;
    assert!(sent.unwrap_err().is_request());
    assert_eq!(app.find("lineItems", "externalLineItemId = \"lost\"").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_object_is_missing_from_lists_for_as_long_as_told() {
    let app = GamApp::start().await;
    app.send(Method::PUT, "/__control/settings", &json!({ "lookup_lag_ms": 3_600_000 })).await;
    let order = app.order(json!({})).await;
    assert!(app.find("orders", "").await.as_array().unwrap().is_empty());
    assert_eq!(name(&app.read(&order).await), order);
}
