//! Updates of an existing buy.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_kevel::Kevel;
use flightdeck_adapter_testing::frames;

use crate::{
    lifecycle::{creatives, rich},
    network::{Network, field, start},
    samples,
};

/// Returns the rich buy with its creatives, its desired state, and the creatives that this state
/// needs.
pub(crate) fn changed() -> (MediaBuy, MediaBuy, Vec<Creative>) {
    let mut current = rich();
    current.packages[0].creative_ids = vec!["banner".to_owned(), "native".to_owned()];
    current.packages[1].creative_ids = vec!["spot".to_owned(), "native".to_owned()];
    let mut desired = current.clone();
    desired.daily_budget = Some(2_000_000_000);
    let news = &mut desired.packages[0];
    news.impressions = 1_200_000;
    news.end = "2027-01-05T23:59:59Z".to_owned();
    news.targeting.rules[0].values = vec!["US-NY".to_owned(), "US-TX".to_owned()];
    news.targeting.dayparting.as_mut().unwrap().schedules[1].end_hour = 22;
    news.creative_ids = vec!["native".to_owned(), "banner_v2".to_owned()];
    desired.packages[1].active = false;
    let mut assets = creatives();
    assets.push(samples::creative("banner_v2", &["news"]));
    (current, desired, assets)
}

pub(crate) fn update(
    network: &Network,
    current: &MediaBuy,
    desired: &MediaBuy,
    creatives: &[Creative],
) -> UpdateOutcome {
    let update = MediaBuyUpdate {
        current: current.clone(),
        desired: desired.clone(),
        creatives: creatives.to_vec(),
        touched: vec!["sports".to_owned()],
        extensions: Vec::new(),
    };
    network.run(|ctx| Kevel::update_media_buy(ctx, update)).unwrap()
}

pub(crate) fn booked() -> Network {
    let network = start();
    network.create(&rich());
    network.upload(&rich(), &creatives());
    network
}

#[test]
fn an_update_sends_what_its_plan_shows() {
    let network = booked();
    let (current, desired, assets) = changed();
    let change = MediaBuyUpdate {
        current,
        desired,
        creatives: assets,
        touched: vec!["news".to_owned()],
        extensions: Vec::new(),
    };
    assert_eq!(
        frames::planned_update(&network, &change),
        [
            "PlanAction::Update Campaign# DailyCapAmount",
            "PlanAction::Update Flight# EndDateISO Impressions GeoTargeting",
            "PlanAction::Create DayPart StartTime EndTime WeekDays",
            "PlanAction::Delete DayPart StartTime EndTime WeekDays",
            "PlanAction::Create Creative AdvertiserId Title AdTypeId IsActive Url ImageLink Alt",
            "PlanAction::Associate Ad Creative IsActive",
            "PlanAction::Update Ad# IsActive",
            "PlanAction::Update Flight# IsActive",
        ]
    );

    let outcome = network.run(|ctx| Kevel::update_media_buy(ctx, change)).unwrap();
    assert_eq!((outcome.affected_packages, outcome.failed), (vec!["news".to_owned(), "sports".to_owned()], None));
    assert_eq!(field(&network.objects("campaigns")[0], "DailyCapAmount"), "2000");
    let flights = network.objects("flights");
    assert_eq!(field(&flights[0], "EndDateISO"), r#""2027-01-05T23:59:59Z""#);
    assert!(field(&flights[0], "Name").starts_with(r#""Package news ["#), "the reference stays");
    assert!(field(&flights[0], "CustomFieldsJson").contains("media_buy_id"));
    assert_eq!(field(&flights[0], "DailyCapAmountDecimal"), "500", "what was not named stays");
    let regions: Vec<String> = network.objects("geotargeting").iter().map(|place| field(place, "Region")).collect();
    assert_eq!(regions, [r#""NY""#, "null", r#""TX""#]);
    let hours: Vec<String> = network.objects("dayparting").iter().map(|part| field(part, "EndTime")).collect();
    assert_eq!(hours, [r#""10:00:00""#, r#""22:00:00""#]);
    let ads: Vec<String> = network.objects("ads").iter().map(|ad| field(ad, "IsActive")).collect();
    assert_eq!(ads, ["false", "true", "true", "true", "true"], "the old banner is off");
}

#[test]
fn nothing_to_change_sends_nothing() {
    frames::nothing_to_change(&booked(), &changed().0, &creatives());
}

#[test]
fn a_creative_comes_back_without_being_uploaded_again() {
    let network = booked();
    let (current, ..) = changed();
    let mut without = current.clone();
    without.packages[0].creative_ids = vec!["native".to_owned()];
    update(&network, &current, &without, &creatives());
    assert_eq!(field(&network.objects("ads")[0], "IsActive"), "false");
    update(&network, &without, &current, &creatives());
    assert_eq!(field(&network.objects("ads")[0], "IsActive"), "true");
    assert_eq!((network.count("creatives"), network.count("ads")), (3, 4));
}

#[test]
fn the_first_package_that_is_refused_ends_an_update() {
    let network = booked();
    let (current, mut desired, assets) = changed();
    desired.packages[1].product_settings = r#"{"priority_id": 9}"#.to_owned();
    let outcome = update(&network, &current, &desired, &assets);
    let failed = outcome.failed.unwrap();
    assert_eq!(failed.package_id, "sports");
    assert_eq!(failed.failure.words(), "PriorityId: priority 9 does not exist");
    assert_eq!(outcome.affected_packages, [""; 0], "the buyer named sports first");
    assert_eq!(field(&network.objects("flights")[0], "Impressions"), "1000000");
}

#[test]
fn a_pause_and_a_change_of_pacing_take_effect() {
    let network = booked();
    let (current, ..) = changed();
    let mut desired = current.clone();
    desired.active = false;
    desired.packages[1].pacing = Pacing::Even;
    update(&network, &current, &desired, &creatives());
    assert_eq!(network.status(&desired).state, DeliveryState::Paused);
    let sports = &network.objects("flights")[1];
    let names = ["GoalType", "Impressions", "CapType", "LifetimeCapAmount"];
    assert_eq!(names.map(|name| field(sports, name)), ["1", "1000000", "1", "1000000"]);
}

#[test]
fn an_update_that_kevel_cannot_do_is_refused_before_anything_is_sent() {
    let network = booked();
    let (current, mut desired, assets) = changed();
    desired.packages[0].pacing = Pacing::FrontLoaded;
    desired.packages[1].targeting.rules = vec![samples::rule(Dimension::ContentGenre, Operator::AnyOf, &["rock"])];
    let change = MediaBuyUpdate { current, desired, creatives: assets, touched: Vec::new(), extensions: Vec::new() };
    let planned = network.run(|ctx| Kevel::plan(ctx, Change::Update(change.clone()))).unwrap_err();
    let run = network.run(|ctx| Kevel::update_media_buy(ctx, change)).unwrap_err();
    assert_eq!(planned, run);
    assert_eq!(planned.items.len(), 2);
    assert!(network.host.requests().is_empty());
}

#[test]
fn a_creative_that_nobody_has_is_refused_by_its_name() {
    let network = booked();
    let (current, mut desired, assets) = changed();
    desired.packages[1].creative_ids.push("lost".to_owned());
    let change = MediaBuyUpdate { current, desired, creatives: assets, touched: Vec::new(), extensions: Vec::new() };
    let failure = network.run(|ctx| Kevel::plan(ctx, Change::Update(change))).unwrap_err();
    assert_eq!(failure.items.len(), 1);
    assert_eq!(
        (failure.items[0].field.as_str(), failure.items[0].value.as_str()),
        ("/packages/sports/creative_ids", "lost")
    );
}

#[test]
fn a_creative_that_begins_in_two_packages_is_uploaded_once() {
    let network = booked();
    let (current, ..) = changed();
    let mut desired = current.clone();
    for package in &mut desired.packages {
        package.creative_ids.push("banner_v2".to_owned());
    }
    let mut assets = creatives();
    assets.push(samples::creative("banner_v2", &["news", "sports"]));
    let change = MediaBuyUpdate {
        current: current.clone(),
        desired: desired.clone(),
        creatives: assets.clone(),
        touched: Vec::new(),
        extensions: Vec::new(),
    };
    let plan = network.run(|ctx| Kevel::plan(ctx, Change::Update(change))).unwrap();
    let planned: Vec<&str> = plan.changes.iter().map(|change| change.remote_type.as_str()).collect();
    assert_eq!(planned, ["Creative", "Ad", "Ad"]);
    assert_eq!(update(&network, &current, &desired, &assets).failed, None);
    assert_eq!((network.count("creatives"), network.count("ads")), (4, 6));
}
