//! Requests that got no answer and took effect, or became visible, after their objects were made
//! again.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::{
    change,
    late::{EVERY_WAY, Late, begin, end, lost, never_happened, one_is_stopped, only_one},
};

use crate::{
    lifecycle::{creatives, rich},
    network::{Network, field, start},
};

const ORDERS: &str = "/v1/networks/*/orders:batchCreate";

fn batch() -> CreativeBatch {
    CreativeBatch { media_buy: rich(), assets: creatives(), extensions: Vec::new() }
}

fn created() -> Network {
    let network = start();
    network.create(&rich());
    network
}

#[test]
fn ad_manager_refuses_a_second_order_of_one_name() {
    let network = start();
    begin(&network, Late::Shown, ORDERS);
    network.host.next_operation();
    let create = |ctx| Gam::create_media_buy(ctx, rich());
    assert_eq!(network.again(create).unwrap_err().code, "no_answer");
    // It can't be found yet, and can't be made again, because its name has the reference.
    assert_eq!(network.again(create).unwrap_err().code, "not_shown_yet");
    assert_eq!(network.count("orders"), 1);
    end(&network, Late::Shown);
    network.again(create).unwrap();
    let made = network.host.made_step("order");
    only_one(&network, &made);
    assert_eq!(network.carried(&made.reference), (1, 1));
}

#[test]
fn an_order_that_is_carried_out_late_is_refused_then() {
    let network = start();
    let made = lost(&network, Late::Made, (ORDERS, "order"), |ctx| Gam::create_media_buy(ctx, rich()));
    assert_eq!(network.count("orders"), 1);
    only_one(&network, &made);
}

#[test]
fn a_second_line_item_is_found_and_archived() {
    for late in EVERY_WAY {
        let network = start();
        let step = ("/v1/networks/*/lineItems", "line-item/news");
        let made = lost(&network, late, step, |ctx| Gam::create_media_buy(ctx, rich()));
        assert_eq!(network.carried(&made.reference), (2, 2), "{late:?}");
        network.page_size(1);
        one_is_stopped(&network, &made);
        assert_eq!(network.carried(&made.reference), (2, 1), "{late:?}");
        assert!(network.objects("orders").iter().all(|order| field(order, "archived") == "false"), "{late:?}");
    }
}

#[test]
fn a_second_line_item_is_stopped_while_its_order_delivers_or_is_paused() {
    for paused in [false, true] {
        let network = start();
        let step = ("/v1/networks/*/lineItems", "line-item/news");
        let made = lost(&network, Late::Made, step, |ctx| Gam::create_media_buy(ctx, rich()));
        network.upload(&rich(), &creatives());
        network.at("2026-12-05T00:00:00Z");
        if paused {
            network.update(&rich(), &MediaBuy { active: false, ..rich() }, &[]);
        }
        let found = network.find_made(&made);
        assert!(found.iter().all(|item| item.active), "what its order holds back would be resumed with it: {found:?}");
        one_is_stopped(&network, &made);
        if paused {
            let ctx = change(&MediaBuy { active: false, ..rich() }, &rich(), &[], &[]);
            network.run(|remote| Gam::update_media_buy(remote, ctx)).unwrap();
            assert_eq!(network.carried(&made.reference), (2, 1));
        }
    }
}

#[test]
fn a_second_creative_is_found_and_switched_off() {
    for late in EVERY_WAY {
        let network = created();
        let step = ("/v1/networks/*/creatives", "creative/banner");
        let made = lost(&network, late, step, |ctx| Gam::add_creative_assets(ctx, batch()));
        assert_eq!(network.carried(&made.reference), (2, 1), "{late:?}: no line item shows the other");
        network.page_size(1);
        one_is_stopped(&network, &made);
        // If people have assigned it to a line item in the meantime, it is removed from there.
        let found = network.find_made(&made);
        let stranger = found.iter().find(|one| !network.host.remote().contains(&one.object)).unwrap();
        let item = network.host.remote().into_iter().find(|object| object.kind == RemoteKind::Package).unwrap().id;
        let body = object! {
            "lineItem": format!("networks/21700001/lineItems/{item}"),
            "creative": format!("networks/21700001/creatives/{}", stranger.object.id),
        };
        network.by_hand("POST", &format!("/v1/networks/21700001/lineItems/{item}/creatives"), &body);
        one_is_stopped(&network, &made);
        assert_eq!(network.carried(&made.reference), (2, 1), "{late:?}");
    }
}

#[test]
fn there_is_no_second_association() {
    for late in EVERY_WAY {
        let network = created();
        let step = ("/v1/networks/*/lineItems/*/creatives", "association/news/banner");
        let made = lost(&network, late, step, |ctx| Gam::add_creative_assets(ctx, batch()));
        only_one(&network, &made);
        let known = network.find_made(&made).remove(0);
        for _ in 0..2 {
            network.stop_made(&known);
        }
        assert!(!network.find_made(&made)[0].active, "{late:?}");
    }
}

#[test]
fn what_was_made_once_is_told_alone() {
    let network = created();
    let of_create = ["order", "line-item/news", "line-item/video"].map(|step| network.host.made_step(step));
    network.run(|ctx| Gam::add_creative_assets(ctx, batch())).unwrap();
    let of_upload = ["creative/banner", "association/news/banner"].map(|step| network.host.made_step(step));
    network.page_size(1);
    for made in of_create.iter().chain(&of_upload) {
        only_one(&network, made);
        assert!(network.host.requests().iter().all(|request| request.method.as_str() == "GET"));
    }
}

#[test]
fn what_never_happened_or_makes_nothing_is_not_found() {
    let network = created();
    let names = ["order", "line-item/news", "creative/x", "association/news/x", "order/approve", "of another release"];
    for name in names {
        assert_eq!(network.find_made(&never_happened(name)), [], "{name}");
    }
}

#[test]
fn what_is_gone_is_stopped() {
    let network = created();
    let known = network.find_made(&network.host.made_step("order")).remove(0);
    let kinds = [
        (RemoteKind::Order, "Order", "999999"),
        (RemoteKind::Package, "LineItem", "999999"),
        (RemoteKind::Creative, "Creative", "999999"),
        (RemoteKind::Association, "LineItemCreativeAssociation", "999998/999999"),
    ];
    for (kind, remote_type, id) in kinds {
        let object = RemoteObject { kind, key: String::new(), id: id.to_owned() };
        network.stop_made(&MadeObject { object, remote_type: remote_type.to_owned(), ..known.clone() });
    }
    let strange = RemoteObject { kind: RemoteKind::Other("x".to_owned()), key: String::new(), id: "1".to_owned() };
    let strange = MadeObject { object: strange, ..known };
    assert_eq!(network.run(|ctx| Gam::stop_made(ctx, strange)).unwrap_err().code, "unknown_object");
}
