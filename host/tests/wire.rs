//! Every place of every request, filled with what does not belong there: each is refused with a pointer to that place.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use flightdeck::{
    app::error::{AppError, ErrorCode},
    web::wire::{
        Arguments,
        create::CreateMediaBuy,
        creatives::AddCreativeAssets,
        performance::UpdatePerformanceIndex,
        queries::DeliveryQuery,
        read, read_and, targeting,
        update::{UpdateMediaBuy, UpdatePackage},
    },
};
use serde_json::{Value, json};

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

/// Requests with everything in them that they can carry, and what reads them.
fn requests() -> Vec<(&'static str, Value, Take)> {
    let package = json!({
        "package_id": "news", "budget": 10.5, "cpm": 2, "pacing": "even", "daily_budget": 5, "daily_impressions": 10,
        "targeting_overlay": overlay(),
    });
    let mut changed = package.clone();
    changed["active"] = json!(false);
    changed["creative_ids"] = json!(["b"]);
    let asset = json!({
        "creative_id": "b", "name": "B", "format": "custom", "media_url": "https://cdn.example.com/b.jpg",
        "click_url": "https://example.com/", "width": 300, "height": 250, "duration": 30, "template_id": "7",
        "template_values": { "headline": "x" }, "package_assignments": ["news"],
    });
    vec![
        (
            "create_media_buy",
            json!({
                "packages": [package, "sports"], "total_budget": 100, "po_number": "7", "targeting_overlay": overlay(),
                "flight_start_date": "2030-01-01", "flight_end_date": "2030-01-31T10:00:00Z", "pacing": "asap",
                "daily_budget": 10, "currency": "USD", "idempotency_key": "k", "dry_run": true,
            }),
            |value| read_and::<CreateMediaBuy>(value, targeting::impossible)?.into_new().map(drop),
        ),
        (
            "update_media_buy",
            json!({
                "media_buy_id": "acme_1", "active": true, "total_budget": 7, "flight_end_date": "2030-01-01",
                "targeting_overlay": overlay(), "pacing": "even", "daily_budget": 3, "packages": [changed],
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
    let field = error.field.clone().unwrap_or_default();
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
                (json!(text), take(changed))
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
fn amounts_counts_and_dates_that_can_not_be_are_refused() {
    let wrong = [
        ("/total_budget", vec![json!(0), json!(-0.5), json!(0.000_000_1), json!(9e12), json!("12")]),
        ("/packages/0/cpm", vec![json!(0), json!(-1), json!(1e13)]),
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

/// Every place of a request but what is a platform's own, and its value.
fn values(request: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    places(request, "", &mut all);
    all.into_iter().map(|place| (place.clone(), request.pointer(&place).unwrap().clone())).collect()
}

/// The text of a request with a text in one place that need be no JSON value.
fn with_text(request: &Value, place: &str, text: &str) -> Arguments {
    let mut changed = request.clone();
    *changed.pointer_mut(place).unwrap() = json!("@@");
    Arguments::parse(changed.to_string().replace("\"@@\"", text).as_bytes()).unwrap()
}

fn fields(error: &AppError) -> Vec<String> {
    let items = error.details.as_ref().and_then(|details| details["items"].as_array()).cloned().unwrap_or_default();
    items.iter().map(|item| item["field"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_two_mistakes_are_told_in_one_answer() {
    for (tool, request, take) in requests() {
        let own =
            |place: &str| place.ends_with("/custom") || place.ends_with("/acme") || place.ends_with("/template_values");
        let all: Vec<String> =
            values(&request).into_iter().map(|(place, _)| place).filter(|place| !own(place)).collect();
        for (index, one) in all.iter().enumerate() {
            // Each with some others is enough, and each pair of neighbours is among them.
            for other in all.iter().skip(index + 1).step_by(1 + index % 5) {
                if other.starts_with(&format!("{one}/")) || one.starts_with(&format!("{other}/")) {
                    continue;
                }
                let mut changed = request.clone();
                for place in [one, other] {
                    // Wrong wherever it stands: no place takes a list of null.
                    *changed.pointer_mut(place).unwrap() = json!([null]);
                }
                let error = take(changed.into()).expect_err(&format!("{tool} takes {one} and {other}"));
                let told = fields(&error);
                for place in [one, other] {
                    assert!(told.iter().any(|field| field.starts_with(place)), "{tool}: {place} is not in {told:?}");
                }
                assert!(told.len() <= 2, "{tool} {one} {other}: {told:?}");
            }
        }
    }
}

#[test]
fn everything_that_is_missing_unknown_or_of_a_wrong_form_is_told_at_once() {
    let takes: Vec<(&str, Take)> = requests().into_iter().map(|(tool, _, take)| (tool, take)).collect();
    let take = |name: &str| takes.iter().find(|(tool, _)| *tool == name).unwrap().1;
    for (tool, request, mut wanted) in [
        ("create_media_buy", json!({}), vec!["/packages", "/total_budget"]),
        // What an overlay says of itself, beside what can't be read.
        (
            "create_media_buy",
            json!({
                "packages": [{ "targeting_overlay": { "geography": ["Mars"], "custom": { "acme": {} } } }],
                "targeting_overlay": {
                    "geography": ["Mars", 7], "os_any_of": ["a", "a"], "dayparting": { "timezone": "UTC" }, "x": 1,
                },
            }),
            vec![
                "/packages/0/package_id",
                "/packages/0/targeting_overlay/custom/acme",
                "/packages/0/targeting_overlay/geography/0",
                "/targeting_overlay/dayparting",
                "/targeting_overlay/geography/1",
                "/targeting_overlay/os_any_of/1",
                "/targeting_overlay/x",
                "/total_budget",
            ],
        ),
        (
            "create_media_buy",
            json!({
                "packages": [{ "budget": "5", "targeting_overlay": { "frequency_cap": {}, "os_anyof": ["ios"] } }, 7, "news", {}],
                "budget": 1, "pacing": "sometimes", "flight_start_date": 1,
                "targeting_overlay": { "dayparting": { "schedules": [{ "days": ["someday"], "start_hour": 1 }] }, "geography": 5 },
            }),
            vec![
                "/budget",
                "/flight_start_date",
                "/packages/0/budget",
                "/packages/0/package_id",
                "/packages/0/targeting_overlay/frequency_cap/suppress_minutes",
                "/packages/0/targeting_overlay/os_anyof",
                "/packages/1",
                "/packages/3/package_id",
                "/pacing",
                "/targeting_overlay/dayparting/schedules/0/days/0",
                "/targeting_overlay/dayparting/schedules/0/end_hour",
                "/targeting_overlay/dayparting/timezone",
                "/targeting_overlay/geography",
                "/total_budget",
            ],
        ),
        (
            "update_media_buy",
            json!({ "activ": true, "total_budget": null }),
            vec!["/activ", "/media_buy_id", "/total_budget"],
        ),
        (
            "update_package",
            json!({ "packages": [{ "active": 1 }, { "budget": -1 }] }),
            vec![
                "/media_buy_id",
                "/packages/0/active",
                "/packages/0/package_id",
                "/packages/1/budget",
                "/packages/1/package_id",
            ],
        ),
        (
            "add_creative_assets",
            json!({ "assets": [{ "format": "image", "width": 1 }, { "format": "smell", "name": "" }, { "format": "custom" }] }),
            vec![
                "/assets/0/creative_id",
                "/assets/0/height",
                "/assets/0/media_url",
                "/assets/0/name",
                "/assets/0/package_assignments",
                "/assets/1/creative_id",
                "/assets/1/format",
                "/assets/1/name",
                "/assets/1/package_assignments",
                "/assets/2/creative_id",
                "/assets/2/name",
                "/assets/2/package_assignments",
                "/assets/2/template_id",
                "/media_buy_id",
            ],
        ),
        (
            "update_media_buy_performance_index",
            json!({ "performance_data": [{}, 1], "x": 1 }),
            vec![
                "/media_buy_id",
                "/performance_data/0/package_id",
                "/performance_data/0/performance_index",
                "/performance_data/1",
                "/x",
            ],
        ),
    ] {
        let error = take(tool)(request.clone().into()).unwrap_err();
        let mut told = fields(&error);
        told.sort();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "{tool} {request}: {error:#?}");
        let items = error.details.unwrap()["items"].as_array().unwrap().clone();
        assert!(items.iter().all(|item| item["message"].as_str().is_some_and(|words| !words.is_empty())), "{items:#?}");
    }
    let days = read::<DeliveryQuery>(json!({ "media_buy_id": "b" })).unwrap().days().unwrap_err();
    assert_eq!(fields(&days), ["/start_date", "/end_date"]);
}

#[test]
fn many_mistakes_are_told_up_to_a_bound_and_in_little_time() {
    let packages: Vec<Value> = (0..5_000).map(|_| json!({ "x": 1, "budget": [] })).collect();
    let error = read::<CreateMediaBuy>(json!({ "packages": packages })).unwrap_err();
    assert!((2..=100).contains(&fields(&error).len()), "{}", fields(&error).len());
}

#[test]
fn a_value_inside_a_string_is_told_as_that() {
    for (tool, request, take) in requests() {
        for (place, value) in values(&request) {
            if value.is_string() {
                continue;
            }
            let mut changed = request.clone();
            *changed.pointer_mut(&place).unwrap() = json!(value.to_string());
            let error = take(changed.into()).expect_err(&format!("{tool} takes the text of {place}"));
            assert_eq!(fields(&error), [place.as_str()], "{tool}: {error:#?}");
            assert!(error.message.contains(", not its text"), "{tool} {place}: {}", error.message);
        }
    }
    for (request, field) in [
        (json!({ "packages": ["{\"package_id\":\"news\"}"], "total_budget": 1 }), "/packages/0"),
        (json!({ "packages": ["[\"news\"]"], "total_budget": 1 }), "/packages/0"),
        (json!({ "packages": [{ "package_id": "['news']" }], "total_budget": 1 }), "/packages/0/package_id"),
        (json!({ "packages": "{\"package_id\":\"news\"}", "total_budget": 1 }), "/packages"),
        (
            json!({ "packages": ["news"], "total_budget": 1, "targeting_overlay": { "os_any_of": ["[\"ios\"]"] } }),
            "/targeting_overlay/os_any_of/0",
        ),
    ] {
        let error = read::<CreateMediaBuy>(request).unwrap_err();
        assert_eq!(fields(&error), [field]);
        assert!(error.message.contains("text"), "{}", error.message);
    }
    let all = read::<CreateMediaBuy>(json!("{\"packages\":[\"news\"]}")).unwrap_err();
    assert_eq!(all.message, "the request must be an object: send an object, not its text");
    // What is a text may be the text of anything.
    let request = json!({ "packages": ["news"], "total_budget": 1, "po_number": "[7]" });
    assert!(read::<CreateMediaBuy>(request).is_ok());
}

#[test]
fn a_number_is_judged_by_its_text() {
    for (tool, request, take) in requests() {
        for (place, value) in values(&request).into_iter().filter(|(_, value)| value.is_number()) {
            let mut exact = value.to_string();
            if !exact.contains('.') {
                exact.push_str(".0");
            }
            for zeros in [1, 30] {
                let text = format!("{exact}{}", "0".repeat(zeros));
                take(with_text(&request, &place, &text))
                    .unwrap_or_else(|error| panic!("{tool} {place} {text}: {error:?}"));
            }
            for wrong in
                [format!("{exact}{}1", "0".repeat(30)), "1e-7".to_owned(), "1e400".to_owned(), "1e-400".to_owned()]
            {
                let refused = take(with_text(&request, &place, &wrong));
                assert_refused(tool, &place, &json!(wrong), refused);
            }
        }
    }
    let (_, request, take) = requests().remove(0);
    for text in ["1000000000.00000001", "1e-7", "100.00000000000000000001"] {
        let error = take(with_text(&request, "/total_budget", text)).unwrap_err();
        assert_eq!(error.message, format!("total_budget must have at most 6 decimal places, not {text}"));
    }
    let error = take(with_text(&request, "/packages/0/daily_impressions", "9007199254740993")).unwrap_err();
    assert!(error.message.contains("must be an integer from 1 to") && error.message.ends_with("not 9007199254740993"));
    // A platform's own numbers are no lookups, but two that no double tells apart would be one request.
    let own = take(with_text(&request, "/targeting_overlay/custom/acme/zone", "12345678901234567891")).unwrap_err();
    assert_eq!(own.field.as_deref(), Some("/targeting_overlay/custom/acme/zone"));
    assert!(own.message.contains("12345678901234567891, which has more digits"), "{}", own.message);
}

#[test]
fn a_member_that_is_given_twice_is_refused_wherever_it_stands() {
    for (tool, request, take) in requests() {
        let objects = values(&request).into_iter().chain([(String::new(), request.clone())]);
        for (place, object) in objects.filter(|(_, value)| value.is_object()) {
            for (name, value) in object.as_object().unwrap() {
                let escaped = format!("\\u{:04x}{}", u32::from(name.chars().next().unwrap()), &name[1..]);
                for again in [name, &escaped] {
                    let mut changed = request.clone();
                    changed.pointer_mut(&place).unwrap()["@@"] = value.clone();
                    let text = changed.to_string().replace("\"@@\":", &format!("\"{again}\":"));
                    let error = take(Arguments::parse(text.as_bytes()).unwrap()).expect_err(&text);
                    assert_eq!(fields(&error), [format!("{place}/{name}")], "{tool}: {error:#?}");
                    assert!(error.message.contains("is given twice"), "{}", error.message);
                }
            }
        }
    }
}

#[test]
fn texts_are_composed_and_targeting_is_spelled_in_one_way() {
    let overlay = json!({
        "geography": ["us-ca", "ca"], "geo_postal_any_of": ["US-94105"], "geo_city_none_of": ["Que\u{301}bec,ca-qc"],
        "device_types": ["Mobile"], "custom": { "acme": { "keywords": ["cafe\u{301}"] } },
    });
    let request = json!({
        "packages": [{ "package_id": "cafe\u{301}" }], "total_budget": 1, "po_number": "E\u{301}1",
        "targeting_overlay": overlay,
    });
    let new = read::<CreateMediaBuy>(request).unwrap().into_new().unwrap();
    assert_eq!((new.po_number.as_deref(), new.packages[0].package_id.as_str()), (Some("\u{c9}1"), "caf\u{e9}"));
    let values: Vec<&str> = new.targeting.rules.iter().flat_map(|rule| &rule.values).map(String::as_str).collect();
    assert_eq!(values, ["CA", "US-CA", "Qu\u{e9}bec, CA-QC", "US:94105", "mobile"]);
    assert_eq!(new.targeting.custom["acme"], json!({ "keywords": ["caf\u{e9}"] }));
    for (field, twice) in [
        ("geography", json!(["us-ca", "US-CA"])),
        ("geo_postal_any_of", json!(["US-94105", "us:94105"])),
        ("geo_city_any_of", json!(["Que\u{301}bec, CA", "Qu\u{e9}bec, CA"])),
        ("os_none_of", json!(["iOS", "ios"])),
    ] {
        let request = json!({ "packages": ["a"], "total_budget": 1, "targeting_overlay": { field: twice } });
        let refused = read::<CreateMediaBuy>(request).unwrap().into_new().unwrap_err();
        assert_eq!(refused.field, Some(format!("/targeting_overlay/{field}/1")));
    }
}
