//! Parses a body field by field. A refusal names the path of the first wrong field. Triton
//! publishes no schema against which bodies could be checked.

use serde_json::{Map, Number, Value};
use time::{Date, format_description::well_known::Iso8601};

use super::refusal::Refusal;
use crate::{amount, control::clock::Millis};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// A day, in milliseconds.
pub(super) const DAY: Millis = 86_400_000;

/// An object in a body, and its path: `goal.`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    object: &'a Object,
    place: &'a str,
}

impl<'a> Fields<'a> {
    /// Wraps the object of a body, which must have no unknown fields.
    ///
    /// # Errors
    /// [`Refusal`] with an unknown field.
    pub(super) fn of(object: &'a Object, known: &[&str]) -> Result<Self, Refusal> {
        Self::at(object, "", known)
    }

    fn at(object: &'a Object, place: &'a str, known: &[&str]) -> Result<Self, Refusal> {
        match object.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                Err(Refusal::field(&format!("{place}{name}"), format!("is not known; fields: {}", known.join(", "))))
            }
            None => Ok(Self { object, place }),
        }
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.place)
    }

    /// Returns the value of a field; `null` counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn typed<T>(&self, name: &str, what: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => Err(Refusal::field(&self.path(name), format!("must be {what}"))),
            },
        }
    }

    fn there<T>(&self, name: &str, read: Option<T>) -> Result<T, Refusal> {
        read.ok_or_else(|| Refusal::required(&self.path(name)))
    }

    /// Returns a text of 1 to `most` characters.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<Option<&'a str>, Refusal> {
        let what = format!("a text of 1 to {most} characters");
        self.typed(name, &what, |value| {
            value.as_str().filter(|text| !text.trim().is_empty() && text.chars().count() <= most)
        })
    }

    /// Like [`text`](Self::text), but required.
    pub(super) fn required_text(&self, name: &str, most: usize) -> Result<&'a str, Refusal> {
        let read = self.text(name, most)?;
        self.there(name, read)
    }

    /// Returns one of some words, required.
    pub(super) fn word(&self, name: &str, words: &[&'static str]) -> Result<&'static str, Refusal> {
        let read = self.word_if_any(name, words)?;
        self.there(name, read)
    }

    /// Returns one of some words, if present.
    pub(super) fn word_if_any(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Refusal> {
        let what = format!("one of {}", words.join(", "));
        self.typed(name, &what, |value| {
            let text = value.as_str()?;
            words.iter().copied().find(|word| *word == text)
        })
    }

    /// Returns some of a list of words, at least one, required.
    pub(super) fn words(&self, name: &str, words: &[&'static str]) -> Result<Vec<&'static str>, Refusal> {
        let what = format!("a list of {}", words.join(", "));
        let read = self.typed(name, &what, |value| {
            let known = |one: &Value| words.iter().copied().find(|word| Some(*word) == one.as_str());
            let found = value.as_array()?.iter().map(known).collect::<Option<Vec<_>>>()?;
            (!found.is_empty()).then_some(found)
        })?;
        self.there(name, read)
    }

    /// Returns a flag; `default` if it is missing.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        Ok(self.typed(name, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    /// Returns a whole number of at least 1.
    pub(super) fn count(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.typed(name, "a whole number of 1 to 2147483647", |value| {
            value.as_i64().filter(|number| (1..=i64::from(i32::MAX)).contains(number))
        })
    }

    /// Like [`count`](Self::count), but required.
    pub(super) fn required_count(&self, name: &str) -> Result<i64, Refusal> {
        let read = self.count(name)?;
        self.there(name, read)
    }

    /// Returns an amount above 0 in millionths, required.
    pub(super) fn amount(&self, name: &str) -> Result<i64, Refusal> {
        let number = self.typed(name, "a number", |value| match value {
            Value::Number(number) => Some(number),
            _ => None,
        })?;
        let number: &Number = self.there(name, number)?;
        match amount::micros(number) {
            Ok(micros) if micros > 0 => Ok(micros),
            Ok(_) => Err(Refusal::field(&self.path(name), "must be more than 0")),
            Err(why) => Err(Refusal::field(&self.path(name), why)),
        }
    }

    /// Returns the first millisecond since 1970 of a day such as 2026-12-01, required.
    pub(super) fn day(&self, name: &str) -> Result<Millis, Refusal> {
        let read = self.typed(name, "a day as 2026-12-01", |value| day(value.as_str()?))?;
        self.there(name, read)
    }

    /// Returns a list of ids; empty if it is missing.
    pub(super) fn ids(&self, name: &str) -> Result<Vec<i64>, Refusal> {
        let read = self.typed(name, "a list of ids", |value| {
            value.as_array()?.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>()
        })?;
        let mut ids = read.unwrap_or_default();
        ids.dedup();
        Ok(ids)
    }

    /// Returns a list of objects; empty if it is missing.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<&'a Object>, Refusal> {
        let read = self.typed(name, "a list of objects", |value| {
            value.as_array()?.iter().map(Value::as_object).collect::<Option<Vec<&Object>>>()
        })?;
        Ok(read.unwrap_or_default())
    }

    /// Returns a nested object, parsed by `read`.
    pub(super) fn inner<T>(
        &self,
        name: &str,
        known: &[&str],
        read: impl FnOnce(Fields<'_>) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        let Some(object) = self.typed(name, "an object", Value::as_object)? else { return Ok(None) };
        let place = format!("{}.", self.path(name));
        read(Fields::at(object, &place, known)?).map(Some)
    }

    /// Like [`inner`](Self::inner), but required.
    pub(super) fn required_inner<T>(
        &self,
        name: &str,
        known: &[&str],
        read: impl FnOnce(Fields<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let read = self.inner(name, known, read)?;
        self.there(name, read)
    }
}

/// Returns the first millisecond of a day.
pub(super) fn day(text: &str) -> Option<Millis> {
    let date = Date::parse(text, &Iso8601::DATE).ok().filter(|date| date.to_string() == text)?;
    Some(date.midnight().assume_utc().unix_timestamp() * 1000)
}

/// Returns a body with what was sent merged over the previous fields. A `null` removes a field.
pub(super) fn merged(before: &Object, sent: Object) -> Object {
    let mut after = before.clone();
    for (name, value) in sent {
        if value.is_null() {
            after.remove(&name);
        } else {
            after.insert(name, value);
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: Value) -> Object {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn fields_are_read_by_their_types() {
        let object =
            of(json!({ "a": "x", "n": 3, "m": 0.5, "d": "2026-12-01", "o": { "i": 1 }, "l": [1, 2], "z": null }));
        let fields = Fields::of(&object, &["a", "n", "m", "d", "o", "l", "z"]).unwrap();
        assert_eq!(fields.required_text("a", 5), Ok("x"));
        assert_eq!(fields.required_count("n"), Ok(3));
        assert_eq!(fields.amount("m"), Ok(500_000));
        assert_eq!(fields.day("d"), Ok(1_796_083_200_000));
        assert_eq!(fields.required_inner("o", &["i"], |inner| inner.required_count("i")), Ok(1));
        assert_eq!(fields.ids("l"), Ok(vec![1, 2]));
        assert_eq!(fields.text("z", 5), Ok(None));
    }

    #[test]
    fn a_refusal_names_the_field_by_its_path() {
        let object = of(json!({ "goal": { "value": "7" }, "day": "2026-2-1", "rate": 0 }));
        let fields = Fields::of(&object, &["goal", "day", "rate"]).unwrap();
        let said = |refused: Result<i64, Refusal>| refused.unwrap_err().to_string();
        let value = fields.required_inner("goal", &["value"], |goal| goal.required_count("value"));
        assert!(said(value).starts_with("goal.value: must be a whole number"));
        assert!(said(fields.required_inner("goal", &["type"], |_| Ok(1))).starts_with("goal.value: is not known"));
        assert!(said(fields.day("day")).contains("2026-12-01"));
        assert_eq!(said(fields.amount("rate")), "rate: must be more than 0");
        assert_eq!(said(fields.required_count("missing")), "missing: is required");
        assert!(Fields::of(&object, &["goal"]).is_err());
    }
}
