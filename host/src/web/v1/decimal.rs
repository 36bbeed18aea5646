//! Ratios and percentages as decimal numbers.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::domain::money::Micros;

/// A decimal number with at most six decimal places, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal(i64);

impl Decimal {
    /// Returns `part / whole`, rounded to six places, or `None` if `whole` is zero.
    pub fn ratio(part: i64, whole: i64) -> Option<Self> {
        if whole <= 0 || part < 0 {
            return None;
        }
        let (part, whole) = (i128::from(part), i128::from(whole));
        let millionths = (part * i128::from(Micros::UNIT) + whole / 2) / whole;
        i64::try_from(millionths).ok().map(Self)
    }

    /// Converts a share in millionths to a percentage with two decimal places.
    pub fn percentage(millionths: i64) -> Self {
        let hundredths = millionths.max(0).saturating_add(50) / 100;
        Self(hundredths.saturating_mul(10_000))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Amounts of money use the same format.
        Micros::new(self.0).unwrap_or(Micros::MAX).serialize(serializer)
    }
}

impl JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0})
    }
}
