//! The shares of the ads of a flight.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_kevel::Kevel;
use flightdeck_adapter_testing::everywhere;

use crate::{
    network::{Network, field, start},
    samples,
};

fn buy(custom: Option<&str>) -> MediaBuy {
    let mut news = samples::package("news");
    news.targeting.custom = custom.map(str::to_owned);
    samples::buy(vec![news, samples::package("sports")])
}

fn banners() -> Vec<Creative> {
    ["one", "two"].map(|id| samples::creative(id, &["news", "sports"])).to_vec()
}

fn shares(network: &Network) -> Vec<(String, String)> {
    let of = |ad: &Object| (field(ad, "DistributionType"), field(ad, "Percentage"));
    network.objects("ads").iter().map(of).collect()
}

fn pair(kind: &str, percent: &str) -> (String, String) {
    (kind.to_owned(), percent.to_owned())
}

#[test]
fn ads_get_the_percentages_that_the_buyer_gives() {
    let network = start();
    let current = buy(Some(r#"{"creative_percentages": {"one": 70, "two": 30}}"#));
    network.create(&current);
    network.upload(&current, &banners());
    let none = || pair("null", "null");
    assert_eq!(shares(&network), [pair("2", "70"), none(), pair("2", "30"), none()]);

    let mut booked = current.clone();
    for package in &mut booked.packages {
        package.creative_ids = vec!["one".to_owned(), "two".to_owned()];
    }
    let mut desired = booked.clone();
    desired.packages[0].targeting.custom = Some(r#"{"creative_percentages": {"two": 60}}"#.to_owned());
    assert_eq!(network.update(&booked, &desired, &[]).failed, None);
    assert_eq!(shares(&network), [pair("1", "null"), none(), pair("2", "60"), none()]);
    let mut balanced = desired.clone();
    balanced.packages[0].targeting.custom = None;
    assert_eq!(network.update(&desired, &balanced, &[]).failed, None);
    assert_eq!(shares(&network), [pair("1", "null"), none(), pair("1", "null"), none()]);
}

#[test]
fn percentages_are_checked_when_they_are_planned() {
    let network = start();
    for (custom, place) in [
        (r#"{"creative_percentages": {"one": 70, "two": 31}}"#, ""),
        (r#"{"creative_percentages": {"one": 0}}"#, "/one"),
        (r#"{"creative_percentages": {"one": "70"}}"#, "/one"),
        (r#"{"creative_percentages": [70]}"#, ""),
    ] {
        let failure = network.run(|ctx| Kevel::plan(ctx, Change::Create(buy(Some(custom))))).unwrap_err();
        let wanted = format!("/packages/news/targeting_overlay/custom/kevel/creative_percentages{place}");
        assert_eq!(failure.items[0].field, wanted, "{custom}");
    }
}

#[test]
fn shares_are_written_whatever_interrupts_the_upload() {
    let current = buy(Some(r#"{"creative_percentages": {"one": 70, "two": 30}}"#));
    let booked = || {
        let network = start();
        network.create(&current);
        network
    };
    let upload = |ctx| {
        let batch = CreativeBatch { media_buy: current.clone(), assets: banners(), extensions: Vec::new() };
        Kevel::add_creative_assets(ctx, batch)
    };
    let cuts = everywhere(booked, upload, |network, cut| {
        let written = shares(network).into_iter().filter(|(kind, _)| kind == "2").count();
        assert_eq!((written, network.count("ads")), (2, 4), "cut after {cut}");
    });
    assert!(cuts > 10, "{cuts}");
}
