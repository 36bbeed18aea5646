//! Targeting as it arrives on the network, and targeting that the network doesn't have.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_gam::Gam;

use crate::{
    lifecycle::rich,
    network::{field, start, start_submitting},
    samples,
};

fn of(rules: Vec<TargetingRule>, custom: Option<&str>) -> MediaBuy {
    let mut package = samples::package("news");
    package.targeting.rules = rules;
    package.targeting.custom = custom.map(str::to_owned);
    samples::buy(vec![package])
}

#[test]
fn words_become_names() {
    let network = start();
    network.create(&rich());
    let items = network.objects("lineItems");
    let targeting = items[0].get("targeting").and_then(Json::as_object).unwrap();
    let short = |name: &str| field(targeting, name).replace("networks/21700001/", "");
    let geo = short("geoTargeting");
    for name in ["geoTargets/21137", "geoTargets/21167", "geoTargets/200501", "geoTargets/1013962"] {
        assert!(geo.contains(name), "{geo}");
    }
    let technology = short("technologyTargeting");
    for name in
        ["deviceCategories/30000", "deviceCategories/30001", "deviceCategories/30003", "browserLanguages/504000"]
    {
        assert!(technology.contains(name), "{technology}");
    }
    let custom = short("customTargeting");
    for name in ["customTargetingKeys/7001", "customTargetingValues/7101", "customTargetingValues/7102"] {
        assert!(custom.contains(name), "{custom}");
    }
    let video = items[1].get("targeting").and_then(Json::as_object).unwrap();
    assert!(field(video, "customTargeting").contains("customTargetingValues/7202"));
    assert!(field(video, "inventoryTargeting").contains("placements/6502"));
    let lookups = network.host.requests().iter().filter(|request| request.method.as_str() == "GET").count();
    assert_eq!(lookups, 6, "the network, places, devices, languages, keys, values: once for both packages");
}

#[test]
fn what_the_network_does_not_have_is_refused_before_anything_is_made() {
    let network = start();
    let rules = vec![
        samples::rule(Dimension::GeoCountry, Operator::AnyOf, &["US", "XX"]),
        samples::rule(Dimension::GeoCity, Operator::NoneOf, &["Springfield, US-IL", "Chicago, US-IL"]),
        samples::rule(Dimension::Browser, Operator::AnyOf, &["chrome", "opera"]),
        samples::rule(Dimension::Language, Operator::AnyOf, &["pl"]),
    ];
    let custom = r#"{"key_values": {"section": ["sports", "chess"], "weather": ["rain"]}}"#;
    let buy = of(rules, Some(custom));
    let failure = network.run(|ctx| Gam::create_media_buy(ctx, buy.clone())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    let said: Vec<(&str, &str)> = failure
        .items
        .iter()
        .map(|item| (item.field.rsplit('/').next().unwrap_or_default(), item.value.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("geo_country_any_of", "XX"),
            ("geo_city_none_of", "Springfield, US-IL"),
            ("browser_any_of", "opera"),
            ("language_any_of", "pl"),
            ("weather", "weather"),
            ("section", "chess"),
        ]
    );
    assert_eq!(network.count("orders"), 0);
}

#[test]
fn the_network_is_not_told_what_goes_without_saying() {
    let network = start();
    let rules = vec![
        samples::rule(Dimension::GeoRegion, Operator::AnyOf, &["US-CA"]),
        samples::rule(Dimension::GeoRegion, Operator::NoneOf, &["US-TX"]),
        samples::rule(Dimension::GeoCity, Operator::NoneOf, &["Los Angeles, US-CA"]),
    ];
    network.create(&of(rules, None));
    let item = network.objects("lineItems")[0].to_string();
    assert!(item.contains("geoTargets/21137") && item.contains("geoTargets/1013962"), "{item}");
    assert!(!item.contains("geoTargets/21176"), "{item}");
}

#[test]
fn the_publishers_own_places_are_taken() {
    let network = start_submitting();
    network.create(&of(vec![samples::rule(Dimension::GeoRegion, Operator::AnyOf, &["X"])], None));
    assert!(network.objects("lineItems")[0].to_string().contains("geoTargets/2250"));
}

#[test]
fn a_changed_targeting_is_looked_up_and_refused_by_its_package() {
    let network = start();
    let current = rich();
    network.create(&current);
    let mut desired = current.clone();
    desired.packages[0].targeting.rules[0].values = vec!["US-TX".to_owned()];
    assert_eq!(network.update(&current, &desired, &[]).failed, None);
    let item = network.objects("lineItems")[0].to_string();
    assert!(item.contains("geoTargets/21176") && !item.contains("geoTargets/21137"), "{item}");
    assert!(item.contains("customTargetingValues/7101"), "targeting is sent whole");

    let mut unknown = desired.clone();
    unknown.packages[0].targeting.rules[0].values = vec!["US-WY".to_owned()];
    let failed = network.update(&desired, &unknown, &[]).failed.unwrap();
    assert_eq!((failed.package_id.as_str(), failed.failure.items[0].value.as_str()), ("news", "US-WY"));
}

#[test]
fn places_that_are_named_by_their_ids_are_compared_once_they_are_known() {
    let network = start();
    // Chicago is in Illinois, and goes without saying; Los Angeles is in California.
    let rules = vec![
        samples::rule(Dimension::GeoRegion, Operator::AnyOf, &["US-CA"]),
        samples::rule(Dimension::GeoCity, Operator::NoneOf, &["1016367", "1013962", "200803"]),
    ];
    network.create(&of(rules, None));
    let item = network.objects("lineItems")[0].to_string();
    assert!(item.contains("geoTargets/1013962") && item.contains("geoTargets/200803"), "{item}");
    assert!(!item.contains("geoTargets/1016367"), "{item}");
    for (included, excluded) in [(&["1013962"][..], &["21137"][..]), (&["1013962", "21137"], &[])] {
        let network = start();
        let mut rules = vec![samples::rule(Dimension::GeoCity, Operator::AnyOf, included)];
        if !excluded.is_empty() {
            rules.push(samples::rule(Dimension::GeoCity, Operator::NoneOf, excluded));
        }
        let buy = of(rules, None);
        let failure = network.run(|ctx| Gam::create_media_buy(ctx, buy)).unwrap_err();
        assert_eq!((failure.code.as_str(), network.count("orders")), ("contradictory_targeting", 0));
    }
}
