//! The audience of a flight: a [criteria](crate::criteria) tree, and the stations that it is
//! limited to.
//!
//! | dimension | on Triton | values |
//! |---|---|---|
//! | `geo_country` | `country` | `US` |
//! | `geo_region` | `country` with `state` | `US-CA` |
//! | `geo_metro` | `dma` | `501` |
//! | `geo_city` | `city-geonames-id` | an id of GeoNames |
//! | `geo_postal` | `country` with `postal-code` | `US:10001` |
//! | `device_type` | `device` | mobile, desktop, audio (smart speakers) |
//! | `content_genre` | `genre` | a genre of a station |
//! | `language` | `language` | `en` |
//! | `audience_segment` | `segment` | a segment's id on the data management platform |
//! | `media_type` | | audio, which is all there is |
//!
//! A product narrows it by genres, markets, station tags and content tags. A buyer's `custom.triton` may
//! narrow it further, by these, `station_ids`, `content_types`, `age` and `genders`. Everything is joined
//! with `and`. Content types and the cap `once_per` are fields of the flight's own.

use std::collections::BTreeMap;

use flightdeck_adapter::{
    contradiction::Said,
    prelude::*,
    words::{pointer_segment, postal_code},
};

use crate::{
    criteria::Criteria,
    inferred::{self, dimension},
    settings::{OncePer, Platform, Product},
};

mod custom;

/// All supported dimensions.
pub const DIMENSIONS: [Dimension; 10] = [
    Dimension::GeoCountry,
    Dimension::GeoRegion,
    Dimension::GeoMetro,
    Dimension::GeoCity,
    Dimension::GeoPostal,
    Dimension::DeviceType,
    Dimension::ContentGenre,
    Dimension::Language,
    Dimension::AudienceSegment,
    Dimension::MediaType,
];

const CODE: &str = "unsupported_targeting";

/// The targeting of a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targeting {
    /// The criteria tree; `None` means everybody.
    pub tree: Option<Object>,
    /// Station ids; empty: all.
    pub stations: Vec<i64>,
    /// The content types that the buyer wants; empty: all of the product's.
    pub content_types: Vec<String>,
    /// The cap that the buyer asks for in words of Triton's own, and its place.
    pub once_per: Option<(OncePer, String)>,
}

/// Translates the targeting of a package and its product.
pub fn translate(platform: &Platform, product: &Product, package: &PackageOrder, problems: &mut Problems) -> Targeting {
    let mut parts = Vec::new();
    for (dimension, values) in [
        (dimension::GENRE, &product.genres),
        (dimension::MARKET, &product.markets),
        (dimension::STATION_TAG, &product.station_tags),
        (dimension::CONTENT_TAG, &product.content_tags),
    ] {
        if !values.is_empty() {
            parts.push(Criteria::In(dimension, values.clone()));
        }
    }
    for rule in &package.targeting.rules {
        parts.extend(translated(rule, &rule.pointer(&package.package_id), problems));
    }
    let mut stations = product.station_ids.clone();
    let settings = format!("/packages/{}/package_id", pointer_segment(&package.package_id));
    let mut genres = Own { of_product: said(&product.genres, &settings), of_buyer: Vec::new() };
    let (mut content_types, mut once_per) = (Vec::new(), None);
    if let Some(text) = &package.targeting.custom {
        let overlay = format!("/packages/{}/targeting_overlay", pointer_segment(&package.package_id));
        let pointer = format!("{overlay}/custom/{}", pointer_segment(&platform.name));
        let custom = custom::read(text, &pointer, &mut parts, &mut stations, problems);
        genres.of_buyer = said_in(&custom, &pointer, "genres");
        once_per = custom::once_per(&custom, &pointer, problems);
        custom::check_tags(&product.content_tags, &custom, &pointer, problems);
        let wanted = said_in(&custom, &pointer, "content_types");
        let known: Vec<&str> = product.content_types.iter().map(String::as_str).collect();
        for word in wanted.iter().filter(|word| !known.contains(&word.value.as_str())) {
            let message = "The product does not run in this content.";
            problems.unsupported(CODE, &word.pointer, &word.value, message, &known);
        }
        content_types.extend(wanted.into_iter().map(|word| word.value));
    }
    genres.check(&excluded(package, &Dimension::ContentGenre), problems);
    let tree = (!parts.is_empty()).then(|| Criteria::All(parts).object());
    Targeting { tree, stations, content_types, once_per }
}

/// The product's and the buyer's own values, which must match.
struct Own {
    of_product: Vec<Said>,
    of_buyer: Vec<Said>,
}

impl Own {
    /// Checks the excluded values: a buyer may exclude some of the values that the product is sold
    /// by, but not all of them, and none that the buyer wants.
    fn check(&self, excluded: &[Said], problems: &mut Problems) {
        let is_open = |value: &Said| !excluded.iter().any(|excluded| same(excluded, value));
        if !self.of_product.iter().any(is_open) {
            problems.contradictions(&self.of_product, excluded, same);
        }
        problems.contradictions(&self.of_buyer, excluded, same);
    }
}

fn same(one: &Said, other: &Said) -> bool {
    one.value.trim().to_lowercase() == other.value.trim().to_lowercase()
}

fn said(values: &[String], pointer: &str) -> Vec<Said> {
    values.iter().map(|value| Said::new(value, pointer)).collect()
}

/// Returns the texts of one part of a buyer's `custom.triton`. Values that are not texts are
/// refused elsewhere.
fn said_in(custom: &Object, pointer: &str, part: &str) -> Vec<Said> {
    let values = custom.get(part).map(Json::items).unwrap_or_default();
    let texts = values.iter().filter_map(|value| value.as_text().map(str::to_owned)).collect::<Vec<_>>();
    said(&texts, &format!("{pointer}/{part}"))
}

fn excluded(package: &PackageOrder, dimension: &Dimension) -> Vec<Said> {
    let rules = package.targeting.rules.iter();
    let excluding = rules.filter(|rule| rule.operator == Operator::NoneOf && rule.dimension == *dimension);
    excluding.flat_map(|rule| said(&rule.values, &rule.pointer(&package.package_id))).collect()
}

fn translated(rule: &TargetingRule, pointer: &str, problems: &mut Problems) -> Option<Criteria> {
    if !DIMENSIONS.contains(&rule.dimension) {
        let known: Vec<&str> = DIMENSIONS.iter().map(Dimension::word).collect();
        let message = format!("Triton can't target by {}.", rule.dimension.word());
        for value in &rule.values {
            problems.unsupported(CODE, pointer, value, &message, &known);
        }
        return None;
    }
    let mut by_area: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
    for value in &rule.values {
        match read(rule, value) {
            Ok((area, value)) => {
                let values = by_area.entry(area).or_default();
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            Err((message, supported)) => problems.unsupported(CODE, pointer, value, message, &supported),
        }
    }
    // Everything on Triton is audio, so the rule always holds and isn't sent.
    if rule.dimension == Dimension::MediaType || by_area.is_empty() {
        return None;
    }
    let of = dimension_of(&rule.dimension);
    let condition = |(area, values): (Option<String>, Vec<String>)| match area {
        None => Criteria::In(of, values),
        Some(country) => Criteria::All(vec![Criteria::In(dimension::COUNTRY, vec![country]), Criteria::In(of, values)]),
    };
    let any = Criteria::Any(by_area.into_iter().map(condition).collect());
    Some(match rule.operator {
        Operator::AnyOf => any,
        Operator::NoneOf => Criteria::Not(Box::new(any)),
    })
}

const fn dimension_of(of: &Dimension) -> &'static str {
    match of {
        Dimension::GeoCountry => dimension::COUNTRY,
        Dimension::GeoRegion => dimension::STATE,
        Dimension::GeoMetro => dimension::METRO,
        Dimension::GeoCity => dimension::CITY,
        Dimension::GeoPostal => dimension::POSTAL,
        Dimension::DeviceType => dimension::DEVICE,
        Dimension::ContentGenre => dimension::GENRE,
        Dimension::AudienceSegment => dimension::SEGMENT,
        _ => dimension::LANGUAGE,
    }
}

type Unreadable = (&'static str, Vec<&'static str>);

/// Parses one value of a rule. Returns the country that it belongs to, if its dimension needs one,
/// and Triton's value.
fn read(rule: &TargetingRule, value: &str) -> Result<(Option<String>, String), Unreadable> {
    let form = |read: Option<(Option<String>, String)>, message| read.ok_or((message, Vec::new()));
    match rule.dimension {
        Dimension::GeoCountry => form(country(value).map(|value| (None, value)), "Triton takes a country as US here."),
        Dimension::GeoRegion => {
            let read = value.split_once('-').and_then(|(of, code)| Some((Some(country(of)?), plain(code, 3)?)));
            form(read, "Triton takes a region as US-CA here.")
        }
        Dimension::GeoMetro => {
            let known = value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_digit());
            form(known.then(|| (None, value.to_owned())), "Triton takes a Nielsen DMA code as 501 here.")
        }
        Dimension::GeoCity => {
            let known = (1..=10).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
            let message = "Triton takes the id of a city in GeoNames here, as 6167865 for Toronto.";
            form(known.then(|| (None, value.to_owned())), message)
        }
        Dimension::GeoPostal => {
            let read = postal_code(value).and_then(|(of, code)| {
                let known = (1..=12).contains(&code.len())
                    && code.chars().all(|char| char.is_ascii_alphanumeric() || " -".contains(char));
                Some((Some(country(of)?), known.then(|| code.to_ascii_uppercase())?))
            });
            form(read, "Triton takes country and postal code here, as US:10001.")
        }
        Dimension::DeviceType => match inferred::DEVICES.iter().find(|(word, _)| *word == value) {
            Some((_, device)) => Ok((None, (*device).to_owned())),
            None => Err((
                "Triton plays on no such type of device.",
                inferred::DEVICES.iter().map(|(word, _)| *word).collect(),
            )),
        },
        Dimension::ContentGenre => {
            let known = !value.trim().is_empty() && value.chars().count() <= 64;
            form(known.then(|| (None, value.to_owned())), "Triton takes a genre of a station here, as news.")
        }
        Dimension::AudienceSegment => {
            let known = !value.trim().is_empty() && value.chars().count() <= 64;
            form(known.then(|| (None, value.to_owned())), "Triton takes a segment's id here, of 1 to 64 characters.")
        }
        Dimension::MediaType => match (value, rule.operator) {
            ("audio", Operator::AnyOf) | ("display" | "video" | "native", Operator::NoneOf) => {
                Ok((None, value.to_owned()))
            }
            _ => Err(("Everything on Triton is audio.", vec!["audio"])),
        },
        _ => {
            let known = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_lowercase());
            form(known.then(|| (None, value.to_owned())), "Triton takes a language by its two letters, as en.")
        }
    }
}

fn country(value: &str) -> Option<String> {
    (value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| value.to_ascii_uppercase())
}

fn plain(code: &str, most: usize) -> Option<String> {
    let known = (1..=most).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    known.then(|| code.to_ascii_uppercase())
}

#[cfg(test)]
#[path = "targeting/tests.rs"]
mod tests;
