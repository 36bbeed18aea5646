//! The rules that decide which changes need approval.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;

use super::{HOUSE, PUBLISHER, fine, refused_in_house, warned};
use crate::{
    config::Config,
    domain::{
        approval::{ApprovalQuestion, ApprovalRule, Conditions, Needed},
        creative::Format,
        growth::Growth,
        id::{PlatformName, PrincipalId},
        money::Micros,
        operation::OperationKind,
        task::Priority,
        testing::units,
    },
};

const DAY: Duration = Duration::from_secs(86_400);

/// A change of one package that changes nothing.
fn question(operation: OperationKind) -> ApprovalQuestion {
    ApprovalQuestion {
        operation,
        principal: PrincipalId::from("agency"),
        platforms: vec![PlatformName::from("acme")],
        products: vec!["news".into()],
        currency: "USD".to_owned(),
        budget: units(1_000),
        raise: Micros::ZERO,
        approved_budget: Some(units(1_000)),
        grown: BTreeSet::new(),
        longer: Duration::ZERO,
        wider: BTreeMap::new(),
        formats: BTreeSet::new(),
        first_buy: false,
    }
}

fn needed(
    config: &Config,
    operation: OperationKind,
    principal: &str,
    platforms: &[&str],
    budget: i64,
) -> Option<Needed> {
    config.approvals_needed(&ApprovalQuestion {
        principal: PrincipalId::from(principal),
        platforms: platforms.iter().map(|name| PlatformName::from(*name)).collect(),
        budget: units(budget),
        ..question(operation)
    })
}

/// The number of reviewers for a change with this raise of the budget and this growth.
fn needed_for(config: &Config, operation: OperationKind, raise: i64, grown: &[Growth]) -> Option<u32> {
    let question =
        ApprovalQuestion { raise: units(raise), grown: grown.iter().copied().collect(), ..question(operation) };
    config.approvals_needed(&question).map(|needed| needed.reviewers())
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
    let answer = |reviewers, priority, due_in| Some((reviewers, priority, due_in));
    let needed = |config: &Config, operation, principal, platforms: &[&str], budget| {
        needed(config, operation, principal, platforms, budget)
            .map(|needed| (needed.reviewers(), needed.priority, needed.due_in))
    };
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
            prop_assert!(more.reviewers() >= less.reviewers() && more.priority >= less.priority && more.due_in <= less.due_in);
        }
    }
}

#[test]
fn every_key_of_a_rule_is_read() {
    let rule = r#"
[[products]]
id = "news"
name = "News"
platform = "acme"
formats = ["image", "video"]
cpm = 10

[[groups]]
id = "finance"
name = "Finance department"
people = ["anna", "Ben"]

[[approvals]]
name = "everything"
operations = ["update_package"]
principals = ["agency"]
platforms = ["acme"]
products = ["news"]
formats = ["video"]
above_budget = 1
raises_budget_by = 2
raises_budget_by_percent = 12.5
grows = true
extends_flight = "7d"
widens_targeting = true
reviewers = 2
groups = ["finance"]
priority = "low"
due_in = "1h"
escalate_to = "finance"
expires_in = "2h"

[[approvals]]
first_buy = true
reviewers = 0

[[approvals]]
extends_flight = true

[[approvals]]
extends_flight = false
"#;
    let config = fine(&format!("{HOUSE}{rule}"));
    let [group] = &*config.groups else { panic!("{:?}", config.groups) };
    let people: Vec<&str> = group.people.iter().map(|person| person.as_str()).collect();
    assert_eq!((group.id.as_str(), &*group.name, people), ("finance", "Finance department", vec!["anna", "Ben"]));
    let [all, first, any, none] = &*config.approvals else { panic!("{:?}", config.approvals) };
    let when = Conditions {
        operations: Some(vec![OperationKind::UpdatePackage]),
        principals: Some(vec!["agency".into()]),
        platforms: Some(vec!["acme".into()]),
        products: Some(vec!["news".into()]),
        formats: Some(vec![Format::Video]),
        above_budget: Some(units(1)),
        raises_budget_by: Some(units(2)),
        raises_budget_by_percent: Micros::new(12_500_000),
        grows: true,
        extends_flight: Some(DAY * 7),
        widens_targeting: true,
        first_buy: false,
    };
    let hour = Duration::from_secs(3_600);
    let wanted = ApprovalRule {
        name: "everything".to_owned(),
        when,
        reviewers: 2,
        groups: vec!["finance".into()],
        priority: Priority::Low,
        due_in: hour,
        escalate_to: Some("finance".to_owned()),
        expires_in: Some(hour * 2),
    };
    assert_eq!(all, &wanted);
    assert_eq!((&*first.name, first.when.first_buy, first.reviewers), ("approvals[2]", true, 0));
    assert_eq!((any.when.extends_flight, none.when.extends_flight), (Some(Duration::ZERO), None));
    assert!(config.asks_for_first_buys());
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_with_what_to_do() {
    refused_in_house(
        "[[groups]]\nid = \"finance\"\npeople = [\"anna\"]\n¦[[groups]]\nid = \"legal\"\n\
         [[groups]]\nid = \"empty\"\npeople = ¦[]\n[[groups]]\nid = ¦\"finance\"\npeople = ¦[\"ben\", \"BEN \"]\n\
         [[approvals]]\nname = \"one\"\ngroups = [¦\"finanze\"]\ndue_in = \"4h\"\nexpires_in = ¦\"4h\"\n\
         [[approvals]]\nname = ¦\"one\"\nreviewers = 0\ngroups = ¦[\"finance\"]\ndue_in = ¦\"4h\"\n\
         [[approvals]]\noperations = [\"update_media_buy\"]\nfirst_buy = ¦true\n\
         [[approvals]]\noperations = [\"create_media_buy\"]\nwidens_targeting = ¦true\nextends_flight = ¦\"1w\"\n\
         raises_budget_by_percent = ¦\"10%\"\nreviewers = ¦11\nformats = [¦\"gif\"]\nproducts = [¦\"news\"]\n",
        &[
            "[[groups]] needs `people`; add it, like people = [\"anna\", \"ben\"]",
            "`people` is empty; name at least one, or nobody could ever decide",
            "there is a group `finance` on line 16 already; choose another name",
            "`people` names BEN twice; once is enough",
            "there is no group `finanze`; did you mean `finance`?",
            "`expires_in` must be longer than `due_in`, which is \"4h\"",
            "there is a rule `one` on line 27 already; choose another name",
            "`groups` is of no use with reviewers = 0, which asks nobody; leave it out",
            "`due_in` is of no use with reviewers = 0, which asks nobody; leave it out",
            "`first_buy` never holds here: add \"create_media_buy\" to `operations`, or leave them out",
            "`widens_targeting` never holds for a new media buy, and this rule is for no other",
            "`extends_flight` must be true, or the least duration with its unit in quotes, like \"7d\"",
            "`raises_budget_by_percent` must be a percentage above 0 without quotes, like 12.5",
            "`reviewers` must be a whole number from 0 to 10",
            "`formats` must be `image`, `video`, `audio` or `custom`",
            "there is no product `news`; none is configured",
        ],
    );
}

#[test]
fn people_who_are_nearly_those_of_a_token_are_warned_of() {
    let token = "[[tokens]]\nname = \"t\"\nperson = \"Anna\"\nrole = \"reviewer\"\nsecret = { env = \"KEY\" }\n";
    let why = "It is right as it is if the token was made by `flightdeck token create`";
    warned(
        &format!(
            "{HOUSE}\n{token}[[groups]]\nid = \"finance\"\npeople = [\"anna\", \"somebody else\", ¦\"Hanna\"]\n\
             [[approvals]]\nescalate_to = \"finance\"\n[[approvals]]\nescalate_to = ¦\"finanse\"\n\
             [[approvals]]\nescalate_to = \"anna\"\n"
        ),
        &[
            &format!("no token in this file is used by `Hanna`; did you mean `anna`? {why}"),
            &format!("no token in this file is used by `finanse`; did you mean `finance`? {why}"),
        ],
    );
}
