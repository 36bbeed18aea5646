use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::testing::units;

/// A change of the package `news` on `acme` that raises 1,000 to 1,100.
fn question() -> ApprovalQuestion {
    ApprovalQuestion {
        operation: OperationKind::Update,
        principal: "agency".into(),
        platforms: vec!["acme".into()],
        products: vec!["news".into()],
        currency: "USD".to_owned(),
        budget: units(1_100),
        raise: units(100),
        approved_budget: Some(units(1_000)),
        grown: BTreeSet::from([Growth::Spend]),
        longer: Duration::ZERO,
        wider: BTreeMap::new(),
        formats: BTreeSet::new(),
        first_buy: false,
    }
}

const DAY: Duration = Duration::from_secs(86_400);

#[track_caller]
fn applies(when: &Conditions, question: &ApprovalQuestion, because: &str) {
    assert_eq!(when.hold(question), Finding::Applies(because.to_owned()));
}

#[track_caller]
fn does_not(when: &Conditions, question: &ApprovalQuestion, why_not: &str) {
    assert_eq!(when.hold(question), Finding::DoesNot(why_not.to_owned()));
}

#[test]
fn a_rule_without_conditions_applies_to_whatever_a_buyer_asks_for() {
    let none = Conditions::default();
    for operation in OperationKind::REQUESTED {
        let asked = ApprovalQuestion { operation: *operation, ..question() };
        applies(&none, &asked, "it names no condition, so it applies to every change");
    }
    let own = ApprovalQuestion { operation: OperationKind::FollowUp, ..question() };
    does_not(&none, &own, "the host itself began the change, to complete what was approved");
}

#[test]
fn a_condition_on_the_kind_of_change_and_on_its_buyer() {
    let when = Conditions { operations: Some(vec![OperationKind::UpdatePackage]), ..Conditions::default() };
    applies(&when, &question(), "the change is update_media_buy");
    let create = ApprovalQuestion { operation: OperationKind::Create, ..question() };
    does_not(&when, &create, "the change is create_media_buy, and the rule is for update_package");

    let when = Conditions { principals: Some(vec!["agency".into(), "brand".into()]), ..Conditions::default() };
    applies(&when, &question(), "the buyer is agency");
    let other = ApprovalQuestion { principal: "other".into(), ..question() };
    does_not(&when, &other, "the buyer is other, and the rule is for agency, brand");
}

#[test]
fn a_first_buy_is_a_create_of_somebody_for_whom_nothing_was_carried_out() {
    let when = Conditions { first_buy: true, ..Conditions::default() };
    let create = |first_buy| ApprovalQuestion { operation: OperationKind::Create, first_buy, ..question() };
    applies(&when, &create(true), "nothing was ever carried out for this buyer before");
    does_not(&when, &create(false), "the buyer has had another media buy that was carried out");
    does_not(&when, &question(), "only a create is a first buy, and the change is update_media_buy");
}

#[test]
fn a_condition_on_what_is_affected() {
    let when = Conditions { platforms: Some(vec!["acme".into(), "zenith".into()]), ..Conditions::default() };
    applies(&when, &question(), "the change is on the platform acme");
    let elsewhere = ApprovalQuestion { platforms: vec!["apex".into()], ..question() };
    does_not(&when, &elsewhere, "the change is on the platform apex, and the rule is for acme, zenith");

    let when = Conditions { products: Some(vec!["sports".into(), "news".into()]), ..Conditions::default() };
    applies(&when, &question(), "the change is about the product news");
    let other = ApprovalQuestion { products: vec!["music".into()], ..question() };
    does_not(&when, &other, "the change is about the product music, and the rule is for sports, news");

    let when = Conditions { formats: Some(vec![Format::Video]), ..Conditions::default() };
    let bringing = |formats: &[Format]| ApprovalQuestion { formats: formats.iter().copied().collect(), ..question() };
    applies(&when, &bringing(&[Format::Image, Format::Video]), "the change brings creatives of the format video");
    does_not(
        &when,
        &bringing(&[Format::Image]),
        "the change brings creatives of the format image, and the rule is for video",
    );
    does_not(&when, &bringing(&[]), "the change brings creatives of no format");
}

#[test]
fn a_condition_on_money() {
    let when = Conditions { above_budget: Some(units(1_099)), ..Conditions::default() };
    applies(&when, &question(), "the total budget of 1100 USD is above 1099");
    let when = Conditions { above_budget: Some(units(1_100)), ..Conditions::default() };
    does_not(&when, &question(), "the total budget of 1100 USD is not above 1100");

    let since = "the total budget is 100 USD more than the 1000 that were last approved, which is";
    let when = Conditions { raises_budget_by: Some(units(100)), ..Conditions::default() };
    applies(&when, &question(), &format!("{since} 100 or more"));
    let when = Conditions { raises_budget_by: Some(units(101)), ..Conditions::default() };
    does_not(&when, &question(), &format!("{since} less than 101"));

    let percent =
        |least| Conditions { raises_budget_by_percent: Some(Micros::new(least).unwrap()), ..Conditions::default() };
    let most = Micros::MAX.get();
    applies(&percent(10_000_000), &question(), &format!("{since} 10 % or more"));
    does_not(&percent(10_000_001), &question(), &format!("{since} less than 10.000001 %"));
    // A create raises the budget from nothing, by more than any percentage.
    let create = ApprovalQuestion { operation: OperationKind::Create, approved_budget: None, ..question() };
    applies(
        &percent(most),
        &create,
        &format!("the total budget is 100 USD more than nothing, which is {} % or more", Micros::MAX),
    );
    let same = ApprovalQuestion { raise: Micros::ZERO, ..question() };
    does_not(
        &percent(1),
        &same,
        "the total budget is 0 USD more than the 1000 that were last approved, which is less than 0.000001 %",
    );
    let from_nothing = ApprovalQuestion { approved_budget: Some(Micros::ZERO), ..question() };
    assert!(matches!(percent(most).hold(&from_nothing), Finding::Applies(_)));
}

#[test]
fn a_condition_on_growth() {
    let when = Conditions { grows: true, ..Conditions::default() };
    applies(&when, &question(), "the media buy may spend more");
    let same = ApprovalQuestion { grown: BTreeSet::new(), ..question() };
    does_not(&when, &same, "the change does not make the media buy larger");

    let least = |time| Conditions { extends_flight: Some(time), ..Conditions::default() };
    let longer = ApprovalQuestion { grown: BTreeSet::from([Growth::Flight]), longer: DAY * 2, ..question() };
    let words = "the flight is 2 d longer than the one that was last approved";
    applies(&least(Duration::ZERO), &longer, words);
    applies(&least(DAY * 2), &longer, words);
    does_not(&least(DAY * 2 + Duration::from_secs(1)), &longer, &format!("{words}, which is less than 2 d 1 h"));
    does_not(&least(Duration::ZERO), &question(), "the change does not extend the flight");

    let when = Conditions { widens_targeting: true, ..Conditions::default() };
    let wider = [("news".into(), "includes the geo_country CA".to_owned())];
    let wider = ApprovalQuestion { wider: BTreeMap::from(wider), ..question() };
    applies(&when, &wider, "the targeting of news includes the geo_country CA");
    does_not(&when, &question(), "the change widens no targeting");
}

#[test]
fn all_conditions_must_hold_and_the_first_that_does_not_is_named() {
    let when = Conditions {
        platforms: Some(vec!["acme".into()]),
        above_budget: Some(units(1)),
        widens_targeting: true,
        ..Conditions::default()
    };
    does_not(&when, &question(), "the change widens no targeting");
    let wider = ApprovalQuestion { wider: BTreeMap::from([("news".into(), "is new".to_owned())]), ..question() };
    applies(
        &when,
        &wider,
        "the change is on the platform acme; the total budget of 1100 USD is above 1; the targeting of news is new",
    );
}

#[test]
fn the_demands_of_all_rules_that_apply_are_kept_and_the_strictest_of_the_rest() {
    let rule =
        |name: &str, hours: u64| ApprovalRule { due_in: Duration::from_secs(hours * 3_600), ..ApprovalRule::new(name) };
    let rules = [
        ApprovalRule { groups: vec!["finance".into()], escalate_to: Some("cfo".to_owned()), ..rule("money", 4) },
        ApprovalRule { reviewers: 2, expires_in: Some(DAY * 9), ..rule("anybody", 1) },
        ApprovalRule { reviewers: 0, ..ApprovalRule::new("exempt") },
        ApprovalRule {
            when: Conditions { grows: true, above_budget: Some(units(5_000)), ..Conditions::default() },
            reviewers: 9,
            ..rule("large", 1)
        },
        ApprovalRule {
            escalate_to: Some("ops".to_owned()),
            expires_in: Some(DAY * 3),
            priority: Priority::Urgent,
            ..rule("late", 24)
        },
    ];
    let needed = Evaluation::of(&rules, &question()).needed().unwrap();
    let demands: Vec<String> = needed.demands.iter().map(|demand| format!("{}: {demand}", demand.rule)).collect();
    assert_eq!(demands, ["money: 1 of finance", "anybody: 2 reviewers", "exempt: 0 reviewers", "late: 1 reviewer"]);
    assert_eq!((needed.priority, needed.due_in), (Priority::Urgent, Duration::from_secs(3_600)));
    assert_eq!((needed.escalate_to.as_deref(), needed.expires_in), (Some("cfo"), Some(DAY * 3)));
    assert_eq!(needed.reviewers(), 2);

    assert_eq!(Evaluation::of(&rules[2..4], &question()).needed(), None, "an exemption asks nobody");
    assert_eq!(Evaluation::of(&[], &question()).needed(), None);
}
