//! A change of a media buy by its buyer: new values for some fields of the buy and of its packages.

use serde::{Deserialize, Serialize};

use super::{
    id::{CreativeId, PackageId},
    media_buy::Pacing,
    money::Micros,
    targeting::Targeting,
    time::Timestamp,
};

mod apply;
mod cleared;
mod package;
mod partly;
mod when;

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

    /// Whether it changes nothing but single packages.
    pub fn only_packages(&self) -> bool {
        Self { packages: Vec::new(), ..self.clone() } == Self::default()
    }
}

#[cfg(test)]
mod tests;
