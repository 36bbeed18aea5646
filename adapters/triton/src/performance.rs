//! How well packages perform. Triton has nothing to tell it to, so what a person could do
//! is advised and nothing is changed.

use flightdeck_adapter::{
    advice::{self, Advice},
    plan::Plan,
    prelude::*,
};

const ABOVE: Advice<'_> =
    ("move_budget", "Triton has no performance index: move budget to it, or give its product more stations.");
const BELOW: Advice<'_> = (
    "review_targeting",
    "Triton has no performance index: review its targeting and creatives, or move its budget to other packages.",
);

/// The changes that an update of the index makes: none.
#[must_use]
pub fn plan() -> ChangePlan {
    let mut plan = Plan::default();
    plan.note("Triton has no performance index: nothing is changed there.");
    plan.finish()
}

/// What a person could do about it.
#[must_use]
pub fn advise(update: &PerformanceUpdate) -> PerformanceOutcome {
    advice::advise(update, ABOVE, BELOW)
}
