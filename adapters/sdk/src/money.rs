//! Money: exact conversion between integer micro-units and a platform's decimals, without floats.
//!
//! Outgoing: the integer is split at the sixth digit and written as text, `12_500_000` → `12.5`,
//! which a [`Json::Number`] carries to the wire unchanged. Incoming: the number's text is parsed
//! digit by digit; deserialize it as [`Exact`], not as `f64`.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::json::Json;

/// Micro-units in one unit.
pub const UNIT: i64 = 1_000_000;

/// Formats an amount as the shortest decimal text: `12.5`, `0.000001`, `-3`.
#[must_use]
pub fn decimal(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, part) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:06}");
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

/// Returns an amount as a JSON number.
#[must_use]
pub fn number(micros: i64) -> Json {
    Json::Number(decimal(micros))
}

/// Returns an amount in whole units, rounded down, and whether a fraction was cut off. For
/// platforms that don't accept decimals.
#[must_use]
pub const fn whole_units(micros: i64) -> (i64, bool) {
    (micros.div_euclid(UNIT), micros.rem_euclid(UNIT) != 0)
}

/// Parses a decimal number, with or without fraction and exponent. Anything finer than a micro-unit
/// is rounded to the nearest one, halves away from zero. Returns `None` if the text is not a number
/// or doesn't fit.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits.clone().all(|digit| digit.is_ascii_digit()) || unsigned.ends_with('.') {
        return None;
    }
    // How many digits of the mantissa precede the decimal point of the amount in micro-units.
    let before = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(6)?;
    let mut micros: i64 = 0;
    let mut rounds_up = false;
    let mut position = 0;
    for digit in digits.map(|digit| i64::from(digit - b'0')) {
        if position < before {
            micros = micros.checked_mul(10)?.checked_add(digit)?;
        } else {
            rounds_up = position == before && digit >= 5;
            break;
        }
        position += 1;
    }
    while position < before && micros != 0 {
        micros = micros.checked_mul(10)?;
        position += 1;
    }
    let micros = micros.checked_add(i64::from(rounds_up))?;
    Some(if negative { -micros } else { micros })
}

/// An amount in micro-units, read exactly from a JSON number or from a string that contains one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Exact(pub i64);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get().trim_matches('"');
        parse(text).map(Self).ok_or_else(|| serde::de::Error::custom(format!("{text} is no amount")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_written_short_and_exact() {
        for (micros, text) in [
            (0, "0"),
            (12_500_000, "12.5"),
            (1, "0.000001"),
            (-3_000_000, "-3"),
            (-10, "-0.00001"),
            (9_007_199_254_740_991, "9007199254.740991"),
        ] {
            assert_eq!(decimal(micros), text);
            assert_eq!(parse(text), Some(micros));
        }
        assert_eq!(decimal(i64::MIN), "-9223372036854.775808");
    }

    #[test]
    fn what_platforms_write_is_read() {
        for (text, micros) in [
            ("1.25E1", 12_500_000),
            ("5e-05", 50),
            ("114610.83561739461402407011453", 114_610_835_617),
            ("0.0000005", 1),
            ("0.00000049999", 0),
            ("-0.0000005", -1),
            ("100e-2", 1_000_000),
            ("0e9", 0),
            ("7", 7_000_000),
            ("0e99999999", 0),
            ("1e-99999999", 0),
        ] {
            assert_eq!(parse(text), Some(micros), "{text}");
        }
        for text in ["", "-", ".5", "5.", "1e", "1.2.3", "abc", "1e400", "99999999999999", "0x10", "1 ", "--1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn exact_amounts_come_out_of_answers() {
        #[derive(Deserialize)]
        struct Record {
            revenue: Exact,
        }
        let read = |text: &str| serde_json::from_str::<Record>(text).unwrap().revenue.0;
        assert_eq!(read(r#"{"revenue": 0.1}"#), 100_000);
        assert_eq!(read(r#"{"revenue": "12.34"}"#), 12_340_000);
        assert!(serde_json::from_str::<Record>(r#"{"revenue": null}"#).is_err());
    }

    #[test]
    fn whole_units_round_down() {
        assert_eq!(whole_units(1_999_999), (1, true));
        assert_eq!(whole_units(2_000_000), (2, false));
    }

    proptest! {
        #[test]
        fn every_amount_survives_a_round_trip(micros in any::<i64>().prop_filter("negates", |m| *m != i64::MIN)) {
            prop_assert_eq!(parse(&decimal(micros)), Some(micros));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9.eE]{0,30}") {
            let _ = parse(&text);
        }
    }
}
