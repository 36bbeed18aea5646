//! Frequency caps: the most impressions for one person in a period.
//!
//! Ad Manager has five units of time, each up to its own number, and at most 511 impressions (help
//! 1628457). A buyer's cap is one impression in so many minutes, and is written in the longest unit
//! that is exact. If none is, it is refused with the nearest periods that Ad Manager has.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use crate::settings::{Cap, Environment, Product, TimeUnit};

/// The most impressions of a cap.
pub const MOST_IMPRESSIONS: u32 = 511;
/// Units of time, the longest first: Ad Manager's name, its length in minutes, and the most of it.
const UNITS: [(&str, u32, u32); 4] =
    [("WEEK", 7 * 24 * 60, 26), ("DAY", 24 * 60, 14), ("HOUR", 60, 48), ("MINUTE", 1, 120)];
/// A unit without a length of its own, and the most of it.
const MONTH: (&str, u32) = ("MONTH", 6);
/// The longest period that a buyer may ask for, in minutes: 26 weeks.
pub const LONGEST_MINUTES: u32 = 26 * 7 * 24 * 60;

/// What a description says about caps.
pub const NOTE: &str = "One impression in 1 to 120 minutes, 1 to 48 hours, 1 to 14 days or 1 to 26 weeks. A cap of the \
                        media buy is taken where it has one package. custom: frequency_caps has caps of up to 511 \
                        impressions, and several of them.";

/// Returns the unit and its number for a period, if Ad Manager has it.
fn written(minutes: u32) -> Option<(&'static str, u32)> {
    let fits = |(_, length, most): &(&str, u32, u32)| {
        minutes.is_multiple_of(*length) && (1..=*most).contains(&(minutes / length))
    };
    UNITS.into_iter().find(fits).map(|(unit, length, _)| (unit, minutes / length))
}

/// Returns the nearest periods that Ad Manager has, in minutes: below and above.
fn nearest(minutes: u32) -> Vec<u32> {
    let below = UNITS.into_iter().map(|(_, length, most)| (minutes / length).min(most) * length);
    let above = UNITS.into_iter().filter_map(|(_, length, most)| {
        let amount = minutes.div_ceil(length).max(1);
        (amount <= most).then_some(amount * length)
    });
    below.filter(|below| *below > 0).max().into_iter().chain(above.min()).collect()
}

fn cap(impressions: u32, amount: Option<u32>, unit: &str) -> Object {
    let mut cap = object! { "maxImpressions": impressions.to_string() };
    if let Some(amount) = amount {
        cap.set("timeAmount", amount.to_string());
    }
    cap.set("timeUnit", unit);
    cap
}

/// Translates the caps of a package: the product's, the buyer's, and those of the buyer's custom
/// targeting.
pub fn translate(
    product: &Product,
    custom: &[(Cap, String)],
    buy: &MediaBuy,
    package: &PackageOrder,
    problems: &mut Problems,
) -> Option<Vec<Object>> {
    let settings = format!("/packages/{}/package_id", pointer_segment(&package.package_id));
    let own = product.frequency_caps.iter().map(|cap| (*cap, settings.clone()));
    let mut caps: Vec<Object> = Vec::new();
    for (cap, pointer) in own.chain(custom.iter().cloned()) {
        caps.extend(checked(cap, &pointer, product, problems));
    }
    caps.extend(of_buyer(buy, package, problems));
    let mut once: Vec<Object> = Vec::new();
    for cap in caps {
        if !once.contains(&cap) {
            once.push(cap);
        }
    }
    (!once.is_empty()).then_some(once)
}

fn of_buyer(buy: &MediaBuy, package: &PackageOrder, problems: &mut Problems) -> Option<Object> {
    let wanted = package.targeting.frequency_cap.as_ref()?;
    let pointer = format!("/packages/{}/targeting_overlay/frequency_cap", pointer_segment(&package.package_id));
    let Some((unit, amount)) = written(wanted.suppress_minutes) else {
        let near: Vec<String> = nearest(wanted.suppress_minutes).iter().map(u32::to_string).collect();
        let near: Vec<&str> = near.iter().map(String::as_str).collect();
        let message = "Ad Manager counts 1 to 120 minutes, 1 to 48 hours, 1 to 14 days or 1 to 26 weeks. Take one of \
                       the nearest.";
        let value = wanted.suppress_minutes.to_string();
        problems.unsupported("invalid_frequency_cap", format!("{pointer}/suppress_minutes"), value, message, &near);
        return None;
    };
    if !problems.check_cap_of_package(buy, wanted, &pointer, "Ad Manager caps each line item by itself.") {
        return None;
    }
    Some(cap(1, Some(amount), unit))
}

fn checked(wanted: Cap, pointer: &str, product: &Product, problems: &mut Problems) -> Option<Object> {
    let unit = match wanted.unit {
        TimeUnit::Minute => "MINUTE",
        TimeUnit::Hour => "HOUR",
        TimeUnit::Day => "DAY",
        TimeUnit::Week => "WEEK",
        TimeUnit::Month => MONTH.0,
        TimeUnit::Lifetime => "LIFETIME",
        TimeUnit::Pod => "POD",
        TimeUnit::Stream => "STREAM",
    };
    let most = UNITS.iter().map(|(name, _, most)| (*name, *most)).chain([MONTH]);
    let most = most.into_iter().find(|(name, _)| *name == unit).map(|(_, most)| most);
    let mut wrong = |value: String, message: String| {
        problems.invalid("invalid_frequency_cap", pointer, value, message);
        None
    };
    if !(1..=MOST_IMPRESSIONS).contains(&wanted.impressions) {
        let message = format!("Ad Manager caps at 1 to {MOST_IMPRESSIONS} impressions.");
        return wrong(wanted.impressions.to_string(), message);
    }
    if matches!(unit, "POD" | "STREAM") && product.shown_in() != Environment::VideoPlayer {
        return wrong(unit.to_lowercase(), "A pod and a stream are units of video products.".to_owned());
    }
    match (most, wanted.amount) {
        (None, None) => Some(cap(wanted.impressions, None, unit)),
        (None, Some(amount)) => {
            wrong(amount.to_string(), format!("The unit {} has no amount: leave it out.", unit.to_lowercase()))
        }
        (Some(most), amount) if amount.is_some_and(|amount| (1..=most).contains(&amount)) => {
            Some(cap(wanted.impressions, amount, unit))
        }
        (Some(most), amount) => {
            let message = format!("Ad Manager takes an amount of 1 to {most} of the unit {}.", unit.to_lowercase());
            wrong(amount.map(|amount| amount.to_string()).unwrap_or_default(), message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{buy, package};

    fn of(minutes: u32) -> Result<String, Vec<String>> {
        let mut one = package("news");
        one.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: minutes, scope: CapScope::MediaBuy });
        let mut problems = Problems::default();
        let caps = translate(&Product::default(), &[], &buy(vec![one.clone()]), &one, &mut problems);
        match problems.check() {
            Ok(()) => Ok(caps.unwrap().iter().map(Object::to_string).collect()),
            Err(failure) => Err(failure.items[0].supported.clone()),
        }
    }

    #[test]
    fn a_cap_is_in_the_longest_unit_that_is_exact() {
        for (minutes, amount, unit) in [
            (1, "1", "MINUTE"),
            (90, "90", "MINUTE"),
            (120, "2", "HOUR"),
            (2880, "2", "DAY"),
            (1440, "1", "DAY"),
            (20_160, "2", "WEEK"),
            (LONGEST_MINUTES, "26", "WEEK"),
        ] {
            let written = format!(r#"{{"maxImpressions":"1","timeAmount":"{amount}","timeUnit":"{unit}"}}"#);
            assert_eq!(of(minutes), Ok(written));
        }
    }

    #[test]
    fn a_period_that_ad_manager_does_not_have_is_refused_with_its_neighbours() {
        for (minutes, near) in [
            (150, &["120", "180"][..]),
            (121, &["120", "180"]),
            (50 * 60, &["2880", "4320"]),
            (30 * 24 * 60, &["40320", "50400"]),
            (LONGEST_MINUTES + 1, &["262080"]),
            (0, &["1"]),
        ] {
            assert_eq!(of(minutes), Err(near.iter().map(|near| (*near).to_owned()).collect()), "{minutes}");
        }
    }

    #[test]
    fn products_and_buyers_cap_together() {
        let text = r#"[{"impressions": 3, "amount": 1, "unit": "day"}, {"impressions": 9, "unit": "lifetime"}]"#;
        let product = Product { frequency_caps: serde_json::from_str(text).unwrap(), ..Product::default() };
        let one = package("news");
        let more = [(Cap { impressions: 2, amount: Some(1), unit: TimeUnit::Hour }, "/x".to_owned())];
        let mut problems = Problems::default();
        let caps = translate(&product, &more, &buy(vec![one.clone()]), &one, &mut problems).unwrap();
        problems.check().unwrap();
        assert_eq!(caps.len(), 3);
        assert_eq!(caps[1].to_string(), r#"{"maxImpressions":"9","timeUnit":"LIFETIME"}"#);
        for wrong in [
            Cap { impressions: 512, amount: Some(1), unit: TimeUnit::Day },
            Cap { impressions: 1, amount: Some(15), unit: TimeUnit::Day },
            Cap { impressions: 1, amount: None, unit: TimeUnit::Month },
            Cap { impressions: 1, amount: Some(1), unit: TimeUnit::Lifetime },
            Cap { impressions: 1, amount: None, unit: TimeUnit::Pod },
        ] {
            let mut problems = Problems::default();
            translate(&product, &[(wrong, "/x".to_owned())], &buy(vec![one.clone()]), &one, &mut problems);
            assert_eq!(problems.check().unwrap_err().items[0].field, "/x", "{wrong:?}");
        }
    }
}
