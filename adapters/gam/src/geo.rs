//! Where a line item may deliver: `geoTargeting`.
//!
//! Ad Manager identifies places by its own ids, which are looked up by name (see
//! [`catalogue`](crate::catalogue)). A line item has a list of included places, any of which may
//! match, and a list of excluded places. All rules of a package must hold, so the included places
//! of several rules are intersected: country `US` and regions `US-CA`, `CA-ON` leave `US-CA`. Where
//! two places overlap in a way that no third place describes (a region and a metro area), the
//! combination is refused.
//!
//! Ad Manager refuses what its page on `GeoTargeting` calls a contradiction: a place that is both
//! included and excluded, or that is inside an excluded one. It also refuses redundant exclusions:
//! including California already excludes Florida. So an excluded place that is disjoint from all
//! included places is not sent. Postal codes can't be excluded.

use std::collections::BTreeMap;

use flightdeck_adapter::{contradiction::Said, prelude::*, words::postal_code};

use crate::{api, inferred, regions};

/// A place, before it is looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A country, by its two-letter code.
    Country(String),
    /// A region of a country, by its code.
    Region(String, String),
    /// A Nielsen metro area (DMA) of the United States.
    Metro(u32),
    /// A city of a country, optionally within a region.
    City {
        /// The name in English.
        name: String,
        /// The country's two-letter code.
        country: String,
        /// The region's code.
        region: Option<String>,
    },
    /// A postal code of a country.
    Postal(String, String),
    /// Ad Manager's own id, as given by the buyer or the publisher.
    Id(String),
}

/// The intersection of two places.
enum Both {
    Place(Place),
    Nothing,
    /// They overlap, but no place describes the intersection.
    Unknown,
}

impl Place {
    fn country(&self) -> Option<&str> {
        match self {
            Self::Country(country) | Self::Region(country, _) | Self::Postal(country, _) => Some(country),
            Self::City { country, .. } => Some(country),
            Self::Metro(_) => Some("US"),
            Self::Id(_) => None,
        }
    }

    /// Makes a place from Ad Manager's id, decoding it where possible.
    fn by_id(id: &str) -> Self {
        let metro = id.parse().ok().and_then(inferred::metro_code);
        metro.map_or_else(|| Self::Id(id.to_owned()), Self::Metro)
    }

    /// Whether it is known to be inside another place, or the same.
    fn is_in(&self, outer: &Self) -> bool {
        matches!(self.and(outer), Both::Place(place) if place == *self)
    }

    fn and(&self, other: &Self) -> Both {
        if self == other {
            return Both::Place(self.clone());
        }
        let (Some(one), Some(two)) = (self.country(), other.country()) else { return Both::Unknown };
        if one != two {
            return Both::Nothing;
        }
        match (self, other) {
            (Self::Country(_), narrower) | (narrower, Self::Country(_)) => Both::Place(narrower.clone()),
            (Self::Region(_, region), city @ Self::City { region: Some(of), .. })
            | (city @ Self::City { region: Some(of), .. }, Self::Region(_, region)) => {
                if of == region {
                    Both::Place(city.clone())
                } else {
                    Both::Nothing
                }
            }
            (Self::Region(..), Self::Region(..))
            | (Self::Metro(_), Self::Metro(_))
            | (Self::City { region: Some(_), .. }, Self::City { region: Some(_), .. })
            | (Self::Postal(..), Self::Postal(..)) => Both::Nothing,
            _ => Both::Unknown,
        }
    }
}

/// A place with the buyer's word for it and its location in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The place, before lookup.
    pub place: Place,
    /// The buyer's word.
    pub word: String,
    /// The JSON pointer of the word in the request.
    pub pointer: String,
}

/// Returns the included and excluded places of a package's rules, in the order in which the buyer
/// named them.
pub fn places(
    known: &BTreeMap<String, String>,
    package: &PackageOrder,
    problems: &mut Problems,
) -> (Vec<Named>, Vec<Named>) {
    let mut included: Option<Vec<Named>> = None;
    let (mut wanted, mut excluded) = (Vec::new(), Vec::new());
    for rule in package.targeting.rules.iter().filter(|rule| is_place(&rule.dimension)) {
        let pointer = rule.pointer(&package.package_id);
        let mut read: Vec<Named> = Vec::new();
        if (&rule.dimension, rule.operator) == (&Dimension::GeoPostal, Operator::NoneOf) {
            for value in &rule.values {
                let message = "Ad Manager can't exclude postal codes.";
                problems.unsupported("unsupported_targeting", &pointer, value, message, &["geo_postal_any_of"]);
            }
            continue;
        }
        for value in &rule.values {
            match place(known, &rule.dimension, value) {
                Ok(place) => read.push(Named { place, word: value.clone(), pointer: pointer.clone() }),
                Err((message, supported)) => {
                    problems.unsupported("unsupported_targeting", &pointer, value, message, supported);
                }
            }
        }
        if rule.operator == Operator::NoneOf {
            excluded.extend(read);
            continue;
        }
        let complete = read.len() == rule.values.len();
        wanted.extend(read.iter().cloned());
        let both = match included.take() {
            None => read,
            Some(known) => intersect(&known, &read, problems),
        };
        if both.is_empty() && complete && problems.is_empty() {
            let message = "No place fits this and the other places together.";
            problems.invalid("contradictory_targeting", pointer, rule.values.join(", "), message);
        }
        included = Some(both);
    }
    for named in &wanted {
        if let Some(outer) = excluded.iter().find(|outer: &&Named| named.place.is_in(&outer.place)) {
            problems.wanted_and_excluded(&named.said(), &outer.said());
        }
    }
    let included = each_once(included.unwrap_or_default());
    if !included.is_empty() {
        excluded.retain(|named| included.iter().any(|one| !matches!(one.place.and(&named.place), Both::Nothing)));
    }
    (included, each_once(excluded))
}

impl Named {
    /// Returns the word with its place in the request.
    pub(crate) fn said(&self) -> Said {
        Said::new(&self.word, &self.pointer)
    }
}

fn intersect(known: &[Named], read: &[Named], problems: &mut Problems) -> Vec<Named> {
    let mut both = Vec::new();
    for two in read {
        for one in known {
            match one.place.and(&two.place) {
                Both::Place(place) => {
                    let from = if place == one.place { one } else { two };
                    both.push(from.clone());
                }
                Both::Nothing => {}
                Both::Unknown => {
                    let message = format!(
                        "Ad Manager joins places by or and can't be told of what is both in {} and in {}. Name the \
                         places by one dimension.",
                        one.word, two.word
                    );
                    problems.unsupported("unsupported_targeting", &two.pointer, &two.word, message, &[]);
                }
            }
        }
    }
    both
}

fn each_once(places: Vec<Named>) -> Vec<Named> {
    let mut once: Vec<Named> = Vec::new();
    for named in places {
        if !once.iter().any(|known| known.place == named.place) {
            once.push(named);
        }
    }
    once
}

/// Whether a dimension is expressed by places.
#[must_use]
pub const fn is_place(dimension: &Dimension) -> bool {
    matches!(
        dimension,
        Dimension::GeoCountry | Dimension::GeoRegion | Dimension::GeoMetro | Dimension::GeoCity | Dimension::GeoPostal
    )
}

type Unreadable = (&'static str, &'static [&'static str]);

fn place(known: &BTreeMap<String, String>, dimension: &Dimension, value: &str) -> Result<Place, Unreadable> {
    if let Some(id) = known.get(value) {
        return Ok(Place::by_id(id));
    }
    let (read, message) = match dimension {
        Dimension::GeoCountry => (country(value).map(Place::Country), "Ad Manager takes a country as US here."),
        Dimension::GeoRegion => return region(value),
        Dimension::GeoMetro => (metro(value), "Ad Manager takes a Nielsen DMA code as 501 here."),
        Dimension::GeoCity => (
            city(value),
            "Ad Manager takes a city with its region or country here, as Toronto, CA-ON, or its criteria id.",
        ),
        _ => (postal(value), "Ad Manager takes country and postal code here, as US:10001."),
    };
    read.ok_or((message, &[]))
}

fn country(value: &str) -> Option<String> {
    (value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| value.to_ascii_uppercase())
}

fn parts(value: &str) -> Option<(String, String)> {
    let (of, code) = value.split_once('-')?;
    let plain = (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some((country(of)?, plain.then(|| code.to_ascii_uppercase())?))
}

fn region(value: &str) -> Result<Place, Unreadable> {
    let Some((country, code)) = parts(value) else { return Err(("Ad Manager takes a region as US-CA here.", &[])) };
    if regions::name(&country, &code).is_some() {
        return Ok(Place::Region(country, code));
    }
    Err((
        "The adapter does not know this region: it knows those of these countries, and those that the publisher has \
         configured (geo_targets). Name its cities, or target its country.",
        &regions::COUNTRIES,
    ))
}

fn metro(value: &str) -> Option<Place> {
    value.parse().ok().filter(|code| (100..=999).contains(code) && value.len() == 3).map(Place::Metro)
}

fn city(value: &str) -> Option<Place> {
    if api::is_id(value) {
        return Some(Place::by_id(value));
    }
    let (name, area) = value.rsplit_once(',')?;
    let (name, area) = (name.trim(), area.trim());
    let (country, region) = match parts(area) {
        // A region without a name could not be told apart from another one that has a city of the
        // same name.
        Some((country, code)) => (country.clone(), Some(regions::name(&country, &code).map(|_| code)?)),
        None => (country(area)?, None),
    };
    (!name.is_empty()).then(|| Place::City { name: name.to_owned(), country, region })
}

fn postal(value: &str) -> Option<Place> {
    let (of, code) = postal_code(value)?;
    let plain = code.len() <= 12 && code.chars().all(|c| c.is_ascii_alphanumeric() || " -".contains(c));
    Some(Place::Postal(country(of)?, plain.then(|| code.to_ascii_uppercase())?))
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::types::{
        Dimension::{GeoCity, GeoCountry, GeoMetro, GeoPostal, GeoRegion},
        Operator::{AnyOf, NoneOf},
    };

    use super::*;
    use crate::samples::{package, rule};

    fn of(rules: Vec<TargetingRule>) -> Fallible<(Vec<String>, Vec<String>)> {
        let mut package = package("news");
        package.targeting.rules = rules;
        let mut problems = Problems::default();
        let known = BTreeMap::from([("FR-IDF".to_owned(), "20321".to_owned())]);
        let (included, excluded) = places(&known, &package, &mut problems);
        let words = |list: Vec<Named>| list.into_iter().map(|named| named.word).collect();
        problems.check().map(|()| (words(included), words(excluded)))
    }

    #[test]
    fn every_form_is_read() {
        let read = |dimension, value: &str| place(&BTreeMap::new(), &dimension, value);
        assert_eq!(read(GeoCountry, "us"), Ok(Place::Country("US".to_owned())));
        assert_eq!(read(GeoRegion, "US-CA"), Ok(Place::Region("US".to_owned(), "CA".to_owned())));
        assert_eq!(read(GeoMetro, "501"), Ok(Place::Metro(501)));
        let toronto =
            Place::City { name: "Toronto".to_owned(), country: "CA".to_owned(), region: Some("ON".to_owned()) };
        assert_eq!(read(GeoCity, "Toronto, CA-ON"), Ok(toronto));
        assert_eq!(read(GeoCity, "1002451"), Ok(Place::Id("1002451".to_owned())));
        assert_eq!(read(GeoPostal, "GB:sw1a 1aa"), Ok(Place::Postal("GB".to_owned(), "SW1A 1AA".to_owned())));
        assert_eq!(read(GeoPostal, "US-94105"), read(GeoPostal, "US:94105"));
        assert_eq!(read(GeoCity, "200501"), Ok(Place::Metro(501)));
        for (dimension, value) in [
            (GeoCountry, "USA"),
            (GeoRegion, "California"),
            (GeoRegion, "FR-IDF"),
            (GeoMetro, "51"),
            (GeoCity, "Toronto"),
            (GeoCity, "Lyon, FR-ARA"),
            (GeoPostal, "10001"),
            (GeoPostal, "US:1\"0"),
        ] {
            assert!(read(dimension.clone(), value).is_err(), "{dimension:?} {value}");
        }
    }

    #[test]
    fn rules_hold_together() {
        let us = || rule(GeoCountry, AnyOf, &["US", "CA"]);
        let two = of(vec![us(), rule(GeoRegion, AnyOf, &["US-CA", "GB-ENG"])]).unwrap();
        assert_eq!(two.0, ["US-CA"]);
        let two = of(vec![rule(GeoRegion, AnyOf, &["CA-ON"]), rule(GeoCity, AnyOf, &["Toronto, CA-ON"])]).unwrap();
        assert_eq!(two.0, ["Toronto, CA-ON"]);
        let two = of(vec![us(), rule(GeoMetro, NoneOf, &["501", "501"])]).unwrap();
        assert_eq!((two.0.len(), two.1.len()), (2, 1));
        assert_eq!(
            of(vec![rule(GeoRegion, AnyOf, &["FR-IDF"])]).unwrap().0,
            ["FR-IDF"],
            "a setting of the publisher's"
        );
    }

    #[test]
    fn what_goes_without_saying_is_not_sent() {
        let two = of(vec![
            rule(GeoRegion, AnyOf, &["US-CA"]),
            rule(GeoRegion, NoneOf, &["US-FL"]),
            rule(GeoCountry, NoneOf, &["FR"]),
            rule(GeoCity, NoneOf, &["Los Angeles, US-CA", "Miami, US-FL"]),
            rule(GeoMetro, NoneOf, &["803"]),
        ]);
        assert_eq!(two.unwrap().1, ["Los Angeles, US-CA", "803"]);
        assert_eq!(of(vec![rule(GeoCountry, NoneOf, &["FR"])]).unwrap().1, ["FR"]);
    }

    #[test]
    fn what_ad_manager_would_refuse_is_refused_with_both_pointers() {
        for (rules, values) in [
            (
                vec![rule(GeoRegion, AnyOf, &["US-CA", "US-NY"]), rule(GeoCountry, NoneOf, &["US"])],
                &["US-CA", "US", "US-NY", "US"][..],
            ),
            (vec![rule(GeoCity, AnyOf, &["1002451"]), rule(GeoCity, NoneOf, &["1002451"])], &["1002451", "1002451"]),
            (vec![rule(GeoMetro, AnyOf, &["501"]), rule(GeoCity, NoneOf, &["200501"])], &["501", "200501"]),
            (vec![rule(GeoRegion, AnyOf, &["FR-IDF"]), rule(GeoCity, NoneOf, &["20321"])], &["FR-IDF", "20321"]),
        ] {
            let failure = of(rules).unwrap_err();
            assert_eq!((failure.code.as_str(), failure.kind), ("contradictory_targeting", FailureKind::Invalid));
            let said: Vec<&str> = failure.items.iter().map(|item| item.value.as_str()).collect();
            assert_eq!(said, values);
        }
        let failure = of(vec![rule(GeoPostal, NoneOf, &["US:94105"])]).unwrap_err();
        assert_eq!(
            (failure.kind, failure.items[0].supported.clone()),
            (FailureKind::Unsupported, vec!["geo_postal_any_of".to_owned()])
        );
    }

    #[test]
    fn what_has_no_place_of_its_own_is_refused() {
        let failure = of(vec![rule(GeoRegion, AnyOf, &["US-CA"]), rule(GeoMetro, AnyOf, &["803"])]).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.items[0].value.as_str()), ("unsupported_targeting", "803"));
        let failure = of(vec![rule(GeoCountry, AnyOf, &["US"]), rule(GeoRegion, AnyOf, &["CA-ON"])]).unwrap_err();
        assert_eq!(failure.code, "contradictory_targeting");
        let failure = of(vec![rule(GeoRegion, AnyOf, &["FR-ARA"])]).unwrap_err();
        assert_eq!(failure.items[0].supported, regions::COUNTRIES);
    }
}
