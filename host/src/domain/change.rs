//! Changes of a media buy, and their effect on the buy.

use serde::{Deserialize, Serialize};

use super::{
    creative::Creative,
    field::{CreativeRef, Field, FieldPath, Subject},
    id::{PackageId, PlatformName},
    media_buy::{MediaBuy, Package},
    price::{Goal, PriceModel},
    problem::Problem,
    update::{BuyPatch, When},
};

/// The performance of a package, as the buyer reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    /// The package.
    pub package: PackageId,
    /// The index in millionths; 1_000_000 is the baseline.
    pub index: i64,
    /// The confidence in millionths, 0 to 1_000_000.
    pub confidence: Option<i64>,
    /// The buyer's feedback, in words.
    pub feedback: Option<String>,
}

/// What an adapter has to do after somebody else changed something on its platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// The platform.
    pub platform: PlatformName,
    /// The adapter's word for what there is to do: lower-case letters, digits and `-`.
    pub reason: String,
}

/// A change of a media buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Creates the buy, as it was recorded at acceptance.
    Create,
    /// Adds creatives.
    AddCreatives(Vec<Creative>),
    /// Sets some fields of the buy and its packages.
    Update(BuyPatch),
    /// Reports performance indices.
    PerformanceIndex(Vec<Performance>),
    /// Completes on one platform what was approved. The buy stays as it is.
    FollowUp(FollowUp),
}

/// A change of a buy, with the buy before and after it.
#[derive(Debug, Clone, Copy)]
pub struct ProposedChange<'a> {
    /// The change.
    pub change: &'a Change,
    /// The buy before the change; for a create, the new buy itself.
    pub current: &'a MediaBuy,
    /// The buy after the change.
    pub desired: &'a MediaBuy,
}

impl<'a> ProposedChange<'a> {
    /// The creation of a buy.
    pub const fn create(buy: &'a MediaBuy) -> Self {
        Self { change: &Change::Create, current: buy, desired: buy }
    }

    /// The platforms that the change affects, in the order of the buy's platforms.
    pub fn platforms(self) -> Vec<PlatformName> {
        self.change.platforms(self.desired)
    }

    /// The packages in the order in which an update goes through them: those that the buyer named,
    /// in the buyer's order, then the rest, which a change of the whole buy may affect.
    pub fn touched(self) -> Vec<&'a PackageId> {
        let all = self.desired.packages.iter().map(|package| &package.id);
        let Change::Update(patch) = self.change else { return all.collect() };
        let mut touched: Vec<&PackageId> = patch.packages.iter().filter_map(|patch| patch.package.as_ref()).collect();
        for id in all {
            if !touched.contains(&id) {
                touched.push(id);
            }
        }
        touched
    }
}

impl ProposedChange<'_> {
    /// Says what each package on a platform is bought for, if that is new or other than before, in
    /// the terms of its price. Leaves out packages that are sold by the thousand impressions: what an
    /// adapter shows of them says it.
    pub fn terms(self, platform: &PlatformName) -> Vec<String> {
        let is_new = matches!(self.change, Change::Create);
        let otherwise = self.desired.packages_on(platform).filter(|package| package.price.model != PriceModel::Cpm);
        otherwise
            .filter_map(|package| {
                let now = words_of(package, &self.desired.currency);
                let before = self.current.package(&package.id).filter(|_| !is_new);
                match before.map(|before| words_of(before, &self.current.currency)) {
                    None => Some(format!("{}: {now}", package.id)),
                    Some(before) if before != now => Some(format!("{}: {now}; so far {before}", package.id)),
                    Some(_) => None,
                }
            })
            .collect()
    }
}

/// What a package is bought for, in words.
fn words_of(package: &Package, currency: &str) -> String {
    let (price, budget) = (package.price, package.budget);
    let goal = package.goal.zip(price.model.unit()).map(|(count, unit)| Goal { unit, count });
    let Some(goal) = goal else { return format!("{price} {currency} for the whole flight") };
    let daily = package.daily_goal.map(|daily| format!(", at most {daily} a day")).unwrap_or_default();
    format!("{goal} at {price} {currency}, for {budget} {currency} in all{daily}")
}

impl Change {
    /// Describes the existing values that the change clears. With a platform, only values that
    /// affect its packages.
    pub fn cleared(&self, buy: &MediaBuy, platform: Option<&PlatformName>) -> Vec<String> {
        match self {
            Self::Update(patch) => patch.cleared(buy, platform),
            Self::Create | Self::AddCreatives(_) | Self::PerformanceIndex(_) | Self::FollowUp(_) => Vec::new(),
        }
    }

    /// Returns the buy after the change.
    ///
    /// # Errors
    /// When the change is impossible. Lists every problem, by field of the request.
    pub fn apply(&self, buy: &MediaBuy, when: When) -> Result<MediaBuy, Vec<Problem>> {
        match self {
            Self::Create | Self::FollowUp(_) => Ok(buy.clone()),
            Self::AddCreatives(assets) => add_creatives(buy, assets),
            Self::Update(patch) => patch.apply(buy, when),
            Self::PerformanceIndex(performance) => {
                let mut next = buy.clone();
                let mut problems = Vec::new();
                for (index, told) in performance.iter().enumerate() {
                    match next.packages.iter_mut().find(|package| package.id == told.package) {
                        Some(package) => package.performance_index = Some(told.index),
                        None => problems.push(no_package(Subject::Performance(index).field(Field::PackageId), buy)),
                    }
                }
                if problems.is_empty() { Ok(next) } else { Err(problems) }
            }
        }
    }

    /// Whether the change only pauses or resumes delivery.
    pub fn only_switches(&self) -> bool {
        matches!(self, Self::Update(patch) if patch.only_switches())
    }

    /// The packages that the change affects, in no particular order.
    pub fn packages<'a>(&'a self, buy: &'a MediaBuy) -> Vec<&'a PackageId> {
        let all = || buy.packages.iter().map(|package| &package.id).collect();
        match self {
            Self::Create => all(),
            Self::FollowUp(follow_up) => buy.packages_on(&follow_up.platform).map(|package| &package.id).collect(),
            Self::Update(patch) if !patch.only_packages() => all(),
            Self::Update(patch) => patch.packages.iter().filter_map(|package| package.package.as_ref()).collect(),
            Self::AddCreatives(assets) => assets.iter().flat_map(|asset| &asset.packages).collect(),
            Self::PerformanceIndex(performance) => performance.iter().map(|told| &told.package).collect(),
        }
    }

    /// The platforms that the change affects, in the order of the buy's platforms.
    pub fn platforms(&self, buy: &MediaBuy) -> Vec<PlatformName> {
        if let Self::FollowUp(follow_up) = self {
            return vec![follow_up.platform.clone()];
        }
        let named = self.packages(buy);
        let touches = |platform: &PlatformName| buy.packages_on(platform).any(|package| named.contains(&&package.id));
        buy.platforms().into_iter().filter(touches).collect()
    }
}

fn no_package(field: FieldPath, buy: &MediaBuy) -> Problem {
    Problem::new(field, "is no package of this media buy")
        .supported(buy.packages.iter().map(|package| package.id.as_str()))
}

fn add_creatives(buy: &MediaBuy, assets: &[Creative]) -> Result<MediaBuy, Vec<Problem>> {
    let mut next = buy.clone();
    let mut problems = Vec::new();
    for (index, asset) in assets.iter().enumerate() {
        let at = Subject::Creative(CreativeRef::Listed(index));
        if next.creatives.iter().any(|known| known.id == asset.id) {
            problems.push(
                Problem::new(
                    at.field(Field::CreativeId),
                    "is a creative of this media buy already: give a new version an id of its own",
                )
                .value(asset.id.as_str()),
            );
            continue;
        }
        for (place, id) in asset.packages.iter().enumerate() {
            let field = at.entry(Field::Assignments, place);
            let Some(package) = next.packages.iter_mut().find(|package| &package.id == id) else {
                problems.push(no_package(field, buy).value(id.as_str()));
                continue;
            };
            if !package.formats.contains(&asset.format) {
                problems.push(
                    Problem::new(at.field(Field::Format), format!("can't run in {id}"))
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
