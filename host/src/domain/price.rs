//! Prices and goals: what a package is paid by, and the arithmetic between its budget and its goal.
//! Integers only, exact to the micro.
//!
//! | model | the rate pays for | the goal counts |
//! |---|---|---|
//! | `cpm` | a thousand impressions | impressions |
//! | `cpc` | a click | clicks |
//! | `cpcv` | a video or audio that was played to its end | video completions |
//! | `flat` | the package for its whole flight | nothing: there is no goal, and the price is the budget |
//!
//! A goal is the largest number that the budget pays for. A budget is the smallest that pays for the
//! goal.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{field::Field, money::Micros, targeting::names};

/// The largest goal of a package: the largest number that every supported platform accepts (32
/// bits).
pub const MAX_GOAL: i64 = i32::MAX as i64;

names! {
    /// What the rate of a price pays for. The texts are those of the adapter contract.
    PriceModel {
        /// A thousand impressions.
        Cpm = "cpm",
        /// A click.
        Cpc = "cpc",
        /// A completed view or listen.
        Cpcv = "cpcv",
        /// The whole flight.
        Flat = "flat",
    }
}

names! {
    /// What a goal counts. The texts are the names of the same counts in a delivery report.
    Unit {
        /// Impressions.
        Impressions = "impressions",
        /// Clicks.
        Clicks = "clicks",
        /// Videos or audios that were played to their end.
        VideoCompletions = "video_completions",
    }
}

impl PriceModel {
    /// What the goal of a package with such a price counts. `None` for a flat price, which has no
    /// goal.
    pub const fn unit(self) -> Option<Unit> {
        match self {
            Self::Cpm => Some(Unit::Impressions),
            Self::Cpc => Some(Unit::Clicks),
            Self::Cpcv => Some(Unit::VideoCompletions),
            Self::Flat => None,
        }
    }

    /// The number of units that the rate pays for.
    const fn units_per_rate(self) -> i128 {
        match self {
            Self::Cpm => 1_000,
            Self::Cpc | Self::Cpcv | Self::Flat => 1,
        }
    }

    /// The field of a request that has such a price.
    pub const fn field(self) -> Field {
        match self {
            Self::Cpm => Field::Price,
            Self::Cpc => Field::Cpc,
            Self::Cpcv => Field::Cpcv,
            Self::Flat => Field::FlatPrice,
        }
    }

    /// The price in words, with its article.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Cpm => "a CPM",
            Self::Cpc => "a CPC",
            Self::Cpcv => "a CPCV",
            Self::Flat => "a flat price",
        }
    }

    /// How a package with such a price is sold: the end of the sentence "it is sold …".
    pub const fn sold(self) -> &'static str {
        match self {
            Self::Cpm => "by the thousand impressions",
            Self::Cpc => "by the click",
            Self::Cpcv => "by the completed view",
            Self::Flat => "at a flat price",
        }
    }
}

impl Unit {
    /// The field of a request that has such a goal.
    pub const fn field(self) -> Field {
        match self {
            Self::Impressions => Field::Impressions,
            Self::Clicks => Field::Clicks,
            Self::VideoCompletions => Field::VideoCompletions,
        }
    }

    /// The field of a request that caps the units of a day.
    pub const fn daily_field(self) -> Field {
        match self {
            Self::Impressions => Field::DailyImpressions,
            Self::Clicks => Field::DailyClicks,
            Self::VideoCompletions => Field::DailyVideoCompletions,
        }
    }

    /// The unit in words, plural.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Impressions => "impressions",
            Self::Clicks => "clicks",
            Self::VideoCompletions => "completed views",
        }
    }
}

/// A price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What the rate pays for.
    pub model: PriceModel,
    /// The rate, in the currency of the buy.
    pub rate: Micros,
}

/// A number of units, as a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// The unit.
    pub unit: Unit,
    /// The number.
    pub count: i64,
}

/// A new daily cap, or `None` to remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyGoal {
    /// The unit.
    pub unit: Unit,
    /// The largest number of a day.
    pub most: Option<i64>,
}

/// A budget that buys no possible goal at a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{budget} at {price} buys no possible number of {} (1 to {MAX_GOAL})", unit.words())]
pub struct NoGoal {
    budget: Micros,
    price: Price,
    /// What the goal would count.
    pub unit: Unit,
}

impl Price {
    /// A price of a thousand impressions.
    pub const fn cpm(rate: Micros) -> Self {
        Self { model: PriceModel::Cpm, rate }
    }

    /// The goal that a budget pays for: as many units as possible. `None` for a flat price.
    ///
    /// # Errors
    /// When the budget pays for less than one unit, or for more than [`MAX_GOAL`].
    pub fn goal_for(self, budget: Micros) -> Result<Option<i64>, NoGoal> {
        let Some(unit) = self.model.unit() else { return Ok(None) };
        let units = i128::from(budget.get()) * self.model.units_per_rate();
        let goal = units.checked_div(i128::from(self.rate.get())).and_then(|goal| i64::try_from(goal).ok());
        match goal.filter(|goal| (1..=MAX_GOAL).contains(goal)) {
            Some(goal) => Ok(Some(goal)),
            None => Err(NoGoal { budget, price: self, unit }),
        }
    }

    /// The cost of so many units, rounded up to the micro so that it pays for all of them; the
    /// whole price if it is flat. `None` above [`Micros::MAX`], or for no units.
    pub fn budget_for(self, goal: i64) -> Option<Micros> {
        if self.model == PriceModel::Flat {
            return Some(self.rate);
        }
        if goal < 1 {
            return None;
        }
        let units = i128::from(goal) * i128::from(self.rate.get());
        let per_rate = self.model.units_per_rate();
        let micros = (units + per_rate - 1) / per_rate;
        i64::try_from(micros).ok().and_then(Micros::new)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.model.words(), self.rate)
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.count, self.unit) {
            (1, Unit::Impressions) => f.write_str("1 impression"),
            (1, Unit::Clicks) => f.write_str("1 click"),
            (1, Unit::VideoCompletions) => f.write_str("1 completed view"),
            (count, unit) => write!(f, "{count} {}", unit.words()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros(value: i64) -> Micros {
        Micros::new(value).unwrap()
    }

    fn price(model: PriceModel, rate: i64) -> Price {
        Price { model, rate: micros(rate) }
    }

    fn counted() -> impl Strategy<Value = PriceModel> {
        prop::sample::select(vec![PriceModel::Cpm, PriceModel::Cpc, PriceModel::Cpcv])
    }

    #[test]
    fn a_goal_is_rounded_down_and_at_least_one() {
        use PriceModel::{Cpc, Cpcv, Cpm, Flat};
        for (model, rate, budget, goal) in [
            (Cpm, 12_500_000, 25_000_000_000, Ok(Some(2_000_000))),
            (Cpm, 10_000_000, 9_999, Err(())),
            (Cpm, 10_000_000, 10_000, Ok(Some(1))),
            (Cpm, 0, 1, Err(())),
            (Cpm, 10_000, Micros::MAX.get(), Err(())),
            (Cpc, 800_000, 1_000_000_000, Ok(Some(1_250))),
            (Cpc, 800_000, 1_599_999, Ok(Some(1))),
            (Cpc, 800_000, 799_999, Err(())),
            (Cpc, 0, 1, Err(())),
            (Cpcv, 50_000, 1_000_000_000, Ok(Some(20_000))),
            (Cpcv, 1, Micros::MAX.get(), Err(())),
            (Flat, 5_000_000, 5_000_000, Ok(None)),
        ] {
            let found = price(model, rate).goal_for(micros(budget)).map_err(drop);
            assert_eq!(found, goal, "{budget} at {}", price(model, rate));
        }
    }

    #[test]
    fn a_price_and_a_goal_have_words() {
        let refused = price(PriceModel::Cpc, 800_000).goal_for(micros(500_000)).unwrap_err();
        assert_eq!(refused.to_string(), "0.5 at a CPC of 0.8 buys no possible number of clicks (1 to 2147483647)");
        assert_eq!(Goal { unit: Unit::VideoCompletions, count: 1 }.to_string(), "1 completed view");
        assert_eq!(Goal { unit: Unit::Clicks, count: 1_250 }.to_string(), "1250 clicks");
        assert_eq!(price(PriceModel::Flat, 5_000_000).to_string(), "a flat price of 5");
    }

    #[test]
    fn every_model_and_unit_has_fields_of_its_own() {
        let mut fields: Vec<Field> = PriceModel::ALL.iter().map(|model| model.field()).collect();
        fields.extend(Unit::ALL.iter().flat_map(|unit| [unit.field(), unit.daily_field()]));
        let count = fields.len();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), count);
    }

    proptest! {
        #[test]
        fn a_budget_computed_from_a_goal_buys_that_goal(
            model in counted(), goal in 1..=MAX_GOAL, rate in 10_000i64..=3_000_000,
        ) {
            let price = price(model, rate);
            let budget = price.budget_for(goal).unwrap();
            prop_assert_eq!(price.goal_for(budget), Ok(Some(goal)));
        }

        #[test]
        fn a_goal_is_the_most_that_its_budget_pays_for(
            model in counted(), budget in 1..=Micros::MAX.get(), rate in 1..=Micros::MAX.get(),
        ) {
            let price = price(model, rate);
            if let Ok(goal) = price.goal_for(micros(budget)) {
                let goal = goal.unwrap();
                prop_assert!(price.budget_for(goal).unwrap() <= micros(budget));
                prop_assert!(price.budget_for(goal + 1).is_none_or(|more| more > micros(budget)));
            }
        }

        #[test]
        fn a_larger_budget_buys_no_less_and_a_higher_price_no_more(
            model in counted(), budget in 0..=Micros::MAX.get(), more in 0i64..1_000_000_000,
            rate in 1..=1_000_000_000i64, higher in 0i64..1_000_000,
        ) {
            let goal = |rate: i64, budget: i64| {
                price(model, rate).goal_for(micros(budget.min(Micros::MAX.get()))).ok().flatten()
            };
            if let (Some(goal), Some(larger)) = (goal(rate, budget), goal(rate, budget + more)) {
                prop_assert!(larger >= goal);
            }
            if let (Some(goal), Some(dearer)) = (goal(rate, budget), goal(rate + higher, budget)) {
                prop_assert!(dearer <= goal);
            }
        }

        #[test]
        fn a_flat_price_is_its_budget_whatever_is_asked(rate in 0..=Micros::MAX.get(), any in any::<i64>()) {
            let price = price(PriceModel::Flat, rate);
            prop_assert_eq!(price.budget_for(any), Some(price.rate));
            prop_assert_eq!(price.goal_for(price.rate), Ok(None));
        }
    }
}
