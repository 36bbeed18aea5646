//! Fields of a JSON object, read as what they are.

use serde_json::{Map, Value};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::control::clock::{Millis, to_millis};

/// A JSON object.
pub(in crate::gam) type Object = Map<String, Value>;

/// Returns a whole number, which may be written as a string.
pub(in crate::gam) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// Whether a text is a duration: `15s`, `1.5s`.
pub(in crate::gam) fn span(text: &str) -> bool {
    let Some(number) = text.strip_suffix('s') else { return false };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(part) && part.len() <= 9
}

/// Formats an instant in Google's form.
pub(in crate::gam) fn write_time(time: OffsetDateTime) -> String {
    time.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

/// Formats an instant in the emulator's unit in Google's form.
pub(in crate::gam) fn write_millis(millis: Millis) -> String {
    let nanos = i128::from(millis) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).map(write_time).unwrap_or_default()
}

/// Reads an instant.
pub(in crate::gam) fn read_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Returns the instant in a field.
pub(in crate::gam) fn moment(object: &Object, name: &str) -> Option<Millis> {
    text(object, name).and_then(read_time).map(to_millis)
}

/// Returns the text in a field.
pub(in crate::gam) fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str)
}

/// Returns the number in a field.
pub(in crate::gam) fn number(object: &Object, name: &str) -> Option<i64> {
    object.get(name).and_then(whole)
}

/// Whether a field is present and true.
pub(in crate::gam) fn flag(object: &Object, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Returns the message in a field.
pub(in crate::gam) fn inner<'o>(object: &'o Object, name: &str) -> Option<&'o Object> {
    object.get(name).and_then(Value::as_object)
}

/// Returns the texts in a list.
pub(in crate::gam) fn texts<'o>(object: &'o Object, name: &str) -> Vec<&'o str> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Iterates over the messages in a list.
pub(in crate::gam) fn items<'o>(object: &'o Object, name: &str) -> impl Iterator<Item = &'o Object> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// Converts `display_name` to `displayName`. A name in camel case is unchanged.
pub(in crate::gam) fn camel(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        if letter == '_' {
            raise = true;
        } else if raise {
            written.push(letter.to_ascii_uppercase());
            raise = false;
        } else {
            written.push(letter);
        }
    }
    written
}

/// Converts `displayName` to `display_name`: error messages use the fields' names in the message.
pub(in crate::gam) fn snake(name: &str) -> String {
    let mut written = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            written.push('_');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}
