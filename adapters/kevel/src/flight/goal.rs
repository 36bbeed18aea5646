//! The goal of a flight, and what it is capped at.
//!
//! A goal counts what the price pays for: impressions, or clicks at a CPC. It is not a cap: Kevel meets
//! it within about 5 %, and passes a small one by a large percentage (guide, ad pacing and goals). A
//! buyer pays for no more than was bought, so every flight has a lifetime cap, too: the goal, or the
//! budget where the flight's one `CapType` is money.
//!
//! A flat price has neither goal nor cap. Such a flight takes a share of the requests that it matches,
//! which the product's `share_percent` sets.

use flightdeck_adapter::{money, prelude::*, words::pointer_segment};

use crate::{inferred, settings::Product};

const GOAL_PERCENTAGE: u8 = 2;
/// The type of caps in money.
pub(super) const CAP_REVENUE: u8 = 4;
/// The largest goal, an `int32`.
const MOST: i64 = i32::MAX as i64;

/// What a goal counts: its numbers in `GoalType` and in `CapType` (reference page), and the codes of
/// refusals.
struct Unit {
    goal_type: u8,
    cap_type: u8,
    unsupported: &'static str,
    invalid_daily: &'static str,
}

const IMPRESSIONS: Unit = Unit {
    goal_type: 1,
    cap_type: 1,
    unsupported: "unsupported_impressions",
    invalid_daily: "invalid_daily_impressions",
};
const CLICKS: Unit =
    Unit { goal_type: 3, cap_type: 2, unsupported: "unsupported_clicks", invalid_daily: "invalid_daily_clicks" };

/// The fields that only have a meaning together: when one changes, all are sent.
pub const CAP_FIELDS: [&str; 5] =
    ["CapType", "DailyCapAmount", "DailyCapAmountDecimal", "LifetimeCapAmount", "LifetimeCapAmountDecimal"];

/// Writes the goal and the caps of a package.
pub fn write(package: &PackageOrder, product: &Product, fields: &mut Object, problems: &mut Problems) {
    let pointer = |field: &str| format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    let model = &package.price.model;
    if *model == PriceModel::Flat {
        check_pacing(package, problems);
        fields.set("GoalType", GOAL_PERCENTAGE);
        fields.set("Impressions", i64::from(product.share_percent()));
        for field in CAP_FIELDS {
            fields.set(field, Json::Null);
        }
        return;
    }
    let unit = if *model == PriceModel::Cpc { CLICKS } else { IMPRESSIONS };
    let words = model.unit();
    if !(1..=MOST).contains(&package.impressions) {
        let message = format!("A goal on Kevel is 1 to {MOST} {words}.");
        let value = package.impressions.to_string();
        problems.unsupported(unit.unsupported, pointer(words), value, message, &[]);
    }
    check_pacing(package, problems);
    let (goal_type, goal) = match package.pacing {
        Pacing::Asap => (GOAL_PERCENTAGE, inferred::AS_FAST_AS_POSSIBLE),
        _ => (unit.goal_type, package.impressions),
    };
    let daily = package.daily_impressions;
    if let Some(daily) = daily.filter(|daily| !(1..=MOST).contains(daily)) {
        let message = format!("A daily cap on Kevel is 1 to {MOST} {words}.");
        let field = format!("daily_{words}");
        problems.invalid(unit.invalid_daily, pointer(&field), daily.to_string(), message);
    }
    let by_money = daily_money(package, problems);
    fields.set("GoalType", goal_type);
    fields.set("Impressions", goal);
    fields.set("CapType", if by_money.is_some() { CAP_REVENUE } else { unit.cap_type });
    fields.set("DailyCapAmount", daily.filter(|_| by_money.is_none()));
    fields.set("DailyCapAmountDecimal", by_money.map(money::number));
    fields.set("LifetimeCapAmount", by_money.is_none().then_some(package.impressions));
    fields.set("LifetimeCapAmountDecimal", by_money.map(|_| money::number(package.budget)));
}

fn check_pacing(package: &PackageOrder, problems: &mut Problems) {
    if !matches!(package.pacing, Pacing::Even | Pacing::Asap) {
        let pointer = format!("/packages/{}/pacing", pointer_segment(&package.package_id));
        let message = "Kevel spreads a goal evenly or delivers as fast as it can.";
        let value = package.pacing.word();
        problems.unsupported("unsupported_pacing", pointer, value, message, &["even", "asap"]);
    }
}

/// Returns the daily budget, if the package has one and is not capped by what its goal counts: a
/// flight has one type of cap.
fn daily_money(package: &PackageOrder, problems: &mut Problems) -> Option<i64> {
    let budget = package.daily_budget?;
    let pointer = format!("/packages/{}/daily_budget", pointer_segment(&package.package_id));
    let unit = package.price.model.unit();
    let daily = format!("daily_{unit}");
    let taken_by = match (package.daily_impressions, &package.pacing) {
        (Some(_), _) => Some(daily.clone()),
        (None, Pacing::Asap) => Some(format!("the pacing asap, which ends at its {unit}")),
        _ => None,
    };
    if let Some(why) = taken_by {
        let message = format!(
            "A flight on Kevel is capped by {unit} or by money, and this one is capped by {unit} because of {why}. \
             Leave daily_budget out; {daily} caps a day."
        );
        let value = money::decimal(budget);
        problems.unsupported("unsupported_daily_budget", pointer, value, message, &[&daily]);
        return None;
    }
    if budget <= 0 {
        let message = "A daily budget is more than nothing.";
        problems.invalid("invalid_daily_budget", pointer, money::decimal(budget), message);
    }
    Some(budget)
}
