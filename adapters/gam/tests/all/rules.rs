//! What Ad Manager requires of what the adapter sends.

use flightdeck_adapter::{host::Method, prelude::*};
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::change;

use crate::{
    lifecycle::{booked, creatives, order_status, rich},
    network::{Network, field, start, turn, with_settings},
    samples,
    updates::changed,
};

fn of(settings: &str) -> MediaBuy {
    let mut package = samples::package("news");
    package.product_settings = settings.to_owned();
    samples::buy(vec![package])
}

pub(crate) fn banner() -> Creative {
    samples::creative("banner", &["news"])
}

/// Returns a buy whose only package has its creative.
pub(crate) fn shown(settings: &str) -> MediaBuy {
    let mut buy = of(settings);
    buy.packages[0].creative_ids = vec!["banner".to_owned()];
    buy
}

fn item(network: &Network, number: usize) -> Object {
    network.objects("lineItems")[number].clone()
}

fn status(network: &Network, number: usize) -> String {
    field(&item(network, number), "status").trim_matches('"').to_owned()
}

#[test]
fn creatives_without_a_click_address_say_so() {
    let network = start();
    network.create(&rich());
    let assets: Vec<Creative> =
        creatives().into_iter().map(|creative| Creative { click_url: None, ..creative }).collect();
    let statuses = network.upload(&rich(), &assets);
    assert!(statuses.iter().all(|status| status.state == AssetState::Approved), "{statuses:?}");
    for creative in network.objects("creatives") {
        assert!(creative.to_string().contains(r#""destinationUrlType":"NONE""#), "{creative}");
    }
}

#[test]
fn a_video_that_is_too_long_is_refused_at_plan() {
    let network = start();
    let long = Creative { duration_ms: Some(30_001), ..creatives().remove(1) };
    let batch = CreativeBatch { media_buy: rich(), assets: vec![long], extensions: Vec::new() };
    let failure = network.run(|ctx| Gam::plan(ctx, Change::AddCreatives(batch.clone()))).unwrap_err();
    assert_eq!(failure.code, "video_too_long");
    assert_eq!(
        (failure.items[0].field.as_str(), &failure.items[0].supported),
        ("/assets/spot/duration", &vec!["30000".to_owned()])
    );
}

#[test]
fn a_buy_in_another_currency_is_refused_before_anything_is_made() {
    let mut buy = of(r#"{"ad_units": [{"id": "6004"}]}"#);
    buy.currency = "EUR".to_owned();
    // The settings name no currency: the network itself is asked when the buy is booked.
    let network = with_settings(r#"{"network_code": "21700001", "trafficker_id": "5001"}"#);
    network.run(|ctx| Gam::plan(ctx, Change::Create(buy.clone()))).unwrap();
    let failure = network.run(|ctx| Gam::create_media_buy(ctx, buy.clone())).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unsupported, "unsupported_currency"));
    assert!(failure.message.contains("EUR") && failure.message.contains("USD"), "{}", failure.message);
    assert_eq!((failure.items[0].field.as_str(), network.count("orders")), ("/currency", 0));
    // They name it: the plan refuses.
    let failure = start().run(|ctx| Gam::plan(ctx, Change::Create(buy.clone()))).unwrap_err();
    assert_eq!(failure.items[0].supported, ["USD"]);
    // They name another than the network's.
    let network = with_settings(r#"{"network_code": "21700001", "trafficker_id": "5001", "currency": "EUR"}"#);
    let failure = network.run(|ctx| Gam::create_media_buy(ctx, buy.clone())).unwrap_err();
    assert!(failure.message.contains("Correct the platform's setting currency, EUR"), "{}", failure.message);
}

#[test]
fn products_that_overbook_say_so_with_every_request() {
    let network = start();
    turn(&network, r#"{"available_impressions": 1000}"#);
    let buy = shown(r#"{"ad_units": [{"id": "6004"}], "allow_overbook": true}"#);
    network.create(&buy);
    assert_eq!(network.upload(&buy, &[banner()])[0].state, AssetState::Approved);
    network.at("2026-12-04T00:00:00Z");
    let mut more = buy.clone();
    more.packages[0].impressions = 2_000_000;
    assert_eq!(network.update(&buy, &more, &[]).failed, None);
    assert_eq!(status(&network, 0), "DELIVERING");
    let paused = MediaBuy { active: false, ..more.clone() };
    assert_eq!(network.update(&more, &paused, &[]).failed, None);
    assert_eq!(status(&network, 0), "PAUSED");
    assert_eq!(network.update(&paused, &more, &[]).failed, None);
    assert_eq!(status(&network, 0), "DELIVERING");
}

#[test]
fn products_that_skip_the_inventory_check_are_approved_without_it() {
    let network = start();
    turn(&network, r#"{"available_impressions": 1000}"#);
    let buy = shown(r#"{"ad_units": [{"id": "6004"}], "skip_inventory_check": true}"#);
    network.create(&buy);
    assert_eq!(network.upload(&buy, &[banner()])[0].state, AssetState::Approved);
    // One that does not skip it is told what there is to do.
    let network = start();
    turn(&network, r#"{"available_impressions": 1000}"#);
    let buy = shown(r#"{"ad_units": [{"id": "6004"}]}"#);
    network.create(&buy);
    let batch = CreativeBatch { media_buy: buy, assets: vec![banner()], extensions: Vec::new() };
    let failure = network.run(|ctx| Gam::add_creative_assets(ctx, batch)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert!(failure.message.contains("allow_overbook"), "{}", failure.message);
}

#[test]
fn only_the_products_that_may_be_overbooked_are() {
    let buy = |sports: i64| {
        let mut over = samples::package("news");
        over.product_settings = r#"{"ad_units": [{"id": "6004"}], "allow_overbook": true}"#.to_owned();
        let sports = PackageOrder { impressions: sports, ..samples::package("sports") };
        samples::buy(vec![over, sports])
    };
    for (sports, approved) in [(1000, true), (1001, false)] {
        let network = start();
        turn(&network, r#"{"available_impressions": 1000}"#);
        network.create(&buy(sports));
        let assets = vec![samples::creative("banner", &["news", "sports"])];
        let batch = CreativeBatch { media_buy: buy(sports), assets, extensions: Vec::new() };
        let outcome = network.run(|ctx| Gam::add_creative_assets(ctx, batch));
        assert_eq!(outcome.is_ok(), approved, "{outcome:?}");
        assert_eq!(order_status(&network), if approved { "APPROVED" } else { "DRAFT" });
    }
}

#[test]
fn what_delivers_is_paused_for_a_change_and_delivers_again() {
    let network = booked(start());
    network.at("2026-12-04T00:00:00Z");
    let (current, desired, assets) = changed();
    let update = change(&current, &desired, &assets, &["news", "video"]);
    let outcome = network.run(|ctx| Gam::update_media_buy(ctx, update)).unwrap();
    assert_eq!(outcome.failed, None);
    assert!(field(&item(&network, 0), "goal").contains("1200000"));
    assert_eq!((status(&network, 0).as_str(), status(&network, 1).as_str()), ("DELIVERING", "PAUSED"));
    // What Ad Manager refuses leaves it delivering, too.
    let mut refused = desired.clone();
    refused.packages[0].product_settings = r#"{"ad_units": [{"id": "99"}]}"#.to_owned();
    let failed = network.update(&desired, &refused, &assets).failed.unwrap();
    assert!(failed.failure.words().contains("adUnits/99"), "{}", failed.failure.words());
    assert_eq!(status(&network, 0), "DELIVERING");
}

#[test]
fn what_a_person_paused_stays_paused() {
    let network = booked(start());
    network.at("2026-12-04T00:00:00Z");
    let name = item(&network, 0).get("name").cloned();
    let body = object! { "names": vec![name.unwrap()] };
    network.by_hand("POST", "/v1/networks/21700001/lineItems:batchPause", &body);
    let (current, ..) = changed();
    let mut desired = current.clone();
    desired.packages[0].impressions = 1_200_000;
    assert_eq!(network.update(&current, &desired, &[]).failed, None);
    assert!(field(&item(&network, 0), "goal").contains("1200000"));
    assert_eq!(status(&network, 0), "PAUSED");
}

#[test]
fn a_creative_of_one_of_several_sizes_is_enough() {
    let network = start();
    let buy = shown(r#"{"ad_units": [{"id": "6004"}], "sizes": ["300x250", "728x90", "160x600"]}"#);
    network.create(&buy);
    network.upload(&buy, &[banner()]);
    assert_eq!((status(&network, 0).as_str(), network.status(&buy).state), ("READY", DeliveryState::Scheduled));
}

#[test]
fn a_network_that_activates_nothing_by_itself_is_told_to() {
    let network = start();
    turn(&network, r#"{"auto_activate": false}"#);
    let buy = shown(r#"{"ad_units": [{"id": "6004"}]}"#);
    network.create(&buy);
    network.upload(&buy, &[banner()]);
    assert_eq!(status(&network, 0), "READY");
    // A package that was off before its order was approved.
    let network = start();
    turn(&network, r#"{"auto_activate": false}"#);
    let off = {
        let mut off = buy.clone();
        off.packages[0].active = false;
        off
    };
    network.create(&off);
    network.upload(&off, &[banner()]);
    assert_eq!(network.status(&off).state, DeliveryState::Paused);
    assert_eq!(network.update(&off, &buy, &[]).failed, None);
    assert_eq!(status(&network, 0), "READY");
}

#[test]
fn what_a_person_has_to_activate_awaits_it_and_is_not_paused() {
    let network = crate::network::start_submitting();
    turn(&network, r#"{"auto_activate": false}"#);
    let buy = shown(r#"{"ad_units": [{"id": "6004"}]}"#);
    network.create(&buy);
    network.upload(&buy, &[banner()]);
    crate::network::decide(&network, "approve");
    assert_eq!(status(&network, 0), "INACTIVE");
    assert_eq!(network.status(&buy).state, DeliveryState::AwaitingCreatives);
}

#[test]
fn credit_that_is_held_back_waits_for_a_person() {
    let network = start();
    let buy = shown(r#"{"ad_units": [{"id": "6004"}]}"#);
    network.create(&buy);
    turn(&network, r#"{"credit_on_hold": true}"#);
    let batch = CreativeBatch { media_buy: buy.clone(), assets: vec![banner()], extensions: Vec::new() };
    let failure = network.run(|ctx| Gam::add_creative_assets(ctx, batch.clone())).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permission, "advertiser_credit"));
    assert!(failure.message.contains("companies/4001") && failure.message.contains("ON_HOLD"), "{}", failure.message);
    turn(&network, r#"{"credit_on_hold": false}"#);
    let outcome = network.again(|ctx| Gam::add_creative_assets(ctx, batch.clone())).unwrap();
    assert_eq!(outcome.assets[0].state, AssetState::Approved);
}

#[test]
fn a_buy_that_has_ended_is_cancelled_all_the_same() {
    let network = booked(start());
    network.at("2027-02-01T00:00:00Z");
    network.run(|ctx| Gam::cancel_media_buy(ctx, rich())).unwrap();
    assert_eq!(field(&network.objects("orders")[0], "archived"), "true");
    // One that was paused before, too.
    let network = booked(start());
    network.at("2026-12-04T00:00:00Z");
    let (current, ..) = changed();
    let paused = MediaBuy { active: false, ..current.clone() };
    network.update(&current, &paused, &[]);
    network.run(|ctx| Gam::cancel_media_buy(ctx, paused)).unwrap();
    assert_eq!(field(&network.objects("orders")[0], "archived"), "true");
}

#[test]
fn inventory_that_was_released_by_hand_is_reserved_again_by_a_resume() {
    let network = booked(start());
    network.at("2026-12-04T00:00:00Z");
    let (current, ..) = changed();
    let paused = MediaBuy { active: false, ..current.clone() };
    network.update(&current, &paused, &[]);
    let body = object! { "names": vec![item(&network, 0).get("name").cloned().unwrap()] };
    network.by_hand("POST", "/v1/networks/21700001/lineItems:batchRelease", &body);
    assert_eq!(status(&network, 0), "PAUSED_INVENTORY_RELEASED");
    assert_eq!(network.update(&paused, &current, &[]).failed, None);
    assert_eq!(status(&network, 0), "DELIVERING");
}

#[test]
fn shares_of_the_inventory_are_sold() {
    let network = start();
    let buy = shown(r#"{"ad_units": [{"id": "6004"}], "line_item_type": "SPONSORSHIP", "share_percent": 25}"#);
    let plan = network.run(|ctx| Gam::plan(ctx, Change::Create(buy.clone()))).unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("25 %")), "{:?}", plan.notes);
    network.create(&buy);
    assert_eq!(network.upload(&buy, &[banner()])[0].state, AssetState::Approved);
    assert!(field(&item(&network, 0), "secondaryGoals").contains("1000000"));
    network.at("2026-12-03T00:00:00Z");
    assert!(network.delivery(&buy, "2026-12-01", "2026-12-31")[0].impressions > 0);
}

#[test]
fn orders_carry_what_the_network_requires() {
    let network = with_settings(
        r#"{"network_code": "21700001", "trafficker_id": "5001", "salesperson_id": "5002",
            "secondary_trafficker_ids": ["5003"], "agency_id": "4004", "team_ids": ["901"], "order_label_ids": ["902"],
            "order_custom_fields": {"903": "north"}, "order_notes": "By flightdeck",
            "order_name": "{po_number} {name} {start}"}"#,
    );
    network.create(&of(r#"{"ad_units": [{"id": "6004"}]}"#));
    let order = &network.objects("orders")[0];
    let name = field(order, "displayName");
    assert!(name.starts_with(r#""gam_12345 · PO-2024-001 Spring 2026-12-01 ["#), "{name}");
    let text = order.to_string().replace("networks/21700001/", "");
    for said in [
        r#""salesperson":"users/5002""#,
        r#""secondaryTraffickers":["users/5003"]"#,
        r#""agency":"companies/4004""#,
        r#""appliedTeams":["teams/901"]"#,
        r#""label":"labels/902""#,
        r#""stringValue":"north""#,
        r#""notes":"By flightdeck""#,
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn a_long_name_keeps_the_buys_id_and_the_reference() {
    let network = with_settings(
        r#"{"network_code": "21700001", "trafficker_id": "5001", "order_name": "{name} {media_buy_id}"}"#,
    );
    let buy = MediaBuy { name: "x".repeat(400), ..of(r#"{"ad_units": [{"id": "6004"}]}"#) };
    network.create(&buy);
    let name = field(&network.objects("orders")[0], "displayName");
    let name = name.trim_matches('"');
    assert!(name.starts_with("gam_12345 · x") && name.ends_with(']') && name.chars().count() == 255, "{name}");
    let sent = network.host.requests().iter().filter(|request| request.method == Method::Post).count();
    assert!(sent > 0);
}

#[test]
fn creatives_take_turns_by_weight_and_in_order() {
    let two = |rotation: &str| {
        let mut buy = of(&format!(r#"{{"ad_units": [{{"id": "6004"}}], "creative_rotation": "{rotation}"}}"#));
        buy.packages[0].targeting.custom = Some(r#"{"creative_weights": {"banner": 70, "other": 30}}"#.to_owned());
        buy
    };
    let assets = [banner(), samples::creative("other", &["news"])];
    for (rotation, name, values) in [
        ("WEIGHTED", "manualCreativeRotationWeight", ["70", "30"]),
        ("SEQUENTIAL", "sequentialCreativeRotationIndex", ["1", "2"]),
    ] {
        let network = start();
        network.create(&two(rotation));
        network.upload(&two(rotation), &assets);
        let written = |network: &Network| {
            network
                .objects("associations")
                .iter()
                .map(|tie| field(tie, name).replace(".0", ""))
                .collect::<Vec<String>>()
        };
        assert_eq!(written(&network), values, "{rotation}");
        if rotation == "WEIGHTED" {
            let mut current = two(rotation);
            current.packages[0].creative_ids = vec!["banner".to_owned(), "other".to_owned()];
            let mut desired = current.clone();
            desired.packages[0].targeting.custom = Some(r#"{"creative_weights": {"banner": 10}}"#.to_owned());
            assert_eq!(network.update(&current, &desired, &[]).failed, None);
            assert_eq!(written(&network), ["10", "30"]);
        }
    }
}

#[test]
fn trackers_and_click_macros_of_snippets() {
    let network = start();
    let buy = of(r#"{"ad_units": [{"id": "6004"}], "impression_trackers": ["https://t.example/p"]}"#);
    network.create(&buy);
    let tag = |snippet: &str| Creative {
        format: CreativeFormat::Custom,
        media_url: None,
        template_values: Some(format!(r#"{{"snippet": "{snippet}", "impression_trackers": ["https://t.example/b"]}}"#)),
        ..samples::creative("tag", &["news"])
    };
    let planned = |buy: &MediaBuy, creative: Creative| {
        let batch = CreativeBatch { media_buy: buy.clone(), assets: vec![creative], extensions: Vec::new() };
        network.run(|ctx| Gam::plan(ctx, Change::AddCreatives(batch)))
    };
    let noted = planned(&buy, tag("<b></b>")).unwrap();
    assert!(noted.notes.iter().any(|note| note.contains("%%CLICK_URL_UNESC%%")), "{:?}", noted.notes);
    let clean = planned(&buy, tag("<a href='%%CLICK_URL_ESC%%x'></a>")).unwrap();
    assert!(clean.notes.is_empty(), "{:?}", clean.notes);
    let strict = of(r#"{"ad_units": [{"id": "6004"}], "require_click_macro": true}"#);
    assert_eq!(planned(&strict, tag("<b></b>")).unwrap_err().code, "click_macro_missing");
    network.upload(&buy, &[tag("<b></b>"), banner()]);
    let made: Vec<String> = network.objects("creatives").iter().map(Object::to_string).collect();
    assert!(made[0].contains(r#"["https://t.example/b","https://t.example/p"]"#), "{}", made[0]);
    assert!(made[1].contains(r#"["https://t.example/p"]"#), "{}", made[1]);
}

#[test]
fn several_caps_are_sent_together() {
    let network = start();
    let mut buy =
        of(r#"{"ad_units": [{"id": "6004"}], "frequency_caps": [{"impressions": 10, "amount": 1, "unit": "week"}]}"#);
    buy.packages[0].targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::Package });
    buy.packages[0].targeting.custom =
        Some(r#"{"frequency_caps": [{"impressions": 3, "amount": 1, "unit": "day"}]}"#.to_owned());
    network.create(&buy);
    let caps = field(&item(&network, 0), "frequencyCaps");
    assert_eq!(caps.matches("maxImpressions").count(), 3, "{caps}");
}
