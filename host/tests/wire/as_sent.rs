//! Requests as they were sent: all mistakes at once, members given twice, numbers by their text, texts of values.

use flightdeck::{
    app::error::AppError,
    web::{
        json::{Arguments, read},
        v1::{
            fields::pointer,
            tools::{create_media_buy::CreateMediaBuy, get_media_buy_delivery::DeliveryQuery},
        },
    },
};
use serde_json::{Value, json};

use super::{Take, assert_refused, places, requests};

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
    error.problems.iter().map(|problem| pointer(&problem.field)).collect()
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
        assert!(error.problems.iter().all(|problem| !problem.message.is_empty()), "{error:#?}");
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
    assert_eq!(own.field.as_ref().map(pointer).as_deref(), Some("/targeting_overlay/custom/acme/zone"));
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
