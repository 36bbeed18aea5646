//! Applies a patch to one package.

use std::collections::HashSet;

use super::{PackagePatch, When};
use crate::domain::{
    field::{Field, FieldPath, Subject},
    id::CreativeId,
    media_buy::{MediaBuy, Package},
    money::Micros,
    price::DailyGoal,
    problem::Problem,
    terms::{self, Asked, Sold, Spend},
};

impl PackagePatch {
    /// Applies the patch to a package of `buy` and adds every problem to `problems`.
    pub(super) fn apply_to(
        &self,
        package: &mut Package,
        buy: &MediaBuy,
        at: &Subject,
        when: When,
        problems: &mut Vec<Problem>,
    ) {
        when.switch(&mut package.active, &mut package.switched_at, self.active);
        self.apply_price_and_spend(package, at, problems);
        if let Some(daily_budget) = self.daily_budget {
            package.daily_budget = daily_budget;
        }
        if let Some(DailyGoal { most, .. }) = self.daily_goal {
            package.daily_goal = most;
        }
        if let Some(pacing) = self.pacing {
            package.pacing = pacing;
        }
        if let Some(targeting) = &self.targeting {
            package.targeting = targeting.clone().unwrap_or_default();
            package.targeting.check_custom(std::slice::from_ref(&package.platform), at, problems);
        }
        if let Some(creatives) = &self.creatives {
            check_creatives(creatives, package, buy, at, problems);
            package.creatives.clone_from(creatives);
        }
    }

    /// Makes budget, price and goal consistent. Whichever of budget and goal the patch does not fix
    /// follows; if it fixes neither, the goal follows.
    fn apply_price_and_spend(&self, package: &mut Package, at: &Subject, problems: &mut Vec<Problem>) {
        let asked = Asked { price: self.price, budget: self.budget, goal: self.goal };
        let id = package.id.clone();
        let mut sold = Sold { package: &id, price: package.price, floor: package.floor };
        let daily_budget = self.daily_budget.flatten();
        terms::check_daily_units(&sold, self.daily_goal.map(|daily| daily.unit), daily_budget, at, problems);
        if asked == Asked::default() {
            return;
        }
        sold.price = asked.price(&sold, at, problems);
        package.price = sold.price;
        match asked.spend(&sold, at, problems) {
            Spend::Goal { goal, budget } => {
                package.goal = Some(goal);
                package.budget = budget;
            }
            Spend::Budget(budget) => set_budget(package, budget, at.field(Field::Budget), problems),
            Spend::Open if self.price.is_some() => {
                set_budget(package, package.budget, at.field(sold.price.model.field()), problems);
            }
            Spend::Open | Spend::Refused => {}
        }
    }
}

/// Sets a package's budget and the resulting goal. If the budget does not buy a valid goal, the
/// problem names `field`.
fn set_budget(package: &mut Package, budget: Micros, field: FieldPath, problems: &mut Vec<Problem>) {
    match package.price.goal_for(budget) {
        Ok(goal) => package.goal = goal,
        Err(none) => problems.push(Problem::new(field, none.to_string())),
    }
    package.budget = budget;
}

/// Checks that the creatives of a package are creatives of its buy, in formats that the package
/// accepts, without duplicates.
fn check_creatives(
    creatives: &[CreativeId],
    package: &Package,
    buy: &MediaBuy,
    at: &Subject,
    problems: &mut Vec<Problem>,
) {
    let mut seen = HashSet::new();
    for (index, id) in creatives.iter().enumerate() {
        let field = at.entry(Field::Creatives, index);
        let known = buy.creatives.iter().find(|creative| &creative.id == id);
        match known {
            None => problems.push(
                Problem::new(field, "is no creative of this media buy; upload it with add_creative_assets first")
                    .value(id.as_str()),
            ),
            Some(creative) if !package.formats.contains(&creative.format) => problems.push(
                Problem::new(field, format!("is {}, which {} does not take", creative.format, package.id))
                    .supported(package.formats.iter().map(|format| format.as_str())),
            ),
            Some(_) if !seen.insert(id) => problems.push(Problem::new(field, "is named twice")),
            Some(_) => {}
        }
    }
}
