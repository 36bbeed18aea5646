//! Updates of an existing buy.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::{change, frames};

use crate::{
    lifecycle::{booked, creatives, order_status, rich},
    network::{field, start},
    samples,
};

/// Returns the rich buy with its creatives, its desired state, and the creatives that this state
/// needs.
pub(crate) fn changed() -> (MediaBuy, MediaBuy, Vec<Creative>) {
    let mut current = rich();
    current.packages[0].creative_ids = vec!["banner".to_owned(), "tag".to_owned()];
    current.packages[1].creative_ids = vec!["spot".to_owned()];
    let mut desired = current.clone();
    let news = &mut desired.packages[0];
    news.impressions = 1_200_000;
    news.end = "2027-01-05T23:59:59Z".to_owned();
    news.targeting.rules[0].values = vec!["US-NY".to_owned(), "US-TX".to_owned()];
    news.targeting.frequency_cap = None;
    news.creative_ids = vec!["tag".to_owned(), "banner_v2".to_owned()];
    desired.packages[1].active = false;
    let mut assets = creatives();
    assets.push(samples::creative("banner_v2", &["news"]));
    (current, desired, assets)
}

#[test]
fn an_update_sends_what_its_plan_shows() {
    let network = booked(start());
    let (current, desired, assets) = changed();
    let update = change(&current, &desired, &assets, &["news"]);
    assert_eq!(
        frames::planned_update(&network, &update),
        [
            "PlanAction::Update LineItem# targetEndTime goal targeting frequencyCaps",
            "PlanAction::Create Creative displayName advertiser size imageRedirectCreative",
            "PlanAction::Associate LineItemCreativeAssociation creative",
            "PlanAction::Delete LineItemCreativeAssociation# creative",
            "PlanAction::Update LineItem# active",
        ]
    );
    let outcome = network.run(|ctx| Gam::update_media_buy(ctx, update)).unwrap();
    assert_eq!((outcome.affected_packages, outcome.failed), (vec!["news".to_owned(), "video".to_owned()], None));
    let items = network.objects("lineItems");
    assert_eq!(field(&items[0], "targetEndTime"), r#""2027-01-05T23:59:59Z""#);
    assert!(["null", "[]"].contains(&field(&items[0], "frequencyCaps").as_str()), "the cap is gone");
    assert!(field(&items[0], "rate").contains(r#""12""#), "what was not named stays");
    assert_eq!(field(&items[1], "status"), r#""PAUSED""#);
    assert_eq!(network.count("associations"), 3, "the old banner's is gone, the new one's is there");
    assert_eq!(order_status(&network), "APPROVED");
}

#[test]
fn nothing_to_change_sends_nothing() {
    frames::nothing_to_change(&booked(start()), &changed().0, &creatives());
}

#[test]
fn a_creative_comes_back_without_being_uploaded_again() {
    let network = booked(start());
    let (current, ..) = changed();
    let mut without = current.clone();
    without.packages[0].creative_ids = vec!["tag".to_owned()];
    assert_eq!(network.update(&current, &without, &creatives()).failed, None);
    assert_eq!(network.count("associations"), 2);
    assert_eq!(network.update(&without, &current, &creatives()).failed, None);
    assert_eq!((network.count("creatives"), network.count("associations")), (3, 3));
}

#[test]
fn the_first_package_that_is_refused_ends_an_update() {
    let network = booked(start());
    let (current, mut desired, assets) = changed();
    desired.packages[1].product_settings =
        r#"{"placements": ["99"], "video": {"max_duration_seconds": 30}}"#.to_owned();
    let update = change(&current, &desired, &assets, &["video"]);
    let outcome = network.run(|ctx| Gam::update_media_buy(ctx, update)).unwrap();
    let failed = outcome.failed.unwrap();
    assert_eq!(failed.package_id, "video");
    assert!(failed.failure.words().contains("placements/99"), "{}", failed.failure.words());
    assert_eq!(outcome.affected_packages, [""; 0], "the buyer named video first");
    assert!(field(&network.objects("lineItems")[0], "goal").contains("1000000"));
}

#[test]
fn a_buy_is_paused_and_resumed_with_its_packages_as_they_are() {
    let network = booked(start());
    network.at("2026-12-04T00:00:00Z");
    let (current, ..) = changed();
    let paused = MediaBuy { active: false, ..current.clone() };
    network.update(&current, &paused, &[]);
    assert_eq!((order_status(&network).as_str(), network.status(&paused).state), ("APPROVED", DeliveryState::Paused));
    // While the buy is paused, one package is deactivated, and another is deactivated and activated
    // again.
    let mut off = paused.clone();
    off.packages[0].active = false;
    off.packages[1].active = false;
    assert_eq!(network.update(&paused, &off, &[]).failed, None);
    let mut one = off.clone();
    one.packages[1].active = true;
    assert_eq!(network.update(&off, &one, &[]).failed, None);
    let resumed = MediaBuy { active: true, ..one.clone() };
    assert_eq!(network.update(&one, &resumed, &[]).failed, None);
    let states: Vec<DeliveryState> =
        network.status(&resumed).packages.into_iter().map(|package| package.state).collect();
    assert_eq!(states, [DeliveryState::Paused, DeliveryState::Delivering]);
}

#[test]
fn an_update_that_ad_manager_cannot_do_is_refused_before_anything_is_sent() {
    let network = booked(start());
    let (current, mut desired, assets) = changed();
    desired.packages[0].daily_impressions = Some(1000);
    desired.packages[1].targeting.rules = vec![samples::rule(Dimension::ContentGenre, Operator::AnyOf, &["rock"])];
    let update = change(&current, &desired, &assets, &[]);
    let planned = network.run(|ctx| Gam::plan(ctx, Change::Update(update.clone()))).unwrap_err();
    let run = network.run(|ctx| Gam::update_media_buy(ctx, update)).unwrap_err();
    assert_eq!(planned, run);
    assert_eq!(planned.items.len(), 2);
    assert!(network.host.requests().is_empty());
}

#[test]
fn what_was_accepted_once_can_still_be_paused() {
    let network = booked(start());
    let (mut current, ..) = changed();
    // A newer release or setting refuses all of these.
    current.packages[0].pacing = Pacing::Other("backwards".to_owned());
    current.packages[0].daily_impressions = Some(5);
    current.packages[1].targeting.rules =
        vec![samples::rule(Dimension::ContentGenre, Operator::AnyOf, &["rock", "jazz"])];
    let mut desired = current.clone();
    desired.packages[0].active = false;
    desired.packages[1].active = false;
    let outcome = network.update(&current, &desired, &creatives());
    assert_eq!((outcome.failed, outcome.affected_packages.len()), (None, 2));
    for item in network.objects("lineItems") {
        assert_eq!(field(&item, "status"), r#""PAUSED""#);
    }
}

#[test]
fn a_creative_that_nobody_has_is_refused_by_its_name() {
    let network = booked(start());
    let (current, mut desired, assets) = changed();
    desired.packages[1].creative_ids.push("lost".to_owned());
    let update = change(&current, &desired, &assets, &[]);
    let failure = network.run(|ctx| Gam::plan(ctx, Change::Update(update))).unwrap_err();
    assert_eq!(failure.items.len(), 1);
    let item = &failure.items[0];
    assert_eq!((item.field.as_str(), item.value.as_str()), ("/packages/video/creative_ids", "lost"));
}

#[test]
fn a_refusal_that_passes_is_none_of_the_change() {
    let buy = samples::buy(vec![samples::package("news")]);
    let mut desired = buy.clone();
    desired.packages[0].impressions = 2_000_000;
    for (status, reason, code, wait) in [
        (400, "CONCURRENT_MODIFICATION", "aborted", None),
        (403, "EXCEEDED_QUOTA", "busy", Some(5_000)),
        (400, "ServerError.SERVER_ERROR", "platform_error", None),
    ] {
        let network = start();
        network.create(&buy);
        network.fault(&format!(
            r#"{{"method":"PATCH","path":"/v1/","action":{{"refuse":{{"status":{status},"reason":"{reason}"}}}}}}"#
        ));
        let update = |ctx| Gam::update_media_buy(ctx, change(&buy, &desired, &[], &[]));
        let failure = match network.run(update) {
            Err(failure) => failure,
            Ok(outcome) => outcome.failed.expect("it was refused").failure,
        };
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, code), "{reason}");
        assert_eq!(failure.retry_after_ms, wait, "{reason}");
        assert_eq!(network.again(update).unwrap().failed, None);
        assert!(field(&network.objects("lineItems")[0], "goal").contains("2000000"));
    }
}

#[test]
fn what_is_not_unique_is_there_and_is_looked_up() {
    let network = start();
    let buy = samples::buy(vec![samples::package("news")]);
    // Each object was made, but the response is that of a duplicate.
    for path in ["orders:batchCreate", "lineItems", "creatives"] {
        network.fault(&format!(
            r#"{{"method":"POST","path":"*/{path}","action":{{"fail_after_acting":{{"status":400,"body":
                {{"error":{{"status":"INVALID_ARGUMENT","message":"no","details":[{{"reason":"NOT_UNIQUE"}}]}}}}}}}}}}"#
        ));
    }
    network.create(&buy);
    let uploaded = network.upload(&buy, &[samples::creative("banner", &["news"])]);
    assert_eq!(uploaded[0].state, AssetState::Approved, "{uploaded:?}");
    assert_eq!((network.count("orders"), network.count("lineItems"), network.count("creatives")), (1, 1, 1));
}

#[test]
fn a_limit_of_reports_is_of_reports_alone() {
    let network = start();
    let buy = samples::buy(vec![samples::package("news")]);
    network.create(&buy);
    network.control("PUT", "gam/settings", r#"{"report_runs_per_hour": 0}"#);
    let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
    let delivered = network.run(|ctx| Gam::get_delivery(ctx, vec![network.remote_buy(&buy)], range.clone()));
    let failure = delivered.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.retry_after_ms), ("report_limit", Some(300_000)));
    assert_eq!(network.status(&buy).state, DeliveryState::AwaitingCreatives);
}
