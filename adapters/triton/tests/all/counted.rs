//! Reports that buys share.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_testing::frames;
use flightdeck_adapter_triton::Triton;

use crate::{network::start, samples};

/// Buyers ask about one buy after the other.
#[test]
fn one_report_serves_whoever_asks_next() {
    let network = start();
    let buys = frames::many(&network, 3, &samples::buy(vec![samples::package("drive")]));
    let asked = |buy: &RemoteBuy| {
        let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
        let answers = network.run(|ctx| Triton::get_delivery(ctx, vec![buy.clone()], range)).unwrap();
        let made = network.host.requests().iter().filter(|request| request.url.ends_with("/reports")).count();
        let delivered = answers[0].delivery.clone().unwrap();
        let until = delivered.extensions.into_iter().find(|(name, _)| name == "final-until").unwrap().1;
        (made, delivered.as_of.unwrap(), until)
    };
    let on = |made: usize, as_of: &str, until: &str| (made, format!("{as_of}T00:00:00Z"), format!("{until}T00:00:00Z"));
    network.at("2026-12-04T23:50:00Z");
    for buy in &buys {
        assert_eq!(asked(buy), on(1, "2026-12-04", "2026-12-03"));
    }
    network.at("2026-12-04T23:59:00Z");
    for buy in &buys {
        assert_eq!(asked(buy), on(0, "2026-12-04", "2026-12-03"), "the last report had all three");
    }
    // The day that is over now is not in the report that is kept.
    network.at("2026-12-05T00:00:00Z");
    let made: Vec<_> = buys.iter().map(asked).collect();
    assert_eq!(made, [1, 0, 0].map(|made| on(made, "2026-12-05", "2026-12-04")), "one report for all of them");
}

/// Triton refuses a report about a campaign that it does not have.
#[test]
fn a_campaign_that_is_gone_is_asked_about_alone() {
    let network = start();
    let buys = frames::many(&network, 2, &samples::buy(vec![samples::package("drive")]));
    let mut gone = buys[0].clone();
    gone.remote[0].id = "1".to_owned();
    network.at("2026-12-10T00:00:00Z");
    let fine = |buy: &RemoteBuy| {
        let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
        let answers = network.run(|ctx| Triton::get_delivery(ctx, vec![buy.clone()], range)).unwrap();
        answers[0].delivery.is_ok()
    };
    assert_eq!([&buys[0], &gone, &buys[1], &gone, &buys[0]].map(fine), [true, false, true, false, true]);
}
