use serde_json::json;

use super::*;
use crate::domain::{
    change::{Change, ProposedChange},
    creative::Creative,
    media_buy::MediaBuy,
    price::PriceModel,
    problem::Problem,
    targeting::{Dayparting, FrequencyCap, Targeting, Weekday},
    testing::{buy, cpm, daily_impressions, impressions, units},
};

mod updates;

fn proposed<'a>(change: &'a Change, current: &'a MediaBuy, desired: &'a MediaBuy) -> ProposedChange<'a> {
    ProposedChange { change, current, desired }
}

fn hours(start_hour: u8, end_hour: u8) -> Daypart {
    Daypart { days: vec![Weekday::Monday], start_hour, end_hour }
}

/// An adapter that supports everything.
pub(super) fn all() -> Capabilities {
    let support = |dimension: &Dimension| DimensionSupport {
        dimension: *dimension,
        operators: Operator::ALL.to_vec(),
        values: Vec::new(),
        note: String::new(),
    };
    let updates = [
        "active",
        "total_budget",
        "end_date",
        "targeting",
        "pacing",
        "daily_budget",
        "budget",
        "impressions",
        "price",
        "daily_impressions",
        "creative_assignments",
    ];
    Capabilities {
        platform: "acme".to_owned(),
        title: "Acme".to_owned(),
        adapter_version: "1.0.0".to_owned(),
        formats: Format::ALL.to_vec(),
        targeting: Dimension::ALL.iter().map(support).collect(),
        dayparting: Some(DaypartingSupport {
            presets: vec![DaypartPreset { name: "morning".to_owned(), schedules: vec![hours(6, 10)] }],
            custom_schedules: true,
            max_ranges: None,
            note: String::new(),
        }),
        frequency_cap: Some(FrequencyCapSupport {
            scopes: CapScope::ALL.to_vec(),
            min_minutes: 1,
            max_minutes: 1_000,
            note: String::new(),
        }),
        pacing: Pacing::ALL.to_vec(),
        price_models: vec!["cpm".to_owned()],
        updates: updates.map(str::to_owned).to_vec(),
        settings_schema: json!({}),
        product_settings_schema: json!({}),
        read_requests: Vec::new(),
        write_requests: Vec::new(),
        lookup_lag_ms: 0,
        batch_size: 1,
        cancels: true,
        counting: Counting::Daily,
    }
}

fn but(change: impl FnOnce(&mut Capabilities)) -> Capabilities {
    let mut capabilities = all();
    change(&mut capabilities);
    capabilities
}

fn targeted(packages: usize, change: impl FnOnce(&mut Targeting)) -> MediaBuy {
    let mut buy = buy(packages);
    change(&mut buy.packages[0].targeting);
    buy
}

fn created(can: &Capabilities, buy: &MediaBuy) -> Vec<Problem> {
    can.unsupported(&"acme".into(), ProposedChange::create(buy))
}

fn fields(problems: &[Problem]) -> Vec<String> {
    let one = |problem: &Problem| match &problem.value {
        Some(value) => format!("{}={value}", problem.field),
        None => problem.field.to_string(),
    };
    problems.iter().map(one).collect()
}

#[test]
fn every_dimension_with_every_operator_is_held_against_what_is_listed() {
    for dimension in Dimension::ALL {
        for operator in Operator::ALL {
            let buy = targeted(1, |targeting| targeting.add(*dimension, *operator, ["a".to_owned(), "b".to_owned()]));
            let at = |value: &str| format!("/packages/p0/targeting_overlay/{dimension}_{operator}={value}");
            assert!(created(&all(), &buy).is_empty(), "{dimension} {operator}");

            let without = but(|can| can.targeting.retain(|support| support.dimension != *dimension));
            let problems = created(&without, &buy);
            assert_eq!(fields(&problems), [at("a"), at("b")], "a dimension that is not listed");
            assert_eq!(problems[0].supported.len(), Dimension::ALL.len() - 1);

            let other = but(|can| can.targeting.iter_mut().for_each(|s| s.operators.retain(|known| known != operator)));
            let problems = created(&other, &buy);
            assert_eq!(fields(&problems), [at("a"), at("b")], "an operator that is not listed");
            assert_eq!(problems[0].supported.len(), 1);

            let values =
                but(|can| can.targeting.iter_mut().for_each(|s| s.values = vec!["A".to_owned(), "c".to_owned()]));
            let problems = created(&values, &buy);
            assert_eq!(fields(&problems), [at("b")], "a value that is not listed; capitals are the adapter's concern");
            assert_eq!(problems[0].supported, ["A", "c"]);
        }
    }
}

#[test]
fn what_the_whole_buy_is_targeted_at_counts_for_each_of_its_packages_here() {
    let mut buy = buy(3);
    buy.packages[1].platform = "zenith".into();
    buy.targeting.add(Dimension::Os, Operator::AnyOf, ["ios".to_owned()]);
    let problems = created(&but(|can| can.targeting.clear()), &buy);
    assert_eq!(
        fields(&problems),
        ["/packages/p0/targeting_overlay/os_any_of=ios", "/packages/p2/targeting_overlay/os_any_of=ios"]
    );
}

#[test]
fn every_pacing_and_the_price_are_held_against_what_is_listed() {
    for pacing in Pacing::ALL {
        let mut buy = buy(1);
        buy.pacing = *pacing;
        let can = but(|can| can.pacing.retain(|known| known != pacing));
        assert!(created(&all(), &buy).is_empty());
        assert_eq!(fields(&created(&can, &buy)), [format!("/packages/p0/pacing={pacing}")]);
        buy.packages[0].pacing = Pacing::ALL.iter().copied().find(|other| other != pacing);
        assert!(created(&can, &buy).is_empty(), "the package's own counts");
    }
    let clicks = but(|can| can.price_models = vec!["cpc".to_owned()]);
    assert_eq!(fields(&created(&clicks, &buy(1))), ["/packages/p0/cpm=cpm"]);
    for (model, field) in PriceModel::ALL.iter().zip(["cpm=cpm", "cpc=cpc", "cpcv=cpcv", "flat_price=flat"]) {
        let mut buy = buy(1);
        buy.packages[0].price.model = *model;
        let none = but(|can| can.price_models = vec!["cpa".to_owned()]);
        let problems = created(&none, &buy);
        assert_eq!(fields(&problems), [format!("/packages/p0/{field}")]);
        assert_eq!(problems[0].message, format!("Acme does not sell {}.", model.sold()));
        let one = but(|can| can.price_models = vec![model.as_str().to_owned()]);
        assert!(created(&one, &buy).is_empty());
    }
}

#[test]
fn daily_caps_are_only_for_who_lists_them() {
    let none = but(|can| can.updates.retain(|kind| !kind.starts_with("daily")));
    let mut buy = buy(2);
    buy.packages[0].daily_budget = Some(units(20));
    buy.packages[1].daily_goal = Some(500);
    buy.daily_budget = Some(units(30));
    assert!(created(&all(), &buy).is_empty());
    let problems = fields(&created(&none, &buy));
    assert_eq!(problems, ["/daily_budget=30", "/packages/p0/daily_budget=20", "/packages/p1/daily_impressions=500"]);
    buy.packages[1].platform = "zenith".into();
    let problems = fields(&created(&none, &buy));
    assert_eq!(problems, ["/packages/p0/daily_budget=20"], "the buy's own cap is given to no platform");
}

#[test]
fn hours_are_held_against_presets_schedules_and_their_number() {
    let dayparting = |schedules: Vec<Daypart>, presets: &[&str]| {
        targeted(1, |targeting| {
            targeting.dayparting = Some(Dayparting {
                timezone: "UTC".to_owned(),
                schedules,
                presets: presets.iter().map(|&name| name.to_owned()).collect(),
            });
        })
    };
    let at = "/packages/p0/targeting_overlay/dayparting";
    let hour = |change: fn(&mut DaypartingSupport)| but(|can| can.dayparting.iter_mut().for_each(change));
    let both = dayparting(vec![hours(6, 10), hours(12, 14)], &["morning"]);
    assert!(created(&all(), &both).is_empty());
    assert_eq!(fields(&created(&but(|can| can.dayparting = None), &both)), [format!("{at}=morning, 6-10, 12-14")]);
    let named = hour(|support| support.custom_schedules = false);
    let problems = created(&named, &both);
    assert_eq!(fields(&problems), [format!("{at}/schedules/0=6-10"), format!("{at}/schedules/1=12-14")]);
    assert_eq!(problems[0].supported, ["morning"]);
    assert_eq!(fields(&created(&all(), &dayparting(Vec::new(), &["night"]))), [format!("{at}/presets=night")]);
    // The preset and the first schedule have the same hours, so there are two different ranges.
    for (most, expected) in [(1, vec![format!("{at}=2")]), (2, Vec::new())] {
        let can = but(|can| can.dayparting.iter_mut().for_each(|support| support.max_ranges = Some(most)));
        assert_eq!(fields(&created(&can, &both)), expected);
    }
}

#[test]
fn frequency_caps_are_held_against_scopes_and_bounds() {
    let at = "/packages/p0/targeting_overlay/frequency_cap";
    let capped = |packages, suppress_minutes, scope| {
        targeted(packages, |targeting| targeting.frequency_cap = Some(FrequencyCap { suppress_minutes, scope }))
    };
    for scope in CapScope::ALL {
        let buy = capped(2, 60, *scope);
        assert!(created(&all(), &buy).is_empty());
        assert_eq!(fields(&created(&but(|can| can.frequency_cap = None), &buy)), [format!("{at}=60")]);
        let other = but(|can| can.frequency_cap.iter_mut().for_each(|support| support.scopes.retain(|s| s != scope)));
        assert_eq!(fields(&created(&other, &buy)), [format!("{at}/scope={scope}")]);
    }
    let packages = but(|can| can.frequency_cap.iter_mut().for_each(|support| support.scopes = vec![CapScope::Package]));
    assert!(created(&packages, &capped(1, 60, CapScope::MediaBuy)).is_empty(), "alone, a package is all of its buy");
    for (minutes, fits) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
        let problems = fields(&created(&all(), &capped(1, minutes, CapScope::Package)));
        assert_eq!(problems.is_empty(), fits, "{minutes}: {problems:?}");
    }
}

#[test]
fn creatives_are_held_against_the_formats_where_they_run() {
    let creative = |format: Format, package: &str| Creative {
        id: "c".into(),
        name: "c".to_owned(),
        format,
        media_url: None,
        click_url: None,
        duration_ms: None,
        width: None,
        height: None,
        template_id: None,
        template_values: None,
        packages: vec![package.into()],
    };
    let mut buy = buy(2);
    buy.packages[1].platform = "zenith".into();
    for format in Format::ALL {
        let can = but(|can| can.formats.retain(|known| known != format));
        let added = |package| {
            let change = Change::AddCreatives(vec![creative(*format, package)]);
            fields(&can.unsupported(&"acme".into(), proposed(&change, &buy, &buy)))
        };
        assert_eq!(added("p0"), [format!("/assets/c/format={format}")]);
        assert!(added("p1").is_empty(), "it runs elsewhere");
    }
}

#[test]
fn a_description_that_contradicts_itself_is_refused_in_words() {
    assert_eq!(all().incoherence(), None);
    fn hours_of(can: &mut Capabilities) -> &mut DaypartingSupport {
        can.dayparting.as_mut().unwrap()
    }
    fn caps_of(can: &mut Capabilities) -> &mut FrequencyCapSupport {
        can.frequency_cap.as_mut().unwrap()
    }
    type Case = (fn(&mut Capabilities), &'static str);
    let cases: Vec<Case> = vec![
        (
            |can| can.targeting.push(can.targeting[3].clone()),
            "lists the targeting dimension `geo_city` twice; leave one out",
        ),
        (|can| can.targeting[0].operators.clear(), "lists the targeting dimension geo_country without an operator"),
        (
            |can| can.targeting[0].operators.push(Operator::AnyOf),
            "lists an operator of geo_country, `any_of` twice; leave one out",
        ),
        (
            |can| can.targeting[0].values = vec!["US".to_owned(), "US".to_owned()],
            "lists a value of geo_country, `US` twice; leave one out",
        ),
        (
            |can| can.targeting[0].values = vec![String::new()],
            "lists an empty value of the targeting dimension geo_country",
        ),
        (
            |can| can.formats.clear(),
            "lists no formats that this host knows; list one at least in `formats`, or nothing can be sold",
        ),
        (|can| can.formats.push(Format::Image), "lists one of its formats, `image` twice; leave one out"),
        (
            |can| can.pacing.clear(),
            "lists no ways of pacing that this host knows; list one at least in `pacing`, or nothing can be sold",
        ),
        (
            |can| can.price_models.clear(),
            "lists no price models that this host knows; list one at least in `price-models`, or nothing can be sold",
        ),
        (|can| can.updates.push("active".to_owned()), "lists the update `active` twice; leave one out"),
        (
            |can| can.read_requests = vec!["POST /a".to_owned(), "POST /a".to_owned()],
            "lists the read request `POST /a` twice; leave one out",
        ),
        (|can| hours_of(can).presets[0].schedules.clear(), "lists the daypart preset `morning` without hours"),
        (
            |can| {
                let again = hours_of(can).presets[0].clone();
                hours_of(can).presets.push(again);
            },
            "lists the daypart preset `morning` twice; leave one out",
        ),
        (|can| hours_of(can).max_ranges = Some(0), "takes dayparting of no range of hours"),
        (
            |can| {
                hours_of(can).presets.clear();
                hours_of(can).custom_schedules = false;
            },
            "takes dayparting, and neither presets nor other schedules",
        ),
        (|can| caps_of(can).scopes.clear(), "takes frequency caps of 0 scopes and 1 to 1000 minutes"),
        (|can| caps_of(can).min_minutes = 2_000, "takes frequency caps of 2 scopes and 2000 to 1000 minutes"),
    ];
    for (change, words) in cases {
        assert_eq!(but(change).incoherence().as_deref(), Some(words));
    }
}
