//! Every place of every request, filled with what does not belong there: each is refused with a pointer to that place.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use flightdeck::{
    app::error::{AppError, ErrorCode},
    web::{
        json::{Arguments, read, read_and},
        v1::{
            fields, targeting,
            tools::{
                add_creative_assets::AddCreativeAssets, create_media_buy::CreateMediaBuy,
                update_media_buy::UpdateMediaBuy, update_media_buy_performance_index::UpdatePerformanceIndex,
                update_package::UpdatePackage,
            },
        },
    },
};
use serde_json::{Value, json};

#[path = "wire/as_sent.rs"]
mod as_sent;

type Take = fn(Arguments) -> Result<(), AppError>;

fn overlay() -> Value {
    json!({
        "geography": ["US-CA", "CA"], "device_types": ["mobile"], "os_none_of": ["ios"], "language_any_of": ["en"],
        "dayparting": {
            "timezone": "America/New_York", "presets": ["morning"],
            "schedules": [{ "days": ["monday", "friday"], "start_hour": 6, "end_hour": 24 }],
        },
        "frequency_cap": { "suppress_minutes": 30, "scope": "package" },
        "custom": { "acme": { "zone": 1 } },
    })
}

/// Packages of every other price than a CPM.
fn sold_otherwise() -> [Value; 3] {
    [
        json!({ "package_id": "clicks", "clicks": 50, "cpc": 0.8, "daily_clicks": 5 }),
        json!({ "package_id": "views", "video_completions": 50, "cpcv": 0.05, "daily_video_completions": 5 }),
        json!({ "package_id": "whole", "flat_price": 5_000 }),
    ]
}

/// Requests with everything in them that they can carry, and what reads them.
fn requests() -> Vec<(&'static str, Value, Take)> {
    let package = json!({
        "package_id": "news", "budget": 10.5, "cpm": 2, "pacing": "even", "daily_budget": 5, "daily_impressions": 10,
        "targeting_overlay": overlay(),
    });
    let mut changed = package.clone();
    changed["active"] = json!(false);
    changed["creative_ids"] = json!(["b"]);
    let [clicks, views, whole] = sold_otherwise();
    let asset = json!({
        "creative_id": "b", "name": "B", "format": "custom", "media_url": "https://cdn.example.com/b.jpg",
        "click_url": "https://example.com/", "width": 300, "height": 250, "duration": 30, "template_id": "7",
        "template_values": { "headline": "x" }, "package_assignments": ["news"],
    });
    vec![
        (
            "create_media_buy",
            json!({
                "packages": [package, "sports", clicks, views, whole], "total_budget": 100, "po_number": "7", "targeting_overlay": overlay(),
                "flight_start_date": "2030-01-01", "flight_end_date": "2030-01-31T10:00:00Z", "pacing": "asap",
                "daily_budget": 10, "currency": "USD", "idempotency_key": "k", "dry_run": true,
            }),
            |value| read_and::<CreateMediaBuy>(value, targeting::impossible)?.into_new().map(drop),
        ),
        (
            "update_media_buy",
            json!({
                "media_buy_id": "acme_1", "active": true, "total_budget": 7, "flight_end_date": "2030-01-01",
                "targeting_overlay": overlay(), "pacing": "even", "daily_budget": 3, "packages": [changed, clicks, views, whole],
                "idempotency_key": "k", "dry_run": false,
            }),
            |value| read_and::<UpdateMediaBuy>(value, targeting::impossible)?.into_change().map(drop),
        ),
        ("update_package", json!({ "media_buy_id": "acme_1", "packages": [changed] }), |value| {
            read_and::<UpdatePackage>(value, targeting::impossible)?.into_change().map(drop)
        }),
        ("add_creative_assets", json!({ "media_buy_id": "acme_1", "assets": [asset] }), |value| {
            read_and::<AddCreativeAssets>(value, AddCreativeAssets::lacking)?.into_new().map(drop)
        }),
        (
            "update_media_buy_performance_index",
            json!({
                "media_buy_id": "acme_1",
                "performance_data": [{
                    "package_id": "news", "performance_index": 1.2, "confidence_score": 0.5, "feedback": "good",
                }],
            }),
            |value| read::<UpdatePerformanceIndex>(value)?.into_new().map(drop),
        ),
    ]
}

/// The pointers of all values below a value, but for what is a platform's own.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    if at.contains("/custom/acme/") || at.contains("/template_values/") {
        return;
    }
    if !at.is_empty() {
        found.push(at.to_owned());
    }
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, &format!("{at}/{name}"), found));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, element)| places(element, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

#[track_caller]
fn assert_refused(tool: &str, place: &str, wrong: &Value, taken: Result<(), AppError>) {
    let error = taken.expect_err(&format!("{tool} takes {wrong} at {place}"));
    assert_eq!(error.code, ErrorCode::InvalidParameter, "{tool} {place} = {wrong}: {error:?}");
    let field = error.field.as_ref().map(fields::pointer).unwrap_or_default();
    assert!(field.starts_with(place), "{tool} {place} = {wrong}: {error:?}");
    assert!(!error.message.is_empty());
    for inside in ["struct", "i64", "u32", "Option", "::", "visitor", "enum"] {
        assert!(!error.message.contains(inside), "{tool} {place} = {wrong} is told in Rust: {}", error.message);
    }
}

#[test]
fn the_requests_are_taken_as_they_stand() {
    for (tool, request, take) in requests() {
        take(request.into()).unwrap_or_else(|error| panic!("{tool}: {error:?}"));
    }
}

#[test]
fn a_value_of_another_type_is_refused_where_it_stands() {
    for (tool, request, take) in requests() {
        let mut all = Vec::new();
        places(&request, "", &mut all);
        for place in all {
            let right = request.pointer(&place).unwrap().clone();
            for wrong in
                [json!({ "x": 1 }), json!([[]]), json!(true), json!("\u{7}"), json!(""), json!(-1), json!(1e300)]
            {
                let same_type = std::mem::discriminant(&right) == std::mem::discriminant(&wrong);
                // A boolean is right wherever another one is; an object of any names is an object of a platform's own.
                if (same_type && wrong.is_boolean()) || (place.ends_with("/custom") && wrong.is_object()) {
                    continue;
                }
                if (place.ends_with("/acme") || place.ends_with("/template_values")) && wrong.is_object() {
                    continue;
                }
                let mut changed = request.clone();
                *changed.pointer_mut(&place).unwrap() = wrong.clone();
                assert_refused(tool, &place, &wrong, take(changed.into()));
            }
        }
    }
}

/// Every text that a person reads, and what nobody could see in it.
#[test]
fn what_cannot_be_seen_in_a_text_is_refused_by_its_name() {
    let shown = [
        (
            "create_media_buy",
            vec!["/po_number", "/packages/0/package_id", "/packages/1", "/targeting_overlay/os_none_of/0"],
        ),
        ("create_media_buy", vec!["/targeting_overlay/dayparting/presets/0"]),
        ("update_media_buy", vec!["/media_buy_id", "/packages/0/package_id"]),
        ("add_creative_assets", vec!["/assets/0/name", "/assets/0/template_id", "/assets/0/package_assignments/0"]),
        ("update_media_buy_performance_index", vec!["/performance_data/0/feedback", "/performance_data/0/package_id"]),
    ];
    for (tool, places) in shown {
        let (_, request, take) = requests().into_iter().find(|(name, ..)| *name == tool).unwrap();
        for place in places {
            let with = |text: &str| {
                let mut changed = request.clone();
                *changed.pointer_mut(place).unwrap() = json!(text);
                (json!(text), take(changed.into()))
            };
            for (text, named) in [
                ("PO\u{202e}7", "character 3 is U+202E RIGHT-TO-LEFT OVERRIDE"),
                ("PO\u{200b}", "character 3 is U+200B ZERO WIDTH SPACE"),
                ("\u{2066}PO\u{2069}", "character 1 is U+2066 LEFT-TO-RIGHT ISOLATE"),
                ("\u{e0041}", "character 1 is U+E0041 TAG LATIN CAPITAL LETTER A"),
                ("\u{3164}", "character 1 is U+3164 HANGUL FILLER"),
                ("\u{2800}", "nothing of it can be seen"),
            ] {
                let (value, taken) = with(text);
                let said = taken.as_ref().err().map(|error| error.message.clone()).unwrap_or_default();
                assert_refused(tool, place, &value, taken);
                assert!(said.contains(named), "{tool} {place}: {said}");
            }
            for text in
                ["\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", "\u{645}\u{6cc}\u{200c}\u{62e}", "\u{6771}\u{4eac}"]
            {
                let (value, taken) = with(text);
                assert!(taken.is_ok(), "{tool} {place} = {value}: {taken:?}");
            }
        }
    }
}

#[test]
fn a_field_that_nobody_knows_is_refused_and_the_nearest_is_named() {
    for (tool, request, take) in requests() {
        let mut all = vec![String::new()];
        places(&request, "", &mut all);
        for place in all {
            let own = place.ends_with("/custom") || place.ends_with("/acme") || place.ends_with("/template_values");
            if own || !request.pointer(&place).unwrap().is_object() {
                continue;
            }
            let mut changed = request.clone();
            changed.pointer_mut(&place).unwrap()["surprise"] = json!(1);
            assert_refused(tool, &format!("{place}/surprise"), &json!(1), take(changed.into()));
        }
    }
    let slip = read::<CreateMediaBuy>(json!({ "packages": ["news"], "total_budgett": 1 })).unwrap_err();
    assert_eq!(slip.suggestion.as_deref(), Some("did you mean total_budget?"));
}

#[test]
fn a_required_field_that_is_missing_is_named() {
    for (tool, request, take) in requests() {
        for name in ["packages", "total_budget", "media_buy_id", "assets", "performance_data"] {
            let optional = tool == "update_media_buy" && matches!(name, "packages" | "total_budget");
            if optional || request.get(name).is_none() {
                continue;
            }
            let mut changed = request.clone();
            changed.as_object_mut().unwrap().remove(name);
            assert_refused(tool, &format!("/{name}"), &Value::Null, take(changed.into()));
        }
    }
}

#[test]
fn a_package_has_one_price_one_goal_and_one_daily_cap() {
    for (tool, request, take) in requests().into_iter().take(2) {
        for (package, field, value, told) in [
            (0, "cpc", json!(1), "can't be given together with cpm: a package has one price"),
            (0, "flat_price", json!(1), "can't be given together with cpm: a package has one price"),
            (0, "daily_clicks", json!(1), "can't be given together with daily_impressions"),
        ] {
            let mut changed = request.clone();
            changed["packages"][package][field] = value.clone();
            let place = format!("/packages/{package}/{field}");
            let error = take(changed.clone().into()).unwrap_err();
            assert!(error.message.contains(told), "{}", error.message);
            assert_refused(tool, &place, &value, take(changed.into()));
        }
        let last = request["packages"].as_array().unwrap().len() - 3;
        let mut changed = request.clone();
        changed["packages"][last]["impressions"] = json!(1);
        let error = take(changed.into()).unwrap_err();
        assert!(
            error.message.contains("can't be given together with impressions: a package has one goal"),
            "{error:?}"
        );
    }
}

#[test]
fn amounts_counts_and_dates_that_can_not_be_are_refused() {
    let wrong = [
        ("/total_budget", vec![json!(0), json!(-0.5), json!(0.000_000_1), json!(9e12), json!("12")]),
        ("/packages/0/cpm", vec![json!(0), json!(-1), json!(1e13)]),
        ("/packages/2/clicks", vec![json!(0), json!(1.5), json!("50")]),
        ("/packages/2/cpc", vec![json!(0), json!(-1)]),
        ("/packages/3/daily_video_completions", vec![json!(0), json!(-3)]),
        ("/packages/4/flat_price", vec![json!(0), json!("much")]),
        ("/packages/0/daily_impressions", vec![json!(0), json!(1.5), json!(-3), json!(9_007_199_254_740_993_i64)]),
        ("/flight_start_date", vec![json!("2030-02-30"), json!("01/02/2030"), json!("2030-01-01T25:00:00Z"), json!(7)]),
        ("/flight_end_date", vec![json!("tomorrow"), json!("2030-1-1"), json!("2030-01-01T00:00:00")]),
        ("/packages/0/targeting_overlay/dayparting/timezone", vec![json!("Mars/Olympus"), json!("EST5")]),
        ("/packages/0/targeting_overlay/dayparting/schedules/0/end_hour", vec![json!(6), json!(25), json!(-1)]),
        ("/packages/0/targeting_overlay/dayparting/schedules/0/days/0", vec![json!("someday"), json!("Monday")]),
        ("/packages/0/targeting_overlay/frequency_cap/suppress_minutes", vec![json!(0), json!(1_000_000_000_i64)]),
        ("/packages/0/targeting_overlay/geography/0", vec![json!("Mars"), json!("USA"), json!("US-")]),
        ("/packages/1", vec![json!("news"), json!(""), json!({ "package_id": "news" })]),
        ("/currency", vec![json!("usd"), json!("DOLLAR")]),
        ("/pacing", vec![json!("sometimes")]),
        ("/packages", vec![json!([])]),
    ];
    let (tool, request, take) = requests().remove(0);
    for (place, values) in wrong {
        for value in values {
            let mut changed = request.clone();
            *changed.pointer_mut(place).unwrap() = value.clone();
            assert_refused(tool, place, &value, take(changed.into()));
        }
    }
}
