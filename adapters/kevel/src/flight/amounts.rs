//! The amounts of caps, which a flight has in two forms: in whole units, and as a decimal.
//!
//! Kevel's own client sends both with every update, the whole one rounded up. An update that changed
//! only one of them would contradict the other one, which the flight still has.

use flightdeck_adapter::{money, prelude::*, words::pointer_segment};

use super::goal;

const FORMS: [(&str, &str); 2] =
    [("DailyCapAmount", "DailyCapAmountDecimal"), ("LifetimeCapAmount", "LifetimeCapAmountDecimal")];

/// Caps a flight by its budget instead of its goal, for a product that wants it so. A flight has one type
/// of cap, so it has no daily cap in impressions or clicks then.
pub(super) fn by_budget(package: &PackageOrder, fields: &mut Object, problems: &mut Problems) {
    if let Some(daily) = package.daily_impressions {
        let unit = package.price.model.unit();
        let message = format!(
            "A flight on Kevel is capped by {unit} or by money, and those of this product are capped by their budget. \
             Leave daily_{unit} out; daily_budget caps a day."
        );
        let pointer = format!("/packages/{}/daily_{unit}", pointer_segment(&package.package_id));
        let clicks = package.price.model == PriceModel::Cpc;
        let code = if clicks { "unsupported_daily_clicks" } else { "unsupported_daily_impressions" };
        problems.unsupported(code, pointer, daily.to_string(), message, &["daily_budget"]);
    }
    fields.set("CapType", goal::CAP_REVENUE);
    fields.set("DailyCapAmount", Json::Null);
    fields.set("LifetimeCapAmount", Json::Null);
    fields.set("LifetimeCapAmountDecimal", money::number(package.budget));
}

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
