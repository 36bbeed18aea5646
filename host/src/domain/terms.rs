//! The rules for a media buy and its packages, whether they are new or changed.
//!
//! A create and an update have the same rules for prices, budgets, goals and daily caps. Each check
//! adds its problems to a list, so that a buyer sees all of them at once.

use super::{
    budget,
    field::{Field, Subject},
    id::{PackageId, PlatformName},
    media_buy::{MediaBuy, Package},
    money::Micros,
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
    /// The budget. The goal follows from it.
    Budget(Micros),
    /// The goal, and the budget that it needs.
    Goal {
        /// The impression goal.
        impressions: i64,
        /// The cost of these impressions.
        budget: Micros,
    },
    /// The request is impossible. The problem was added to the list.
    Refused,
}

/// Returns which part of a package's spend a request fixes: its budget or its goal, but not both.
pub fn spend(
    budget: Option<Micros>,
    impressions: Option<i64>,
    cpm: Micros,
    at: &Subject,
    problems: &mut Vec<Problem>,
) -> Spend {
    let refusal = match (budget, impressions) {
        (None, None) => return Spend::Open,
        (Some(budget), None) => return Spend::Budget(budget),
        (Some(_), Some(_)) => "can't be given together with budget: one follows from the other".to_owned(),
        (None, Some(impressions)) => match goal_budget(impressions, cpm) {
            Ok(budget) => return Spend::Goal { impressions, budget },
            Err(refusal) => refusal,
        },
    };
    problems.push(Problem::new(at.field(Field::Impressions), refusal));
    Spend::Refused
}

/// Returns the budget that a goal needs.
///
/// # Errors
/// When the goal is impossible. The message is for the buyer.
fn goal_budget(impressions: i64, cpm: Micros) -> Result<Micros, String> {
    if !(1..=budget::MAX_IMPRESSIONS).contains(&impressions) {
        return Err(format!("must be 1 to {}", budget::MAX_IMPRESSIONS));
    }
    budget::budget_for(impressions, cpm).ok_or_else(|| "costs more than can be booked".to_owned())
}

/// The message for a budget that does not buy a valid goal, for the buyer.
pub fn no_goal(budget: Micros, cpm: Micros) -> String {
    format!("{budget} at a CPM of {cpm} buys no possible number of impressions (1 to {})", budget::MAX_IMPRESSIONS)
}

/// Checks that a price is at least the floor price of its package.
pub fn check_price(cpm: Micros, floor_cpm: Micros, package: &PackageId, at: &Subject, problems: &mut Vec<Problem>) {
    if cpm < floor_cpm {
        let message = format!("must be at least {floor_cpm}, the floor price of {package}");
        problems.push(Problem::new(at.field(Field::Price), message));
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
    if let Some(daily) = package.daily_impressions.filter(|daily| *daily > package.impressions) {
        let message = format!("{daily} a day is more than the package's whole goal of {}", package.impressions);
        refuse(Field::DailyImpressions, message);
    }
}

/// Refuses a daily cap for a buy on several platforms. The ad server enforces the cap, and none of
/// several ad servers could do that alone.
pub fn check_one_platform_keeps_daily_budget(buy: &MediaBuy, problems: &mut Vec<Problem>) {
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
mod tests {
    use super::*;
    use crate::domain::{
        testing::{self, units},
        update::{BuyPatch, When},
    };

    #[test]
    fn caps_are_held_against_the_budgets_that_a_new_total_brings() {
        let mut buy = testing::buy(2);
        buy.packages[1].daily_budget = Some(units(500));
        let total = |total: i64| BuyPatch { total_budget: Some(units(total)), ..BuyPatch::default() };
        assert!(total(1_000).apply(&buy, When::at_once(buy.start)).is_ok());
        let problems = total(998).apply(&buy, When::at_once(buy.start)).unwrap_err();
        assert_eq!(problems[0].field, Field::TotalBudget.into());
        assert!(problems[0].message.contains("p1") && problems[0].message.contains("daily_budget"), "{problems:?}");
    }

    #[test]
    fn a_daily_budget_is_for_one_platform() {
        let mut buy = testing::buy(2);
        buy.daily_budget = Some(units(1));
        let refused = |buy: &MediaBuy| {
            let mut problems = Vec::new();
            check_one_platform_keeps_daily_budget(buy, &mut problems);
            problems.into_iter().map(|problem| problem.field.to_string()).collect::<Vec<_>>()
        };
        assert!(refused(&buy).is_empty());
        buy.packages[1].platform = "zenith".into();
        assert_eq!(refused(&buy), ["/daily_budget"]);
        buy.daily_budget = None;
        assert!(refused(&buy).is_empty());
    }

    #[test]
    fn budget_and_goal_follow_from_each_other_and_are_not_both_given() {
        let said = |budget: Option<i64>, impressions: Option<i64>| {
            let mut problems = Vec::new();
            let spend = spend(budget.map(units), impressions, units(10), &Subject::listed(1), &mut problems);
            assert_eq!(spend == Spend::Refused, !problems.is_empty());
            assert!(problems.iter().all(|problem| problem.field == Subject::listed(1).field(Field::Impressions)));
            spend
        };
        assert_eq!(said(None, None), Spend::Open);
        assert_eq!(said(Some(7), None), Spend::Budget(units(7)));
        assert_eq!(said(None, Some(1_000)), Spend::Goal { impressions: 1_000, budget: units(10) });
        for impossible in [i64::MIN, -1, 0, budget::MAX_IMPRESSIONS + 1, i64::MAX] {
            assert_eq!(said(None, Some(impossible)), Spend::Refused);
        }
        for goal in [i64::MIN, 0, 1, i64::MAX] {
            assert_eq!(said(Some(7), Some(goal)), Spend::Refused);
        }
    }

    #[test]
    fn a_price_and_a_cap_may_be_what_they_are_held_against() {
        let refused = |check: &dyn Fn(&mut Vec<Problem>)| {
            let mut problems = Vec::new();
            check(&mut problems);
            !problems.is_empty()
        };
        for (amount, is_price, is_daily) in [(4, true, false), (5, false, false), (6, false, true)] {
            let at = Subject::listed(0);
            let price = |problems: &mut Vec<_>| check_price(units(amount), units(5), &"p".into(), &at, problems);
            assert_eq!(refused(&price), is_price, "a price of {amount} with a floor of 5");
            let daily = |problems: &mut Vec<_>| check_daily_below_total(Some(units(amount)), units(5), problems);
            assert_eq!(refused(&daily), is_daily, "{amount} a day of 5");
        }
        assert!(too_late(Timestamp::LATEST).is_none());
        assert!(too_late(Timestamp::LATEST.plus_millis(1)).is_some());
    }
}
