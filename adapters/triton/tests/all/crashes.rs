//! Each operation, cut off after each of its interactions and run again: every change is made
//! exactly once.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_testing::{change, everywhere, frames};
use flightdeck_adapter_triton::Triton;

use crate::{
    lifecycle::{booked, played, rich, spots},
    network::{field, start},
    samples,
    updates::changed,
};

#[test]
fn a_buy_is_made_once() {
    let prepared = || {
        let network = start();
        // Whatever a lookup searches for may be on the last page.
        network.page_size(1);
        network
    };
    let cuts = everywhere(
        prepared,
        |ctx| Triton::create_media_buy(ctx, rich()),
        |network, cut| {
            assert_eq!((network.count("campaigns"), network.count("flights")), (1, 2), "cut after {cut}");
            assert_eq!(network.host.remote().len(), 5, "the zone of each flight, too");
        },
    );
    assert!(cuts > 10, "{cuts}");
}

#[test]
fn creatives_are_uploaded_once() {
    let prepared = || {
        let network = start();
        network.create(&rich());
        network.page_size(1);
        network
    };
    let cuts = everywhere(
        prepared,
        |ctx| {
            Triton::add_creative_assets(
                ctx,
                CreativeBatch { media_buy: rich(), assets: spots(), extensions: Vec::new() },
            )
        },
        |network, cut| {
            assert_eq!((network.count("creatives"), played(network)), (2, vec![1, 2]), "cut after {cut}");
        },
    );
    assert!(cuts > 15, "{cuts}");
}

#[test]
fn an_update_is_made_once() {
    let (current, desired, assets) = changed();
    let update = change(&current, &desired, &assets, &["drive", "evening"]);
    let cuts = everywhere(
        booked,
        |ctx| {
            let outcome = Triton::update_media_buy(ctx, update.clone())?;
            assert_eq!(outcome.failed, None);
            assert_eq!(outcome.affected_packages, ["drive", "evening"]);
            Ok(())
        },
        |network, cut| {
            let kinds = ["campaigns", "flights", "creatives"];
            assert_eq!(kinds.map(|kind| network.count(kind)), [1, 2, 3], "cut after {cut}");
            let flights = network.objects("flights");
            assert!(field(&flights[0], "goal").contains("1200000"), "cut after {cut}");
            assert_eq!(played(network)[0], 1, "cut after {cut}");
            assert_eq!(field(&flights[1], "active"), "false", "cut after {cut}");
        },
    );
    assert!(cuts > 15, "{cuts}");
}

#[test]
fn a_cancel_leaves_nothing_running_wherever_a_create_was_cut_off() {
    let buy = samples::buy(vec![samples::package("a"), samples::package("b")]);
    frames::cancelled_wherever_it_was_cut_off(start, ("campaigns", "archived"), &buy);
}
