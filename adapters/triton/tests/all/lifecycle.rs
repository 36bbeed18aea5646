//! The lifecycle of a buy, from its plan to its end.

use flightdeck_adapter::{prelude::*, step::Remote};
use flightdeck_adapter_testing::frames;
use flightdeck_adapter_triton::Triton;

use crate::{
    network::{Network, field, start},
    samples,
};

/// Returns a buy that uses everything: places, devices, genres, hours, caps.
pub(crate) fn rich() -> MediaBuy {
    let mut drive = samples::package("drive");
    drive.targeting.rules = vec![
        samples::rule(Dimension::GeoRegion, Operator::AnyOf, &["US-NY", "US-CA"]),
        samples::rule(Dimension::GeoMetro, Operator::NoneOf, &["803"]),
        samples::rule(Dimension::DeviceType, Operator::AnyOf, &["mobile", "audio"]),
    ];
    drive.targeting.dayparting = Some(Dayparting {
        timezone: "America/New_York".to_owned(),
        schedules: vec![samples::hours(&[Weekday::Sunday], 18, 24)],
        presets: vec!["drive_time_morning".to_owned()],
    });
    drive.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::Package });
    drive.targeting.custom = Some(r#"{"station_ids": [7001], "content_types": ["live"]}"#.to_owned());
    drive.daily_impressions = Some(50_000);
    let mut evening = samples::package("evening");
    evening.pacing = Pacing::Asap;
    evening.product_settings =
        r#"{"genres": ["jazz"], "dayparts": ["evening"], "time_zone": "America/Los_Angeles"}"#.to_owned();
    samples::buy(vec![drive, evening])
}

pub(crate) fn spots() -> Vec<Creative> {
    vec![samples::spot("thirty", &["drive", "evening"]), samples::spot("other", &["evening"])]
}

/// Returns how many spots each flight plays, all of which are published.
pub(crate) fn played(network: &Network) -> Vec<usize> {
    let plays = |flight: &Object| {
        let creative = flight.get("creative").and_then(Json::as_object).unwrap();
        assert_eq!(field(creative, "state"), r#""PUBLISHED""#);
        let groups = creative.get("adGroups").unwrap().items().iter().filter_map(Json::as_object);
        groups.map(|group| group.get("adUnitIds").unwrap().items().len()).sum()
    };
    network.objects("flights").iter().map(plays).collect()
}

pub(crate) fn booked() -> Network {
    let network = start();
    network.create(&rich());
    network.upload(&rich(), &spots());
    network
}

#[test]
fn a_buy_is_made_as_its_plan_says() {
    let network = start();
    let buy = rich();
    let (planned, plan) = frames::planned(&network, &buy);
    assert_eq!(planned, ["Campaign", "Flight", "Flight"]);
    network.create(&buy);
    assert_eq!((network.count("campaigns"), network.count("flights")), (1, 2));
    let campaign = &network.objects("campaigns")[0];
    assert!(field(campaign, "name").starts_with(r#""triton_12345 · Spring ["#), "{campaign}");
    let fields = ["startDate", "endDate", "currency", "teamId", "purchaseOrder", "active"];
    let shown = fields.map(|name| field(campaign, name));
    assert_eq!(
        shown,
        [r#""2026-12-01""#, r#""2026-12-30""#, r#""USD""#, "31", r#""PO-2024-001""#, "true"],
        "days of its flights, currency of its advertiser"
    );
    for (flight, change) in network.objects("flights").iter().zip(&plan.changes[1..]) {
        for shown in change.fields.iter().filter(|shown| shown.field != "name") {
            let sent = match flight.get(&shown.field) {
                Some(Json::Text(text)) => text.clone(),
                value => value.map(ToString::to_string).unwrap_or_default(),
            };
            let letters = |text: &str| {
                let mut letters: Vec<char> = text.chars().collect();
                letters.sort_unstable();
                letters
            };
            // The emulator keeps the fields of an object in a different order.
            assert_eq!(letters(&sent), letters(shown.after.as_deref().unwrap()), "{}", shown.field);
        }
    }
    assert_eq!(network.host.remote().len(), 5, "the zone of each flight, too");
    let status = network.status(&buy);
    assert_eq!((status.state, status.detail.as_str()), (DeliveryState::AwaitingCreatives, ""));
}

#[test]
fn creatives_are_uploaded_and_play_in_their_packages() {
    let network = start();
    let buy = rich();
    network.create(&buy);
    let planned = frames::planned_upload(&network, &buy, &spots());
    assert_eq!(planned, ["Creative", "FlightCreative", "FlightCreative", "Creative", "FlightCreative"]);
    let statuses = network.upload(&buy, &spots());
    assert!(statuses.iter().all(|status| status.state == AssetState::Approved), "{statuses:?}");
    assert_eq!(network.count("creatives"), 2);
    assert_eq!(played(&network), [1, 2]);
    assert_eq!(network.status(&buy).state, DeliveryState::Scheduled);
}

#[test]
fn an_asset_that_is_refused_does_not_stop_the_others() {
    let network = start();
    let buy = rich();
    network.create(&buy);
    let image = Creative { format: CreativeFormat::Image, ..samples::spot("image", &["drive"]) };
    let long = Creative { duration_ms: Some(751_000), ..samples::spot("long", &["drive"]) };
    let far = Creative {
        media_url: Some(format!("https://cdn.example.com/{}.mp3", "x".repeat(2000))),
        ..samples::spot("far", &["drive"])
    };
    let statuses = network.upload(&buy, &[image, long, far, samples::spot("good", &["drive"])]);
    let states: Vec<&AssetState> = statuses.iter().map(|status| &status.state).collect();
    let rejected = &AssetState::Rejected;
    assert_eq!(states, [rejected, rejected, rejected, &AssetState::Approved]);
    assert!(statuses[0].feedback.as_ref().unwrap().contains("MP3 or WAV"));
    assert!(statuses[2].feedback.as_ref().unwrap().contains("url:"), "{:?}", statuses[2]);
}

#[test]
fn what_was_uploaded_for_a_refused_asset_is_used_later() {
    let network = start();
    let buy = samples::buy(vec![samples::package("one"), samples::package("two")]);
    let banner = samples::spot("banner", &["one", "two"]);
    let refused = frames::taken_nowhere(&network, ("PUT", "/v1/flights/*"), &buy, &banner);
    let known = network.host.remote().id_of(&RemoteKind::Creative, "banner").map(str::to_owned);
    assert_eq!(refused.remote_id, known);
    let status = network.upload(&buy, &[banner]).remove(0);
    assert_eq!(status.state, AssetState::Approved, "{status:?}");
    assert_eq!(network.count("creatives"), 1);
}

#[test]
fn a_creative_that_was_made_in_spite_of_a_redirect_is_used() {
    let buy = samples::buy(vec![samples::package("one"), samples::package("two")]);
    let banner = samples::spot("banner", &["one", "two"]);
    frames::made_in_spite_of_a_redirect(&start(), "/v1/creatives", &buy, &banner);
}

#[test]
fn a_buy_delivers_is_counted_and_completes() {
    let network = start();
    let buy = samples::buy(vec![samples::package("drive"), samples::package("midday")]);
    network.create(&buy);
    network.upload(&buy, &[samples::spot("thirty", &["drive", "midday"])]);
    network.at("2026-12-04T05:00:00Z");
    let status = network.status(&buy);
    assert_eq!(status.state, DeliveryState::Delivering);
    let delivered = status.packages[0].impressions_delivered.unwrap();
    assert_eq!(delivered, 100_000, "three of thirty days");
    let rows = network.delivery(&buy, "2026-12-01", "2026-12-31");
    assert_eq!(rows.len(), 6, "reports reach to yesterday, in UTC");
    let range = |last: &str| network.delivery(&buy, "2026-12-04", last);
    assert_eq!(range("2026-12-31"), [], "nothing of today");
    network.at("2026-12-05T05:00:00Z");
    let delivered = network.status(&buy).packages[0].impressions_delivered.unwrap();
    let rows = [rows, range("2026-12-04")].concat();
    assert_eq!(rows.len(), 8);
    let impressions = rows.iter().map(|row| row.impressions).sum::<i64>();
    assert!(impressions < 2 * delivered, "the five hours of today in UTC are missing");
    assert_eq!(rows.iter().map(|row| row.spend).sum::<i64>(), impressions * 12_500, "12.50 a thousand, to the micro");
    assert!(rows[0].clicks.unwrap() > 0 && rows[0].video_completions.is_none());
    network.at("2027-01-10T00:00:00Z");
    let status = network.status(&buy);
    assert_eq!(status.state, DeliveryState::Completed);
    assert_eq!(status.packages[0].impressions_delivered, Some(1_000_000));
}

#[test]
fn a_buy_stands_as_its_days_do_and_not_as_the_two_days_around_them() {
    let network = start();
    let mut drive = samples::package("drive");
    // So that it doesn't reach its goal.
    drive.daily_impressions = Some(1_000);
    let buy = samples::buy(vec![drive]);
    network.at("2026-11-20T00:00:00Z");
    network.create(&buy);
    network.upload(&buy, &[samples::spot("thirty", &["drive"])]);
    for (at, platform, state) in [
        ("2026-11-29T04:59:59Z", "ACTIVE", DeliveryState::Scheduled),
        ("2026-12-01T04:59:59Z", "ACTIVE", DeliveryState::Scheduled),
        ("2026-12-01T05:00:00Z", "ACTIVE", DeliveryState::Delivering),
        ("2026-12-31T04:59:59Z", "ACTIVE", DeliveryState::Delivering),
        ("2026-12-31T05:00:00Z", "ACTIVE", DeliveryState::Completed),
        ("2027-01-02T04:59:59Z", "ACTIVE", DeliveryState::Completed),
        ("2027-01-02T05:00:00Z", "DONE", DeliveryState::Completed),
    ] {
        network.at(at);
        assert_eq!(field(&network.objects("flights")[0], "status"), format!("\"{platform}\""), "{at}");
        let status = network.status(&buy);
        assert_eq!((&status.state, &status.packages[0].state), (&state, &state), "{at}");
    }
}

#[test]
fn a_flight_is_booked_for_the_stations_days() {
    for (zone, start, end) in [
        ("America/New_York", "2027-03-01T05:00:00Z", "2027-04-01T03:59:59Z"),
        ("America/Sao_Paulo", "2027-03-01T03:00:00Z", "2027-04-01T02:59:59Z"),
        ("Asia/Kathmandu", "2027-02-28T18:15:00Z", "2027-03-31T18:14:59Z"),
        ("America/New_York", "2027-03-01T00:00:00Z", "2027-03-31T23:59:59Z"),
    ] {
        let network = start_at("2026-11-20T00:00:00Z");
        let mut drive = samples::package("drive");
        drive.product_settings = format!(r#"{{"time_zone": "{zone}"}}"#);
        start.clone_into(&mut drive.start);
        end.clone_into(&mut drive.end);
        let buy = samples::buy(vec![drive]);
        network.create(&buy);
        for kind in ["campaigns", "flights"] {
            let booked = ["startDate", "endDate"].map(|name| field(&network.objects(kind)[0], name));
            assert_eq!(booked, [r#""2027-03-01""#, r#""2027-03-31""#], "{kind} {zone} {start} {end}");
        }
    }
}

fn start_at(now: &str) -> Network {
    let network = start();
    network.at(now);
    network
}

#[test]
fn a_report_is_waited_for_as_long_as_the_call_may_take() {
    let network = booked();
    network.control("PUT", "triton/settings", r#"{"report_polls": 1000}"#);
    assert_eq!(frames::not_ready(&network, &rich()), Some(30_000));
    network.control("PUT", "triton/settings", r#"{"report_polls": 4}"#);
    network.delivery(&rich(), "2026-12-01", "2026-12-31");
}

#[test]
fn a_report_that_fails_fails_its_buys() {
    let network = booked();
    network.at("2026-12-10T00:00:00Z");
    network.control("PUT", "triton/settings", r#"{"reports_fail": true}"#);
    let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
    let answers = network.run(|ctx| Triton::get_delivery(ctx, vec![network.remote_buy(&rich())], range)).unwrap();
    assert_eq!(answers[0].delivery.as_ref().unwrap_err().code, "report_failed");
}

#[test]
fn many_buys_are_read_in_a_few_requests_and_one_that_is_gone_fails_alone() {
    let network = start();
    let buys = frames::many(&network, 6, &samples::buy(vec![samples::package("drive")]));
    network.run(|ctx| Triton::check_status(ctx, buys.clone())).unwrap();
    assert_eq!(network.host.requests().len(), 2, "one for campaigns, one for flights");
    let mut gone = buys[0].clone();
    gone.media_buy_id = "triton_gone".to_owned();
    gone.remote[0].id = "1".to_owned();
    network.at("2026-12-10T00:00:00Z");
    let answers = network.run(|ctx| Triton::check_status(ctx, vec![buys[0].clone(), gone.clone()])).unwrap();
    let states: Vec<DeliveryState> = answers.into_iter().map(|answer| answer.status.unwrap().state).collect();
    assert_eq!(states, [DeliveryState::AwaitingCreatives, DeliveryState::Missing]);
    let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
    let answers = network.run(|ctx| Triton::get_delivery(ctx, vec![buys[1].clone(), gone], range)).unwrap();
    let fine: Vec<bool> = answers.iter().map(|answer| answer.delivery.is_ok()).collect();
    assert_eq!(fine, [true, false]);
}

#[test]
fn a_first_day_that_is_over_becomes_today() {
    let network = start();
    network.at("2026-12-03T10:00:00Z");
    let buy = samples::buy(vec![samples::package("drive")]);
    network.create(&buy);
    assert_eq!(field(&network.objects("flights")[0], "startDate"), r#""2026-12-03""#);
    // The next update doesn't treat that as a difference.
    let mut desired = buy.clone();
    desired.packages[0].impressions = 2_000_000;
    assert_eq!(network.update(&buy, &desired, &[]).failed, None);
    assert_eq!(field(&network.objects("flights")[0], "startDate"), r#""2026-12-03""#);
}

#[test]
fn a_cancelled_buy_plays_nothing() {
    let network = booked();
    network.at("2026-12-04T00:00:00Z");
    assert_eq!(frames::cancelled(&network, &rich()), ["There was nothing on Triton."]);
    let campaign = &network.objects("campaigns")[0];
    assert_eq!((field(campaign, "active"), field(campaign, "archived")), ("false".into(), "true".into()));
    frames::delivers_no_more(&network, &rich(), "2026-12-20T00:00:00Z");
}

#[test]
fn a_buy_that_nobody_remembers_is_found_and_cancelled() {
    frames::forgotten(&start(), "campaigns", "archived", &samples::buy(vec![samples::package("drive")]));
}

#[test]
fn a_refusal_is_in_the_platforms_words() {
    let mut buy = samples::buy(vec![samples::package("drive")]);
    buy.packages[0].product_settings = r#"{"station_ids": [99]}"#.to_owned();
    let failure = frames::refused(&start(), &buy);
    assert_eq!(failure.words(), "stationIds: there is no station 99");
}

#[test]
fn a_busy_platform_is_tried_again_later() {
    frames::busy(&start(), "/v1/campaigns", "campaigns", &samples::buy(vec![samples::package("drive")]));
}

#[test]
fn a_buy_in_another_currency_than_the_advertisers_is_refused_before_anything_is_made() {
    let network = start();
    let buy = MediaBuy { currency: "EUR".to_owned(), ..samples::buy(vec![samples::package("drive")]) };
    let settings =
        |currency: &str| format!(r#"{{{currency}"team_id":31,"content_types":["live"],"positions":["mid"]}}"#);
    let planned = network.run(|ctx| Triton::plan(ctx, Change::Create(buy.clone()))).unwrap_err();
    assert_eq!(planned.items[0].field, "/currency", "the settings say it");
    let ctx = Context { settings: settings(""), ..network.context() };
    let failure = network.run(|_| Triton::create_media_buy(ctx, buy.clone())).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.kind), ("unsupported_currency", FailureKind::Unsupported));
    assert!(failure.message.contains("USD") && failure.message.contains("EUR"), "{}", failure.message);
    assert_eq!(network.count("campaigns"), 0);
    let euro = Context { settings: settings(""), advertiser_id: "503".to_owned(), ..network.context() };
    network.run(|_| Triton::create_media_buy(euro, buy.clone())).unwrap();
    assert_eq!(field(&network.objects("campaigns")[0], "currency"), r#""EUR""#);
    let dollars = samples::buy(vec![samples::package("drive")]);
    let inactive = Context { advertiser_id: "504".to_owned(), ..network.context() };
    let failure = network.run(|_| Triton::create_media_buy(inactive, dollars)).unwrap_err();
    assert_eq!(failure.code, "advertiser_inactive");
}

#[test]
fn a_buy_stands_as_people_at_the_publisher_decide() {
    let network = booked();
    network.at("2026-12-04T12:00:00Z");
    let drive = network.host.remote().package("drive").unwrap().to_owned();
    let state = || network.status(&rich()).packages[0].state.clone();
    let give = |status: &str| {
        network.control("PUT", &format!("triton/flights/{drive}/status"), status);
        state()
    };
    assert_eq!(give(r#""DRAFT""#), DeliveryState::PendingApproval);
    assert!(matches!(give(r#""DECLINED""#), DeliveryState::Disapproved(_)));
    assert_eq!(give(r#""APPROVED""#), DeliveryState::Scheduled);
    assert_eq!(give("null"), DeliveryState::Delivering);
}

#[test]
fn a_creative_whose_publishing_was_cut_off_is_published() {
    let network = start();
    let buy = samples::buy(vec![samples::package("drive")]);
    network.create(&buy);
    network.fault(r#"{"method":"POST","path":"/v1/flights/*/creative/publish","action":{"fail":{"status":503}}}"#);
    let batch = CreativeBatch {
        media_buy: buy.clone(),
        assets: vec![samples::spot("thirty", &["drive"])],
        extensions: Vec::new(),
    };
    let failure = network.run(|ctx| Triton::add_creative_assets(ctx, batch.clone())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(network.status(&buy).state, DeliveryState::AwaitingCreatives, "a draft doesn't serve");
    network.again(|ctx| Triton::add_creative_assets(ctx, batch)).unwrap();
    assert_eq!((played(&network), network.status(&buy).state), (vec![1], DeliveryState::Scheduled));
}

#[test]
fn spots_of_different_lengths_are_groups_of_their_own() {
    let network = start();
    let buy = samples::buy(vec![samples::package("drive")]);
    network.create(&buy);
    let long = Creative { duration_ms: Some(60_000), ..samples::spot("sixty", &["drive"]) };
    let statuses =
        network.upload(&buy, &[samples::spot("thirty", &["drive"]), long, samples::spot("more", &["drive"])]);
    assert!(statuses.iter().all(|status| status.state == AssetState::Approved), "{statuses:?}");
    let creative = field(&network.objects("flights")[0], "creative");
    assert_eq!((played(&network), creative.matches("durationSeconds").count()), (vec![3], 2), "{creative}");
}
