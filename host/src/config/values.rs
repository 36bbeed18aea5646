//! Readers for single values. Each returns the value, or an error that says what the value must be.
//!
//! An error never repeats the value if it might be a misplaced secret.

use std::{fmt::Display, num::NonZeroUsize, str::FromStr, time::Duration};

use http::HeaderName;
use toml::de::{DeFloat, DeInteger, DeValue};

use super::{
    mistake::{any_of, nearest},
    reader::{Node, Read},
};
use crate::domain::{
    money::{AmountError, Micros},
    nfc::{composed, composed_json},
    text::{Lines, readable},
    time::{Day, Timestamp},
};

/// The longest duration that is accepted: ten years, so that sums of durations don't overflow.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// The longest name that is accepted. Names are used in ids, file names, logs and on ad servers.
pub(super) const LONGEST_NAME: usize = 64;

/// The longest display name, in characters: as long as that of a creative.
const LONGEST_TITLE: usize = 255;

/// The longest description, in characters: about a screenful.
const LONGEST_DESCRIPTION: usize = 2_000;

/// Reads a string that is not blank.
pub(super) fn text(node: Node<'_>) -> Read<&str> {
    node.value.as_str().filter(|text| !text.trim().is_empty()).ok_or_else(|| "must be a text in quotes".to_owned())
}

/// Reads a string with its own grammar. The parse error is the message of the mistake.
pub(super) fn parsed<T: FromStr<Err: Display>>(node: Node<'_>) -> Read<T> {
    text(node)?.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads a string that is not blank, as an owned value.
pub(super) fn words(node: Node<'_>) -> Read<String> {
    text(node).map(|text| composed(text.trim()))
}

/// Reads a string for lists and histories: one line of limited length.
pub(super) fn short(node: Node<'_>) -> Read<String> {
    within(node, LONGEST_NAME, Lines::One, "text of one line")
}

/// Reads a display name, which buyers, reviewers and ad servers see.
pub(super) fn title(node: Node<'_>) -> Read<String> {
    within(node, LONGEST_TITLE, Lines::One, "text of one line")
}

/// Reads a description for people.
pub(super) fn description(node: Node<'_>) -> Read<String> {
    within(node, LONGEST_DESCRIPTION, Lines::Many, "text")
}

fn within(node: Node<'_>, most: usize, lines: Lines, what: &str) -> Read<String> {
    let must = || format!("must be a {what} and at most {most} characters, in quotes");
    let found = words(node)?;
    if found.chars().count() > most {
        return Err(must());
    }
    match readable(&found, lines) {
        Ok(()) => Ok(found),
        Err(unreadable) => Err(format!("{}: {unreadable}", must())),
    }
}

/// Reads `true` or `false`.
pub(super) fn flag(node: Node<'_>) -> Read<bool> {
    node.value.as_bool().ok_or_else(|| "must be true or false, without quotes".to_owned())
}

/// Reads a lower-case name for ids and file names: `acme`, `acme_eu`.
pub(super) fn identifier(node: Node<'_>) -> Read<String> {
    let must = "must be a lower-case name of letters, digits and _ that begins with a letter, like \"acme\"";
    let valid = |text: &&str| {
        text.len() <= LONGEST_NAME
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    node.value.as_str().filter(valid).map(str::to_owned).ok_or_else(|| must.to_owned())
}

/// Reads an id or name that needs no escaping anywhere: `premium_sports`, `agency-7`.
pub(super) fn id(node: Node<'_>) -> Read<String> {
    let must = "must be an id of letters, digits, `_`, `-` and `.`, at most 64, like \"agency-7\"";
    let valid = |text: &&str| {
        (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    node.value.as_str().filter(valid).map(str::to_owned).ok_or_else(|| must.to_owned())
}

/// Reads an id of an ad server, which may be written as a number.
pub(super) fn foreign_id(node: Node<'_>) -> Read<String> {
    match node.value {
        DeValue::Integer(number) => integer(number).ok().map(|number| number.to_string()),
        _ => words(node).ok(),
    }
    .ok_or_else(|| "must be the id on the ad server, like \"1001\"".to_owned())
}

/// Reads one of a fixed list of names.
pub(super) fn choice<T: Copy>(node: Node<'_>, all: &[T], name: impl Fn(T) -> &'static str) -> Read<T> {
    let text = node.value.as_str().unwrap_or("");
    all.iter().copied().find(|case| name(*case) == text).ok_or_else(|| {
        let names = || all.iter().map(|case| name(*case));
        let hint = nearest(text, names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("must be {}{hint}", any_of(names()))
    })
}

/// Reads an integer between two inclusive bounds.
pub(super) fn whole<T: TryFrom<i64>>(node: Node<'_>, least: i64, most: i64) -> Read<T> {
    let number = node.value.as_integer().and_then(|number| integer(number).ok());
    let fitting = number.filter(|number| (least..=most).contains(number));
    fitting
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

fn integer(number: &DeInteger<'_>) -> Result<i64, std::num::ParseIntError> {
    i64::from_str_radix(number.as_str(), number.radix())
}

/// Reads an amount of money from the digits in the file, without a float.
pub(super) fn amount(node: Node<'_>) -> Read<Micros> {
    let read = match node.value {
        DeValue::Integer(number) => {
            integer(number).map_or(Err(AmountError::TooLarge), |whole| Micros::parse(&whole.to_string()))
        }
        DeValue::Float(float) => Micros::parse(float.as_str().trim_start_matches('+')),
        _ => Err(AmountError::NotANumber),
    };
    read.map_err(|error| match error {
        AmountError::NotANumber => "must be an amount without quotes and currency, like 12.50".to_owned(),
        error => error.to_string(),
    })
}

/// Reads an amount above zero.
pub(super) fn positive_amount(node: Node<'_>) -> Read<Micros> {
    amount(node).and_then(|amount| if amount.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(amount) })
}

/// Reads a duration above zero.
pub(super) fn duration(node: Node<'_>) -> Read<Duration> {
    duration_or_none(node)
        .and_then(|found| if found.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(found) })
}

/// Reads a duration, which may be zero.
pub(super) fn duration_or_none(node: Node<'_>) -> Read<Duration> {
    let must = "must be a duration with its unit (ms, s, m, h, d) in quotes, like \"30s\" or \"1h30m\"";
    let found = node.value.as_str().and_then(parse_duration).ok_or_else(|| must.to_owned())?;
    if found > LONGEST { Err("must be at most ten years".to_owned()) } else { Ok(found) }
}

/// Reads a duration above zero, in milliseconds.
pub(super) fn millis(node: Node<'_>) -> Read<u64> {
    duration(node).map(|found| u64::try_from(found.as_millis()).unwrap_or(u64::MAX))
}

/// Reads a duration of at most one day, in milliseconds. It may be zero.
pub(super) fn short_millis(node: Node<'_>) -> Read<u32> {
    let found = duration_or_none(node)?;
    if found > Duration::from_secs(86_400) {
        return Err("must be at most a day".to_owned());
    }
    u32::try_from(found.as_millis()).map_err(|_| "must be at most a day".to_owned())
}

/// Parses numbers and units, such as `30s` or `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|next: char| !next.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|next: char| !next.is_ascii_lowercase()).unwrap_or(after.len()));
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(millis)?))?;
        rest = after;
    }
    Some(total)
}

/// Formats a duration as it is written in the file: `1h30m`.
pub(crate) fn written(duration: Duration) -> String {
    let mut millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if millis >= size {
            text.push_str(&format!("{}{unit}", millis / size));
            millis %= size;
        }
    }
    text
}

/// Reads a number of bytes: `1048576`, `"64KiB"`, `"1MiB"`.
pub(super) fn size(node: Node<'_>) -> Read<NonZeroUsize> {
    let bytes = match node.value {
        DeValue::Integer(number) => integer(number).ok().and_then(|number| usize::try_from(number).ok()),
        DeValue::String(text) => parse_size(text),
        _ => None,
    };
    bytes
        .and_then(NonZeroUsize::new)
        .ok_or_else(|| "must be a number of bytes above 0, like 65536, \"64KiB\" or \"1MiB\"".to_owned())
}

fn parse_size(text: &str) -> Option<usize> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|next: char| !next.is_ascii_digit())?);
    let factor: usize = match unit.trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

/// Reads a currency code of three letters.
pub(super) fn currency(node: Node<'_>) -> Read<String> {
    let valid = |text: &&str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let must = "must be the three capital letters of a currency (ISO 4217), like \"USD\"";
    node.value.as_str().filter(valid).map(str::to_owned).ok_or_else(|| must.to_owned())
}

/// Reads a point in time: a TOML date-time, or the same as a string. A date means its last second.
pub(super) fn moment(node: Node<'_>) -> Read<Timestamp> {
    let text = match node.value {
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::String(text) => text.clone().into_owned(),
        _ => String::new(),
    };
    Timestamp::parse(&text).or_else(|_| Day::parse(&text).map(Day::end)).map_err(|_| {
        "must be a date and time with an offset, like 2030-01-31T12:00:00Z, or a day, like 2030-01-31".to_owned()
    })
}

/// Reads a SHA-256 in hexadecimal. The message does not repeat the value, which may be the token
/// itself.
pub(super) fn sha256(node: Node<'_>) -> Read<String> {
    let valid = |text: &&str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digest = node.value.as_str().filter(valid).map(str::to_ascii_lowercase);
    digest.ok_or_else(|| {
        "must be the SHA-256 of the token: 64 hexadecimal digits (printf %s TOKEN | sha256sum)".to_owned()
    })
}

/// Reads the name of an HTTP header.
pub(super) fn header_name(node: Node<'_>) -> Read<String> {
    let name = node.value.as_str().filter(|text| HeaderName::try_from(*text).is_ok());
    name.map(str::to_owned).ok_or_else(|| "must be the name of an HTTP header, like \"X-Acme-Key\"".to_owned())
}

/// Reads a table as JSON. Dates become strings.
pub(super) fn object(node: Node<'_>) -> Read<serde_json::Value> {
    if node.is_table() {
        to_json(node.value).map(composed_json)
    } else {
        Err("must be a table, like { key = \"value\" }".to_owned())
    }
}

/// The object that stands for a missing table.
pub(super) fn empty_object() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

fn to_json(value: &DeValue<'_>) -> Read<serde_json::Value> {
    use serde_json::Value;
    Ok(match value {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(number) => {
            integer(number).map(Value::from).map_err(|_| format!("holds {number}, which is too large"))?
        }
        DeValue::Float(number) => float(number)?,
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(array) => array.iter().map(|element| to_json(element.get_ref())).collect::<Read<_>>()?,
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| Ok((key.get_ref().clone().into_owned(), to_json(value.get_ref())?)))
            .collect::<Read<_>>()
            .map(Value::Object)?,
    })
}

fn float(number: &DeFloat<'_>) -> Read<serde_json::Value> {
    let finite = number.as_str().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    finite
        .map(serde_json::Value::Number)
        .ok_or_else(|| format!("holds {}, which JSON has no number for", number.as_str()))
}
