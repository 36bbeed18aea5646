//! The audience, location and context of a line item: `targeting`.
//!
//! | a buyer's rule | on Ad Manager |
//! |---|---|
//! | `geo_country`, `geo_region`, `geo_metro`, `geo_city`, `geo_postal` | `geoTargeting` |
//! | `device_type`, `os`, `browser`, `language` | `technologyTargeting` |
//! | `audience_segment` | `customTargeting`, audience segments by id |
//! | `custom.gam`: `key_values`, `excluded_key_values` | `customTargeting`, by the names of keys and values |
//! | `custom.gam`: `frequency_caps` | further `frequencyCaps` of the line item |
//! | `custom.gam`: `creative_weights` | the weights of the associations, by the buyer's ids of creatives |
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
    settings::{AdUnit, Cap, Platform, Product, RequestPlatform, Video},
    words::{self, Catalog, Word},
};

mod custom;
mod written;

pub use self::custom::weights;
pub use self::written::Wanted;
use self::{custom::own, written::write};

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

/// The most targeting criteria of a line item (help 1628457).
const CRITERIA_LIMIT: usize = 800;
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
    /// Who requests a video, and where in it ads are shown; empty for display.
    video: Object,
    /// Frequency caps of the buyer's custom targeting, each with its JSON pointer. They are fields of
    /// the line item.
    pub caps: Vec<(Cap, String)>,
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
    let mut caps = Vec::new();
    if let Some(custom) = &package.targeting.custom {
        let own = own(custom, &format!("{overlay}/custom/{}", pointer_segment(&platform.name)), problems);
        keys.extend(own.keys);
        caps = own.caps;
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
    let targeting = Targeting {
        places,
        not_places,
        words,
        keys,
        segments: segments(platform, package, problems),
        inventory: inventory(platform, product),
        video: product.video.as_ref().map(video).unwrap_or_default(),
        caps,
    };
    let criteria = targeting.criteria();
    if criteria > CRITERIA_LIMIT {
        let message = format!("A line item on Ad Manager has at most {CRITERIA_LIMIT} targeting criteria.");
        problems.unsupported("too_many_criteria", overlay, criteria.to_string(), message, &[]);
    }
    targeting
}

/// Returns the parts of a targeting that video products must have and display products must not
/// (SOAP, `RequestPlatformTargeting`).
fn video(video: &Video) -> Object {
    let platforms: Vec<&str> = video.request_platforms.iter().copied().map(RequestPlatform::name).collect();
    let mut object = object! { "requestPlatformTargeting": object! { "requestPlatforms": platforms } };
    if let Some(position) = video.position {
        let positions = vec![object! { "positionType": position.name() }];
        object.set("videoPositionTargeting", object! { "videoPositions": positions });
    }
    object
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

#[cfg(test)]
#[path = "targeting/tests.rs"]
mod tests;
