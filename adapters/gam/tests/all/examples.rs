//! The requests of the lifecycle document, as the host translates them, for products sold on Ad
//! Manager.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::{change, frames};

use crate::{
    network::{field, start},
    samples,
};

fn package(id: &str) -> PackageOrder {
    frames::documented(samples::package(id))
}

#[test]
fn the_buy_is_created_and_its_banner_runs() {
    let network = start();
    let buy = samples::buy(vec![package("premium_sports")]);
    network.create(&buy);
    // The banner in the document has no width or height.
    let banner = Creative { width: None, height: None, ..samples::creative("banner_001", &["premium_sports"]) };
    let batch = CreativeBatch { media_buy: buy, assets: vec![banner], extensions: Vec::new() };
    let outcome = network.run(|ctx| Gam::add_creative_assets(ctx, batch)).unwrap();
    assert_eq!(outcome.assets[0].state, AssetState::Approved);
    assert_eq!(outcome.notes, ["banner_001 names no width and height: it is taken for 300x250."]);
}

#[test]
fn the_updates_are_taken_but_for_daily_caps() {
    let network = start();
    let current = samples::buy(vec![package("news"), package("entertainment")]);
    network.create(&current);
    let mut desired = frames::prolonged(&current);
    desired.packages[0].creative_ids = vec!["banner_v2".to_owned()];
    desired.packages[1].pacing = Pacing::FrontLoaded;
    let assets = [samples::creative("banner_v2", &[])];
    let outcome = network.update(&current, &desired, &assets);
    assert_eq!(outcome.failed, None);
    assert_eq!(outcome.affected_packages, ["news", "entertainment"]);
    assert_eq!(field(&network.objects("lineItems")[1], "deliveryRateType"), r#""FRONTLOADED""#);
    assert_eq!(field(&network.objects("orders")[0], "status"), r#""APPROVED""#, "its first creative is there");

    let mut capped = desired.clone();
    capped.daily_budget = Some(5_000_000_000);
    capped.packages[1].daily_impressions = Some(50_000);
    let update = change(&desired, &capped, &[], &[]);
    let failure = network.run(|ctx| Gam::plan(ctx, Change::Update(update))).unwrap_err();
    let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
    assert_eq!(fields, ["/daily_budget", "/packages/entertainment/daily_impressions"]);
}
