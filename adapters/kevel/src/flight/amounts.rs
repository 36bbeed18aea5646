//! The amounts of caps, which a flight has in two forms: in whole units, and as a decimal.
//!
//! Kevel's own client sends both with every update, the whole one rounded up. An update that changed
//! only one of them would contradict the other one, which the flight still has.

use flightdeck_adapter::{money, prelude::*};

const FORMS: [(&str, &str); 2] =
    [("DailyCapAmount", "DailyCapAmountDecimal"), ("LifetimeCapAmount", "LifetimeCapAmountDecimal")];

/// Completes the form of each amount that is missing.
pub(super) fn complete(fields: &mut Object) {
    for (whole, exact) in FORMS {
        let of = |name: &str| fields.get(name).filter(|value| !value.is_null()).cloned();
        match (of(whole), of(exact)) {
            (Some(given), None) => fields.set(exact, given),
            (None, Some(given)) => {
                let micros = money::parse(&given.to_string()).unwrap_or_default();
                let (units, cut) = money::whole_units(micros);
                fields.set(whole, units + i64::from(cut));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_form_is_the_decimal_one_rounded_up() {
        let completed = |mut fields: Object| {
            complete(&mut fields);
            fields.to_string()
        };
        assert_eq!(
            completed(object! { "DailyCapAmountDecimal": money::number(500_250_000), "LifetimeCapAmount": 7 }),
            r#"{"DailyCapAmountDecimal":500.25,"LifetimeCapAmount":7,"DailyCapAmount":501,"LifetimeCapAmountDecimal":7}"#
        );
        let none = object! { "DailyCapAmount": Json::Null, "DailyCapAmountDecimal": Json::Null };
        assert_eq!(completed(none), r#"{"DailyCapAmount":null,"DailyCapAmountDecimal":null}"#);
    }
}
