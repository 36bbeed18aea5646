//! How well packages perform. Kevel has nothing to tell it to: a flight's place is its priority, which is the
//! publisher's, so what a person could do is advised and nothing is changed.

use flightdeck_adapter::{plan::Plan, prelude::*};

/// An index of 1.
const BASELINE: i64 = 1_000_000;

/// The changes that an update of the index makes: none.
#[must_use]
pub fn plan() -> ChangePlan {
    let mut plan = Plan::default();
    plan.note("Kevel has no performance index: nothing is changed there.");
    plan.finish()
}

/// What a person could do about it.
#[must_use]
pub fn advise(update: &PerformanceUpdate) -> PerformanceOutcome {
    PerformanceOutcome { actions: update.performance.iter().map(action).collect(), extensions: Vec::new() }
}

fn action(package: &PackagePerformance) -> OptimizationAction {
    let id = package.package_id.as_str();
    let off = package.performance_index.abs_diff(BASELINE) / 10_000;
    match package.performance_index.cmp(&BASELINE) {
        std::cmp::Ordering::Greater => OptimizationAction::advised(
            id,
            "raise_priority",
            format!(
                "It performs {off} % above the baseline. Kevel has no performance index: move its product to a \
                 priority that is served earlier, or move budget to it."
            ),
        ),
        std::cmp::Ordering::Less => OptimizationAction::advised(
            id,
            "review_targeting",
            format!(
                "It performs {off} % below the baseline. Kevel has no performance index: review its targeting and \
                 creatives, or move its budget to other packages."
            ),
        ),
        std::cmp::Ordering::Equal => OptimizationAction {
            package_id: id.to_owned(),
            kind: OptimizationKind::None,
            action: "none".to_owned(),
            reason: "It performs at the baseline.".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn advice_follows_the_index() {
        let of = |package_id: &str, performance_index| PackagePerformance {
            package_id: package_id.to_owned(),
            performance_index,
            confidence: None,
            feedback: None,
        };
        let outcome = advise(&PerformanceUpdate {
            media_buy: samples::buy(vec![samples::package("a")]),
            performance: vec![of("a", 1_200_000), of("b", 800_000), of("c", 1_000_000)],
        });
        let said: Vec<(&str, &str)> =
            outcome.actions.iter().map(|action| (action.package_id.as_str(), action.action.as_str())).collect();
        assert_eq!(said, [("a", "raise_priority"), ("b", "review_targeting"), ("c", "none")]);
        assert!(outcome.actions[0].reason.contains("20 %") && outcome.actions[1].reason.contains("20 %"));
        assert_eq!(outcome.actions[2].kind, OptimizationKind::None);
        assert!(plan().changes.is_empty());
    }
}
