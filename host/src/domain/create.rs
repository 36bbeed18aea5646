//! What makes a request for a new media buy possible, and the buy that it asks for.
//!
//! - `flight`: start and end, and what stands for those that were left out.
//! - `packages`: products, prices and what each package asks for itself.
//! - `shares`: the budget of each package.

use std::collections::BTreeMap;

use super::{
    field::{Field, Subject},
    id::{MediaBuyId, PlatformName, PrincipalId},
    media_buy::{MediaBuy, Pacing, Package},
    money::Micros,
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

/// One package of a new buy.
#[derive(Debug, Clone, Default)]
pub struct NewPackage {
    /// The product.
    pub package_id: String,
    /// Its budget.
    pub budget: Option<Micros>,
    /// Its goal instead of a budget.
    pub impressions: Option<i64>,
    /// Its price, at least the product's floor.
    pub cpm: Option<Micros>,
    /// Its pacing.
    pub pacing: Option<Pacing>,
    /// The most that it may spend a day.
    pub daily_budget: Option<Micros>,
    /// The most impressions a day.
    pub daily_impressions: Option<i64>,
    /// Its own targeting.
    pub targeting: Targeting,
    /// Must be empty: a new buy has no creatives yet. Kept so that the refusal can say so.
    pub creative_ids: Vec<String>,
}

/// A start or end as a caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A day: as a start its first moment (now, if it is today), as an end its last second.
    Day(Day),
    /// A moment.
    At(Timestamp),
}

/// A new buy.
#[derive(Debug, Clone)]
pub struct NewMediaBuy {
    /// Its packages, at least one.
    pub packages: Vec<NewPackage>,
    /// Its budget.
    pub total_budget: Micros,
    /// The buyer's purchase order number.
    pub po_number: Option<String>,
    /// Targeting for all packages.
    pub targeting: Targeting,
    /// When it begins; default: as [`default_start`](super::media_buy::default_start) says.
    pub start: Option<Moment>,
    /// When it ends; default: 30 days after its start.
    pub end: Option<Moment>,
    /// How impressions are spread; default: evenly.
    pub pacing: Option<Pacing>,
    /// The most that it may spend a day.
    pub daily_budget: Option<Micros>,
    /// ISO 4217; default: the publisher's.
    pub currency: Option<String>,
}

impl NewMediaBuy {
    /// The buy that `principal` asks for at a moment, and what was filled in, in words.
    ///
    /// # Errors
    /// Everything that is impossible, by field of the request.
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

/// What must hold for all packages of a new buy together.
fn check_whole(buy: &MediaBuy, problems: &mut Vec<Problem>) {
    terms::check_one_platform_keeps_daily_budget(buy, problems);
    buy.targeting.check_custom(&buy.platforms(), &Subject::Buy, problems);
    let place = |package: &Package| buy.packages.iter().position(|other| other.id == package.id).unwrap_or_default();
    problems.extend(buy.contradictions(|package| Subject::listed(place(package))));
}

#[cfg(test)]
mod tests;
