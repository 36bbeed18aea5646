//! The goal of a flight, and what it is capped at.
//!
//! A goal is not a cap: Kevel meets it within about 5 %, and passes a small one by a large percentage
//! (guide, ad pacing and goals). A buyer pays for no more than was bought, so every flight has a
//! lifetime cap, too: the impressions, or the budget where the flight's one `CapType` is money.

use flightdeck_adapter::{money, prelude::*, words::pointer_segment};

use crate::inferred;

const GOAL_IMPRESSIONS: u8 = 1;
const GOAL_PERCENTAGE: u8 = 2;
const CAP_IMPRESSIONS: u8 = 1;
const CAP_REVENUE: u8 = 4;
/// The largest goal, an `int32`.
const MOST_IMPRESSIONS: i64 = i32::MAX as i64;

/// The fields that only have a meaning together: when one changes, all are sent.
pub const CAP_FIELDS: [&str; 5] =
    ["CapType", "DailyCapAmount", "DailyCapAmountDecimal", "LifetimeCapAmount", "LifetimeCapAmountDecimal"];

/// Writes the goal and the caps of a package.
pub fn write(package: &PackageOrder, fields: &mut Object, problems: &mut Problems) {
    let pointer = |field: &str| format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    if !(1..=MOST_IMPRESSIONS).contains(&package.impressions) {
        let message = format!("A goal on Kevel is 1 to {MOST_IMPRESSIONS} impressions.");
        let value = package.impressions.to_string();
        problems.unsupported("unsupported_impressions", pointer("impressions"), value, message, &[]);
    }
    let asap = package.pacing == Pacing::Asap;
    let (goal_type, goal) =
        if asap { (GOAL_PERCENTAGE, inferred::AS_FAST_AS_POSSIBLE) } else { (GOAL_IMPRESSIONS, package.impressions) };
    if !asap && package.pacing != Pacing::Even {
        let message = "Kevel spreads a goal evenly or delivers as fast as it can.";
        let value = package.pacing.word();
        problems.unsupported("unsupported_pacing", pointer("pacing"), value, message, &["even", "asap"]);
    }
    let impressions = package.daily_impressions;
    if impressions.is_some_and(|daily| !(1..=MOST_IMPRESSIONS).contains(&daily)) {
        let value = impressions.unwrap_or_default().to_string();
        let message = format!("A daily cap on Kevel is 1 to {MOST_IMPRESSIONS} impressions.");
        problems.invalid("invalid_daily_impressions", pointer("daily_impressions"), value, message);
    }
    let by_money = daily_money(package, problems);
    fields.set("GoalType", goal_type);
    fields.set("Impressions", goal);
    fields.set("CapType", if by_money.is_some() { CAP_REVENUE } else { CAP_IMPRESSIONS });
    fields.set("DailyCapAmount", impressions.filter(|_| by_money.is_none()));
    fields.set("DailyCapAmountDecimal", by_money.map(money::number));
    fields.set("LifetimeCapAmount", by_money.is_none().then_some(package.impressions));
    fields.set("LifetimeCapAmountDecimal", by_money.map(|_| money::number(package.budget)));
}

/// Returns the daily budget, if the package has one and is not capped by impressions: a flight has
/// one type of cap.
fn daily_money(package: &PackageOrder, problems: &mut Problems) -> Option<i64> {
    let budget = package.daily_budget?;
    let pointer = format!("/packages/{}/daily_budget", pointer_segment(&package.package_id));
    let taken_by = match (package.daily_impressions, &package.pacing) {
        (Some(_), _) => Some("daily_impressions"),
        (None, Pacing::Asap) => Some("the pacing asap, which ends at its impressions"),
        _ => None,
    };
    if let Some(why) = taken_by {
        let message = format!(
            "A flight on Kevel is capped by impressions or by money, and this one is capped by impressions because of \
             {why}. Leave daily_budget out; daily_impressions caps a day."
        );
        let value = money::decimal(budget);
        problems.unsupported("unsupported_daily_budget", pointer, value, message, &["daily_impressions"]);
        return None;
    }
    if budget <= 0 {
        let message = "A daily budget is more than nothing.";
        problems.invalid("invalid_daily_budget", pointer, money::decimal(budget), message);
    }
    Some(budget)
}
