//! JSON as it was sent, before any type is read from it.
//!
//! A [`Value`] can't hold everything in a JSON text: of a duplicate member it keeps the last, and
//! of a number the nearest double. Either would be a request other than the caller's, so what is
//! lost is kept beside the value, and the code that reads the request reports it.

use std::collections::{BTreeMap, BTreeSet};

use json_event_parser::{JsonEvent, SliceJsonParser};
use serde_json::{Map, Number, Value};

use crate::domain::{decimal, field::pointer_token};

/// Maximum nesting of lists and objects: the same limit as in `serde_json`.
const MAX_DEPTH: usize = 128;

/// What a caller sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments {
    /// The values, as far as a `Value` can hold them.
    pub value: Value,
    /// Pointers of members that were given more than once.
    twice: BTreeSet<String>,
    /// Pointers and texts of numbers that a double can't represent.
    numbers: BTreeMap<String, String>,
}

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is no JSON: {0}")]
pub struct NoJson(String);

impl From<Value> for Arguments {
    fn from(value: Value) -> Self {
        Self { value, ..Self::default() }
    }
}

impl Arguments {
    /// Parses a text.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn parse(text: &[u8]) -> Result<Self, NoJson> {
        let mut parser = SliceJsonParser::new(text);
        let mut reading = Reading::default();
        loop {
            let event = parser.parse_next().map_err(|error| {
                let at = error.location().start;
                let words = error.message().trim_end_matches('.');
                NoJson(format!("{words} at line {}, column {}", at.line + 1, at.column + 1))
            })?;
            if matches!(event, JsonEvent::Eof) {
                return Ok(reading.read);
            }
            reading.take(event)?;
        }
    }

    /// Returns the pointers of members that were given more than once.
    pub fn twice(&self) -> impl Iterator<Item = &str> {
        self.twice.iter().map(String::as_str)
    }

    /// Returns the text of the number at a pointer, if a double can't represent it.
    pub fn text_of_number(&self, pointer: &str) -> Option<&str> {
        self.numbers.get(pointer).map(String::as_str)
    }

    /// Returns whether the value holds everything that was sent.
    pub fn is_exact(&self) -> bool {
        self.twice.is_empty() && self.numbers.is_empty()
    }

    /// Returns the part at a pointer, with its duplicates and exact numbers.
    pub fn part(&self, pointer: &str) -> Option<Self> {
        let below = |place: &str| below(place, pointer).map(str::to_owned);
        Some(Self {
            value: self.value.pointer(pointer)?.clone(),
            twice: self.twice.iter().filter_map(|place| below(place)).collect(),
            numbers: self.numbers.iter().filter_map(|(place, text)| Some((below(place)?, text.clone()))).collect(),
        })
    }

    /// Takes out the part at a pointer, with its duplicates and exact numbers, leaving `null` in
    /// its place.
    pub fn take(&mut self, pointer: &str) -> Option<Self> {
        let part = self.part(pointer)?;
        if let Some(place) = self.value.pointer_mut(pointer) {
            *place = Value::Null;
        }
        self.twice.retain(|place| below(place, pointer).is_none());
        self.numbers.retain(|place, _| below(place, pointer).is_none());
        Some(part)
    }
}

/// Returns the rest of a pointer that leads into the value at another pointer.
fn below<'a>(place: &'a str, pointer: &str) -> Option<&'a str> {
    place.strip_prefix(pointer).filter(|rest| rest.starts_with('/'))
}

/// A list or an object that has not been read to its end.
#[derive(Debug)]
enum Open {
    List(Vec<Value>),
    Object(Map<String, Value>, String),
}

#[derive(Debug, Default)]
struct Reading {
    open: Vec<Open>,
    read: Arguments,
}

impl Reading {
    fn take(&mut self, event: JsonEvent<'_>) -> Result<(), NoJson> {
        match event {
            JsonEvent::String(text) => self.put(Value::String(text.into_owned())),
            JsonEvent::Number(text) => {
                let number = self.number(&text);
                self.put(number);
            }
            JsonEvent::Boolean(value) => self.put(Value::Bool(value)),
            JsonEvent::Null => self.put(Value::Null),
            JsonEvent::StartArray => self.begin(Open::List(Vec::new()))?,
            JsonEvent::StartObject => self.begin(Open::Object(Map::new(), String::new()))?,
            JsonEvent::ObjectKey(name) => {
                if let Some(Open::Object(members, next)) = self.open.last_mut() {
                    *next = name.into_owned();
                    if members.contains_key(next) {
                        let place = self.place();
                        self.read.twice.insert(place);
                    }
                }
            }
            JsonEvent::EndArray | JsonEvent::EndObject => match self.open.pop() {
                Some(Open::List(items)) => self.put(Value::Array(items)),
                Some(Open::Object(members, _)) => self.put(Value::Object(members)),
                None => {}
            },
            JsonEvent::Eof => {}
        }
        Ok(())
    }

    fn begin(&mut self, open: Open) -> Result<(), NoJson> {
        if self.open.len() >= MAX_DEPTH {
            return Err(NoJson(format!("lists and objects lie more than {MAX_DEPTH} deep in each other")));
        }
        self.open.push(open);
        Ok(())
    }

    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::List(items)) => items.push(value),
            Some(Open::Object(members, name)) => {
                members.insert(std::mem::take(name), value);
            }
            None => self.read.value = value,
        }
    }

    /// Converts a number, and records its text if a double can't represent it.
    fn number(&mut self, text: &str) -> Value {
        let number: Option<Number> = text.parse().ok();
        let nearest = number.as_ref().and_then(Number::as_f64);
        // A double may have several shortest texts. Take the one that `serde_json` and JavaScript
        // write; `{nearest:e}` may be another.
        if !nearest.is_some_and(|nearest| decimal::same(text, &Value::from(nearest).to_string())) {
            let place = self.place();
            self.read.numbers.insert(place, text.to_owned());
        }
        // A number too large for any double is kept only as text.
        number.map_or(Value::Null, Value::Number)
    }

    /// Returns the pointer of the value that is read next.
    fn place(&self) -> String {
        let mut pointer = String::new();
        for open in &self.open {
            pointer.push('/');
            match open {
                Open::List(items) => pointer.push_str(&items.len().to_string()),
                Open::Object(_, name) => pointer.push_str(&pointer_token(name)),
            }
        }
        pointer
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Arguments {
        Arguments::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_given_twice_is_noted_at_every_depth_and_however_it_is_written() {
        for (text, places) in [
            (r#"{"a":1,"b":2}"#, vec![]),
            (r#"{"a":1,"a":1}"#, vec!["/a"]),
            (r#"{"a":1,"\u0061":2,"a":3}"#, vec!["/a"]),
            (r#"{"p":[{"x":{"y~/":1,"y~/":2}},{"x":1}],"x":1}"#, vec!["/p/0/x/y~0~1"]),
            (r#"[[{"a":[],"a":{}}]]"#, vec!["/0/0/a"]),
            (r#"{"a":{"b":1},"a":{"b":1}}"#, vec!["/a"]),
            (r#"{"":1,"":2}"#, vec!["/"]),
        ] {
            assert_eq!(parsed(text).twice().collect::<Vec<_>>(), places, "{text}");
        }
    }

    #[test]
    fn numbers_that_no_double_is_keep_their_text() {
        for held in
            ["0", "-0", "0.10", "1e3", "8000000000", "7999999999.999999", "1e300", "-1.5E+2", "9007199254740992"]
        {
            assert!(parsed(held).is_exact(), "{held}");
        }
        for lost in [
            "1000000000.00000001",
            "100.00000000000000000001",
            "9007199254740993",
            "18446744073709551615",
            "1e400",
            "1e-400",
        ] {
            assert_eq!(parsed(lost).text_of_number(""), Some(lost));
            assert_eq!(parsed(&format!("{{\"a\":[1,{lost}]}}")).text_of_number("/a/1"), Some(lost));
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for text in ["", "{", "{\"a\":1,}", "{'a':1}", "[1 2]", "NaN", "01", "1 2", "\"\\ud800\"", "\"\n\"", "{\"a\"}"]
        {
            let refused = Arguments::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(refused.starts_with("the body is no JSON: ") && refused.contains(" at line "), "{text}: {refused}");
        }
        assert!(Arguments::parse(b"\"\xff\"").is_err());
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Arguments::parse(deep(MAX_DEPTH).as_bytes()).is_ok());
        assert!(Arguments::parse(deep(MAX_DEPTH + 1).as_bytes()).is_err());
    }

    #[test]
    fn a_part_keeps_what_belongs_to_it() {
        let mut whole = parsed(r#"{"id":1,"id":2,"params":{"arguments":{"a":1,"a":1e400},"argumentsx":1e-400}}"#);
        let part = whole.take("/params/arguments").unwrap();
        assert_eq!((part.twice().collect::<Vec<_>>(), part.text_of_number("/a")), (vec!["/a"], Some("1e400")));
        assert_eq!(whole.twice().collect::<Vec<_>>(), ["/id"]);
        assert_eq!(whole.text_of_number("/params/argumentsx"), Some("1e-400"));
        assert!(whole.take("/params/nothing").is_none());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1i64 << 53)..=1i64 << 53).prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no such number", |number| number.is_finite())
                .prop_map(|number| json!(number)),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(".{0,4}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_as_it_was(value in any_json()) {
            let read = parsed(&value.to_string());
            prop_assert!(read.is_exact());
            prop_assert_eq!(read.value, value);
        }

        #[test]
        fn a_text_is_json_for_both_readers_or_for_neither(text in "[\\[\\]{}:,\"\\\\ a0-9eE.+-]{0,12}") {
            let ours = Arguments::parse(text.as_bytes());
            let theirs = serde_json::from_str::<Value>(&text);
            // A number too large for a double is still a number.
            let too_large = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(too_large || ours.is_ok() == theirs.is_ok(), "{:?} {:?}", ours, theirs);
        }
    }
}
