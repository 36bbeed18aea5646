use proptest::prelude::*;

use super::*;
use crate::domain::{
    change::Change,
    creative::{Creative, Format},
    id::PlatformName,
    media_buy::MediaBuy,
    price::{DailyGoal, Goal, Price, PriceModel, Unit},
    testing::{self, cpm, daily_impressions, impressions, units},
};

fn now(buy: &MediaBuy) -> When {
    When::at_once(buy.start.plus_millis(-1))
}

fn package(id: &str) -> PackagePatch {
    PackagePatch { package: Some(PackageId::from(id)), ..PackagePatch::default() }
}

fn packages(packages: Vec<PackagePatch>) -> BuyPatch {
    BuyPatch { packages, ..BuyPatch::default() }
}

fn refusals(patch: &BuyPatch, buy: &MediaBuy) -> Vec<String> {
    patch.apply(buy, now(buy)).unwrap_err().into_iter().map(|problem| problem.field.to_string()).collect()
}

fn creative(id: &str, format: Format, runs_in: &[&str]) -> Creative {
    Creative {
        id: CreativeId::from(id),
        name: id.to_owned(),
        format,
        media_url: None,
        click_url: None,
        duration_ms: None,
        width: None,
        height: None,
        template_id: None,
        template_values: None,
        packages: runs_in.iter().map(|id| PackageId::from(*id)).collect(),
    }
}

#[test]
fn a_new_budget_brings_its_impressions_and_a_new_goal_its_budget() {
    let buy = testing::buy(2);
    let patch = packages(vec![
        PackagePatch { budget: Some(units(2_500)), ..package("p0") },
        PackagePatch { goal: impressions(1), ..package("p1") },
    ]);
    let next = patch.apply(&buy, now(&buy)).unwrap();
    assert_eq!((next.packages[0].budget, next.packages[0].goal), (units(2_500), Some(250_000)));
    assert_eq!((next.packages[1].budget.get(), next.packages[1].goal), (10_000, Some(1)));
    assert_eq!(next.total_budget.get(), 2_500_010_000);
}

#[test]
fn a_new_price_keeps_the_budget_and_brings_its_impressions() {
    let buy = testing::buy(1);
    let next = packages(vec![PackagePatch { price: cpm(20), ..package("p0") }]).apply(&buy, now(&buy)).unwrap();
    assert_eq!((next.packages[0].budget, next.packages[0].goal), (units(1_000), Some(50_000)));
}

#[test]
fn a_new_total_goes_to_the_packages_that_the_change_does_not_fix() {
    let mut buy = testing::buy(3);
    buy.packages[2].budget = units(3_000);
    let patch = BuyPatch {
        total_budget: Some(units(9_000)),
        ..packages(vec![PackagePatch { budget: Some(units(1_000)), ..package("p0") }])
    };
    let next = patch.apply(&buy, now(&buy)).unwrap();
    let budgets: Vec<Micros> = next.packages.iter().map(|package| package.budget).collect();
    assert_eq!(budgets, [units(1_000), units(2_000), units(6_000)]);
    assert_eq!(next.total_budget, units(9_000));
    assert_eq!(next.packages[2].goal, Some(600_000));
}

#[test]
fn what_is_impossible_is_refused_by_field() {
    let buy = testing::buy(2);
    for (patch, field) in [
        (packages(vec![package("nope")]), "/packages/0/package_id"),
        (packages(vec![package("p0"), package("p0")]), "/packages/1/package_id"),
        (
            packages(vec![PackagePatch { budget: Some(units(1)), goal: impressions(1), ..package("p0") }]),
            "/packages/0/impressions",
        ),
        (packages(vec![PackagePatch { goal: impressions(0), ..package("p0") }]), "/packages/0/impressions"),
        (packages(vec![PackagePatch { goal: impressions(i64::MAX), ..package("p0") }]), "/packages/0/impressions"),
        (packages(vec![PackagePatch { budget: Some(Micros::ZERO), ..package("p0") }]), "/packages/0/budget"),
        (packages(vec![PackagePatch { budget: Some(Micros::MAX), ..package("p0") }]), "/packages/0/budget"),
        (packages(vec![PackagePatch { price: cpm(4), ..package("p0") }]), "/packages/0/cpm"),
        (
            packages(vec![PackagePatch { daily_budget: Some(Some(units(1_001))), ..package("p1") }]),
            "/packages/0/daily_budget",
        ),
        (
            packages(vec![PackagePatch { daily_goal: daily_impressions(Some(100_001)), ..package("p1") }]),
            "/packages/0/daily_impressions",
        ),
        (
            packages(vec![PackagePatch { creatives: Some(vec![CreativeId::from("x")]), ..package("p1") }]),
            "/packages/0/creative_ids/0",
        ),
        (BuyPatch { end: Some(buy.start), ..BuyPatch::default() }, "/flight_end_date"),
        (BuyPatch { total_budget: Some(Micros::new(1).unwrap()), ..BuyPatch::default() }, "/total_budget"),
        (BuyPatch { daily_budget: Some(Some(units(2_001))), ..BuyPatch::default() }, "/daily_budget"),
        (
            BuyPatch {
                total_budget: Some(units(10)),
                ..packages(vec![PackagePatch { budget: Some(units(11)), ..package("p0") }])
            },
            "/total_budget",
        ),
    ] {
        let fields = refusals(&patch, &buy);
        assert!(fields.iter().any(|found| found == field), "{patch:?}: {fields:?}");
    }
}

#[test]
fn an_end_that_has_passed_is_refused() {
    let buy = testing::buy(1);
    let patch = BuyPatch { end: Some(buy.start.plus_millis(1_000)), ..BuyPatch::default() };
    assert!(patch.apply(&buy, When::at_once(buy.start)).is_ok());
    assert!(patch.apply(&buy, When::at_once(buy.start.plus_millis(1_000))).is_err());
}

#[test]
fn creatives_join_the_packages_they_are_assigned_to() {
    let buy = testing::buy(2);
    let change = Change::AddCreatives(vec![creative("a", Format::Image, &["p0", "p1"])]);
    let next = change.apply(&buy, now(&buy)).unwrap();
    assert!(next.packages.iter().all(|package| package.creatives == [CreativeId::from("a")]));
    let again = change.apply(&next, now(&buy)).unwrap_err();
    assert_eq!(again[0].field.to_string(), "/assets/0/creative_id");
    let wrong = Change::AddCreatives(vec![creative("b", Format::Audio, &["p0"]), creative("c", Format::Image, &["x"])]);
    let fields: Vec<String> =
        wrong.apply(&buy, now(&buy)).unwrap_err().into_iter().map(|problem| problem.field.to_string()).collect();
    assert_eq!(fields, ["/assets/0/format", "/assets/1/package_assignments/0"]);
}

#[test]
fn a_patch_that_only_switches_is_known_as_such() {
    assert!(BuyPatch { active: Some(false), ..BuyPatch::default() }.only_switches());
    assert!(packages(vec![PackagePatch { active: Some(true), ..package("p0") }]).only_switches());
    assert!(!packages(vec![PackagePatch { budget: Some(units(1)), ..package("p0") }]).only_switches());
    assert!(!BuyPatch { pacing: Some(Pacing::Asap), ..BuyPatch::default() }.only_switches());
}

#[test]
fn left_out_and_cleared_are_kept_apart_in_json() {
    let cleared = BuyPatch { daily_budget: Some(None), ..BuyPatch::default() };
    for patch in [cleared, BuyPatch::default(), BuyPatch { daily_budget: Some(Some(units(1))), ..BuyPatch::default() }]
    {
        let json = serde_json::to_string(&patch).unwrap();
        assert_eq!(serde_json::from_str::<BuyPatch>(&json).unwrap(), patch, "{json}");
    }
}

#[test]
fn a_change_touches_only_the_platforms_of_its_packages() {
    let mut buy = testing::buy(2);
    buy.packages[1].platform = PlatformName::from("zenith");
    let platforms = |change: Change| change.platforms(&buy).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(platforms(Change::Create), ["acme", "zenith"]);
    assert_eq!(platforms(Change::Update(packages(vec![package("p1")]))), ["zenith"]);
    assert_eq!(platforms(Change::Update(BuyPatch { active: Some(true), ..BuyPatch::default() })), ["acme", "zenith"]);
    assert_eq!(platforms(Change::AddCreatives(vec![creative("a", Format::Image, &["p0"])])), ["acme"]);
}

/// A buy of four packages that are sold in the four ways, for 1,000 each.
fn sold_in_every_way() -> MediaBuy {
    let mut buy = testing::buy(4);
    for (package, model) in buy.packages.iter_mut().zip(PriceModel::ALL) {
        let rate = if *model == PriceModel::Flat { units(1_000) } else { units(10) };
        package.price = Price { model: *model, rate };
        package.goal = package.price.goal_for(package.budget).unwrap();
    }
    buy
}

#[test]
fn a_package_is_changed_in_the_terms_in_which_it_is_sold() {
    let buy = sold_in_every_way();
    assert_eq!(
        buy.packages.iter().map(|package| package.goal).collect::<Vec<_>>(),
        [Some(100_000), Some(100), Some(100), None]
    );
    let clicks = |count: i64| Some(Goal { unit: Unit::Clicks, count });
    let flat = |rate: i64| Some(Price { model: PriceModel::Flat, rate: units(rate) });
    let patch = packages(vec![
        PackagePatch { goal: clicks(250), ..package("p1") },
        PackagePatch { price: Some(Price { model: PriceModel::Cpcv, rate: units(20) }), ..package("p2") },
        PackagePatch { price: flat(700), ..package("p3") },
    ]);
    let next = patch.apply(&buy, now(&buy)).unwrap();
    let spend: Vec<_> = next.packages.iter().map(|package| (package.budget, package.goal)).collect();
    assert_eq!(
        spend,
        [(units(1_000), Some(100_000)), (units(2_500), Some(250)), (units(1_000), Some(50)), (units(700), None)]
    );
    assert_eq!(next.total_budget, units(5_200));
    let by_budget = packages(vec![PackagePatch { budget: Some(units(700)), ..package("p3") }]);
    assert_eq!(by_budget.apply(&buy, now(&buy)).unwrap().packages[3], next.packages[3]);
    for (patch, field) in [
        (PackagePatch { goal: impressions(5), ..package("p1") }, "/packages/0/impressions"),
        (PackagePatch { goal: clicks(5), ..package("p3") }, "/packages/0/clicks"),
        (PackagePatch { price: cpm(9), ..package("p1") }, "/packages/0/cpm"),
        (PackagePatch { price: flat(4), ..package("p3") }, "/packages/0/flat_price"),
        (PackagePatch { budget: Some(units(4)), ..package("p3") }, "/packages/0/budget"),
        (PackagePatch { budget: Some(units(9)), price: flat(8), ..package("p3") }, "/packages/0/budget"),
        (PackagePatch { daily_budget: Some(Some(units(1))), ..package("p3") }, "/packages/0/daily_budget"),
        (PackagePatch { daily_goal: daily_impressions(Some(1)), ..package("p1") }, "/packages/0/daily_impressions"),
        (PackagePatch { daily_goal: daily_impressions(None), ..package("p1") }, "/packages/0/daily_impressions"),
        (
            PackagePatch { daily_goal: Some(DailyGoal { unit: Unit::Clicks, most: Some(101) }), ..package("p1") },
            "/packages/0/daily_clicks",
        ),
    ] {
        let fields = refusals(&packages(vec![patch.clone()]), &buy);
        assert_eq!(fields, [field], "{patch:?}");
    }
    let whole = BuyPatch { daily_budget: Some(Some(units(1))), ..BuyPatch::default() };
    assert_eq!(refusals(&whole, &buy), ["/daily_budget"]);
}

#[test]
fn a_flat_price_has_no_share_in_a_new_total() {
    let buy = sold_in_every_way();
    let total = |total: i64| BuyPatch { total_budget: Some(units(total)), ..BuyPatch::default() };
    let next = total(7_000).apply(&buy, now(&buy)).unwrap();
    let budgets: Vec<Micros> = next.packages.iter().map(|package| package.budget).collect();
    assert_eq!(budgets, [units(2_000), units(2_000), units(2_000), units(1_000)]);
    assert_eq!(next.packages[1].goal, Some(200));
    assert_eq!(refusals(&total(999), &buy), ["/total_budget"]);
    let mut alone = buy;
    alone.packages.retain(|package| package.price.model == PriceModel::Flat);
    alone.total_budget = units(1_000);
    assert_eq!(refusals(&total(1_001), &alone), ["/total_budget"]);
    assert!(total(1_000).apply(&alone, now(&alone)).is_ok());
}

proptest! {
    #[test]
    fn total_and_packages_agree_after_any_change_that_is_accepted(
        total in prop::option::of(1i64..1_000_000),
        budget in prop::option::of(1i64..1_000_000),
        goal in prop::option::of(1i64..10_000_000),
        rate in prop::option::of(5i64..100),
        model in prop::sample::select(PriceModel::ALL),
    ) {
        let mut buy = sold_in_every_way();
        buy.packages.swap(1, PriceModel::ALL.iter().position(|other| *other == model).unwrap());
        buy.packages[1].id = "changed".into();
        buy.packages[2].id = "other".into();
        let patch = BuyPatch {
            total_budget: total.map(units),
            packages: vec![
                PackagePatch { budget: budget.map(units), ..package("other") },
                PackagePatch {
                    goal: goal.zip(model.unit()).map(|(count, unit)| Goal { unit, count }),
                    price: rate.map(|rate| Price { model, rate: units(rate) }),
                    ..package("changed")
                },
            ],
            ..BuyPatch::default()
        };
        if let Ok(next) = patch.apply(&buy, now(&buy)) {
            let sum = Micros::sum(next.packages.iter().map(|package| package.budget));
            prop_assert_eq!(sum, Some(next.total_budget));
            for package in &next.packages {
                prop_assert_eq!(package.price.goal_for(package.budget), Ok(package.goal));
                prop_assert!(package.price.model != PriceModel::Flat || package.budget == package.price.rate);
            }
        }
    }
}
