//! Frequency caps: a number of impressions in a number of units of time.
//!
//! Help 1628457 lists the largest numbers. The units POD and STREAM are those of video (type
//! `TimeUnit`).

use crate::gam::{
    refusal::Refusal,
    schema::{Object, items, number, text},
};

/// The most impressions of a cap (help 1628457).
const MOST_IMPRESSIONS: i64 = 511;
/// Units of time with the most of each (help 1628457).
const LONGEST: [(&str, i64); 5] = [("MINUTE", 120), ("HOUR", 48), ("DAY", 14), ("WEEK", 26), ("MONTH", 6)];
/// Units that have no amount: a lifetime, a pod of ads, a stream.
const WITHOUT_AMOUNT: [&str; 3] = ["LIFETIME", "POD", "STREAM"];

pub(in crate::gam) fn check(item: &Object) -> Result<(), Refusal> {
    let wrong = |why: String| Err(Refusal::invalid("INVALID_FREQUENCY_CAP", "frequencyCaps", why));
    for cap in items(item, "frequencyCaps") {
        let (impressions, amount) = (number(cap, "maxImpressions"), number(cap, "timeAmount"));
        let Some(unit) = text(cap, "timeUnit") else {
            return wrong("needs maxImpressions, timeAmount (both above 0) and timeUnit".to_owned());
        };
        if !impressions.is_some_and(|number| (1..=MOST_IMPRESSIONS).contains(&number)) {
            return wrong(format!("needs maxImpressions between 1 and {MOST_IMPRESSIONS}"));
        }
        if WITHOUT_AMOUNT.contains(&unit) {
            if unit != "LIFETIME" && text(item, "environmentType") != Some("VIDEO_PLAYER") {
                return wrong(format!("{unit} is for line items of the environment VIDEO_PLAYER"));
            }
            continue;
        }
        let most = LONGEST.into_iter().find(|(name, _)| *name == unit).map_or(0, |(_, most)| most);
        if !amount.is_some_and(|amount| (1..=most).contains(&amount)) {
            return wrong(format!("needs timeAmount between 1 and {most} of the unit {unit}; use a longer unit"));
        }
    }
    Ok(())
}
