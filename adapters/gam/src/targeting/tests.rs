use flightdeck_adapter::types::Operator::{AnyOf, NoneOf};

use super::*;
use crate::samples::{context, package, rule};

fn of(rules: Vec<TargetingRule>, custom: Option<&str>, settings: &str) -> Fallible<String> {
    let mut package = package("news");
    package.targeting.rules = rules;
    package.targeting.custom = custom.map(str::to_owned);
    package.product_settings = settings.to_owned();
    let platform = Platform::read(&context()).unwrap();
    let product = Product::read(&platform, &package).unwrap();
    let mut problems = Problems::default();
    let targeting = translate(&platform, &product, &package, &mut problems);
    problems.check().map(|()| targeting.shown().to_string())
}

#[test]
fn everything_stands_where_ad_manager_has_it() {
    let rules = vec![
        rule(Dimension::GeoRegion, AnyOf, &["US-CA", "US-NY"]),
        rule(Dimension::GeoMetro, NoneOf, &["501"]),
        rule(Dimension::DeviceType, AnyOf, &["mobile", "desktop"]),
        rule(Dimension::Os, NoneOf, &["linux"]),
        rule(Dimension::AudienceSegment, AnyOf, &["8001"]),
    ];
    let settings = r#"{"ad_units":[{"id":"6004"}],"excluded_ad_units":[{"id":"6002","include_descendants":false}],
        "placements":["6501"],"key_values":{"section":["sports"]}}"#;
    let custom = r#"{"excluded_key_values":{"audience":["parents"]}}"#;
    let network = "networks/21700001";
    assert_eq!(
        of(rules, Some(custom), settings).unwrap(),
        [
            r#"{"geoTargeting":{"targetedGeos":["US-CA","US-NY"],"excludedGeos":["501"]},"#,
            r#""technologyTargeting":{"deviceCategoryTargeting":{"targetedCategories":["mobile","desktop"]},"#,
            r#""operatingSystemTargeting":{"excludedOperatingSystems":["linux"]}},"#,
            &format!(r#""inventoryTargeting":{{"targetedAdUnits":[{{"adUnit":"{network}/adUnits/6004","#),
            r#""includeDescendants":true}],"#,
            &format!(r#""excludedAdUnits":[{{"adUnit":"{network}/adUnits/6002","includeDescendants":false}}],"#),
            &format!(r#""targetedPlacements":["{network}/placements/6501"]}},"#),
            r#""customTargeting":{"customTargetingClauses":[{"customTargetingLiterals":["#,
            r#"{"customTargetingKey":"section","customTargetingValues":["sports"]},"#,
            r#"{"negative":true,"customTargetingKey":"audience","customTargetingValues":["parents"]}],"#,
            &format!(
                r#""audienceSegmentTargetings":[{{"audienceSegments":["{network}/audienceSegments/8001"]}}]}}]}}}}"#
            ),
        ]
        .concat()
    );
}

#[test]
fn what_ad_manager_cannot_do_is_refused_value_by_value() {
    let settings = r#"{"ad_units":[{"id":"6004"}]}"#;
    let rules = vec![
        rule(Dimension::ContentGenre, AnyOf, &["rock", "jazz"]),
        rule(Dimension::AudienceSegment, AnyOf, &["parents"]),
        rule(Dimension::DeviceType, AnyOf, &["audio"]),
    ];
    let failure = of(rules, None, settings).unwrap_err();
    let values: Vec<&str> = failure.items.iter().map(|item| item.value.as_str()).collect();
    assert_eq!(values, ["rock", "jazz", "audio", "parents"]);
    for custom in [
        r#"{"keywords":[]}"#,
        r#"{"key_values":[]}"#,
        r#"{"key_values":{"a":[]}}"#,
        r#"{"key_values":{"a":[1]}}"#,
        "[]",
    ] {
        assert!(of(Vec::new(), Some(custom), settings).is_err(), "{custom}");
    }
    assert_eq!(of(Vec::new(), None, "{}").unwrap_err().code, "inventory_missing");
}

#[test]
fn keys_that_must_be_said_and_must_not_are_refused_with_both_pointers() {
    let settings = r#"{"ad_units":[{"id":"6004"}],"key_values":{"section":["sports","news"]}}"#;
    let refused = |custom: &str| -> Vec<(String, String)> {
        let failure = of(Vec::new(), Some(custom), settings).unwrap_err();
        assert_eq!(failure.code, "contradictory_targeting");
        failure.items.into_iter().map(|item| (item.field.replace("/packages/news/", ""), item.value)).collect()
    };
    let custom = r#"{"key_values":{"audience":["parents","kids"]},"excluded_key_values":{"audience":["Kids"]}}"#;
    let overlay = "targeting_overlay/custom/gam";
    assert_eq!(
        refused(custom),
        [
            (format!("{overlay}/key_values/audience"), "audience=kids".to_owned()),
            (format!("{overlay}/excluded_key_values/audience"), "audience=Kids".to_owned()),
        ]
    );
    let all = refused(r#"{"excluded_key_values":{"section":["sports","news"]}}"#);
    assert_eq!(all.iter().map(|(field, _)| field.as_str()).filter(|field| *field == "package_id").count(), 2);
    let some = r#"{"excluded_key_values":{"section":["sports"]}}"#;
    assert!(of(Vec::new(), Some(some), settings).is_ok(), "a part of what the product is sold by");
    let settings = r#"{"ad_units":[{"id":"6004"}],"excluded_ad_units":[{"id":"6004"}]}"#;
    assert_eq!(of(Vec::new(), None, settings).unwrap_err().code, "contradictory_targeting");
}

#[test]
fn hours_are_refused() {
    let mut package = package("news");
    package.targeting.dayparting = Some(Dayparting {
        timezone: "America/New_York".to_owned(),
        schedules: vec![Daypart { days: vec![Weekday::Monday], start_hour: 6, end_hour: 10 }],
        presets: Vec::new(),
    });
    let platform = Platform::read(&context()).unwrap();
    let product = Product::read(&platform, &package).unwrap();
    let mut problems = Problems::default();
    translate(&platform, &product, &package, &mut problems);
    let failure = problems.check().unwrap_err();
    assert_eq!(failure.items[0].field, "/packages/news/targeting_overlay/dayparting");
}
