use proptest::prelude::*;

use super::*;
use crate::domain::{
    creative::Format,
    id::PackageId,
    price::{PriceModel, Unit},
    product::Offer,
    targeting::{Dimension, Operator},
    testing::{cpm, impressions, units},
};

/// The product of a test.
struct Product {
    id: PackageId,
    platform: PlatformName,
    currency: &'static str,
    settings: serde_json::Value,
    price: Price,
}

fn product(id: &str) -> Product {
    Product {
        id: id.into(),
        platform: "acme".into(),
        currency: "USD",
        settings: serde_json::json!({}),
        price: Price::cpm(units(10)),
    }
}

impl Product {
    /// An offer with a floor of 5.
    fn offer(&self) -> Offer<'_> {
        Offer {
            id: &self.id,
            name: "Premium",
            platform: &self.platform,
            formats: &[Format::Image],
            price: self.price,
            floor: units(5),
            currency: self.currency,
            review_lead_ms: 48 * 3_600_000,
            settings: &self.settings,
        }
    }
}

/// Three products: two on one platform, and one on another platform in another currency.
fn products() -> Vec<Product> {
    vec![
        product("news"),
        product("sports"),
        Product { platform: "zenith".into(), currency: "EUR", ..product("drive") },
        Product { platform: "zenith".into(), ..product("talk") },
    ]
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const NOW: &str = "2026-12-01T10:00:00.5Z";

fn package(id: &str) -> NewPackage {
    NewPackage { package_id: id.to_owned(), ..NewPackage::default() }
}

fn new(packages: Vec<NewPackage>) -> NewMediaBuy {
    NewMediaBuy {
        packages,
        total_budget: units(1_000),
        po_number: None,
        targeting: Targeting::default(),
        start: None,
        end: None,
        pacing: None,
        daily_budget: None,
        currency: None,
    }
}

fn drafted(new: &NewMediaBuy) -> Result<(MediaBuy, Vec<String>), Vec<Problem>> {
    drafted_from(new, &products())
}

fn drafted_from(new: &NewMediaBuy, products: &[Product]) -> Result<(MediaBuy, Vec<String>), Vec<Problem>> {
    let catalogue = Catalogue { offers: products.iter().map(Product::offer).collect(), currency: "GBP" };
    new.draft(&"agency".into(), &catalogue, at(NOW))
}

#[track_caller]
fn buy(new: &NewMediaBuy) -> MediaBuy {
    drafted(new).unwrap_or_else(|problems| panic!("{problems:#?}")).0
}

#[track_caller]
fn refusals(new: &NewMediaBuy) -> Vec<String> {
    let problems = drafted(new).map(|(buy, _)| buy).expect_err("it is possible");
    problems.iter().map(|problem| format!("{} {}", problem.field, problem.message)).collect()
}

#[test]
fn a_package_is_what_the_product_says_at_the_price_that_was_asked() {
    let one = buy(&new(vec![NewPackage { price: cpm(5), ..package("news") }]));
    let package = &one.packages[0];
    assert_eq!((package.price.rate, package.floor, package.goal), (units(5), units(5), Some(200_000)));
    assert_eq!(
        (package.budget, one.total_budget, one.approved_budget),
        (units(1_000), units(1_000), Some(units(1_000)))
    );
    assert_eq!((one.currency.as_str(), one.status, one.revision), ("USD", BuyStatus::PendingActivation, 1));
    assert_eq!(package.platform, "acme".into());
}

#[test]
fn what_no_package_asks_for_itself_is_shared_equally() {
    let budgets = |packages: Vec<NewPackage>| {
        buy(&new(packages)).packages.iter().map(|package| package.budget).collect::<Vec<_>>()
    };
    let own = |id: &str, budget: i64| NewPackage { budget: Some(units(budget)), ..package(id) };
    assert_eq!(budgets(vec![package("news"), package("sports")]), [units(500); 2]);
    assert_eq!(budgets(vec![own("news", 700), package("sports")]), [units(700), units(300)]);
    assert_eq!(budgets(vec![own("news", 700), own("sports", 300)]), [units(700), units(300)]);
    let goal = NewPackage { goal: impressions(60_000), ..package("news") };
    assert_eq!(budgets(vec![goal, package("sports")]), [units(600), units(400)]);
}

/// Packages of every price model: news per click, sports per completed view, talk at a flat price.
fn sold_otherwise() -> [Product; 3] {
    let sold = |id: &str, model: PriceModel| Product { price: Price { model, rate: units(10) }, ..product(id) };
    [sold("news", PriceModel::Cpc), sold("sports", PriceModel::Cpcv), sold("talk", PriceModel::Flat)]
}

#[test]
fn a_package_is_bought_by_what_its_price_pays_for() {
    let all = || new(vec![package("news"), package("sports"), package("talk")]);
    let (buy, _) = drafted_from(&all(), &sold_otherwise()).unwrap();
    let bought: Vec<_> = buy.packages.iter().map(|package| (package.budget, package.goal)).collect();
    assert_eq!(bought, [(units(495), Some(49)), (units(495), Some(49)), (units(10), None)]);
    let mut asked = all();
    asked.packages[0].goal = Some(Goal { unit: Unit::Clicks, count: 30 });
    asked.packages[1].price = Some(Price { model: PriceModel::Cpcv, rate: units(5) });
    asked.packages[2].budget = Some(units(100));
    let (buy, _) = drafted_from(&asked, &sold_otherwise()).unwrap();
    let bought: Vec<_> = buy.packages.iter().map(|package| (package.budget, package.goal)).collect();
    assert_eq!(bought, [(units(300), Some(30)), (units(600), Some(120)), (units(100), None)]);
    assert_eq!(buy.packages[2].price, Price { model: PriceModel::Flat, rate: units(100) });
}

#[test]
fn a_package_is_not_bought_by_what_its_price_does_not_pay_for() {
    let refused = |package: NewPackage| {
        let problems = drafted_from(&new(vec![package]), &sold_otherwise()).map(drop).unwrap_err();
        problems.iter().map(|problem| format!("{} {}", problem.field, problem.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        refused(NewPackage { goal: impressions(5), price: cpm(9), daily_goal: impressions(1), ..package("news") }),
        [
            "/packages/0/cpm does not fit: news is sold by the click; give cpc",
            "/packages/0/impressions does not fit: news is sold by the click; give clicks",
            "/packages/0/daily_impressions does not fit: news is sold by the click; give daily_clicks",
        ]
    );
    assert_eq!(
        refused(NewPackage { daily_budget: Some(units(1)), ..package("talk") }),
        [
            "/packages/0/daily_budget does not fit: talk is sold at a flat price; a flat price is paid as a whole: leave it out"
        ]
    );
    assert_eq!(
        refused(package("talk")),
        ["/total_budget 1000 is more than the packages' own budgets, which add up to 10"]
    );
    let whole = NewMediaBuy { daily_budget: Some(units(1)), total_budget: units(10), ..new(vec![package("talk")]) };
    let problems = drafted_from(&whole, &sold_otherwise()).map(drop).unwrap_err();
    assert_eq!(problems[0].field, Field::DailyBudget.into());
}

/// One case for each rule: the request, and all of its problems.
#[test]
fn each_rule_refuses_what_breaks_it() {
    let one = |package: NewPackage| new(vec![package]);
    let with = |change: &dyn Fn(&mut NewMediaBuy)| {
        let mut asked = one(package("news"));
        change(&mut asked);
        asked
    };
    let cases: Vec<(NewMediaBuy, Vec<&str>)> = vec![
        (new(vec![]), vec!["/packages must name at least one package; see list_products"]),
        (one(package("x")), vec!["/packages/0 is no package that you can buy; see list_products"]),
        (new(vec![package("news"), package("news")]), vec!["/packages/1 is named twice; give each package once"]),
        (
            one(NewPackage { price: cpm(4), ..package("news") }),
            vec!["/packages/0/cpm must be at least 5, the floor price of news"],
        ),
        (
            one(NewPackage { creative_ids: vec!["c".to_owned()], ..package("news") }),
            vec![
                "/packages/0/creative_ids a new media buy has no creatives yet: upload them with add_creative_assets once it \
                 is created",
            ],
        ),
        (
            one(NewPackage { budget: Some(units(1)), goal: impressions(1), ..package("news") }),
            vec!["/packages/0/impressions can't be given together with budget: one follows from the other"],
        ),
        (
            one(NewPackage { goal: impressions(0), ..package("news") }),
            vec!["/packages/0/impressions must be 1 to 2147483647"],
        ),
        (with(&|asked| asked.currency = Some("EUR".to_owned())), vec!["/currency news is sold in USD, not in EUR"]),
        (
            new(vec![package("x"), package("news"), package("drive")]),
            vec![
                "/packages/0 is no package that you can buy; see list_products",
                "/packages/2 drive is sold in EUR, not in USD",
            ],
        ),
        (
            with(&|asked| asked.daily_budget = Some(units(1_001))),
            vec!["/daily_budget 1001 a day is more than the whole budget of 1000"],
        ),
        (
            with(&|asked| asked.packages[0].budget = Some(units(1_001))),
            vec!["/total_budget 1000 is less than the packages' own budgets, which add up to 1001"],
        ),
        (
            with(&|asked| asked.packages[0].budget = Some(units(999))),
            vec!["/total_budget 1000 is more than the packages' own budgets, which add up to 999"],
        ),
        (
            with(&|asked| asked.total_budget = Micros::new(1).unwrap()),
            vec![
                "/total_budget leaves news: 0.000001 at a CPM of 10 buys no possible number of impressions (1 to \
                 2147483647)",
            ],
        ),
        (
            with(&|asked| asked.packages[0].daily_budget = Some(units(1_001))),
            vec!["/packages/0/daily_budget 1001 a day is more than the package's whole budget of 1000"],
        ),
        (
            with(&|asked| asked.packages[0].daily_goal = impressions(100_001)),
            vec!["/packages/0/daily_impressions 100001 a day is more than the package's whole goal of 100000"],
        ),
        (
            NewMediaBuy { daily_budget: Some(units(1)), ..new(vec![package("news"), package("talk")]) },
            vec![
                "/daily_budget can't be kept for packages on acme and zenith together: give each package its own \
                 daily_budget",
            ],
        ),
        (
            with(&|asked| drop(asked.packages[0].targeting.custom.insert("zenith".to_owned(), serde_json::json!({})))),
            vec!["/packages/0/targeting_overlay/custom/zenith is for a platform on which nothing is bought here"],
        ),
        (
            with(&|asked| drop(asked.targeting.custom.insert("zenith".to_owned(), serde_json::json!({})))),
            vec!["/targeting_overlay/custom/zenith is for a platform on which nothing is bought here"],
        ),
    ];
    for (asked, wanted) in cases {
        assert_eq!(refusals(&asked), wanted, "{asked:#?}");
    }
}

#[test]
fn targeting_that_contradicts_itself_is_pointed_at_where_the_package_is_listed() {
    let mut asked = new(vec![package("news"), package("sports")]);
    asked.targeting.add(Dimension::Os, Operator::NoneOf, ["ios".to_owned()]);
    asked.packages[1].targeting.add(Dimension::Os, Operator::AnyOf, ["ios".to_owned()]);
    let fields: Vec<String> =
        drafted(&asked).unwrap_err().into_iter().map(|problem| problem.field.to_string()).collect();
    assert_eq!(fields, ["/packages/1/targeting_overlay/os_any_of", "/targeting_overlay/os_none_of"]);
}

#[test]
fn packages_that_cost_more_than_an_amount_can_be_are_refused_together() {
    let most = |id: &str| NewPackage { budget: Some(Micros::MAX), ..package(id) };
    let asked = new(vec![most("news"), most("sports")]);
    assert_eq!(refusals(&asked), ["/packages the packages' budgets add up to too much"]);
}

/// The requested start and end, and the flight that results.
#[test]
fn a_flight_begins_and_ends_as_asked_or_as_the_defaults_say() {
    let day = |text: &str| Some(Moment::Day(Day::parse(text).unwrap()));
    let moment = |text: &str| Some(Moment::At(at(text)));
    for (start, end, wanted) in [
        (None, None, Ok(("2026-12-05T00:00:00Z", "2027-01-03T23:59:59Z", 2))),
        (day("2026-12-01"), None, Ok(("2026-12-01T10:00:01Z", "2026-12-31T10:00:00Z", 1))),
        (day("2026-12-02"), day("2026-12-02"), Ok(("2026-12-02T00:00:00Z", "2026-12-02T23:59:59Z", 0))),
        (
            moment("2026-12-01T10:00:00.9Z"),
            moment("2026-12-01T10:00:01.9Z"),
            Ok(("2026-12-01T10:00:00Z", "2026-12-01T10:00:01Z", 0)),
        ),
        (moment("2026-12-01T09:59:59Z"), None, Err("/flight_start_date 2026-12-01T09:59:59Z is in the past")),
        (
            day("2026-12-02"),
            moment("2026-12-02T00:00:00Z"),
            Err("/flight_end_date 2026-12-02T00:00:00Z is not after the start, 2026-12-02T00:00:00Z"),
        ),
        (
            None,
            day("2026-12-02"),
            Err(
                "/flight_end_date 2026-12-02T23:59:59Z is not after the start, 2026-12-05T00:00:00Z, which is the default; \
                 give flight_start_date to start earlier",
            ),
        ),
        (day("2026-12-02"), day("2200-01-01"), Err("/flight_end_date must be before 2199-12-31T23:59:59Z")),
    ] {
        let asked = NewMediaBuy { start, end, ..new(vec![package("news")]) };
        match wanted {
            Ok((from, to, notes)) => {
                let (buy, said) = drafted(&asked).unwrap();
                assert_eq!(
                    (buy.start.to_string(), buy.end.to_string(), said.len()),
                    (from.to_owned(), to.to_owned(), notes)
                );
            }
            Err(refusal) => assert_eq!(refusals(&asked), [refusal]),
        }
    }
}

proptest! {
    /// For any request, an accepted buy adds up, stays within every cap and meets the floor prices.
    #[test]
    fn what_is_accepted_keeps_every_term(
        total in 1i64..3_000,
        asked in prop::collection::vec(
            (
                prop::option::of(1i64..2_000),
                prop::option::of(1i64..200_000),
                prop::option::of(3i64..20),
                prop::option::of(1i64..2_000),
                prop::option::of(1i64..200_000),
                prop::sample::select(PriceModel::ALL),
            ),
            1..3,
        ),
        daily in prop::option::of(1i64..3_000),
    ) {
        let models: Vec<PriceModel> = asked.iter().map(|(.., model)| *model).collect();
        let packages: Vec<NewPackage> = asked
            .iter()
            .zip(["news", "sports"])
            .map(|((budget, goal, rate, daily_budget, daily_goal, model), id)| {
                let counted = |count: i64| Some(Goal { unit: model.unit()?, count });
                NewPackage {
                    budget: budget.map(units),
                    goal: goal.and_then(counted),
                    price: rate.map(|rate| Price { model: *model, rate: units(rate) }),
                    daily_budget: daily_budget.map(units),
                    daily_goal: daily_goal.and_then(counted),
                    ..package(id)
                }
            })
            .collect();
        let asked = NewMediaBuy { total_budget: units(total), daily_budget: daily.map(units), ..new(packages) };
        let sold = models.iter().zip(["news", "sports"]);
        let sold = sold.map(|(model, id)| Product { price: Price { model: *model, rate: units(10) }, ..product(id) });
        if let Ok((buy, _)) = drafted_from(&asked, &sold.collect::<Vec<_>>()) {
            prop_assert_eq!(buy.total_budget, asked.total_budget);
            prop_assert_eq!(Micros::sum(buy.packages.iter().map(|package| package.budget)), Some(buy.total_budget));
            prop_assert!(buy.daily_budget.is_none_or(|daily| daily <= buy.total_budget));
            for (package, wanted) in buy.packages.iter().zip(&asked.packages) {
                prop_assert!(package.price.rate >= package.floor);
                prop_assert!(package.daily_budget.is_none_or(|daily| daily <= package.budget));
                prop_assert!(package.daily_goal.is_none_or(|daily| package.goal.is_some_and(|goal| daily <= goal)));
                prop_assert!(wanted.budget.is_none() || wanted.goal.is_none());
                prop_assert!(wanted.budget.is_none_or(|budget| budget == package.budget));
                prop_assert_eq!(package.price.goal_for(package.budget), Ok(package.goal));
                prop_assert!(package.price.model != PriceModel::Flat || package.price.rate == package.budget);
            }
        }
    }
}
