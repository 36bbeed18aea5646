//! Checking a body against a table of fields.
//!
//! Kevel objects have up to seventy fields. One table for each type says what a field holds, and
//! everything follows from it: what is refused, what is kept, what is answered. What a body leaves
//! out is not stored, so an object costs what it says and not what it could say.

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{refusal::Refusal, zerkel};
use crate::{
    amount,
    control::clock::{Millis, to_millis},
};

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A whole number in a range, both ends included.
    Int(i64, i64),
    /// One of a few numbers.
    Choice(&'static [i64]),
    /// A boolean.
    Flag,
    /// A text of so many characters, at least and at most.
    Text(usize, usize),
    /// A decimal number, kept exactly, with at most six places.
    Decimal,
    /// An instant in ISO 8601; without a zone it is taken as UTC.
    Moment,
    /// A text that holds a JSON object.
    JsonText,
    /// A text that starts with `http://` or `https://`, or is empty.
    Url,
    /// A Zerkel expression, or an empty text.
    Zerkel,
    /// A list of texts.
    Texts,
    /// An object that has these members.
    Members(&'static [&'static str]),
    /// Written by the server; ignored in a body.
    Given,
}

/// What happens when a field is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It is refused.
    Required,
    /// It is null, and null may be sent.
    Nullable,
    /// It is false; null is refused.
    FalseByDefault,
    /// It is false, and null may be sent for it.
    FalseOrNull,
    /// It is absent; null is refused.
    Optional,
}

/// One field of a type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// The name as answered.
    pub name: &'static str,
    /// Another spelling the OpenAPI document uses for it in some place.
    pub also: Option<&'static str>,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be missing.
    pub need: Need,
}

/// A required field.
pub(super) const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, also: None, kind, need: Need::Required }
}

/// A field that may be left out or null.
pub(super) const fn nullable(name: &'static str, kind: Kind) -> Field {
    Field { name, also: None, kind, need: Need::Nullable }
}

/// A nullable field with a second spelling.
pub(super) const fn spelled(name: &'static str, also: &'static str, kind: Kind) -> Field {
    Field { name, also: Some(also), kind, need: Need::Nullable }
}

/// A field that may be left out, but not null.
pub(super) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, also: None, kind, need: Need::Optional }
}

/// A flag that is false when left out and must not be null.
pub(super) const fn flag(name: &'static str) -> Field {
    Field { name, also: None, kind: Kind::Flag, need: Need::FalseByDefault }
}

/// A flag that is false when left out or null.
pub(super) const fn lenient_flag(name: &'static str) -> Field {
    Field { name, also: None, kind: Kind::Flag, need: Need::FalseOrNull }
}

/// A field the server writes.
pub(super) const fn given(name: &'static str) -> Field {
    Field { name, also: None, kind: Kind::Given, need: Need::Optional }
}

/// An object as kept: only fields that were said, under the names of its table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Object(Vec<(&'static str, Value)>);

impl Object {
    /// The value of a field, if it was said and is not null.
    #[must_use]
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Sets a field.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// A whole number.
    #[must_use]
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// A flag; false when not said.
    #[must_use]
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A text.
    #[must_use]
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A decimal number in millionths.
    #[must_use]
    pub(super) fn micros(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Number(number)) => amount::micros(number).ok(),
            _ => None,
        }
    }

    /// An instant.
    #[must_use]
    pub(super) fn moment(&self, name: &str) -> Option<Millis> {
        self.text(name).and_then(read_moment).map(to_millis)
    }

    /// The object as answered: every field of the table, in JSON.
    #[must_use]
    pub(super) fn render(&self, table: &'static [Field]) -> Map<String, Value> {
        table
            .iter()
            .filter_map(|field| {
                let value = match (self.get(field.name), field.need) {
                    (Some(value), _) => value.clone(),
                    (None, Need::FalseByDefault | Need::FalseOrNull) => Value::Bool(false),
                    (None, Need::Optional) => return None,
                    (None, _) => Value::Null,
                };
                Some((field.name.to_owned(), value))
            })
            .collect()
    }
}

/// Reads a body that must be a JSON object.
///
/// # Errors
/// [`Refusal::Invalid`] when it is not.
pub(super) fn body_object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Refusal::invalid("the body must be a JSON object")),
        Err(error) => Err(Refusal::invalid(format!("the body is not valid JSON: {error}"))),
    }
}

/// Checks a body against a table and keeps what the table knows. Unknown fields are ignored.
///
/// # Errors
/// [`Refusal::Invalid`] naming everything that is wrong, not just the first.
pub(super) fn read(table: &'static [Field], body: &Map<String, Value>) -> Result<Object, Refusal> {
    let mut object = Object::default();
    let mut wrong = Vec::new();
    for field in table.iter().filter(|field| !matches!(field.kind, Kind::Given)) {
        let value = body.get(field.name).or_else(|| field.also.and_then(|also| body.get(also)));
        match (value, field.need) {
            (None, Need::Required) => wrong.push(format!("{} is required", field.name)),
            (None, _) | (Some(Value::Null), Need::Nullable | Need::FalseOrNull) => {}
            (Some(Value::Null), _) => wrong.push(format!("{} must not be null", field.name)),
            (Some(value), _) => match check(field.kind, value) {
                Ok(value) => object.set(field.name, value),
                Err(why) => wrong.push(format!("{} {why}", field.name)),
            },
        }
    }
    if wrong.is_empty() { Ok(object) } else { Err(Refusal::Invalid(wrong.join("; "))) }
}

fn check(kind: Kind, value: &Value) -> Result<Value, String> {
    match (kind, value) {
        (Kind::Given, _) => Ok(value.clone()),
        (Kind::Int(least, most), Value::Number(number)) => match number.as_i64() {
            Some(int) if (least..=most).contains(&int) => Ok(int.into()),
            Some(_) => Err(format!("must be between {least} and {most}")),
            None => Err("must be a whole number".to_owned()),
        },
        (Kind::Int(..), _) => Err("must be a whole number".to_owned()),
        (Kind::Choice(choices), _) => match value.as_i64() {
            Some(int) if choices.contains(&int) => Ok(int.into()),
            _ => Err(format!("must be one of {choices:?}")),
        },
        (Kind::Flag, Value::Bool(_)) => Ok(value.clone()),
        (Kind::Flag, _) => Err("must be true or false".to_owned()),
        (Kind::Decimal, Value::Number(number)) => match amount::micros(number) {
            Ok(micros) if micros >= 0 => Ok(value.clone()),
            Ok(_) => Err("must not be negative".to_owned()),
            Err(why) => Err(why.to_owned()),
        },
        (Kind::Decimal, _) => Err("must be a number".to_owned()),
        (Kind::Texts, Value::Array(items)) if items.iter().all(Value::is_string) => Ok(value.clone()),
        (Kind::Texts, _) => Err("must be a list of texts".to_owned()),
        (Kind::Members(members), Value::Object(map)) => {
            match members.iter().find(|member| !map.contains_key(**member)) {
                None => Ok(value.clone()),
                Some(missing) => Err(format!("needs {missing}")),
            }
        }
        (Kind::Members(_), _) => Err("must be an object".to_owned()),
        (_, Value::String(text)) => check_text(kind, text),
        _ => Err("must be a text".to_owned()),
    }
}

fn check_text(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Text(least, most) => {
            let length = text.chars().count();
            if length < least {
                return Err("must not be empty".to_owned());
            }
            if length > most {
                return Err(format!("is longer than {most} characters"));
            }
        }
        Kind::Moment => {
            let moment = read_moment(text).ok_or("is not an ISO 8601 date and time")?;
            return moment.format(&Rfc3339).map(Value::String).map_err(|error| error.to_string());
        }
        Kind::JsonText if serde_json::from_str::<Map<String, Value>>(text).is_err() => {
            return Err("is not a JSON object written as a text".to_owned());
        }
        Kind::Url => {
            let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
            if !(text.is_empty() || lower.starts_with("http://") || lower.starts_with("https://")) {
                return Err("is not a URL".to_owned());
            }
        }
        Kind::Zerkel if !text.trim().is_empty() => {
            zerkel::check(text).map_err(|error| format!("is not valid: {error}"))?;
        }
        _ => {}
    }
    Ok(Value::String(text.to_owned()))
}

/// Reads an instant: RFC 3339, the same without a zone (then UTC), or a date (then its midnight).
#[must_use]
pub(super) fn read_moment(text: &str) -> Option<OffsetDateTime> {
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let moment = parse(text).or_else(|| parse(&format!("{text}Z"))).or_else(|| parse(&format!("{text}T00:00:00Z")))?;
    Some(moment.to_offset(time::UtcOffset::UTC))
}

/// Writes an instant as answered.
#[must_use]
pub(super) fn write_moment(moment: OffsetDateTime) -> Value {
    // Whole seconds: what Kevel's own examples show.
    let whole = moment.replace_nanosecond(0).unwrap_or(moment);
    whole.format(&Rfc3339).map_or(Value::Null, Value::String)
}
