//! Divides the budget of a new buy among its packages.

use super::{NewMediaBuy, packages::PricedPackage};
use crate::domain::{budget, field::Field, money::Micros, problem::Problem, terms};

/// Returns the budget of each package: its own, or an equal share of what the others leave. The
/// shares add up to the buy's budget.
pub(super) fn of(new: &NewMediaBuy, packages: &[PricedPackage<'_>], problems: &mut Vec<Problem>) -> Vec<Micros> {
    let Some(fixed) = terms::sum(packages.iter().filter_map(|package| package.budget), problems) else {
        return Vec::new();
    };
    let mut refuse = |what: &str| {
        let total = new.total_budget;
        let message = format!("{total} is {what} than the packages' own budgets, which add up to {fixed}");
        problems.push(Problem::new(Field::TotalBudget, message));
    };
    let Some(left) = new.total_budget.checked_sub(fixed) else {
        refuse("less");
        return Vec::new();
    };
    let open = packages.iter().filter(|package| package.budget.is_none()).count();
    if open == 0 && !left.is_zero() {
        refuse("more");
    }
    let mut shares = budget::equal_shares(left, open).into_iter();
    packages.iter().map(|package| package.budget.or_else(|| shares.next()).unwrap_or(Micros::ZERO)).collect()
}
