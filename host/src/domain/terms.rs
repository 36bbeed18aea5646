//! The rules for a media buy and its packages, whether they are new or changed.
//!
//! A create and an update have the same rules for prices, budgets, goals and daily caps. Each check
//! adds its problems to a list, so that a buyer sees all of them at once.

use super::{
    field::{Field, Subject},
    id::{PackageId, PlatformName},
    media_buy::{MediaBuy, Package},
    money::Micros,
    price::{Goal, MAX_GOAL, Price, PriceModel, Unit},
    problem::Problem,
    time::Timestamp,
};

/// The message for a second entry of the same package.
pub const NAMED_TWICE: &str = "is named twice; give each package once";

/// The part of a package's spend that a request fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spend {
    /// Neither budget nor goal.
    Open,
    /// The budget. The goal follows from it, if the price has one.
    Budget(Micros),
    /// The goal, and the budget that it needs.
    Goal {
        /// The number of units.
        goal: i64,
        /// The cost of these units.
        budget: Micros,
    },
    /// The request is impossible. The problem was added to the list.
    Refused,
}

/// What a request says about the price and the spend of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// The price.
    pub price: Option<Price>,
    /// The budget.
    pub budget: Option<Micros>,
    /// The goal.
    pub goal: Option<Goal>,
}

/// The price and the floor price at which a package is sold.
#[derive(Debug, Clone, Copy)]
pub struct Sold<'a> {
    /// The package.
    pub package: &'a PackageId,
    /// The price, unless the request has another.
    pub price: Price,
    /// The lowest rate that the publisher accepts.
    pub floor: Micros,
}

impl Sold<'_> {
    /// Why a field of the request does not fit the price, with the field that does.
    fn misfit(&self, instead: &str) -> String {
        format!("does not fit: {} is sold {}; {instead}", self.package, self.price.model.sold())
    }
}

impl Asked {
    /// Returns the price of a package: the one that the request names, or else that of the product.
    /// A flat price is also the budget, so a budget alone names it.
    pub fn price(&self, sold: &Sold<'_>, at: &Subject, problems: &mut Vec<Problem>) -> Price {
        let model = sold.price.model;
        let named = self.price.filter(|price| price.model == model);
        if let Some(other) = self.price.filter(|price| price.model != model) {
            let instead = format!("give {}", model.field());
            problems.push(Problem::new(at.field(other.model.field()), sold.misfit(&instead)));
        }
        let by_budget = || self.budget.filter(|_| model == PriceModel::Flat);
        let (rate, field) = match (named, by_budget()) {
            (Some(price), _) => (price.rate, model.field()),
            (None, Some(budget)) => (budget, Field::Budget),
            (None, None) => (sold.price.rate, model.field()),
        };
        if named.is_some()
            && let Some(budget) = by_budget().filter(|budget| *budget != rate)
        {
            let message = format!("must not be other than {}, {budget} and {rate}: leave one out", model.field());
            problems.push(Problem::new(at.field(Field::Budget), message));
        }
        let is_named = named.is_some() || by_budget().is_some();
        if is_named && rate < sold.floor {
            let message = format!("must be at least {}, the floor price of {}", sold.floor, sold.package);
            problems.push(Problem::new(at.field(field), message));
        }
        Price { model, rate }
    }

    /// Returns which part of a package's spend a request fixes: its budget or its goal, but not both.
    /// A flat price always fixes the budget.
    pub fn spend(&self, sold: &Sold<'_>, at: &Subject, problems: &mut Vec<Problem>) -> Spend {
        let Self { budget, goal, .. } = *self;
        let refusal = match (budget, goal, sold.price.model.unit()) {
            (_, None, None) => return Spend::Budget(sold.price.rate),
            (_, Some(_), None) => sold.misfit("a flat price has no goal: leave it out"),
            (None, None, _) => return Spend::Open,
            (Some(budget), None, _) => return Spend::Budget(budget),
            (_, Some(goal), Some(unit)) if goal.unit != unit => sold.misfit(&format!("give {}", unit.field())),
            (Some(_), Some(_), _) => "can't be given together with budget: one follows from the other".to_owned(),
            (None, Some(goal), _) => match goal_budget(goal.count, sold.price) {
                Ok(budget) => return Spend::Goal { goal: goal.count, budget },
                Err(refusal) => refusal,
            },
        };
        let field = goal.map_or(Field::Budget, |goal| goal.unit.field());
        problems.push(Problem::new(at.field(field), refusal));
        Spend::Refused
    }
}

/// Returns the budget that a goal needs.
///
/// # Errors
/// When the goal is impossible. The message is for the buyer.
fn goal_budget(goal: i64, price: Price) -> Result<Micros, String> {
    if !(1..=MAX_GOAL).contains(&goal) {
        return Err(format!("must be 1 to {MAX_GOAL}"));
    }
    price.budget_for(goal).ok_or_else(|| "costs more than can be booked".to_owned())
}

/// Refuses daily caps that count something else than the price of their package pays for, and any
/// daily cap of a flat price, which is paid as a whole.
pub fn check_daily_units(
    sold: &Sold<'_>,
    daily_unit: Option<Unit>,
    daily_budget: Option<Micros>,
    at: &Subject,
    problems: &mut Vec<Problem>,
) {
    let mut refuse = |field: Field, instead: &str| problems.push(Problem::new(at.field(field), sold.misfit(instead)));
    match (daily_unit, sold.price.model.unit()) {
        (Some(daily), None) => refuse(daily.daily_field(), "a flat price has no goal that a day could have a part of"),
        (Some(daily), Some(unit)) if daily != unit => {
            refuse(daily.daily_field(), &format!("give {}", unit.daily_field()));
        }
        _ => {}
    }
    if daily_budget.is_some() && sold.price.model == PriceModel::Flat {
        refuse(Field::DailyBudget, "a flat price is paid as a whole: leave it out");
    }
}

/// Returns the sum of the packages' budgets. Returns `None` and adds a problem if it exceeds the
/// largest amount.
pub fn sum(budgets: impl IntoIterator<Item = Micros>, problems: &mut Vec<Problem>) -> Option<Micros> {
    let sum = Micros::sum(budgets);
    if sum.is_none() {
        problems.push(Problem::new(Field::Packages, "the packages' budgets add up to too much"));
    }
    sum
}

/// Checks that a buy's daily cap is at most its budget.
pub fn check_daily_below_total(daily: Option<Micros>, total: Micros, problems: &mut Vec<Problem>) {
    if let Some(daily) = daily.filter(|daily| *daily > total) {
        let message = format!("{daily} a day is more than the whole budget of {total}");
        problems.push(Problem::new(Field::DailyBudget, message));
    }
}

/// Returns why a time is too late for a flight, if it is.
pub fn too_late(moment: Timestamp) -> Option<String> {
    (moment > Timestamp::LATEST).then(|| format!("must be before {}", Timestamp::LATEST))
}

/// Checks that a package's daily caps are at most its budget and its goal.
///
/// `at` is the package's position in the request. `None` means that the request names only the
/// buy's budget, from which the package's budget follows.
pub fn check_daily_caps(package: &Package, at: Option<&Subject>, problems: &mut Vec<Problem>) {
    let mut refuse = |field: Field, message: String| {
        problems.push(match at {
            Some(at) => Problem::new(at.field(field), message),
            None => Problem::new(
                Field::TotalBudget,
                format!("leaves package {} so little that its {field} is too large: {message}", package.id),
            ),
        });
    };
    if let Some(daily) = package.daily_budget.filter(|daily| *daily > package.budget) {
        let message = format!("{daily} a day is more than the package's whole budget of {}", package.budget);
        refuse(Field::DailyBudget, message);
    }
    let unit = package.price.model.unit().unwrap_or(Unit::Impressions);
    if let Some((daily, goal)) = package.daily_goal.zip(package.goal).filter(|(daily, goal)| daily > goal) {
        refuse(unit.daily_field(), format!("{daily} a day is more than the package's whole goal of {goal}"));
    }
}

/// Refuses a daily cap for a buy that nobody could keep: on several platforms, because the ad server
/// enforces the cap, and none of several ad servers could do that alone; and with a flat price, of
/// which no day has a part.
pub fn check_daily_budget_can_be_kept(buy: &MediaBuy, problems: &mut Vec<Problem>) {
    let flat = buy.packages.iter().find(|package| package.price.model == PriceModel::Flat);
    if let Some(package) = flat.filter(|_| buy.daily_budget.is_some()) {
        problems.push(Problem::new(
            Field::DailyBudget,
            format!("can't be kept with {}, whose flat price is paid as a whole: leave it out", package.id),
        ));
    }
    let platforms = buy.platforms();
    if buy.daily_budget.is_some() && platforms.len() > 1 {
        let names: Vec<&str> = platforms.iter().map(PlatformName::as_str).collect();
        problems.push(Problem::new(
            Field::DailyBudget,
            format!(
                "can't be kept for packages on {} together: give each package its own daily_budget",
                names.join(" and ")
            ),
        ));
    }
}

#[cfg(test)]
mod tests;
