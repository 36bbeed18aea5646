//! What makes a media buy larger than it was, and so needs a person's word where no rule says otherwise.
//!
//! | grows | does not |
//! |---|---|
//! | a budget, a goal or a price is higher, whatever another package gives up | it is lower or the same |
//! | a daily cap is higher, or gone | it is lower, or new |
//! | the flight is paced faster: even, front-loaded, as fast as possible | it is paced slower |
//! | the flight ends later, or begins earlier | it ends earlier |
//! | the targeting is another one, also a narrower one: nobody can tell what it is worth | its values stand in another order |
//! | a creative is new, another one, or runs where it did not run | it is taken away |
//! | | the buyer pauses or resumes: what was approved may be spent |
//! | | the buyer tells how packages perform |
//!
//! The comparison is an order: what does not grow from one buy to the next, and from that to a third, does not grow from the
//! first to the third. So nobody gets anywhere in small steps that nobody is asked about.

use std::collections::BTreeSet;

use super::{
    creative::Creative,
    id::CreativeId,
    media_buy::{MediaBuy, Pacing, Package},
    money::Micros,
    operation::Change,
    targeting::Targeting,
};

/// What is larger after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Growth {
    /// The buy is new.
    Creation,
    /// More money, more impressions, a higher price, or sooner.
    Spend,
    /// The flight is longer.
    Flight,
    /// It may deliver elsewhere, to others or at other times.
    Targeting,
    /// Something else may be shown.
    Creatives,
}

impl Growth {
    /// For a reviewer: what the change does.
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

/// For a reviewer: what grows, in one sentence without its end. Empty if nothing does.
pub fn words(grown: &BTreeSet<Growth>) -> String {
    let each: Vec<&str> = grown.iter().map(|growth| growth.words()).collect();
    match each.split_last() {
        None => String::new(),
        Some((last, [])) => format!("the media buy {last}"),
        Some((last, others)) => format!("the media buy {} and {last}", others.join(", ")),
    }
}

/// What grows with a change. Nothing of what a mixed change lowers makes up for what it raises.
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

/// By how much a change raises the total budget above what it was when a person last approved it: many small raises add up until
/// somebody has seen where they lead. Nothing for a change that does not raise it; all of it for a new buy.
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

/// Every field is named, so that a new one does not compile before somebody has decided about it.
fn of_buy(before: &MediaBuy, after: &MediaBuy, grown: &mut BTreeSet<Growth>) {
    let MediaBuy {
        currency,
        total_budget,
        daily_budget,
        start,
        end,
        targeting,
        creatives,
        // Looked at package by package.
        pacing: _,
        packages: _,
        // A switch.
        active: _,
        switched_at: _,
        // What no buyer changes.
        id: _,
        principal: _,
        po_number: _,
        approved_budget: _,
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

/// As [`of_buy`].
fn of_package(before: &Package, after: &Package, grown: &mut BTreeSet<Growth>) {
    let Package {
        budget,
        impressions,
        cpm,
        daily_budget,
        daily_impressions,
        targeting,
        creatives,
        // Looked at with the buy's.
        pacing: _,
        // A switch.
        active: _,
        switched_at: _,
        // The product's, as it was when it was bought.
        id: _,
        name: _,
        platform: _,
        floor_cpm: _,
        formats: _,
        settings: _,
        review_lead_ms: _,
        // The buyer's own measure.
        performance_index: _,
    } = after;
    if *budget > before.budget
        || *impressions > before.impressions
        || *cpm > before.cpm
        || is_looser(before.daily_budget, *daily_budget)
        || is_looser(before.daily_impressions, *daily_impressions)
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

/// Whether a cap leaves more than it did. None leaves everything.
fn is_looser<T: Ord>(before: Option<T>, after: Option<T>) -> bool {
    match (before, after) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) => after > before,
    }
}

/// How soon the money may be gone.
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

/// Targeting whose values are sorted: their order means nothing.
fn in_order(targeting: &Targeting) -> Targeting {
    let mut sorted = targeting.clone();
    for rule in &mut sorted.rules {
        rule.values.sort();
    }
    sorted
}

/// Whether a creative is none of those that were there, but for where it runs, which the packages say.
fn is_new(creative: &Creative, before: &[Creative]) -> bool {
    let same = |was: &Creative| Creative { packages: creative.packages.clone(), ..was.clone() } == *creative;
    !before.iter().any(|was| was.id == creative.id && same(was))
}

#[cfg(test)]
mod tests;
