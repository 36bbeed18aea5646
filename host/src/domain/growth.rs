//! Decides whether a change makes a media buy larger. By default, such a change needs approval.
//!
//! | grows | does not |
//! |---|---|
//! | a budget, a goal or a price is raised, even if another package is lowered | it is lowered or stays the same |
//! | a daily cap is raised or removed | it is lowered or added |
//! | the pacing becomes faster: from even to front-loaded to as fast as possible | it becomes slower |
//! | the flight ends later, or begins earlier | it ends earlier |
//! | the targeting changes, even to a narrower one: nobody can tell what it is worth | the order of its values changes |
//! | a creative is new, is replaced, or runs in another package | it is removed |
//! | | the buyer pauses or resumes: what was approved may be spent |
//! | | the buyer reports the performance of packages |
//!
//! The comparison is transitive: if a buy does not grow in either of two successive changes, it
//! does not grow over both. A series of small changes therefore can't get around an approval.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    creative::{Creative, Format},
    id::{CreativeId, PackageId},
    media_buy::{MediaBuy, Pacing, Package},
    money::Micros,
    operation::Change,
    targeting::Targeting,
};

/// An aspect in which a buy is larger after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Growth {
    /// The buy is new.
    Creation,
    /// It may spend more money, deliver more impressions, pay a higher price, or spend faster.
    Spend,
    /// The flight is longer.
    Flight,
    /// The targeting differs.
    Targeting,
    /// A creative is new, is replaced, or runs in another package.
    Creatives,
}

impl Growth {
    /// Describes the effect to a reviewer.
    const fn words(self) -> &'static str {
        match self {
            Self::Creation => "is new",
            Self::Spend => "may spend more",
            Self::Flight => "has a longer flight",
            Self::Targeting => "has other targeting",
            Self::Creatives => "has other creatives",
        }
    }
}

/// Describes to a reviewer what grows, as a sentence without its full stop. Empty if nothing grows.
pub fn words(grown: &BTreeSet<Growth>) -> String {
    let each: Vec<&str> = grown.iter().map(|growth| growth.words()).collect();
    match each.split_last() {
        None => String::new(),
        Some((last, [])) => format!("the media buy {last}"),
        Some((last, others)) => format!("the media buy {} and {last}", others.join(", ")),
    }
}

/// Returns the aspects that grow with a change. In a mixed change, reductions do not make up for
/// increases.
pub fn of(change: &Change, before: &MediaBuy, after: &MediaBuy) -> BTreeSet<Growth> {
    let mut grown = BTreeSet::new();
    if matches!(change, Change::Create) {
        grown.insert(Growth::Creation);
        return grown;
    }
    of_buy(before, after, &mut grown);
    for package in &after.packages {
        let Some(was) = before.package(&package.id) else {
            grown.insert(Growth::Spend);
            continue;
        };
        of_package(was, package, &mut grown);
        if haste(after.pacing_of(package)) > haste(before.pacing_of(was)) {
            grown.insert(Growth::Spend);
        }
    }
    grown
}

/// Returns how far a change raises the total budget above the amount that a person last approved.
/// Many small raises therefore add up until somebody approves the result. Returns zero if the
/// change does not raise the budget, and the whole budget for a new buy.
pub fn raise(change: &Change, before: &MediaBuy, after: &MediaBuy) -> Micros {
    if matches!(change, Change::Create) {
        return after.total_budget;
    }
    if after.total_budget <= before.total_budget {
        return Micros::ZERO;
    }
    let approved = before.approved_budget.unwrap_or(before.total_budget);
    after.total_budget.checked_sub(approved).unwrap_or(Micros::ZERO)
}

/// Returns how much longer a change makes the flight than the one that a person last approved. Many
/// small extensions therefore add up, like raises of the budget. Returns zero if the change does not
/// extend the flight, and for a new buy.
pub fn longer(change: &Change, before: &MediaBuy, after: &MediaBuy) -> Duration {
    if matches!(change, Change::Create) || (after.end <= before.end && after.start >= before.start) {
        return Duration::ZERO;
    }
    let approved = before.approved_end.unwrap_or(before.end);
    approved.until(after.end) + after.start.until(before.start)
}

/// Returns, for each package whose targeting may match what it did not match before, what does, in
/// words that follow "the targeting". A new buy widens nothing.
///
/// What counts is a package's targeting together with the buy's. See [`Targeting::wider_than`] for
/// what is compared.
pub fn wider(change: &Change, before: &MediaBuy, after: &MediaBuy) -> BTreeMap<PackageId, String> {
    if matches!(change, Change::Create) {
        return BTreeMap::new();
    }
    let of = |package: &Package| {
        let what = match before.package(&package.id) {
            Some(was) => after.targeting_of(package).wider_than(&before.targeting_of(was))?,
            None => "is that of a new package".to_owned(),
        };
        Some((package.id.clone(), what))
    };
    after.packages.iter().filter_map(of).collect()
}

/// Returns the formats of the creatives that a change brings: those that are new, are replaced, or
/// run in another package.
pub fn new_formats(change: &Change, before: &MediaBuy, after: &MediaBuy) -> BTreeSet<Format> {
    let creates = matches!(change, Change::Create);
    let ran = |package: &Package, id: &CreativeId| {
        !creates && before.package(&package.id).is_some_and(|was| was.creatives.contains(id))
    };
    let moved = |creative: &Creative| {
        after.packages.iter().any(|package| package.creatives.contains(&creative.id) && !ran(package, &creative.id))
    };
    let brought = |creative: &&Creative| creates || is_new(creative, &before.creatives) || moved(creative);
    after.creatives.iter().filter(brought).map(|creative| creative.format).collect()
}

/// The pattern names every field, so that a new field does not compile until somebody decides
/// whether it can grow.
fn of_buy(before: &MediaBuy, after: &MediaBuy, grown: &mut BTreeSet<Growth>) {
    let MediaBuy {
        currency,
        total_budget,
        daily_budget,
        start,
        end,
        targeting,
        creatives,
        // Compared package by package.
        pacing: _,
        packages: _,
        // Pausing and resuming is not growth.
        active: _,
        switched_at: _,
        // The buyer can't change these.
        id: _,
        principal: _,
        po_number: _,
        approved_budget: _,
        approved_end: _,
        assets: _,
        absent: _,
        remote: _,
        status: _,
        detail: _,
        revision: _,
        booked_at: _,
        created_at: _,
        updated_at: _,
    } = after;
    if *total_budget > before.total_budget
        || is_looser(before.daily_budget, *daily_budget)
        || *currency != before.currency
    {
        grown.insert(Growth::Spend);
    }
    if *end > before.end || *start < before.start {
        grown.insert(Growth::Flight);
    }
    if differs(&before.targeting, targeting) {
        grown.insert(Growth::Targeting);
    }
    if creatives.iter().any(|creative| is_new(creative, &before.creatives)) {
        grown.insert(Growth::Creatives);
    }
}

/// Like [`of_buy`], for a package.
fn of_package(before: &Package, after: &Package, grown: &mut BTreeSet<Growth>) {
    let Package {
        budget,
        goal,
        price,
        daily_budget,
        daily_goal,
        targeting,
        creatives,
        // Compared together with the buy's pacing.
        pacing: _,
        // Pausing and resuming is not growth.
        active: _,
        switched_at: _,
        // These are the product's, from the time of the purchase.
        id: _,
        name: _,
        platform: _,
        floor: _,
        formats: _,
        settings: _,
        review_lead_ms: _,
        // The buyer's own measure.
        performance_index: _,
    } = after;
    if *budget > before.budget
        || *goal > before.goal
        || price.rate > before.price.rate
        // Another model can't be compared. No change leads to one.
        || price.model != before.price.model
        || is_looser(before.daily_budget, *daily_budget)
        || is_looser(before.daily_goal, *daily_goal)
    {
        grown.insert(Growth::Spend);
    }
    if differs(&before.targeting, targeting) {
        grown.insert(Growth::Targeting);
    }
    let ran = |id: &CreativeId| before.creatives.contains(id);
    if creatives.iter().any(|id| !ran(id)) {
        grown.insert(Growth::Creatives);
    }
}

/// Whether a cap allows more than before. No cap allows everything.
fn is_looser<T: Ord>(before: Option<T>, after: Option<T>) -> bool {
    match (before, after) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) => after > before,
    }
}

/// Ranks pacing by how soon it may spend the money.
const fn haste(pacing: Pacing) -> u8 {
    match pacing {
        Pacing::Even => 0,
        Pacing::FrontLoaded => 1,
        Pacing::Asap => 2,
    }
}

fn differs(before: &Targeting, after: &Targeting) -> bool {
    in_order(before) != in_order(after)
}

/// Returns the targeting with its values sorted, because their order has no meaning.
fn in_order(targeting: &Targeting) -> Targeting {
    let mut sorted = targeting.clone();
    for rule in &mut sorted.rules {
        rule.values.sort();
    }
    sorted
}

/// Whether a creative differs from all previous ones. Where it runs does not count, because the
/// packages record that.
fn is_new(creative: &Creative, before: &[Creative]) -> bool {
    let same = |was: &Creative| Creative { packages: creative.packages.clone(), ..was.clone() } == *creative;
    !before.iter().any(|was| was.id == creative.id && same(was))
}

#[cfg(test)]
mod tests;
