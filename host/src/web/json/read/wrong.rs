//! The errors that keep a value from being read, with its position.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};
use serde_json::Value;

use super::super::values::shortened;

/// An error and its position.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrong {
    pub(super) what: What,
    /// A JSON pointer, once it is known.
    pub(super) at: Option<String>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A message from the type that was expected.
    Said(String),
    /// A member that the object does not have.
    Unknown { name: String, known: Vec<String> },
    /// A text that is not in an enum.
    NoneOf { found: String, known: Vec<String> },
    /// An object lacks a member.
    Lacks(String),
    /// A value of another kind.
    Kind { found: String, expected: String },
    /// A required value is absent.
    Absent,
    /// An optional member was left out: nothing is wrong.
    MayBeAbsent { object: &'static str, member: String },
}

impl Wrong {
    pub(super) fn new(what: What) -> Self {
        Self { what, at: None }
    }

    /// Sets the position, unless an inner one is already set: the innermost position is reported.
    pub(super) fn at(mut self, pointer: &str) -> Self {
        self.at.get_or_insert_with(|| pointer.to_owned());
        self
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Wrong {}

impl serde::de::Error for Wrong {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(What::Said(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(What::Kind { found: in_words(found), expected: expected.to_string() })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::NoneOf { found: format!("\"{}\"", shortened(found)), known: owned(known) })
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::Unknown { name: name.to_owned(), known: owned(known) })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(What::Lacks(name.to_owned()))
    }
}

pub(super) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => Value::from(number).to_string(),
        Unexpected::Str(text) => format!("the string \"{}\"", shortened(text)),
        // JSON has no bytes, so they represent a number that a double can't.
        Unexpected::Bytes(text) => shortened(&String::from_utf8_lossy(text)),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}
