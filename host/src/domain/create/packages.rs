//! The packages of a new buy.

use super::{NewMediaBuy, NewPackage};
use crate::domain::{
    field::{Field, FieldPath, Subject},
    id::PackageId,
    media_buy::Package,
    money::Micros,
    price::Price,
    problem::Problem,
    product::{Catalogue, Offer},
    terms::{self, Asked, Sold, Spend},
};

/// A package with its price, before its budget is known.
pub(super) struct PricedPackage<'a> {
    asked: &'a NewPackage,
    /// The position in the request.
    at: Subject,
    pub(super) offer: Offer<'a>,
    price: Price,
    /// The package's own budget, if it has one.
    pub(super) budget: Option<Micros>,
}

/// Returns the packages that can be bought, each with its price.
pub(super) fn priced<'a>(
    new: &'a NewMediaBuy,
    catalogue: &Catalogue<'a>,
    problems: &mut Vec<Problem>,
) -> Vec<PricedPackage<'a>> {
    let mut priced: Vec<PricedPackage<'a>> = Vec::new();
    for (index, asked) in new.packages.iter().enumerate() {
        let at = Subject::listed(index);
        let offer = match catalogue.offer(&asked.package_id, at.clone().whole()) {
            Ok(offer) => offer,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        if priced.iter().any(|other| other.offer.id == offer.id) {
            problems.push(Problem::new(at.whole(), terms::NAMED_TWICE).value(&asked.package_id));
            continue;
        }
        let wanted = Asked { price: asked.price, budget: asked.budget, goal: asked.goal };
        let mut sold = Sold { package: offer.id, price: offer.price, floor: offer.floor };
        sold.price = wanted.price(&sold, &at, problems);
        if !asked.creative_ids.is_empty() {
            problems.push(Problem::new(
                at.field(Field::Creatives),
                "a new media buy has no creatives yet: upload them with add_creative_assets once it is created",
            ));
        }
        let budget = match wanted.spend(&sold, &at, problems) {
            Spend::Budget(budget) | Spend::Goal { budget, .. } => Some(budget),
            Spend::Open | Spend::Refused => None,
        };
        terms::check_daily_units(&sold, asked.daily_goal.map(|daily| daily.unit), asked.daily_budget, &at, problems);
        priced.push(PricedPackage { asked, at, price: sold.price, offer, budget });
    }
    priced
}

/// The currency of the buy. All of its packages must be sold in it.
pub(super) fn currency(
    new: &NewMediaBuy,
    packages: &[PricedPackage<'_>],
    publishers: &str,
    problems: &mut Vec<Problem>,
) -> String {
    let sold_in = packages.first().map_or(publishers, |first| first.offer.currency);
    let wanted = new.currency.as_deref().unwrap_or(sold_in);
    for package in packages.iter().filter(|package| package.offer.currency != wanted) {
        let field = if new.currency.is_some() { Field::Currency.into() } else { package.at.clone().whole() };
        let Offer { id, currency, .. } = package.offer;
        problems.push(Problem::new(field, format!("{id} is sold in {currency}, not in {wanted}")));
    }
    wanted.to_owned()
}

impl PricedPackage<'_> {
    /// The package as it is ordered with this budget, or `None` if the budget does not buy a valid
    /// goal.
    pub(super) fn ordered(&self, budget: Micros, problems: &mut Vec<Problem>) -> Option<Package> {
        let Self { asked, offer, price, .. } = self;
        let goal = match asked.goal {
            Some(goal) => Some(goal.count),
            None => match price.goal_for(budget) {
                Ok(goal) => goal,
                Err(none) => {
                    let field: FieldPath =
                        if asked.budget.is_some() { self.at.field(Field::Budget) } else { Field::TotalBudget.into() };
                    problems.push(Problem::new(field, format!("leaves {}: {none}", offer.id)));
                    return None;
                }
            },
        };
        let package = Package {
            id: PackageId::new(offer.id.as_str()),
            name: offer.name.to_owned(),
            platform: offer.platform.clone(),
            active: true,
            switched_at: None,
            budget,
            goal,
            price: *price,
            floor: offer.floor,
            pacing: asked.pacing,
            daily_budget: asked.daily_budget,
            daily_goal: asked.daily_goal.map(|daily| daily.count),
            targeting: asked.targeting.clone(),
            creatives: Vec::new(),
            formats: offer.formats.to_vec(),
            settings: offer.settings.clone(),
            review_lead_ms: offer.review_lead_ms,
            performance_index: None,
        };
        terms::check_daily_caps(&package, Some(&self.at), problems);
        package.targeting.check_custom(std::slice::from_ref(&package.platform), &self.at, problems);
        Some(package)
    }
}
