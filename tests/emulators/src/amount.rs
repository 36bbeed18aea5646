//! Exact decimal amounts.
//!
//! Platforms write money as JSON numbers. These are decimal on the wire, so they are parsed and
//! written digit by digit, without floating point.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The number of nanos (10⁻⁹) in one unit of currency.
pub const NANOS: i128 = 1_000_000_000;

/// An amount of currency in nanos, written as a JSON number with all its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Amount(pub i128);

impl Amount {
    /// Returns the amount in decimal notation, without trailing zeros: `12.345`.
    #[must_use]
    pub fn to_text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let one = NANOS.unsigned_abs();
        let (whole, fraction) = (nanos / one, nanos % one);
        if fraction == 0 {
            return format!("{sign}{whole}");
        }
        let digits = format!("{fraction:09}");
        format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl std::ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A raw value keeps every digit; going through f64 would lose the last ones of large sums.
        RawValue::from_string(self.to_text()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// Parses a JSON number as millionths, or returns what is wrong with it.
///
/// A price in micros has six decimal places. A real platform would silently drop a seventh digit,
/// so it is an error here.
///
/// # Errors
/// When the number has more than six decimal places or is out of range.
pub fn micros(number: &serde_json::Number) -> Result<i64, &'static str> {
    const RANGE: &str = "is out of range";
    const PLACES: usize = 6;
    let text = number.to_string();
    let (sign, text) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
    // serde_json writes small and large numbers with an exponent: 1e-6.
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().map_err(|_| RANGE)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    let dropped = whole.len() + fraction.len() - digits.len();
    let places =
        i32::try_from(fraction.len()).map_err(|_| RANGE)? - i32::try_from(dropped).map_err(|_| RANGE)? - exponent;
    let wanted = i32::try_from(PLACES).map_err(|_| RANGE)? - places;
    let zeros = u32::try_from(wanted).map_err(|_| "has more than 6 decimal places")?;
    let digits: i64 = digits.parse().map_err(|_| RANGE)?;
    let scale = 10_i64.checked_pow(zeros).ok_or(RANGE)?;
    digits.checked_mul(scale).map(|micros| sign * micros).ok_or(RANGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_digit_by_digit() {
        let read = |text: &str| micros(&serde_json::from_str(text).unwrap());
        assert_eq!(read("12.34"), Ok(12_340_000));
        assert_eq!(read("0.1"), Ok(100_000));
        assert_eq!(read("7"), Ok(7_000_000));
        assert_eq!(read("0.000001"), Ok(1));
        assert_eq!(read("0.00001"), Ok(10));
        assert_eq!(read("-0.50"), Ok(-500_000));
        assert_eq!(read("1200"), Ok(1_200_000_000));
        assert_eq!(read("0"), Ok(0));
        assert_eq!(read("0.0"), Ok(0));
        assert_eq!(read("1e30"), Err("is out of range"));
        assert!(read("0.1234567").is_err());
    }

    #[test]
    fn sums_beyond_float_precision_keep_their_last_digit() {
        let amount = Amount(12_345_678_901_234_567_891);
        assert_eq!(serde_json::to_string(&amount).unwrap(), "12345678901.234567891");
    }
}
