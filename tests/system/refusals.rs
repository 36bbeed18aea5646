//! Bad input: a code, a field, and nothing stored.

use serde_json::{Value, json};

use crate::house::{BUYER, House, REVIEWER};

/// A good create, with one thing changed by a JSON merge.
fn create_with(change: Value) -> Value {
    let mut request = json!({ "packages": ["premium_sports", "news"], "total_budget": 10_000 });
    merge(&mut request, change);
    request
}

fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}

#[tokio::test]
async fn every_impossible_create_is_refused_by_field_and_stores_nothing() {
    let house = House::new().await;
    for (change, code, field) in [
        (json!({ "total_budgett": 1 }), "INVALID_PARAMETER", "/total_budgett"),
        (json!({ "total_budget": null }), "INVALID_PARAMETER", "/total_budget"),
        (json!({ "total_budget": "many" }), "INVALID_PARAMETER", "/total_budget"),
        (json!({ "total_budget": 0 }), "INVALID_PARAMETER", "/total_budget"),
        (json!({ "total_budget": -5 }), "INVALID_PARAMETER", "/total_budget"),
        (json!({ "total_budget": 1e300 }), "INVALID_PARAMETER", "/total_budget"),
        (json!({ "total_budget": 0.0000001 }), "INVALID_PARAMETER", "/total_budget"),
        (json!({ "total_budget": 0.001 }), "INVALID_PARAMETER", "/total_budget"),
        (json!({ "packages": [] }), "INVALID_PARAMETER", "/packages"),
        (json!({ "packages": ["nope"] }), "INVALID_PARAMETER", "/packages/0"),
        (json!({ "packages": ["news", "news"] }), "INVALID_PARAMETER", "/packages/1"),
        (json!({ "packages": [{ "package_id": "news", "budget": 0 }] }), "INVALID_PARAMETER", "/packages/0/budget"),
        (json!({ "packages": [{ "package_id": "news", "budgett": 1 }] }), "INVALID_PARAMETER", "/packages/0/budgett"),
        (
            json!({ "packages": [{ "package_id": "news", "impressions": 0 }] }),
            "INVALID_PARAMETER",
            "/packages/0/impressions",
        ),
        (
            json!({ "packages": [{ "package_id": "news", "impressions": 3_000_000_000i64 }] }),
            "INVALID_PARAMETER",
            "/packages/0/impressions",
        ),
        (
            json!({ "packages": [{ "package_id": "news", "impressions": 5, "budget": 5 }] }),
            "INVALID_PARAMETER",
            "/packages/0/impressions",
        ),
        (json!({ "packages": [{ "package_id": "news", "cpm": 0.5 }] }), "INVALID_PARAMETER", "/packages/0/cpm"),
        (json!({ "packages": [{ "package_id": "news", "budget": 20_000 }] }), "INVALID_PARAMETER", "/total_budget"),
        (json!({ "flight_start_date": "2020-01-01" }), "INVALID_PARAMETER", "/flight_start_date"),
        (json!({ "flight_start_date": "2026-02-30" }), "INVALID_PARAMETER", "/flight_start_date"),
        (json!({ "flight_end_date": "2020-01-01" }), "INVALID_PARAMETER", "/flight_end_date"),
        (json!({ "flight_end_date": "2999-01-01" }), "INVALID_PARAMETER", "/flight_end_date"),
        (json!({ "pacing": "sometimes" }), "INVALID_PARAMETER", "/pacing"),
        (json!({ "currency": "EUR" }), "INVALID_PARAMETER", "/currency"),
        (json!({ "currency": "dollars" }), "INVALID_PARAMETER", "/currency"),
        (json!({ "daily_budget": 20_000 }), "INVALID_PARAMETER", "/daily_budget"),
        (json!({ "po_number": "x".repeat(500) }), "INVALID_PARAMETER", "/po_number"),
        (
            json!({ "targeting_overlay": { "geo_any_of": ["US"] } }),
            "INVALID_PARAMETER",
            "/targeting_overlay/geo_any_of",
        ),
        (
            json!({ "targeting_overlay": { "geography": ["Mars"] } }),
            "INVALID_PARAMETER",
            "/targeting_overlay/geography/0",
        ),
        (
            json!({ "targeting_overlay": { "device_types": ["ctv"] } }),
            "UNSUPPORTED_TARGETING",
            "/targeting_overlay/device_types",
        ),
        (
            json!({ "targeting_overlay": { "audience_segment_any_of": ["s1"] } }),
            "UNSUPPORTED_TARGETING",
            "/targeting_overlay/audience_segment_any_of",
        ),
        (
            json!({ "targeting_overlay": { "content_rating_none_of": ["R"] } }),
            "UNSUPPORTED_TARGETING",
            "/targeting_overlay/content_rating_none_of",
        ),
        (
            json!({ "targeting_overlay": { "frequency_cap": { "suppress_minutes": 0, "scope": "package" } } }),
            "INVALID_PARAMETER",
            "/targeting_overlay/frequency_cap/suppress_minutes",
        ),
        (
            json!({ "targeting_overlay": { "dayparting": { "timezone": "UTC", "schedules": [
                { "days": ["monday"], "start_hour": 12, "end_hour": 9 }] } } }),
            "INVALID_PARAMETER",
            "/targeting_overlay/dayparting/schedules/0/end_hour",
        ),
    ] {
        let answer = house.post(BUYER, "/v1/media-buys", create_with(change.clone())).await;
        assert_eq!(answer.status.as_u16(), 400, "{change}: {:#}", answer.body);
        let (found_code, found_field) = answer.error();
        assert_eq!(found_code, code, "{change}: {:#}", answer.body);
        let found_field = found_field.unwrap_or_default();
        assert!(found_field.starts_with(field), "{change}: {found_field}, not {field}: {:#}", answer.body);
        assert!(answer.body["error"]["message"].as_str().is_some_and(|words| !words.is_empty()));
    }
    assert_eq!(house.get(BUYER, "/v1/media-buys").await.body["media_buys"], json!([]));
    assert_eq!(house.get(REVIEWER, "/v1/tasks").await.body["total_count"], 0);
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
}

#[tokio::test]
async fn every_unsupported_item_is_named_at_once() {
    let house = House::new().await;
    let change = json!({ "targeting_overlay": {
        "device_types": ["ctv", "mobile"], "audience_segment_any_of": ["s1"], "content_genre_any_of": ["news"],
    }});
    let answer = house.post(BUYER, "/v1/media-buys", create_with(change)).await.expect(400);
    let items = answer.body["error"]["details"]["items"].as_array().expect("items").clone();
    let fields: Vec<&str> = items.iter().filter_map(|item| item["field"].as_str()).collect();
    for wanted in ["device_types", "audience_segment_any_of", "content_genre_any_of"] {
        assert!(fields.iter().any(|field| field.contains(wanted)), "{wanted} in {fields:?}");
    }
    let ctv = items.iter().find(|item| item["value"] == "ctv").expect("ctv is named");
    assert!(ctv["supported"].to_string().contains("mobile"), "{ctv:#}");
}

#[tokio::test]
async fn an_impossible_change_or_creative_is_refused_and_changes_nothing() {
    let house = House::new().await;
    let buy = house.created(json!(["premium_sports", "news"])).await;
    let before = house.get(BUYER, "/v1/media-buys").await.body;
    let creative = |change: Value| {
        let mut asset = json!({
            "creative_id": "c", "name": "c", "format": "image", "media_url": "https://cdn.example.com/c.jpg",
            "click_url": "https://example.com/", "width": 300, "height": 250, "package_assignments": ["news"],
        });
        merge(&mut asset, change);
        json!({ "assets": [asset] })
    };
    for (route, body, code, field) in [
        ("", json!({}), "INVALID_PARAMETER", ""),
        ("", json!({ "flight_end_date": "2020-01-01" }), "INVALID_PARAMETER", "/flight_end_date"),
        ("", json!({ "total_budget": 0 }), "INVALID_PARAMETER", "/total_budget"),
        ("", json!({ "actve": false }), "INVALID_PARAMETER", "/actve"),
        (
            "/packages",
            json!({ "packages": [{ "package_id": "x", "active": true }] }),
            "INVALID_PARAMETER",
            "/packages/0",
        ),
        (
            "/packages",
            json!({ "packages": [{ "package_id": "news", "creative_ids": ["none"] }] }),
            "INVALID_PARAMETER",
            "/packages/0/creative_ids/0",
        ),
        ("/creative-assets", creative(json!({ "format": "audio" })), "UNSUPPORTED_FORMAT", "/assets/0/format"),
        ("/creative-assets", creative(json!({ "format": "smell" })), "INVALID_PARAMETER", "/assets/0/format"),
        ("/creative-assets", creative(json!({ "media_url": "ftp://x" })), "INVALID_PARAMETER", "/assets/0/media_url"),
        (
            "/creative-assets",
            creative(json!({ "package_assignments": ["entertainment"] })),
            "INVALID_PARAMETER",
            "/assets/0/package_assignments/0",
        ),
    ] {
        let path = format!("/v1/media-buys/{buy}{route}");
        let answer = if route == "/creative-assets" {
            house.post(BUYER, &path, body.clone()).await
        } else {
            house.patch(BUYER, &path, body.clone()).await
        };
        assert_eq!(answer.status.as_u16(), 400, "{body}: {:#}", answer.body);
        let (found, at) = answer.error();
        assert_eq!(found, code, "{body}: {:#}", answer.body);
        assert!(at.unwrap_or_default().starts_with(field), "{body}: {:#}", answer.body);
    }
    assert_eq!(before["media_buys"][0]["media_buy_id"], buy);
    assert_eq!(before, house.get(BUYER, "/v1/media-buys").await.body, "to the last field");
    let after = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.body;
    assert_eq!(after["pending_operations"], json!([]));
    assert_eq!(house.kevel.platform().count("creatives"), 0);
}

#[tokio::test]
async fn who_has_no_token_is_asked_for_one() {
    let house = House::new().await;
    for token in ["", "nonsense"] {
        let answer = house.get(token, "/v1/media-buys").await.expect(401);
        assert_eq!(answer.error().0, "AUTHENTICATION_REQUIRED");
        assert!(answer.headers.contains_key("www-authenticate"));
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let old = house
        .client
        .get(format!("{}/v1/media-buys", house.url()))
        .header("x-adcp-auth", BUYER)
        .send()
        .await
        .expect("an answer");
    assert_eq!(old.status().as_u16(), 200, "early orchestrators send it so");
}
