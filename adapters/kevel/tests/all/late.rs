//! Requests that got no answer and took effect, or became visible, after their objects were made
//! again.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_kevel::Kevel;
use flightdeck_adapter_testing::late::{EVERY_WAY, Late, begin, end, lost, never_happened, one_is_stopped, only_one};

use crate::{
    lifecycle::{creatives, rich},
    network::{Network, field, start},
    samples,
    updates::changed,
};

const NEWS_HOURS: &str = "daypart/news/06:00:00-10:00:00 MO FR";

fn small() -> MediaBuy {
    samples::buy(vec![samples::package("news")])
}

fn banner() -> CreativeBatch {
    CreativeBatch { media_buy: small(), assets: vec![samples::creative("banner", &["news"])], extensions: Vec::new() }
}

fn created() -> Network {
    let network = start();
    network.create(&small());
    network
}

#[test]
fn a_second_campaign_or_flight_is_found_and_stopped() {
    for late in EVERY_WAY {
        for (path, step, kind) in [("/v1/campaign", "campaign", "campaigns"), ("/v1/flight", "flight/news", "flights")]
        {
            let network = start();
            let made = lost(&network, late, (path, step), |ctx| Kevel::create_media_buy(ctx, small()));
            assert_eq!(network.carried(&made.reference), (2, 2), "{late:?} {step}");
            // Regardless of the number of pages.
            network.page_size(1);
            one_is_stopped(&network, &made);
            assert_eq!(network.carried(&made.reference), (2, 1), "{late:?} {step}");
            let objects = network.objects(kind);
            let archived = objects.iter().filter(|object| field(object, "IsArchived") == "true").count();
            assert_eq!((objects.len(), archived), (2, 1), "{late:?} {step}");
        }
    }
}

#[test]
fn a_second_creative_or_ad_is_found_and_switched_off() {
    for late in EVERY_WAY {
        for (path, step) in [("/v1/creative", "creative/banner"), ("/v1/flight/*/creative", "ad/news/banner")] {
            let network = created();
            let made = lost(&network, late, (path, step), |ctx| Kevel::add_creative_assets(ctx, banner()));
            assert_eq!(network.carried(&made.reference), (2, 2), "{late:?} {step}");
            network.page_size(1);
            one_is_stopped(&network, &made);
            assert_eq!(network.carried(&made.reference), (2, 1), "{late:?} {step}");
        }
    }
}

#[test]
fn a_day_part_is_never_made_twice() {
    let network = start();
    let path = "/v1/flight/*/dayparting";
    let made = lost(&network, Late::Made, (path, NEWS_HOURS), |ctx| Kevel::create_media_buy(ctx, rich()));
    assert_eq!(network.objects("dayparting").len(), 2, "Kevel refuses the late one: it overlaps");
    only_one(&network, &made);
}

#[test]
fn a_day_part_that_is_not_listed_yet_is_waited_for() {
    let network = start();
    let create = |ctx| Kevel::create_media_buy(ctx, rich());
    begin(&network, Late::Shown, "/v1/flight/*/dayparting");
    network.host.next_operation();
    for _ in 0..2 {
        let failure = network.again(create).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{failure:?}");
    }
    end(&network, Late::Shown);
    network.again(create).unwrap();
    assert_eq!(network.count("dayparting"), 2);
}

#[test]
fn a_second_place_is_found_and_deleted() {
    let network = start();
    network.create(&rich());
    network.upload(&rich(), &creatives());
    let (current, desired, assets) = changed();
    let update = MediaBuyUpdate { current, desired, creatives: assets, touched: Vec::new(), extensions: Vec::new() };
    let places = network.count("geotargeting");
    let step = "geo/news/US.TX..";
    let made = lost(&network, Late::Made, ("/v1/flight/*/geotargeting", step), |ctx| {
        Kevel::update_media_buy(ctx, update.clone())
    });
    assert_eq!(network.objects("geotargeting").len(), places + 1);
    one_is_stopped(&network, &made);
    assert_eq!(network.count("geotargeting"), places);
}

#[test]
fn what_was_made_once_is_told_alone() {
    let network = start();
    network.create(&rich());
    let of_create = ["campaign", "flight/news", "flight/sports", NEWS_HOURS].map(|step| network.host.made_step(step));
    let batch = CreativeBatch { media_buy: rich(), assets: creatives(), extensions: Vec::new() };
    network.run(|ctx| Kevel::add_creative_assets(ctx, batch)).unwrap();
    let of_upload = ["creative/native", "ad/news/native", "ad/sports/native"].map(|step| network.host.made_step(step));
    network.page_size(1);
    for made in of_create.iter().chain(&of_upload) {
        only_one(&network, made);
        assert!(network.host.requests().iter().all(|request| {
            request.method.as_str() == "GET" || request.url.ends_with("/v1/campaign/search?page=1&pageSize=200")
        }));
    }
}

#[test]
fn what_never_happened_or_makes_nothing_is_not_found() {
    let network = start();
    network.create(&rich());
    let names = [
        "campaign",
        "flight/news",
        "creative/banner",
        "ad/news/banner",
        "daypart/news/00:00:00-01:00:00 MO",
        "daypart/news/remove/0",
        "geo/elsewhere/US...",
        "campaign/update",
        "archive/campaign",
        "of another release",
    ];
    for name in names {
        assert_eq!(network.find_made(&never_happened(name)), [], "{name}");
    }
}

#[test]
fn an_ad_that_people_added_is_not_taken_for_the_adapters() {
    let network = created();
    network.run(|ctx| Kevel::add_creative_assets(ctx, banner())).unwrap();
    let made = network.host.made_step("ad/news/banner");
    let ad = &network.objects("ads")[0];
    let (flight, creative) =
        (field(ad, "FlightId"), ad.get("Creative").unwrap().as_object().unwrap().get("Id").unwrap());
    let body = object! { "FlightId": flight.parse::<i64>().unwrap(), "Creative": object! { "Id": creative.clone() }, "IsActive": true };
    network.by_hand("POST", &format!("/v1/flight/{flight}/creative"), &body);
    only_one(&network, &made);
}

#[test]
fn what_is_gone_is_stopped() {
    let network = created();
    network.run(|ctx| Kevel::add_creative_assets(ctx, banner())).unwrap();
    let made = network.host.made_step("ad/news/banner");
    let known = network.find_made(&made).remove(0);
    let kinds = [
        (RemoteKind::Order, "Campaign", ""),
        (RemoteKind::Package, "Flight", "news"),
        (RemoteKind::Creative, "Creative", "banner"),
        (RemoteKind::Association, "Ad", "news/banner"),
        (RemoteKind::Other("daypart".to_owned()), "DayPart", "news/06:00:00-10:00:00 MO"),
    ];
    for (kind, remote_type, key) in kinds {
        let object = RemoteObject { kind, key: key.to_owned(), id: "999999".to_owned() };
        network.stop_made(&MadeObject { object, remote_type: remote_type.to_owned(), ..known.clone() });
    }
    let (ad, flight) = (known.object.id.clone(), field(&network.objects("ads")[0], "FlightId"));
    network.by_hand("GET", &format!("/v1/flight/{flight}/creative/{ad}/delete"), &Object::default());
    network.stop_made(&known);
    assert_eq!(network.find_made(&made), [], "what is deleted is left out");
    let strange = RemoteObject { kind: RemoteKind::Other("x".to_owned()), key: String::new(), id: "1".to_owned() };
    let strange = MadeObject { object: strange, ..known };
    assert_eq!(network.run(|ctx| Kevel::stop_made(ctx, strange)).unwrap_err().code, "unknown_object");
}

#[test]
fn a_cancel_leaves_no_campaign_of_a_create_that_was_lost_twice() {
    let network = start();
    network.lag(3_600_000);
    network.fault(r#"{"writes":true,"path":"/v1/campaign","times":2,"action":"drop_after_acting"}"#);
    network.host.next_operation();
    for _ in 0..2 {
        let failure = network.again(|ctx| Kevel::create_media_buy(ctx, small())).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
    network.lag(0);
    network.run(|ctx| Kevel::cancel_media_buy(ctx, small())).unwrap();
    let campaigns = network.objects("campaigns");
    assert_eq!(campaigns.len(), 2);
    assert!(campaigns.iter().all(|campaign| field(campaign, "IsArchived") == "true"));
}
