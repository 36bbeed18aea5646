//! The form in which a package is stored.
//!
//! A package that is sold by the thousand impressions has the form that it had when there was no other
//! price, to the byte: `cpm`, `floor_cpm` and `impressions`. Any other has `price`, `floor` and `goal`
//! instead. A host from before there were other prices can't read those, which is right: it would take
//! clicks for impressions.

use serde::{Deserialize, Serialize};

use super::{Pacing, Package};
use crate::domain::{
    creative::Format,
    id::{CreativeId, PackageId, PlatformName},
    money::Micros,
    price::{Price, PriceModel},
    targeting::Targeting,
    time::Timestamp,
};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredPackage {
    id: PackageId,
    name: String,
    platform: PlatformName,
    active: bool,
    #[serde(default)]
    switched_at: Option<Timestamp>,
    budget: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    impressions: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cpm: Option<Micros>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor_cpm: Option<Micros>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<Micros>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goal: Option<i64>,
    pacing: Option<Pacing>,
    daily_budget: Option<Micros>,
    /// The outer `None` leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_impressions: Option<Option<i64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_goal: Option<i64>,
    targeting: Targeting,
    creatives: Vec<CreativeId>,
    formats: Vec<Format>,
    settings: serde_json::Value,
    review_lead_ms: i64,
    performance_index: Option<i64>,
}

/// Why a stored package can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// It has no price of any model.
    #[error("the package {0} has no price")]
    NoPrice(PackageId),
    /// Its price needs a goal.
    #[error("the package {0} has no goal")]
    NoGoal(PackageId),
}

impl From<Package> for StoredPackage {
    fn from(package: Package) -> Self {
        let Package { goal, price, floor, daily_goal, .. } = package;
        let is_cpm = price.model == PriceModel::Cpm;
        Self {
            id: package.id,
            name: package.name,
            platform: package.platform,
            active: package.active,
            switched_at: package.switched_at,
            budget: package.budget,
            impressions: goal.filter(|_| is_cpm),
            cpm: is_cpm.then_some(price.rate),
            floor_cpm: is_cpm.then_some(floor),
            price: (!is_cpm).then_some(price),
            floor: (!is_cpm).then_some(floor),
            goal: goal.filter(|_| !is_cpm),
            pacing: package.pacing,
            daily_budget: package.daily_budget,
            daily_impressions: is_cpm.then_some(daily_goal),
            daily_goal: daily_goal.filter(|_| !is_cpm),
            targeting: package.targeting,
            creatives: package.creatives,
            formats: package.formats,
            settings: package.settings,
            review_lead_ms: package.review_lead_ms,
            performance_index: package.performance_index,
        }
    }
}

impl TryFrom<StoredPackage> for Package {
    type Error = Unreadable;

    fn try_from(stored: StoredPackage) -> Result<Self, Unreadable> {
        let price = stored.price.or_else(|| stored.cpm.map(Price::cpm));
        let floor = stored.floor.or(stored.floor_cpm);
        let Some((price, floor)) = price.zip(floor) else { return Err(Unreadable::NoPrice(stored.id)) };
        let goal = stored.goal.or(stored.impressions);
        if goal.is_some() != price.model.unit().is_some() {
            return Err(Unreadable::NoGoal(stored.id));
        }
        Ok(Self {
            id: stored.id,
            name: stored.name,
            platform: stored.platform,
            active: stored.active,
            switched_at: stored.switched_at,
            budget: stored.budget,
            goal,
            price,
            floor,
            pacing: stored.pacing,
            daily_budget: stored.daily_budget,
            daily_goal: stored.daily_goal.or(stored.daily_impressions.flatten()),
            targeting: stored.targeting,
            creatives: stored.creatives,
            formats: stored.formats,
            settings: stored.settings,
            review_lead_ms: stored.review_lead_ms,
            performance_index: stored.performance_index,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{self, units};

    fn package() -> Package {
        testing::buy(1).packages.remove(0)
    }

    /// The text of releases that knew no other price.
    const BEFORE: &str = r#"{"id":"p0","name":"Package 0","platform":"acme","active":true,"switched_at":null,"budget":1000,"impressions":100000,"cpm":10,"floor_cpm":5,"pacing":null,"daily_budget":null,"daily_impressions":null,"targeting":{"rules":[],"dayparting":null,"frequency_cap":null,"custom":{}},"creatives":[],"formats":["image"],"settings":null,"review_lead_ms":172800000,"performance_index":null}"#;

    #[test]
    fn a_package_sold_by_the_thousand_is_stored_as_it_always_was() {
        assert_eq!(serde_json::to_string(&package()).unwrap(), BEFORE);
        assert_eq!(serde_json::from_str::<Package>(BEFORE).unwrap(), package());
        let capped = Package { daily_goal: Some(7), ..package() };
        let text = BEFORE.replace(r#""daily_impressions":null"#, r#""daily_impressions":7"#);
        assert_eq!(serde_json::to_string(&capped).unwrap(), text);
        assert_eq!(serde_json::from_str::<Package>(&text).unwrap(), capped);
        let older = BEFORE.replace(r#""switched_at":null,"#, "");
        assert_eq!(serde_json::from_str::<Package>(&older).unwrap(), package());
    }

    #[test]
    fn any_other_price_comes_back_and_an_earlier_host_can_not_mistake_it() {
        for (model, goal, daily_goal) in [
            (PriceModel::Cpc, Some(1_250), Some(50)),
            (PriceModel::Cpcv, Some(9), None),
            (PriceModel::Flat, None, None),
        ] {
            let sold = Package { price: Price { model, rate: units(2) }, goal, daily_goal, ..package() };
            let json = serde_json::to_value(&sold).unwrap();
            for earlier in ["cpm", "floor_cpm", "impressions", "daily_impressions"] {
                assert_eq!(json.get(earlier), None, "{model}");
            }
            assert_eq!(serde_json::from_value::<Package>(json).unwrap(), sold);
        }
    }

    #[test]
    fn a_package_without_price_or_goal_is_not_read() {
        for (from, to, why) in [
            (r#""cpm":10,"#, "", "the package p0 has no price"),
            (r#""floor_cpm":5,"#, "", "the package p0 has no price"),
            (r#""impressions":100000,"#, "", "the package p0 has no goal"),
        ] {
            let refused = serde_json::from_str::<Package>(&BEFORE.replace(from, to)).unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
        }
    }
}
