use proptest::prelude::*;

use super::*;
use crate::domain::{
    creative::Format,
    id::PackageId,
    operation::Performance,
    price::{Price, PriceModel},
    targeting::{CapScope, Dimension, FrequencyCap, Operator},
    testing::{self, cpm, daily_impressions, impressions, units},
    update::{BuyPatch, PackagePatch, When},
};

/// A buy of two packages in which every field is set.
fn full() -> MediaBuy {
    let mut buy = testing::buy(2);
    buy.daily_budget = Some(units(500));
    buy.pacing = Pacing::FrontLoaded;
    buy.targeting.add(Dimension::GeoCountry, Operator::AnyOf, ["US".to_owned(), "CA".to_owned()]);
    buy.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::MediaBuy });
    buy.creatives = vec![creative("a"), creative("b")];
    for package in &mut buy.packages {
        package.daily_budget = Some(units(100));
        package.daily_goal = Some(5_000);
        package.creatives = vec!["a".into(), "b".into()];
        package.targeting.add(Dimension::DeviceType, Operator::NoneOf, ["ctv".to_owned()]);
    }
    buy
}

fn creative(id: &str) -> Creative {
    Creative {
        id: id.into(),
        name: id.to_owned(),
        format: Format::Image,
        media_url: Some(format!("https://cdn.example.com/{id}.jpg")),
        click_url: None,
        duration_ms: None,
        width: None,
        height: None,
        template_id: None,
        template_values: None,
        packages: vec!["p0".into(), "p1".into()],
    }
}

fn package(id: &str) -> PackagePatch {
    PackagePatch { package: Some(PackageId::from(id)), ..PackagePatch::default() }
}

fn one(package: PackagePatch) -> BuyPatch {
    BuyPatch { packages: vec![package], ..BuyPatch::default() }
}

/// The growth of the full buy with a patch.
fn grown(patch: BuyPatch) -> Vec<Growth> {
    let buy = full();
    let change = Change::Update(patch);
    let after = change.apply(&buy, When::at_once(buy.start)).expect("it is possible");
    of(&change, &buy, &after).into_iter().collect()
}

#[test]
fn what_raises_spend_grows() {
    let p0 = || package("p0");
    for patch in [
        BuyPatch { total_budget: Some(units(2_001)), ..BuyPatch::default() },
        BuyPatch { daily_budget: Some(Some(units(501))), ..BuyPatch::default() },
        BuyPatch { daily_budget: Some(None), ..BuyPatch::default() },
        BuyPatch { pacing: Some(Pacing::Asap), ..BuyPatch::default() },
        one(PackagePatch { budget: Some(units(1_001)), ..p0() }),
        one(PackagePatch { goal: impressions(100_001), ..p0() }),
        one(PackagePatch { price: cpm(11), ..p0() }),
        // A lower price buys more impressions for the same money.
        one(PackagePatch { price: cpm(9), ..p0() }),
        one(PackagePatch { daily_budget: Some(Some(units(101))), ..p0() }),
        one(PackagePatch { daily_budget: Some(None), ..p0() }),
        one(PackagePatch { daily_goal: daily_impressions(Some(5_001)), ..p0() }),
        one(PackagePatch { daily_goal: daily_impressions(None), ..p0() }),
        one(PackagePatch { pacing: Some(Some(Pacing::Asap)), ..p0() }),
        // One package gives up more than the other gains.
        BuyPatch {
            packages: vec![
                PackagePatch { budget: Some(units(400)), ..p0() },
                PackagePatch { budget: Some(units(1_100)), ..package("p1") },
            ],
            ..BuyPatch::default()
        },
        // The same, by the total budget and the package whose budget is lowered.
        BuyPatch {
            total_budget: Some(units(1_500)),
            packages: vec![PackagePatch { budget: Some(units(400)), ..p0() }],
            ..BuyPatch::default()
        },
        // Pausing the buy in the same change makes no difference.
        BuyPatch { active: Some(false), total_budget: Some(units(2_001)), ..BuyPatch::default() },
    ] {
        assert_eq!(grown(patch.clone()), [Growth::Spend], "{patch:?}");
    }
}

#[test]
fn a_longer_flight_other_targeting_and_creatives_grow() {
    let buy = full();
    let longer = BuyPatch { end: Some(buy.end.plus_millis(1)), ..BuyPatch::default() };
    assert_eq!(grown(longer), [Growth::Flight]);
    let changed = |change: &dyn Fn(&mut Targeting)| {
        let mut targeting = full().targeting;
        change(&mut targeting);
        Some(Some(targeting))
    };
    let country = |targeting: &mut Targeting, values: &[&str]| {
        targeting.rules.clear();
        targeting.add(Dimension::GeoCountry, Operator::AnyOf, values.iter().map(|value| (*value).to_owned()));
    };
    for targeting in [
        Some(None),
        changed(&|targeting| country(targeting, &["US", "CA", "FR"])),
        changed(&|targeting| country(targeting, &["US"])),
        changed(&|targeting| targeting.frequency_cap = None),
        changed(&|targeting| targeting.add(Dimension::Os, Operator::NoneOf, ["ios".to_owned()])),
        changed(&|targeting| drop(targeting.custom.insert("acme".to_owned(), serde_json::json!({ "zone": 1 })))),
    ] {
        let patch = BuyPatch { targeting, ..BuyPatch::default() };
        assert_eq!(grown(patch.clone()), [Growth::Targeting], "{patch:?}");
    }
    let own = one(PackagePatch { targeting: Some(None), ..package("p1") });
    assert_eq!(grown(own), [Growth::Targeting]);
    let everything = BuyPatch {
        total_budget: Some(units(3_000)),
        end: Some(buy.end.plus_millis(1)),
        targeting: Some(None),
        ..BuyPatch::default()
    };
    assert_eq!(grown(everything), [Growth::Spend, Growth::Flight, Growth::Targeting]);
    let add = Change::AddCreatives(vec![creative("c")]);
    let after = add.apply(&buy, When::at_once(buy.start)).unwrap();
    assert_eq!(of(&add, &buy, &after), BTreeSet::from([Growth::Creatives]));
}

#[test]
fn creatives_grow_by_what_was_not_there_and_where_it_did_not_run() {
    let mut before = full();
    before.packages[0].creatives = vec!["a".into()];
    let change = |ids: &[&str]| {
        let creatives = Some(ids.iter().map(|id| CreativeId::from(*id)).collect());
        let change = Change::Update(one(PackagePatch { creatives, ..package("p0") }));
        let after = change.apply(&before, When::at_once(before.start)).unwrap();
        of(&change, &before, &after)
    };
    assert_eq!(change(&["a", "b"]), BTreeSet::from([Growth::Creatives]));
    assert_eq!(change(&["b"]), BTreeSet::from([Growth::Creatives]));
    assert!(change(&["a"]).is_empty() && change(&[]).is_empty());
    // The same id with another image is another creative. A creative that runs in fewer packages is
    // not.
    let update = Change::Update(BuyPatch::default());
    let mut after = before.clone();
    after.creatives[0].media_url = Some("https://elsewhere.example.com/".to_owned());
    assert_eq!(of(&update, &before, &after), BTreeSet::from([Growth::Creatives]));
    let mut after = before.clone();
    after.creatives[0].packages.pop();
    assert!(of(&update, &before, &after).is_empty());
}

#[test]
fn what_stops_lowers_or_shortens_does_not_grow() {
    let buy = full();
    let p0 = || package("p0");
    let mut reordered = buy.targeting.clone();
    reordered.rules[0].values.reverse();
    for patch in [
        BuyPatch { active: Some(false), ..BuyPatch::default() },
        BuyPatch { active: Some(true), ..BuyPatch::default() },
        BuyPatch { total_budget: Some(units(1_000)), ..BuyPatch::default() },
        BuyPatch { daily_budget: Some(Some(units(1))), ..BuyPatch::default() },
        BuyPatch { pacing: Some(Pacing::Even), ..BuyPatch::default() },
        BuyPatch { end: Some(buy.start.plus_millis(86_400_000)), ..BuyPatch::default() },
        BuyPatch { targeting: Some(Some(reordered)), ..BuyPatch::default() },
        one(PackagePatch { active: Some(false), ..p0() }),
        one(PackagePatch { active: Some(true), ..p0() }),
        one(PackagePatch { budget: Some(units(999)), ..p0() }),
        one(PackagePatch { goal: impressions(99_999), ..p0() }),
        one(PackagePatch { budget: Some(units(900)), price: cpm(9), ..p0() }),
        one(PackagePatch { daily_budget: Some(Some(units(99))), ..p0() }),
        one(PackagePatch { daily_goal: daily_impressions(Some(1)), ..p0() }),
        one(PackagePatch { pacing: Some(Some(Pacing::Even)), ..p0() }),
        one(PackagePatch { pacing: Some(None), ..p0() }),
        one(PackagePatch { creatives: Some(vec!["b".into()]), ..p0() }),
    ] {
        assert_eq!(grown(patch.clone()), [], "{patch:?}");
    }
    let told = Performance { package: "p0".into(), index: 2_000_000, confidence: None, feedback: None };
    let change = Change::PerformanceIndex(vec![told]);
    let after = change.apply(&buy, When::at_once(buy.start)).unwrap();
    assert!(of(&change, &buy, &after).is_empty());
}

#[test]
fn a_new_buy_is_growth_and_all_of_its_budget_a_raise() {
    let buy = testing::buy(1);
    assert_eq!(of(&Change::Create, &buy, &buy), BTreeSet::from([Growth::Creation]));
    assert_eq!(raise(&Change::Create, &buy, &buy), units(1_000));
}

#[test]
fn a_raise_counts_from_what_was_approved_and_not_from_what_the_last_step_left() {
    let change = Change::Update(BuyPatch::default());
    let buy = |total: i64, approved: Option<i64>| MediaBuy {
        total_budget: units(total),
        approved_budget: approved.map(units),
        ..testing::buy(1)
    };
    let by = |before: &MediaBuy, total: i64| raise(&change, before, &buy(total, None));
    assert_eq!(by(&buy(1_000, Some(1_000)), 1_100), units(100));
    assert_eq!(by(&buy(1_900, Some(1_000)), 2_000), units(1_000), "the tenth of ten small ones");
    assert_eq!(by(&buy(500, Some(1_000)), 900), Micros::ZERO, "up to what was approved");
    assert_eq!(by(&buy(500, Some(1_000)), 1_200), units(200));
    assert_eq!(by(&buy(1_900, Some(1_000)), 1_900), Micros::ZERO, "it leaves the budget alone");
    assert_eq!(by(&buy(1_900, Some(1_000)), 1_800), Micros::ZERO, "it lowers it");
    assert_eq!(by(&buy(1_000, None), 1_100), units(100), "from before anybody took note");
}

#[test]
fn a_flight_is_longer_than_what_was_approved_and_not_than_what_the_last_step_left() {
    let change = Change::Update(BuyPatch::default());
    let first = testing::buy(1);
    let day = |days: i64| first.end.plus_millis(days * 86_400_000);
    let buy = |end, approved_end| MediaBuy { end, approved_end, ..testing::buy(1) };
    let days = |before: &MediaBuy, end| longer(&change, before, &buy(end, None)).as_secs() / 86_400;
    assert_eq!(days(&buy(day(0), None), day(1)), 1);
    assert_eq!(days(&buy(day(6), Some(day(0))), day(7)), 7, "the last of seven small ones");
    assert_eq!(days(&buy(day(-9), Some(day(0))), day(-1)), 0, "up to what was approved");
    assert_eq!(days(&buy(day(6), Some(day(0))), day(6)), 0, "it leaves the end alone");
    assert_eq!(days(&buy(day(6), Some(day(0))), day(5)), 0, "it shortens it");
    let mut sooner = buy(day(0), None);
    sooner.start = sooner.start.plus_millis(-86_400_000);
    assert_eq!(longer(&change, &buy(day(0), None), &sooner).as_secs(), 86_400);
    assert_eq!(longer(&Change::Create, &first, &first), Duration::ZERO);
}

#[test]
fn targeting_is_compared_as_a_package_has_it_together_with_the_buys() {
    let before = full();
    let wider_by = |patch: BuyPatch| {
        let change = Change::Update(patch);
        let after = change.apply(&before, When::at_once(before.start)).unwrap();
        wider(&change, &before, &after).into_iter().map(|(id, what)| format!("{id} {what}")).collect::<Vec<_>>()
    };
    let mut narrower = before.targeting.clone();
    narrower.rules[0].values.truncate(1);
    assert_eq!(wider_by(BuyPatch { targeting: Some(Some(narrower)), ..BuyPatch::default() }), [""; 0]);
    assert_eq!(
        wider_by(BuyPatch { targeting: Some(None), ..BuyPatch::default() }),
        ["p0 is not limited by geo_country any more", "p1 is not limited by geo_country any more"]
    );
    let mut own = before.packages[0].targeting.clone();
    own.add(Dimension::GeoCountry, Operator::AnyOf, ["US".to_owned()]);
    assert_eq!(wider_by(one(PackagePatch { targeting: Some(Some(own)), ..package("p0") })), [""; 0]);
    assert_eq!(
        wider_by(one(PackagePatch { targeting: Some(None), ..package("p0") })),
        ["p0 does not exclude the device_type ctv any more"]
    );
    assert!(wider(&Change::Create, &before, &before).is_empty());
}

#[test]
fn a_change_brings_the_formats_of_creatives_that_are_new_somewhere() {
    let before = full();
    let video = Creative { id: "v".into(), format: Format::Video, packages: vec!["p0".into()], ..creative("v") };
    let mut after = before.clone();
    let change = Change::AddCreatives(Vec::new());
    assert!(new_formats(&change, &before, &after).is_empty());
    after.creatives.push(video.clone());
    after.packages[0].creatives.push("v".into());
    assert_eq!(new_formats(&change, &before, &after), [Format::Video].into());
    let (before, mut moved) = (after.clone(), after);
    moved.packages[1].creatives.push("v".into());
    assert_eq!(new_formats(&change, &before, &moved), [Format::Video].into(), "it runs in another package");
    assert_eq!(new_formats(&Change::Create, &before, &before), [Format::Image, Format::Video].into());
}

#[test]
fn a_price_of_any_model_grows_when_it_is_raised() {
    for model in PriceModel::ALL {
        let mut before = testing::buy(1);
        let price = |rate: i64| Price { model: *model, rate: units(rate) };
        before.packages[0].price = price(1_000);
        before.packages[0].goal = model.unit().map(|_| 1);
        let grows = |rate: i64| {
            let patch = one(PackagePatch { price: Some(price(rate)), budget: Some(units(rate)), ..package("p0") });
            let change = Change::Update(patch);
            let after = change.apply(&before, When::at_once(before.start)).unwrap();
            !of(&change, &before, &after).is_empty()
        };
        assert!(grows(1_001) && (*model == PriceModel::Cpm || !grows(999)), "{model}");
    }
}

#[test]
fn a_reviewer_reads_what_grows() {
    let of = |grown: &[Growth]| words(&grown.iter().copied().collect());
    assert_eq!(of(&[]), "");
    assert_eq!(of(&[Growth::Spend]), "the media buy may spend more");
    assert_eq!(
        of(&[Growth::Creatives, Growth::Spend, Growth::Flight]),
        "the media buy may spend more, has a longer flight and has other creatives"
    );
}

/// A buy with few possible values, so that two of them can often be compared.
fn some_buy() -> impl Strategy<Value = MediaBuy> {
    let cap = || prop::option::of(1i64..3);
    let package = (1i64..3, 1i64..3, 1i64..3, cap(), cap(), 0usize..3, any::<bool>());
    let packages = prop::collection::vec(package, 2);
    (packages, cap(), 0usize..3, 0i64..3, 0usize..3, 0usize..3).prop_map(
        |(packages, daily, pacing, end, place, shown)| {
            let mut buy = testing::buy(2);
            let ids: Vec<CreativeId> = ["a", "b"].iter().take(shown).map(|id| CreativeId::from(*id)).collect();
            for (mine, (budget, goal, cpm, spend, goals, own, active)) in buy.packages.iter_mut().zip(packages) {
                (mine.budget, mine.goal, mine.price) = (units(budget), Some(goal), Price::cpm(units(cpm)));
                (mine.daily_budget, mine.daily_goal) = (spend.map(units), goals);
                (mine.pacing, mine.active) = (Pacing::ALL.get(own).copied().filter(|_| active), active);
                mine.creatives.clone_from(&ids);
            }
            buy.total_budget = Micros::sum(buy.packages.iter().map(|package| package.budget)).unwrap();
            (buy.daily_budget, buy.pacing) = (daily.map(units), Pacing::ALL[pacing]);
            buy.end = buy.end.plus_millis(end);
            buy.targeting.add(Dimension::Os, Operator::AnyOf, (0..place).map(|value| value.to_string()));
            buy.creatives = ids.iter().map(|id| creative(id.as_str())).collect();
            buy
        },
    )
}

/// The cost and reach of a buy, field by field, where a larger value needs approval.
fn measures(buy: &MediaBuy) -> Vec<i64> {
    let cap = |cap: Option<i64>| cap.unwrap_or(i64::MAX);
    let mut all = vec![buy.total_budget.get(), cap(buy.daily_budget.map(Micros::get)), buy.end.as_micros()];
    for package in &buy.packages {
        let daily = cap(package.daily_budget.map(Micros::get));
        all.extend([
            package.budget.get(),
            package.goal.unwrap(),
            package.price.rate.get(),
            daily,
            cap(package.daily_goal),
        ]);
        all.push(Pacing::ALL.iter().position(|pacing| *pacing == buy.pacing_of(package)).map_or(0, |at| [0, 2, 1][at]));
        all.push(package.creatives.len() as i64);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_grows_exactly_if_no_measure_is_larger_and_the_targeting_is_the_same(
        before in some_buy(),
        after in some_buy(),
    ) {
        let change = Change::Update(BuyPatch::default());
        let no_more = measures(&before).iter().zip(measures(&after)).all(|(was, is)| is <= *was);
        prop_assert_eq!(of(&change, &before, &after).is_empty(), no_more && before.targeting == after.targeting);
    }

    #[test]
    fn steps_that_nobody_is_asked_about_lead_nowhere_that_somebody_would_be(
        first in some_buy(),
        steps in prop::collection::vec(some_buy(), 1..30),
    ) {
        let change = Change::Update(BuyPatch::default());
        let mut buy = first.clone();
        for step in steps {
            if of(&change, &buy, &step).is_empty() {
                buy = step;
            }
        }
        prop_assert!(of(&change, &first, &buy).is_empty());
    }

    #[test]
    fn raises_that_nobody_is_asked_about_stay_together_below_the_limit(
        totals in prop::collection::vec(1i64..40, 1..30),
        limit in 1i64..10,
    ) {
        let change = Change::Update(BuyPatch::default());
        let mut buy = MediaBuy { total_budget: units(20), approved_budget: Some(units(20)), ..testing::buy(1) };
        for total in totals {
            let after = MediaBuy { total_budget: units(total), ..buy.clone() };
            if raise(&change, &buy, &after) < units(limit) {
                buy = after;
            }
        }
        prop_assert!(buy.total_budget < units(20 + limit));
    }
}
