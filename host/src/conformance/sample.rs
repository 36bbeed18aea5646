//! The sample buy, its creatives and its changes, made from `check.toml` and from what the adapter
//! declares.

use std::time::Duration;

use super::bench::Bench;
use crate::{
    adapters::sample_buy,
    clock,
    domain::{
        change::Change,
        creative::{Creative, Format},
        media_buy::{MediaBuy, Package},
        money::Micros,
        price::{DailyGoal, Goal, Price, PriceModel},
        targeting::{Daypart, Dayparting, Dimension, Operator, Targeting, Weekday},
        update::{BuyPatch, PackagePatch, When},
    },
};

pub(super) use crate::adapters::SAMPLE_PACKAGES as PACKAGES;

const DAY: Duration = Duration::from_secs(86_400);

/// The budget of each package.
const BUDGET: Micros = match Micros::new(1_000 * Micros::UNIT) {
    Some(budget) => budget,
    None => Micros::MAX,
};

/// The goal of each package that has one.
const GOAL: i64 = 100_000;

/// A buy that the kit makes on the ad server, and its creatives.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) buy: MediaBuy,
    /// Not part of the buy yet.
    pub(super) creatives: Vec<Creative>,
}

/// Returns an amount of whole units of the currency.
pub(super) fn units(units: i64) -> Micros {
    Micros::new(units.saturating_mul(Micros::UNIT)).unwrap_or(Micros::MAX)
}

/// Makes a sample with an id of its own. A rich one has targeting by place and by hours.
pub(super) fn sample(bench: &Bench, rich: bool) -> Sample {
    let mut buy = buy(bench);
    if rich {
        buy.packages[0].targeting = rich_targeting(bench);
    }
    // The second package is sold in another way than the first, and in a rich sample in a third.
    let models = price_models(bench);
    let other = models.get(if rich { 2 } else { 1 }).or_else(|| models.get(1)).or_else(|| models.first());
    for (package, model) in buy.packages.iter_mut().zip(models.first().into_iter().chain(other)) {
        sell_by(package, *model);
    }
    let accepted = &buy.packages[0].formats;
    let creatives = bench.config.creatives.iter().filter(|creative| accepted.contains(&creative.format));
    let creatives = creatives.enumerate().map(|(index, creative)| {
        // The first runs in both packages, so that something has two associations.
        let packages = if index == 0 { &PACKAGES[..] } else { &PACKAGES[..1] };
        Creative { packages: packages.iter().map(|&id| id.into()).collect(), ..creative.clone() }
    });
    Sample { creatives: creatives.collect(), buy }
}

/// Like the buy that every component is examined with, but one that the ad server accepts.
fn buy(bench: &Bench) -> MediaBuy {
    let now = clock::now();
    // Midnight, so that no two starts of the sample differ within a run.
    let start = now.plus(30 * DAY).day().start();
    let unique = uuid::Uuid::now_v7().simple().to_string().split_off(20);
    let examined = sample_buy(&bench.name, &bench.capabilities, now);
    let package = |package: Package| Package {
        budget: BUDGET,
        formats: formats(bench),
        settings: bench.config.product_settings.clone(),
        ..package
    };
    MediaBuy {
        id: format!("{}_{unique}", bench.name).into(),
        principal: "check".into(),
        po_number: None,
        currency: bench.config.currency.clone(),
        total_budget: units(2_000),
        start,
        end: start.plus(30 * DAY).plus_millis(-1_000),
        targeting: targeting(bench, 0),
        packages: examined.packages.into_iter().map(package).collect(),
        ..examined
    }
}

/// Sells a package in a way, for the same budget, and with the same goal if it has one.
fn sell_by(package: &mut Package, model: PriceModel) {
    let units_of_rate = if model == PriceModel::Cpm { 1_000 } else { 1 };
    let rate = match model {
        PriceModel::Flat => BUDGET,
        _ => Micros::new(BUDGET.get() * units_of_rate / GOAL).unwrap_or(Micros::MAX),
    };
    package.price = Price { model, rate };
    package.budget = BUDGET;
    package.goal = model.unit().map(|_| GOAL);
}

/// Returns the ways in which the sample's product can be sold. Never empty.
pub(super) fn price_models(bench: &Bench) -> Vec<PriceModel> {
    let given = &bench.config.price_models;
    let listed = PriceModel::ALL.iter().copied().filter(|model| bench.capabilities.sells_by(*model));
    match given.is_empty() {
        true => Some(listed.collect::<Vec<_>>()).filter(|listed| !listed.is_empty()).unwrap_or(vec![PriceModel::Cpm]),
        false => given.clone(),
    }
}

/// Returns the formats of the sample's product.
pub(super) fn formats(bench: &Bench) -> Vec<Format> {
    match bench.config.formats.is_empty() {
        true => bench.capabilities.formats.clone(),
        false => bench.config.formats.clone(),
    }
}

/// Returns targeting by the declared values of one dimension, or of none if there are no such
/// values. `number` chooses the value.
fn targeting(bench: &Bench, number: usize) -> Targeting {
    let mut targeting = Targeting::default();
    let closed = bench.capabilities.targeting.iter().find(|support| {
        // The type of the media is given by the format.
        support.values.len() > 1
            && support.operators.contains(&Operator::AnyOf)
            && support.dimension != Dimension::MediaType
    });
    if let Some(support) = closed {
        let value = support.values.get(number % support.values.len()).cloned();
        targeting.add(support.dimension, Operator::AnyOf, value);
    }
    targeting
}

/// Returns targeting that often needs requests of its own: a country, and two ranges of hours.
fn rich_targeting(bench: &Bench) -> Targeting {
    let can = &bench.capabilities;
    let mut targeting = Targeting::default();
    let any_country = can.targeting.iter().any(|support| {
        support.dimension == Dimension::GeoCountry
            && support.operators.contains(&Operator::AnyOf)
            && support.values.is_empty()
    });
    if any_country {
        let given = bench.config.values.get(&Dimension::GeoCountry).and_then(|values| values.first().cloned());
        targeting.add(Dimension::GeoCountry, Operator::AnyOf, [given.unwrap_or_else(|| "US".to_owned())]);
    }
    if can
        .dayparting
        .as_ref()
        .is_some_and(|hours| hours.custom_schedules && hours.max_ranges.is_none_or(|most| most > 1))
    {
        let days = || vec![Weekday::Monday, Weekday::Friday];
        let schedules =
            [(6, 10), (16, 20)].map(|(start_hour, end_hour)| Daypart { days: days(), start_hour, end_hour });
        targeting.dayparting = Some(Dayparting {
            timezone: "America/New_York".to_owned(),
            schedules: schedules.into(),
            presets: Vec::new(),
        });
    }
    targeting
}

impl Sample {
    /// Returns the buy after a change, as the host would record it.
    ///
    /// # Errors
    /// When the host would refuse the change, in words.
    pub(super) fn after(&self, change: &Change) -> Result<MediaBuy, String> {
        change
            .apply(&self.buy, When::at_once(clock::now()))
            .map_err(|problems| crate::domain::problem::summary(&problems))
    }
}

fn only(package: &str, patch: PackagePatch) -> BuyPatch {
    let patch = PackagePatch { package: Some(package.into()), ..patch };
    BuyPatch { packages: vec![patch], ..BuyPatch::default() }
}

/// Returns a patch for each declared kind of update that can be tried on a sample, with the name of
/// the kind. Each is made for the sample's state at that time.
pub(super) fn update_of(bench: &Bench, kind: &str, sample: &Sample) -> Option<BuyPatch> {
    let buy = &sample.buy;
    let one = buy.packages.first()?;
    let all = BuyPatch::default();
    Some(match kind {
        "active" => BuyPatch { active: Some(!buy.active), ..all },
        "total_budget" => BuyPatch { total_budget: Some(buy.total_budget.checked_add(units(500))?), ..all },
        "end_date" => BuyPatch { end: Some(buy.end.plus(5 * DAY)), ..all },
        "targeting" => {
            let other = targeting(bench, 1);
            if other.is_empty() {
                return None;
            }
            BuyPatch { targeting: Some(Some(other)), ..all }
        }
        "pacing" => {
            let other = bench.capabilities.pacing.iter().copied().find(|pacing| *pacing != buy.pacing)?;
            BuyPatch { pacing: Some(other), ..all }
        }
        "daily_budget" => {
            only(PACKAGES[0], PackagePatch { daily_budget: Some(Some(units(100))), ..PackagePatch::default() })
        }
        "daily_impressions" => {
            let daily_goal = Some(DailyGoal { unit: one.price.model.unit()?, most: Some(GOAL / 5) });
            only(PACKAGES[0], PackagePatch { daily_goal, ..PackagePatch::default() })
        }
        "budget" => only(
            PACKAGES[0],
            PackagePatch { budget: Some(one.budget.checked_add(units(200))?), ..PackagePatch::default() },
        ),
        "impressions" => {
            let goal = Some(Goal { unit: one.price.model.unit()?, count: one.goal?.checked_add(GOAL / 10)? });
            only(PACKAGES[0], PackagePatch { goal, ..PackagePatch::default() })
        }
        "price" => {
            let price = Some(Price { rate: one.price.rate.checked_add(units(1))?, ..one.price });
            only(PACKAGES[0], PackagePatch { price, ..PackagePatch::default() })
        }
        "creative_assignments" => {
            if buy.packages.get(1)?.creatives.is_empty() {
                return None;
            }
            only(PACKAGES[1], PackagePatch { creatives: Some(Vec::new()), ..PackagePatch::default() })
        }
        _ => return None,
    })
}

/// Returns one update with several changes, as far as they are declared: a later end, a larger first
/// package, and a pause of the second one.
pub(super) fn large_update(bench: &Bench, sample: &Sample) -> BuyPatch {
    let declared = |kind: &str| bench.capabilities.updates.iter().any(|listed| listed == kind);
    let mut patch = BuyPatch::default();
    if declared("end_date") {
        patch.end = Some(sample.buy.end.plus(10 * DAY));
    }
    let [one, two] = PACKAGES.map(|id| PackagePatch { package: Some(id.into()), ..PackagePatch::default() });
    if declared("budget") {
        patch.packages.push(PackagePatch { budget: Some(units(1_200)), ..one });
    } else if declared("impressions")
        && let Some(unit) = sample.buy.packages.first().and_then(|package| package.price.model.unit())
    {
        patch.packages.push(PackagePatch { goal: Some(Goal { unit, count: 120_000 }), ..one });
    }
    if declared("active") {
        patch.packages.push(PackagePatch { active: Some(false), ..two });
    }
    patch
}
