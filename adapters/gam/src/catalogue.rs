//! Ad Manager's ids of places, devices, keys and values, looked up by the words that buyers and
//! settings use. One request per kind, for any number of packages.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_adapter::prelude::*;
use serde::Deserialize;

use crate::{
    api::{AT_ONCE, Network, any, quoted},
    geo::{self, Place},
    inferred, regions,
    targeting::{KeyValues, Targeting, Wanted},
    words::Catalog,
};

/// A word of a catalogue.
type Word = (Catalog, &'static str);

/// The results of the lookups.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    places: BTreeMap<Place, GeoTarget>,
    words: BTreeMap<Word, Vec<String>>,
    keys: BTreeMap<String, String>,
    values: BTreeMap<(String, String), String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeoTarget {
    name: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    region_code: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    parent_names: Vec<String>,
    #[serde(default)]
    targetable: Option<bool>,
}

impl GeoTarget {
    /// Whether it is inside another place: its country, or a place that Ad Manager names as one
    /// above it.
    fn is_in(&self, outer: &Self) -> bool {
        self.region_code == outer.region_code && self.parent_names.contains(&outer.display_name)
    }

    /// Whether it may be inside another place. A market area crosses the borders of the others.
    fn may_be_in(&self, outer: &Self) -> bool {
        let crosses = |place: &Self| place.kind == inferred::METRO_TYPE && self.region_code == outer.region_code;
        self.is_in(outer) || crosses(self) || crosses(outer)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    #[serde(default)]
    display_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    name: String,
    #[serde(default)]
    ad_tag_name: String,
    #[serde(default)]
    custom_targeting_key: String,
}

impl Catalogue {
    /// Looks up everything that some targetings refer to.
    ///
    /// # Errors
    /// `unsupported`, with an item for everything that Ad Manager doesn't have. When Ad Manager
    /// can't be reached.
    pub fn of<'t>(network: &Network, targetings: impl IntoIterator<Item = &'t Targeting>) -> Fallible<Self> {
        let targetings: Vec<&Targeting> = targetings.into_iter().collect();
        let mut catalogue = Self::default();
        let mut problems = Problems::default();
        catalogue.read_places(network, &targetings, &mut problems)?;
        for catalog in Catalog::ALL {
            catalogue.read_words(network, catalog, &targetings, &mut problems)?;
        }
        catalogue.read_keys(network, &targetings, &mut problems)?;
        problems.check()?;
        Ok(catalogue)
    }

    /// Returns a targeting in the form that is sent.
    #[must_use]
    pub fn targeting(&self, targeting: &Targeting) -> Object {
        targeting.object(&|wanted| match wanted {
            Wanted::Place(named) if self.goes_without_saying(targeting, named) => Vec::new(),
            Wanted::Place(named) => self.places.get(&named.place).map(|place| place.name.clone()).into_iter().collect(),
            Wanted::Word(catalog, word) => self.words.get(&(catalog, word.word)).cloned().unwrap_or_default(),
            Wanted::Key(key) => self.keys.get(&key.key).cloned().into_iter().collect(),
            Wanted::Value(key, value) => {
                self.values.get(&(key.key.clone(), value.to_owned())).cloned().into_iter().collect()
            }
        })
    }

    /// Whether an excluded place is outside of all included places, as far as only Ad Manager knows:
    /// of places that were named by their ids. Ad Manager refuses such an exclusion (SOAP,
    /// `GeoTargeting`).
    fn goes_without_saying(&self, targeting: &Targeting, named: &geo::Named) -> bool {
        let Some(excluded) = self.places.get(&named.place).filter(|_| targeting.not_places.contains(named)) else {
            return false;
        };
        let mut included = targeting.places.iter().filter_map(|place| self.places.get(&place.place)).peekable();
        included.peek().is_some() && included.all(|included| !excluded.may_be_in(included))
    }

    /// Refuses places whose ids contradict each other: an included place inside an excluded one, or
    /// inside another included one.
    fn check_places(&self, targeting: &Targeting, problems: &mut Problems) {
        for inner in &targeting.places {
            let Some(place) = self.places.get(&inner.place) else { continue };
            let around = |outer: &&geo::Named| {
                self.places.get(&outer.place).is_some_and(|outer| outer.name != place.name && place.is_in(outer))
            };
            if let Some(outer) = targeting.not_places.iter().find(around) {
                problems.wanted_and_excluded(&inner.said(), &outer.said());
            }
            if let Some(outer) = targeting.places.iter().find(around) {
                let message = format!("It is inside {}, which is included too: name one of the two.", outer.word);
                problems.invalid("contradictory_targeting", &inner.pointer, &inner.word, message);
            }
        }
    }

    fn read_places(&mut self, network: &Network, targetings: &[&Targeting], problems: &mut Problems) -> Fallible<()> {
        let named: Vec<&geo::Named> =
            targetings.iter().flat_map(|targeting| targeting.places.iter().chain(&targeting.not_places)).collect();
        let wanted: BTreeSet<&Place> = named.iter().map(|named| &named.place).collect();
        let wanted: Vec<&Place> = wanted.into_iter().collect();
        let mut found: BTreeMap<Place, Vec<GeoTarget>> = BTreeMap::new();
        for some in wanted.chunks(AT_ONCE) {
            let filter = any(some.iter().map(|place| place_filter(network, place)));
            for target in network.list::<GeoTarget>("geoTargets", "geoTargets", &filter) {
                let target = target?;
                for place in some.iter().filter(|place| is(network, place, &target)) {
                    found.entry((*place).clone()).or_default().push(target.clone());
                }
            }
        }
        for named in named {
            match found.get(&named.place).map(Vec::as_slice) {
                Some([one]) => {
                    self.places.insert(named.place.clone(), one.clone());
                }
                Some([_, _, ..]) => {
                    let message =
                        "Ad Manager has several places of this name. Name its region, too, or its criteria id.";
                    problems.unsupported("ambiguous_place", &named.pointer, &named.word, message, &[]);
                }
                _ => {
                    let message = "Ad Manager has no such place that can be targeted.";
                    problems.unsupported("unknown_place", &named.pointer, &named.word, message, &[]);
                }
            }
        }
        for targeting in targetings {
            self.check_places(targeting, problems);
        }
        Ok(())
    }

    fn read_words(
        &mut self,
        network: &Network,
        catalog: Catalog,
        targetings: &[&Targeting],
        problems: &mut Problems,
    ) -> Fallible<()> {
        let of = |targeting: &&Targeting| {
            let lists = targeting.words.clone().into_iter().filter(|(of, ..)| *of == catalog);
            lists.flat_map(|(_, included, excluded)| included.into_iter().chain(excluded)).collect::<Vec<_>>()
        };
        let wanted: Vec<_> = targetings.iter().flat_map(of).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let parts: BTreeSet<&str> = wanted
            .iter()
            .filter_map(|word| catalog.named(word.word))
            .flat_map(|names| names.parts.iter().copied())
            .collect();
        let filter = any(parts.iter().map(|part| format!("displayName : {}", quoted(part))));
        let path = catalog.collection();
        let entries = network.list::<Entry>(path, path, &filter).collect::<Fallible<Vec<_>>>()?;
        for word in wanted {
            let parts = catalog.named(word.word).map(|names| names.parts).unwrap_or_default();
            let fits: Vec<&Entry> =
                entries.iter().filter(|entry| parts.iter().any(|part| contains(&entry.display_name, part))).collect();
            let any_version: Vec<&&Entry> =
                fits.iter().filter(|entry| contains(&entry.display_name, inferred::ANY_VERSION)).collect();
            let names: Vec<String> = if any_version.is_empty() {
                fits.iter().map(|entry| entry.name.clone()).collect()
            } else {
                any_version.iter().map(|entry| entry.name.clone()).collect()
            };
            if names.is_empty() {
                let message = format!("Ad Manager's list of {path} has nothing of this name.");
                problems.unsupported("unknown_targeting", &word.pointer, word.word, message, &[]);
            }
            self.words.insert((catalog, word.word), names);
        }
        Ok(())
    }

    fn read_keys(&mut self, network: &Network, targetings: &[&Targeting], problems: &mut Problems) -> Fallible<()> {
        let wanted: Vec<&KeyValues> = targetings.iter().flat_map(|targeting| &targeting.keys).collect();
        let keys: BTreeSet<&str> = wanted.iter().map(|key| key.key.as_str()).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        for some in keys.chunks(AT_ONCE) {
            let filter = any(some.iter().map(|key| format!("adTagName = {}", quoted(key))));
            for key in network.list::<Key>("customTargetingKeys", "customTargetingKeys", &filter) {
                let key = key?;
                self.keys.insert(key.ad_tag_name, key.name);
            }
        }
        let mut values: BTreeSet<(&str, &str)> = BTreeSet::new();
        for key in &wanted {
            match self.keys.get(&key.key) {
                Some(name) => values.extend(key.values.iter().map(|value| (name.as_str(), value.as_str()))),
                None => {
                    let message = "Ad Manager has no custom targeting key of this name.";
                    problems.unsupported("unknown_key_value", &key.pointer, &key.key, message, &[]);
                }
            }
        }
        let values: Vec<(&str, &str)> = values.into_iter().collect();
        let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
        for some in values.chunks(AT_ONCE) {
            let one = |(key, value): &(&str, &str)| {
                format!("(customTargetingKey = {} AND adTagName = {})", quoted(key), quoted(value))
            };
            let filter = any(some.iter().map(one));
            for value in network.list::<Key>("customTargetingValues", "customTargetingValues", &filter) {
                let value = value?;
                found.insert((value.custom_targeting_key, value.ad_tag_name), value.name);
            }
        }
        for key in wanted {
            let Some(name) = self.keys.get(&key.key) else { continue };
            for value in &key.values {
                match found.get(&(name.clone(), value.clone())) {
                    Some(name) => {
                        self.values.insert((key.key.clone(), value.clone()), name.clone());
                    }
                    None => {
                        let message = format!("The custom targeting key {} has no value of this name.", key.key);
                        problems.unsupported("unknown_key_value", &key.pointer, value, message, &[]);
                    }
                }
            }
        }
        Ok(())
    }
}

fn contains(name: &str, part: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

fn place_filter(network: &Network, place: &Place) -> String {
    let named =
        |name: &str, country: &str| format!("displayName = {} AND regionCode = {}", quoted(name), quoted(country));
    let by_id = |id: &str| format!("name = {}", quoted(&network.name("geoTargets", id)));
    let clause = match place {
        Place::Country(country) => {
            format!("type = {} AND regionCode = {}", quoted(inferred::COUNTRY_TYPE), quoted(country))
        }
        Place::Region(country, code) => named(regions::name(country, code).unwrap_or(code), country),
        Place::Metro(code) => by_id(&inferred::metro(*code).to_string()),
        Place::City { name, country, .. } => {
            format!("{} AND type = {}", named(name, country), quoted(inferred::CITY_TYPE))
        }
        Place::Postal(country, code) => {
            format!("{} AND type = {}", named(code, country), quoted(inferred::POSTAL_TYPE))
        }
        Place::Id(id) => by_id(id),
    };
    format!("({clause})")
}

/// Whether a place from Ad Manager is the wanted one.
fn is(network: &Network, place: &Place, target: &GeoTarget) -> bool {
    let named = |name: &str, country: &str| target.display_name == name && target.region_code == country;
    let there = match place {
        Place::Country(country) => target.kind == inferred::COUNTRY_TYPE && target.region_code == *country,
        Place::Region(country, code) => {
            regions::name(country, code).is_some_and(|name| named(name, country))
                && inferred::REGION_TYPES.contains(&target.kind.as_str())
        }
        Place::Metro(code) => target.name == network.name("geoTargets", &inferred::metro(*code).to_string()),
        Place::City { name, country, region } => {
            let region = region.as_ref().and_then(|code| regions::name(country, code));
            named(name, country)
                && target.kind == inferred::CITY_TYPE
                && region.is_none_or(|region| target.parent_names.iter().any(|parent| parent == region))
        }
        Place::Postal(country, code) => named(code, country) && target.kind == inferred::POSTAL_TYPE,
        Place::Id(id) => target.name == network.name("geoTargets", id),
    };
    there && target.targetable != Some(false)
}
