//! Prices and goals in the words of the protocol: one field for each price model and each unit, whose
//! name says which it is.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{
        field::Field,
        media_buy::Package,
        money::Micros,
        price::{DailyGoal, Goal, Price, PriceModel, Unit},
        problem::Problem,
    },
    web::{json, v1::fields},
};

/// The price of a package, under the field that names its model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct PriceLine {
    /// Price of a thousand impressions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpm: Option<Micros>,
    /// Price of a click.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpc: Option<Micros>,
    /// Price of a completed view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpcv: Option<Micros>,
    /// Price of the package for its whole flight, which is its budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flat_price: Option<Micros>,
}

impl From<Price> for PriceLine {
    fn from(price: Price) -> Self {
        let rate = |model: PriceModel| (price.model == model).then_some(price.rate);
        Self {
            cpm: rate(PriceModel::Cpm),
            cpc: rate(PriceModel::Cpc),
            cpcv: rate(PriceModel::Cpcv),
            flat_price: rate(PriceModel::Flat),
        }
    }
}

impl PriceLine {
    /// Returns only the fields with these names.
    #[must_use]
    pub fn only(self, wants: impl Fn(&str) -> bool) -> Self {
        let named = |name: &str, rate: Option<Micros>| rate.filter(|_| wants(name));
        Self {
            cpm: named("cpm", self.cpm),
            cpc: named("cpc", self.cpc),
            cpcv: named("cpcv", self.cpcv),
            flat_price: named("flat_price", self.flat_price),
        }
    }
}

/// The lowest price that is accepted for a package, under the field that names its model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct FloorLine {
    /// The lowest `cpm` accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_cpm: Option<Micros>,
    /// The lowest `cpc` accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_cpc: Option<Micros>,
    /// The lowest `cpcv` accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_cpcv: Option<Micros>,
    /// The lowest `flat_price` accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_flat_price: Option<Micros>,
}

impl FloorLine {
    /// Returns the floor of a price of this model.
    pub fn of(model: PriceModel, floor: Micros) -> Self {
        let PriceLine { cpm, cpc, cpcv, flat_price } = Price { model, rate: floor }.into();
        Self { floor_cpm: cpm, floor_cpc: cpc, floor_cpcv: cpcv, floor_flat_price: flat_price }
    }

    /// Returns only the fields with these names.
    #[must_use]
    pub fn only(self, wants: impl Fn(&str) -> bool) -> Self {
        let named = |name: &str, rate: Option<Micros>| rate.filter(|_| wants(name));
        Self {
            floor_cpm: named("floor_cpm", self.floor_cpm),
            floor_cpc: named("floor_cpc", self.floor_cpc),
            floor_cpcv: named("floor_cpcv", self.floor_cpcv),
            floor_flat_price: named("floor_flat_price", self.floor_flat_price),
        }
    }
}

/// The goal of a package, under the field that names its unit. A flat price has no goal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct GoalLine {
    /// Its goal, if a `cpm` pays for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impressions: Option<i64>,
    /// Its goal, if a `cpc` pays for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicks: Option<i64>,
    /// Its goal, if a `cpcv` pays for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_completions: Option<i64>,
}

impl From<&Package> for GoalLine {
    fn from(package: &Package) -> Self {
        let goal = |unit: Unit| package.goal.filter(|_| package.price.model.unit() == Some(unit));
        Self {
            impressions: goal(Unit::Impressions),
            clicks: goal(Unit::Clicks),
            video_completions: goal(Unit::VideoCompletions),
        }
    }
}

/// The daily cap of a package, under the field that names its unit. `null`: no cap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct DailyLine {
    /// Maximum impressions per day, if a `cpm` pays for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>")]
    pub daily_impressions: Option<Option<i64>>,
    /// Maximum clicks per day, if a `cpc` pays for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>")]
    pub daily_clicks: Option<Option<i64>>,
    /// Maximum video completions per day, if a `cpcv` pays for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>")]
    pub daily_video_completions: Option<Option<i64>>,
}

impl From<&Package> for DailyLine {
    fn from(package: &Package) -> Self {
        let daily = |unit: Unit| (package.price.model.unit() == Some(unit)).then_some(package.daily_goal);
        Self {
            daily_impressions: daily(Unit::Impressions),
            daily_clicks: daily(Unit::Clicks),
            daily_video_completions: daily(Unit::VideoCompletions),
        }
    }
}

/// The prices that a package of a request gives, by model.
pub type Prices = [(PriceModel, Option<Micros>); 4];

/// The part of a package's schema that refuses a budget together with a goal. `null` counts as left
/// out.
pub fn budget_and_goal() -> serde_json::Value {
    let both = |goal: &str| {
        serde_json::json!({
            "required": ["budget", goal], "properties": {"budget": {"type": "number"}, goal: {"type": "number"}},
        })
    };
    serde_json::json!({ "anyOf": Unit::ALL.iter().map(|unit| both(fields::name(unit.field()))).collect::<Vec<_>>() })
}

/// Returns the price of a package. It has one at most.
pub fn price(given: Prices, at: &str, problems: &mut Vec<Problem>) -> Option<Price> {
    let given = given.into_iter().filter_map(|(model, rate)| Some(Price { model, rate: rate? }));
    one(given, |price| price.model.field(), "a package has one price", at, problems)
}

/// Returns the goal of a package. It has one at most.
pub fn goal(given: [(Unit, Option<i64>); 3], at: &str, problems: &mut Vec<Problem>) -> Option<Goal> {
    let given = given.into_iter().filter_map(|(unit, count)| Some(Goal { unit, count: count? }));
    one(given, |goal| goal.unit.field(), "a package has one goal", at, problems)
}

/// Returns the daily cap of a package of a new buy. It has one at most.
pub fn daily_goal(given: [(Unit, Option<i64>); 3], at: &str, problems: &mut Vec<Problem>) -> Option<Goal> {
    let given = given.into_iter().filter_map(|(unit, count)| Some(Goal { unit, count: count? }));
    one(given, |goal| goal.unit.daily_field(), ONE_CAP, at, problems)
}

/// Returns the new daily cap of a package, or that it is cleared.
pub fn new_daily_goal(
    given: [(Unit, Option<Option<i64>>); 3],
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<DailyGoal> {
    let given = given.into_iter().filter_map(|(unit, most)| Some(DailyGoal { unit, most: most? }));
    one(given, |daily| daily.unit.daily_field(), ONE_CAP, at, problems)
}

const ONE_CAP: &str = "a package is capped by what its price pays for";

/// Returns the first of what is given, and refuses every other.
fn one<T>(
    mut given: impl Iterator<Item = T>,
    field: impl Fn(&T) -> Field,
    why: &str,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let first = given.next()?;
    for other in given {
        let message = format!("can't be given together with {}: {why}", fields::name(field(&first)));
        problems.push(json::mistake(format!("{at}/{}", fields::name(field(&other))), message));
    }
    Some(first)
}
