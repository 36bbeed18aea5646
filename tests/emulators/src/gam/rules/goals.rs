//! Which goals, units, prices and priorities belong to which type of line item: the tables of the
//! types `GoalType`, `UnitType`, `LineItemCostType` and `LineItem.priority`.

use crate::gam::{
    delivery::money_micros,
    refusal::Refusal,
    schema::{Object, flag, inner, items, number, text},
    seed::CURRENCY,
};

/// Types without a goal of impressions or clicks: their goal is a share of the inventory.
const SHARES: [&str; 3] = ["SPONSORSHIP", "NETWORK", "HOUSE"];
/// Types that may have no end (type `LineItem.end_time_unlimited`).
const ENDLESS: [&str; 4] = ["SPONSORSHIP", "NETWORK", "PRICE_PRIORITY", "HOUSE"];

/// A word with the line item types that it is for.
type Table = &'static [(&'static str, &'static [&'static str])];

const GOALS: Table = &[
    ("NONE", &["PRICE_PRIORITY", "AD_EXCHANGE", "CLICK_TRACKING"]),
    ("LIFETIME", &["STANDARD", "BULK", "PRICE_PRIORITY", "ADSENSE", "AD_EXCHANGE", "CLICK_TRACKING"]),
    ("DAILY", &["SPONSORSHIP", "NETWORK", "PRICE_PRIORITY", "HOUSE", "ADSENSE", "AD_EXCHANGE", "BUMPER"]),
];
/// Units of a goal; IMPRESSIONS are for every type.
const UNITS: Table = &[
    ("CLICKS", &["STANDARD", "BULK", "PRICE_PRIORITY"]),
    ("VIEWABLE_IMPRESSIONS", &["STANDARD"]),
    ("IN_TARGET_IMPRESSIONS", &["STANDARD"]),
    ("COMPLETED_VIEWS", &["STANDARD"]),
    // As secondary goals only.
    ("CLICK_THROUGH_CPA_CONVERSIONS", &[]),
    ("VIEW_THROUGH_CPA_CONVERSIONS", &[]),
    ("TOTAL_CPA_CONVERSIONS", &[]),
];
const COSTS: Table = &[
    // Only read since February 2024.
    ("CPA", &[]),
    ("CPC", &["SPONSORSHIP", "STANDARD", "BULK", "NETWORK", "PRICE_PRIORITY", "HOUSE"]),
    ("CPD", &["SPONSORSHIP", "NETWORK"]),
    ("CPM", &["SPONSORSHIP", "STANDARD", "BULK", "NETWORK", "PRICE_PRIORITY", "HOUSE"]),
    ("VCPM", &["STANDARD"]),
    ("CPM_IN_TARGET", &["STANDARD"]),
    ("CPF", &["SPONSORSHIP"]),
    ("CPCV", &["STANDARD"]),
];
/// Types with their lowest and highest priority.
const PRIORITIES: [(&str, i64, i64); 11] = [
    ("SPONSORSHIP", 2, 5),
    ("STANDARD", 6, 10),
    ("NETWORK", 11, 14),
    ("BULK", 11, 14),
    ("PRICE_PRIORITY", 11, 14),
    ("HOUSE", 15, 16),
    ("CLICK_TRACKING", 1, 16),
    ("AD_EXCHANGE", 1, 16),
    ("ADSENSE", 1, 16),
    ("BUMPER", 15, 16),
    ("PREFERRED_DEAL", 12, 12),
];

pub(in crate::gam) fn check(item: &Object) -> Result<(), Refusal> {
    let kind = text(item, "lineItemType").unwrap_or("");
    rate(item, kind)?;
    fits(COSTS, "costType", text(item, "costType"), kind)?;
    if flag(item, "endTimeUnlimited") && !ENDLESS.contains(&kind) {
        let why = format!("a line item of type {kind} needs an end");
        return Err(Refusal::invalid("INVALID", "endTimeUnlimited", why));
    }
    if let Some(priority) = number(item, "priority")
        && let Some((_, low, high)) = PRIORITIES.into_iter().find(|(name, ..)| *name == kind)
        && !(low..=high).contains(&priority)
    {
        let why = format!("must be between {low} and {high} for a line item of type {kind}");
        return Err(Refusal::invalid("INVALID_PRIORITY", "priority", why));
    }
    goal(item, kind)?;
    secondary(item, kind)
}

fn fits(table: Table, field: &str, word: Option<&str>, kind: &str) -> Result<(), Refusal> {
    match word.and_then(|word| table.iter().find(|(name, _)| *name == word)) {
        Some((word, kinds)) if !kinds.contains(&kind) => {
            Err(Refusal::invalid("INVALID", field, format!("{word} is not for a line item of type {kind}")))
        }
        _ => Ok(()),
    }
}

fn rate(item: &Object, kind: &str) -> Result<(), Refusal> {
    let wrong = |why: String| Refusal::invalid("INVALID_RATE", "rate", why);
    let rate = inner(item, "rate").ok_or_else(|| Refusal::required("line_item.rate"))?;
    if text(rate, "currencyCode") != Some(CURRENCY) {
        return Err(wrong(format!("currencyCode must be the network's currency, {CURRENCY}")));
    }
    let negative = ["units", "nanos"].iter().any(|field| number(rate, field).is_some_and(|number| number < 0));
    if negative || number(rate, "nanos").is_some_and(|nanos| nanos > 999_999_999) {
        return Err(wrong("units must be 0 or more, and nanos between 0 and 999,999,999".to_owned()));
    }
    match money_micros(rate) {
        None => Err(wrong("is in whole micros: nanos must be a multiple of 1000".to_owned())),
        Some(0) if kind != "HOUSE" => Err(wrong("must be above 0".to_owned())),
        Some(_) => Ok(()),
    }
}

fn goal(item: &Object, kind: &str) -> Result<(), Refusal> {
    let wrong = |why: String| Err(Refusal::invalid("INVALID_GOAL", "goal", why));
    let goal = inner(item, "goal");
    let goal_type = goal.and_then(|goal| text(goal, "goalType"));
    let units = goal.and_then(|goal| number(goal, "units")).unwrap_or(0);
    let unit = goal.and_then(|goal| text(goal, "unitType"));
    if SHARES.contains(&kind) {
        if goal_type != Some("DAILY") || !(1..=100).contains(&units) || unit != Some("IMPRESSIONS") {
            return wrong(format!(
                "a line item of type {kind} needs goalType DAILY and a percentage of 1 to 100 of IMPRESSIONS in units"
            ));
        }
        return Ok(());
    }
    match GOALS.iter().find(|(name, _)| Some(*name) == goal_type) {
        Some((_, kinds)) if !kinds.contains(&kind) => {
            return wrong(format!("a line item of type {kind} can't have goalType {}", goal_type.unwrap_or("")));
        }
        None if ["STANDARD", "BULK"].contains(&kind) => {
            return wrong(format!("a line item of type {kind} needs goalType LIFETIME"));
        }
        _ => {}
    }
    if matches!(goal_type, Some("LIFETIME" | "DAILY")) {
        if units < 1 {
            return wrong("units must be 1 or more".to_owned());
        }
        if unit.is_none() {
            return wrong("unitType is required: IMPRESSIONS, CLICKS, …".to_owned());
        }
    }
    fits(UNITS, "goal.unitType", unit, kind)?;
    if unit == Some("COMPLETED_VIEWS") && !super::video::is_video(item) {
        return wrong("COMPLETED_VIEWS are for video line items".to_owned());
    }
    Ok(())
}

/// Checks the goals besides the first: a SPONSORSHIP at a CPM must have one (type
/// `LineItem.secondary_goals`).
fn secondary(item: &Object, kind: &str) -> Result<(), Refusal> {
    let needed = kind == "SPONSORSHIP" && text(item, "costType") == Some("CPM");
    match (needed, items(item, "secondaryGoals").next()) {
        (true, None) => Err(Refusal::required("line_item.secondary_goals")),
        (false, Some(_)) => {
            let why = "is for line items of type SPONSORSHIP and costType CPM";
            Err(Refusal::invalid("INVALID_GOAL", "secondaryGoals", why))
        }
        _ => Ok(()),
    }
}
