//! The lifecycle of a buy, from its plan to its end.

use flightdeck_adapter::{prelude::*, step::Remote};
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::frames;

use crate::{
    network::{Network, decide, field, start},
    samples,
};

/// Returns a buy that uses everything: places, devices, key-values, caps, display and video.
pub(crate) fn rich() -> MediaBuy {
    let mut news = samples::package("news");
    news.targeting.rules = vec![
        samples::rule(Dimension::GeoRegion, Operator::AnyOf, &["US-CA", "US-NY"]),
        samples::rule(Dimension::GeoMetro, Operator::NoneOf, &["501"]),
        samples::rule(Dimension::DeviceType, Operator::AnyOf, &["mobile", "desktop"]),
        samples::rule(Dimension::GeoCity, Operator::NoneOf, &["Los Angeles, US-CA"]),
        samples::rule(Dimension::Language, Operator::AnyOf, &["en"]),
    ];
    news.targeting.custom = Some(r#"{"key_values": {"section": ["sports", "news"]}}"#.to_owned());
    news.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::Package });
    let mut video = samples::package("video");
    video.pacing = Pacing::Asap;
    video.formats = vec![CreativeFormat::Video];
    video.product_settings =
        r#"{"placements": ["6502"], "line_item_type": "PRICE_PRIORITY", "priority": 12, "key_values": {"audience": ["parents"]},
            "video": {"max_duration_seconds": 30}}"#
            .to_owned();
    samples::buy(vec![news, video])
}

/// Returns one creative of each format.
pub(crate) fn creatives() -> Vec<Creative> {
    let spot = Creative {
        format: CreativeFormat::Video,
        media_url: Some("https://ads.example.com/vast.xml".to_owned()),
        duration_ms: Some(15_000),
        width: None,
        height: None,
        ..samples::creative("spot", &["video"])
    };
    let tag = Creative {
        format: CreativeFormat::Custom,
        media_url: None,
        template_values: Some(r#"{"snippet":"<script src=\"https://ads.example.com/t.js\"></script>"}"#.to_owned()),
        ..samples::creative("tag", &["news"])
    };
    vec![samples::creative("banner", &["news"]), spot, tag]
}

pub(crate) fn booked(network: Network) -> Network {
    network.create(&rich());
    network.upload(&rich(), &creatives());
    network
}

pub(crate) fn order_status(network: &Network) -> String {
    field(&network.objects("orders")[0], "status").trim_matches('"').to_owned()
}

#[test]
fn a_buy_is_made_as_its_plan_says() {
    let network = start();
    let buy = rich();
    let (planned, plan) = frames::planned(&network, &buy);
    assert_eq!(planned, ["Order", "LineItem", "LineItem"]);
    network.create(&buy);
    assert_eq!((network.count("orders"), network.count("lineItems")), (1, 2));
    let order = &network.objects("orders")[0];
    assert!(field(order, "displayName").starts_with(r#""gam_12345 · Spring ["#), "{order}");
    assert_eq!(field(order, "poNumber"), r#""PO-2024-001""#);
    assert_eq!(order_status(&network), "DRAFT");
    let items = network.objects("lineItems");
    for (item, change) in items.iter().zip(&plan.changes[1..]) {
        for shown in change.fields.iter().filter(|shown| shown.field != "targeting") {
            let sent = match item.get(&shown.field) {
                Some(Json::Text(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => String::new(),
            };
            if ["rate", "goal", "creativePlaceholders", "frequencyCaps"].contains(&shown.field.as_str()) {
                let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).map(u32::from).sum::<u32>();
                assert_eq!(digits(&sent), digits(shown.after.as_deref().unwrap()), "{}", shown.field);
            } else {
                assert_eq!(Some(sent.as_str()), shown.after.as_deref(), "{}", shown.field);
            }
        }
    }
    assert_eq!(network.host.remote().len(), 3);
    assert_eq!(network.status(&buy).state, DeliveryState::AwaitingCreatives);
}

#[test]
fn creatives_are_uploaded_run_in_their_packages_and_the_order_is_approved() {
    let network = start();
    let buy = rich();
    network.create(&buy);
    let planned = frames::planned_upload(&network, &buy, &creatives());
    let tie = "LineItemCreativeAssociation";
    assert_eq!(planned, ["Creative", tie, "Creative", tie, "Creative", tie, "Order"]);
    let statuses = network.upload(&buy, &creatives());
    assert!(statuses.iter().all(|status| status.state == AssetState::Approved), "{statuses:?}");
    assert_eq!((network.count("creatives"), network.count("associations")), (3, 3));
    assert_eq!(order_status(&network), "APPROVED");
    let status = network.status(&buy);
    assert_eq!(status.state, DeliveryState::Scheduled);
    assert!(status.assets.len() == 3 && status.assets.iter().all(|asset| asset.state == AssetState::Approved));
}

#[test]
fn an_asset_that_is_refused_does_not_stop_the_others() {
    let network = start();
    let buy = rich();
    network.create(&buy);
    let odd = Creative { width: Some(7), height: Some(9), ..samples::creative("odd", &["news"]) };
    let audio = Creative { format: CreativeFormat::Audio, ..samples::creative("audio", &["news"]) };
    let far = Creative {
        media_url: Some(format!("https://cdn.example.com/{}", "x".repeat(2000))),
        ..samples::creative("far", &["news"])
    };
    let statuses = network.upload(&buy, &[odd, audio, far, samples::creative("banner", &["news"])]);
    let states: Vec<&AssetState> = statuses.iter().map(|status| &status.state).collect();
    let rejected = &AssetState::Rejected;
    assert_eq!(states, [rejected, rejected, rejected, &AssetState::Approved]);
    assert!(statuses[0].feedback.as_ref().unwrap().contains("7x9"));
    assert!(statuses[2].feedback.as_ref().unwrap().contains("1024"), "{:?}", statuses[2]);
}

#[test]
fn what_was_uploaded_for_a_refused_asset_is_switched_off() {
    let network = start();
    let buy = samples::buy(vec![samples::package("one"), samples::package("two")]);
    let banner = samples::creative("banner", &["one", "two"]);
    let refused = frames::taken_nowhere(&network, ("POST", "/v1/networks/*/lineItems/*/creatives"), &buy, &banner);
    assert_eq!(refused.remote_id, None);
    assert_eq!(network.host.remote().id_of(&RemoteKind::Creative, "banner"), None);
    let sent = network.host.requests();
    assert!(sent.iter().any(|request| request.url.ends_with("/creatives:batchDeactivate")), "{sent:?}");
    let status = network.upload(&buy, &[banner]).remove(0);
    assert_eq!(status.state, AssetState::Approved, "{status:?}");
    assert_eq!(network.count("creatives"), 2);
}

#[test]
fn a_creative_that_was_made_in_spite_of_a_redirect_is_used() {
    let buy = samples::buy(vec![samples::package("one"), samples::package("two")]);
    let banner = samples::creative("banner", &["one", "two"]);
    frames::made_in_spite_of_a_redirect(&start(), "/v1/networks/21700001/creatives", &buy, &banner);
}

#[test]
fn a_buy_delivers_is_counted_and_completes() {
    let network = start();
    let buy = samples::buy(vec![samples::package("news")]);
    network.create(&buy);
    network.upload(&buy, &[samples::creative("banner", &["news"])]);
    network.at("2026-12-04T00:00:00Z");
    let status = network.status(&buy);
    assert_eq!(status.state, DeliveryState::Delivering);
    let delivered = status.packages[0].impressions_delivered.unwrap();
    assert!((99_990..100_010).contains(&delivered), "three of thirty days: {delivered}");

    let rows = network.delivery(&buy, "2026-12-01", "2026-12-31");
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.iter().map(|row| row.impressions).sum::<i64>(), delivered);
    assert_eq!(rows.iter().map(|row| row.spend).sum::<i64>(), delivered * 12_500, "12.50 a thousand, to the micro");
    assert_eq!(rows[0].day, "2026-12-01");
    assert!(rows[0].clicks.unwrap() > 0);

    network.at("2027-01-10T00:00:00Z");
    let status = network.status(&buy);
    assert_eq!(status.state, DeliveryState::Completed);
    assert_eq!(status.packages[0].impressions_delivered, Some(1_000_000));
}

#[test]
fn a_report_of_many_days_is_read_page_by_page_and_waited_for() {
    let network = start();
    let buy = samples::buy(vec![samples::package("news"), samples::package("sports")]);
    network.create(&buy);
    network.upload(&buy, &[samples::creative("banner", &["news", "sports"])]);
    network.at("2027-01-10T00:00:00Z");
    network.page_size(7);
    network.control("PUT", "gam/settings", r#"{"report_polls": 5}"#);
    let rows = network.delivery(&buy, "2026-12-01", "2027-01-10");
    assert_eq!(rows.len(), 60);
    assert_eq!(rows.iter().map(|row| row.impressions).sum::<i64>(), 2_000_000);
    let polls = network.host.requests().iter().filter(|request| request.url.contains("/operations/")).count();
    assert!(polls >= 5, "{polls}");
}

#[test]
fn a_report_that_takes_too_long_is_asked_for_again_later() {
    let network = start();
    let buy = samples::buy(vec![samples::package("news")]);
    network.create(&buy);
    network.control("PUT", "gam/settings", r#"{"report_polls": 1000}"#);
    assert_eq!(frames::not_ready(&network, &buy), Some(60_000));
}

#[test]
fn a_start_that_has_come_is_moved_ahead() {
    let network = start();
    network.at("2026-12-03T10:00:00Z");
    let buy = samples::buy(vec![samples::package("news")]);
    network.create(&buy);
    assert_eq!(field(&network.objects("lineItems")[0], "startTime"), r#""2026-12-03T10:02:00Z""#);
    // The next update doesn't treat that as a difference.
    let mut desired = buy.clone();
    desired.packages[0].impressions = 2_000_000;
    assert_eq!(network.update(&buy, &desired, &[]).failed, None);
    assert_eq!(field(&network.objects("lineItems")[0], "startTime"), r#""2026-12-03T10:02:00Z""#);
}

#[test]
fn a_cancelled_buy_delivers_nothing() {
    let network = booked(start());
    network.at("2026-12-04T00:00:00Z");
    assert_eq!(network.status(&rich()).state, DeliveryState::Delivering);
    assert_eq!(frames::cancelled(&network, &rich()), ["There was nothing on Ad Manager."]);
    assert_eq!(field(&network.objects("orders")[0], "archived"), "true");
    frames::delivers_no_more(&network, &rich(), "2026-12-10T00:00:00Z");
}

#[test]
fn a_buy_that_nobody_remembers_is_found_and_cancelled() {
    frames::forgotten(&start(), "orders", "archived", &samples::buy(vec![samples::package("news")]));
}

#[test]
fn a_refusal_is_in_the_platforms_words() {
    let mut buy = samples::buy(vec![samples::package("news")]);
    buy.packages[0].product_settings = r#"{"ad_units": [{"id": "99"}]}"#.to_owned();
    let failure = frames::refused(&start(), &buy);
    assert!(failure.words().contains("adUnits/99"), "{}", failure.words());
    assert!(!failure.platform.as_ref().unwrap().code.is_empty(), "Google's reason");
}

#[test]
fn a_busy_network_is_tried_again_later() {
    let outcome = frames::busy(
        &start(),
        "/v1/networks/*/orders:batchCreate",
        "orders",
        &samples::buy(vec![samples::package("news")]),
    );
    assert_eq!(outcome, Outcome::now());
}

#[test]
fn many_buys_are_read_in_a_few_requests() {
    let network = start();
    let buys = frames::many(&network, 6, &samples::buy(vec![samples::package("news")]));
    let answers = network.run(|ctx| Gam::check_status(ctx, buys.clone())).unwrap();
    assert_eq!(network.host.requests().len(), 2, "one for orders, one for line items");
    let states: Vec<DeliveryState> = answers.into_iter().map(|answer| answer.status.unwrap().state).collect();
    assert_eq!(states, vec![DeliveryState::AwaitingCreatives; 6]);
    let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
    assert_eq!(network.run(|ctx| Gam::get_delivery(ctx, buys, range)).unwrap().len(), 6);
    let posts = network.host.requests().iter().filter(|request| request.method.as_str() == "POST").count();
    assert_eq!(posts, 2, "one report, defined and run");
}

#[test]
fn an_order_that_is_gone_is_missing() {
    let network = start();
    let buy = samples::buy(vec![samples::package("news")]);
    network.create(&buy);
    let name = network.objects("orders")[0].get("name").cloned();
    let body = object! { "names": vec![name.unwrap()] };
    network.by_hand("POST", "/v1/networks/21700001/orders:batchDelete", &body);
    let status = network.status(&buy);
    assert_eq!((status.state, &status.packages[0].state), (DeliveryState::Missing, &DeliveryState::Missing));
    network.run(|ctx| Gam::cancel_media_buy(ctx, buy.clone())).unwrap();
    assert!(network.host.remote().order().is_none(), "it is forgotten");
}

#[test]
fn a_disapproved_order_says_so() {
    let network = booked(crate::network::start_submitting());
    decide(&network, "disapprove");
    let status = network.status(&rich());
    assert!(matches!(&status.state, DeliveryState::Disapproved(words) if words.contains("DISAPPROVED")), "{status:?}");
    assert!(status.assets.iter().all(|asset| asset.state == AssetState::Rejected));
}
