//! Targeting on every ad server: what contradicts itself is refused before anybody is asked, and what the documents show is taken.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    house::{BUYER, REVIEWER},
    servers::{Server, Servers},
};

fn request(server: Server<'_>, own: Value, package: Value) -> Value {
    json!({
        "packages": [{ "package_id": server.packages[0], "targeting_overlay": package }, server.packages[1]],
        "total_budget": 1_000, "targeting_overlay": own, "dry_run": true,
    })
}

fn fields(error: &Value) -> Vec<&str> {
    let items = error.pointer("/details/items").and_then(Value::as_array).expect("items");
    items.iter().filter_map(|item| item["field"].as_str()).collect()
}

#[tokio::test]
async fn what_contradicts_itself_is_refused_on_every_platform_and_face_with_both_pointers() {
    let servers = Servers::new().await;
    let house = &servers.house;
    let (buy, package) = ("/targeting_overlay", "/packages/0/targeting_overlay");
    for server in servers.all() {
        for (own, own_package, wanted) in [
            (
                json!({ "geo_region_any_of": ["US-CA"], "geo_region_none_of": ["us-ca"] }),
                json!({}),
                [format!("{buy}/geo_region_any_of"), format!("{buy}/geo_region_none_of")],
            ),
            (
                json!({ "geography": ["US-CA"], "geo_country_none_of": ["US"] }),
                json!({}),
                [format!("{buy}/geography"), format!("{buy}/geo_country_none_of")],
            ),
            (
                json!({ "geo_country_none_of": ["US"] }),
                json!({ "geo_postal_any_of": ["US-94105"] }),
                [format!("{package}/geo_postal_any_of"), format!("{buy}/geo_country_none_of")],
            ),
            (
                json!({ "device_types": ["mobile", "desktop"] }),
                json!({ "device_type_none_of": ["Mobile"] }),
                [format!("{buy}/device_types"), format!("{package}/device_type_none_of")],
            ),
            (
                json!({ "geo_country_any_of": ["CA"] }),
                json!({ "geo_region_any_of": ["US-CA"] }),
                [format!("{buy}/geo_country_any_of"), format!("{package}/geo_region_any_of")],
            ),
        ] {
            let request = request(server, own, own_package);
            let answer = house.post(BUYER, "/v1/media-buys", request.clone()).await.expect(400);
            assert_eq!(answer.error().0, "INVALID_PARAMETER", "{:#}", answer.body);
            assert_eq!(fields(&answer.body["error"]), wanted, "{request}: {:#}", answer.body);
            let said = house.tool(BUYER, "create_media_buy", request).await;
            assert_eq!(fields(&said["error"]), wanted, "over MCP: {said:#}");
        }
        // A part of what is wanted may be left out.
        let part = json!({ "geo_country_any_of": ["US"], "geo_region_none_of": ["US-CA"] });
        house.post(BUYER, "/v1/media-buys", request(server, part, json!({}))).await.expect(200);
    }
    assert_eq!(house.get(REVIEWER, "/v1/tasks").await.body["total_count"], 0);
}

#[tokio::test]
async fn what_an_update_makes_of_a_buy_must_not_contradict_itself() {
    let servers = Servers::new().await;
    let (house, server) = (&servers.house, servers.server("gam"));
    let mut new = request(server, json!({ "geo_country_none_of": ["US"] }), json!({}));
    new["dry_run"] = json!(false);
    let created = house.post(BUYER, "/v1/media-buys", new).await.expect(202);
    house.approve(&created.text("/task_id")).await.expect(200);
    house.task_closed(&created.text("/task_id")).await;
    let path = format!("/v1/media-buys/{}", created.text("/media_buy_id"));
    let half = json!({ "packages": [
        { "package_id": server.packages[1], "targeting_overlay": { "geography": ["us-ca"] } },
    ] });
    let refused = house.patch(BUYER, &format!("{path}/packages"), half.clone()).await.expect(400);
    assert_eq!(
        fields(&refused.body["error"]),
        ["/packages/0/targeting_overlay/geography", "/targeting_overlay/geo_country_none_of"]
    );
    let mut both = half;
    both["targeting_overlay"] = json!({ "geo_country_none_of": ["FR"] });
    let taken = house.patch(BUYER, &path, both).await;
    assert!(taken.status.is_success(), "{:#}", taken.body);
}

#[tokio::test]
async fn what_only_an_adapter_can_read_is_judged_by_it() {
    let servers = Servers::new().await;
    let house = &servers.house;
    for (name, overlay, wanted) in [
        (
            "gam",
            json!({ "custom": { "gam": {
                "key_values": { "section": ["sports", "news"] }, "excluded_key_values": { "section": ["sports"] },
            } } }),
            ["custom/gam/key_values/section", "custom/gam/excluded_key_values/section"],
        ),
        (
            "triton",
            json!({ "content_genre_none_of": ["News"], "custom": { "triton": { "genres": ["news"] } } }),
            ["custom/triton/genres", "content_genre_none_of"],
        ),
    ] {
        let server = servers.server(name);
        let answer = house.post(BUYER, "/v1/media-buys", request(server, json!({}), overlay)).await.expect(400);
        let wanted = wanted.map(|field| format!("/packages/0/targeting_overlay/{field}"));
        assert_eq!(fields(&answer.body["error"]), wanted, "{:#}", answer.body);
    }
    // Ad Manager excludes no postal codes, and does not say that it does.
    let gam = servers.server("gam");
    let overlay = json!({ "geo_country_any_of": ["US"], "geo_postal_none_of": ["US:94105"] });
    let answer = house.post(BUYER, "/v1/media-buys", request(gam, overlay, json!({}))).await.expect(400);
    assert_eq!(answer.error().0, "UNSUPPORTED_TARGETING", "{:#}", answer.body);
    let offered = house.get(BUYER, "/v1/products?platform=gam").await.body.to_string();
    assert!(offered.contains("geo_postal_any_of") && !offered.contains("geo_postal_none_of"), "{offered}");
}

#[tokio::test]
async fn one_city_in_two_unicode_forms_is_one() {
    let servers = Servers::new().await;
    let server = servers.server("kevel");
    let of = |cities: Value| request(server, json!({ "geo_city_any_of": cities }), json!({}));
    let (composed, apart) = ("Qu\u{e9}bec, CA-QC", "Que\u{301}bec, CA-QC");
    let post = |request| servers.house.post(BUYER, "/v1/media-buys", request);
    let twice = post(of(json!([apart, composed]))).await.expect(400);
    assert_eq!(twice.error().1.as_deref(), Some("/targeting_overlay/geo_city_any_of/1"), "{:#}", twice.body);
    let planned = post(of(json!([apart]))).await.expect(200).body["plan"].to_string();
    assert!(planned.contains("Qu\u{e9}bec") && !planned.contains('\u{301}'), "{planned}");
}

/// The values that schemas show, by field of an overlay: examples, and what stands in backquotes in a description.
fn shown(value: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| shown(element, found)),
        Value::Object(members) => {
            let fields = members.get("properties").and_then(Value::as_object);
            for (name, schema) in fields.into_iter().flatten().filter(|(name, _)| is_overlay(name)) {
                let words = schema["description"].as_str().unwrap_or_default();
                let quoted = words.split('`').skip(1).step_by(2).filter(|word| !is_overlay(word)).map(str::to_owned);
                let texts = |value: &Value| value.as_str().map(str::to_owned);
                let lists = [schema.pointer("/items/examples"), schema.pointer("/examples/0")];
                let examples = lists.into_iter().flatten().filter_map(Value::as_array).flatten().filter_map(texts);
                found.entry(name.clone()).or_default().extend(quoted.chain(examples));
            }
            // Whole requests that are shown.
            for (name, values) in members.iter().filter(|(name, _)| is_overlay(name)) {
                let texts = values.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                found.entry(name.clone()).or_default().extend(texts);
            }
            members.values().for_each(|member| shown(member, found));
        }
        _ => {}
    }
}

fn is_overlay(name: &str) -> bool {
    name.ends_with("_any_of") || name.ends_with("_none_of") || matches!(name, "geography" | "device_types")
}

/// The forms that a platform's notes show: `…, as US:10001`.
fn noted(value: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| noted(element, found)),
        Value::Object(members) => {
            if let (Some(field), Some(note)) =
                (members.get("field").and_then(Value::as_str), members.get("note").and_then(Value::as_str))
                && let Some((_, form)) = note.split_once(" as ")
            {
                let end = [", or ", ", of ", "; "].iter().filter_map(|end| form.find(end)).min().unwrap_or(form.len());
                found.entry(field.to_owned()).or_default().insert(form[..end].to_owned());
            }
            members.values().for_each(|member| noted(member, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_example_and_every_form_that_is_shown_is_taken_by_every_platform_that_has_it() {
    let servers = Servers::new().await;
    let house = &servers.house;
    let mut all = BTreeMap::new();
    shown(&house.get(BUYER, "/openapi.json").await.body, &mut all);
    shown(&house.tools(BUYER).await, &mut all);
    assert!(all["geo_postal_any_of"].contains("US-94105") && all["geo_city_none_of"].is_empty(), "{all:#?}");
    // Codes may be written small where a region's may.
    all.entry("geography".to_owned()).or_default().extend(["us-ca", "us"].map(str::to_owned));
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for server in servers.all() {
        let mut forms = BTreeMap::new();
        noted(&house.get(BUYER, &format!("/v1/products?platform={}", server.name)).await.body, &mut forms);
        assert!(forms.contains_key("geo_postal_any_of"), "{forms:#?}");
        let of_schemas = all.iter().map(|(field, values)| (field, values, false));
        for (field, values, own) in of_schemas.chain(forms.iter().map(|(field, values)| (field, values, true))) {
            for value in values {
                let overlay = json!({ field: [value] });
                let answer = house.post(BUYER, "/v1/media-buys", request(server, overlay, json!({}))).await;
                if answer.status == 200 {
                    taken.insert(field.clone());
                    continue;
                }
                assert!(!own, "{} shows {value} for {field}: {:#}", server.name, answer.body);
                // It has no such dimension, or no such value of a list; never another form of the same.
                assert_eq!(
                    answer.error().0,
                    "UNSUPPORTED_TARGETING",
                    "{} {field} {value}: {:#}",
                    server.name,
                    answer.body
                );
                let items = answer.body.pointer("/error/details/items").and_then(Value::as_array).expect("items");
                let instead = |item: &Value| item["supported"].as_array().is_some_and(|list| !list.is_empty());
                assert!(items.iter().all(instead), "{} {field} {value}: {:#}", server.name, answer.body);
            }
        }
    }
    for field in
        ["geography", "geo_country_any_of", "geo_region_any_of", "geo_metro_any_of", "geo_postal_any_of", "os_any_of"]
    {
        assert!(taken.contains(field), "{field} in {taken:?}");
    }
}
