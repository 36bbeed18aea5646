//! Describes what was sent instead of what was expected, and keeps numbers as text.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};

use crate::domain::decimal;

/// Describes the value found where something else should be.
pub(in crate::web) fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the string \"{}\"", shortened(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Cuts a caller's text to the length that an answer repeats.
pub(in crate::web) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN { text.to_owned() } else { text.chars().take(SHOWN).chain(['…']).collect() }
}

/// A value of another kind inside a string, as sent by clients that serialize JSON twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum TextOf {
    Object,
    List,
    Number,
    Boolean,
}

impl TextOf {
    /// Returns the kind of value a string contains, or `None` if it is ordinary text.
    pub(in crate::web) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_within = |first: char, last: char| text.starts_with(first) && text.ends_with(last);
        if is_within('{', '}') {
            Some(Self::Object)
        } else if is_within('[', ']') {
            Some(Self::List)
        } else if matches!(text, "true" | "false" | "True" | "False") {
            Some(Self::Boolean)
        } else {
            decimal::same(text, text).then_some(Self::Number)
        }
    }

    /// Refuses a value inside a string where this kind is wanted.
    ///
    /// # Errors
    /// When the string contains the wanted kind, or a list or an object; the message says so.
    pub(in crate::web) fn instead_of(self, found: Self) -> Result<(), String> {
        match (self, found) {
            (wanted, found) if wanted == found => Err(format!("must be {self}: send {self}, not its text")),
            (_, Self::Object | Self::List) => Err(format!("must be {self}, not the text of {found}")),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for TextOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::Number => "a number",
            Self::Boolean => "true or false",
        })
    }
}

/// A value where a number is expected: a number as its text, anything else unchanged.
pub(in crate::web) enum Disclosure {
    Number(String),
    Other(Value),
}

impl Disclosure {
    fn found(&self) -> String {
        match self {
            Self::Number(text) => shortened(text),
            Self::Other(value) => found(value),
        }
    }

    /// Builds the error for anything other than `right`.
    pub(in crate::web) fn refused<E: de::Error>(&self, right: &str) -> E {
        match self {
            Self::Other(Value::String(text)) if TextOf::read(text) == Some(TextOf::Number) => {
                E::custom(format!("must be {right}: send a number, not its text"))
            }
            other => E::custom(format!("must be {right}, not {}", other.found())),
        }
    }
}

impl<'de> Deserialize<'de> for Disclosure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ToldVisitor)
    }
}

struct ToldVisitor;

impl<'de> Visitor<'de> for ToldVisitor {
    type Value = Disclosure;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Disclosure, E> {
        Ok(Disclosure::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Disclosure, E> {
        Ok(Disclosure::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Disclosure, E> {
        Ok(Disclosure::Number(Number::from_f64(number).map_or_else(|| number.to_string(), |number| number.to_string())))
    }

    /// A number that a double can't represent: see [`super::document`].
    fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Disclosure, E> {
        Ok(Disclosure::Number(String::from_utf8_lossy(text).into_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Disclosure, E> {
        Ok(Disclosure::Other(Value::Bool(value)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Disclosure, E> {
        Ok(Disclosure::Other(Value::String(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Disclosure, E> {
        Ok(Disclosure::Other(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Disclosure, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Disclosure::Other(Value::Array(Vec::new())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Disclosure, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Disclosure::Other(Value::Object(serde_json::Map::new())))
    }
}
