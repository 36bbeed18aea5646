//! Where a flight may deliver: `GeoTargeting`.
//!
//! A flight has a list of included places, any of which may match, and of excluded places. All
//! rules of a package must hold, so the included places of several rules are intersected: country
//! `US` and regions `US-CA`, `CA-ON` leave `US-CA`.

use flightdeck_adapter::{contradiction::Said, prelude::*};

/// More places than a buyer needs. Each is an entry in the request.
const MOST_PLACES: usize = 2_000;

/// One entry: a country, optionally with a region, a metro area, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    country: String,
    region: Option<String>,
    metro: Option<u16>,
    exclude: bool,
}

impl Place {
    /// Returns the entry as it is sent (OpenAPI document, geo targeting).
    #[must_use]
    pub fn object(&self) -> Object {
        let mut object = object! { "CountryCode": &self.country };
        // None of these fields may be null.
        if let Some(region) = &self.region {
            object.set("Region", region);
        }
        if let Some(metro) = self.metro {
            object.set("MetroCode", metro);
        }
        object.set("IsExclude", self.exclude);
        object
    }

    fn is_in(&self, outer: &Self) -> bool {
        self.country == outer.country
            && (outer.region.is_none() || self.region == outer.region)
            && (outer.metro.is_none() || self.metro == outer.metro)
    }

    /// Returns the intersection of two places.
    fn intersect(&self, other: &Self) -> Option<Self> {
        fn narrower<T: Clone + PartialEq>(one: &Option<T>, other: &Option<T>) -> Option<Option<T>> {
            match (one, other) {
                (Some(one), Some(other)) if one != other => None,
                (Some(one), _) => Some(Some(one.clone())),
                (None, other) => Some(other.clone()),
            }
        }
        (self.country == other.country).then_some(())?;
        Some(Self {
            country: self.country.clone(),
            region: narrower(&self.region, &other.region)?,
            metro: narrower(&self.metro, &other.metro)?,
            exclude: false,
        })
    }
}

/// Returns the places of a package's rules, in the order in which the buyer named them.
pub fn places(package: &PackageOrder, problems: &mut Problems) -> Vec<Place> {
    let mut included: Option<Vec<Place>> = None;
    let (mut wanted, mut excluded, mut shut) = (Vec::new(), Vec::new(), Vec::new());
    for rule in package.targeting.rules.iter().filter(|rule| is_place(&rule.dimension)) {
        let pointer = rule.pointer(&package.package_id);
        let mut read: Vec<Place> = Vec::new();
        for value in &rule.values {
            if let Some(place) = place(rule, value, &pointer, problems) {
                let known = if place.exclude { &mut shut } else { &mut wanted };
                known.push((place.clone(), Said::new(value, &pointer)));
                read.push(place);
            }
        }
        if rule.operator == Operator::NoneOf {
            excluded.extend(read);
            continue;
        }
        let complete = read.len() == rule.values.len();
        let both = match included.take() {
            None => read,
            Some(known) => known.iter().flat_map(|one| read.iter().filter_map(|two| one.intersect(two))).collect(),
        };
        if both.is_empty() && complete {
            let message = "No place fits this and the other places together.";
            problems.invalid("contradictory_targeting", pointer, rule.values.join(", "), message);
        } else if both.len() > MOST_PLACES {
            let message = format!("Together with the other places these are more than {MOST_PLACES}. Name fewer.");
            problems.invalid("too_many_places", pointer, both.len().to_string(), message);
        }
        included = Some(both);
    }
    for (place, said) in &wanted {
        if let Some((_, outer)) = shut.iter().find(|(outer, _)| place.is_in(outer)) {
            problems.wanted_and_excluded(said, outer);
        }
    }
    let mut places: Vec<Place> = Vec::new();
    for place in included.into_iter().flatten().chain(excluded) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// Whether a dimension is expressed by places.
#[must_use]
pub const fn is_place(dimension: &Dimension) -> bool {
    matches!(dimension, Dimension::GeoCountry | Dimension::GeoRegion | Dimension::GeoMetro)
}

fn place(rule: &TargetingRule, value: &str, pointer: &str, problems: &mut Problems) -> Option<Place> {
    let exclude = rule.operator == Operator::NoneOf;
    let (read, form) = match rule.dimension {
        Dimension::GeoCountry => (country(value).map(|country| (country, None, None)), "a country as US"),
        Dimension::GeoRegion => {
            (region(value).map(|(country, region)| (country, Some(region), None)), "a region as US-CA")
        }
        // Kevel's `MetroCode` is a Nielsen DMA code; only the United States has those.
        _ => (metro(value).map(|metro| ("US".to_owned(), None, Some(metro))), "a Nielsen DMA code as 501"),
    };
    let Some((country, region, metro)) = read else {
        let message = format!("Kevel takes {form} here.");
        problems.unsupported("unsupported_targeting", pointer, value, message, &[]);
        return None;
    };
    Some(Place { country, region, metro, exclude })
}

/// Parses a country's two-letter code. Kevel uses ISO 3166-1 alpha-2 in capitals.
#[must_use]
pub fn country(value: &str) -> Option<String> {
    (value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| value.to_ascii_uppercase())
}

/// Parses a country and its region. Kevel's region codes have two or three characters; some ISO
/// codes have one.
#[must_use]
pub fn region(value: &str) -> Option<(String, String)> {
    let (of, region) = value.split_once('-')?;
    let known = matches!(region.len(), 2 | 3) && region.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some((country(of)?, known.then(|| region.to_ascii_uppercase())?))
}

fn metro(value: &str) -> Option<u16> {
    value.parse().ok().filter(|code| (100..=999).contains(code) && value.len() == 3)
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::types::{
        Dimension::{GeoCountry, GeoMetro, GeoRegion},
        Operator::{AnyOf, NoneOf},
    };

    use super::*;
    use crate::samples::{package, rule};

    fn of(rules: Vec<TargetingRule>) -> Result<Vec<String>, Failure> {
        let mut package = package("news");
        package.targeting.rules = rules;
        let mut problems = Problems::default();
        let places = places(&package, &mut problems);
        problems.check()?;
        let short = |place: &Place| {
            let mut text = if place.exclude { "-".to_owned() } else { String::new() };
            text.push_str(&place.country);
            for part in [place.region.clone(), place.metro.map(|metro| metro.to_string())].into_iter().flatten() {
                text = format!("{text}.{part}");
            }
            text
        };
        Ok(places.iter().map(short).collect())
    }

    #[test]
    fn places_are_translated_in_their_order() {
        assert_eq!(of(vec![rule(GeoRegion, AnyOf, &["US-CA", "US-NY"])]).unwrap(), ["US.CA", "US.NY"]);
        assert_eq!(
            of(vec![rule(GeoCountry, AnyOf, &["us"]), rule(GeoMetro, NoneOf, &["501"])]).unwrap(),
            ["US", "-US.501"]
        );
        let object = Place { country: "US".into(), region: Some("CA".into()), metro: None, exclude: true }.object();
        assert_eq!(object.to_string(), r#"{"CountryCode":"US","Region":"CA","IsExclude":true}"#);
    }

    #[test]
    fn rules_hold_together() {
        let regions = rule(GeoRegion, AnyOf, &["US-CA", "CA-ON"]);
        assert_eq!(of(vec![regions.clone(), rule(GeoCountry, AnyOf, &["US"])]).unwrap(), ["US.CA"]);
        assert_eq!(of(vec![regions.clone(), rule(GeoMetro, AnyOf, &["803"])]).unwrap(), ["US.CA.803"]);
        assert_eq!(of(vec![regions.clone(), rule(GeoRegion, AnyOf, &["CA-ON", "US-NY"])]).unwrap(), ["CA.ON"]);
        let failure = of(vec![regions, rule(GeoCountry, AnyOf, &["DE"])]).unwrap_err();
        assert_eq!(failure.items[0].field, "/packages/news/targeting_overlay/geo_country_any_of");
    }

    #[test]
    fn a_place_inside_an_excluded_one_is_refused_with_both_pointers() {
        for (wanted, excluded) in [
            (rule(GeoRegion, AnyOf, &["US-CA"]), rule(GeoCountry, NoneOf, &["US"])),
            (rule(GeoRegion, AnyOf, &["US-NY", "US-CA"]), rule(GeoRegion, NoneOf, &["us-ca"])),
            (rule(GeoMetro, AnyOf, &["501"]), rule(GeoCountry, NoneOf, &["US"])),
        ] {
            let failure = of(vec![wanted.clone(), excluded.clone()]).unwrap_err();
            assert_eq!(failure.code, "contradictory_targeting");
            let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
            assert_eq!(fields, [wanted.pointer("news"), excluded.pointer("news")]);
        }
        assert_eq!(
            of(vec![rule(GeoCountry, AnyOf, &["US"]), rule(GeoRegion, NoneOf, &["US-CA"])]).unwrap(),
            ["US", "-US.CA"]
        );
    }

    #[test]
    fn what_is_no_place_is_named_item_by_item() {
        let failure = of(vec![
            rule(GeoCountry, AnyOf, &["USA", "US", "U1"]),
            rule(GeoRegion, NoneOf, &["AT-9", "CA"]),
            rule(GeoMetro, AnyOf, &["5010", "New York"]),
        ]);
        let values: Vec<String> = failure.unwrap_err().items.into_iter().map(|item| item.value).collect();
        assert_eq!(values, ["USA", "U1", "AT-9", "CA", "5010", "New York"]);
    }
}
