//! Caps that a buy and its packages can have.

use crate::domain::{
    id::PlatformName,
    media_buy::{MediaBuy, Package},
    problem::Problem,
};

/// Daily caps must leave a package something to do and must not exceed what it has.
///
/// `at`: where the request speaks of the package; empty if it only speaks of the buy's budget, from which the package's
/// follows.
pub fn check_daily_caps(package: &Package, at: &str, problems: &mut Vec<Problem>) {
    let mut refuse = |field: &str, message: String| {
        problems.push(if at.is_empty() {
            Problem::new(
                "/total_budget",
                format!("leaves package {} so little that its {field} is too large: {message}", package.id),
            )
        } else {
            Problem::new(format!("{at}/{field}"), message)
        });
    };
    if let Some(daily) = package.daily_budget.filter(|daily| *daily > package.budget) {
        refuse("daily_budget", format!("{daily} a day is more than the package's whole budget of {}", package.budget));
    }
    if let Some(daily) = package.daily_impressions.filter(|daily| *daily > package.impressions) {
        let message = format!("{daily} a day is more than the package's whole goal of {}", package.impressions);
        refuse("daily_impressions", message);
    }
}

/// A buy's own daily cap is kept by its ad server; where there are several, none of them could keep it.
pub fn check_daily_budget(buy: &MediaBuy, problems: &mut Vec<Problem>) {
    let platforms = buy.platforms();
    if buy.daily_budget.is_some() && platforms.len() > 1 {
        let names: Vec<&str> = platforms.iter().map(PlatformName::as_str).collect();
        problems.push(Problem::new(
            "/daily_budget",
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
        assert_eq!(problems[0].field, "/total_budget");
        assert!(problems[0].message.contains("p1") && problems[0].message.contains("daily_budget"), "{problems:?}");
    }

    #[test]
    fn a_daily_budget_is_for_one_platform() {
        let mut buy = testing::buy(2);
        buy.daily_budget = Some(units(1));
        let refused = |buy: &MediaBuy| {
            let mut problems = Vec::new();
            check_daily_budget(buy, &mut problems);
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert!(refused(&buy).is_empty());
        buy.packages[1].platform = "zenith".into();
        assert_eq!(refused(&buy), ["/daily_budget"]);
        buy.daily_budget = None;
        assert!(refused(&buy).is_empty());
    }
}
