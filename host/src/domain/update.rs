//! What a change makes of a media buy.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    budget,
    creative::Creative,
    id::{CreativeId, PackageId, PlatformName},
    media_buy::{MediaBuy, Pacing, Package},
    money::Micros,
    operation::Change,
    problem::{Problem, pointer_token},
    targeting::Targeting,
    time::Timestamp,
};

mod caps;
mod cleared;
mod partly;
mod when;

pub use caps::{check_daily_budget, check_daily_caps};
pub use partly::{Progress, partly};
pub use when::When;

/// New values for some fields of one package. `None` leaves a field as it is; the inner `None` of a double option
/// clears it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PackagePatch {
    /// Which package.
    pub package: Option<PackageId>,
    /// Pause or resume.
    pub active: Option<bool>,
    /// New budget; impressions follow.
    pub budget: Option<Micros>,
    /// New goal; the budget follows.
    pub impressions: Option<i64>,
    /// New price; impressions follow.
    pub cpm: Option<Micros>,
    /// New daily cap of spend.
    #[serde(with = "double")]
    pub daily_budget: Option<Option<Micros>>,
    /// New daily cap of impressions.
    #[serde(with = "double")]
    pub daily_impressions: Option<Option<i64>>,
    /// New pacing; cleared: the buy's.
    #[serde(with = "double")]
    pub pacing: Option<Option<Pacing>>,
    /// New list of creatives.
    pub creatives: Option<Vec<CreativeId>>,
    /// New targeting of its own; cleared: none.
    #[serde(with = "double")]
    pub targeting: Option<Option<Targeting>>,
}

/// New values for some fields of a buy and of its packages, in the same sense.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BuyPatch {
    /// Pause or resume all of it.
    pub active: Option<bool>,
    /// New budget of all packages together.
    pub total_budget: Option<Micros>,
    /// New end.
    pub end: Option<Timestamp>,
    /// New targeting for all packages.
    #[serde(with = "double")]
    pub targeting: Option<Option<Targeting>>,
    /// New pacing.
    pub pacing: Option<Pacing>,
    /// New daily cap of spend.
    #[serde(with = "double")]
    pub daily_budget: Option<Option<Micros>>,
    /// Package by package, in the buyer's order.
    pub packages: Vec<PackagePatch>,
}

/// Keeps "left out" and "cleared" apart in JSON: a list of no or one element.
mod double {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|inner| [inner]).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        let wrapped: Option<[Option<T>; 1]> = Option::deserialize(deserializer)?;
        Ok(wrapped.map(|[inner]| inner))
    }
}

impl BuyPatch {
    /// Whether it only stops or restarts delivery: such a change overtakes all others, whatever they wait for.
    pub fn only_switches(&self) -> bool {
        let mut rest = self.clone();
        rest.active = None;
        for package in &mut rest.packages {
            package.active = None;
            package.package = None;
        }
        rest.packages.retain(|package| *package != PackagePatch::default());
        rest == Self::default() && *self != Self::default()
    }

    /// The buy as it will be. Prices, goals and budgets agree again afterwards.
    ///
    /// # Errors
    /// Everything that is impossible, by field of the request.
    pub fn apply(&self, buy: &MediaBuy, when: When) -> Result<MediaBuy, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut next = buy.clone();
        when.switch(&mut next.active, &mut next.switched_at, self.active);
        if let Some(end) = self.end {
            if end <= buy.start {
                problems
                    .push(Problem::new("/flight_end_date", format!("must be after the flight's start, {}", buy.start)));
            } else if end <= when.now {
                problems.push(Problem::new("/flight_end_date", "must be in the future"));
            }
            next.end = end;
        }
        if let Some(targeting) = &self.targeting {
            next.targeting = targeting.clone().unwrap_or_default();
        }
        if let Some(pacing) = self.pacing {
            next.pacing = pacing;
        }
        if let Some(daily_budget) = self.daily_budget {
            next.daily_budget = daily_budget;
        }
        let mut named = HashSet::new();
        let platforms = buy.platforms();
        if let Some(Some(targeting)) = &self.targeting {
            targeting.check_custom(&platforms, "/targeting_overlay", &mut problems);
        }
        for (index, patch) in self.packages.iter().enumerate() {
            let at = format!("/packages/{index}");
            let found = patch.package.as_ref().and_then(|id| next.packages.iter_mut().find(|mine| &mine.id == id));
            let Some(package) = found else {
                let known = buy.packages.iter().map(|package| package.id.as_str());
                problems
                    .push(Problem::new(format!("{at}/package_id"), "is no package of this media buy").supported(known));
                continue;
            };
            if !named.insert(package.id.clone()) {
                problems.push(Problem::new(format!("{at}/package_id"), "is named twice; give each package once"));
                continue;
            }
            patch.apply_to(package, buy, &at, when, &mut problems);
        }
        if problems.is_empty() {
            self.settle_total(&mut next, &mut problems);
        }
        if problems.is_empty() {
            // Only now the budgets are those that the caps must fit.
            for package in &next.packages {
                check_daily_caps(package, &self.pointer_to(package), &mut problems);
            }
        }
        if self.changes_targeting() {
            // What stood in the buy before is left out: an overlay that nobody refused then must not keep others from being changed.
            let at = |package: &Package| self.pointer_or_id(package);
            let stood = buy.contradictions(at);
            problems.extend(next.contradictions(at).into_iter().filter(|problem| !stood.contains(problem)));
        }
        check_daily_budget(&next, &mut problems);
        if let Some(daily) = next.daily_budget.filter(|daily| *daily > next.total_budget) {
            problems.push(Problem::new(
                "/daily_budget",
                format!("{daily} a day is more than the whole budget of {}", next.total_budget),
            ));
        }
        if problems.is_empty() { Ok(next) } else { Err(problems) }
    }

    /// Whether it may make of the buy what can match nobody: by targeting, or by a flight that is too short for its hours.
    fn changes_targeting(&self) -> bool {
        self.targeting.is_some() || self.end.is_some() || self.packages.iter().any(|patch| patch.targeting.is_some())
    }

    /// Where the request speaks of a package; by its id, if it does not.
    fn pointer_or_id(&self, package: &Package) -> String {
        let pointer = self.pointer_to(package);
        if pointer.is_empty() { format!("/packages/{}", pointer_token(package.id.as_str())) } else { pointer }
    }

    /// Where the request speaks of a package; the field of the buy that changes it, if it does not.
    fn pointer_to(&self, package: &Package) -> String {
        let named = self.packages.iter().position(|patch| patch.package.as_ref() == Some(&package.id));
        named.map_or_else(String::new, |index| format!("/packages/{index}"))
    }

    /// Makes total and packages agree: a new total goes to the packages whose budget this change does not fix, in
    /// proportion to what they have; without one, the total is what the packages add up to.
    fn settle_total(&self, next: &mut MediaBuy, problems: &mut Vec<Problem>) {
        let Some(total) = self.total_budget else {
            match Micros::sum(next.packages.iter().map(|package| package.budget)) {
                Some(sum) => next.total_budget = sum,
                None => problems.push(Problem::new("/packages", "the packages' budgets add up to too much")),
            }
            return;
        };
        let fixed: HashSet<&PackageId> = self
            .packages
            .iter()
            .filter(|patch| patch.budget.is_some() || patch.impressions.is_some())
            .filter_map(|patch| patch.package.as_ref())
            .collect();
        let is_free = |package: &Package| !fixed.contains(&package.id);
        let spoken_for =
            Micros::sum(next.packages.iter().filter(|package| !is_free(package)).map(|package| package.budget));
        let Some(left) = spoken_for.and_then(|spent| total.checked_sub(spent)) else {
            problems.push(Problem::new("/total_budget", "is less than the packages' own budgets add up to"));
            return;
        };
        let weights: Vec<i64> =
            next.packages.iter().filter(|package| is_free(package)).map(|package| package.budget.get()).collect();
        if weights.is_empty() {
            if !left.is_zero() {
                problems.push(Problem::new("/total_budget", "is not what the packages' own budgets add up to"));
            }
            next.total_budget = total;
            return;
        }
        let shares = budget::proportional_shares(left, &weights);
        for (package, share) in next.packages.iter_mut().filter(|package| is_free(package)).zip(shares) {
            package.budget = share;
            match budget::impressions_for(share, package.cpm) {
                Some(impressions) => package.impressions = impressions,
                None => problems.push(Problem::new(
                    "/total_budget",
                    format!("leaves {share} for package {}, which buys no possible number of impressions", package.id),
                )),
            }
        }
        next.total_budget = total;
    }
}

impl PackagePatch {
    fn apply_to(&self, package: &mut Package, buy: &MediaBuy, at: &str, when: When, problems: &mut Vec<Problem>) {
        when.switch(&mut package.active, &mut package.switched_at, self.active);
        if let Some(cpm) = self.cpm {
            if cpm < package.floor_cpm {
                problems.push(Problem::new(
                    format!("{at}/cpm"),
                    format!("must be at least {}, the floor price of {}", package.floor_cpm, package.id),
                ));
            }
            package.cpm = cpm;
        }
        match (self.budget, self.impressions) {
            (Some(_), Some(_)) => problems.push(Problem::new(
                format!("{at}/impressions"),
                "can't be given together with budget: one follows from the other",
            )),
            (None, Some(impressions)) => match goal_budget(impressions, package.cpm) {
                Ok(budget) => {
                    package.impressions = impressions;
                    package.budget = budget;
                }
                Err(message) => problems.push(Problem::new(format!("{at}/impressions"), message)),
            },
            (budget, None) => {
                let field = if budget.is_some() { "budget" } else { "cpm" };
                let budget = budget.unwrap_or(package.budget);
                if self.budget.is_some() || self.cpm.is_some() {
                    match budget::impressions_for(budget, package.cpm) {
                        Some(impressions) => package.impressions = impressions,
                        None => problems.push(Problem::new(format!("{at}/{field}"), no_goal(budget, package.cpm))),
                    }
                    package.budget = budget;
                }
            }
        }
        if let Some(daily_budget) = self.daily_budget {
            package.daily_budget = daily_budget;
        }
        if let Some(daily_impressions) = self.daily_impressions {
            package.daily_impressions = daily_impressions;
        }
        if let Some(pacing) = self.pacing {
            package.pacing = pacing;
        }
        if let Some(targeting) = &self.targeting {
            package.targeting = targeting.clone().unwrap_or_default();
            package.targeting.check_custom(
                std::slice::from_ref(&package.platform),
                &format!("{at}/targeting_overlay"),
                problems,
            );
        }
        if let Some(creatives) = &self.creatives {
            let mut seen = HashSet::new();
            for (index, id) in creatives.iter().enumerate() {
                let field = format!("{at}/creative_ids/{index}");
                let known = buy.creatives.iter().find(|creative| &creative.id == id);
                match known {
                    None => problems.push(
                        Problem::new(
                            field,
                            "is no creative of this media buy; upload it with add_creative_assets first",
                        )
                        .value(id.as_str()),
                    ),
                    Some(creative) if !package.formats.contains(&creative.format) => problems.push(
                        Problem::new(field, format!("is {}, which {} does not take", creative.format, package.id))
                            .supported(package.formats.iter().map(|format| format.as_str())),
                    ),
                    Some(_) if !seen.insert(id) => problems.push(Problem::new(field, "is named twice")),
                    Some(_) => {}
                }
            }
            package.creatives.clone_from(creatives);
        }
    }
}

/// The budget that a goal needs.
///
/// # Errors
/// Why the goal is impossible, for the buyer.
pub fn goal_budget(impressions: i64, cpm: Micros) -> Result<Micros, String> {
    if !(1..=budget::MAX_IMPRESSIONS).contains(&impressions) {
        return Err(format!("must be 1 to {}", budget::MAX_IMPRESSIONS));
    }
    budget::budget_for(impressions, cpm).ok_or_else(|| "costs more than can be booked".to_owned())
}

/// Why a budget buys no possible goal, for the buyer.
pub fn no_goal(budget: Micros, cpm: Micros) -> String {
    format!("{budget} at a CPM of {cpm} buys no possible number of impressions (1 to {})", budget::MAX_IMPRESSIONS)
}

impl Change {
    /// What it clears that there was, in words; for one platform, only what concerns its packages.
    pub fn cleared(&self, buy: &MediaBuy, platform: Option<&PlatformName>) -> Vec<String> {
        match self {
            Self::Update(patch) => patch.cleared(buy, platform),
            Self::Create | Self::AddCreatives(_) | Self::PerformanceIndex(_) => Vec::new(),
        }
    }

    /// The buy as it will be once the change was carried out.
    ///
    /// # Errors
    /// Everything that is impossible, by field of the request.
    pub fn apply(&self, buy: &MediaBuy, when: When) -> Result<MediaBuy, Vec<Problem>> {
        match self {
            Self::Create => Ok(buy.clone()),
            Self::AddCreatives(assets) => add_creatives(buy, assets),
            Self::Update(patch) => patch.apply(buy, when),
            Self::PerformanceIndex(performance) => {
                let mut next = buy.clone();
                let mut problems = Vec::new();
                for (index, told) in performance.iter().enumerate() {
                    match next.packages.iter_mut().find(|package| package.id == told.package) {
                        Some(package) => package.performance_index = Some(told.index),
                        None => problems.push(no_package(&format!("/performance_data/{index}/package_id"), buy)),
                    }
                }
                if problems.is_empty() { Ok(next) } else { Err(problems) }
            }
        }
    }

    /// Whether it only stops or restarts delivery.
    pub fn only_switches(&self) -> bool {
        matches!(self, Self::Update(patch) if patch.only_switches())
    }

    /// The platforms that it touches, in the order of the buy's.
    pub fn platforms(&self, buy: &MediaBuy) -> Vec<PlatformName> {
        let named: Vec<&PackageId> = match self {
            Self::Create => return buy.platforms(),
            Self::Update(patch) if !patch.only_packages() => return buy.platforms(),
            Self::Update(patch) => patch.packages.iter().filter_map(|package| package.package.as_ref()).collect(),
            Self::AddCreatives(assets) => assets.iter().flat_map(|asset| &asset.packages).collect(),
            Self::PerformanceIndex(performance) => performance.iter().map(|told| &told.package).collect(),
        };
        let touches = |platform: &PlatformName| buy.packages_on(platform).any(|package| named.contains(&&package.id));
        buy.platforms().into_iter().filter(touches).collect()
    }
}

impl BuyPatch {
    /// Whether it changes nothing but single packages.
    pub fn only_packages(&self) -> bool {
        Self { packages: Vec::new(), ..self.clone() } == Self::default()
    }
}

fn no_package(field: &str, buy: &MediaBuy) -> Problem {
    Problem::new(field, "is no package of this media buy")
        .supported(buy.packages.iter().map(|package| package.id.as_str()))
}

fn add_creatives(buy: &MediaBuy, assets: &[Creative]) -> Result<MediaBuy, Vec<Problem>> {
    let mut next = buy.clone();
    let mut problems = Vec::new();
    for (index, asset) in assets.iter().enumerate() {
        let at = format!("/assets/{index}");
        if next.creatives.iter().any(|known| known.id == asset.id) {
            problems.push(
                Problem::new(
                    format!("{at}/creative_id"),
                    "is a creative of this media buy already: give a new version an id of its own",
                )
                .value(asset.id.as_str()),
            );
            continue;
        }
        for (place, id) in asset.packages.iter().enumerate() {
            let field = format!("{at}/package_assignments/{place}");
            let Some(package) = next.packages.iter_mut().find(|package| &package.id == id) else {
                problems.push(no_package(&field, buy).value(id.as_str()));
                continue;
            };
            if !package.formats.contains(&asset.format) {
                problems.push(
                    Problem::new(format!("{at}/format"), format!("can't run in {id}"))
                        .value(asset.format.as_str())
                        .supported(package.formats.iter().map(|format| format.as_str())),
                );
            }
            package.creatives.push(asset.id.clone());
        }
        next.creatives.push(asset.clone());
    }
    if problems.is_empty() { Ok(next) } else { Err(problems) }
}

#[cfg(test)]
mod tests;
