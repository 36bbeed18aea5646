//! What Ad Manager says of what it delivered: whose days, up to when, and which rows count.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_gam::Gam;

use crate::{
    lifecycle::{booked, rich},
    network::{Network, start, turn, with_settings},
    rules::{banner, shown},
};

fn range() -> DateRange {
    DateRange { first: "2026-11-30".to_owned(), last: "2026-12-31".to_owned() }
}

fn delivery(network: &Network, buy: &MediaBuy) -> Fallible<BuyDelivery> {
    let answers = network.run(|ctx| Gam::get_delivery(ctx, vec![network.remote_buy(buy)], range()))?;
    answers.into_iter().next().unwrap().delivery
}

#[test]
fn delivery_says_whose_days_it_counts_and_up_to_when() {
    for (days, zone, first) in [("network", "Etc/GMT+5", "2026-11-30"), ("utc", "Etc/UTC", "2026-12-01")] {
        let network = with_settings(&format!(
            r#"{{"network_code": "21700001", "trafficker_id": "5001", "report_days": "{days}"}}"#
        ));
        turn(&network, r#"{"hours_ahead_of_utc": -5}"#);
        let buy = shown(r#"{"ad_units": [{"id": "6004"}]}"#);
        network.create(&buy);
        network.upload(&buy, &[banner()]);
        network.at("2026-12-03T12:00:00Z");
        let delivered = delivery(&network, &buy).unwrap();
        assert_eq!(delivered.rows[0].day, first, "{days}");
        assert_eq!(delivered.as_of.as_deref(), Some("2026-12-03T11:30:00Z"), "clicks are half an hour late");
        let said = |name: &str| delivered.extensions.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!((said("time-zone").as_str(), said("currency").as_str()), (zone, "USD"));
        assert!(delivered.rows.iter().all(|row| row.video_completions.is_none()), "display completes nothing");
    }
}

#[test]
fn videos_are_counted_to_their_end() {
    let network = booked(start());
    network.at("2026-12-03T00:00:00Z");
    let delivered = delivery(&network, &rich()).unwrap();
    let of = |package: &str| delivered.rows.iter().find(|row| row.package_id == package).unwrap();
    assert_eq!(of("news").video_completions, None);
    assert!(of("video").video_completions.unwrap() > 0);
}

#[test]
fn an_odd_row_spoils_itself_alone() {
    let network = booked(start());
    network.at("2026-12-03T00:00:00Z");
    let good = delivery(&network, &rich()).unwrap().rows;
    turn(&network, r#"{"odd_report_row": true}"#);
    assert_eq!(delivery(&network, &rich()).unwrap().rows, good);
    // A report of odd rows alone is none.
    let network = start();
    let buy = shown(r#"{"ad_units": [{"id": "6004"}]}"#);
    network.create(&buy);
    turn(&network, r#"{"odd_report_row": true}"#);
    let failure = delivery(&network, &buy).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "unreadable_report"));
}

/// An account may run 250 reports in an hour, and agents ask about each of their buys.
#[test]
fn one_report_serves_whoever_asks_next() {
    let network = booked(start());
    network.at("2026-12-03T00:00:00Z");
    let runs = || network.host.requests().iter().filter(|request| request.url.ends_with(":run")).count();
    let buy = rich();
    let first = delivery(&network, &buy).unwrap();
    assert_eq!(runs(), 1);
    assert_eq!(delivery(&network, &buy).unwrap(), first);
    assert_eq!(runs(), 0, "it is ten minutes fresh");
    network.at("2026-12-03T00:11:00Z");
    let later = delivery(&network, &buy).unwrap();
    assert_eq!(runs(), 1);
    assert!(later.as_of > first.as_of);
}
