//! What an adapter says about updates.

use super::*;
use crate::domain::update::{BuyPatch, PackagePatch, When};

/// Each kind of update, a patch that makes it, and the field that is refused.
fn patches() -> Vec<(&'static str, BuyPatch, &'static str)> {
    let of_buy = |change: fn(&mut BuyPatch)| {
        let mut patch = BuyPatch::default();
        change(&mut patch);
        patch
    };
    let of_package = |change: fn(&mut PackagePatch)| {
        let mut patch = PackagePatch { package: Some("p0".into()), ..PackagePatch::default() };
        change(&mut patch);
        BuyPatch { packages: vec![patch], ..BuyPatch::default() }
    };
    let targeting = || {
        let mut targeting = Targeting::default();
        targeting.add(Dimension::Os, Operator::AnyOf, ["ios".to_owned()]);
        Some(Some(targeting))
    };
    let retargeted = BuyPatch { targeting: targeting(), ..BuyPatch::default() };
    let mut package_retargeted = of_package(|_| {});
    package_retargeted.packages[0].targeting = targeting();
    vec![
        ("active", of_buy(|patch| patch.active = Some(false)), "/active"),
        ("total_budget", of_buy(|patch| patch.total_budget = Some(units(3_000))), "/total_budget"),
        ("end_date", of_buy(|patch| patch.end = Some(buy(1).end.plus_millis(86_400_000))), "/flight_end_date"),
        ("targeting", retargeted, "/targeting_overlay"),
        ("pacing", of_buy(|patch| patch.pacing = Some(Pacing::Asap)), "/pacing"),
        ("daily_budget", of_buy(|patch| patch.daily_budget = Some(Some(units(100)))), "/daily_budget"),
        ("active", of_package(|patch| patch.active = Some(false)), "/packages/p0/active"),
        ("budget", of_package(|patch| patch.budget = Some(units(2_000))), "/packages/p0/budget"),
        ("impressions", of_package(|patch| patch.goal = impressions(7_000)), "/packages/p0/impressions"),
        ("price", of_package(|patch| patch.price = cpm(12)), "/packages/p0/cpm"),
        ("daily_budget", of_package(|patch| patch.daily_budget = Some(Some(units(50)))), "/packages/p0/daily_budget"),
        (
            "daily_impressions",
            of_package(|patch| patch.daily_goal = daily_impressions(Some(5_000))),
            "/packages/p0/daily_impressions",
        ),
        ("pacing", of_package(|patch| patch.pacing = Some(Some(Pacing::Asap))), "/packages/p0/pacing"),
        ("targeting", package_retargeted, "/packages/p0/targeting_overlay"),
    ]
}

#[test]
fn every_kind_of_update_is_held_against_what_is_listed() {
    let current = buy(2);
    for (kind, patch, field) in patches() {
        let desired = patch.apply(&current, When::at_once(current.created_at)).unwrap();
        let change = Change::Update(patch);
        let unsupported = |can: &Capabilities| can.unsupported(&"acme".into(), proposed(&change, &current, &desired));
        assert!(unsupported(&all()).is_empty(), "{field}");
        let problems = unsupported(&but(|can| can.updates.retain(|listed| listed != kind)));
        assert_eq!(problems.first().map(|problem| problem.field.to_string()).as_deref(), Some(field), "{problems:?}");
        assert!(!problems[0].supported.is_empty() && !problems[0].supported.contains(&kind.to_owned()));
        let elsewhere = but(|can| can.updates.retain(|listed| listed != kind));
        let problems = elsewhere.unsupported(&"zenith".into(), proposed(&change, &current, &desired));
        assert_eq!(
            problems.is_empty(),
            field.starts_with("/packages"),
            "another platform's package is none of its business"
        );
    }
}

#[test]
fn a_field_that_is_set_to_what_it_is_changes_nothing() {
    let current = buy(1);
    let patch = BuyPatch { active: Some(true), pacing: Some(Pacing::Even), ..BuyPatch::default() };
    let desired = patch.apply(&current, When::at_once(current.created_at)).unwrap();
    let can = but(|can| can.updates.clear());
    assert!(can.unsupported(&"acme".into(), proposed(&Change::Update(patch), &current, &desired)).is_empty());
}

#[test]
fn what_was_sold_before_the_adapter_became_stricter_can_still_be_paused() {
    let current = targeted(1, |targeting| targeting.add(Dimension::Os, Operator::AnyOf, ["ios".to_owned()]));
    let strict = but(|can| can.targeting.clear());
    let patch = BuyPatch { active: Some(false), ..BuyPatch::default() };
    let desired = patch.apply(&current, When::at_once(current.created_at)).unwrap();
    assert!(strict.unsupported(&"acme".into(), proposed(&Change::Update(patch), &current, &desired)).is_empty());

    let mut widened = current.clone();
    widened.packages[0].targeting.add(Dimension::Os, Operator::AnyOf, ["android".to_owned()]);
    let patch = BuyPatch::default();
    let problems = strict.unsupported(&"acme".into(), proposed(&Change::Update(patch), &current, &widened));
    assert_eq!(fields(&problems), ["/packages/p0/targeting_overlay/os_any_of=android"], "what is new is refused");
}
