//! Validates a request for a new media buy and creates the buy.
//!
//! - `flight`: start and end, and their defaults.
//! - `packages`: products, prices and the fields of each package.
//! - `shares`: the budget of each package.

use std::collections::BTreeMap;

use super::{
    field::{Field, Subject},
    id::{MediaBuyId, PlatformName, PrincipalId},
    media_buy::{MediaBuy, Pacing, Package},
    money::Micros,
    price::{Goal, Price},
    problem::Problem,
    product::Catalogue,
    status::BuyStatus,
    targeting::Targeting,
    terms,
    time::{Day, Timestamp},
};

mod flight;
mod packages;
mod shares;

pub use flight::end_of;

/// One package of a new buy, as requested.
#[derive(Debug, Clone, Default)]
pub struct NewPackage {
    /// The id of the product.
    pub package_id: String,
    /// The budget, instead of a goal.
    pub budget: Option<Micros>,
    /// The goal, instead of a budget.
    pub goal: Option<Goal>,
    /// The price, at least the product's floor price. Default: the product's price.
    pub price: Option<Price>,
    /// The pacing; default: the buy's.
    pub pacing: Option<Pacing>,
    /// The daily cap of spend.
    pub daily_budget: Option<Micros>,
    /// The daily cap of the units that its price pays for.
    pub daily_goal: Option<Goal>,
    /// The package's own targeting.
    pub targeting: Targeting,
    /// Must be empty: a new buy has no creatives yet. Kept so that the refusal can say so.
    pub creative_ids: Vec<String>,
}

/// A start or end of a flight, as a caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A day. As a start it means the day's first moment (now, if it is today), as an end its last
    /// second.
    Day(Day),
    /// An exact time.
    At(Timestamp),
}

/// A new buy, as requested.
#[derive(Debug, Clone)]
pub struct NewMediaBuy {
    /// The packages, at least one.
    pub packages: Vec<NewPackage>,
    /// The total budget.
    pub total_budget: Micros,
    /// The buyer's purchase order number.
    pub po_number: Option<String>,
    /// The targeting of all packages.
    pub targeting: Targeting,
    /// The start of the flight; default: see [`default_start`](super::media_buy::default_start).
    pub start: Option<Moment>,
    /// The end of the flight; default: 30 days after its start.
    pub end: Option<Moment>,
    /// The pacing; default: even.
    pub pacing: Option<Pacing>,
    /// The daily cap of spend.
    pub daily_budget: Option<Micros>,
    /// The currency, ISO 4217; default: the publisher's.
    pub currency: Option<String>,
}

impl NewMediaBuy {
    /// Returns the buy that `principal` requests at the given time, and a note for each default
    /// that was filled in.
    ///
    /// # Errors
    /// When the request is impossible. Lists every problem, by field of the request.
    pub fn draft(
        &self,
        principal: &PrincipalId,
        catalogue: &Catalogue<'_>,
        at: Timestamp,
    ) -> Result<(MediaBuy, Vec<String>), Vec<Problem>> {
        let mut problems = Vec::new();
        let priced = packages::priced(self, catalogue, &mut problems);
        let currency = packages::currency(self, &priced, catalogue.currency, &mut problems);
        let leads = priced.iter().map(|package| package.offer.review_lead_ms);
        let flight = flight::of(self, at, leads, &mut problems);
        if self.packages.is_empty() {
            problems.push(Problem::new(Field::Packages, "must name at least one package; see list_products"));
        }
        terms::check_daily_below_total(self.daily_budget, self.total_budget, &mut problems);
        let budgets = if problems.is_empty() { shares::of(self, &priced, &mut problems) } else { Vec::new() };
        let packages: Vec<Package> =
            priced.iter().zip(budgets).filter_map(|(package, budget)| package.ordered(budget, &mut problems)).collect();
        let platforms: Vec<&PlatformName> = packages.iter().map(|package| &package.platform).collect();
        let total_budget = Micros::sum(packages.iter().map(|package| package.budget)).unwrap_or(self.total_budget);
        let buy = MediaBuy {
            id: MediaBuyId::mint(platforms),
            principal: principal.clone(),
            po_number: self.po_number.clone(),
            currency,
            active: true,
            switched_at: None,
            total_budget,
            approved_budget: Some(total_budget),
            approved_end: Some(flight.end),
            daily_budget: self.daily_budget,
            pacing: self.pacing.unwrap_or(Pacing::Even),
            start: flight.start,
            end: flight.end,
            targeting: self.targeting.clone(),
            packages,
            creatives: Vec::new(),
            assets: BTreeMap::new(),
            absent: BTreeMap::new(),
            remote: BTreeMap::new(),
            status: BuyStatus::PendingActivation,
            detail: "being created on the ad server".to_owned(),
            revision: 1,
            booked_at: None,
            created_at: at,
            updated_at: at,
        };
        if problems.is_empty() {
            check_whole(&buy, &mut problems);
        }
        if problems.is_empty() { Ok((buy, flight.notes)) } else { Err(problems) }
    }
}

/// Checks the rules for all packages of a new buy together.
fn check_whole(buy: &MediaBuy, problems: &mut Vec<Problem>) {
    terms::check_daily_budget_can_be_kept(buy, problems);
    buy.targeting.check_custom(&buy.platforms(), &Subject::Buy, problems);
    let place = |package: &Package| buy.packages.iter().position(|other| other.id == package.id).unwrap_or_default();
    problems.extend(buy.contradictions(|package| Subject::listed(place(package))));
}

#[cfg(test)]
mod tests;
