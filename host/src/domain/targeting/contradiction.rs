//! Detects targeting that contradicts itself or can't match anybody.
//!
//! All rules of a package must hold: of each `any_of` one value must match, and of each `none_of`
//! no value may match. These cases are refused:
//!
//! | targeting | why |
//! |---|---|
//! | a value that is both included and excluded, in any spelling | one of the two is a mistake, even if other values remain |
//! | an included place inside an excluded place | the same; ad servers refuse it or deliver nothing there |
//! | places of several dimensions that have nothing in common | nobody is in `US-CA` and in Canada |
//! | nothing remains of a closed list (`device_type`, `connection_type`, `media_type`) | everything is excluded |
//! | hours that do not occur in a short flight | it never delivers |
//!
//! Excluding a part of an included place is allowed (`US` without `US-CA`). So is excluding an
//! unrelated place, which has no effect. The check uses only what the values themselves say. It
//! does not check what only an ad server knows, such as whether a city is in a market area.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Dimension, Operator, Rule, Targeting, places::Place};
use crate::domain::{
    field::{Field, FieldPath, Subject, TargetingPart},
    media_buy::{MediaBuy, Package},
    problem::Problem,
};

/// One value of a rule, and the package that the rule comes from.
#[derive(Debug, Clone, Copy)]
struct Said<'a> {
    rule: &'a Rule,
    value: &'a str,
    /// The package whose own rule it is; `None` for a rule of the buy.
    package: Option<&'a Package>,
}

/// Rules, each with the package that it comes from.
type Rules<'a> = Vec<(&'a Rule, Option<&'a Package>)>;

impl MediaBuy {
    /// Returns the contradictions in the buy's targeting. `at` returns how the request names a
    /// package.
    pub fn contradictions(&self, at: impl Fn(&Package) -> Subject) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut add = |rules: &Rules<'_>| {
            for problem in in_rules(rules, &at) {
                // A problem in the buy's own targeting appears in each of its packages.
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        };
        let own: Rules<'_> = self.targeting.rules.iter().map(|rule| (rule, None)).collect();
        add(&own);
        for package in self.packages.iter().filter(|package| !package.targeting.rules.is_empty()) {
            add(&effective(&self.targeting, package));
        }
        for package in &self.packages {
            for problem in self.missed_hours(package, &at) {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        problems
    }
}

impl MediaBuy {
    /// Returns a problem if none of the package's hours lies in the flight.
    fn missed_hours(&self, package: &Package, at: &dyn Fn(&Package) -> Subject) -> Vec<Problem> {
        let own = package.targeting.dayparting.as_ref();
        let Some(hours) = own.or(self.targeting.dayparting.as_ref()) else { return Vec::new() };
        if !hours.misses(self.start, self.end) {
            return Vec::new();
        }
        let whose = own.map_or(Subject::Buy, |_| at(package));
        let flight = format!("the flight, {} to {}", self.start, self.end);
        vec![
            Problem::new(
                whose.targeting(TargetingPart::Hours),
                format!("has no hour in {flight}: it would never deliver"),
            ),
            Problem::new(
                Field::FlightEnd,
                format!("{flight}, has none of the hours of dayparting: it would never deliver"),
            ),
        ]
    }
}

/// The rules that apply to a package, combined as in [`Targeting::refined_by`].
fn effective<'a>(of_buy: &'a Targeting, package: &'a Package) -> Rules<'a> {
    let replaced = |rule: &&Rule| {
        let wants_the_same = |own: &Rule| own.operator == Operator::AnyOf && own.dimension == rule.dimension;
        rule.operator == Operator::AnyOf && package.targeting.rules.iter().any(wants_the_same)
    };
    let kept = of_buy.rules.iter().filter(|rule| !replaced(rule)).map(|rule| (rule, None));
    kept.chain(package.targeting.rules.iter().map(|rule| (rule, Some(package)))).collect()
}

fn in_rules(rules: &Rules<'_>, at: &dyn Fn(&Package) -> Subject) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (wanted, excluded) in wanted_and_excluded(rules) {
        problems.extend(both_ways(wanted, excluded, at));
    }
    for said in all_excluded(rules) {
        let dimension = said.rule.dimension;
        let message = format!("leaves no {dimension} at all: with this, all of them are excluded; leave one out");
        problems.push(Problem::new(said.path(at), message).value(said.value));
    }
    if problems.is_empty() {
        for (rule, others) in apart(rules) {
            let names: Vec<String> = others.iter().map(Said::words).collect();
            let message = format!(
                "has no place in common with {}: rules of several dimensions hold together, so this matches nobody",
                names.join(" and ")
            );
            problems.push(Problem::new(rule.path(at), message).value(rule.rule.values.join(", ")));
        }
    }
    problems
}

impl<'a> Said<'a> {
    fn all(rules: &Rules<'a>, operator: Operator) -> impl Iterator<Item = Self> {
        let rules: Rules<'a> = rules.iter().copied().filter(|(rule, _)| rule.operator == operator).collect();
        rules.into_iter().flat_map(|(rule, package)| rule.values.iter().map(move |value| Self { rule, value, package }))
    }

    fn path(&self, at: &dyn Fn(&Package) -> Subject) -> FieldPath {
        let whose = self.package.map_or(Subject::Buy, at);
        whose.targeting(TargetingPart::Rule(self.rule.dimension, self.rule.operator))
    }

    /// Describes the rule to people.
    fn words(&self) -> String {
        let Rule { dimension, operator, .. } = self.rule;
        match self.package {
            None => format!("{dimension}_{operator} of the media buy"),
            Some(package) => format!("{dimension}_{operator} of package {}", package.id),
        }
    }

    fn place(&self) -> Place {
        Place::of(self.rule.dimension, self.value)
    }

    fn key(&self) -> (Dimension, String) {
        (self.rule.dimension, self.rule.dimension.key(self.value))
    }
}

/// Returns every included value with an excluded one that is the same, or that contains it.
fn wanted_and_excluded<'a>(rules: &Rules<'a>) -> Vec<(Said<'a>, Said<'a>)> {
    let mut places: HashMap<Place, Said<'a>> = HashMap::new();
    let mut others: HashMap<(Dimension, String), Said<'a>> = HashMap::new();
    for said in Said::all(rules, Operator::NoneOf) {
        if said.rule.dimension.is_place() {
            places.entry(said.place()).or_insert(said);
        } else {
            others.entry(said.key()).or_insert(said);
        }
    }
    let excluding = |wanted: &Said<'a>| {
        if wanted.rule.dimension.is_place() {
            wanted.place().outer().find_map(|outer| places.get(&outer).copied())
        } else {
            others.get(&wanted.key()).copied()
        }
    };
    Said::all(rules, Operator::AnyOf).filter_map(|wanted| Some((wanted, excluding(&wanted)?))).collect()
}

fn both_ways(wanted: Said<'_>, excluded: Said<'_>, at: &dyn Fn(&Package) -> Subject) -> [Problem; 2] {
    let is_same = wanted.key() == excluded.key();
    let cure = "leave one of the two out";
    let [here, there] = if is_same {
        [
            format!("is wanted here and excluded by {}; {cure}", excluded.words()),
            format!("is excluded here and wanted by {}; {cure}", wanted.words()),
        ]
    } else {
        [
            format!("is wanted here and lies in {}, which {} excludes; {cure}", excluded.value, excluded.words()),
            format!("is excluded here, and {} wants {}, which lies in it; {cure}", wanted.words(), wanted.value),
        ]
    };
    [
        Problem::new(wanted.path(at), here).value(wanted.value),
        Problem::new(excluded.path(at), there).value(excluded.value),
    ]
}

/// Returns the exclusions of each closed list of which nothing remains.
fn all_excluded<'a>(rules: &Rules<'a>) -> Vec<Said<'a>> {
    let mut excluded: BTreeMap<Dimension, Vec<Said<'a>>> = BTreeMap::new();
    for said in Said::all(rules, Operator::NoneOf) {
        excluded.entry(said.rule.dimension).or_default().push(said);
    }
    let leaves_nothing = |dimension: &Dimension, said: &[Said<'a>]| {
        let keys: BTreeSet<String> = said.iter().map(|said| dimension.key(said.value)).collect();
        dimension.closed_list().is_some_and(|all| all.iter().all(|value| keys.contains(*value)))
    };
    excluded
        .into_iter()
        .filter(|(dimension, said)| leaves_nothing(dimension, said))
        .flat_map(|(_, said)| said)
        .collect()
}

/// Returns the rules whose included places have nothing in common, each with the rules that it
/// conflicts with. If two rules are enough for a conflict, returns only those two.
fn apart<'a>(rules: &Rules<'a>) -> Vec<(Said<'a>, Vec<Said<'a>>)> {
    let excluded: HashSet<Place> = Said::all(rules, Operator::NoneOf)
        .filter(|said| said.rule.dimension.is_place())
        .map(|said| said.place())
        .collect();
    let wanting: Vec<(Said<'a>, Vec<Place>)> = rules
        .iter()
        .filter(|(rule, _)| rule.operator == Operator::AnyOf && rule.dimension.is_place())
        .filter_map(|&(rule, package)| {
            let said = Said { rule, value: rule.values.first()?, package };
            Some((said, rule.values.iter().map(|value| Place::of(rule.dimension, value)).collect()))
        })
        .collect();
    let fit = |some: &[&(Said<'a>, Vec<Place>)]| {
        let lists: Vec<&[Place]> = some.iter().map(|(_, places)| places.as_slice()).collect();
        anybody(&lists, &excluded)
    };
    let all: Vec<&(Said<'a>, Vec<Place>)> = wanting.iter().collect();
    if fit(&all) {
        return Vec::new();
    }
    let pairs =
        all.iter().enumerate().flat_map(|(index, one)| all[index + 1..].iter().map(move |other| [*one, *other]));
    let to_blame = pairs.into_iter().find(|pair| !fit(pair)).map_or(all.clone(), Vec::from);
    let said: Vec<Said<'a>> = to_blame.into_iter().map(|(said, _)| *said).collect();
    let others =
        |index: usize| said.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, said)| *said).collect();
    said.iter().enumerate().map(|(index, one)| (*one, others(index))).collect()
}

/// Whether somebody can be in one place of each list and in no excluded place.
///
/// Checks each country and region that is named. Within one region the lists are independent of
/// each other, because what else they fix, no other list fixes. The work therefore grows with the
/// number of values, and not with the number of their combinations.
fn anybody(lists: &[&[Place]], excluded: &HashSet<Place>) -> bool {
    let mut regions: BTreeSet<There<'_>> = BTreeSet::from([(None, None)]);
    regions.extend(lists.iter().copied().flatten().map(there));
    let lists: Vec<HashMap<There<'_>, Vec<&Place>>> = lists.iter().map(|list| by_region(list)).collect();
    let is_open = |(country, region): There<'_>, place: &Place| {
        let (country, region) = (country.map(str::to_owned), region.map(str::to_owned));
        let here = Place { country, region, spot: place.spot.clone() };
        !here.outer().any(|outer| excluded.contains(&outer))
    };
    regions.into_iter().any(|(country, region)| {
        // A place that does not fix the region contains each of them.
        let fitting = BTreeSet::from([(None, None), (country, None), (country, region)]);
        lists.iter().all(|list| {
            let mut places = fitting.iter().filter_map(|there| list.get(there)).flatten();
            places.any(|place| is_open((country, region), place))
        })
    })
}

/// A country and one of its regions, each if it is fixed.
type There<'p> = (Option<&'p str>, Option<&'p str>);

fn there(place: &Place) -> There<'_> {
    (place.country.as_deref(), place.region.as_deref())
}

fn by_region(list: &[Place]) -> HashMap<There<'_>, Vec<&Place>> {
    let mut found: HashMap<There<'_>, Vec<&Place>> = HashMap::new();
    for place in list {
        found.entry(there(place)).or_default().push(place);
    }
    found
}

#[cfg(test)]
mod tests;
