//! Settings of a platform and of its products: JSON that the host has validated against the
//! adapter's schemas.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};

use crate::{failure::Fallible, types::Failure};

/// Parses settings. Empty text counts as `{}`.
///
/// # Errors
/// `invalid` with the code. The host has validated the settings against the schema, so this is a
/// mistake in the schema. `what` describes the settings in the message: "the Acme product settings
/// of news".
pub fn read<T: DeserializeOwned + Default>(json: &str, code: &str, what: &str) -> Fallible<T> {
    if json.trim().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(json).map_err(|error| Failure::invalid(code, format!("Correct {what}: {error}.")))
}

/// A size in pixels, written `300x250`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u32, pub u32);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read =
            text.split_once('x').and_then(|(width, height)| Some(Self(width.parse().ok()?, height.parse().ok()?)));
        read.ok_or_else(|| de::Error::custom(format!("{text} is no size as 300x250")))
    }
}
