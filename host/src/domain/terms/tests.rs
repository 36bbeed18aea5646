use super::*;
use crate::domain::{
    testing::{self, units},
    update::{BuyPatch, When},
};

#[test]
fn caps_are_held_against_the_budgets_that_a_new_total_brings() {
    let mut buy = testing::buy(2);
    buy.packages[1].daily_budget = Some(units(500));
    let total = |total: i64| BuyPatch { total_budget: Some(units(total)), ..BuyPatch::default() };
    assert!(total(1_000).apply(&buy, When::at_once(buy.start)).is_ok());
    let problems = total(998).apply(&buy, When::at_once(buy.start)).unwrap_err();
    assert_eq!(problems[0].field, Field::TotalBudget.into());
    assert!(problems[0].message.contains("p1") && problems[0].message.contains("daily_budget"), "{problems:?}");
}

#[test]
fn a_daily_budget_is_for_one_platform() {
    let mut buy = testing::buy(2);
    buy.daily_budget = Some(units(1));
    let refused = |buy: &MediaBuy| {
        let mut problems = Vec::new();
        check_daily_budget_can_be_kept(buy, &mut problems);
        problems.into_iter().map(|problem| problem.field.to_string()).collect::<Vec<_>>()
    };
    assert!(refused(&buy).is_empty());
    buy.packages[1].platform = "zenith".into();
    assert_eq!(refused(&buy), ["/daily_budget"]);
    buy.daily_budget = None;
    assert!(refused(&buy).is_empty());
}

/// What is sold, at a rate of 10 with a floor of 5.
fn sold(package: &PackageId, model: PriceModel) -> Sold<'_> {
    Sold { package, price: Price { model, rate: units(10) }, floor: units(5) }
}

const MODELS: [PriceModel; 3] = [PriceModel::Cpm, PriceModel::Cpc, PriceModel::Cpcv];

#[test]
fn budget_and_goal_follow_from_each_other_and_are_not_both_given() {
    let package = PackageId::from("news");
    for model in MODELS {
        let unit = model.unit().unwrap();
        let said = |budget: Option<i64>, count: Option<i64>| {
            let mut problems = Vec::new();
            let goal = count.map(|count| Goal { unit, count });
            let asked = Asked { budget: budget.map(units), goal, ..Asked::default() };
            let spend = asked.spend(&sold(&package, model), &Subject::listed(1), &mut problems);
            assert_eq!(spend == Spend::Refused, !problems.is_empty());
            assert!(problems.iter().all(|problem| problem.field == Subject::listed(1).field(unit.field())));
            spend
        };
        assert_eq!(said(None, None), Spend::Open);
        assert_eq!(said(Some(7), None), Spend::Budget(units(7)));
        let cost = if model == PriceModel::Cpm { 10 } else { 10_000 };
        assert_eq!(said(None, Some(1_000)), Spend::Goal { goal: 1_000, budget: units(cost) });
        for impossible in [i64::MIN, -1, 0, MAX_GOAL + 1, i64::MAX] {
            assert_eq!(said(None, Some(impossible)), Spend::Refused);
        }
        for goal in [i64::MIN, 0, 1, i64::MAX] {
            assert_eq!(said(Some(7), Some(goal)), Spend::Refused);
        }
    }
}

/// Price, spend and problems of a request for a package that is sold at this model.
fn asked(model: PriceModel, asked: Asked) -> (Price, Spend, Vec<String>) {
    let package = PackageId::from("news");
    let (mut problems, mut sold) = (Vec::new(), sold(&package, model));
    sold.price = asked.price(&sold, &Subject::Buy, &mut problems);
    let spend = asked.spend(&sold, &Subject::Buy, &mut problems);
    (sold.price, spend, problems.iter().map(|problem| format!("{} {}", problem.field, problem.message)).collect())
}

#[test]
fn a_price_or_a_goal_of_another_model_is_refused_with_the_one_that_fits() {
    for model in PriceModel::ALL {
        for other in PriceModel::ALL.iter().filter(|other| *other != model) {
            let wrong = Asked { price: Some(Price { model: *other, rate: units(9) }), ..Asked::default() };
            let (price, _, problems) = asked(*model, wrong);
            assert_eq!(price.rate, units(10));
            let words = model.sold();
            let told = format!("/{} does not fit: news is sold {words}; give {}", other.field(), model.field());
            assert_eq!(problems, [told]);
            let Some(unit) = other.unit() else { continue };
            let wrong = Asked { goal: Some(Goal { unit, count: 5 }), ..Asked::default() };
            let (_, spend, problems) = asked(*model, wrong);
            assert_eq!((spend, problems.len()), (Spend::Refused, 1));
            let cure = match model.unit() {
                Some(right) => format!("give {}", right.field()),
                None => "a flat price has no goal: leave it out".to_owned(),
            };
            assert_eq!(problems, [format!("/{} does not fit: news is sold {words}; {cure}", unit.field())]);
        }
    }
}

#[test]
fn a_flat_price_is_the_budget() {
    let flat = |rate: i64| Price { model: PriceModel::Flat, rate: units(rate) };
    let of = |price: Option<i64>, budget: Option<i64>| {
        asked(PriceModel::Flat, Asked { price: price.map(flat), budget: budget.map(units), goal: None })
    };
    assert_eq!(of(None, None), (flat(10), Spend::Budget(units(10)), vec![]));
    assert_eq!(of(Some(7), None), (flat(7), Spend::Budget(units(7)), vec![]));
    assert_eq!(of(None, Some(7)), (flat(7), Spend::Budget(units(7)), vec![]), "a budget alone is the price");
    assert_eq!(of(Some(7), Some(7)), (flat(7), Spend::Budget(units(7)), vec![]));
    assert_eq!(of(Some(7), Some(8)).2, ["/budget must not be other than flat_price, 8 and 7: leave one out"]);
    assert_eq!(of(Some(4), None).2, ["/flat_price must be at least 5, the floor price of news"]);
    assert_eq!(of(None, Some(4)).2, ["/budget must be at least 5, the floor price of news"]);
}

#[test]
fn daily_caps_count_what_the_price_pays_for() {
    let package = PackageId::from("news");
    for model in PriceModel::ALL {
        for unit in Unit::ALL {
            let mut problems = Vec::new();
            check_daily_units(&sold(&package, *model), Some(*unit), None, &Subject::Buy, &mut problems);
            assert_eq!(problems.is_empty(), model.unit() == Some(*unit), "{model} {unit}");
            assert!(problems.iter().all(|problem| problem.field == unit.daily_field().into()));
        }
        let mut problems = Vec::new();
        check_daily_units(&sold(&package, *model), None, Some(units(1)), &Subject::Buy, &mut problems);
        assert_eq!(problems.is_empty(), *model != PriceModel::Flat);
    }
    let mut buy = testing::buy(2);
    buy.daily_budget = Some(units(1));
    buy.packages[1].price.model = PriceModel::Flat;
    let mut problems = Vec::new();
    check_daily_budget_can_be_kept(&buy, &mut problems);
    assert_eq!(problems[0].message, "can't be kept with p1, whose flat price is paid as a whole: leave it out");
}

#[test]
fn a_price_and_a_cap_may_be_what_they_are_held_against() {
    let refused = |check: &dyn Fn(&mut Vec<Problem>)| {
        let mut problems = Vec::new();
        check(&mut problems);
        !problems.is_empty()
    };
    for (amount, is_price, is_daily) in [(4, true, false), (5, false, false), (6, false, true)] {
        for model in PriceModel::ALL {
            let price = Some(Price { model: *model, rate: units(amount) });
            let (_, _, problems) = asked(*model, Asked { price, ..Asked::default() });
            assert_eq!(!problems.is_empty(), is_price, "{model} of {amount} with a floor of 5");
        }
        let daily = |problems: &mut Vec<_>| check_daily_below_total(Some(units(amount)), units(5), problems);
        assert_eq!(refused(&daily), is_daily, "{amount} a day of 5");
    }
    assert!(too_late(Timestamp::LATEST).is_none());
    assert!(too_late(Timestamp::LATEST.plus_millis(1)).is_some());
}
