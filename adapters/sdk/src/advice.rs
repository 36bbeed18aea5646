//! Recommendations about the performance of packages, for platforms that have no performance index
//! of their own.

use std::cmp::Ordering;

use crate::types::{OptimizationAction, OptimizationKind, PackagePerformance, PerformanceOutcome, PerformanceUpdate};

/// An index of 1, in millionths.
const BASELINE: i64 = 1_000_000;
/// One per cent of the baseline.
const PERCENT: u64 = 10_000;

/// A recommendation: a short word (`raise_priority`), and a sentence that says what to do.
pub type Advice<'a> = (&'a str, &'a str);

/// Recommends an action for each package: `above` if it performs above the baseline, `below` if
/// below, and none at the baseline.
#[must_use]
pub fn advise(update: &PerformanceUpdate, above: Advice<'_>, below: Advice<'_>) -> PerformanceOutcome {
    let action = |package: &PackagePerformance| {
        let id = package.package_id.as_str();
        let off = package.performance_index.abs_diff(BASELINE) / PERCENT;
        let ((word, sentence), side) = match package.performance_index.cmp(&BASELINE) {
            Ordering::Greater => (above, "above"),
            Ordering::Less => (below, "below"),
            Ordering::Equal => {
                return OptimizationAction {
                    package_id: id.to_owned(),
                    kind: OptimizationKind::Unnecessary,
                    action: "none".to_owned(),
                    reason: "It performs at the baseline.".to_owned(),
                    extensions: Vec::new(),
                };
            }
        };
        OptimizationAction::advised(id, word, format!("It performs {off} % {side} the baseline. {sentence}"))
    };
    PerformanceOutcome { actions: update.performance.iter().map(action).collect(), extensions: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::samples;

    #[test]
    fn advice_follows_the_index() {
        let of = |package_id: &str, performance_index| PackagePerformance {
            package_id: package_id.to_owned(),
            performance_index,
            confidence: None,
            feedback: None,
            extensions: Vec::new(),
        };
        let update = PerformanceUpdate {
            media_buy: samples::buy(vec![samples::package("a")]),
            performance: vec![of("a", 1_200_000), of("b", 800_000), of("c", 1_000_000)],
            extensions: Vec::new(),
        };
        let outcome = advise(&update, ("more", "Give more."), ("less", "Give less."));
        let said: Vec<(&str, &str)> =
            outcome.actions.iter().map(|action| (action.action.as_str(), action.reason.as_str())).collect();
        let above = ("more", "It performs 20 % above the baseline. Give more.");
        let below = ("less", "It performs 20 % below the baseline. Give less.");
        assert_eq!(said, [above, below, ("none", "It performs at the baseline.")]);
        assert_eq!(outcome.actions[2].kind, OptimizationKind::Unnecessary);
    }
}
