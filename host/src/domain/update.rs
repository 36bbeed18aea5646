//! Updates of a media buy by its buyer: new values for some fields of the buy and of its packages.

use serde::{Deserialize, Serialize};

use super::{
    id::{CreativeId, PackageId},
    media_buy::Pacing,
    money::Micros,
    price::{DailyGoal, Goal, Price},
    targeting::Targeting,
    time::Timestamp,
};

mod apply;
mod cleared;
mod package;
mod partly;
mod stored;
mod when;

use stored::StoredPatch;

pub use partly::{Progress, partly};
pub use when::When;

/// New values for some fields of one package. `None` leaves a field unchanged; the inner `None` of
/// a double option clears it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "StoredPatch", into = "StoredPatch")]
pub struct PackagePatch {
    /// The package. A patch without one is refused.
    pub package: Option<PackageId>,
    /// `false` pauses the package, `true` resumes it.
    pub active: Option<bool>,
    /// The new budget; the goal follows.
    pub budget: Option<Micros>,
    /// The new goal; the budget follows.
    pub goal: Option<Goal>,
    /// The new price; the goal follows. A flat price is the new budget.
    pub price: Option<Price>,
    /// The new daily cap of spend.
    pub daily_budget: Option<Option<Micros>>,
    /// The new daily cap of the units that its price pays for.
    pub daily_goal: Option<DailyGoal>,
    /// The new pacing; if cleared, the buy's.
    pub pacing: Option<Option<Pacing>>,
    /// The new list of creatives.
    pub creatives: Option<Vec<CreativeId>>,
    /// The new own targeting of the package; if cleared, none.
    pub targeting: Option<Option<Targeting>>,
}

/// New values for some fields of a buy and of its packages, like [`PackagePatch`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BuyPatch {
    /// `false` pauses the buy, `true` resumes it.
    pub active: Option<bool>,
    /// The new total budget of all packages.
    pub total_budget: Option<Micros>,
    /// The new end of the flight.
    pub end: Option<Timestamp>,
    /// The new targeting of all packages.
    #[serde(with = "double")]
    pub targeting: Option<Option<Targeting>>,
    /// The new pacing.
    pub pacing: Option<Pacing>,
    /// The new daily cap of spend.
    #[serde(with = "double")]
    pub daily_budget: Option<Option<Micros>>,
    /// The changes of packages, in the buyer's order.
    pub packages: Vec<PackagePatch>,
}

/// Distinguishes an omitted value from a cleared one in JSON: a list with zero or one elements.
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
    /// Whether the patch only pauses or resumes delivery. Such a change overtakes all others,
    /// whatever they wait for.
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

    /// Whether the patch changes only single packages.
    pub fn only_packages(&self) -> bool {
        Self { packages: Vec::new(), ..self.clone() } == Self::default()
    }
}

#[cfg(test)]
mod tests;
