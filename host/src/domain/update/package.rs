//! Applies a patch to one package.

use std::collections::HashSet;

use super::{PackagePatch, When};
use crate::domain::{
    budget,
    field::{Field, FieldPath, Subject},
    id::CreativeId,
    media_buy::{MediaBuy, Package},
    money::Micros,
    problem::Problem,
    terms::{self, Spend},
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
        if let Some(cpm) = self.cpm {
            terms::check_price(cpm, package.floor_cpm, &package.id, at, problems);
            package.cpm = cpm;
        }
        self.apply_spend(package, at, problems);
        if let Some(daily_budget) = self.daily_budget {
            package.daily_budget = daily_budget;
        }
        if let Some(daily_impressions) = self.daily_impressions {
            package.daily_impressions = daily_impressions;
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
    fn apply_spend(&self, package: &mut Package, at: &Subject, problems: &mut Vec<Problem>) {
        match terms::spend(self.budget, self.impressions, package.cpm, at, problems) {
            Spend::Goal { impressions, budget } => {
                package.impressions = impressions;
                package.budget = budget;
            }
            Spend::Budget(budget) => set_budget(package, budget, at.field(Field::Budget), problems),
            Spend::Open if self.cpm.is_some() => {
                set_budget(package, package.budget, at.field(Field::Price), problems);
            }
            Spend::Open | Spend::Refused => {}
        }
    }
}

/// Sets a package's budget and the resulting goal. If the budget does not buy a valid goal, the
/// problem names `field`.
fn set_budget(package: &mut Package, budget: Micros, field: FieldPath, problems: &mut Vec<Problem>) {
    match budget::impressions_for(budget, package.cpm) {
        Some(impressions) => package.impressions = impressions,
        None => problems.push(Problem::new(field, terms::no_goal(budget, package.cpm))),
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
