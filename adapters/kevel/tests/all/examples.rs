//! The requests of the lifecycle document, as the host translates them, for products sold on Kevel.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_kevel::Kevel;
use flightdeck_adapter_testing::frames;

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
    let buy = samples::buy(vec![package("premium_sports"), package("drive_time_audio")]);
    network.create(&buy);
    let flight = &network.objects("flights")[0];
    assert_eq!(
        field(flight, "CustomTargeting"),
        r#""$device.formFactor contains \"mobile\" or $device.formFactor contains \"desktop\"""#
    );
    assert_eq!(network.count("geotargeting"), 4);
    // The banner in the document has no width or height.
    let banner = Creative { width: None, height: None, ..samples::creative("banner_001", &["premium_sports"]) };
    let batch = CreativeBatch { media_buy: buy, assets: vec![banner], extensions: Vec::new() };
    let outcome = network.run(|ctx| Kevel::add_creative_assets(ctx, batch)).unwrap();
    assert_eq!(outcome.assets[0].state, AssetState::Approved);
    assert_eq!(outcome.notes, ["banner_001 names no width and height: it is taken for 300x250."]);
}

#[test]
fn the_updates_are_taken_but_for_front_loading() {
    let network = start();
    let current = samples::buy(vec![package("news"), package("entertainment")]);
    network.create(&current);
    let mut desired = frames::prolonged(&current);
    desired.daily_budget = Some(5_000_000_000);
    desired.packages[0].creative_ids = vec!["banner_v2".to_owned(), "video_v2".to_owned()];
    let video = Creative {
        format: CreativeFormat::Video,
        media_url: Some("https://cdn.example.com/video_v2.mp4".to_owned()),
        duration_ms: Some(15_000),
        ..samples::creative("video_v2", &[])
    };
    let mut update = MediaBuyUpdate {
        current,
        desired,
        creatives: vec![samples::creative("banner_v2", &[]), video],
        touched: vec!["news".to_owned()],
        extensions: Vec::new(),
    };
    let outcome = network.run(|ctx| Kevel::update_media_buy(ctx, update.clone())).unwrap();
    assert_eq!(outcome.failed, None);
    assert_eq!(outcome.affected_packages, ["news", "entertainment"]);
    assert_eq!(network.count("ads"), 2);

    update.current = update.desired.clone();
    let entertainment = &mut update.desired.packages[1];
    entertainment.impressions = 750_000;
    entertainment.daily_impressions = Some(50_000);
    entertainment.pacing = Pacing::FrontLoaded;
    let failure = network.run(|ctx| Kevel::plan(ctx, Change::Update(update.clone()))).unwrap_err();
    assert_eq!(failure.items.len(), 1);
    assert_eq!(failure.items[0].field, "/packages/entertainment/pacing");
    update.desired.packages[1].pacing = Pacing::Even;
    let outcome = network.run(|ctx| Kevel::update_media_buy(ctx, update)).unwrap();
    assert_eq!(outcome.affected_packages, ["entertainment"]);
}
