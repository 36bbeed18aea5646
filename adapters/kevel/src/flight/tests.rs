//! Translation of packages.

use super::*;
use crate::samples;

fn of(package: &PackageOrder) -> Fallible<Flight> {
    let platform = Platform::read(&samples::context())?;
    let mut problems = Problems::default();
    let flight = translate(&platform, &samples::buy(vec![package.clone()]), package, &mut problems, &mut Vec::new())?;
    problems.check().map(|()| flight)
}

fn field(flight: &Flight, name: &str) -> String {
    flight.fields.get(name).cloned().unwrap_or_default().to_string()
}

fn fields(flight: &Flight, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| field(flight, name)).collect()
}

const CAPS: [&str; 7] = [
    "GoalType",
    "Impressions",
    "CapType",
    "DailyCapAmount",
    "DailyCapAmountDecimal",
    "LifetimeCapAmount",
    "LifetimeCapAmountDecimal",
];

#[test]
fn a_package_is_a_flight() {
    let flight = of(&samples::package("news")).unwrap();
    let written: Vec<String> = flight
        .created()
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(
        written,
        [
            r#"Name: "Package news""#,
            r#"StartDateISO: "2026-12-01T00:00:00Z""#,
            r#"EndDateISO: "2026-12-30T23:59:59Z""#,
            "IsActive: true",
            "PriorityId: 3002",
            "RateType: 2",
            "Price: 12.5",
            "GoalType: 1",
            "Impressions: 1000000",
            "CapType: 1",
            "LifetimeCapAmount: 1000000",
            "LifetimeCapAmountDecimal: 1000000",
            "IsFreqCap: false",
            r#"CustomFieldsJson: "{\"flightdeck\":{\"media_buy_id\":\"kevel_12345\",\"package_id\":\"news\"}}""#,
        ]
    );
}

#[test]
fn asap_is_a_percentage_goal_with_a_lifetime_cap() {
    let mut package = samples::package("news");
    package.pacing = Pacing::Asap;
    package.daily_impressions = Some(50_000);
    let flight = of(&package).unwrap();
    assert_eq!(fields(&flight, &CAPS), ["2", "100", "1", "50000", "50000", "1000000", "1000000"]);
}

#[test]
fn a_flight_is_capped_by_money_or_by_impressions() {
    let mut package = samples::package("news");
    package.daily_budget = Some(500_250_000);
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["1", "1000000", "4", "501", "500.25", "12500", "12500"]);
    package.daily_impressions = Some(50_000);
    let failure = of(&package).unwrap_err();
    assert_eq!(
        (failure.items[0].field.as_str(), failure.kind),
        ("/packages/news/daily_budget", FailureKind::Unsupported)
    );
    package.daily_impressions = None;
    package.pacing = Pacing::Asap;
    assert_eq!(of(&package).unwrap_err().code, "unsupported_daily_budget");
    package.daily_budget = None;
    package.daily_impressions = Some(50_000);
    package.pacing = Pacing::Even;
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["1", "1000000", "1", "50000", "50000", "1000000", "1000000"]);
}

fn sold(model: PriceModel, rate: i64, goal: i64) -> PackageOrder {
    let mut package = samples::package("news");
    (package.price, package.impressions) = (Price { model, rate }, goal);
    package
}

const PRICE: [&str; 2] = ["RateType", "Price"];

#[test]
fn clicks_are_a_goal_with_caps_of_their_own() {
    let mut package = sold(PriceModel::Cpc, 800_000, 1_250);
    assert_eq!(fields(&of(&package).unwrap(), &PRICE), ["3", "0.8"]);
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["3", "1250", "2", "null", "null", "1250", "1250"]);
    package.daily_impressions = Some(50);
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["3", "1250", "2", "50", "50", "1250", "1250"]);
    package.pacing = Pacing::Asap;
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["2", "100", "2", "50", "50", "1250", "1250"]);
    package.product_settings = r#"{"priority_id": 1, "lifetime_cap": "budget"}"#.to_owned();
    package.pacing = Pacing::Even;
    let failure = of(&package).unwrap_err();
    assert_eq!(
        (failure.items[0].field.as_str(), failure.code.as_str()),
        ("/packages/news/daily_clicks", "unsupported_daily_clicks")
    );
    package.daily_impressions = None;
    assert_eq!(fields(&of(&package).unwrap(), &CAPS)[2..], ["4", "null", "null", "12500", "12500"]);
    package.product_settings = samples::package("news").product_settings;
    package.daily_budget = Some(40_000_000);
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["3", "1250", "4", "40", "40", "12500", "12500"]);
    package.daily_impressions = Some(0);
    package.impressions = 0;
    package.price.rate = 0;
    let failure = of(&package).unwrap_err();
    let wrong: Vec<(&str, &str)> =
        failure.items.iter().map(|item| (item.field.as_str(), item.message.as_str())).collect();
    assert_eq!(wrong[0], ("/packages/news/cpc", "A price is more than nothing."));
    assert_eq!(wrong[1], ("/packages/news/clicks", "A goal on Kevel is 1 to 2147483647 clicks."));
    assert_eq!(wrong[2].0, "/packages/news/daily_clicks");
    assert!(wrong[3].1.contains("capped by clicks") && wrong[3].1.contains("daily_clicks caps a day"), "{wrong:?}");
}

#[test]
fn a_flat_price_takes_a_share_and_has_no_cap() {
    let mut package = sold(PriceModel::Flat, 5_000_000_000, 1);
    assert_eq!(fields(&of(&package).unwrap(), &PRICE), ["1", "5000"]);
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["2", "100", "null", "null", "null", "null", "null"]);
    package.product_settings = r#"{"priority_id": 1, "share_percent": 25}"#.to_owned();
    assert_eq!(fields(&of(&package).unwrap(), &CAPS[..2]), ["2", "25"]);
}

#[test]
fn a_frequency_cap_is_one_impression_in_so_many_minutes() {
    let mut package = samples::package("news");
    package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 90, scope: CapScope::Package });
    let names = ["IsFreqCap", "FreqCap", "FreqCapDuration", "FreqCapType"];
    assert_eq!(fields(&of(&package).unwrap(), &names), ["true", "1", "90", "3"]);
    package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 90, scope: CapScope::MediaBuy });
    assert_eq!(fields(&of(&package).unwrap(), &names), ["false", "null", "null", "null"]);
    package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 20_160, scope: CapScope::Package });
    assert_eq!(fields(&of(&package).unwrap(), &names), ["true", "1", "14", "2"]);
    package.targeting.frequency_cap =
        Some(FrequencyCap { suppress_minutes: 0, scope: CapScope::Other("household".to_owned()) });
    assert_eq!(of(&package).unwrap_err().items.len(), 2);
    for scope in [CapScope::Package, CapScope::MediaBuy] {
        package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 4_401, scope });
        let failure = of(&package).unwrap_err();
        assert_eq!((failure.kind, failure.items.len()), (FailureKind::Unsupported, 1));
        assert_eq!(failure.items[0].field, "/packages/news/targeting_overlay/frequency_cap/suppress_minutes");
        assert_eq!(failure.items[0].supported, ["4400", "4440"]);
    }
}

#[test]
fn everything_that_cannot_be_is_said_at_once() {
    let mut package = samples::package("news");
    package.pacing = Pacing::FrontLoaded;
    package.price.model = PriceModel::Cpcv;
    package.impressions = i64::from(i32::MAX) + 1;
    package.product_settings = "{}".to_owned();
    package.targeting.rules = vec![samples::rule(Dimension::ContentGenre, Operator::AnyOf, &["rock"])];
    let failure = of(&package).unwrap_err();
    let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "/packages/news/package_id",
            "/packages/news/cpcv",
            "/packages/news/video_completions",
            "/packages/news/pacing",
            "/packages/news/targeting_overlay/content_genre_any_of",
        ]
    );
    assert_eq!(failure.items[1].supported, ["cpm", "cpc", "flat"]);
    assert_eq!(failure.items[3].supported, ["even", "asap"]);
}

#[test]
fn a_product_says_where_it_runs() {
    let mut package = samples::package("news");
    package.product_settings =
        r#"{"priority_id": 1, "sites": [{"site_id": 2001, "zone_id": 2101}], "keywords": ["a", "b c"]}"#.to_owned();
    let flight = of(&package).unwrap();
    assert_eq!(field(&flight, "Keywords"), r#""a\nb c""#, "one a line: any of them");
    assert_eq!(flight.sites[0].to_string(), r#"{"SiteId":2001,"ZoneId":2101}"#);
    package.product_settings = r#"{"priority_id": 1, "sites": [{"site_id": 2001, "exclude": true}]}"#.to_owned();
    assert_eq!(of(&package).unwrap().sites[0].to_string(), r#"{"SiteId":2001,"IsExclude":true}"#);
    package.product_settings = r#"{"priority_id": 1, "keywords": ["!a", "b"]}"#.to_owned();
    let failure = of(&package).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.items[0].value.as_str()), ("invalid_product_settings", "!a"));
}

#[test]
fn asap_may_have_a_priority_of_its_own() {
    let mut package = samples::package("news");
    package.product_settings = r#"{"priority_id": 3002, "asap_priority_id": 3001}"#.to_owned();
    assert_eq!(field(&of(&package).unwrap(), "PriorityId"), "3002");
    package.pacing = Pacing::Asap;
    assert_eq!(field(&of(&package).unwrap(), "PriorityId"), "3001");
}

#[test]
fn hours_bring_their_time_zone() {
    let mut package = samples::package("news");
    package.targeting.dayparting = Some(Dayparting {
        timezone: "America/New_York".to_owned(),
        schedules: vec![samples::hours(&[Weekday::Monday], 6, 10)],
        presets: Vec::new(),
    });
    let flight = of(&package).unwrap();
    assert_eq!(field(&flight, "TimeZone"), r#""America/New_York""#);
    assert_eq!(flight.windows.len(), 1);
}

#[test]
fn a_change_sends_what_differs_and_what_belongs_to_it() {
    let before = of(&samples::package("news")).unwrap();
    let mut package = samples::package("news");
    package.active = false;
    assert_eq!(
        of(&package).unwrap().changes_from(&before).to_string(),
        r#"{"IsActive":false,"StartDateISO":"2026-12-01T00:00:00Z","EndDateISO":"2026-12-30T23:59:59Z"}"#
    );
    package.active = true;
    package.daily_impressions = Some(5);
    assert_eq!(
        of(&package).unwrap().changes_from(&before).to_string(),
        r#"{"DailyCapAmount":5,"DailyCapAmountDecimal":5,"CapType":1,"LifetimeCapAmount":1000000,"LifetimeCapAmountDecimal":1000000,"StartDateISO":"2026-12-01T00:00:00Z","EndDateISO":"2026-12-30T23:59:59Z"}"#
    );
    assert!(before.changes_from(&before).is_empty());
}

#[test]
fn a_product_caps_by_budget_and_allows_no_duplicates() {
    let mut package = samples::package("news");
    package.product_settings =
        r#"{"priority_id": 3002, "lifetime_cap": "budget", "companion": true, "no_duplicates": "campaign"}"#.to_owned();
    package.budget = 12_500_500_000;
    let flight = of(&package).unwrap();
    assert_eq!(fields(&flight, &CAPS), ["1", "1000000", "4", "null", "null", "12501", "12500.5"]);
    assert_eq!(fields(&flight, &["IsCompanion", "IsNoDuplicates", "DuplicateMode"]), ["true", "true", "2"]);
    package.pacing = Pacing::Asap;
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["2", "100", "4", "null", "null", "12501", "12500.5"]);
    package.pacing = Pacing::Even;
    package.daily_budget = Some(500_000_000);
    assert_eq!(fields(&of(&package).unwrap(), &CAPS), ["1", "1000000", "4", "500", "500", "12501", "12500.5"]);
    (package.daily_budget, package.daily_impressions) = (None, Some(5));
    let failure = of(&package).unwrap_err();
    assert_eq!(failure.items[0].field, "/packages/news/daily_impressions");
}
