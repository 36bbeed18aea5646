//! Networks that differ from what the adapter left: changed by hand, or by an older release.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_kevel::Kevel;

use crate::{
    lifecycle::{creatives, rich},
    network::{Network, field, start},
    samples,
    updates::{booked, changed, update},
};

#[test]
fn what_was_accepted_once_can_still_be_paused() {
    let network = booked();
    let (mut current, ..) = changed();
    // A newer release or setting refuses all of these.
    current.packages[0].pacing = Pacing::FrontLoaded;
    current.packages[0].price.model = PriceModel::Cpc;
    current.packages[1].targeting.rules =
        vec![samples::rule(Dimension::ContentGenre, Operator::AnyOf, &["rock", "jazz"])];
    let mut desired = current.clone();
    desired.packages[0].active = false;
    desired.packages[1].active = false;
    let ctx = Context { settings: r#"{"currency":"EUR"}"#.to_owned(), ..network.context() };
    let change = MediaBuyUpdate {
        current: current.clone(),
        desired: desired.clone(),
        creatives: creatives(),
        touched: Vec::new(),
        extensions: Vec::new(),
    };
    network.host.next_operation();
    let plan = network.run(|_| Kevel::plan(ctx.clone(), Change::Update(change.clone()))).unwrap();
    assert_eq!(plan.changes.len(), 2);
    let outcome = network.run(|_| Kevel::update_media_buy(ctx.clone(), change.clone())).unwrap();
    assert_eq!((outcome.failed, outcome.affected_packages.len()), (None, 2));
    for flight in network.objects("flights") {
        assert_eq!(field(&flight, "IsActive"), "false");
    }
    // A new request must follow the rules. A changed targeting is sent as a whole or not at all.
    let mut change = change;
    change.desired.packages[0].pacing = Pacing::Other("backwards".to_owned());
    change.desired.packages[1].targeting.rules.push(samples::rule(Dimension::DeviceType, Operator::AnyOf, &["mobile"]));
    let failure = network.run(|_| Kevel::update_media_buy(ctx, change)).unwrap_err();
    let refused: Vec<(&str, &str)> =
        failure.items.iter().map(|item| (item.field.as_str(), item.value.as_str())).collect();
    let genres = "/packages/sports/targeting_overlay/content_genre_any_of";
    assert_eq!(refused, [("/packages/news/pacing", "backwards"), (genres, "rock"), (genres, "jazz")]);
}

#[test]
fn a_run_after_an_interruption_names_the_same_steps() {
    let network = booked();
    let (current, desired, assets) = changed();
    let change = MediaBuyUpdate {
        current,
        desired,
        creatives: assets,
        touched: vec!["news".to_owned(), "sports".to_owned()],
        extensions: Vec::new(),
    };
    let sports = field(&network.objects("flights")[1], "Id");
    network.fault(&format!(r#"{{"method":"PUT","path":"/v1/flight/{sports}","action":{{"fail":{{"status":503}}}}}}"#));
    let failure = network.run(|ctx| Kevel::update_media_buy(ctx, change.clone())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    let steps = network.host.finished();
    assert!(steps.contains(&"ad/news/banner_v2".to_owned()), "{steps:?}");
    // The host passes the ids that it has learnt since.
    let ctx = network.context();
    let outcome = flightdeck_adapter::testing::run(&network.host, || Kevel::update_media_buy(ctx, change)).unwrap();
    assert_eq!(outcome.unwrap().failed, None);
    let more: Vec<String> = network.host.finished().into_iter().filter(|step| !steps.contains(step)).collect();
    assert_eq!(more, ["flight/sports/update"]);
}

#[test]
fn an_asset_that_one_package_refuses_runs_in_the_others() {
    let network = start();
    network.create(&rich());
    network.fault(
        r#"{"method":"POST","path":"/v1/flight/*/creative","action":{"fail":{"status":400,"body":{"Error":"full"}}}}"#,
    );
    let custom = creatives().remove(2);
    let status = network.upload(&rich(), std::slice::from_ref(&custom)).remove(0);
    assert_eq!((status.state, network.count("ads")), (AssetState::Approved, 1));
    assert_eq!(status.feedback.as_deref(), Some("It does not run in news: full"));
    assert!(status.remote_id.is_some());

    let network = start();
    network.create(&rich());
    network.fault(
        r#"{"method":"POST","path":"/v1/flight/*/creative","times":2,"action":{"fail":{"status":400,"body":{"Error":"full"}}}}"#,
    );
    let status = network.upload(&rich(), &[custom]).remove(0);
    assert_eq!((status.state, network.count("ads")), (AssetState::Rejected, 0));
}

/// Returns the rich buy, and the rich buy without its first region.
fn without_california() -> (MediaBuy, MediaBuy) {
    let current = rich();
    let mut desired = current.clone();
    desired.packages[0].targeting.rules[0].values = vec!["US-NY".to_owned()];
    (current, desired)
}

#[test]
fn a_place_that_is_gone_is_gone() {
    let network = booked();
    let (flight, place) = (network.objects("flights").remove(0), network.objects("geotargeting").remove(0));
    let path = format!("/v1/flight/{}/geotargeting/{}/delete", field(&flight, "Id"), field(&place, "LocationId"));
    network.by_hand("GET", &path, &Object::default());
    let (current, desired) = without_california();
    assert_eq!(update(&network, &current, &desired, &[]).failed, None);
    assert_eq!(network.count("geotargeting"), 2);
}

#[test]
fn a_place_that_somebody_made_again_is_removed() {
    let network = booked();
    let current = rich();
    let mut more = current.clone();
    more.packages[0].targeting.rules[0].values.push("US-TX".to_owned());
    assert_eq!(update(&network, &current, &more, &[]).failed, None);
    let texas = |place: &Object| field(place, "Region") == r#""TX""#;
    let place = network.objects("geotargeting").into_iter().find(texas).unwrap();
    let path = format!("/v1/flight/{}/geotargeting", field(&network.objects("flights")[0], "Id"));
    network.by_hand("GET", &format!("{path}/{}/delete", field(&place, "LocationId")), &Object::default());
    network.by_hand("POST", &path, &object! { "CountryCode": "US", "Region": "TX" });
    assert_eq!(update(&network, &more, &current, &[]).failed, None);
    assert!(!network.objects("geotargeting").iter().any(texas));
}

#[test]
fn a_place_that_cannot_be_told_among_others_is_not_said_to_be_removed() {
    let network = booked();
    let (flight, place) = (network.objects("flights").remove(0), network.objects("geotargeting").remove(0));
    let path = format!("/v1/flight/{}/geotargeting/{}", field(&flight, "Id"), field(&place, "LocationId"));
    network.by_hand("PUT", &path, &object! { "CountryCode": "US", "Region": "TX" });
    let (current, desired) = without_california();
    let failed = update(&network, &current, &desired, &[]).failed.unwrap();
    assert_eq!((failed.package_id.as_str(), failed.failure.code.as_str()), ("news", "entry_not_recognized"));
    assert!(failed.failure.message.contains("TX"), "{}", failed.failure.message);
}

/// Reads an ad, changes it by hand, and writes it back in the spelling of an update.
fn change_ad(network: &Network, change: impl FnOnce(&mut Object)) {
    let mut ad = network.objects("ads").remove(0);
    let creative = ad.get("Creative").and_then(Json::as_object).and_then(|creative| creative.get("Id")).cloned();
    ad.set("Creative", object! { "Id": creative });
    change(&mut ad);
    let path = format!("/v1/flight/{}/creative/{}", field(&ad, "FlightId"), field(&ad, "Id"));
    network.by_hand("PUT", &path, &ad);
}

#[test]
fn the_dates_of_an_ad_stay_when_it_is_switched() {
    let network = booked();
    change_ad(&network, |ad| {
        ad.set("IsStartEndDateOverride", true);
        ad.set("StartDateIso", "2026-12-05T00:00:00Z");
        ad.set("EndDateIso", "2026-12-06T00:00:00Z");
    });
    let (current, ..) = changed();
    let mut without = current.clone();
    without.packages[0].creative_ids = vec!["native".to_owned()];
    assert_eq!(update(&network, &current, &without, &creatives()).failed, None);
    let ad = network.objects("ads").remove(0);
    let fields = ["IsActive", "StartDateISO", "EndDateISO"].map(|name| field(&ad, name));
    assert_eq!(fields, ["false", r#""2026-12-05T00:00:00Z""#, r#""2026-12-06T00:00:00Z""#]);
}

#[test]
fn a_deleted_ad_stays_deleted_when_it_is_switched_off() {
    let network = booked();
    change_ad(&network, |ad| ad.set("IsDeleted", true));
    let (current, ..) = changed();
    let mut without = current.clone();
    without.packages[0].creative_ids = vec!["native".to_owned()];
    assert_eq!(update(&network, &current, &without, &creatives()).failed, None);
    assert_eq!(field(&network.objects("ads")[0], "IsDeleted"), "true");
}

#[test]
fn a_change_writes_the_dates_of_the_buy() {
    let network = booked();
    let mut flight = network.objects("flights").remove(0);
    flight.set("EndDateISO", "2027-06-30T00:00:00Z");
    network.by_hand("PUT", &format!("/v1/flight/{}", field(&flight, "Id")), &flight);
    let (current, ..) = changed();
    let mut desired = current.clone();
    desired.packages[0].impressions += 1;
    assert_eq!(update(&network, &current, &desired, &creatives()).failed, None);
    assert_eq!(field(&network.objects("flights")[0], "EndDateISO"), r#""2026-12-30T23:59:59Z""#);
}
