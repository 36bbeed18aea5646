//! The rules that decide which changes need approval.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::{HOUSE, PUBLISHER, fine};
use crate::{
    config::{ApprovalQuestion, Config, Needed},
    domain::{
        growth::Growth,
        id::{PlatformName, PrincipalId},
        money::Micros,
        operation::OperationKind,
        task::Priority,
    },
};

const DAY: Duration = Duration::from_secs(86_400);

fn needed(
    config: &Config,
    operation: OperationKind,
    principal: &str,
    platforms: &[&str],
    budget: i64,
) -> Option<Needed> {
    let platforms: Vec<PlatformName> = platforms.iter().map(|name| PlatformName::from(*name)).collect();
    let principal = PrincipalId::from(principal);
    let budget = Micros::new(budget * Micros::UNIT).unwrap();
    let question = ApprovalQuestion {
        operation,
        principal: &principal,
        platforms: &platforms,
        budget,
        raise: Micros::ZERO,
        grown: BTreeSet::new(),
    };
    config.approvals_needed(&question)
}

/// The number of reviewers for a change with this raise of the budget and this growth.
fn needed_for(config: &Config, operation: OperationKind, raise: i64, grown: &[Growth]) -> Option<u32> {
    let question = ApprovalQuestion {
        operation,
        principal: &PrincipalId::from("agency"),
        platforms: &[PlatformName::from("acme")],
        budget: Micros::new(1_000 * Micros::UNIT).unwrap(),
        raise: Micros::new(raise * Micros::UNIT).unwrap(),
        grown: grown.iter().copied().collect(),
    };
    config.approvals_needed(&question).map(|needed| needed.reviewers)
}

#[test]
fn without_rules_what_makes_a_buy_larger_needs_one_reviewer_and_nothing_else_any() {
    let config = fine(PUBLISHER);
    let create = config.approvals.iter().map(|rule| (rule.reviewers, rule.priority, rule.due_in)).collect::<Vec<_>>();
    assert_eq!(create, [(1, Priority::Medium, DAY)]);
    for kind in OperationKind::REQUESTED {
        assert_eq!(needed(&config, *kind, "agency", &["acme"], 8_000_000_000), None, "{kind}: nothing grows");
        for growth in [Growth::Creation, Growth::Spend, Growth::Flight, Growth::Targeting, Growth::Creatives] {
            assert_eq!(needed_for(&config, *kind, 0, &[growth]), Some(1), "{kind} {growth:?}");
        }
    }
}

#[test]
fn a_rule_can_ask_for_growth_and_for_so_much_of_it() {
    let config = fine(&format!(
        "{PUBLISHER}[[approvals]]\ngrows = true\n\n[[approvals]]\nraises_budget_by = 100\nreviewers = 3\n"
    ));
    let update = |raise, grown: &[Growth]| needed_for(&config, OperationKind::Update, raise, grown);
    assert_eq!(update(0, &[]), None);
    assert_eq!(update(99, &[Growth::Spend]), Some(1));
    assert_eq!(update(100, &[Growth::Spend]), Some(3));
    let config = fine(&format!("{PUBLISHER}[[approvals]]\ngrows = false\nraises_budget_by = 0.000001\n"));
    assert_eq!(needed_for(&config, OperationKind::Update, 0, &[Growth::Flight]), None);
    assert_eq!(needed_for(&config, OperationKind::Create, 1, &[]), Some(1));
}

#[test]
fn nobody_gets_round_a_rule_by_the_other_of_two_tools() {
    use OperationKind::{AddCreatives, Update, UpdatePackage};
    for named in [Update, UpdatePackage] {
        let config = fine(&format!("{PUBLISHER}[[approvals]]\noperations = [\"{named}\"]\n"));
        for kind in OperationKind::REQUESTED {
            let wanted = matches!(kind, Update | UpdatePackage).then_some(1);
            assert_eq!(needed_for(&config, *kind, 0, &[]), wanted, "{named} {kind}");
        }
    }
    let config = fine(&format!("{PUBLISHER}[[approvals]]\noperations = [\"{AddCreatives}\"]\n"));
    assert_eq!(needed_for(&config, Update, 0, &[]), None);
}

#[test]
fn an_empty_list_of_rules_asks_nobody() {
    let config = fine(&format!("approvals = []\n{PUBLISHER}"));
    for kind in OperationKind::REQUESTED {
        assert_eq!(needed(&config, *kind, "agency", &["acme"], 8_000_000_000), None, "{kind}");
    }
}

#[test]
fn a_rule_that_names_nothing_matches_everything() {
    let config = fine(&format!("{PUBLISHER}[[approvals]]\n"));
    for kind in OperationKind::REQUESTED {
        assert!(needed(&config, *kind, "agency", &[], 0).is_some(), "{kind}");
    }
}

#[test]
fn the_strictest_of_the_matching_rules_counts() {
    let rules = r#"
[[platforms]]
name = "zenith"
adapter = "zenith.wasm"
endpoint = "https://api.zenith.example"

[[approvals]]
operations = ["create_media_buy"]
due_in = "4h"

[[approvals]]
above_budget = 10000
reviewers = 2
due_in = "2d"

[[approvals]]
principals = ["agency"]
platforms = ["zenith"]
priority = "urgent"
due_in = "1h"
"#;
    let config = fine(&format!("{HOUSE}{rules}"));
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let (create, update) = (OperationKind::Create, OperationKind::Update);
    let answer = |reviewers, priority, due_in| Some(Needed { reviewers, priority, due_in });
    assert_eq!(needed(&config, update, "agency", &["acme"], 10_000), None);
    assert_eq!(needed(&config, create, "agency", &["acme"], 10_000), answer(1, Priority::Medium, hours(4)));
    assert_eq!(needed(&config, update, "agency", &["acme"], 10_001), answer(2, Priority::Medium, hours(48)));
    assert_eq!(needed(&config, create, "agency", &["acme"], 10_001), answer(2, Priority::Medium, hours(4)));
    assert_eq!(needed(&config, update, "other", &["zenith"], 1), None);
    assert_eq!(needed(&config, update, "agency", &["acme", "zenith"], 1), answer(1, Priority::Urgent, hours(1)));
    assert_eq!(needed(&config, create, "agency", &["zenith"], 10_001), answer(2, Priority::Urgent, hours(1)));
}

proptest! {
    /// An additional rule never makes approval easier.
    #[test]
    fn more_rules_are_never_less_strict(
        rules in prop::collection::vec((1u32..4, 0usize..4, 1u64..100, prop::option::of(0u32..3)), 1..6),
        budget in 0i64..3,
    ) {
        let one = |(reviewers, priority, due, above): &(u32, usize, u64, Option<u32>)| {
            let above = above.map(|above| format!("above_budget = {above}\n")).unwrap_or_default();
            format!(
                "[[approvals]]\nreviewers = {reviewers}\npriority = \"{}\"\ndue_in = \"{due}h\"\n{above}",
                Priority::ALL[*priority]
            )
        };
        let asked = |rules: &[(u32, usize, u64, Option<u32>)]| {
            let head = if rules.is_empty() { "approvals = []\n" } else { "" };
            let text = format!("{head}{PUBLISHER}{}", rules.iter().map(one).collect::<String>());
            needed(&fine(&text), OperationKind::Create, "agency", &["acme"], budget)
        };
        let (less, more) = (asked(&rules[1..]), asked(&rules));
        if let Some(less) = less {
            let more = more.unwrap();
            prop_assert!(more.reviewers >= less.reviewers && more.priority >= less.priority && more.due_in <= less.due_in);
        }
    }
}
