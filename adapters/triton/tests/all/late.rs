//! Requests that got no answer and took effect, or became visible, after their objects were made
//! again.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_testing::late::{EVERY_WAY, lost, never_happened, one_is_stopped, only_one};
use flightdeck_adapter_triton::Triton;

use crate::{
    lifecycle::{played, rich, spots},
    network::{Network, field, start},
};

fn batch() -> CreativeBatch {
    CreativeBatch { media_buy: rich(), assets: spots(), extensions: Vec::new() }
}

fn created() -> Network {
    let network = start();
    network.create(&rich());
    network
}

#[test]
fn a_second_campaign_or_flight_is_found_and_stopped() {
    for late in EVERY_WAY {
        for (path, step) in [("/v1/campaigns", "campaign"), ("/v1/flights", "flight/drive")] {
            let network = start();
            let made = lost(&network, late, (path, step), |ctx| Triton::create_media_buy(ctx, rich()));
            assert_eq!(network.carried(&made.reference), (2, 2), "{late:?} {step}");
            // Regardless of the number of pages.
            network.page_size(1);
            one_is_stopped(&network, &made);
            assert_eq!(network.carried(&made.reference), (2, 1), "{late:?} {step}");
        }
    }
}

#[test]
fn a_second_creative_is_found_and_played_nowhere() {
    for late in EVERY_WAY {
        let network = created();
        let step = ("/v1/creatives", "creative/thirty");
        let made = lost(&network, late, step, |ctx| Triton::add_creative_assets(ctx, batch()));
        assert_eq!(network.carried(&made.reference), (2, 1), "{late:?}: no flight plays the other");
        network.page_size(1);
        one_is_stopped(&network, &made);
        // If people have added it to a flight in the meantime, it is removed, and the others in the
        // flight stay.
        let found = network.find_made(&made);
        let stranger = found.iter().find(|one| !network.host.remote().contains(&one.object)).unwrap();
        let flight = &network.objects("flights")[1];
        let creative = flight.get("creative").and_then(Json::as_object).unwrap();
        let group = creative.get("adGroups").unwrap().items()[0].as_object().unwrap();
        let mut units: Vec<Json> = group.get("adUnitIds").unwrap().items().to_vec();
        units.push(stranger.object.id.parse::<i64>().unwrap().into());
        let path = format!("/v1/flights/{}", field(flight, "id"));
        let groups = vec![object! { "durationSeconds": 30, "adUnitIds": units }];
        network.by_hand("PUT", &path, &object! { "creative": object! { "adGroups": groups } });
        network.by_hand("POST", &format!("{path}/creative/publish"), &object! {});
        assert_eq!(network.carried(&made.reference), (2, 2));
        one_is_stopped(&network, &made);
        assert_eq!(network.carried(&made.reference), (2, 1), "{late:?}");
        assert_eq!(played(&network)[1], 2);
    }
}

#[test]
fn what_was_made_once_is_told_alone() {
    let network = created();
    let of_create = ["campaign", "flight/drive", "flight/evening"].map(|step| network.host.made_step(step));
    network.run(|ctx| Triton::add_creative_assets(ctx, batch())).unwrap();
    let of_upload =
        ["creative/thirty", "play/drive/thirty", "play/evening/other"].map(|step| network.host.made_step(step));
    network.page_size(1);
    for made in of_create.iter().chain(&of_upload) {
        only_one(&network, made);
        assert!(network.host.requests().iter().all(|request| request.method.as_str() == "GET"));
    }
    let played = network.find_made(&of_upload[1]).remove(0);
    for _ in 0..2 {
        network.stop_made(&played);
    }
    assert_eq!(network.find_made(&of_upload[1]), []);
}

#[test]
fn what_never_happened_or_makes_nothing_is_not_found() {
    let network = created();
    let names = ["campaign", "flight/drive", "creative/x", "play/drive/x", "campaign/update", "of another release"];
    for name in names {
        assert_eq!(network.find_made(&never_happened(name)), [], "{name}");
    }
}

#[test]
fn what_is_gone_or_put_away_is_stopped() {
    let network = created();
    let made = network.host.made_step("flight/drive");
    let known = network.find_made(&made).remove(0);
    let kinds = [
        (RemoteKind::Order, "Campaign", "999999"),
        (RemoteKind::Package, "Flight", "999999"),
        (RemoteKind::Creative, "Creative", "999999"),
        (RemoteKind::Association, "FlightCreative", "999998/999999"),
    ];
    for (kind, remote_type, id) in kinds {
        let object = RemoteObject { kind, key: String::new(), id: id.to_owned() };
        network.stop_made(&MadeObject { object, remote_type: remote_type.to_owned(), ..known.clone() });
    }
    // An archived campaign can't be changed.
    network.run(|ctx| Triton::cancel_media_buy(ctx, rich())).unwrap();
    network.stop_made(&known);
    assert!(!network.find_made(&made)[0].active);
    let strange = RemoteObject { kind: RemoteKind::Other("x".to_owned()), key: String::new(), id: "1".to_owned() };
    let strange = MadeObject { object: strange, ..known };
    assert_eq!(network.run(|ctx| Triton::stop_made(ctx, strange)).unwrap_err().code, "unknown_object");
}

#[test]
fn a_cancel_leaves_no_campaign_of_a_create_that_was_lost_twice() {
    let network = start();
    network.lag(3_600_000);
    network.fault(r#"{"method":"POST","path":"/v1/campaigns","times":2,"action":"drop_after_acting"}"#);
    network.host.next_operation();
    for _ in 0..2 {
        let failure = network.again(|ctx| Triton::create_media_buy(ctx, rich())).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
    network.lag(0);
    network.run(|ctx| Triton::cancel_media_buy(ctx, rich())).unwrap();
    let campaigns = network.objects("campaigns");
    assert_eq!(campaigns.len(), 2);
    assert!(campaigns.iter().all(|campaign| field(campaign, "archived") == "true"));
}
