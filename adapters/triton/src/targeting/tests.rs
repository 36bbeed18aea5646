//! Targeting as it is written.

use flightdeck_adapter::types::Operator::{AnyOf, NoneOf};

use super::*;
use crate::samples::{context, package, rule};

fn of(rules: Vec<TargetingRule>, custom: Option<&str>, settings: &str) -> Fallible<(String, Vec<i64>)> {
    let mut package = package("drive");
    package.targeting.rules = rules;
    package.targeting.custom = custom.map(str::to_owned);
    package.product_settings = settings.to_owned();
    let platform = Platform::read(&context()).unwrap();
    let product = Product::read(&platform, &package).unwrap();
    let mut problems = Problems::default();
    let targeting = translate(&platform, &product, &package, &mut problems);
    problems.check().map(|()| (targeting.tree.map(|tree| tree.to_string()).unwrap_or_default(), targeting.stations))
}

#[test]
fn every_dimension_is_written_in_its_own_way() {
    for (dimension, values, written) in [
        (Dimension::GeoCountry, &["us"][..], r#"{"type":"equals","dimension":"country","value":"US"}"#),
        (Dimension::GeoMetro, &["501", "803"], r#"{"type":"in","dimension":"dma","values":["501","803"]}"#),
        (Dimension::GeoCity, &["6167865"], r#"{"type":"equals","dimension":"city-geonames-id","value":"6167865"}"#),
        (Dimension::DeviceType, &["audio"], r#"{"type":"equals","dimension":"device","value":"smart-speaker"}"#),
        (Dimension::ContentGenre, &["news"], r#"{"type":"equals","dimension":"genre","value":"news"}"#),
        (Dimension::Language, &["en"], r#"{"type":"equals","dimension":"language","value":"en"}"#),
        (Dimension::AudienceSegment, &["1204"], r#"{"type":"equals","dimension":"segment","value":"1204"}"#),
        (Dimension::MediaType, &["audio"], ""),
        (
            Dimension::GeoPostal,
            &["US-10001"],
            r#"{"type":"and","fields":[{"type":"equals","dimension":"country","value":"US"},{"type":"equals","dimension":"postal-code","value":"10001"}]}"#,
        ),
    ] {
        assert_eq!(of(vec![rule(dimension, AnyOf, values)], None, "{}").unwrap().0, written);
    }
    let (tree, _) = of(vec![rule(Dimension::GeoRegion, NoneOf, &["US-CA", "CA-ON", "US-NY"])], None, "{}").unwrap();
    assert_eq!(
        tree,
        [
            r#"{"type":"not","field":{"type":"or","fields":["#,
            r#"{"type":"and","fields":[{"type":"equals","dimension":"country","value":"CA"},"#,
            r#"{"type":"equals","dimension":"state","value":"ON"}]},"#,
            r#"{"type":"and","fields":[{"type":"equals","dimension":"country","value":"US"},"#,
            r#"{"type":"in","dimension":"state","values":["CA","NY"]}]}]}}"#,
        ]
        .concat()
    );
}

#[test]
fn a_buyer_only_narrows_what_the_product_is() {
    let settings = r#"{"station_ids":[7001,7002],"genres":["news"],"content_types":["live"]}"#;
    let custom = r#"{"station_ids":[7002],"genres":["talk"]}"#;
    let (tree, stations) = of(Vec::new(), Some(custom), settings).unwrap();
    assert_eq!(stations, [7002]);
    assert!(tree.starts_with(r#"{"type":"and","fields":[{"type":"equals","dimension":"genre","value":"news"}"#));
    assert!(tree.contains("talk") && !tree.contains("live"), "{tree}");
    let failure = of(Vec::new(), Some(r#"{"station_ids":[7004]}"#), settings).unwrap_err();
    assert_eq!(failure.items[0].supported, ["7001", "7002"]);
    assert_eq!(of(Vec::new(), Some(r#"{"station_ids":[7004]}"#), "{}").unwrap().1, [7004]);
    for custom in [
        r#"{"station_ids":["x"]}"#,
        r#"{"genres":[]}"#,
        r#"{"content_types":["vinyl"]}"#,
        r#"{"content_types":"live"}"#,
        r#"{"keys":1}"#,
        "[]",
    ] {
        assert!(of(Vec::new(), Some(custom), "{}").is_err(), "{custom}");
    }
}

#[test]
fn tags_markets_ages_and_genders_narrow() {
    let settings = r#"{"markets":["New York"],"station_tags":["fm"],"content_tags":["clean"]}"#;
    let custom = r#"{"content_tags":["finance","tech"],"age":{"min":18,"max":34},"genders":["female"]}"#;
    let (tree, _) = of(Vec::new(), Some(custom), settings).unwrap();
    assert_eq!(
        tree,
        [
            r#"{"type":"and","fields":[{"type":"equals","dimension":"market","value":"New York"},"#,
            r#"{"type":"equals","dimension":"station-tag","value":"fm"},"#,
            r#"{"type":"equals","dimension":"content-tag","value":"clean"},"#,
            r#"{"type":"in","dimension":"content-tag","values":["finance","tech"]},"#,
            r#"{"type":"bound","dimension":"age","lower":"18","upper":"34"},"#,
            r#"{"type":"equals","dimension":"gender","value":"female"}]}"#,
        ]
        .concat()
    );
    let many = format!(r#"{{"content_tags":["{}"]}}"#, vec!["a"; 512].join("\",\""));
    assert!(of(Vec::new(), Some(&many), "{}").is_ok());
    let failure = of(Vec::new(), Some(&many), settings).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.items[0].value.as_str()), ("too_many_content_tags", "513"));
    for custom in [
        r#"{"age":{}}"#,
        r#"{"age":{"min":35,"max":34}}"#,
        r#"{"age":{"min":"18"}}"#,
        r#"{"age":{"from":18}}"#,
        r#"{"age":18}"#,
        r#"{"genders":[]}"#,
        r#"{"markets":"New York"}"#,
        r#"{"once_per":"day"}"#,
    ] {
        assert!(of(Vec::new(), Some(custom), "{}").is_err(), "{custom}");
    }
}

#[test]
fn what_a_buyer_wants_or_a_product_is_sold_by_must_not_be_excluded() {
    let none = |genres: &[&str]| vec![rule(Dimension::ContentGenre, NoneOf, genres)];
    let fields = |rules, custom, settings| -> Vec<String> {
        let failure = of(rules, custom, settings).unwrap_err();
        assert_eq!(failure.code, "contradictory_targeting");
        failure.items.into_iter().map(|item| item.field.replace("/packages/drive/", "")).collect()
    };
    let custom = "targeting_overlay/custom/triton";
    let genres = Some(r#"{"genres":["talk","News"]}"#);
    assert_eq!(
        fields(none(&["news"]), genres, "{}"),
        [format!("{custom}/genres"), "targeting_overlay/content_genre_none_of".to_owned()]
    );
    let sold = r#"{"genres":["news","talk"],"content_types":["live"]}"#;
    assert_eq!(
        fields(none(&["news", "talk"]), None, sold),
        [
            "package_id",
            "targeting_overlay/content_genre_none_of",
            "package_id",
            "targeting_overlay/content_genre_none_of"
        ]
    );
    assert!(of(none(&["news"]), None, sold).is_ok());
    let podcasts = of(Vec::new(), Some(r#"{"content_types":["podcast","live"]}"#), sold).unwrap_err();
    assert_eq!(
        (podcasts.items[0].value.as_str(), podcasts.items[0].supported.clone()),
        ("podcast", vec!["live".to_owned()])
    );
    assert!(of(Vec::new(), Some(r#"{"content_types":["live"]}"#), sold).is_ok());
}

#[test]
fn what_triton_cannot_do_is_refused_value_by_value() {
    let rules = vec![
        rule(Dimension::DeviceType, AnyOf, &["mobile", "ctv", "tablet"]),
        rule(Dimension::Browser, AnyOf, &["chrome"]),
        rule(Dimension::ContentCategory, AnyOf, &["IAB17"]),
        rule(Dimension::MediaType, AnyOf, &["audio", "display"]),
        rule(Dimension::GeoCity, AnyOf, &["Toronto, CA-ON"]),
    ];
    let failure = of(rules, None, "{}").unwrap_err();
    let values: Vec<&str> = failure.items.iter().map(|item| item.value.as_str()).collect();
    assert_eq!(values, ["ctv", "tablet", "chrome", "IAB17", "display", "Toronto, CA-ON"]);
    assert_eq!(failure.items[0].supported, ["mobile", "desktop", "audio"]);
    assert!(of(vec![rule(Dimension::MediaType, NoneOf, &["video"])], None, "{}").is_ok());
    assert!(of(vec![rule(Dimension::MediaType, NoneOf, &["audio"])], None, "{}").is_err());
}
