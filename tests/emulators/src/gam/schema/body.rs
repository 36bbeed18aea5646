//! Bodies of requests, parsed as Google's own parser does and then checked.
//!
//! Parsing comes first, and refuses what isn't in the message: unknown names, values of a wrong
//! type, unknown enum values, two fields of a group. It lists everything that is wrong. It knows
//! nothing of who may set a field: a wrong value in an output-only field is refused, too. What is
//! right is then ignored there, as Google's documentation says (AIP-203). 64-bit numbers may be
//! strings or numbers and are stored as strings; times are stored in UTC; an empty list is no list.
//!
//! Whether required fields are there and texts are short enough is checked on the object as it
//! would be stored.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    Field, Is, Kind, Object, Scalar, Shape, method, object::write_time, published::is_unspecified, published::values,
    read_time, shape, snake, span, whole,
};
use crate::gam::refusal::Refusal;

/// Required fields that another field replaces in requests: message, field, what replaces it.
const REPLACED: [(&str, &str, &str); 1] = [("CreativeAsset", "asset", "assetByteArray")];

/// Checks the body of a call as the message of the method that it calls. A path without a method
/// is not checked: it is refused as such.
///
/// # Errors
/// [`Refusal`] with a line for everything that the message doesn't have.
pub(in crate::gam) fn check(verb: &str, path: &str, body: &[u8]) -> Result<(), Refusal> {
    let Some(method) = method(verb, path) else { return Ok(()) };
    let request = shape(&method.request);
    if body.is_empty() {
        return Ok(());
    }
    if verb == "GET" {
        return Err(Refusal::payload("Invalid JSON payload received. The request body must be empty."));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::payload(format!("Invalid JSON payload received. {error}")))?;
    match method.body.as_deref() {
        Some("*") => request.read("", &body).map(|_| ()),
        Some(field) => {
            let field = request.field(field).map(|field| &field.kind);
            let Some(Kind::Message(message)) = field else { return Ok(()) };
            shape(message).read(method.body.as_deref().unwrap_or_default(), &body).map(|_| ())
        }
        None => Err(Refusal::payload("Invalid JSON payload received. The request body must be empty.")),
    }
}

fn below(place: &str, name: &str) -> String {
    if place.is_empty() { snake(name) } else { format!("{place}.{}", snake(name)) }
}

impl Shape {
    /// Parses a message, and reports everything that is wrong with it. `place` is its path:
    /// `order`; nothing for the message of the whole request.
    ///
    /// # Errors
    /// [`Refusal`] with a line for every unknown name and every value of a wrong type.
    pub(in crate::gam) fn read(&self, place: &str, value: &Value) -> Result<Object, Refusal> {
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
        let mut set: Vec<&str> = Vec::new();
        for (name, value) in given {
            let Some(field) = self.field(name) else {
                wrong.push(unknown(name, place));
                continue;
            };
            if value.is_null() {
                continue;
            }
            if let Some(group) = &field.oneof {
                if set.contains(&group.as_str()) {
                    wrong.push(format!(
                        "Invalid value at '{place}' (oneof), oneof field '{group}' is already set. Cannot set '{name}'"
                    ));
                    continue;
                }
                set.push(group);
            }
            let read = field.take(&below(place, &field.name), value, wrong);
            if let Some(value) = read.filter(|value| !field.is_googles() && !field.is_left_out(value)) {
                taken.insert(field.name.clone(), value);
            }
        }
        taken
    }

    /// Checks that no required field is missing and that nothing is longer or larger than it may
    /// be, in the message and the messages in it.
    ///
    /// # Errors
    /// [`Refusal`] with the first field that is wrong.
    pub(in crate::gam) fn require(&self, place: &str, object: &Object) -> Result<(), Refusal> {
        for field in self.fields.iter().filter(|field| !field.is_googles()) {
            let place = below(place, &field.name);
            let value = object.get(&field.name);
            if field.is(Is::Required) && is_empty(value) {
                let named = |(message, name, _): &&(&str, &str, &str)| *message == self.name && *name == field.name;
                match REPLACED.iter().find(named) {
                    Some((_, _, by)) if object.contains_key(*by) => {}
                    Some((_, _, by)) => {
                        return Err(Refusal::invalid("REQUIRED", &place, format!("is required, or {by} instead")));
                    }
                    None => return Err(Refusal::required(&place)),
                }
            }
            let Some(value) = value else { continue };
            field.limit(&place, value)?;
            if let Kind::Message(message) = &field.kind {
                let inner: Box<dyn Iterator<Item = &Value>> = match value {
                    Value::Array(items) => Box::new(items.iter()),
                    Value::Object(map) if field.map.is_some() => Box::new(map.values()),
                    one => Box::new(std::iter::once(one)),
                };
                for inner in inner.filter_map(Value::as_object) {
                    shape(message).require(&place, inner)?;
                }
            }
        }
        Ok(())
    }

    /// Returns an object without the fields that Google doesn't keep: they count for one request.
    pub(in crate::gam) fn kept(&self, object: &Object) -> Object {
        let mut kept = Object::new();
        for (name, value) in object {
            let Some(field) = self.field(name) else { continue };
            if field.is(Is::Input) {
                continue;
            }
            let value = match (&field.kind, value) {
                (Kind::Message(message), Value::Object(inner)) if field.map.is_none() => {
                    Value::Object(shape(message).kept(inner))
                }
                (Kind::Message(message), Value::Array(items)) => items
                    .iter()
                    .map(|item| match item {
                        Value::Object(inner) => Value::Object(shape(message).kept(inner)),
                        other => other.clone(),
                    })
                    .collect(),
                _ => value.clone(),
            };
            kept.insert(name.clone(), value);
        }
        kept
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

impl Field {
    fn take(&self, place: &str, value: &Value, wrong: &mut Vec<String>) -> Option<Value> {
        if let Some(key) = self.map {
            let Value::Object(map) = value else {
                wrong.push(format!("Invalid value at '{place}': an object of keys and values is needed"));
                return None;
            };
            let mut taken = Object::new();
            for (name, value) in map {
                if key.read(&Value::from(name.as_str())).is_none() {
                    wrong.push(format!("Invalid value at '{place}' ({}), \"{name}\"", key.name()));
                }
                if let Some(value) = self.kind.read(&format!("{place}[{name}]"), value, wrong) {
                    taken.insert(name.clone(), value);
                }
            }
            return Some(Value::Object(taken));
        }
        if !self.list {
            return self.kind.read(place, value, wrong);
        }
        let Value::Array(items) = value else {
            wrong.push(format!("Invalid value at '{place}': a list is needed"));
            return None;
        };
        let items = items.iter().enumerate();
        Some(Value::Array(
            items.filter_map(|(at, item)| self.kind.read(&format!("{place}[{at}]"), item, wrong)).collect(),
        ))
    }

    pub(super) fn limit(&self, place: &str, value: &Value) -> Result<(), Refusal> {
        let values = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        if let Some(most) = self.max_items.filter(|most| values.len() > *most) {
            return Err(Refusal::invalid("TOO_MANY", place, format!("at most {most} items")));
        }
        let long = |most: &usize| values.iter().filter_map(Value::as_str).any(|text| text.chars().count() > *most);
        if let Some(most) = self.max_length.filter(long) {
            return Err(Refusal::invalid("TOO_LONG", place, format!("at most {most} characters")));
        }
        let numbers = || values.iter().filter_map(whole);
        if let Some(least) = self.minimum.filter(|least| numbers().any(|number| number < *least)) {
            return Err(Refusal::invalid("TOO_SMALL", place, format!("at least {least}")));
        }
        if let Some(most) = self.maximum.filter(|most| numbers().any(|number| number > *most)) {
            return Err(Refusal::invalid("TOO_LARGE", place, format!("at most {most}")));
        }
        Ok(())
    }
}

impl Kind {
    fn read(&self, place: &str, value: &Value, wrong: &mut Vec<String>) -> Option<Value> {
        let read = match self {
            Self::Message(message) => return Some(Value::Object(shape(message).take(place, value, wrong))),
            Self::Scalar(scalar) => scalar.read(value),
            Self::Enum(name) => {
                let sent = match value {
                    Value::String(text) => values(name).get_key_value(text.as_str()),
                    Value::Number(_) => values(name).iter().find(|(_, number)| Some(**number) == whole(value)),
                    _ => None,
                };
                sent.filter(|(name, number)| !is_unspecified(name, **number))
                    .map(|(name, _)| Value::from(name.as_str()))
            }
        };
        if read.is_none() {
            wrong.push(format!("Invalid value at '{place}' ({}), {value}", self.name()));
        }
        read
    }

    fn name(&self) -> String {
        match self {
            Self::Scalar(scalar) => scalar.name().to_owned(),
            Self::Message(message) => message.clone(),
            Self::Enum(name) => {
                let names = values(name).iter().filter(|(name, number)| !is_unspecified(name, **number));
                let names: Vec<&str> = names.map(|(name, _)| name.as_str()).take(MOST_NAMES + 1).collect();
                let more = if names.len() > MOST_NAMES { ", …" } else { "" };
                format!("one of {}{more}", names[..names.len().min(MOST_NAMES)].join(", "))
            }
        }
    }
}

/// How many values of an enum a refusal names: reports have hundreds of dimensions.
const MOST_NAMES: usize = 50;

impl Scalar {
    fn read(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::String | Self::FieldMask, Value::String(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Double, Value::Number(_)) => Some(value.clone()),
            (Self::Int64, value) => whole(value).map(|number| Value::from(number.to_string())),
            (Self::Int32, value) => whole(value).and_then(|number| i32::try_from(number).ok()).map(Value::from),
            (Self::Timestamp, Value::String(text)) => read_time(text).map(|time| write_time(time).into()),
            (Self::Duration, Value::String(text)) => span(text).then(|| value.clone()),
            (Self::Bytes, Value::String(text)) => STANDARD.decode(text).is_ok().then(|| value.clone()),
            (Self::Any, Value::Object(_)) => Some(value.clone()),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::String => "TYPE_STRING",
            Self::Int64 => "TYPE_INT64",
            Self::Int32 => "TYPE_INT32",
            Self::Double => "TYPE_DOUBLE",
            Self::Bool => "TYPE_BOOL",
            Self::Timestamp => "an RFC 3339 time such as 2030-01-01T00:00:00Z",
            Self::Duration => "a number of seconds such as 15s",
            Self::Bytes => "TYPE_BYTES in base64",
            Self::FieldMask => "names of fields, separated by commas",
            Self::Any => "an object with its @type",
        }
    }
}

fn unknown(name: &str, place: &str) -> String {
    let at = if place.is_empty() { String::new() } else { format!(" at '{place}'") };
    format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.")
}
