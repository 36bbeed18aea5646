//! What a buyer asks of Ad Manager alone: the package's `custom.gam`.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use super::{CODE, KeyValues};
use crate::settings::Cap;

/// The parts of it.
const CUSTOM: [&str; 4] = ["key_values", "excluded_key_values", "frequency_caps", "creative_weights"];
const INVALID: &str = "invalid_custom_targeting";
/// The longest name of a key, in characters: the help says 20, the type `CustomTargetingKey` 10. What
/// is between the two is left to Ad Manager.
const KEY_LIMIT: usize = 20;
/// The longest value, in characters (type `CustomTargetingValue`).
const VALUE_LIMIT: usize = 40;
/// What neither a key nor a value has (types `CustomTargetingKey`, `CustomTargetingValue`, and the
/// help).
const FORBIDDEN: [char; 19] =
    ['"', '\'', '=', '!', '+', '#', '*', '~', ';', '^', '(', ')', '<', '>', '[', ']', ',', '&', '\n'];
/// The heaviest weight.
const WEIGHT_LIMIT: i64 = 1_000_000;

/// What a buyer's custom targeting says.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// Key-values.
    pub keys: Vec<KeyValues>,
    /// Frequency caps, each with its JSON pointer.
    pub caps: Vec<(Cap, String)>,
}

/// Parses a buyer's `custom.gam`.
pub(super) fn own(custom: &str, pointer: &str, problems: &mut Problems) -> Own {
    let Ok(Json::Object(custom)) = Json::parse(custom) else {
        problems.invalid(INVALID, pointer, custom, "Ad Manager's custom targeting is an object.");
        return Own::default();
    };
    let mut read = Own::default();
    for (name, value) in custom.iter() {
        let pointer = format!("{pointer}/{}", pointer_segment(name));
        match name {
            "key_values" | "excluded_key_values" => {
                keys(value, name == "excluded_key_values", &pointer, &mut read.keys, problems);
            }
            "frequency_caps" => caps(value, &pointer, &mut read.caps, problems),
            "creative_weights" => check_weights(value, &pointer, problems),
            _ => {
                let message = "Ad Manager's custom targeting has no such part.";
                problems.unsupported(CODE, pointer, value.to_string(), message, &CUSTOM);
            }
        }
    }
    read
}

fn keys(value: &Json, negative: bool, pointer: &str, read: &mut Vec<KeyValues>, problems: &mut Problems) {
    let Some(keys) = value.as_object() else {
        let message = "Key-values are an object of lists, as {\"section\": [\"sports\"]}.";
        problems.invalid(INVALID, pointer, value.to_string(), message);
        return;
    };
    for (key, values) in keys.iter() {
        let pointer = format!("{pointer}/{}", pointer_segment(key));
        let texts: Option<Vec<String>> =
            values.items().iter().map(|value| value.as_text().map(str::to_owned)).collect();
        let Some(values) = texts.filter(|texts| !texts.is_empty() && texts.iter().all(|text| !text.is_empty())) else {
            problems.invalid(INVALID, pointer, values.to_string(), "Name the key's values as a list of texts.");
            continue;
        };
        let named = |text: &str, most: usize| text.chars().count() <= most && !text.contains(FORBIDDEN);
        if !named(key, KEY_LIMIT) || key.contains(char::is_whitespace) {
            let message = format!(
                "A key on Ad Manager has at most {KEY_LIMIT} characters, and no space and none of {}.",
                forbidden()
            );
            problems.invalid(INVALID, &pointer, key, message);
        }
        for value in values.iter().filter(|value| !named(value, VALUE_LIMIT)) {
            let message =
                format!("A value on Ad Manager has at most {VALUE_LIMIT} characters, and none of {}.", forbidden());
            problems.invalid(INVALID, &pointer, value, message);
        }
        read.push(KeyValues { key: key.to_owned(), values, negative, pointer });
    }
}

fn forbidden() -> String {
    FORBIDDEN.iter().filter(|letter| !letter.is_control()).map(char::to_string).collect::<Vec<String>>().join(" ")
}

fn caps(value: &Json, pointer: &str, read: &mut Vec<(Cap, String)>, problems: &mut Problems) {
    match serde_json::from_str::<Vec<Cap>>(&value.to_string()) {
        Ok(caps) => {
            let placed = caps.into_iter().enumerate().map(|(place, cap)| (cap, format!("{pointer}/{place}")));
            read.extend(placed);
        }
        Err(error) => {
            let message = format!(
                "Frequency caps are a list as [{{\"impressions\": 3, \"amount\": 1, \"unit\": \"day\"}}]: {error}."
            );
            problems.invalid(INVALID, pointer, value.to_string(), message);
        }
    }
}

fn check_weights(value: &Json, pointer: &str, problems: &mut Problems) {
    let weighs = |weight: &Json| weight.as_i64().is_some_and(|weight| (1..=WEIGHT_LIMIT).contains(&weight));
    match value.as_object() {
        Some(weights) => {
            for (creative, weight) in weights.iter().filter(|(_, weight)| !weighs(weight)) {
                let pointer = format!("{pointer}/{}", pointer_segment(creative));
                let message = format!("A weight is a whole number of 1 to {WEIGHT_LIMIT}.");
                problems.invalid(INVALID, pointer, weight.to_string(), message);
            }
        }
        None => {
            let message = "Weights are an object, as {\"banner\": 70, \"tag\": 30}.";
            problems.invalid(INVALID, pointer, value.to_string(), message);
        }
    }
}

/// Returns the weights that a buyer gives the creatives of a package.
#[must_use]
pub fn weights(package: &PackageOrder) -> Vec<(String, i64)> {
    let Some(Ok(Json::Object(custom))) = package.targeting.custom.as_deref().map(Json::parse) else {
        return Vec::new();
    };
    let weights = custom.get("creative_weights").and_then(Json::as_object);
    let weight = |(creative, weight): (&str, &Json)| Some((creative.to_owned(), weight.as_i64()?));
    weights.map(|weights| weights.iter().filter_map(weight).collect()).unwrap_or_default()
}
