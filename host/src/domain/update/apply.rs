//! Applies a patch to a media buy, and makes prices, goals and budgets consistent again.

use std::collections::HashSet;

use super::{BuyPatch, When};
use crate::domain::{
    budget,
    field::{Field, PackageRef, Subject},
    id::PackageId,
    media_buy::{MediaBuy, Package},
    money::Micros,
    price::PriceModel,
    problem::Problem,
    terms,
};

impl BuyPatch {
    /// Returns the buy after the patch, with consistent prices, goals and budgets.
    ///
    /// # Errors
    /// When the patch is impossible. Lists every problem, by field of the request.
    pub fn apply(&self, buy: &MediaBuy, when: When) -> Result<MediaBuy, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut next = buy.clone();
        when.switch(&mut next.active, &mut next.switched_at, self.active);
        if let Some(end) = self.end {
            if end <= buy.start {
                problems
                    .push(Problem::new(Field::FlightEnd, format!("must be after the flight's start, {}", buy.start)));
            } else if end <= when.now {
                problems.push(Problem::new(Field::FlightEnd, "must be in the future"));
            }
            next.end = end;
        }
        if let Some(targeting) = &self.targeting {
            next.targeting = targeting.clone().unwrap_or_default();
        }
        if let Some(pacing) = self.pacing {
            next.pacing = pacing;
        }
        if let Some(daily_budget) = self.daily_budget {
            next.daily_budget = daily_budget;
        }
        let mut named = HashSet::new();
        let platforms = buy.platforms();
        if let Some(Some(targeting)) = &self.targeting {
            targeting.check_custom(&platforms, &Subject::Buy, &mut problems);
        }
        for (index, patch) in self.packages.iter().enumerate() {
            let at = Subject::listed(index);
            let found = patch.package.as_ref().and_then(|id| next.packages.iter_mut().find(|mine| &mine.id == id));
            let Some(package) = found else {
                let known = buy.packages.iter().map(|package| package.id.as_str());
                problems
                    .push(Problem::new(at.field(Field::PackageId), "is no package of this media buy").supported(known));
                continue;
            };
            if !named.insert(package.id.clone()) {
                problems.push(Problem::new(at.field(Field::PackageId), terms::NAMED_TWICE));
                continue;
            }
            patch.apply_to(package, buy, &at, when, &mut problems);
        }
        if problems.is_empty() {
            self.settle_total(&mut next, &mut problems);
        }
        if problems.is_empty() {
            // The caps apply to the final budgets, which are known only now.
            for package in &next.packages {
                terms::check_daily_caps(package, self.place_of(package).as_ref(), &mut problems);
            }
        }
        if self.changes_targeting() {
            // Contradictions that the buy already had are ignored: targeting that was accepted once
            // must not block other changes.
            let at = |package: &Package| self.subject(package);
            let stood = buy.contradictions(at);
            problems.extend(next.contradictions(at).into_iter().filter(|problem| !stood.contains(problem)));
        }
        terms::check_daily_budget_can_be_kept(&next, &mut problems);
        terms::check_daily_below_total(next.daily_budget, next.total_budget, &mut problems);
        if problems.is_empty() { Ok(next) } else { Err(problems) }
    }

    /// Whether the patch could cause targeting that matches nobody: by new targeting, or by a
    /// flight that is too short for its hours.
    fn changes_targeting(&self) -> bool {
        self.targeting.is_some() || self.end.is_some() || self.packages.iter().any(|patch| patch.targeting.is_some())
    }

    /// The package as the request names it, or by its id if the request does not list it.
    fn subject(&self, package: &Package) -> Subject {
        self.place_of(package).unwrap_or_else(|| Subject::Package(PackageRef::Named(package.id.clone())))
    }

    /// The package's position in the request, if the request lists it.
    fn place_of(&self, package: &Package) -> Option<Subject> {
        let named = self.packages.iter().position(|patch| patch.package.as_ref() == Some(&package.id));
        named.map(Subject::listed)
    }

    /// Makes the total budget and the packages consistent. A new total is divided among the
    /// packages whose budget the patch does not fix, in proportion to their current budgets.
    /// A flat price is no share of a total. Without a new total, the total becomes the sum of the
    /// packages.
    fn settle_total(&self, next: &mut MediaBuy, problems: &mut Vec<Problem>) {
        let Some(total) = self.total_budget else {
            if let Some(sum) = terms::sum(next.packages.iter().map(|package| package.budget), problems) {
                next.total_budget = sum;
            }
            return;
        };
        let fixed: HashSet<&PackageId> = self
            .packages
            .iter()
            .filter(|patch| patch.budget.is_some() || patch.goal.is_some())
            .filter_map(|patch| patch.package.as_ref())
            .collect();
        let is_free = |package: &Package| package.price.model != PriceModel::Flat && !fixed.contains(&package.id);
        let spoken_for =
            Micros::sum(next.packages.iter().filter(|package| !is_free(package)).map(|package| package.budget));
        let Some(left) = spoken_for.and_then(|spent| total.checked_sub(spent)) else {
            problems.push(Problem::new(Field::TotalBudget, "is less than the packages' own budgets add up to"));
            return;
        };
        let weights: Vec<i64> =
            next.packages.iter().filter(|package| is_free(package)).map(|package| package.budget.get()).collect();
        if weights.is_empty() {
            if !left.is_zero() {
                problems.push(Problem::new(Field::TotalBudget, "is not what the packages' own budgets add up to"));
            }
            next.total_budget = total;
            return;
        }
        let shares = budget::proportional_shares(left, &weights);
        for (package, share) in next.packages.iter_mut().filter(|package| is_free(package)).zip(shares) {
            package.budget = share;
            match package.price.goal_for(share) {
                Ok(goal) => package.goal = goal,
                Err(none) => problems.push(Problem::new(
                    Field::TotalBudget,
                    format!(
                        "leaves {share} for package {}, which buys no possible number of {}",
                        package.id,
                        none.unit.words()
                    ),
                )),
            }
        }
        next.total_budget = total;
    }
}
