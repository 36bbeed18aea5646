//! The shapes of bodies, and a parser that reads JSON by them as Google's own parser does.
//!
//! A refusal lists everything that is wrong. Output-only fields are accepted and ignored, as
//! Google's documentation says. 64-bit numbers may be strings or numbers and are stored as strings;
//! times are stored in UTC.
//!
//! This is not a JSON Schema, unlike for Kevel's objects, because Google's bodies are protocol
//! buffers in JSON, and parsing changes them: a field has two names (`displayName`,
//! `display_name`), an enum value has a name and a number, and the result is compared with the
//! paths in a mask ([`mask`](super::mask)). A schema could say what is refused, but the parser
//! would still need to know the shapes.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::refusal::Refusal;
use crate::control::clock::{Millis, to_millis};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// A message of the API.
#[derive(Debug)]
pub(super) struct Shape {
    /// The name in Google's documentation.
    pub name: &'static str,
    /// The fields of the message.
    pub fields: &'static [Field],
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// The name in JSON.
    pub name: &'static str,
    kind: Kind,
    rule: Rule,
    many: bool,
}

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A 64-bit integer: a string in responses.
    Int64,
    /// A 32-bit integer.
    Int32,
    /// A floating-point number.
    Double,
    /// True or false.
    Bool,
    /// An instant, in RFC 3339.
    Time,
    /// A duration in seconds: `15s`.
    Span,
    /// Bytes in Base64.
    Bytes,
    /// An enum value, by name or number.
    Enum(&'static [(&'static str, i64)]),
    /// Another message.
    Message(&'static Shape),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Optional,
    Required,
    /// Required, and immutable once written.
    Fixed,
    /// Output-only: only Google writes it.
    Output,
}

const fn field(name: &'static str, kind: Kind, rule: Rule) -> Field {
    Field { name, kind, rule, many: false }
}

/// Makes an optional field.
pub(super) const fn opt(name: &'static str, kind: Kind) -> Field {
    field(name, kind, Rule::Optional)
}

/// Makes a required field.
pub(super) const fn req(name: &'static str, kind: Kind) -> Field {
    field(name, kind, Rule::Required)
}

/// Makes a required, immutable field.
pub(super) const fn fixed(name: &'static str, kind: Kind) -> Field {
    field(name, kind, Rule::Fixed)
}

/// Makes an output-only field.
pub(super) const fn out(name: &'static str, kind: Kind) -> Field {
    field(name, kind, Rule::Output)
}

impl Field {
    /// Returns the same field as a list.
    pub(super) const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    /// Whether the field is immutable once written.
    pub(super) fn is_fixed(&self) -> bool {
        self.rule == Rule::Fixed
    }

    /// Returns the type of the field.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the field is a list.
    pub(super) fn is_many(&self) -> bool {
        self.many
    }

    /// Whether only Google writes the field.
    pub(super) fn is_output(&self) -> bool {
        self.rule == Rule::Output
    }
}

impl Shape {
    /// Returns the field with this name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Parses a message, and reports everything that is wrong with it. `place` is its path:
    /// `order`.
    ///
    /// # Errors
    /// [`Refusal`] with a line for every unknown name and every value of a wrong type.
    pub(super) fn read(&self, place: &str, value: &Value) -> Result<Object, Refusal> {
        let mut wrong = Vec::new();
        let object = self.take(place, value, &mut wrong);
        if wrong.is_empty() { Ok(object) } else { Err(Refusal::payload(wrong.join("\n"))) }
    }

    fn take(&self, place: &str, value: &Value, wrong: &mut Vec<String>) -> Object {
        let mut taken = Object::new();
        let Value::Object(given) = value else {
            wrong.push(format!("Invalid value at '{place}' (type {}), an object is needed", self.name));
            return taken;
        };
        for (name, value) in given {
            // The parser accepts a field's JSON name and its name in the message.
            let camel = camel(name);
            let Some(field) = self.field(&camel) else {
                wrong.push(unknown(name, place));
                continue;
            };
            if value.is_null() {
                continue;
            }
            // An output-only field need not even have the right type.
            if field.is_output() {
                continue;
            }
            let place = format!("{place}.{}", snake(field.name));
            let value = if field.many {
                let Value::Array(items) = value else {
                    wrong.push(format!("Invalid value at '{place}': a list is needed"));
                    continue;
                };
                let items = items.iter().enumerate();
                let read = items.filter_map(|(at, item)| field.kind.read(&format!("{place}[{at}]"), item, wrong));
                Some(Value::Array(read.collect()))
            } else {
                field.kind.read(&place, value, wrong)
            };
            if let Some(value) = value {
                taken.insert(camel, value);
            }
        }
        taken
    }

    /// Checks that no required field is missing, in the message and the messages in it.
    ///
    /// # Errors
    /// [`Refusal`] with the first missing field.
    pub(super) fn require(&self, place: &str, object: &Object) -> Result<(), Refusal> {
        for field in self.fields {
            let place = format!("{place}.{}", snake(field.name));
            let value = object.get(field.name);
            let empty = match value {
                None => true,
                Some(Value::String(text)) => text.is_empty(),
                Some(Value::Array(items)) => items.is_empty(),
                Some(_) => false,
            };
            if empty && matches!(field.rule, Rule::Required | Rule::Fixed) {
                return Err(Refusal::required(&place));
            }
            if let Kind::Message(shape) = field.kind {
                match value {
                    Some(Value::Object(inner)) => shape.require(&place, inner)?,
                    Some(Value::Array(items)) => {
                        for inner in items.iter().filter_map(Value::as_object) {
                            shape.require(&place, inner)?;
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Kind {
    fn read(self, place: &str, value: &Value, wrong: &mut Vec<String>) -> Option<Value> {
        let read = match (self, value) {
            (Self::Message(shape), value) => return Some(Value::Object(shape.take(place, value, wrong))),
            (Self::Text, Value::String(_)) | (Self::Bool, Value::Bool(_)) | (Self::Double, Value::Number(_)) => {
                Some(value.clone())
            }
            (Self::Int64, value) => whole(value).map(|number| Value::from(number.to_string())),
            (Self::Int32, value) => whole(value).and_then(|number| i32::try_from(number).ok()).map(Value::from),
            (Self::Time, Value::String(text)) => read_time(text).map(|time| write_time(time).into()),
            (Self::Span, Value::String(text)) => span(text).then(|| value.clone()),
            (Self::Bytes, Value::String(text)) => STANDARD.decode(text).is_ok().then(|| value.clone()),
            (Self::Enum(names), Value::String(text)) => {
                names.iter().any(|(name, _)| name == text).then(|| value.clone())
            }
            (Self::Enum(names), Value::Number(_)) => {
                let sent = whole(value);
                names.iter().find(|(_, number)| Some(*number) == sent).map(|(name, _)| Value::from(*name))
            }
            _ => None,
        };
        if read.is_none() {
            wrong.push(format!("Invalid value at '{place}' ({}), {value}", self.name()));
        }
        read
    }

    fn name(self) -> String {
        match self {
            Self::Text => "TYPE_STRING".to_owned(),
            Self::Int64 => "TYPE_INT64".to_owned(),
            Self::Int32 => "TYPE_INT32".to_owned(),
            Self::Double => "TYPE_DOUBLE".to_owned(),
            Self::Bool => "TYPE_BOOL".to_owned(),
            Self::Time => "an RFC 3339 time such as 2030-01-01T00:00:00Z".to_owned(),
            Self::Span => "a number of seconds such as 15s".to_owned(),
            Self::Bytes => "TYPE_BYTES in base64".to_owned(),
            Self::Enum(names) => {
                let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
                format!("one of {}", names.join(", "))
            }
            Self::Message(shape) => shape.name.to_owned(),
        }
    }
}

fn unknown(name: &str, place: &str) -> String {
    format!("Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field.")
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

fn span(text: &str) -> bool {
    let Some(number) = text.strip_suffix('s') else { return false };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(part) && part.len() <= 9
}

/// Formats an instant in Google's form.
pub(super) fn write_time(time: OffsetDateTime) -> String {
    time.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

/// Formats an instant in the emulator's unit in Google's form.
pub(super) fn write_millis(millis: Millis) -> String {
    let nanos = i128::from(millis) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).map(write_time).unwrap_or_default()
}

fn read_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Returns the instant in a field.
pub(super) fn moment(object: &Object, name: &str) -> Option<Millis> {
    text(object, name).and_then(read_time).map(to_millis)
}

/// Returns the text in a field.
pub(super) fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str)
}

/// Returns the number in a field.
pub(super) fn number(object: &Object, name: &str) -> Option<i64> {
    object.get(name).and_then(whole)
}

/// Whether a field is present and true.
pub(super) fn flag(object: &Object, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Returns the message in a field.
pub(super) fn inner<'o>(object: &'o Object, name: &str) -> Option<&'o Object> {
    object.get(name).and_then(Value::as_object)
}

/// Iterates over the messages in a list.
pub(super) fn items<'o>(object: &'o Object, name: &str) -> impl Iterator<Item = &'o Object> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// Converts `display_name` to `displayName`. A name in camel case is unchanged.
pub(super) fn camel(name: &str) -> String {
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
pub(super) fn snake(name: &str) -> String {
    let mut written = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            written.push('_');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}
