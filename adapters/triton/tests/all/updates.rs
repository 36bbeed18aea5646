//! Updates of an existing buy.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_testing::{change, frames};
use flightdeck_adapter_triton::Triton;

use crate::{
    lifecycle::{booked, played, rich, spots},
    network::{field, start},
    samples,
};

/// Returns the rich buy with its creatives, its desired state, and the creatives that this state
/// needs.
pub(crate) fn changed() -> (MediaBuy, MediaBuy, Vec<Creative>) {
    let mut current = rich();
    current.packages[0].creative_ids = vec!["thirty".to_owned()];
    current.packages[1].creative_ids = vec!["thirty".to_owned(), "other".to_owned()];
    let mut desired = current.clone();
    desired.end = "2027-01-05T23:59:59Z".to_owned();
    desired.total_budget = 30_000_000_000;
    let drive = &mut desired.packages[0];
    drive.impressions = 1_200_000;
    drive.end.clone_from(&desired.end);
    drive.targeting.rules[0].values = vec!["US-TX".to_owned()];
    drive.daily_impressions = None;
    drive.creative_ids = vec!["new".to_owned()];
    desired.packages[1].active = false;
    let mut assets = spots();
    assets.push(samples::spot("new", &["drive"]));
    (current, desired, assets)
}

#[test]
fn an_update_sends_what_its_plan_shows() {
    let network = booked();
    let (current, desired, assets) = changed();
    let update = change(&current, &desired, &assets, &["drive"]);
    assert_eq!(
        frames::planned_update(&network, &update),
        [
            "PlanAction::Update Flight# goal endDate dailyCap targeting",
            "PlanAction::Create Creative advertiserId name type format durationSeconds url clickUrl",
            "PlanAction::Associate FlightCreative creativeId",
            "PlanAction::Delete FlightCreative# creativeId",
            "PlanAction::Update Flight# active",
        ]
    );
    let outcome = network.run(|ctx| Triton::update_media_buy(ctx, update)).unwrap();
    assert_eq!((outcome.affected_packages, outcome.failed), (vec!["drive".to_owned(), "evening".to_owned()], None));
    let flights = network.objects("flights");
    assert_eq!(field(&flights[0], "endDate"), r#""2027-01-05""#);
    assert_eq!(field(&flights[0], "dailyCap"), "null", "it is taken away");
    assert!(field(&flights[0], "targeting").contains("TX") && field(&flights[0], "dayparts").contains("06:00"));
    assert!(field(&flights[0], "name").starts_with(r#""Package drive ["#), "the reference stays");
    assert_eq!(played(&network), [1, 2]);
    assert_eq!(field(&flights[1], "status"), r#""PAUSED""#);
    assert_eq!(network.count("creatives"), 3);
}

#[test]
fn nothing_to_change_sends_nothing() {
    frames::nothing_to_change(&booked(), &changed().0, &spots());
}

#[test]
fn a_buy_becomes_longer_and_shorter_again() {
    let network = booked();
    let (current, ..) = changed();
    let mut longer = current.clone();
    longer.end = "2027-01-31T23:59:59Z".to_owned();
    for package in &mut longer.packages {
        package.end.clone_from(&longer.end);
    }
    assert_eq!(network.update(&current, &longer, &[]).failed, None);
    assert_eq!(network.update(&longer, &current, &[]).failed, None);
    let days = |kind: &str| field(&network.objects(kind)[0], "endDate");
    assert_eq!((days("campaigns"), days("flights")), (r#""2026-12-30""#.to_owned(), r#""2026-12-30""#.to_owned()));
}

#[test]
fn a_rate_is_fixed_once_a_flight_is_in_progress() {
    let network = booked();
    let (current, ..) = changed();
    let mut dearer = current.clone();
    dearer.packages[1].price.rate = 15_000_000;
    assert_eq!(network.update(&current, &dearer, &[]).failed, None, "before it begins");
    network.at("2026-12-05T00:00:00Z");
    let mut again = dearer.clone();
    again.packages[1].price.rate = 16_000_000;
    let failed = network.update(&dearer, &again, &[]).failed.unwrap();
    assert_eq!((failed.package_id.as_str(), failed.failure.code.as_str()), ("evening", "rate_locked"));
    assert!(failed.failure.message.contains("buy another"), "{}", failed.failure.message);
    let mut more = dearer.clone();
    more.packages[1].impressions = 2_000_000;
    assert_eq!(network.update(&dearer, &more, &[]).failed, None, "a budget is no rate");
}

#[test]
fn a_creative_comes_back_without_being_uploaded_again() {
    let network = booked();
    let (current, ..) = changed();
    let mut without = current.clone();
    without.packages[1].creative_ids = vec!["other".to_owned()];
    assert_eq!(network.update(&current, &without, &spots()).failed, None);
    assert_eq!(played(&network), [1, 1]);
    assert_eq!(network.update(&without, &current, &spots()).failed, None);
    assert_eq!(played(&network), [1, 2]);
    assert_eq!(network.count("creatives"), 2);
}

#[test]
fn the_first_package_that_is_refused_ends_an_update() {
    let network = booked();
    let (current, mut desired, assets) = changed();
    desired.packages[1].product_settings = r#"{"station_ids": [99]}"#.to_owned();
    let update = change(&current, &desired, &assets, &["evening"]);
    let outcome = network.run(|ctx| Triton::update_media_buy(ctx, update)).unwrap();
    let failed = outcome.failed.unwrap();
    assert_eq!((failed.package_id.as_str(), failed.failure.words()), ("evening", "stationIds: there is no station 99"));
    assert_eq!(outcome.affected_packages, [""; 0], "the buyer named evening first");
    assert!(field(&network.objects("flights")[0], "goal").contains("1000000"));
}

#[test]
fn a_buy_is_paused_and_resumed() {
    let network = booked();
    network.at("2026-12-04T00:00:00Z");
    let (current, ..) = changed();
    let paused = MediaBuy { active: false, ..current.clone() };
    network.update(&current, &paused, &[]);
    assert_eq!(network.status(&paused).state, DeliveryState::Paused);
    network.update(&paused, &current, &[]);
    assert_eq!(network.status(&current).state, DeliveryState::Delivering);
}

#[test]
fn what_was_accepted_once_can_still_be_paused() {
    let network = booked();
    let (mut current, ..) = changed();
    // A newer release or setting refuses all of these.
    current.packages[0].pacing = Pacing::Other("backwards".to_owned());
    current.packages[1].targeting.rules = vec![samples::rule(Dimension::Browser, Operator::AnyOf, &["chrome"])];
    let mut desired = current.clone();
    desired.packages[0].active = false;
    desired.packages[1].active = false;
    let outcome = network.update(&current, &desired, &spots());
    assert_eq!((outcome.failed, outcome.affected_packages.len()), (None, 2));
    // A new request must follow the rules.
    desired.packages[1].targeting.rules.push(samples::rule(Dimension::DeviceType, Operator::AnyOf, &["ctv"]));
    let update = change(&current, &desired, &[], &[]);
    let failure = network.run(|ctx| Triton::update_media_buy(ctx, update)).unwrap_err();
    let values: Vec<&str> = failure.items.iter().map(|item| item.value.as_str()).collect();
    assert_eq!(values, ["chrome", "ctv"]);
}

#[test]
fn an_update_that_triton_cannot_do_is_refused_before_anything_is_sent() {
    let network = start();
    network.create(&rich());
    let mut desired = rich();
    desired.daily_budget = Some(1_000_000);
    desired.packages[0].creative_ids.push("lost".to_owned());
    let update = change(&rich(), &desired, &[], &[]);
    let planned = network.run(|ctx| Triton::plan(ctx, Change::Update(update.clone()))).unwrap_err();
    let run = network.run(|ctx| Triton::update_media_buy(ctx, update)).unwrap_err();
    assert_eq!(planned, run);
    let fields: Vec<&str> = planned.items.iter().map(|item| item.field.as_str()).collect();
    assert_eq!(fields, ["/daily_budget", "/packages/drive/creative_ids"]);
    assert!(network.host.requests().is_empty());
}

#[test]
fn a_flight_that_is_done_becomes_active_again_by_a_later_end() {
    let network = booked();
    let (current, ..) = changed();
    network.at("2027-01-03T12:00:00Z");
    assert_eq!(field(&network.objects("flights")[0], "status"), r#""DONE""#);
    let mut longer = current.clone();
    longer.end = "2027-01-31T23:59:59Z".to_owned();
    for package in &mut longer.packages {
        package.end.clone_from(&longer.end);
        package.impressions = 2_000_000;
    }
    assert_eq!(network.update(&current, &longer, &[]).failed, None);
    assert_eq!(field(&network.objects("flights")[0], "status"), r#""ACTIVE""#);
}
