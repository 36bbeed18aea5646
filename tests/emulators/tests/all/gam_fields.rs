//! What Google publishes about the fields of its messages, as the emulator goes by it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::gam_app::{GamApp, below, creative, id, line_item, name, order};

const PAYLOAD: &str = "400 INVALID_ARGUMENT INVALID_PAYLOAD";

#[tokio::test]
async fn parsing_knows_nothing_of_who_may_set_a_field() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    for (changes, said) in [
        (json!({ "archived": "yes" }), "line_item.archived' (TYPE_BOOL)"),
        (json!({ "stats": { "likes": "1" } }), "Unknown name \"likes\" at 'line_item.stats'"),
        (json!({ "status": "RUNNING" }), "line_item.status' (one of CANCELED"),
        (json!({ "order_": order }), "Unknown name \"order_\""),
        (json!({ "deliveryRateType": "LINE_ITEM_DELIVERY_RATE_TYPE_UNSPECIFIED" }), "delivery_rate_type' (one of"),
        (json!({ "deliveryRateType": 0 }), "delivery_rate_type' (one of"),
        (json!({ "frequencyCaps": [{ "maxImpressions": "many" }] }), "frequency_caps[0].max_impressions' (TYPE_INT64)"),
    ] {
        let body = line_item(&order, changes.clone());
        let (line, why) = app.refused(Method::POST, "/lineItems", &body).await;
        assert!(line == PAYLOAD && why.contains(said), "{changes}: {line} {why}");
    }
    // What is right is ignored: only Google writes these.
    let body = json!({ "name": "networks/1/lineItems/2", "archived": true, "status": "CANCELED", "stats": { "clicksDelivered": "7" } });
    let made = app.line_item(&order, body).await;
    let read = app.read(&made).await;
    assert_eq!((&read["status"], &read["archived"], &read["stats"]), (&json!("DRAFT"), &json!(false), &Value::Null));
    assert_ne!(made, "networks/1/lineItems/2");
}

#[tokio::test]
async fn a_message_is_known_by_both_of_its_fields_names_and_its_values_by_both_of_theirs() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let changes = json!({ "creativeRotationType": null, "creative_rotation_type": 2, "external_line_item_id": "ref" });
    let read = app.read(&app.line_item(&order, changes).await).await;
    assert_eq!((&read["creativeRotationType"], &read["externalLineItemId"]), (&json!("OPTIMIZED"), &json!("ref")));
}

#[tokio::test]
async fn documented_limits_are_checked() {
    let app = GamApp::in_2029().await;
    let order_name = app.order(json!({})).await;
    let of_line_item = [
        (json!({ "notes": "x".repeat(65_536) }), "TOO_LONG", "line_item.notes: at most 65535"),
        (json!({ "priority": 17 }), "TOO_LARGE", "line_item.priority: at most 16"),
        (json!({ "priority": 0 }), "TOO_SMALL", "line_item.priority: at least 1"),
        (json!({ "autoExtensionDays": 8 }), "TOO_LARGE", "line_item.auto_extension_days: at most 7"),
    ];
    for (changes, reason, said) in of_line_item {
        let (line, why) = app.refused(Method::POST, "/lineItems", &line_item(&order_name, changes)).await;
        assert!(line.ends_with(reason) && why.contains(said), "{line} {why}");
    }
    let long = format!("https://a.example/{}", "x".repeat(1024));
    for (field, value) in [
        ("thirdPartyImpressionTrackingUrls", json!(["https://a.example/", long])),
        ("destinationUrl", json!(long)),
        ("altText", json!("x".repeat(501))),
    ] {
        let mut body = creative(json!({}));
        body["imageRedirectCreative"][field] = value;
        let (line, why) = app.refused(Method::POST, "/creatives", &body).await;
        assert!(line.ends_with("TOO_LONG"), "{field}: {line} {why}");
    }
    let body = json!({ "requests": [{ "order": order(json!({ "displayName": "x", "notes": "x".repeat(65_536) })) }] });
    let (_, why) = app.refused(Method::POST, "/orders:batchCreate", &body).await;
    assert!(why.contains("order.notes: at most 65535"), "{why}");
}

#[tokio::test]
async fn what_counts_for_one_request_is_not_kept() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let flags = json!({ "allowOverbook": true, "skipInventoryCheck": true, "reserveOnCreation": true });
    let item = app.line_item(&order, flags.clone()).await;
    let changed = app.patch(&item, "notes", &json!({ "notes": "n", "allowOverbook": true })).await;
    for read in [app.read(&item).await, changed] {
        for flag in flags.as_object().unwrap().keys() {
            assert_eq!(read[flag], Value::Null, "{flag}");
        }
    }
    let custom = json!({
        "imageRedirectCreative": null,
        "customCreative": { "htmlSnippet": "<b>", "safeFrameCompatible": true, "destinationUrl": "https://a.example" },
    });
    let made = app.post("/creatives", &creative(custom)).await;
    assert_eq!(made["customCreative"]["htmlSnippet"], "<b>");
    assert_eq!(made["customCreative"]["safeFrameCompatible"], Value::Null);
}

#[tokio::test]
async fn what_is_immutable_stays_as_it_is() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    let made = app.creative(&item).await;
    let other = name(&app.post("/creatives", &creative(json!({}))).await);
    let tie = format!("{}/creatives/{}", below(&item), id(&made));
    let size = json!({ "width": 728, "height": 90, "sizeType": "PIXEL" });
    for (path, field, value) in [
        (below(&made).to_owned(), "size", size),
        (tie.clone(), "creative", json!(other)),
        (tie.clone(), "lineItem", json!("networks/21700001/lineItems/1")),
    ] {
        let (line, why) =
            app.refused(Method::PATCH, &format!("{path}?updateMask={field}"), &json!({ field: value })).await;
        assert!(line == "400 INVALID_ARGUMENT IMMUTABLE" && why.contains("can't be changed"), "{field}: {line} {why}");
    }
    // The same value is no change.
    let same = json!({ "creative": made, "lineItem": item });
    let (status, answer) = app.send(Method::PATCH, &format!("{tie}?updateMask=creative,lineItem"), &same).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn a_report_of_what_the_emulator_cannot_compute_is_refused_as_its_own_limit() {
    let app = GamApp::start().await;
    let day = json!({ "year": 2030, "month": 1, "day": 1 });
    let report = |changes: Value| {
        let mut definition = json!({
            "reportType": "HISTORICAL", "dimensions": ["DATE"], "metrics": ["AD_SERVER_IMPRESSIONS"],
            "dateRange": { "fixed": { "startDate": day, "endDate": day } },
        });
        crate::app::merge(&mut definition, changes);
        json!({ "reportDefinition": definition })
    };
    app.post("/reports", &report(json!({}))).await;
    let filter = json!({ "fieldFilter": { "field": { "dimension": "COUNTRY_CODE" }, "operation": "IN", "values": [{ "stringValue": "US" }] } });
    for (changes, field) in [
        (json!({ "dimensions": ["DATE", "COUNTRY_CODE"] }), "COUNTRY_CODE"),
        (json!({ "metrics": ["AD_SERVER_CTR"] }), "AD_SERVER_CTR"),
        (json!({ "filters": [filter] }), "COUNTRY_CODE"),
    ] {
        let (line, why) = app.refused(Method::POST, "/reports", &report(changes)).await;
        assert_eq!(line, "501 UNIMPLEMENTED NOT_EMULATED");
        assert!(why.contains(&format!("can't compute {field}")), "{why}");
    }
    let (line, why) = app.refused(Method::POST, "/reports", &report(json!({ "metrics": ["SMILES"] }))).await;
    assert!(line == PAYLOAD && why.contains("metrics[0]"), "{line} {why}");
}

#[tokio::test]
async fn a_read_has_no_body() {
    let app = GamApp::start().await;
    let (line, why) = app.refused(Method::GET, "/orders", &json!({ "filter": "" })).await;
    assert!(line == PAYLOAD && why.contains("body must be empty"), "{line} {why}");
}

#[tokio::test]
async fn filters_use_the_paths_that_are_published() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    for (collection, filter) in [
        ("lineItems", "goal.units > 5000"),
        ("lineItems", "order = *"),
        ("orders", "orderId > 1"),
        ("lineItems/-/creatives", "creative != \"x\""),
        ("customTargetingKeys", "adTagName = \"section\""),
    ] {
        let path = format!("/v1/networks/21700001/{collection}");
        let answer = app.request(Method::GET, &path).query(&[("filter", filter)]).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{collection} {filter}");
    }
    assert_eq!(app.find("lineItems", "goal.units > 5000").await[0]["name"], json!(item));
    // Fields of the message that no filter may use, a message instead of a field in it, and more.
    for (collection, filter) in [
        ("orders", "notes = \"n\""),
        ("orders", "currencyCode = USD"),
        ("lineItems", "targetEndTime > \"2030-01-01T00:00:00Z\""),
        ("lineItems", "reservationStatus = RESERVED"),
        ("lineItems", "goal = 5"),
        ("lineItems", "targeting.geoTargeting.targetedGeos:\"2840\""),
        ("creatives", "previewUrl = \"x\""),
        ("deviceCategories", "type = \"x\""),
    ] {
        let path = format!("/v1/networks/21700001/{collection}");
        let answer = app.request(Method::GET, &path).query(&[("filter", filter)]).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{collection} {filter}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["details"][0]["reason"], "INVALID_FILTER");
    }
}
