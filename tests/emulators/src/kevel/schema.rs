//! Checks bodies against the JSON Schema of their type, and stores the fields that the schema
//! knows.
//!
//! Kevel objects have up to seventy fields. One schema per type (`objects.json`) defines its
//! fields, and thereby what is refused, stored and returned. Fields that a body omits are not
//! stored, so an object needs memory only for what it contains.

use std::sync::LazyLock;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{keywords, refusal::Refusal, zerkel};
use crate::{
    amount,
    control::clock::{Millis, to_millis},
};

/// The schemas, according to the Kevel OpenAPI document, with these additional keywords:
///
/// | keyword | meaning |
/// |---|---|
/// | `readOnly` | the server writes the field; in a body it is ignored |
/// | `default` | the value returned for a field that was not sent; without it, `null` if `null` may be sent or the field is required |
/// | `x-id` | the field with the id, where it is not `Id` |
/// | `x-also` | another spelling of the field that the document uses in some place |
/// | `format` | `moment`, `json-object`, `zerkel` and `keywords`: [`read_moment`], a JSON object in a text, an expression, the rules of [`keywords`] |
static OBJECTS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("objects.json")).unwrap_or_default());

static NOTHING: Value = Value::Null;

/// A type of objects.
#[derive(Debug)]
pub(super) struct Table {
    /// The name of the id field.
    pub(super) id: &'static str,
    fields: Vec<Field>,
    validator: Option<Validator>,
}

/// One field of a type.
#[derive(Debug)]
struct Field {
    /// The name in responses.
    name: &'static str,
    also: Option<&'static str>,
    schema: &'static Value,
    /// The value returned if the field was not sent; `None` if the response omits it.
    absent: Option<Value>,
}

impl Field {
    fn of(name: &'static str, schema: &'static Value, required: bool) -> Self {
        let nullable = ["type", "enum"].iter().any(|keyword| {
            schema[*keyword].as_array().is_some_and(|allowed| allowed.iter().any(|one| one.is_null() || one == "null"))
        });
        let absent = schema.get("default").cloned().or_else(|| (nullable || required).then_some(Value::Null));
        Self { name, also: schema["x-also"].as_str(), schema, absent }
    }

    fn is_given(&self) -> bool {
        self.schema["readOnly"] == true
    }

    fn holds(&self, kind: &str) -> bool {
        let of = &self.schema["type"];
        of == kind || of.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind))
    }

    /// Returns what is wrong with a value, in Kevel's style.
    fn why(&self, value: &Value, error: &ValidationError<'_>) -> String {
        let schema = self.schema;
        match error.kind() {
            _ if value.is_null() => "must not be null".to_owned(),
            ValidationErrorKind::Required { property } => format!("needs {}", property.as_str().unwrap_or_default()),
            ValidationErrorKind::Minimum { .. } if self.holds("number") => "must not be negative".to_owned(),
            ValidationErrorKind::Minimum { .. } | ValidationErrorKind::Maximum { .. } => {
                format!("must be between {} and {}", schema["minimum"], schema["maximum"])
            }
            ValidationErrorKind::Enum { .. } => {
                let choices: Vec<i64> =
                    schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
                format!("must be one of {choices:?}")
            }
            ValidationErrorKind::MinLength { .. } => "must not be empty".to_owned(),
            ValidationErrorKind::MaxLength { limit } => format!("is longer than {limit} characters"),
            ValidationErrorKind::MaxItems { limit } => format!("has more than {limit} entries"),
            ValidationErrorKind::Pattern { .. } => "is not a URL".to_owned(),
            ValidationErrorKind::Format { format } => {
                let text = value.as_str().unwrap_or_default();
                match format.as_str() {
                    "moment" => "is not an ISO 8601 date and time".to_owned(),
                    "zerkel" => {
                        zerkel::check(text).err().map_or_else(String::new, |why| format!("is not valid: {why}"))
                    }
                    "keywords" => keywords::check(text).err().unwrap_or_default(),
                    _ => "is not a JSON object written as a text".to_owned(),
                }
            }
            _ if self.holds("integer") => "must be a whole number".to_owned(),
            _ if self.holds("number") => "must be a number".to_owned(),
            _ if self.holds("boolean") => "must be true or false".to_owned(),
            _ if self.holds("array") => "must be a list of texts".to_owned(),
            _ if self.holds("object") => "must be an object".to_owned(),
            _ => "must be a text".to_owned(),
        }
    }

    /// Returns the value to store, after the checks on numbers that JSON Schema can't make: `1.0`
    /// counts as a whole number there, and a float doesn't tell whether it has at most six decimal
    /// places.
    fn kept(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Number(number) if number.as_i64().is_none() && !self.holds("number") => {
                Err("must be a whole number".to_owned())
            }
            Value::Number(number) if self.holds("number") => {
                amount::micros(number).map(|_| value.clone()).map_err(str::to_owned)
            }
            Value::String(text) if self.schema["format"] == "moment" => {
                let moment = read_moment(text).and_then(|moment| moment.format(&Rfc3339).ok());
                moment.map(Value::String).ok_or_else(|| "is not an ISO 8601 date and time".to_owned())
            }
            _ => Ok(value.clone()),
        }
    }
}

impl Table {
    /// Returns the type with a name in `objects.json`.
    pub(super) fn of(name: &str) -> Self {
        Self::new(OBJECTS.get(name).unwrap_or(&NOTHING))
    }

    /// Makes the type of a schema.
    pub(super) fn new(schema: &'static Value) -> Self {
        let required =
            |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
        let properties = schema["properties"].as_object().into_iter().flatten();
        let fields = properties.map(|(name, property)| Field::of(name, property, required(name))).collect();
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .with_format("moment", |text: &str| read_moment(text).is_some())
            .with_format("json-object", |text: &str| serde_json::from_str::<Map<String, Value>>(text).is_ok())
            .with_format("keywords", |text: &str| keywords::check(text).is_ok())
            .with_format("zerkel", |text: &str| text.trim().is_empty() || zerkel::check(text).is_ok())
            .build(schema);
        Self { id: schema["x-id"].as_str().unwrap_or("Id"), fields, validator: validator.ok() }
    }
}

/// A stored object: only the fields that were sent, under their names in the schema.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Object(Vec<(&'static str, Value)>);

impl Object {
    /// Returns the value of a field, if it was sent and is not null.
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

    /// Returns a whole number.
    #[must_use]
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// Returns a flag; false if it was not sent.
    #[must_use]
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Returns a text.
    #[must_use]
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Returns a decimal number in millionths.
    #[must_use]
    pub(super) fn micros(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Number(number)) => amount::micros(number).ok(),
            _ => None,
        }
    }

    /// Returns an instant.
    #[must_use]
    pub(super) fn moment(&self, name: &str) -> Option<Millis> {
        self.text(name).and_then(read_moment).map(to_millis)
    }

    /// Returns the object as in a response: every field of its type, in JSON.
    #[must_use]
    pub(super) fn render(&self, table: &'static Table) -> Map<String, Value> {
        let fields = table.fields.iter().filter_map(|field| {
            let value = self.get(field.name).or(field.absent.as_ref())?;
            Some((field.name.to_owned(), value.clone()))
        });
        fields.collect()
    }
}

/// Parses a body, which must be a JSON object.
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

/// Checks a body against the schema of its type and returns the known fields. Unknown fields are
/// ignored.
///
/// # Errors
/// [`Refusal::Invalid`] with everything that is wrong, not just the first thing.
pub(super) fn read(table: &Table, body: &Map<String, Value>) -> Result<Object, Refusal> {
    let said = |field: &Field| body.get(field.name).or_else(|| field.also.and_then(|also| body.get(also)));
    let fields = || table.fields.iter().filter(|field| !field.is_given());
    let known: Map<String, Value> =
        fields().filter_map(|field| Some((field.name.to_owned(), said(field)?.clone()))).collect();
    let known = Value::Object(known);
    let validator =
        table.validator.as_ref().ok_or_else(|| Refusal::invalid("the emulator has no schema for this type"))?;
    let mut missing = Vec::new();
    let mut errors = Map::new();
    for error in validator.iter_errors(&known) {
        let path = error.instance_path().as_str();
        match (path.split('/').nth(1), error.kind()) {
            (Some(name), _) => {
                if let Some(field) = fields().find(|field| field.name == name) {
                    errors.entry(name).or_insert_with(|| field.why(&known[name], &error).into());
                }
            }
            (None, ValidationErrorKind::Required { property }) => missing.extend(property.as_str().map(str::to_owned)),
            (None, _) => return Err(Refusal::invalid(error.to_string())),
        }
    }
    let (mut object, mut wrong) = (Object::default(), Vec::new());
    for field in fields() {
        let name = field.name;
        if missing.iter().any(|missing| missing == name) {
            wrong.push(format!("{name} is required"));
        } else if let Some(why) = errors.get(name).and_then(Value::as_str) {
            wrong.push(format!("{name} {why}"));
        } else if let Some(value) = known.get(name).filter(|value| !value.is_null()) {
            match field.kept(value) {
                Ok(value) => object.set(name, value),
                Err(why) => wrong.push(format!("{name} {why}")),
            }
        }
    }
    if wrong.is_empty() { Ok(object) } else { Err(Refusal::Invalid(wrong.join("; "))) }
}

/// Parses an instant: RFC 3339, the same without an offset (then UTC), or a date (then its
/// midnight).
#[must_use]
pub(super) fn read_moment(text: &str) -> Option<OffsetDateTime> {
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let moment = parse(text).or_else(|| parse(&format!("{text}Z"))).or_else(|| parse(&format!("{text}T00:00:00Z")))?;
    Some(moment.to_offset(time::UtcOffset::UTC))
}

/// Formats an instant as in a response.
#[must_use]
pub(super) fn write_moment(moment: OffsetDateTime) -> Value {
    // Whole seconds, as in Kevel's own examples.
    let whole = moment.replace_nanosecond(0).unwrap_or(moment);
    whole.format(&Rfc3339).map_or(Value::Null, Value::String)
}
