//! Rules of Ad Manager that concern several fields: what breaks one is refused, and what keeps it is
//! taken. `gam_states` has those that concern states.

use flightdeck_emulators::gam::settings::GamChange;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::merge,
    gam_app::{self, GamApp, below, creative, name},
};

/// Changes what the changes name, at any depth; a change to null takes the field out.
fn deep(body: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        *body = changes;
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            body.as_object_mut().unwrap().remove(&name);
        } else if body[&name].is_object() {
            deep(&mut body[&name], change);
        } else {
            body[&name] = change;
        }
    }
}

/// A display line item, with changes at any depth.
pub(crate) fn line_item(order: &str, changes: Value) -> Value {
    let mut body = gam_app::line_item(order, json!({}));
    deep(&mut body, changes);
    body
}

/// A video line item, with changes at any depth.
pub(crate) fn video(order: &str, changes: Value) -> Value {
    let mut body = gam_app::line_item(
        order,
        json!({
            "environmentType": "VIDEO_PLAYER", "maxVideoCreativeDuration": "30s",
            "creativePlaceholders": [{ "size": { "width": 640, "height": 480, "sizeType": "PIXEL" } }],
            "targeting": {
                "inventoryTargeting": { "targetedAdUnits": [{ "adUnit": "networks/21700001/adUnits/6005" }] },
                "requestPlatformTargeting": { "requestPlatforms": ["VIDEO_PLAYER"] },
            },
        }),
    );
    deep(&mut body, changes);
    body
}

pub(crate) async fn refused(app: &GamApp, path: &str, body: &Value, said: &str) {
    let (line, why) = app.refused(Method::POST, path, body).await;
    assert!(why.contains(said), "{body}: {line}: {why} does not say {said}");
}

pub(crate) fn turn(app: &GamApp, change: GamChange) {
    app.running.platform().change(change);
}

#[tokio::test]
async fn video_says_how_long_and_where_it_plays() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    app.post("/lineItems", &video(&order, json!({}))).await;
    for (changes, said) in [
        (json!({ "maxVideoCreativeDuration": null }), "max_video_creative_duration"),
        (json!({ "maxVideoCreativeDuration": "0s" }), "max_video_creative_duration"),
        (json!({ "targeting": { "requestPlatformTargeting": null } }), "request_platforms"),
        (json!({ "targeting": { "requestPlatformTargeting": { "requestPlatforms": [] } } }), "request_platforms"),
        (
            json!({ "targeting": { "inventoryTargeting": { "targetedAdUnits": [{ "adUnit": "networks/21700001/adUnits/6001" }] } } }),
            "has no size of the environment VIDEO_PLAYER",
        ),
    ] {
        refused(&app, "/lineItems", &video(&order, changes), said).await;
    }
    for (changes, said) in [
        (
            json!({ "targeting": { "requestPlatformTargeting": { "requestPlatforms": ["BROWSER"] } } }),
            "is read-only for display",
        ),
        (
            json!({ "targeting": { "videoPositionTargeting": { "videoPositions": [{ "positionType": "PREROLL" }] } } }),
            "is for line items of the environment VIDEO_PLAYER",
        ),
        (json!({ "skippableAdType": "ENABLED" }), "video line items only"),
        (
            json!({ "creativePlaceholders": [{
                "size": { "width": 1, "height": 1, "sizeType": "PIXEL" },
                "companions": [{ "size": { "width": 1, "height": 1, "sizeType": "PIXEL" } }],
            }] }),
            "companions: needs",
        ),
    ] {
        refused(&app, "/lineItems", &line_item(&order, changes), said).await;
    }
}

#[tokio::test]
async fn a_video_is_not_longer_than_its_line_item_allows() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = name(&app.post("/lineItems", &video(&order, json!({}))).await);
    for (seconds, fits) in [("30.001s", false), ("30s", true)] {
        let made = app
            .post(
                "/creatives",
                &creative(json!({
                    "size": { "width": 640, "height": 480, "sizeType": "PIXEL" }, "imageRedirectCreative": null,
                    "vastRedirectCreative": {
                        "vastXmlUrl": "https://v.example/a.xml", "vastRedirectType": "LINEAR", "duration": seconds,
                        "destinationUrlType": "NONE",
                    },
                })),
            )
            .await;
        let path = format!("{}/creatives", below(&item));
        let body = json!({ "lineItem": item, "creative": name(&made) });
        if fits {
            app.post(&path, &body).await;
        } else {
            refused(&app, &path, &body, "maxVideoCreativeDuration").await;
        }
    }
}

#[tokio::test]
async fn a_creative_has_a_click_address_or_says_that_it_has_none() {
    let app = GamApp::start().await;
    let vast = json!({ "vastXmlUrl": "https://v.example/a.xml", "vastRedirectType": "LINEAR", "duration": "15s" });
    for (kind, details) in [
        ("imageRedirectCreative", json!({ "imageUrl": "https://cdn.example/a.png" })),
        ("vastRedirectCreative", vast),
        ("thirdPartyCreative", json!({ "snippet": "<b></b>" })),
        ("templateCreative", json!({})),
        ("customCreative", json!({ "htmlSnippet": "<b></b>" })),
        ("imageCreative", json!({ "primaryImageAsset": { "fileName": "a.png", "assetByteArray": "AAAA" } })),
    ] {
        let of = |more: Value| {
            let mut body = creative(json!({ "imageRedirectCreative": null }));
            body[kind] = details.clone();
            merge(&mut body[kind], more);
            body
        };
        refused(&app, "/creatives", &of(json!({})), "destination_url' is required").await;
        refused(&app, "/creatives", &of(json!({ "destinationUrlType": "CLICK_TO_WEB" })), "is required").await;
        let long = format!("https://acme.example/{}", "x".repeat(1010));
        refused(&app, "/creatives", &of(json!({ "destinationUrl": long })), "1024").await;
        app.post("/creatives", &of(json!({ "destinationUrlType": "NONE" }))).await;
        app.post("/creatives", &of(json!({ "destinationUrl": "https://acme.example/" }))).await;
    }
    for kind in ["videoRedirectCreative", "audioRedirectCreative"] {
        let of = |vast: Value| creative(json!({ "imageRedirectCreative": null, kind: { "vastInfo": vast } }));
        refused(&app, "/creatives", &of(json!({ "duration": "15s" })), "vast_info.destination_url").await;
        app.post("/creatives", &of(json!({ "duration": "15s", "destinationUrlType": "NONE" }))).await;
    }
}

#[tokio::test]
async fn caps_are_those_of_the_help_page() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let cap =
        |most: i64, amount: i64, unit: &str| json!({ "maxImpressions": most, "timeAmount": amount, "timeUnit": unit });
    for (most, amount, unit) in [
        (1, 121, "MINUTE"),
        (1, 150, "MINUTE"),
        (1, 49, "HOUR"),
        (1, 15, "DAY"),
        (1, 30, "DAY"),
        (1, 27, "WEEK"),
        (1, 7, "MONTH"),
        (1, 0, "DAY"),
        (512, 1, "DAY"),
        (0, 1, "DAY"),
        (1, 1, "POD"),
        (1, 1, "STREAM"),
    ] {
        let body = line_item(&order, json!({ "frequencyCaps": [cap(most, amount, unit)] }));
        refused(&app, "/lineItems", &body, "frequency_caps").await;
    }
    let all = [("MINUTE", 120), ("HOUR", 48), ("DAY", 14), ("WEEK", 26), ("MONTH", 6)];
    let all: Vec<Value> = all.into_iter().map(|(unit, amount)| cap(511, amount, unit)).collect();
    app.post("/lineItems", &line_item(&order, json!({ "frequencyCaps": all }))).await;
    app.post(
        "/lineItems",
        &line_item(&order, json!({ "frequencyCaps": [{ "maxImpressions": 3, "timeUnit": "LIFETIME" }] })),
    )
    .await;
    app.post("/lineItems", &video(&order, json!({ "frequencyCaps": [{ "maxImpressions": 1, "timeUnit": "POD" }] })))
        .await;
}

#[tokio::test]
async fn goals_prices_and_priorities_belong_to_types() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let share = |kind: &str, cost: &str| {
        json!({
            "lineItemType": kind, "costType": cost, "goal": { "goalType": "DAILY", "unitType": "IMPRESSIONS", "units": 50 },
        })
    };
    for (changes, said) in [
        (json!({ "costType": "CPD" }), "CPD is not for a line item of type STANDARD"),
        (json!({ "costType": "CPA" }), "CPA is not"),
        (json!({ "costType": "VCPM", "lineItemType": "BULK" }), "VCPM is not"),
        (json!({ "costType": "CPCV", "lineItemType": "PRICE_PRIORITY" }), "CPCV is not"),
        (json!({ "lineItemType": "NETWORK" }), "percentage of 1 to 100"),
        (json!({ "goal": { "goalType": "NONE" } }), "can't have goalType NONE"),
        (json!({ "lineItemType": "BULK", "goal": { "goalType": "DAILY" } }), "can't have goalType DAILY"),
        (
            json!({ "lineItemType": "BULK", "goal": { "unitType": "VIEWABLE_IMPRESSIONS" } }),
            "VIEWABLE_IMPRESSIONS is not",
        ),
        (json!({ "goal": { "unitType": "COMPLETED_VIEWS" } }), "are for video"),
        (json!({ "priority": 11 }), "between 6 and 10"),
        (json!({ "endTimeUnlimited": true, "targetEndTime": null }), "needs an end"),
        (json!({ "rate": { "currencyCode": "USD", "units": 0, "nanos": 0 } }), "must be above 0"),
        (share("SPONSORSHIP", "CPM"), "secondary_goals"),
        (share("HOUSE", "CPD"), "CPD is not"),
        (
            json!({ "secondaryGoals": [{ "goalType": "LIFETIME", "unitType": "IMPRESSIONS", "units": 5 }] }),
            "secondary_goals",
        ),
        (json!({ "autoExtensionDays": 3 }), "Ad Manager 360"),
        (json!({ "autoExtensionDays": 8 }), "at most 7"),
        (json!({ "autoExtensionDays": -1 }), "must not be negative"),
    ] {
        refused(&app, "/lineItems", &line_item(&order, changes), said).await;
    }
    let mut sponsored = share("SPONSORSHIP", "CPM");
    sponsored["secondaryGoals"] = json!([{ "goalType": "LIFETIME", "unitType": "IMPRESSIONS", "units": 5000 }]);
    let mut house = share("HOUSE", "CPM");
    house["rate"] = json!({ "currencyCode": "USD", "units": 0, "nanos": 0 });
    let viewable = json!({ "costType": "VCPM", "goal": { "unitType": "VIEWABLE_IMPRESSIONS" } });
    for good in [sponsored, house, share("SPONSORSHIP", "CPD"), share("NETWORK", "CPC"), viewable] {
        app.post("/lineItems", &line_item(&order, good)).await;
    }
    let watched = json!({ "costType": "CPCV", "goal": { "unitType": "COMPLETED_VIEWS" } });
    app.post("/lineItems", &video(&order, watched)).await;
    turn(&app, GamChange { ad_manager_360: Some(true), ..GamChange::default() });
    app.post("/lineItems", &line_item(&order, json!({ "autoExtensionDays": 7 }))).await;
}

#[tokio::test]
async fn there_are_most_of_everything() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    for _ in 0..5 {
        let some: Vec<Value> = (0..90).map(|_| json!({ "lineItem": line_item(&order, json!({})) })).collect();
        app.post("/lineItems:batchCreate", &json!({ "requests": some })).await;
    }
    refused(&app, "/lineItems", &line_item(&order, json!({})), "451 line items").await;
    let other = app.order(json!({ "displayName": "Other" })).await;
    let values = vec!["networks/21700001/customTargetingValues/7101"; 800];
    let many = json!({ "targeting": { "customTargeting": { "customTargetingClauses": [{ "customTargetingLiterals": [{
        "customTargetingKey": "networks/21700001/customTargetingKeys/7001", "customTargetingValues": values,
    }] }] } } });
    refused(&app, "/lineItems", &line_item(&other, many), "801 targeting criteria").await;
    let label = json!({ "label": "networks/21700001/labels/1" });
    refused(&app, "/lineItems", &line_item(&other, json!({ "appliedLabels": vec![label; 52] })), "52 labels").await;
    let item = app.line_item(&other, json!({})).await;
    let made = async |count: usize| {
        let some: Vec<Value> = (0..count).map(|_| json!({ "creative": creative(json!({})) })).collect();
        let made = app.post("/creatives:batchCreate", &json!({ "requests": some })).await;
        made["creatives"].as_array().unwrap().iter().map(name).collect::<Vec<String>>()
    };
    let path = format!("{}/creatives", below(&item));
    for count in [100, 100, 60] {
        let ties = made(count).await.into_iter();
        let ties: Vec<Value> = ties
            .map(|creative| json!({ "lineItemCreativeAssociation": { "lineItem": item, "creative": creative } }))
            .collect();
        app.post(&format!("{path}:batchCreate"), &json!({ "requests": ties })).await;
    }
    refused(&app, &path, &json!({ "lineItem": item, "creative": made(1).await[0] }), "261 creatives").await;
}

#[tokio::test]
async fn associations_have_times_and_addresses_of_their_own_on_360_alone() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    let made = name(&app.post("/creatives", &creative(json!({}))).await);
    let path = format!("{}/creatives", below(&item));
    for own in [
        json!({ "startTime": "2030-01-02T00:00:00Z" }),
        json!({ "endTime": "2030-01-09T00:00:00Z" }),
        json!({ "destinationUrl": "https://b.example" }),
    ] {
        let mut body = json!({ "lineItem": item, "creative": made });
        merge(&mut body, own);
        refused(&app, &path, &body, "Ad Manager 360").await;
    }
    turn(&app, GamChange { ad_manager_360: Some(true), ..GamChange::default() });
    app.post(&path, &json!({ "lineItem": item, "creative": made, "destinationUrl": "https://b.example" })).await;
}

#[tokio::test]
async fn ad_units_are_excluded_below_what_is_targeted() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let units = |targeted: &[i64], excluded: &[i64]| {
        let list = |ids: &[i64]| {
            ids.iter().map(|id| json!({ "adUnit": format!("networks/21700001/adUnits/{id}") })).collect::<Vec<Value>>()
        };
        line_item(
            &order,
            json!({ "targeting": { "inventoryTargeting": {
            "targetedAdUnits": list(targeted), "excludedAdUnits": list(excluded),
        } } }),
        )
    };
    refused(&app, "/lineItems", &units(&[6004], &[6002]), "none of the ad units above it is targeted").await;
    refused(&app, "/lineItems", &units(&[6000, 6002], &[6001]), "is targeted below").await;
    app.post("/lineItems", &units(&[6001], &[6002])).await;
    app.post("/lineItems", &units(&[6000], &[6002])).await;
}
