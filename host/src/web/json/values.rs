//! The numbers, dates and lists of requests. Each parses itself, and says what would be right if it
//! can't.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, SeqAccess, Visitor},
};
use serde_json::Value;

use super::found::Disclosure;
pub(in crate::web) use super::found::{TextOf, found, shortened};
use crate::{
    app::{Moment, lists::MAX_LIMIT},
    domain::{
        decimal,
        money::Micros,
        price::MAX_GOAL,
        time::{Day, Timestamp},
    },
};

/// Maximum packages in one request. A larger buy is a mistake or an import, which should be several
/// buys.
pub const MAX_PACKAGES: usize = 50;
/// Maximum creatives in one request, so that requests stay reviewable and operations end in
/// minutes.
pub const MAX_ASSETS: usize = 100;
/// Maximum creatives that one package runs.
pub const MAX_CREATIVES: usize = 200;
/// Maximum width or height of a creative in pixels: beyond any screen that is sold.
pub const MAX_PIXELS: u32 = 10_000;
/// Maximum length of a creative in seconds: six hours, longer than any programme.
pub const MAX_SECONDS: i64 = 6 * 3_600;
/// Maximum performance index. A thousand times the baseline is a mistake of units.
pub const MAX_INDEX: i64 = 1_000;
/// Maximum frequency cap in minutes: a year.
pub const MAX_SUPPRESS_MINUTES: i64 = 366 * 24 * 60;

/// Implements the schema of a type of this module, inlined and without a name.
macro_rules! in_place {
    ($name:ty, $schema:tt) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}
pub(in crate::web) use in_place;

/// Parses a decimal number into millionths.
fn millionths<'de, D: Deserializer<'de>>(deserializer: D, right: &str) -> Result<Micros, D::Error> {
    match Disclosure::deserialize(deserializer)? {
        Disclosure::Number(text) => {
            Micros::parse(&text).map_err(|error| de::Error::custom(format!("{error}, not {}", shortened(&text))))
        }
        other => Err(other.refused(right)),
    }
}

/// Parses an integer within bounds. `750000.0` counts as an integer, as in JSON Schema.
fn integer<'de, D: Deserializer<'de>>(deserializer: D, least: i64, most: i64) -> Result<i64, D::Error> {
    let told = Disclosure::deserialize(deserializer)?;
    let read = match &told {
        Disclosure::Number(text) => decimal::units(text, 0).ok(),
        Disclosure::Other(_) => None,
    };
    read.filter(|number| (least..=most).contains(number))
        .ok_or_else(|| told.refused(&format!("an integer from {least} to {most}")))
}

/// An amount of money above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(pub Micros);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let amount = millionths(deserializer, "a decimal number above 0, like 1250.5")?;
        if amount.is_zero() { Err(de::Error::custom("must be above 0")) } else { Ok(Self(amount)) }
    }
}

in_place!(Amount, {
    "type": "number", "minimum": 0.000_001, "maximum": 8_000_000_000_i64, "$comment": "at most 6 decimal places",
});

/// A number of impressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub i64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        integer(deserializer, 1, MAX_GOAL).map(Self)
    }
}

in_place!(Count, {"type": "integer", "minimum": 1, "maximum": MAX_GOAL});

/// The width or height of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixels(pub u32);

impl<'de> Deserialize<'de> for Pixels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pixels = integer(deserializer, 1, i64::from(MAX_PIXELS))?;
        u32::try_from(pixels).map(Self).map_err(de::Error::custom)
    }
}

in_place!(Pixels, {"type": "integer", "minimum": 1, "maximum": MAX_PIXELS});

/// A number of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minutes(pub u32);

impl<'de> Deserialize<'de> for Minutes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let minutes = integer(deserializer, 1, MAX_SUPPRESS_MINUTES)?;
        u32::try_from(minutes).map(Self).map_err(de::Error::custom)
    }
}

in_place!(Minutes, {"type": "integer", "minimum": 1, "maximum": MAX_SUPPRESS_MINUTES});

/// A share in per cent, neither nothing nor everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(pub u8);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::try_from(integer(deserializer, 1, 99)?).map(Self).map_err(de::Error::custom)
    }
}

in_place!(Percent, {"type": "integer", "minimum": 1, "maximum": 99});

/// An hour of the day; 24 is its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour(pub u8);

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::try_from(integer(deserializer, 0, 24)?).map(Self).map_err(de::Error::custom)
    }
}

in_place!(Hour, {"type": "integer", "minimum": 0, "maximum": 24});

/// Maximum number of items on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub u32);

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::try_from(integer(deserializer, 1, i64::from(MAX_LIMIT))?).map(Self).map_err(de::Error::custom)
    }
}

in_place!(Limit, {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT});

/// The version of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub i64);

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        integer(deserializer, 1, i64::from(u32::MAX)).map(Self)
    }
}

in_place!(Version, {"type": "integer", "minimum": 1, "maximum": u32::MAX});

/// The length of a creative, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub u32);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MICROS_OF_A_MILLI: i64 = 1_000;
        let micros = millionths(deserializer, "a number of seconds above 0, like 30 or 15.5")?.get();
        if !(1..=MAX_SECONDS * Micros::UNIT).contains(&micros) || micros % MICROS_OF_A_MILLI != 0 {
            return Err(de::Error::custom(format!(
                "must be above 0 and at most {MAX_SECONDS} seconds, with at most 3 decimal places"
            )));
        }
        u32::try_from(micros / MICROS_OF_A_MILLI).map(Self).map_err(de::Error::custom)
    }
}

in_place!(Seconds, {"type": "number", "minimum": 0.001, "maximum": MAX_SECONDS, "$comment": "at most 3 decimal places"});

/// A performance index, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index(pub i64);

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let index = millionths(deserializer, "a number of at least 0; 1.0 is the baseline")?.get();
        if index > MAX_INDEX * Micros::UNIT {
            return Err(de::Error::custom(format!("must be at most {MAX_INDEX}; 1.0 is the baseline")));
        }
        Ok(Self(index))
    }
}

in_place!(Index, {"type": "number", "minimum": 0, "maximum": MAX_INDEX, "$comment": "at most 6 decimal places"});

/// A confidence from 0 to 1, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confidence(pub i64);

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let confidence = millionths(deserializer, "a number from 0 to 1")?.get();
        if confidence > Micros::UNIT { Err(de::Error::custom("must be from 0 to 1")) } else { Ok(Self(confidence)) }
    }
}

in_place!(Confidence, {"type": "number", "minimum": 0, "maximum": 1, "$comment": "at most 6 decimal places"});

/// The start or end of a flight: a day or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When(pub Moment);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = value.as_str().and_then(|text| {
            let day = Day::parse(text).map(Moment::Day).ok();
            day.or_else(|| Timestamp::parse(text).map(Moment::At).ok())
        });
        read.map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "must be a day of the calendar, like 2026-12-01, or a moment with an offset, like 2026-12-01T09:00:00Z, \
                 not {}",
                found(&value)
            ))
        })
    }
}

in_place!(When, {
    "type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}],
    "examples": ["2026-12-01", "2026-12-01T09:00:00Z"],
});

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayText(pub Day);

impl<'de> Deserialize<'de> for DayText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = value.as_str().and_then(|text| Day::parse(text).ok());
        read.map(Self).ok_or_else(|| {
            de::Error::custom(format!("must be a day of the calendar, like 2026-12-01, not {}", found(&value)))
        })
    }
}

in_place!(DayText, {"type": "string", "format": "date", "examples": ["2026-12-01"]});

/// A list of bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const LEAST: usize, const MOST: usize>(pub Vec<T>);

impl<'de, T: Deserialize<'de>, const LEAST: usize, const MOST: usize> Deserialize<'de> for List<T, LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T, const LEAST: usize, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const LEAST: usize, const MOST: usize> Visitor<'de> for ListVisitor<T, LEAST, MOST> {
    type Value = List<T, LEAST, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        // The number of items sent, including skipped ones that are known to be wrong.
        let sent = sequence.size_hint();
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        let count = sent.unwrap_or(items.len());
        if (LEAST..=MOST).contains(&count) {
            return Ok(List(items));
        }
        Err(de::Error::custom(match count {
            0 => "must not be empty".to_owned(),
            count => format!("must have {LEAST} to {MOST} items, not {count}"),
        }))
    }
}

impl<T: JsonSchema, const LEAST: usize, const MOST: usize> JsonSchema for List<T, LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<T>();
        json_schema!({"type": "array", "items": items, "minItems": LEAST, "maxItems": MOST})
    }
}

/// Reads an optional field of a change that can't be cleared: if left out it is unchanged; `null`
/// is refused.
///
/// # Errors
/// When the value is invalid.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(value) => Ok(Some(value)),
        None => T::deserialize(().into_deserializer()).map(Some),
    }
}

/// Reads an optional field of a change that can be cleared: if left out it is unchanged; `null`
/// clears it.
///
/// # Errors
/// When the value is invalid.
pub fn clearable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
