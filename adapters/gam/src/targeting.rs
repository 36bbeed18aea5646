//! The audience, location and context of a line item: `targeting`.
//!
//! | a buyer's rule | on Ad Manager |
//! |---|---|
//! | `geo_country`, `geo_region`, `geo_metro`, `geo_city`, `geo_postal` | `geoTargeting` |
//! | `device_type`, `os`, `browser`, `language` | `technologyTargeting` |
//! | `audience_segment` | `customTargeting`, audience segments by id |
//! | `custom.gam`: `key_values`, `excluded_key_values` | `customTargeting`, by the names of keys and values |
//!
//! The product defines its inventory (`inventoryTargeting`) and the key-values that requests must
//! have (`key_values`). What a buyer adds is another part of the single `customTargeting` clause,
//! whose parts must all hold, so it can only narrow.
//!
//! A translation contains what buyers write. Ad Manager's ids are looked up when it is sent (see
//! [`catalogue`](crate::catalogue)), so a plan needs no network, and an update compares words.

use flightdeck_adapter::{contradiction::Said, prelude::*, words::pointer_segment};

use crate::{
    api, geo,
    settings::{AdUnit, Platform, Product},
    words::{self, Catalog, Word},
};

mod written;

pub use self::written::Wanted;
use self::written::write;

/// All supported dimensions.
pub const DIMENSIONS: [Dimension; 10] = [
    Dimension::GeoCountry,
    Dimension::GeoRegion,
    Dimension::GeoMetro,
    Dimension::GeoCity,
    Dimension::GeoPostal,
    Dimension::DeviceType,
    Dimension::Os,
    Dimension::Browser,
    Dimension::Language,
    Dimension::AudienceSegment,
];

/// The keys of a buyer's `custom.gam`.
const CUSTOM: [&str; 2] = ["key_values", "excluded_key_values"];
const CODE: &str = "unsupported_targeting";

/// The targeting of a line item, in the words of buyers and settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targeting {
    /// Included places.
    pub places: Vec<geo::Named>,
    /// Excluded places.
    pub not_places: Vec<geo::Named>,
    /// Words of catalogues: included, then excluded.
    pub words: Vec<(Catalog, Vec<Word>, Vec<Word>)>,
    /// Custom targeting keys with their values.
    pub keys: Vec<KeyValues>,
    segments: Vec<(bool, Vec<String>)>,
    inventory: Object,
}

/// A custom targeting key and some of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValues {
    /// The name of the key.
    pub key: String,
    /// The names of the values.
    pub values: Vec<String>,
    /// Whether the values are excluded.
    pub negative: bool,
    /// Its JSON pointer in the request, or the package whose product it belongs to.
    pub pointer: String,
}

/// Translates the targeting of a package and its product.
pub fn translate(platform: &Platform, product: &Product, package: &PackageOrder, problems: &mut Problems) -> Targeting {
    for rule in package.targeting.rules.iter().filter(|rule| !DIMENSIONS.contains(&rule.dimension)) {
        let known: Vec<&str> = DIMENSIONS.iter().map(Dimension::word).collect();
        let message = format!("The Ad Manager adapter can't target by {}.", rule.dimension.word());
        for value in &rule.values {
            problems.unsupported(CODE, rule.pointer(&package.package_id), value, &message, &known);
        }
    }
    let overlay = format!("/packages/{}/targeting_overlay", pointer_segment(&package.package_id));
    if let Some(dayparting) = &package.targeting.dayparting {
        let presets = dayparting.presets.iter().cloned();
        let hours = dayparting.schedules.iter().map(|part| format!("{}-{}", part.start_hour, part.end_hour));
        let said: Vec<String> = presets.chain(hours).collect();
        let message = "Ad Manager's REST API has no targeting by hours of the day. Leave dayparting out.";
        problems.unsupported(CODE, format!("{overlay}/dayparting"), said.join(", "), message, &[]);
    }
    let (places, not_places) = geo::places(&platform.geo_targets, package, problems);
    let each = |catalog| {
        let (included, excluded) = words::words(catalog, package, problems);
        (catalog, included, excluded)
    };
    let words = Catalog::ALL.map(each).into_iter().filter(|(_, some, others)| !(some.is_empty() && others.is_empty()));
    let words = words.collect();
    let settings = format!("/packages/{}/package_id", pointer_segment(&package.package_id));
    let mut keys: Vec<KeyValues> = product
        .key_values
        .iter()
        .map(|(key, values)| KeyValues {
            key: key.clone(),
            values: values.clone(),
            negative: false,
            pointer: settings.clone(),
        })
        .collect();
    if let Some(custom) = &package.targeting.custom {
        keys.extend(own(custom, &format!("{overlay}/custom/{}", pointer_segment(&platform.name)), problems));
    }
    contradicting_keys(&keys, &settings, problems);
    for unit in product.ad_units.iter().filter(|unit| product.excluded_ad_units.iter().any(|other| other.id == unit.id))
    {
        let said = Said::new(&unit.id, &settings);
        problems.wanted_and_excluded(&said, &said);
    }
    if product.ad_units.is_empty() && product.placements.is_empty() {
        let message = "Ad Manager needs to know where it runs: set ad_units or placements of the product or platform.";
        problems.invalid("inventory_missing", settings, &package.package_id, message);
    }
    Targeting {
        places,
        not_places,
        words,
        keys,
        segments: segments(platform, package, problems),
        inventory: inventory(platform, product),
    }
}

/// Refuses values that are both required and excluded. A buyer may exclude some of the values that
/// the product is sold by, but not all of them. Ad Manager ignores case (help, "Add new
/// key-values").
fn contradicting_keys(keys: &[KeyValues], settings: &str, problems: &mut Problems) {
    let said = |key: &KeyValues| -> Vec<Said> {
        key.values.iter().map(|value| Said::new(format!("{}={value}", key.key), &key.pointer)).collect()
    };
    let same = |one: &Said, other: &Said| one.value.to_lowercase() == other.value.to_lowercase();
    let excluded: Vec<Said> = keys.iter().filter(|key| key.negative).flat_map(said).collect();
    for key in keys.iter().filter(|key| !key.negative) {
        let wanted = said(key);
        let is_open = |value: &Said| !excluded.iter().any(|excluded| same(excluded, value));
        if key.pointer != settings || !wanted.iter().any(is_open) {
            problems.contradictions(&wanted, &excluded, same);
        }
    }
}

fn inventory(platform: &Platform, product: &Product) -> Object {
    let units = |units: &[AdUnit]| {
        let unit = |unit: &AdUnit| {
            object! { "adUnit": platform.name_of("adUnits", &unit.id), "includeDescendants": unit.include_descendants }
        };
        units.iter().map(unit).collect::<Vec<Object>>()
    };
    let mut inventory = Object::default();
    let placements: Vec<String> = product.placements.iter().map(|id| platform.name_of("placements", id)).collect();
    write(&mut inventory, "targetedAdUnits", units(&product.ad_units));
    write(&mut inventory, "excludedAdUnits", units(&product.excluded_ad_units));
    write(&mut inventory, "targetedPlacements", placements);
    inventory
}

fn segments(platform: &Platform, package: &PackageOrder, problems: &mut Problems) -> Vec<(bool, Vec<String>)> {
    let mut read = Vec::new();
    for rule in package.targeting.rules.iter().filter(|rule| rule.dimension == Dimension::AudienceSegment) {
        for value in rule.values.iter().filter(|value| !api::is_id(value)) {
            let message = "Ad Manager takes the id of an audience segment here, a number.";
            problems.unsupported(CODE, rule.pointer(&package.package_id), value, message, &[]);
        }
        let names = rule.values.iter().map(|id| platform.name_of("audienceSegments", id)).collect();
        read.push((rule.operator == Operator::NoneOf, names));
    }
    read
}

/// Parses a buyer's `custom.gam`.
fn own(custom: &str, pointer: &str, problems: &mut Problems) -> Vec<KeyValues> {
    const CODE: &str = "invalid_custom_targeting";
    let Ok(Json::Object(custom)) = Json::parse(custom) else {
        problems.invalid(CODE, pointer, custom, "Ad Manager's custom targeting is an object.");
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, value) in custom.iter() {
        let pointer = format!("{pointer}/{}", pointer_segment(name));
        if !CUSTOM.contains(&name) {
            let message = "Ad Manager's custom targeting has no such part.";
            problems.unsupported(self::CODE, pointer, value.to_string(), message, &CUSTOM);
            continue;
        }
        let Some(keys) = value.as_object() else {
            let message = "Key-values are an object of lists, as {\"section\": [\"sports\"]}.";
            problems.invalid(CODE, pointer, value.to_string(), message);
            continue;
        };
        for (key, values) in keys.iter() {
            let pointer = format!("{pointer}/{}", pointer_segment(key));
            let texts: Option<Vec<String>> =
                values.items().iter().map(|value| value.as_text().map(str::to_owned)).collect();
            match texts.filter(|texts| !texts.is_empty() && texts.iter().all(|text| !text.is_empty())) {
                Some(values) => read.push(KeyValues {
                    key: key.to_owned(),
                    values,
                    negative: name == "excluded_key_values",
                    pointer,
                }),
                None => {
                    let message = "Name the key's values as a list of texts.";
                    problems.invalid(CODE, pointer, values.to_string(), message);
                }
            }
        }
    }
    read
}

#[cfg(test)]
mod tests {
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
}
