//! The lifecycle of a buy, from its plan to its end.

use flightdeck_adapter::{prelude::*, step::Remote};
use flightdeck_adapter_kevel::Kevel;
use flightdeck_adapter_testing::frames;
use flightdeck_emulators::kevel::keywords;

use crate::{
    network::{field, start},
    samples,
};

/// Returns a buy that uses everything: places, expressions, hours, caps, all three formats.
pub(crate) fn rich() -> MediaBuy {
    let mut news = samples::package("news");
    news.targeting.rules = vec![
        samples::rule(Dimension::GeoRegion, Operator::AnyOf, &["US-CA", "US-NY"]),
        samples::rule(Dimension::GeoMetro, Operator::NoneOf, &["501"]),
        samples::rule(Dimension::DeviceType, Operator::AnyOf, &["mobile", "desktop"]),
        samples::rule(Dimension::GeoCity, Operator::NoneOf, &["Los Angeles, US-CA"]),
        samples::rule(Dimension::Language, Operator::AnyOf, &["en"]),
    ];
    news.targeting.dayparting = Some(Dayparting {
        timezone: "America/New_York".to_owned(),
        schedules: vec![
            samples::hours(&[Weekday::Monday, Weekday::Friday], 6, 10),
            samples::hours(&[Weekday::Sunday], 18, 24),
        ],
        presets: Vec::new(),
    });
    news.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 10_080, scope: CapScope::Package });
    news.daily_budget = Some(500_000_000);
    let mut sports = samples::package("sports");
    sports.pacing = Pacing::Asap;
    sports.product_settings =
        r#"{"priority_id": 3002, "sites": [{"site_id": 2002}], "keywords": ["sport", "live game"],
            "video_template": {"id": 5002, "takes": "file", "fields": {"media_url": "ctMediaFile",
                "media_type": "ctMediaType", "duration": "ctDuration", "click_url": "ctClickThrough"}}}"#
            .to_owned();
    let mut buy = samples::buy(vec![news, sports]);
    buy.daily_budget = Some(1_000_000_000);
    buy
}

/// Returns one creative of each format.
pub(crate) fn creatives() -> Vec<Creative> {
    let video = Creative {
        format: CreativeFormat::Video,
        media_url: Some("https://cdn.example.com/spot.mp4".to_owned()),
        duration_ms: Some(15_000),
        width: None,
        height: None,
        ..samples::creative("spot", &["sports"])
    };
    let custom = Creative {
        format: CreativeFormat::Custom,
        media_url: None,
        template_id: Some("5001".to_owned()),
        template_values: Some(
            r#"{"ctHeadline":"Hi","ctImage":"https://cdn.example.com/i.png","ctLink":"https://example.com"}"#
                .to_owned(),
        ),
        ..samples::creative("native", &["news", "sports"])
    };
    vec![samples::creative("banner", &["news"]), video, custom]
}

#[test]
fn a_buy_is_made_as_its_plan_says() {
    let network = start();
    let buy = rich();
    let (planned, plan) = frames::planned(&network, &buy);
    assert_eq!(planned, ["Campaign", "Flight", "DayPart", "DayPart", "Flight"]);

    network.create(&buy);
    assert_eq!((network.count("campaigns"), network.count("flights")), (1, 2));
    assert_eq!(network.count("dayparting"), 2);
    assert_eq!(network.count("geotargeting"), 3);
    let campaign = &network.objects("campaigns")[0];
    assert_eq!(field(campaign, "DailyCapAmount"), "1000");
    let flights = network.objects("flights");
    for (flight, id) in flights.iter().zip(["news", "sports"]) {
        let change = plan.changes.iter().find(|change| {
            change.remote_type == "Flight" && change.package_id.as_deref() == Some(id) //
        });
        for planned in &change.unwrap().fields {
            if ["Name", "GeoTargeting", "SiteZoneTargeting", "CustomFieldsJson"].contains(&planned.field.as_str()) {
                continue;
            }
            let kept = match flight.get(&planned.field) {
                Some(Json::Text(text)) => text.clone(),
                _ => field(flight, &planned.field),
            };
            assert_eq!(Some(kept), planned.after, "{id} {}", planned.field);
        }
        assert_eq!(network.host.remote().package(id), Some(field(flight, "Id").as_str()));
    }
    assert_eq!(field(&flights[0], "EndDateISO"), r#""2026-12-30T23:59:59Z""#);
    let Some(Json::Text(rules)) = flights[1].get("Keywords") else { panic!("{}", flights[1]) };
    for keyword in ["sport", "live game"] {
        assert!(keywords::matches(rules, &[keyword]), "{rules:?} has {keyword}");
    }
}

#[test]
fn creatives_are_uploaded_and_run_in_their_packages() {
    let network = start();
    let buy = rich();
    network.create(&buy);
    assert_eq!(network.status(&buy).state, DeliveryState::AwaitingCreatives);
    let statuses = network.upload(&buy, &creatives());
    assert!(statuses.iter().all(|status| status.state == AssetState::Approved), "{statuses:?}");
    assert_eq!((network.count("creatives"), network.count("ads")), (3, 4));
    let types: Vec<String> = network.objects("creatives").iter().map(|creative| field(creative, "AdTypeId")).collect();
    assert_eq!(types, ["5", "163", "240"]);
    let video = &network.objects("creatives")[1];
    assert_eq!((field(video, "TemplateId"), field(video, "ScriptBody")), ("5002".to_owned(), "null".to_owned()));
    assert_eq!(network.status(&buy).state, DeliveryState::Scheduled);
}

#[test]
fn an_asset_that_is_refused_does_not_stop_the_others() {
    let network = start();
    let buy = samples::buy(vec![samples::package("news")]);
    network.create(&buy);
    let odd = Creative { width: Some(7), height: Some(9), ..samples::creative("odd", &["news"]) };
    let audio = Creative { format: CreativeFormat::Audio, ..samples::creative("audio", &["news"]) };
    let template = Creative {
        format: CreativeFormat::Custom,
        template_id: Some("5001".to_owned()),
        template_values: Some(r#"{"ctHeadline":"Hi"}"#.to_owned()),
        ..samples::creative("native", &["news"])
    };
    let statuses = network.upload(&buy, &[odd, audio, template, samples::creative("banner", &["news"])]);
    let states: Vec<&AssetState> = statuses.iter().map(|status| &status.state).collect();
    let rejected = &AssetState::Rejected;
    assert_eq!(states, [rejected, rejected, rejected, &AssetState::Approved]);
    assert!(statuses[0].feedback.as_ref().unwrap().contains("7x9"));
    assert_eq!(
        statuses[2].feedback.as_deref(),
        Some("TemplateValues: ctImage is required; TemplateValues: ctLink is required")
    );
}

#[test]
fn what_was_uploaded_for_a_refused_asset_is_taken_away() {
    let network = start();
    let buy = samples::buy(vec![samples::package("one"), samples::package("two")]);
    let banner = samples::creative("banner", &["one", "two"]);
    let refused = frames::taken_nowhere(&network, ("POST", "/v1/flight/*/creative"), &buy, &banner);
    assert_eq!(refused.remote_id, None);
    assert_eq!(network.host.remote().id_of(&RemoteKind::Creative, "banner"), None);
    let left = network.objects("creatives");
    assert_eq!((field(&left[0], "IsActive"), field(&left[0], "IsDeleted")), ("false".into(), "true".into()));
    let status = network.upload(&buy, &[banner]).remove(0);
    assert_eq!(status.state, AssetState::Approved, "{status:?}");
    assert_eq!(network.count("creatives"), 1, "those that are not deleted");
}

#[test]
fn a_creative_that_was_made_in_spite_of_a_redirect_is_used() {
    let buy = samples::buy(vec![samples::package("one"), samples::package("two")]);
    let banner = samples::creative("banner", &["one", "two"]);
    frames::made_in_spite_of_a_redirect(&start(), "/v1/creative", &buy, &banner);
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
    assert!((100_000..100_010).contains(&delivered), "three of thirty days: {delivered}");

    let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
    let answers = network.run(|ctx| Kevel::get_delivery(ctx, vec![network.remote_buy(&buy)], range)).unwrap();
    let rows = answers[0].delivery.as_ref().unwrap().rows.clone();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.iter().map(|row| row.impressions).sum::<i64>(), delivered);
    let spend: i64 = rows.iter().map(|row| row.spend).sum();
    assert_eq!(spend, delivered * 12_500, "12.50 a thousand, to the micro");

    network.at("2027-01-10T00:00:00Z");
    let status = network.status(&buy);
    assert_eq!(status.state, DeliveryState::Completed);
    assert_eq!(status.packages[0].impressions_delivered, Some(1_000_000), "no day more and no day less");
}

/// Buyers ask about one buy after the other.
#[test]
fn one_report_serves_whoever_asks_next() {
    let network = start();
    let buys = frames::many(&network, 3, &samples::buy(vec![samples::package("news")]));
    let asked = |day: &str, buy: &RemoteBuy| {
        let range = DateRange { first: "2026-12-01".to_owned(), last: day.to_owned() };
        let answers = network.run(|ctx| Kevel::get_delivery(ctx, vec![buy.clone()], range)).unwrap();
        let queued = network.host.requests().iter().filter(|request| request.url.ends_with("/report/queue")).count();
        // To the minute: waiting for a report takes a second.
        (queued, answers[0].delivery.clone().unwrap().as_of.unwrap()[..16].to_owned())
    };
    network.at("2026-12-04T00:00:00Z");
    for buy in &buys {
        assert_eq!(asked("2026-12-31", buy).0, 1);
    }
    network.at("2026-12-04T00:09:00Z");
    for buy in &buys {
        assert_eq!(asked("2026-12-20", buy), (0, "2026-12-04T00:00".to_owned()), "the last report had all three");
    }
    network.at("2026-12-04T00:11:00Z");
    let queued: Vec<usize> = buys.iter().map(|buy| asked("2026-12-31", buy).0).collect();
    assert_eq!(queued, [1, 0, 0], "one report for all of them");
    assert_eq!(asked("2026-12-31", &buys[2]).1, "2026-12-04T00:11");
}

#[test]
fn a_cancelled_buy_delivers_nothing() {
    let network = start();
    network.create(&rich());
    network.upload(&rich(), &creatives());
    let plan = network.run(|ctx| Kevel::plan(ctx, Change::Cancel(rich()))).unwrap();
    assert_eq!(plan.changes.len(), 3);
    assert_eq!(frames::cancelled(&network, &rich()), ["There was nothing on Kevel."]);
    for kind in ["campaigns", "flights"] {
        for object in network.objects(kind) {
            assert_eq!((field(&object, "IsActive"), field(&object, "IsArchived")), ("false".into(), "true".into()));
        }
    }
}

#[test]
fn a_buy_that_nobody_remembers_is_found_and_cancelled() {
    frames::forgotten(&start(), "campaigns", "IsArchived", &samples::buy(vec![samples::package("news")]));
}

#[test]
fn a_refusal_is_in_the_platforms_words() {
    let mut buy = samples::buy(vec![samples::package("news")]);
    buy.packages[0].product_settings = r#"{"priority_id": 9}"#.to_owned();
    let failure = frames::refused(&start(), &buy);
    assert_eq!(failure.words(), "PriorityId: priority 9 does not exist");
}

#[test]
fn a_busy_network_is_tried_again_later() {
    frames::busy(&start(), "/v1/campaign", "campaigns", &samples::buy(vec![samples::package("news")]));
}
