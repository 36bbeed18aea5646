//! Tests the rule by examples, and against an exhaustive list of people.

use proptest::{prelude::*, sample::subsequence};

use super::*;
use crate::domain::{
    field::PackageRef,
    targeting::{Daypart, Dayparting, Targeting, Weekday},
    testing,
    update::{BuyPatch, PackagePatch, When},
};

type Values<'a> = (Dimension, Operator, &'a [&'a str]);

use Dimension::{AudienceSegment, ContentGenre, DeviceType, GeoCity, GeoCountry, GeoMetro, GeoPostal, GeoRegion, Os};
use Operator::{AnyOf, NoneOf};

fn targeting(rules: &[Values<'_>]) -> Targeting {
    let mut targeting = Targeting::default();
    for (dimension, operator, values) in rules {
        targeting.add(*dimension, *operator, values.iter().map(|value| (*value).to_owned()));
    }
    targeting
}

fn buy(own: &[Values<'_>], package: &[Values<'_>]) -> MediaBuy {
    let mut buy = testing::buy(2);
    buy.targeting = targeting(own);
    buy.packages[0].targeting = targeting(package);
    buy
}

fn fields(buy: &MediaBuy) -> Vec<String> {
    let at = |package: &Package| Subject::Package(PackageRef::Named(package.id.clone()));
    buy.contradictions(at).into_iter().map(|problem| problem.field.to_string()).collect()
}

#[test]
fn what_contradicts_itself_is_refused_with_both_pointers() {
    for (rules, wanted) in [
        (
            &[(GeoRegion, AnyOf, &["US-CA"][..]), (GeoRegion, NoneOf, &["US-CA"])][..],
            ["geo_region_any_of", "geo_region_none_of"],
        ),
        (
            &[(GeoRegion, AnyOf, &["US-CA", "US-NY"]), (GeoRegion, NoneOf, &["us-ca"])],
            ["geo_region_any_of", "geo_region_none_of"],
        ),
        (
            &[(GeoRegion, AnyOf, &["US-CA"]), (GeoCountry, NoneOf, &["us"])],
            ["geo_region_any_of", "geo_country_none_of"],
        ),
        (
            &[(GeoCity, AnyOf, &["Toronto, CA-ON"]), (GeoRegion, NoneOf, &["CA-ON"])],
            ["geo_city_any_of", "geo_region_none_of"],
        ),
        (
            &[(GeoCity, AnyOf, &["Toronto, CA-ON"]), (GeoCity, NoneOf, &["toronto,ca"])],
            ["geo_city_any_of", "geo_city_none_of"],
        ),
        (
            &[(GeoCity, AnyOf, &["Qu\u{e9}bec, CA"]), (GeoCity, NoneOf, &["Que\u{301}bec, CA"])],
            ["geo_city_any_of", "geo_city_none_of"],
        ),
        (
            &[(GeoPostal, AnyOf, &["US-94105"]), (GeoPostal, NoneOf, &["US:94105"])],
            ["geo_postal_any_of", "geo_postal_none_of"],
        ),
        (
            &[(GeoPostal, AnyOf, &["GB:SW1A 1AA"]), (GeoCountry, NoneOf, &["UK"])],
            ["geo_postal_any_of", "geo_country_none_of"],
        ),
        (&[(GeoMetro, AnyOf, &["501"]), (GeoCountry, NoneOf, &["US"])], ["geo_metro_any_of", "geo_country_none_of"]),
        (&[(Os, AnyOf, &["ios", "android"]), (Os, NoneOf, &["iOS"])], ["os_any_of", "os_none_of"]),
        (
            &[(ContentGenre, AnyOf, &["News"]), (ContentGenre, NoneOf, &["news"])],
            ["content_genre_any_of", "content_genre_none_of"],
        ),
        (
            &[(AudienceSegment, AnyOf, &["7"]), (AudienceSegment, NoneOf, &["7"])],
            ["audience_segment_any_of", "audience_segment_none_of"],
        ),
        (&[(GeoCountry, AnyOf, &["CA"]), (GeoRegion, AnyOf, &["US-CA"])], ["geo_country_any_of", "geo_region_any_of"]),
        (
            &[(GeoRegion, AnyOf, &["US-NY"]), (GeoCity, AnyOf, &["Los Angeles, US-CA"])],
            ["geo_region_any_of", "geo_city_any_of"],
        ),
        (&[(GeoMetro, AnyOf, &["501"]), (GeoPostal, AnyOf, &["DE:10115"])], ["geo_metro_any_of", "geo_postal_any_of"]),
    ] {
        let wanted = wanted.map(|name| format!("/targeting_overlay/{name}"));
        assert_eq!(fields(&buy(rules, &[])), wanted, "{rules:?}");
        let wanted = wanted.map(|name| format!("/packages/p0{name}"));
        assert_eq!(fields(&buy(&[], rules)), wanted, "{rules:?} of a package");
        // Divide the rules between the buy and the package.
        for (own, package) in [(&rules[..1], &rules[1..]), (&rules[1..], &rules[..1])] {
            let found = fields(&buy(own, package));
            assert_eq!(found.len(), 2, "{own:?} and {package:?}: {found:?}");
            assert_eq!(found.iter().filter(|field| field.starts_with("/packages/p0/")).count(), 1, "{found:?}");
        }
    }
}

#[test]
fn what_can_match_somebody_is_taken() {
    for rules in [
        &[(GeoCountry, AnyOf, &["US"][..]), (GeoRegion, NoneOf, &["US-CA"])][..],
        &[
            (GeoCountry, AnyOf, &["US", "CA"]),
            (GeoRegion, AnyOf, &["US-CA", "CA-ON"]),
            (GeoCity, NoneOf, &["Toronto, CA-ON"]),
        ],
        &[(GeoRegion, AnyOf, &["US-CA"]), (GeoRegion, NoneOf, &["US-FL"]), (GeoCountry, NoneOf, &["FR"])],
        &[(GeoRegion, AnyOf, &["US-CA"]), (GeoMetro, AnyOf, &["803"]), (GeoPostal, AnyOf, &["US-90210"])],
        &[(GeoCity, AnyOf, &["1002451"]), (GeoCountry, NoneOf, &["US"])],
        &[(GeoMetro, AnyOf, &["31"]), (GeoCountry, NoneOf, &["US"])],
        &[(DeviceType, AnyOf, &["mobile"]), (DeviceType, NoneOf, &["tablet"]), (Os, NoneOf, &["ios"])],
        &[(AudienceSegment, AnyOf, &["a"]), (AudienceSegment, NoneOf, &["A"])],
    ] {
        assert_eq!(fields(&buy(rules, &[])), [""; 0], "{rules:?}");
        assert_eq!(fields(&buy(&[], rules)), [""; 0], "{rules:?}");
    }
    // The package's included values replace those of the buy.
    assert_eq!(fields(&buy(&[(GeoRegion, AnyOf, &["US-CA"])], &[(GeoRegion, AnyOf, &["US-NY"])])), [""; 0]);
}

#[test]
fn what_a_package_wants_and_its_buy_excludes_is_told_once_and_in_words() {
    let mut buy = buy(&[(GeoCountry, NoneOf, &["US"])], &[(GeoRegion, AnyOf, &["US-CA"])]);
    buy.packages[1].targeting = targeting(&[(GeoRegion, AnyOf, &["CA-ON"])]);
    let problems = buy.contradictions(|package| Subject::Package(PackageRef::Named(package.id.clone())));
    let said: Vec<(&str, &str)> = problems
        .iter()
        .map(|problem| (problem.value.as_deref().unwrap_or_default(), problem.message.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                "US-CA",
                "is wanted here and lies in US, which geo_country_none_of of the media buy excludes; leave one of the two out"
            ),
            (
                "US",
                "is excluded here, and geo_region_any_of of package p0 wants US-CA, which lies in it; leave one of the two out"
            ),
        ]
    );
}

#[test]
fn a_closed_list_must_keep_something() {
    for dimension in Dimension::ALL {
        let Some(all) = dimension.closed_list() else { continue };
        assert!(all.iter().all(|value| dimension.spelled(value) == *value));
        let (first, rest) = all.split_at(1);
        let wanted = [
            format!("/targeting_overlay/{dimension}_none_of"),
            format!("/packages/p0/targeting_overlay/{dimension}_none_of"),
        ];
        let found: BTreeSet<String> =
            fields(&buy(&[(*dimension, NoneOf, first)], &[(*dimension, NoneOf, rest)])).into_iter().collect();
        assert_eq!(found, BTreeSet::from(wanted));
        assert_eq!(fields(&buy(&[(*dimension, NoneOf, rest)], &[])), [""; 0]);
    }
}

#[test]
fn an_update_is_judged_by_what_it_makes_of_the_buy() {
    let before = buy(&[(GeoCountry, NoneOf, &["US"])], &[]);
    let now = || When::at_once(before.start);
    let one = |id: &str, rules: &[Values<'_>]| PackagePatch {
        package: Some(id.into()),
        targeting: Some(Some(targeting(rules))),
        ..PackagePatch::default()
    };
    let patch = BuyPatch { packages: vec![one("p1", &[(GeoRegion, AnyOf, &["US-CA"])])], ..BuyPatch::default() };
    let refused: Vec<String> =
        patch.apply(&before, now()).unwrap_err().into_iter().map(|problem| problem.field.to_string()).collect();
    assert_eq!(refused, ["/packages/0/targeting_overlay/geo_region_any_of", "/targeting_overlay/geo_country_none_of"]);
    let opened = BuyPatch { targeting: Some(None), ..patch };
    let after = opened.apply(&before, now()).unwrap();
    // Now change the other half alone. The request does not name the package.
    let shut = BuyPatch { targeting: Some(Some(before.targeting.clone())), ..BuyPatch::default() };
    let refused: Vec<String> =
        shut.apply(&after, now()).unwrap_err().into_iter().map(|problem| problem.field.to_string()).collect();
    assert_eq!(refused, ["/packages/p1/targeting_overlay/geo_region_any_of", "/targeting_overlay/geo_country_none_of"]);
}

#[test]
fn what_stood_before_keeps_nothing_else_from_being_changed() {
    let stands = buy(&[(GeoCountry, NoneOf, &["US"])], &[(GeoRegion, AnyOf, &["US-CA"])]);
    let other = PackagePatch {
        package: Some("p1".into()),
        targeting: Some(Some(targeting(&[(GeoRegion, AnyOf, &["CA-ON"])]))),
        ..PackagePatch::default()
    };
    let patch = BuyPatch { active: Some(false), packages: vec![other], ..BuyPatch::default() };
    assert!(patch.apply(&stands, When::at_once(stands.start)).is_ok());
}

#[test]
fn hours_that_a_short_flight_does_not_have_are_refused_also_when_it_is_shortened() {
    let mut buy = testing::buy(2);
    buy.packages[1].targeting.dayparting = Some(Dayparting {
        timezone: "UTC".to_owned(),
        schedules: vec![Daypart { days: vec![Weekday::Monday], start_hour: 6, end_hour: 10 }],
        presets: Vec::new(),
    });
    assert_eq!(fields(&buy), [""; 0], "thirty days have a Monday");
    // The flight begins on a Tuesday.
    let shorter = BuyPatch { end: Some(buy.start.plus_millis(3 * 86_400_000)), ..BuyPatch::default() };
    let refused: Vec<String> = shorter
        .apply(&buy, When::at_once(buy.start))
        .unwrap_err()
        .into_iter()
        .map(|problem| problem.field.to_string())
        .collect();
    assert_eq!(refused, ["/packages/p1/targeting_overlay/dayparting", "/flight_end_date"]);
    let long_enough = BuyPatch { end: Some(buy.start.plus_millis(7 * 86_400_000)), ..BuyPatch::default() };
    assert!(long_enough.apply(&buy, When::at_once(buy.start)).is_ok());
}

/// A person: country, region, market area, city, postal code, device, genre. An empty string stands
/// for something that no value names.
type Person = [&'static str; 7];

fn everybody() -> Vec<Person> {
    let mut all = Vec::new();
    let regions = [("US", "CA"), ("US", "NY"), ("US", ""), ("CA", "ON"), ("CA", ""), ("ZZ", "")];
    let devices = DeviceType.closed_list().unwrap();
    for (country, region) in regions {
        for metro in if country == "US" { &["501", "803", ""][..] } else { &[""] } {
            for city in ["a", "b", ""] {
                for code in ["1", ""] {
                    for device in devices {
                        for genre in ["news", ""] {
                            all.push([country, region, metro, city, code, device, genre]);
                        }
                    }
                }
            }
        }
    }
    all
}

/// Whether a value matches a person, decided independently of the rule. Covers every value that the
/// property test uses.
fn matches(dimension: Dimension, value: &str, [country, region, metro, city, code, device, genre]: &Person) -> bool {
    match (dimension, value) {
        (GeoCountry, "US" | "us") => *country == "US",
        (GeoCountry, "CA") => *country == "CA",
        (GeoRegion, "US-CA") => (*country, *region) == ("US", "CA"),
        (GeoRegion, "us-ny") => (*country, *region) == ("US", "NY"),
        (GeoRegion, "CA-ON") => (*country, *region) == ("CA", "ON"),
        (GeoMetro, number) => *metro == number,
        (GeoCity, "A, US") => (*country, *city) == ("US", "a"),
        (GeoCity, "A,us-ca") => (*country, *region, *city) == ("US", "CA", "a"),
        (GeoCity, "B, CA-ON") => (*country, *region, *city) == ("CA", "ON", "b"),
        (GeoPostal, "US:1" | "us-1") => (*country, *code) == ("US", "1"),
        (GeoPostal, "CA-1") => (*country, *code) == ("CA", "1"),
        (DeviceType, word) => device.eq_ignore_ascii_case(word),
        (ContentGenre, word) => genre.eq_ignore_ascii_case(word),
        _ => panic!("{dimension} {value}"),
    }
}

fn pools() -> Vec<(Dimension, Vec<&'static str>)> {
    vec![
        (GeoCountry, vec!["US", "us", "CA"]),
        (GeoRegion, vec!["US-CA", "us-ny", "CA-ON"]),
        (GeoMetro, vec!["501", "803"]),
        (GeoCity, vec!["A, US", "A,us-ca", "B, CA-ON"]),
        (GeoPostal, vec!["US:1", "us-1", "CA-1"]),
        (DeviceType, vec!["mobile", "desktop", "tablet", "CTV", "audio", "dooh"]),
        (ContentGenre, vec!["news", "News"]),
    ]
}

/// Some rules as a buyer might write them. Each dimension has a rule of each operator with a
/// probability of one third.
fn some_rules() -> impl Strategy<Value = Vec<(Dimension, Operator, Vec<&'static str>)>> {
    let rule = |(dimension, pool): (Dimension, Vec<&'static str>)| {
        let most = pool.len();
        let some = || prop_oneof![2 => Just(Vec::new()).boxed(), 1 => subsequence(pool.clone(), 1..=most).boxed()];
        (some(), some()).prop_map(move |(any, none)| {
            [(dimension, AnyOf, any), (dimension, NoneOf, none)]
                .into_iter()
                .filter(|(.., values)| !values.is_empty())
                .collect::<Vec<_>>()
        })
    };
    pools().into_iter().map(rule).collect::<Vec<_>>().prop_map(|rules| rules.concat())
}

/// Whether the rules contradict themselves, found by testing everybody.
fn contradicts(rules: &[(Dimension, Operator, Vec<&'static str>)], everybody: &[Person]) -> bool {
    let matching = |(dimension, operator, values): &(Dimension, Operator, Vec<&'static str>), person: &Person| {
        let any = values.iter().any(|value| matches(*dimension, value, person));
        any == (*operator == AnyOf)
    };
    let nobody = !everybody.iter().any(|person| rules.iter().all(|rule| matching(rule, person)));
    let values = |wanted: Operator| {
        rules
            .iter()
            .filter(move |(_, operator, _)| *operator == wanted)
            .flat_map(|(dimension, _, values)| values.iter().map(|value| (*dimension, *value)))
    };
    let covers = |(outer, excluded): (Dimension, &str), (inner, wanted): (Dimension, &str)| {
        everybody.iter().filter(|person| matches(inner, wanted, person)).all(|person| matches(outer, excluded, person))
    };
    let pair = values(AnyOf).any(|wanted| values(NoneOf).any(|excluded| covers(excluded, wanted)));
    nobody || pair
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn it_is_refused_if_and_only_if_nobody_is_left_or_what_is_wanted_is_excluded(
        rules in some_rules(),
        halves in prop::collection::vec(any::<bool>(), 14),
    ) {
        let everybody = everybody();
        let borrowed: Vec<Values<'_>> = rules.iter().map(|(dimension, operator, values)| (*dimension, *operator, values.as_slice())).collect();
        let expected = contradicts(&rules, &everybody);
        prop_assert_eq!(!fields(&buy(&borrowed, &[])).is_empty(), expected, "{:?}", rules);
        // The result does not depend on how the rules are divided between the buy and a package.
        let half = |wanted: bool| -> Vec<Values<'_>> {
            borrowed.iter().zip(&halves).filter(|(_, half)| **half == wanted).map(|(rule, _)| *rule).collect()
        };
        let divided = fields(&buy(&half(true), &half(false)));
        prop_assert_eq!(!divided.is_empty(), expected, "{:?}", divided);
    }

    #[test]
    fn what_holds_for_a_package_is_what_its_adapter_is_sent(one in some_rules(), other in some_rules()) {
        let borrow = |rules: &[(Dimension, Operator, Vec<&'static str>)]| {
            rules.iter().fold(Targeting::default(), |mut all, (dimension, operator, values)| {
                all.add(*dimension, *operator, values.iter().map(|value| (*value).to_owned()));
                all
            })
        };
        let mut buy = testing::buy(1);
        (buy.targeting, buy.packages[0].targeting) = (borrow(&one), borrow(&other));
        let mut joined = Targeting::default();
        for (rule, _) in effective(&buy.targeting, &buy.packages[0]) {
            joined.add(rule.dimension, rule.operator, rule.values.clone());
        }
        prop_assert_eq!(joined, buy.targeting_of(&buy.packages[0]));
    }
}
