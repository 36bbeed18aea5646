//! The requests of the lifecycle document, as the host translates them, for products sold on
//! Triton.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_testing::{change, frames};
use flightdeck_adapter_triton::Triton;

use crate::{
    network::{field, start},
    samples,
};

fn package(id: &str) -> PackageOrder {
    frames::documented(samples::package(id))
}

#[test]
fn the_buy_is_created_and_its_banner_is_refused_with_what_is_accepted() {
    let network = start();
    let buy = samples::buy(vec![package("drive_time_audio")]);
    network.create(&buy);
    let targeting = field(&network.objects("flights")[0], "targeting");
    for part in [r#""values":["CA","NY"]"#, r#""values":["mobile","desktop"]"#] {
        assert!(targeting.contains(part), "{targeting}");
    }
    let banner = Creative {
        format: CreativeFormat::Image,
        media_url: Some("https://cdn.example.com/banner.jpg".to_owned()),
        ..samples::spot("banner_001", &["drive_time_audio"])
    };
    let batch = CreativeBatch { media_buy: buy.clone(), assets: vec![banner], extensions: Vec::new() };
    let failure = network.run(|ctx| Triton::plan(ctx, Change::AddCreatives(batch))).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.items[0].supported.join(" ").as_str()), ("unsupported_format", "audio"));
    let statuses = network.upload(&buy, &[samples::spot("spot_001", &["drive_time_audio"])]);
    assert_eq!(statuses[0].state, AssetState::Approved);
}

#[test]
fn the_updates_are_taken_but_for_a_campaigns_daily_budget() {
    let network = start();
    let current = samples::buy(vec![package("drive_time_audio"), package("midday_audio")]);
    network.create(&current);
    let mut desired = frames::prolonged(&current);
    desired.packages[1].impressions = 750_000;
    desired.packages[1].daily_impressions = Some(50_000);
    let outcome = network.update(&current, &desired, &[]);
    assert_eq!(outcome.failed, None);
    assert_eq!(outcome.affected_packages, ["drive_time_audio", "midday_audio"]);
    let mut refused = desired.clone();
    refused.packages[1].pacing = Pacing::FrontLoaded;
    assert_eq!(network.update(&desired, &refused, &[]).failed, None);
    assert_eq!(field(&network.objects("flights")[1], "pacing"), r#""FRONT_LOADED""#);
    refused.daily_budget = Some(5_000_000_000);
    let update = change(&desired, &refused, &[], &[]);
    let failure = network.run(|ctx| Triton::plan(ctx, Change::Update(update))).unwrap_err();
    let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
    assert_eq!(fields, ["/daily_budget"]);
}
