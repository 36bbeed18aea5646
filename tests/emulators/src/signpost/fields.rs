//! Parses a body field by field. A refusal names the first wrong field.

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::refusal::Refusal;
use crate::control::clock::{Millis, to_millis};

/// The maximum length of a name, in characters.
const MAX_NAME: usize = 120;
/// The maximum length of `external_ref`, in characters.
pub(super) const MAX_REF: usize = 40;
/// The maximum length of a URL, in characters.
const MAX_URL: usize = 2000;
/// The maximum number of decimal places of an amount.
const PLACES: usize = 4;
/// The largest amount, in whole units of the currency.
const MAX_UNITS: i64 = 100_000_000;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// The body of a request. Every field that a handler reads is a known field, so a body is read to its
/// end before anything is changed; [`done`](Fields::done) refuses the unknown ones.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    object: &'a Object,
    known: &'static [&'static str],
}

impl<'a> Fields<'a> {
    /// Wraps the object of a body.
    ///
    /// # Errors
    /// [`Refusal`] with the first unknown field.
    pub(super) fn of(object: &'a Object, known: &'static [&'static str]) -> Result<Self, Refusal> {
        match object.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let why = format!("is not a field of this object; its fields are {}", known.join(", "));
                Err(Refusal::field(name, "unknown_field", why))
            }
            None => Ok(Self { object, known }),
        }
    }

    /// Whether a field was sent; `null` counts.
    pub(super) fn has(&self, name: &str) -> bool {
        debug_assert!(self.known.contains(&name), "{name} is read but not known");
        self.object.contains_key(name)
    }

    fn read<T>(&self, name: &str, what: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, Refusal> {
        debug_assert!(self.known.contains(&name), "{name} is read but not known");
        match self.object.get(name).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| Refusal::invalid(name, format!("must be {what}"))),
        }
    }

    /// Returns a text of 1 to `most` characters.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<Option<&'a str>, Refusal> {
        self.read(name, &format!("a text of 1 to {most} characters"), |value| {
            value.as_str().filter(|text| !text.trim().is_empty() && text.chars().count() <= most)
        })
    }

    /// Returns the name, required.
    pub(super) fn name(&self) -> Result<String, Refusal> {
        required("name", self.text("name", MAX_NAME)?).map(str::to_owned)
    }

    /// Returns `external_ref`.
    pub(super) fn external_ref(&self) -> Result<Option<String>, Refusal> {
        Ok(self.text("external_ref", MAX_REF)?.map(str::to_owned))
    }

    /// Returns an `https` URL.
    pub(super) fn url(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        self.read(name, &format!("an https URL of at most {MAX_URL} characters"), |value| {
            let host = value.as_str()?.strip_prefix("https://")?.split(['/', '?', '#']).next()?;
            value.as_str().filter(|url| !host.is_empty() && url.len() <= MAX_URL && !url.contains(' '))
        })
    }

    /// Returns one of some words.
    pub(super) fn word(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Refusal> {
        self.read(name, &format!("one of {}", words.join(", ")), |value| {
            let text = value.as_str()?;
            words.iter().copied().find(|word| *word == text)
        })
    }

    /// Returns a list of different words, in alphabetical order; `ok` says which are accepted.
    pub(super) fn words(&self, name: &str, what: &str, ok: impl Fn(&str) -> bool) -> Result<Vec<String>, Refusal> {
        let read = self.read(name, &format!("a list of {what}"), |value| {
            let words = value.as_array()?.iter().map(|word| word.as_str().filter(|word| ok(word)).map(str::to_owned));
            words.collect::<Option<Vec<String>>>()
        })?;
        let mut words = read.unwrap_or_default();
        words.sort();
        words.dedup();
        Ok(words)
    }

    /// Returns a flag; `default` if it is missing.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        Ok(self.read(name, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    /// Returns a whole number of at least 1.
    pub(super) fn count(&self, name: &str, most: i64) -> Result<Option<i64>, Refusal> {
        self.read(name, &format!("a whole number of 1 to {most}"), |value| {
            value.as_i64().filter(|number| (1..=most).contains(number))
        })
    }

    /// Returns an id, which is a text of digits.
    pub(super) fn id(&self, name: &str) -> Result<i64, Refusal> {
        required(name, self.read(name, "an id, as text", |value| value.as_str()?.parse().ok())?)
    }

    /// Returns an amount above 0, in millionths.
    pub(super) fn amount(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let what = format!("an amount above 0 as text, such as \"12.50\", with at most {PLACES} decimal places");
        self.read(name, &what, |value| amount(value.as_str()?))
    }

    /// Returns an instant in UTC.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Millis>, Refusal> {
        self.read(name, "an instant in UTC such as 2026-12-01T00:00:00Z", |value| {
            let text = value.as_str()?;
            OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| text.ends_with('Z')).map(to_millis)
        })
    }
}

/// Returns a value that must be there.
pub(super) fn required<T>(name: &str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::field(name, "required", "is required"))
}

/// Parses an amount digit by digit, without floating point.
fn amount(text: &str) -> Option<i64> {
    let (units, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(units) || !digits(fraction) || fraction.len() > PLACES || units.len() > 9 {
        return None;
    }
    let units: i64 = units.parse().ok().filter(|units| *units <= MAX_UNITS)?;
    let micros = units * 1_000_000 + format!("{fraction:0<6}").parse::<i64>().ok()?;
    (micros > 0).then_some(micros)
}

/// Writes an amount with at least two decimal places: `12.50`.
pub(super) fn decimal(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let needed = text.trim_end_matches('0').len().max(text.len() - 4);
    text[..needed].to_owned()
}

/// Writes an instant.
pub(super) fn instant(millis: Millis) -> String {
    let instant = OffsetDateTime::from_unix_timestamp(millis.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    instant.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_text_with_at_most_four_decimal_places() {
        for (text, micros) in
            [("12.50", 12_500_000), ("7", 7_000_000), ("0.0001", 100), ("100000000", 100_000_000_000_000)]
        {
            assert_eq!(amount(text), Some(micros), "{text}");
        }
        for text in ["", "0", "0.00", "-1", "1.", ".5", "1.00001", "1e3", "100000001", "1 ", "٣"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_with_at_least_two_decimal_places() {
        for (micros, text) in [(12_500_000, "12.50"), (7_000_000, "7.00"), (1_234_500, "1.2345"), (1, "0.000001")] {
            assert_eq!(decimal(micros), text);
        }
    }

    #[test]
    fn instants_are_written_in_utc() {
        assert_eq!(instant(1_796_083_200_999), "2026-12-01T00:00:00Z");
    }
}
