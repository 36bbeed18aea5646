//! Generates requests from what an adapter declares. The same seed generates the same requests.

use std::{collections::BTreeMap, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::{
    bench::Bench,
    sample::{price_models, units},
};
use crate::{
    adapters::AdapterChange,
    domain::{
        capability::{DaypartingSupport, DimensionSupport},
        change::ProposedChange,
        media_buy::{MediaBuy, Pacing, Package},
        price::{Price, PriceModel},
        problem::Problem,
        targeting::{CapScope, Daypart, Dayparting, Dimension, FrequencyCap, Operator, Targeting, Weekday},
    },
};

const DAY: Duration = Duration::from_secs(86_400);

/// Time zones with and without daylight saving, east and west.
const ZONES: [&str; 4] = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata"];

/// Values of dimensions for which an adapter lists none, unless `check.toml` has others.
fn common(dimension: Dimension) -> &'static [&'static str] {
    match dimension {
        Dimension::GeoCountry => &["US", "CA"],
        Dimension::GeoRegion => &["US-CA", "US-NY", "US-TX"],
        Dimension::GeoMetro => &["501", "803"],
        Dimension::GeoPostal => &["US:10001", "US:94103"],
        Dimension::DeviceType => &["mobile", "desktop"],
        Dimension::Os => &["ios", "android"],
        Dimension::Browser => &["chrome", "firefox"],
        Dimension::ConnectionType => &["wifi"],
        Dimension::Language => &["en", "fr"],
        Dimension::MediaType => &["display"],
        // No value of these is known everywhere.
        Dimension::GeoCity
        | Dimension::ContentCategory
        | Dimension::ContentGenre
        | Dimension::ContentRating
        | Dimension::AudienceSegment => &[],
    }
}

/// A generated create.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) number: usize,
    pub(super) buy: MediaBuy,
    /// What of it the adapter does not declare. Empty: it should be accepted.
    pub(super) beyond: Vec<Problem>,
}

/// Generates requests.
#[derive(Debug)]
pub(super) struct Generator<'b> {
    bench: &'b Bench,
    dice: StdRng,
    /// The values with which each dimension is tried.
    values: BTreeMap<Dimension, Vec<String>>,
    /// How each dimension is used in the current request. What is wanted is not excluded elsewhere
    /// in it, and there is one kind of places: that is refused by the host, or by many platforms.
    operators: BTreeMap<Dimension, Operator>,
    number: usize,
}

/// The dimensions that are places.
const PLACES: [Dimension; 5] =
    [Dimension::GeoCountry, Dimension::GeoRegion, Dimension::GeoMetro, Dimension::GeoCity, Dimension::GeoPostal];

impl<'b> Generator<'b> {
    pub(super) fn new(bench: &'b Bench, seed: u64) -> Self {
        let values = Dimension::ALL.iter().map(|dimension| {
            let declared = bench.capabilities.targeting.iter().find(|support| support.dimension == *dimension);
            let listed = declared.map(|support| support.values.clone()).filter(|values| !values.is_empty());
            let given = bench.config.values.get(dimension).cloned();
            let common = || common(*dimension).iter().map(|&value| value.to_owned()).collect();
            (*dimension, given.or(listed).unwrap_or_else(common))
        });
        Self {
            bench,
            values: values.collect(),
            operators: BTreeMap::new(),
            dice: StdRng::seed_from_u64(seed),
            number: 0,
        }
    }

    /// Generates a request. Every sixth asks for something that is not declared, if anything is not.
    pub(super) fn request(&mut self) -> Request {
        let mut buy = self.bench.sample().buy;
        self.choose_operators();
        // The sample's own id and times are another one in each run.
        buy.id = format!("{}_{}", self.bench.name, self.number).into();
        buy.start = buy.start.plus(DAY * self.dice.random_range(0..200));
        buy.end = buy.start.plus(DAY * self.dice.random_range(2..120)).plus_millis(-1_000);
        buy.pacing = self.pacing(buy.pacing);
        buy.targeting = self.targeting();
        let caps_of_packages = buy.targeting.frequency_cap.is_none();
        let count = self.dice.random_range(1..=4);
        let package = Package { targeting: Targeting::default(), ..buy.packages[0].clone() };
        buy.packages.clear();
        for index in 0..count {
            let mut package = package.clone();
            package.id = format!("p{index}").into();
            package.name =
                (*["Sports", "News \"live\"", "Müsik & Kultur", "a"].choose(&mut self.dice).unwrap_or(&"a")).to_owned();
            self.sell(&mut package);
            package.pacing = self.dice.random_bool(0.3).then(|| self.pacing(Pacing::Even));
            if self.dice.random_bool(0.3) {
                package.targeting = self.targeting();
                // A cap of the whole buy is the same for all of its packages.
                let cap = &mut package.targeting.frequency_cap;
                *cap = cap.filter(|cap| caps_of_packages && cap.scope == CapScope::Package);
            }
            package.active = self.dice.random_bool(0.9);
            buy.packages.push(package);
        }
        if self.number % 6 == 5 {
            self.go_beyond(&mut buy);
        }
        buy.total_budget = crate::domain::money::Micros::sum(buy.packages.iter().map(|package| package.budget))
            .unwrap_or(buy.total_budget);
        let beyond = self.bench.capabilities.unsupported(&self.bench.name, ProposedChange::create(&buy));
        self.number += 1;
        Request { number: self.number - 1, buy, beyond }
    }

    /// Sells a package in one of the ways that the adapter declares.
    fn sell(&mut self, package: &mut Package) {
        let models = price_models(self.bench);
        let model = match models.as_slice() {
            [only] => *only,
            several => several.choose(&mut self.dice).copied().unwrap_or(PriceModel::Cpm),
        };
        let goal = self.dice.random_range(20_000..5_000_000);
        let rate = self.dice.random_range(1..60);
        // A thousand impressions cost the rate of a CPM: what is left of a unit is cut off. Clicks and
        // views are fewer, and cost more.
        let (goal, budget) = match model {
            PriceModel::Cpm => (Some(goal - goal % 1_000), rate * (goal / 1_000)),
            PriceModel::Cpc | PriceModel::Cpcv => (Some(goal / 1_000), rate * (goal / 1_000)),
            PriceModel::Flat => (None, rate * 1_000),
        };
        package.budget = units(budget);
        package.goal = goal;
        package.price = Price { model, rate: if model == PriceModel::Flat { package.budget } else { units(rate) } };
    }

    fn choose_operators(&mut self) {
        let place = PLACES.choose(&mut self.dice).copied();
        let bench = self.bench;
        self.operators.clear();
        for support in &bench.capabilities.targeting {
            if PLACES.contains(&support.dimension) && place != Some(support.dimension) {
                continue;
            }
            if let Some(operator) = support.operators.choose(&mut self.dice) {
                self.operators.insert(support.dimension, *operator);
            }
        }
    }

    fn pacing(&mut self, otherwise: Pacing) -> Pacing {
        self.bench.capabilities.pacing.choose(&mut self.dice).copied().unwrap_or(otherwise)
    }

    fn targeting(&mut self) -> Targeting {
        let mut targeting = Targeting::default();
        let bench = self.bench;
        for support in &bench.capabilities.targeting {
            if self.dice.random_bool(0.3) {
                self.rule(support, &mut targeting);
            }
        }
        if let Some(support) = &bench.capabilities.dayparting
            && self.dice.random_bool(0.2)
        {
            targeting.dayparting = self.hours(support);
        }
        if let Some(support) = &bench.capabilities.frequency_cap
            && self.dice.random_bool(0.2)
        {
            // Most platforms count over whole hours or days only.
            let hours = (support.min_minutes.div_ceil(60).max(1)..=support.max_minutes / 60).take(24);
            let hours: Vec<u32> = hours.map(|hours| hours * 60).collect();
            let given = &bench.config.frequency_cap_minutes;
            let minutes = if given.is_empty() { &hours } else { given };
            let scope = support.scopes.choose(&mut self.dice).copied();
            if let (Some(minutes), Some(scope)) = (minutes.choose(&mut self.dice), scope) {
                targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: *minutes, scope });
            }
        }
        targeting
    }

    fn rule(&mut self, support: &DimensionSupport, targeting: &mut Targeting) {
        let values = self.values.get(&support.dimension).cloned().unwrap_or_default();
        let Some(operator) = self.operators.get(&support.dimension).copied() else { return };
        // The last value is never excluded: to exclude every value there is makes no sense.
        let most = if operator == Operator::NoneOf { values.len().saturating_sub(1) } else { values.len() };
        let values = &values[..most];
        let count = self.dice.random_range(0..=most.min(3));
        let chosen: Vec<String> = values.sample(&mut self.dice, count).cloned().collect();
        targeting.add(support.dimension, operator, chosen);
    }

    fn hours(&mut self, support: &DaypartingSupport) -> Option<Dayparting> {
        let given = &self.bench.config.time_zones;
        let timezone = match given.is_empty() {
            true => (*ZONES.choose(&mut self.dice)?).to_owned(),
            false => given.choose(&mut self.dice)?.clone(),
        };
        if !support.presets.is_empty() && (!support.custom_schedules || self.dice.random_bool(0.5)) {
            let preset = support.presets.choose(&mut self.dice)?.name.clone();
            return Some(Dayparting { timezone, schedules: Vec::new(), presets: vec![preset] });
        }
        if !support.custom_schedules {
            return None;
        }
        let start_hour = self.dice.random_range(0..23);
        let end_hour = self.dice.random_range(start_hour + 1..=24);
        let count = self.dice.random_range(1..=7);
        let mut days: Vec<Weekday> = Weekday::ALL.sample(&mut self.dice, count).copied().collect();
        days.sort_unstable();
        let schedules = vec![Daypart { days, start_hour, end_hour }];
        Some(Dayparting { timezone, schedules, presets: Vec::new() })
    }

    /// Adds something that the adapter does not declare.
    fn go_beyond(&mut self, buy: &mut MediaBuy) {
        let can = &self.bench.capabilities;
        let undeclared = |dimension: &&Dimension| !can.targeting.iter().any(|support| support.dimension == **dimension);
        let dimensions: Vec<Dimension> = Dimension::ALL.iter().filter(undeclared).copied().collect();
        let pacings: Vec<Pacing> = Pacing::ALL.iter().filter(|pacing| !can.pacing.contains(pacing)).copied().collect();
        let no_hours = can.dayparting.is_none();
        let no_caps = can.frequency_cap.is_none();
        let Some(package) = buy.packages.first_mut() else { return };
        match self.dice.random_range(0..4) {
            0 if !pacings.is_empty() => package.pacing = pacings.choose(&mut self.dice).copied(),
            1 if no_hours => {
                let any = DaypartingSupport {
                    presets: Vec::new(),
                    custom_schedules: true,
                    max_ranges: None,
                    note: String::new(),
                };
                package.targeting.dayparting = self.hours(&any);
            }
            2 if no_caps => {
                package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::Package });
            }
            _ => {
                let Some(dimension) = dimensions.choose(&mut self.dice).copied() else { return };
                let values = self.values.get(&dimension).filter(|values| !values.is_empty());
                let value = values.and_then(|values| values.first().cloned()).unwrap_or_else(|| "1".to_owned());
                package.targeting.add(dimension, Operator::AnyOf, [value]);
            }
        }
    }
}

impl Request {
    pub(super) fn change(&self) -> AdapterChange<'_> {
        ProposedChange::create(&self.buy).into()
    }

    /// Describes it in one line, for whoever looks into a failure.
    pub(super) fn shown(&self) -> String {
        let package = |package: &Package| {
            let targeting = self.buy.targeting_of(package);
            let rules = targeting.rules.iter().map(|rule| {
                format!("{}_{}={}", rule.dimension, rule.operator, rule.values.join(",")) //
            });
            let hours = targeting.dayparting.iter().map(|hours| format!("hours in {}", hours.timezone));
            let cap =
                targeting.frequency_cap.iter().map(|cap| format!("cap {} min/{}", cap.suppress_minutes, cap.scope));
            let parts: Vec<String> =
                std::iter::once(self.buy.pacing_of(package).to_string()).chain(rules).chain(hours).chain(cap).collect();
            format!("{}({})", package.id, parts.join(" "))
        };
        let packages: Vec<String> = self.buy.packages.iter().map(package).collect();
        format!("case {}: {}", self.number, packages.join(" "))
    }
}
