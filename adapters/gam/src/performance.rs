//! How well packages perform. Ad Manager has nothing to tell it to for line items with a goal, so what a person could do
//! is advised and nothing is changed.

use flightdeck_adapter::{
    advice::{self, Advice},
    plan::Plan,
    prelude::*,
};

const ABOVE: Advice<'_> = (
    "raise_priority",
    "Ad Manager has no performance index: raise the priority of its product's line items, or move budget to it.",
);
const BELOW: Advice<'_> = (
    "review_targeting",
    "Ad Manager has no performance index: review its targeting and creatives, or move its budget to other packages.",
);

/// The changes that an update of the index makes: none.
#[must_use]
pub fn plan() -> ChangePlan {
    let mut plan = Plan::default();
    plan.note("Ad Manager has no performance index: nothing is changed there.");
    plan.finish()
}

/// What a person could do about it.
#[must_use]
pub fn advise(update: &PerformanceUpdate) -> PerformanceOutcome {
    advice::advise(update, ABOVE, BELOW)
}
