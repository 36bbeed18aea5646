//! Money as integer micro-units of the buy's currency.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::decimal::{self, NotWhole};

/// An amount of money in millionths of the currency's unit. Never negative.
///
/// In JSON it is a decimal number with at most six places. No float arithmetic is involved. The
/// numbers of a request are parsed from their text. An amount that was stored as a double is read
/// from its shortest decimal text, which is the text that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(i64);

/// Why a text is not a valid amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// It is not a number.
    #[error("must be a decimal number, like 1250.5")]
    NotANumber,
    /// It is negative.
    #[error("must not be negative")]
    Negative,
    /// It has more than six decimal places.
    #[error("must have at most 6 decimal places")]
    TooPrecise,
    /// It is above [`Micros::MAX`].
    #[error("must be at most 8000000000")]
    TooLarge,
}

impl Micros {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// Eight billion units, the largest amount. Below 2^33, adjacent doubles differ by less than a
    /// micro, so every amount survives JSON. It is also less than 2^53 micros, as the adapter
    /// contract promises.
    pub const MAX: Self = Self(8_000_000_000 * Self::UNIT);
    /// One unit of the currency.
    pub const UNIT: i64 = 1_000_000;
    /// The number of decimal places of an amount.
    const PLACES: u32 = 6;

    /// Creates an amount from micro-units, or returns `None` outside of `0..=MAX`.
    pub const fn new(micros: i64) -> Option<Self> {
        if micros < 0 || micros > Self::MAX.0 { None } else { Some(Self(micros)) }
    }

    /// The amount in micro-units.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` above [`Micros::MAX`].
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::new)
    }

    /// The difference, or `None` below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::new)
    }

    /// The sum of all amounts, or `None` above [`Micros::MAX`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Parses a decimal text such as `1250.5` or `1e3`.
    ///
    /// # Errors
    /// When the text is not a valid amount.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let negative = text.starts_with('-');
        match decimal::units(text, Self::PLACES) {
            Ok(micros) if micros < 0 => Err(AmountError::Negative),
            Ok(micros) => Self::new(micros).ok_or(AmountError::TooLarge),
            Err(NotWhole::NotANumber) => Err(AmountError::NotANumber),
            Err(NotWhole::Fraction | NotWhole::TooLarge) if negative => Err(AmountError::Negative),
            Err(NotWhole::Fraction) => Err(AmountError::TooPrecise),
            Err(NotWhole::TooLarge) => Err(AmountError::TooLarge),
        }
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, micros) = (self.0 / Self::UNIT, self.0 % Self::UNIT);
        if micros == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{micros:06}");
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % Self::UNIT == 0 {
            return serializer.serialize_i64(self.0 / Self::UNIT);
        }
        // Up to `MAX`, the nearest double prints as exactly the text that it was parsed from.
        let nearest: f64 = self.to_string().parse().map_err(serde::ser::Error::custom)?;
        serializer.serialize_f64(nearest)
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number =
            serde_json::Number::deserialize(deserializer).map_err(|_| de::Error::custom(AmountError::NotANumber))?;
        Self::parse(&number.to_string()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimal_texts_are_read_exactly() {
        for (text, micros) in [
            ("0", 0),
            ("-0", 0),
            ("50000", 50_000_000_000),
            ("0.000001", 1),
            ("12.5", 12_500_000),
            ("1e3", 1_000_000_000),
            ("1.25e-2", 12_500),
            ("1e-6", 1),
            ("0.1000000000", 100_000),
            ("8000000000", Micros::MAX.get()),
        ] {
            assert_eq!(Micros::parse(text).map(Micros::get), Ok(micros), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_by_name() {
        for (text, error) in [
            ("", AmountError::NotANumber),
            ("x", AmountError::NotANumber),
            ("1.2.3", AmountError::NotANumber),
            (".5", AmountError::NotANumber),
            ("1e", AmountError::NotANumber),
            ("-1", AmountError::Negative),
            ("-1e300", AmountError::Negative),
            ("0.0000001", AmountError::TooPrecise),
            ("1e-7", AmountError::TooPrecise),
            ("8000000000.000001", AmountError::TooLarge),
            ("1e300", AmountError::TooLarge),
            ("99999999999999999999", AmountError::TooLarge),
        ] {
            assert_eq!(Micros::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_survives_json(micros in 0..=Micros::MAX.get()) {
            let amount = Micros(micros);
            let json = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Micros>(&json).unwrap(), amount);
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(serde_json::from_value::<Micros>(value).unwrap(), amount);
            prop_assert_eq!(Micros::parse(&amount.to_string()).unwrap(), amount);
        }
    }
}
