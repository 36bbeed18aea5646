//! A buyer's `custom.triton`. It can only narrow the product's targeting.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use super::CODE as UNSUPPORTED;
use crate::{criteria::Criteria, inferred::dimension, settings::OncePer};

/// The keys of a buyer's `custom.triton`.
const CUSTOM: [&str; 9] =
    ["station_ids", "genres", "content_types", "markets", "station_tags", "content_tags", "age", "genders", "once_per"];
/// Lists of texts, and their dimensions.
const TEXTS: [(&str, &str); 5] = [
    ("genres", dimension::GENRE),
    ("markets", dimension::MARKET),
    ("station_tags", dimension::STATION_TAG),
    ("content_tags", dimension::CONTENT_TAG),
    ("genders", dimension::GENDER),
];
/// The most content tags of a flight (help pages, targeting rules: usage notes).
const MOST_TAGS: usize = 512;
const CODE: &str = "invalid_custom_targeting";

/// Parses it into criteria and the remaining stations of the product. Returns what it read; nothing
/// if it is no object.
pub(super) fn read(
    custom: &str,
    pointer: &str,
    parts: &mut Vec<Criteria>,
    stations: &mut Vec<i64>,
    problems: &mut Problems,
) -> Object {
    let Ok(Json::Object(custom)) = Json::parse(custom) else {
        problems.invalid(CODE, pointer, custom, "Triton's custom targeting is an object.");
        return Object::default();
    };
    for (name, value) in custom.iter() {
        let pointer = format!("{pointer}/{}", pointer_segment(name));
        let texts = || -> Option<Vec<String>> {
            let read = |text: &Json| text.as_text().filter(|text| !text.trim().is_empty()).map(str::to_owned);
            value.items().iter().map(read).collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty())
        };
        match name {
            "station_ids" => {
                let ids: Option<Vec<i64>> = value.items().iter().map(Json::as_i64).collect();
                let Some(ids) = ids.filter(|ids| !ids.is_empty()) else {
                    problems.invalid(CODE, pointer, value.to_string(), "Stations are a list of ids.");
                    continue;
                };
                let known: Vec<String> = stations.iter().map(i64::to_string).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                for id in ids.iter().filter(|id| !stations.is_empty() && !stations.contains(id)) {
                    let message = "The product does not run on this station.";
                    problems.unsupported(UNSUPPORTED, &pointer, id.to_string(), message, &known);
                }
                *stations = ids;
            }
            "age" => match age(value) {
                Some(age) => parts.push(age),
                None => {
                    let message = "An age is {\"min\": 18, \"max\": 34}, in years; one of the two is enough.";
                    problems.invalid(CODE, pointer, value.to_string(), message);
                }
            },
            // Read by the caller.
            "once_per" => {}
            // Compared with the product's by the caller.
            "content_types" => {
                if texts().is_none() {
                    problems.invalid(CODE, pointer, value.to_string(), "Content types are a list of texts.");
                }
            }
            list if TEXTS.iter().any(|(known, _)| *known == list) => {
                let dimension = TEXTS.iter().find(|(known, _)| *known == list).map(|(_, dimension)| *dimension);
                match dimension.zip(texts()) {
                    Some((dimension, texts)) => parts.push(Criteria::In(dimension, texts)),
                    None => problems.invalid(CODE, pointer, value.to_string(), "It is a list of texts."),
                }
            }
            _ => {
                let message = "Triton's custom targeting has no such part.";
                problems.unsupported(UNSUPPORTED, pointer, value.to_string(), message, &CUSTOM);
            }
        }
    }
    custom
}

/// Reads a range of ages.
fn age(value: &Json) -> Option<Criteria> {
    let range = value.as_object()?;
    let years = |name: &str| match range.get(name) {
        None => Some(None),
        Some(years) => years.as_i64().filter(|years| (0..=120).contains(years)).map(Some),
    };
    let (min, max) = (years("min")?, years("max")?);
    let known = range.iter().all(|(name, _)| ["min", "max"].contains(&name));
    let ordered = min.zip(max).is_none_or(|(min, max)| min <= max);
    (known && ordered && (min.is_some() || max.is_some())).then_some(Criteria::Between(dimension::AGE, min, max))
}

/// Reads the cap that the buyer asks for in words of Triton's own, with its place.
pub(super) fn once_per(custom: &Object, pointer: &str, problems: &mut Problems) -> Option<(OncePer, String)> {
    let value = custom.get("once_per")?;
    let pointer = format!("{pointer}/once_per");
    match OncePer::WORDS.iter().find(|(word, _)| Some(*word) == value.as_text()) {
        Some((_, per)) => Some((*per, pointer)),
        None => {
            let known = OncePer::WORDS.map(|(word, _)| word);
            let message = "Triton caps once per lifetime, break or download here.";
            problems.unsupported(UNSUPPORTED, pointer, value.to_string(), message, &known);
            None
        }
    }
}

/// Checks that a flight has no more content tags than Triton takes, the product's and the buyer's together.
pub(super) fn check_tags(of_product: &[String], custom: &Object, pointer: &str, problems: &mut Problems) {
    let of_buyer = custom.get("content_tags").map(Json::items).unwrap_or_default();
    let count = of_product.len() + of_buyer.len();
    if count > MOST_TAGS {
        let message = format!("A flight on Triton has at most {MOST_TAGS} content tags, the product's included.");
        problems.unsupported(
            "too_many_content_tags",
            format!("{pointer}/content_tags"),
            count.to_string(),
            message,
            &[],
        );
    }
}
