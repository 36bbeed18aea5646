//! Each operation, cut off after each of its interactions and run again: every change is made
//! exactly once.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::{change, everywhere, frames};

use crate::{
    lifecycle::{booked, creatives, order_status, rich},
    network::{field, start, start_submitting},
    samples,
    updates::changed,
};

#[test]
fn a_buy_is_made_once() {
    let cuts = everywhere(
        start,
        |ctx| Gam::create_media_buy(ctx, rich()),
        |network, cut| {
            assert_eq!((network.count("orders"), network.count("lineItems")), (1, 2), "cut after {cut}");
            assert_eq!(network.host.remote().len(), 3);
        },
    );
    assert!(cuts > 15, "{cuts}");
}

#[test]
fn creatives_are_uploaded_once_and_the_order_is_approved() {
    let prepared = || {
        let network = start();
        network.create(&rich());
        // Whatever a lookup searches for may be on the last page.
        network.page_size(1);
        network
    };
    let cuts = everywhere(
        prepared,
        |ctx| {
            Gam::add_creative_assets(
                ctx,
                CreativeBatch { media_buy: rich(), assets: creatives(), extensions: Vec::new() },
            )
        },
        |network, cut| {
            let counts = (network.count("creatives"), network.count("associations"));
            assert_eq!(counts, (3, 3), "cut after {cut}");
            assert_eq!(order_status(network), "APPROVED", "cut after {cut}");
        },
    );
    assert!(cuts > 20, "{cuts}");
}

#[test]
fn a_creative_of_a_package_that_is_off_stays_off() {
    let mut buy = rich();
    buy.packages[0].active = false;
    let prepared = || {
        let network = start_submitting();
        network.create(&buy);
        network
    };
    everywhere(
        prepared,
        |ctx| {
            Gam::add_creative_assets(
                ctx,
                CreativeBatch { media_buy: buy.clone(), assets: creatives(), extensions: Vec::new() },
            )
        },
        |network, cut| {
            let ties = network.objects("associations");
            let off = ties.iter().filter(|tie| field(tie, "status") == r#""INACTIVE""#).count();
            assert_eq!((ties.len(), off), (3, 2), "cut after {cut}");
            assert_eq!(order_status(network), "PENDING_APPROVAL", "cut after {cut}");
        },
    );
}

#[test]
fn an_update_is_made_once() {
    let (current, desired, assets) = changed();
    let update = change(&current, &desired, &assets, &["news", "video"]);
    for submits in [false, true] {
        let cuts = everywhere(
            || booked(if submits { start_submitting() } else { start() }),
            |ctx| {
                let outcome = Gam::update_media_buy(ctx, update.clone())?;
                assert_eq!(outcome.failed, None);
                assert_eq!(outcome.affected_packages, ["news", "video"]);
                Ok(())
            },
            |network, cut| {
                let kinds = ["orders", "lineItems", "creatives", "associations"];
                assert_eq!(kinds.map(|kind| network.count(kind)), [1, 2, 4, 3], "cut after {cut}");
                let items = network.objects("lineItems");
                assert!(field(&items[0], "goal").contains("1200000"), "cut after {cut}");
                let expected = if submits { "PENDING_APPROVAL" } else { "APPROVED" };
                assert_eq!(order_status(network), expected, "cut after {cut}");
                let off = network.objects("associations");
                let off = off.iter().filter(|tie| field(tie, "status") == r#""INACTIVE""#).count();
                let paused = field(&items[1], "status") == r#""PAUSED""#;
                assert_eq!((paused, off), if submits { (false, 1) } else { (true, 0) }, "cut after {cut}");
            },
        );
        assert!(cuts > 25, "{cuts}");
    }
}

#[test]
fn a_buy_is_paused_and_resumed_wherever_it_is_cut_off() {
    let (current, ..) = changed();
    let paused = MediaBuy { active: false, ..current.clone() };
    for (before, after, status) in [(&current, &paused, "PAUSED"), (&paused, &current, "READY")] {
        everywhere(
            || {
                let network = booked(start());
                if !before.active {
                    network.update(&current, &paused, &[]);
                }
                network
            },
            |ctx| Gam::update_media_buy(ctx, change(before, after, &[], &[])),
            |network, cut| {
                for item in network.objects("lineItems") {
                    assert_eq!(field(&item, "status").trim_matches('"'), status, "cut after {cut}");
                }
            },
        );
    }
}

#[test]
fn what_delivers_is_changed_and_delivers_again_wherever_it_is_cut_off() {
    let (current, ..) = changed();
    let mut desired = current.clone();
    desired.packages[0].impressions = 1_200_000;
    let cuts = everywhere(
        || {
            let network = booked(start());
            network.at("2026-12-04T00:00:00Z");
            network
        },
        |ctx| Gam::update_media_buy(ctx, change(&current, &desired, &[], &["news"])),
        |network, cut| {
            let item = &network.objects("lineItems")[0];
            assert!(field(item, "goal").contains("1200000"), "cut after {cut}");
            assert_eq!(field(item, "status"), r#""DELIVERING""#, "cut after {cut}");
        },
    );
    assert!(cuts > 8, "{cuts}");
}

#[test]
fn a_cancel_leaves_nothing_running_wherever_a_create_was_cut_off() {
    let buy = samples::buy(vec![samples::package("a"), samples::package("b")]);
    frames::cancelled_wherever_it_was_cut_off(start, ("orders", "archived"), &buy);
}

#[test]
fn a_cancel_ends_wherever_it_is_cut_off() {
    everywhere(
        || booked(start()),
        |ctx| Gam::cancel_media_buy(ctx, rich()),
        |network, cut| {
            let order = &network.objects("orders")[0];
            assert_eq!(field(order, "archived"), "true", "cut after {cut}");
        },
    );
}
