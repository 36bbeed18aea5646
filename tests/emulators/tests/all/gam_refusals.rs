//! Bodies that the Google Ad Manager emulator refuses, and that it says which field and why.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::merge,
    gam_app::{GamApp, below, creative, line_item, name, order},
};

const INVALID: &str = "400 INVALID_ARGUMENT";

/// Each change of a good body with what the refusal must begin with and say.
async fn each(app: &GamApp, path: &str, good: &Value, cases: &[(Value, &str, &str)]) {
    for (changes, status, said) in cases {
        let mut body = good.clone();
        merge(&mut body, changes.clone());
        let (line, why) = app.refused(Method::POST, path, &body).await;
        assert!(line.starts_with(status) && why.contains(said), "{changes}: {line}: {why}");
    }
}

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused_with_every_fault() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let mut body = line_item(&order, json!({ "colour": "red", "priority": "high", "startTime": "tomorrow" }));
    body["targeting"]["mood"] = json!(1);
    body["rate"]["nanos"] = json!(3_000_000_000_u64);
    let (line, why) = app.refused(Method::POST, "/lineItems", &body).await;
    assert_eq!(line, "400 INVALID_ARGUMENT INVALID_PAYLOAD");
    for said in [
        "Invalid JSON payload received. Unknown name \"colour\" at 'line_item': Cannot find field.",
        "Unknown name \"mood\" at 'line_item.targeting': Cannot find field.",
        "Invalid value at 'line_item.priority' (TYPE_INT32), \"high\"",
        "Invalid value at 'line_item.start_time'",
        "Invalid value at 'line_item.rate.nanos' (TYPE_INT32)",
    ] {
        assert!(why.contains(said), "{said}: {why}");
    }
    let cases = [
        (json!({ "frequencyCaps": {} }), INVALID, "a list is needed"),
        (json!({ "goal": [] }), INVALID, "an object is needed"),
        (json!({ "costType": "CHEAP" }), INVALID, "one of CPA"),
        (json!({ "maxVideoCreativeDuration": "15" }), INVALID, "seconds such as 15s"),
        (json!({ "allowOverbook": "yes" }), INVALID, "TYPE_BOOL"),
    ];
    each(&app, "/lineItems", &line_item(&order, json!({})), &cases).await;
    let request = app.request(Method::POST, "/v1/networks/21700001/lineItems").body("{");
    assert_eq!(request.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn orders_are_checked() {
    let app = GamApp::in_2029().await;
    app.order(json!({ "displayName": "Taken" })).await;
    for (changes, status, said) in [
        (json!({ "displayName": null }), INVALID, "order.display_name"),
        (json!({ "displayName": "" }), INVALID, "order.display_name"),
        (json!({ "displayName": "x".repeat(256) }), INVALID, "display_name: at most 255"),
        (json!({ "advertiser": null }), INVALID, "order.advertiser"),
        (
            json!({ "advertiser": "networks/21700001/companies/1" }),
            INVALID,
            "advertiser: networks/21700001/companies/1",
        ),
        (json!({ "advertiser": "networks/21700001/companies/4004" }), INVALID, "is no advertiser"),
        (json!({ "trafficker": "networks/21700001/users/1" }), INVALID, "trafficker"),
        (json!({ "poNumber": "x".repeat(64) }), INVALID, "po_number: at most 63"),
        (json!({ "externalOrderId": 3_000_000_000_u64 }), INVALID, "external_order_id' (TYPE_INT32)"),
        (json!({ "displayName": "Taken" }), "400 INVALID_ARGUMENT NOT_UNIQUE", "displayName"),
    ] {
        let body = json!({ "requests": [{ "order": order(json!({ "displayName": "Good" })) }, { "order": order(changes.clone()) }] });
        let (line, why) = app.refused(Method::POST, "/orders:batchCreate", &body).await;
        assert!(
            line.starts_with(status) && why.contains(said) && why.contains("requests[1]"),
            "{changes}: {line} {why}"
        );
    }
    let twice = json!({ "requests": [{ "order": order(json!({})) }, { "order": order(json!({})) }] });
    assert_eq!(app.refused(Method::POST, "/orders:batchCreate", &twice).await.0, "400 INVALID_ARGUMENT NOT_UNIQUE");
    // All or nothing: the good ones beside the bad were not made.
    assert_eq!(app.running.platform().count("orders"), 1);
}

#[tokio::test]
async fn the_name_of_an_archived_order_is_still_taken() {
    let app = GamApp::in_2029().await;
    let first = app.order(json!({})).await;
    app.act("orders:batchArchive", &first).await;
    let body = json!({ "requests": [{ "order": order(json!({})) }] });
    assert_eq!(app.refused(Method::POST, "/orders:batchCreate", &body).await.0, "400 INVALID_ARGUMENT NOT_UNIQUE");
}

#[tokio::test]
async fn line_items_are_checked() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let inventory = json!({ "targetedAdUnits": [{ "adUnit": "networks/21700001/adUnits/6001" }] });
    let targeting = |what: &str, value: Value| json!({ "targeting": { "inventoryTargeting": inventory, what: value } });
    let geo = |targeted: &[i64], excluded: &[i64]| {
        let names = |ids: &[i64]| ids.iter().map(|id| format!("networks/21700001/geoTargets/{id}")).collect::<Vec<_>>();
        targeting("geoTargeting", json!({ "targetedGeos": names(targeted), "excludedGeos": names(excluded) }))
    };
    let literal = |key: i64, value: i64| {
        json!({ "customTargetingClauses": [{ "customTargetingLiterals": [{
            "customTargetingKey": format!("networks/21700001/customTargetingKeys/{key}"),
            "customTargetingValues": [format!("networks/21700001/customTargetingValues/{value}")],
        }] }] })
    };
    let goal =
        |kind: &str, unit: Value, units: i64| json!({ "goal": { "goalType": kind, "unitType": unit, "units": units } });
    let rate = |code: &str, units: i64, nanos: i64| json!({ "rate": { "currencyCode": code, "units": units, "nanos": nanos } });
    let cases = [
        (json!({ "order": null }), INVALID, "line_item.order"),
        (json!({ "order": "networks/21700001/orders/1" }), INVALID, "create the order first"),
        (json!({ "displayName": null }), INVALID, "line_item.display_name"),
        (json!({ "displayName": "x".repeat(256) }), INVALID, "display_name: at most 255"),
        (json!({ "externalLineItemId": "x".repeat(256) }), INVALID, "external_line_item_id: at most 255"),
        (json!({ "startTime": null }), INVALID, "line_item.start_time"),
        (json!({ "startTime": "2029-11-30T00:00:00Z" }), INVALID, "start_time: must be in the future"),
        (json!({ "targetEndTime": null }), INVALID, "line_item.target_end_time"),
        (json!({ "targetEndTime": "2029-12-31T00:00:00Z" }), INVALID, "target_end_time: must be after"),
        (json!({ "endTimeUnlimited": true }), INVALID, "target_end_time: leave it out"),
        (json!({ "creativeRotationType": null }), INVALID, "line_item.creative_rotation_type"),
        (json!({ "lineItemType": null }), INVALID, "line_item.line_item_type"),
        (json!({ "costType": null }), INVALID, "line_item.cost_type"),
        (json!({ "rate": null }), INVALID, "line_item.rate"),
        (rate("EUR", 1, 0), INVALID, "network's currency, USD"),
        (rate("USD", -1, 0), INVALID, "rate: units must be 0 or more"),
        (rate("USD", 1, 1), INVALID, "multiple of 1000"),
        (json!({ "creativePlaceholders": [] }), INVALID, "line_item.creative_placeholders"),
        (json!({ "creativePlaceholders": [{}] }), INVALID, "line_item.creative_placeholders.size"),
        (goal("DAILY", json!("IMPRESSIONS"), 5), INVALID, "goal: a line item of type STANDARD"),
        (goal("LIFETIME", json!("IMPRESSIONS"), 0), INVALID, "goal: units must be"),
        (goal("LIFETIME", Value::Null, 5), INVALID, "goal: unitType is required"),
        (json!({ "lineItemType": "SPONSORSHIP" }), INVALID, "percentage of 1 to 100"),
        (json!({ "frequencyCaps": [{ "maxImpressions": 3, "timeUnit": "DAY" }] }), INVALID, "frequency_caps: needs"),
        (json!({ "targeting": null }), INVALID, "line_item.targeting"),
        (json!({ "targeting": {} }), INVALID, "target at least one ad unit"),
        (
            json!({ "targeting": { "inventoryTargeting": { "targetedAdUnits": [{ "adUnit": "x" }] } } }),
            INVALID,
            "adUnits",
        ),
        (
            targeting("geoTargeting", json!({ "targetedGeos": ["networks/21700001/geoTargets/1"] })),
            INVALID,
            "geoTargets",
        ),
        (
            targeting(
                "geoTargeting",
                json!({
                    "targetedGeos": ["networks/21700001/geoTargets/2840"],
                    "excludedGeos": ["networks/21700001/geoTargets/2840"],
                }),
            ),
            INVALID,
            "both targeted and excluded",
        ),
        (geo(&[21137], &[2840]), INVALID, "is targeted inside networks/21700001/geoTargets/2840"),
        (geo(&[1_014_221], &[2840]), INVALID, "is targeted inside"),
        (geo(&[200_501], &[2840]), INVALID, "is targeted inside"),
        (geo(&[2840, 21137], &[]), INVALID, "are both targeted"),
        (geo(&[21137], &[21176]), INVALID, "outside of everything that is targeted"),
        (geo(&[21137], &[2250]), INVALID, "outside of everything that is targeted"),
        (geo(&[2840], &[9_031_903]), INVALID, "is a postal code, which can't be excluded"),
        (
            json!({ "targeting": { "inventoryTargeting": {
                "targetedAdUnits": [{ "adUnit": "networks/21700001/adUnits/6001" }],
                "excludedAdUnits": [{ "adUnit": "networks/21700001/adUnits/6001" }],
            } } }),
            INVALID,
            "both targeted and excluded",
        ),
        (
            targeting("technologyTargeting", json!({ "deviceCategoryTargeting": { "targetedCategories": ["tv"] } })),
            INVALID,
            "deviceCategories",
        ),
        (targeting("customTargeting", literal(1, 7101)), INVALID, "customTargetingKeys"),
        (targeting("customTargeting", literal(7001, 1)), INVALID, "customTargetingValues"),
        (targeting("customTargeting", literal(7001, 7201)), INVALID, "is no value of"),
    ];
    each(&app, "/lineItems", &line_item(&order, json!({})), &cases).await;
    let batch = json!({ "requests": [
        { "lineItem": line_item(&order, json!({})) }, { "lineItem": line_item(&order, json!({ "rate": null })) },
    ] });
    let (_, why) = app.refused(Method::POST, "/lineItems:batchCreate", &batch).await;
    assert!(why.starts_with("requests[1]: ") && why.contains("line_item.rate"), "{why}");
    assert_eq!(app.running.platform().count("lineItems"), 0);
    // A part of what is targeted may be excluded, and a market area crosses borders.
    for good in [geo(&[2840], &[21137]), geo(&[2840], &[200_501]), geo(&[21137], &[200_803]), geo(&[], &[2840])] {
        let mut body = line_item(&order, json!({}));
        merge(&mut body, good);
        app.post("/lineItems", &body).await;
    }
}

#[tokio::test]
async fn creatives_are_checked() {
    let app = GamApp::start().await;
    let kind = |kind: &str, details: Value| json!({ "imageRedirectCreative": null, kind: details });
    let cases = [
        (json!({ "displayName": null }), INVALID, "creative.display_name"),
        (json!({ "displayName": "x".repeat(256) }), INVALID, "display_name: at most 255"),
        (json!({ "advertiser": "networks/21700001/companies/1" }), INVALID, "advertiser"),
        (json!({ "size": null }), INVALID, "creative.size"),
        (json!({ "size": { "width": -1, "height": 250, "sizeType": "PIXEL" } }), INVALID, "size: width and height"),
        (json!({ "size": { "width": 0, "height": 250, "sizeType": "PIXEL" } }), INVALID, "size.width' is required"),
        (json!({ "imageRedirectCreative": null }), INVALID, "exactly one kind"),
        (json!({ "thirdPartyCreative": { "snippet": "x" } }), INVALID, "oneof field 'details' is already set"),
        (json!({ "imageRedirectCreative": {} }), INVALID, "creative.image_redirect_creative.image_url"),
        (json!({ "imageRedirectCreative": { "imageUrl": "ftp://x" } }), INVALID, "must be an http or https URL"),
        (kind("thirdPartyCreative", json!({})), INVALID, "third_party_creative.snippet"),
        (kind("vastRedirectCreative", json!({ "vastXmlUrl": "https://a" })), INVALID, "vast_redirect_type"),
        (kind("imageCreative", json!({ "primaryImageAsset": { "fileName": "a" } })), INVALID, "assetByteArray"),
        (kind("imageCreative", json!({ "primaryImageAsset": { "assetByteArray": "?" } })), INVALID, "base64"),
    ];
    each(&app, "/creatives", &creative(json!({})), &cases).await;
    assert_eq!(app.running.platform().count("creatives"), 0);
}

#[tokio::test]
async fn associations_are_checked() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    let path = format!("{}/creatives", below(&item));
    let made = app.creative(&item).await;
    let large = json!({ "size": { "width": 728, "height": 90, "sizeType": "PIXEL" } });
    let large = name(&app.post("/creatives", &creative(large)).await);
    let foreign = json!({ "advertiser": "networks/21700001/companies/4002" });
    let foreign = name(&app.post("/creatives", &creative(foreign)).await);
    let fits = name(&app.post("/creatives", &creative(json!({}))).await);
    let size = json!([{ "width": 1, "height": 1, "sizeType": "PIXEL" }]);
    let cases = [
        (json!({ "creative": null }), INVALID, "creative' is required"),
        (json!({ "creative": "networks/21700001/creatives/1" }), INVALID, "create it first"),
        (json!({ "creative": made }), "409 ALREADY_EXISTS", "exists already"),
        (json!({ "creative": large }), INVALID, "728x90 is not among"),
        (json!({ "creative": foreign }), INVALID, "another advertiser"),
        (json!({ "sizes": size }), INVALID, "1x1 is not among"),
        (json!({ "lineItem": "networks/21700001/lineItems/1" }), INVALID, "line_item: must be the line item"),
        (json!({ "lineItem": null }), INVALID, "line_item' is required"),
        (json!({ "startTime": "2030-01-02T00:00:00Z", "endTime": "2030-01-01T00:00:00Z" }), INVALID, "end_time"),
    ];
    each(&app, &path, &json!({ "lineItem": item, "creative": fits }), &cases).await;
    let twice = json!({ "lineItemCreativeAssociation": { "lineItem": item, "creative": fits } });
    let batch = json!({ "requests": [twice, twice] });
    assert!(app.refused(Method::POST, &format!("{path}:batchCreate"), &batch).await.0.starts_with("409"));
    assert_eq!(app.running.platform().count("associations"), 1);
    // The size may be overridden by one of the placeholders'.
    let ok =
        json!({ "lineItem": item, "creative": large, "sizes": [{ "width": 300, "height": 250, "sizeType": "PIXEL" }] });
    app.post(&path, &ok).await;
}

#[tokio::test]
async fn updates_are_checked() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let other = app.order(json!({ "displayName": "Other" })).await;
    let item = app.line_item(&order, json!({})).await;
    let patch = async |mask: &str, body: Value| {
        app.refused(Method::PATCH, &format!("{}?updateMask={mask}", below(&item)), &body).await
    };
    for (mask, body, said) in [
        ("order", json!({ "order": other }), "order: can't be changed"),
        ("status", json!({}), "written by Google alone"),
        ("mood", json!({}), "mood is no field of LineItem"),
        ("frequencyCaps.timeUnit", json!({}), "no message"),
        ("displayName", json!({}), "line_item.display_name"),
        ("startTime", json!({ "startTime": "2029-01-01T00:00:00Z" }), "must be in the future"),
        ("targetEndTime", json!({ "targetEndTime": "2029-12-15T00:00:00Z" }), "must be after startTime"),
    ] {
        let (line, why) = patch(mask, body).await;
        assert!(line.starts_with(INVALID) && why.contains(said), "{mask}: {line} {why}");
    }
    let rename = |name: &str, to: &str| json!({ "requests": [{ "order": { "name": name, "displayName": to }, "updateMask": "displayName" }] });
    let (line, _) = app.refused(Method::POST, "/orders:batchUpdate", &rename(&order, "Other")).await;
    assert_eq!(line, "400 INVALID_ARGUMENT NOT_UNIQUE");
    let missing = rename("networks/21700001/orders/1", "x");
    assert_eq!(app.refused(Method::POST, "/orders:batchUpdate", &missing).await.0, "404 NOT_FOUND NOT_FOUND");
    app.act("orders:batchSubmitForApproval", &order).await;
    let (line, why) = app.refused(Method::POST, "/orders:batchUpdate", &rename(&order, "x")).await;
    assert_eq!(line, "400 FAILED_PRECONDITION UPDATE_PENDING_APPROVAL_ORDER_NOT_ALLOWED");
    assert!(why.contains("retract it first"), "{why}");
    app.act("orders:batchApprove", &order).await;
    app.creative(&item).await;
    app.clock("2030-01-02T00:00:00Z");
    let (_, why) = patch("startTime", json!({ "startTime": "2030-01-05T00:00:00Z" })).await;
    assert!(why.contains("can't change once it has begun"), "{why}");
}
