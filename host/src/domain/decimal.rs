//! Decimal numbers, compared and converted as text, without floats.

use std::cmp::Ordering;

/// A number: its digits without leading or trailing zeros, and the power of ten of the last digit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    power: i64,
}

/// Why a text is not a whole number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotWhole {
    /// It is not a number.
    NotANumber,
    /// It has a fraction of a unit.
    Fraction,
    /// It does not fit an `i64`.
    TooLarge,
}

/// Parses a JSON number such as `-12.50e3`. Returns `None` for anything else.
fn parse(text: &str) -> Option<Decimal> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let written = format!("{whole}{fraction}");
    let digits = written.trim_end_matches('0');
    let dropped = i64::try_from(written.len() - digits.len()).ok()?;
    let places = i64::try_from(fraction.len()).ok()?;
    let digits = digits.trim_start_matches('0').to_owned();
    if digits.is_empty() {
        return Some(Decimal { negative: false, digits, power: 0 });
    }
    Some(Decimal { negative, digits, power: exponent.saturating_sub(places).saturating_add(dropped) })
}

/// Parses an exponent. Exponents beyond any useful number are clamped.
fn read_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Far beyond any useful number, and small enough that sums do not overflow `i64`.
    const FAR: i64 = 1 << 40;
    let size = digits.parse().unwrap_or(FAR).min(FAR);
    Some(if negative { -size } else { size })
}

/// Whether two texts are the same number.
pub fn same(one: &str, other: &str) -> bool {
    parse(one).is_some_and(|one| Some(one) == parse(other))
}

/// Converts a number to units of `10^-places`: `1.5` with six places is `1500000`.
///
/// # Errors
/// When the text is not a whole number of units.
pub fn units(text: &str, places: u32) -> Result<i64, NotWhole> {
    let Decimal { negative, digits, power } = parse(text).ok_or(NotWhole::NotANumber)?;
    if digits.is_empty() {
        return Ok(0);
    }
    let power = power.saturating_add(i64::from(places));
    if power.cmp(&0) == Ordering::Less {
        return Err(NotWhole::Fraction);
    }
    let power = u32::try_from(power).map_err(|_| NotWhole::TooLarge)?;
    let factor = 10i64.checked_pow(power).ok_or(NotWhole::TooLarge)?;
    let digits: i64 = digits.parse().map_err(|_| NotWhole::TooLarge)?;
    let size = digits.checked_mul(factor).ok_or(NotWhole::TooLarge)?;
    Ok(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        for (one, other) in
            [("50000", "5e4"), ("50000.0", "0.5E+5"), ("0", "-0.00e9"), ("-1.50", "-15e-1"), ("1e-7", "0.0000001")]
        {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [("1", "-1"), ("1", "10"), ("1e99999999999999999999", "1"), ("x", "x"), ("1e", "1e")] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn units_are_whole_or_refused() {
        for (text, places, right) in [
            ("1.5", 6, Ok(1_500_000)),
            ("-2", 0, Ok(-2)),
            ("7.50e1", 0, Ok(75)),
            ("0e99999999999999999999", 0, Ok(0)),
            ("1.5", 0, Err(NotWhole::Fraction)),
            ("1e-99999999999999999999", 6, Err(NotWhole::Fraction)),
            ("100.00000000000000000001", 6, Err(NotWhole::Fraction)),
            ("1e99999999999999999999", 0, Err(NotWhole::TooLarge)),
            ("9223372036854775808", 0, Err(NotWhole::TooLarge)),
            ("1 000", 0, Err(NotWhole::NotANumber)),
            ("+1", 0, Err(NotWhole::NotANumber)),
            ("", 0, Err(NotWhole::NotANumber)),
        ] {
            assert_eq!(units(text, places), right, "{text}");
        }
    }

    proptest! {
        #[test]
        fn zeros_and_exponents_change_nothing(number in any::<i64>(), zeros in 0usize..30, shift in 0u32..6) {
            prop_assume!(number != i64::MIN);
            let written = format!("{number}.{}", "0".repeat(zeros + 1));
            prop_assert_eq!(units(&written, 0), Ok(number));
            prop_assert_eq!(units(&format!("{number}e-{shift}"), shift), Ok(number));
            prop_assert!(same(&written, &number.to_string()));
            // A fraction of a unit is detected, however small.
            let more = format!("{number}.{}1", "0".repeat(zeros));
            prop_assert_eq!(units(&more, 0), Err(NotWhole::Fraction));
        }
    }
}
