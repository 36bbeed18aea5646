//! Finds the parts of a request that an adapter does not support.
//!
//! An adapter refuses what its platform can't do. An adapter that forgot a check would sell what
//! nobody delivers, so the host checks every plan as well. It uses the same messages and paths as
//! the adapters' own refusals.

use std::collections::BTreeSet;

use super::{Capabilities, DaypartingSupport, FrequencyCapSupport};
use crate::domain::{
    change::ProposedChange,
    creative::Creative,
    field::{CreativeRef, Field, FieldPath, Part, Subject, TargetingPart},
    id::PlatformName,
    media_buy::{MediaBuy, Package},
    operation::Change,
    price::{PriceModel, Unit},
    problem::Problem,
    targeting::{CapScope, Dayparting, FrequencyCap, Operator, Rule},
    update::{BuyPatch, PackagePatch},
};

/// The maximum number of supported values that a refusal lists, because a list of cities is too
/// long to read.
const NAMED: usize = 200;

/// The update that shows whether a platform supports daily caps at all. The description has no
/// other place for it.
const DAILY_BUDGET: &str = "daily_budget";
const DAILY_GOAL: &str = "daily_impressions";

impl Capabilities {
    /// Returns everything that a change asks of a platform and that the adapter does not support.
    /// Parts that the buy already had are not checked: an adapter may have become stricter since,
    /// and a buy that was sold must still be pausable.
    pub fn unsupported(&self, platform: &PlatformName, proposed: ProposedChange<'_>) -> Vec<Problem> {
        let ProposedChange { change, current, desired } = proposed;
        match change {
            Change::Create => self.unsupported_in(desired, platform),
            Change::AddCreatives(assets) => self.unsupported_formats(desired, platform, assets),
            Change::Update(patch) => {
                let stood = self.unsupported_in(current, platform);
                let mut problems = self.unsupported_updates(patch, platform, current, desired);
                problems.extend(self.unsupported_in(desired, platform).into_iter().filter(|new| !stood.contains(new)));
                problems
            }
            Change::PerformanceIndex(_) | Change::FollowUp(_) => Vec::new(),
        }
    }

    /// Returns the prices of a new buy that the adapter does not list.
    pub fn unsold(&self, platform: &PlatformName, proposed: ProposedChange<'_>) -> Vec<Problem> {
        match proposed.change {
            Change::Create => {
                proposed.desired.packages_on(platform).filter_map(|package| self.in_price(package)).collect()
            }
            Change::AddCreatives(_) | Change::Update(_) | Change::PerformanceIndex(_) | Change::FollowUp(_) => {
                Vec::new()
            }
        }
    }

    /// Returns what the adapter does not list of a package's price.
    fn in_price(&self, package: &Package) -> Option<Problem> {
        let model = package.price.model;
        let what = format!("does not sell {}", model.sold());
        let at = Subject::merged(&package.id).field(model.field());
        (!self.sells_by(model)).then(|| self.refuse(at, model, &what).supported(&self.price_models))
    }

    fn unsupported_in(&self, buy: &MediaBuy, platform: &PlatformName) -> Vec<Problem> {
        let mut problems = Vec::new();
        let packages: Vec<&Package> = buy.packages_on(platform).collect();
        // No platform gets the daily cap of a buy that spans several platforms.
        if let Some(daily) =
            buy.daily_budget.filter(|_| packages.len() == buy.packages.len() && !self.updates(DAILY_BUDGET))
        {
            problems.push(self.refuse(Field::DailyBudget, daily, "has no daily cap of spend"));
        }
        for package in &packages {
            self.in_package(buy, package, packages.len() == 1, &mut problems);
        }
        problems
    }

    fn in_package(&self, buy: &MediaBuy, package: &Package, is_alone: bool, problems: &mut Vec<Problem>) {
        let whose = Subject::merged(&package.id);
        let at = |field: Field| whose.field(field);
        let pacing = buy.pacing_of(package);
        if !self.pacing.contains(&pacing) {
            let known = self.pacing.iter().map(|pacing| pacing.as_str());
            problems.push(self.refuse(at(Field::Pacing), pacing, "has no such pacing").supported(known));
        }
        let model = package.price.model;
        problems.extend(self.in_price(package));
        if let Some(daily) = package.daily_budget.filter(|_| !self.updates(DAILY_BUDGET)) {
            problems.push(self.refuse(at(Field::DailyBudget), daily, "has no daily cap of spend"));
        }
        let daily = model.unit().zip(package.daily_goal);
        if let Some((unit, daily)) = daily.filter(|_| !self.updates(DAILY_GOAL)) {
            let what = format!("has no daily cap of {}", unit.words());
            problems.push(self.refuse(at(unit.daily_field()), daily, &what));
        }
        let targeting = buy.targeting_of(package);
        for rule in &targeting.rules {
            self.in_rule(rule, &whose, problems);
        }
        if let Some(hours) = &targeting.dayparting {
            self.in_hours(hours, &whose, problems);
        }
        if let Some(cap) = targeting.frequency_cap {
            self.in_cap(cap, is_alone, &whose, problems);
        }
    }

    fn in_rule(&self, rule: &Rule, whose: &Subject, problems: &mut Vec<Problem>) {
        let dimension = rule.dimension;
        let at = || whose.targeting(TargetingPart::Rule(dimension, rule.operator));
        let each = |what: &str, supported: Vec<String>, values: &mut dyn Iterator<Item = &String>| {
            values.map(|value| self.refuse(at(), value, what).supported(supported.clone())).collect::<Vec<_>>()
        };
        let Some(support) = self.targeting.iter().find(|support| support.dimension == dimension) else {
            let known = self.targeting.iter().map(|support| support.dimension.to_string()).collect();
            problems.extend(each(&format!("can't target by {dimension}"), known, &mut rule.values.iter()));
            return;
        };
        if !support.operators.contains(&rule.operator) {
            let what = match rule.operator {
                Operator::AnyOf => format!("can exclude by {dimension} only"),
                Operator::NoneOf => format!("can't exclude by {dimension}"),
            };
            let known = support.operators.iter().map(|operator| format!("{dimension}_{operator}")).collect();
            problems.extend(each(&what, known, &mut rule.values.iter()));
            return;
        }
        if support.values.is_empty() {
            return;
        }
        // An adapter may ignore case. It refuses by itself what it does not accept.
        let listed = |value: &String| support.values.iter().any(|known| known.eq_ignore_ascii_case(value));
        let known = support.values.iter().take(NAMED).cloned().collect();
        let mut unknown = rule.values.iter().filter(|value| !listed(value));
        problems.extend(each(&format!("knows no such {dimension}"), known, &mut unknown));
        let is_excluded = |known: &String| rule.values.iter().any(|value| known.eq_ignore_ascii_case(value));
        // There are operating systems and browsers outside any list, but no other types of devices.
        if rule.operator == Operator::NoneOf
            && dimension.closed_list().is_some()
            && support.values.iter().all(is_excluded)
        {
            let what = format!("has no {dimension} but these: with this, all of them are excluded");
            problems.push(self.refuse(at(), rule.values.join(", "), &what));
        }
    }

    fn in_hours(&self, hours: &Dayparting, whose: &Subject, problems: &mut Vec<Problem>) {
        let at = |part: TargetingPart| whose.targeting(part);
        let ranges = |part: &super::Daypart| format!("{}-{}", part.start_hour, part.end_hour);
        let Some(support) = &self.dayparting else {
            let said: Vec<String> = hours.presets.iter().cloned().chain(hours.schedules.iter().map(ranges)).collect();
            problems.push(self.refuse(
                at(TargetingPart::Hours),
                said.join(", "),
                "has no targeting by hours of the day",
            ));
            return;
        };
        let known = || support.presets.iter().map(|preset| preset.name.as_str());
        for name in hours.presets.iter().filter(|name| !known().any(|known| known == name.as_str())) {
            problems
                .push(self.refuse(at(TargetingPart::Presets), name, "has no hours of this name").supported(known()));
        }
        if !support.custom_schedules {
            for (index, part) in hours.schedules.iter().enumerate() {
                let what = "takes named hours only";
                let problem = self.refuse(at(TargetingPart::Schedule(index)), ranges(part), what);
                problems.push(problem.supported(known()));
            }
        }
        if let Some(most) = support.max_ranges
            && let asked = support.ranges(hours)
            && asked > usize::try_from(most).unwrap_or(usize::MAX)
        {
            problems.push(self.refuse(
                at(TargetingPart::Hours),
                asked,
                &format!("takes {most} different ranges of hours at most"),
            ));
        }
    }

    fn in_cap(&self, cap: FrequencyCap, is_alone: bool, whose: &Subject, problems: &mut Vec<Problem>) {
        let at = |part: TargetingPart| whose.targeting(part);
        let Some(FrequencyCapSupport { scopes, min_minutes, max_minutes, .. }) = &self.frequency_cap else {
            problems.push(self.refuse(at(TargetingPart::Cap), cap.suppress_minutes, "has no frequency caps"));
            return;
        };
        // A buy with a single package is the same as that package.
        let same = cap.scope == CapScope::MediaBuy && is_alone && scopes.contains(&CapScope::Package);
        if !scopes.contains(&cap.scope) && !same {
            let what = "can't count over that";
            let known = scopes.iter().map(|scope| scope.as_str());
            problems.push(self.refuse(at(TargetingPart::CapScope), cap.scope, what).supported(known));
        }
        if !(*min_minutes..=*max_minutes).contains(&cap.suppress_minutes) {
            let what = format!("counts {min_minutes} to {max_minutes} minutes");
            problems.push(self.refuse(at(TargetingPart::CapMinutes), cap.suppress_minutes, &what));
        }
    }

    fn unsupported_formats(&self, buy: &MediaBuy, platform: &PlatformName, assets: &[Creative]) -> Vec<Problem> {
        let here = |asset: &&Creative| {
            buy.packages_on(platform)
                .any(|package| asset.packages.contains(&package.id) || package.creatives.contains(&asset.id))
        };
        let unlisted = assets.iter().filter(here).filter(|asset| !self.formats.contains(&asset.format));
        unlisted
            .map(|asset| {
                let at = Subject::Creative(CreativeRef::Named(asset.id.clone())).field(Field::Format);
                let known = self.formats.iter().map(|format| format.as_str());
                self.refuse(at, asset.format, "takes no creatives of this format").supported(known)
            })
            .collect()
    }

    /// Returns the fields that a patch changes and that the platform can't change. Setting a field
    /// to its current value is not a change.
    fn unsupported_updates(
        &self,
        patch: &BuyPatch,
        platform: &PlatformName,
        current: &MediaBuy,
        desired: &MediaBuy,
    ) -> Vec<Problem> {
        let changed = [
            ("active", Part::Field(Field::Active), patch.active.is_some() && current.active != desired.active),
            (
                "total_budget",
                Part::Field(Field::TotalBudget),
                patch.total_budget.is_some() && current.total_budget != desired.total_budget,
            ),
            ("end_date", Part::Field(Field::FlightEnd), patch.end.is_some() && current.end != desired.end),
            (
                "targeting",
                Part::Targeting(TargetingPart::Whole),
                patch.targeting.is_some() && current.targeting != desired.targeting,
            ),
            ("pacing", Part::Field(Field::Pacing), patch.pacing.is_some() && current.pacing != desired.pacing),
            (
                DAILY_BUDGET,
                Part::Field(Field::DailyBudget),
                patch.daily_budget.is_some() && current.daily_budget != desired.daily_budget,
            ),
        ];
        let mut problems = self.unlisted(&Subject::Buy, &changed);
        for patch in &patch.packages {
            let both = patch.package.as_ref().and_then(|id| Some((current.package(id)?, desired.package(id)?)));
            if let Some((before, after)) = both.filter(|(_, after)| &after.platform == platform) {
                problems.extend(self.unlisted(&Subject::merged(&after.id), &changed_in(patch, before, after)));
            }
        }
        problems
    }

    fn unlisted(&self, of: &Subject, changed: &[Changed]) -> Vec<Problem> {
        let unlisted = changed.iter().filter(|(kind, _, is_changed)| *is_changed && !self.updates(kind));
        unlisted
            .map(|(_, path, _)| {
                let what = format!("{} can't change this once it is booked.", self.title);
                Problem::new(of.clone().at(path.clone()), what).supported(&self.updates)
            })
            .collect()
    }

    /// Whether packages can be sold at such a price.
    pub fn sells_by(&self, model: PriceModel) -> bool {
        self.price_models.iter().any(|listed| listed == model.as_str())
    }

    pub(super) fn updates(&self, kind: &str) -> bool {
        self.updates.iter().any(|listed| listed == kind)
    }

    fn refuse(&self, at: impl Into<FieldPath>, value: impl ToString, what: &str) -> Problem {
        Problem::new(at, format!("{} {what}.", self.title)).value(value.to_string())
    }
}

/// A kind of update, the field that asks for it, and whether a patch changes it.
type Changed = (&'static str, Part, bool);

/// Returns each kind of update of a package, its field, and whether the patch changes it. A flat
/// price may be given as the budget.
fn changed_in(patch: &PackagePatch, before: &Package, after: &Package) -> [Changed; 9] {
    let model = after.price.model;
    let unit = model.unit().unwrap_or(Unit::Impressions);
    let names_price = patch.price.is_some() || (model == PriceModel::Flat && patch.budget.is_some());
    [
        ("active", Part::Field(Field::Active), patch.active.is_some() && before.active != after.active),
        ("budget", Part::Field(Field::Budget), patch.budget.is_some() && before.budget != after.budget),
        ("impressions", Part::Field(unit.field()), patch.goal.is_some() && before.goal != after.goal),
        ("price", Part::Field(model.field()), names_price && before.price != after.price),
        (
            DAILY_BUDGET,
            Part::Field(Field::DailyBudget),
            patch.daily_budget.is_some() && before.daily_budget != after.daily_budget,
        ),
        (
            DAILY_GOAL,
            Part::Field(unit.daily_field()),
            patch.daily_goal.is_some() && before.daily_goal != after.daily_goal,
        ),
        ("pacing", Part::Field(Field::Pacing), patch.pacing.is_some() && before.pacing != after.pacing),
        (
            "creative_assignments",
            Part::Field(Field::Creatives),
            patch.creatives.is_some() && before.creatives != after.creatives,
        ),
        (
            "targeting",
            Part::Targeting(TargetingPart::Whole),
            patch.targeting.is_some() && before.targeting != after.targeting,
        ),
    ]
}

impl DaypartingSupport {
    /// The number of different ranges of hours, including those of presets.
    fn ranges(&self, hours: &Dayparting) -> usize {
        let presets = self.presets.iter().filter(|preset| hours.presets.contains(&preset.name));
        let parts = hours.schedules.iter().chain(presets.flat_map(|preset| &preset.schedules));
        parts.map(|part| (part.start_hour, part.end_hour)).collect::<BTreeSet<_>>().len()
    }
}
