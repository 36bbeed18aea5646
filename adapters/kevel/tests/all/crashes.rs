//! Each operation, cut off after each of its interactions and run again: every change is made
//! exactly once.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_kevel::Kevel;
use flightdeck_adapter_testing::frames;

use crate::{
    lifecycle::{creatives, rich},
    network::{Network, field, start},
    samples,
    updates::changed,
};

/// Tries every cut of an operation, on prepared networks.
fn everywhere<T>(
    prepare: impl Fn(&Network),
    operation: impl Fn(Context) -> Fallible<T>,
    look: impl Fn(&Network, u32),
) -> u32 {
    let prepared = || {
        let network = start();
        prepare(&network);
        network
    };
    flightdeck_adapter_testing::everywhere(prepared, operation, look)
}

#[test]
fn a_buy_is_made_once() {
    let cuts = everywhere(
        |_| {},
        |ctx| Kevel::create_media_buy(ctx, rich()),
        |network, cut| {
            let kinds = ["campaigns", "flights", "geotargeting", "sitezonetargeting", "dayparting"];
            assert_eq!(kinds.map(|kind| network.count(kind)), [1, 2, 3, 1, 2], "cut after {cut}");
            assert_eq!(network.host.remote().len(), 5, "campaign, flights and day parts are remembered");
        },
    );
    assert!(cuts > 20, "{cuts}");
}

#[test]
fn creatives_are_uploaded_once() {
    let cuts = everywhere(
        |network| {
            network.create(&rich());
            // Whatever a lookup searches for may be on the last page.
            network.page_size(1);
        },
        |ctx| {
            Kevel::add_creative_assets(
                ctx,
                CreativeBatch { media_buy: rich(), assets: creatives(), extensions: Vec::new() },
            )
        },
        |network, cut| {
            assert_eq!((network.count("creatives"), network.count("ads")), (3, 4), "cut after {cut}");
        },
    );
    assert!(cuts > 28, "{cuts}");
}

#[test]
fn an_update_is_made_once() {
    let (current, desired, assets) = changed();
    let update = MediaBuyUpdate {
        current,
        desired,
        creatives: assets,
        touched: vec!["news".to_owned(), "sports".to_owned()],
        extensions: Vec::new(),
    };
    let cuts = everywhere(
        |network| {
            network.create(&rich());
            network.upload(&rich(), &creatives());
        },
        |ctx| {
            let outcome = Kevel::update_media_buy(ctx, update.clone())?;
            assert_eq!(outcome.failed, None);
            assert_eq!(outcome.affected_packages, ["news", "sports"]);
            Ok(())
        },
        |network, cut| {
            let kinds = ["campaigns", "flights", "geotargeting", "dayparting", "creatives", "ads"];
            assert_eq!(kinds.map(|kind| network.count(kind)), [1, 2, 3, 2, 4, 5], "cut after {cut}");
            let flights = network.objects("flights");
            assert_eq!(field(&flights[0], "Impressions"), "1200000", "cut after {cut}");
            assert_eq!(field(&flights[1], "IsActive"), "false");
        },
    );
    assert!(cuts > 30, "{cuts}");
}

#[test]
fn a_creative_comes_back_once() {
    let (current, ..) = changed();
    let mut without = current.clone();
    without.packages[0].creative_ids = vec!["native".to_owned()];
    let back = |current: &MediaBuy, desired: &MediaBuy| MediaBuyUpdate {
        current: current.clone(),
        desired: desired.clone(),
        creatives: creatives(),
        touched: Vec::new(),
        extensions: Vec::new(),
    };
    everywhere(
        |network| {
            network.create(&rich());
            network.upload(&rich(), &creatives());
            network.run(|ctx| Kevel::update_media_buy(ctx, back(&current, &without))).unwrap();
        },
        |ctx| Kevel::update_media_buy(ctx, back(&without, &current)),
        |network, cut| {
            assert_eq!((network.count("creatives"), network.count("ads")), (3, 4), "cut after {cut}");
            assert_eq!(field(&network.objects("ads")[0], "IsActive"), "true", "cut after {cut}");
        },
    );
}

#[test]
fn a_cancel_leaves_nothing_running_wherever_a_create_was_cut_off() {
    let buy = samples::buy(vec![samples::package("a"), samples::package("b")]);
    frames::cancelled_wherever_it_was_cut_off(start, ("campaigns", "IsArchived"), &buy);
}
