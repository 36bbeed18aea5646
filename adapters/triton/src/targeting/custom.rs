//! A buyer's `custom.triton`. It can only narrow the product's targeting.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use super::CODE as UNSUPPORTED;
use crate::{criteria::Criteria, inferred::dimension};

/// The keys of a buyer's `custom.triton`.
const CUSTOM: [&str; 3] = ["station_ids", "genres", "content_types"];

/// Parses it into criteria and the remaining stations of the product. Returns what it read; nothing
/// if it is no object.
pub(super) fn read(
    custom: &str,
    pointer: &str,
    parts: &mut Vec<Criteria>,
    stations: &mut Vec<i64>,
    problems: &mut Problems,
) -> Object {
    const CODE: &str = "invalid_custom_targeting";
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
            "genres" => match texts() {
                Some(genres) => parts.push(Criteria::In(dimension::GENRE, genres)),
                None => problems.invalid(CODE, pointer, value.to_string(), "Genres are a list of texts."),
            },
            // Compared with the product's by the caller.
            "content_types" => {
                if texts().is_none() {
                    problems.invalid(CODE, pointer, value.to_string(), "Content types are a list of texts.");
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
