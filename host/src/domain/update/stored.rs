//! The form in which a change of a package is stored, and in which approvals and idempotency keys are
//! bound to it.
//!
//! A change in impressions and at a CPM has the form that it had when there was no other price, to the
//! byte: digests that were made of it stay valid. Any other has `goal`, `price` or `daily_goal`
//! besides.

use serde::{Deserialize, Serialize};

use super::{PackagePatch, double};
use crate::domain::{
    id::{CreativeId, PackageId},
    media_buy::Pacing,
    money::Micros,
    price::{DailyGoal, Goal, Price, PriceModel, Unit},
    targeting::Targeting,
};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredPatch {
    package: Option<PackageId>,
    active: Option<bool>,
    budget: Option<Micros>,
    impressions: Option<i64>,
    cpm: Option<Micros>,
    #[serde(with = "double")]
    daily_budget: Option<Option<Micros>>,
    #[serde(with = "double")]
    daily_impressions: Option<Option<i64>>,
    #[serde(with = "double")]
    pacing: Option<Option<Pacing>>,
    creatives: Option<Vec<CreativeId>>,
    #[serde(with = "double")]
    targeting: Option<Option<Targeting>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goal: Option<Goal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_goal: Option<DailyGoal>,
}

impl From<PackagePatch> for StoredPatch {
    fn from(patch: PackagePatch) -> Self {
        let is_earlier = |unit: Unit| unit == Unit::Impressions;
        let PackagePatch { goal, price, daily_goal, .. } = patch;
        Self {
            package: patch.package,
            active: patch.active,
            budget: patch.budget,
            impressions: goal.filter(|goal| is_earlier(goal.unit)).map(|goal| goal.count),
            cpm: price.filter(|price| price.model == PriceModel::Cpm).map(|price| price.rate),
            daily_budget: patch.daily_budget,
            daily_impressions: daily_goal.filter(|daily| is_earlier(daily.unit)).map(|daily| daily.most),
            pacing: patch.pacing,
            creatives: patch.creatives,
            targeting: patch.targeting,
            goal: goal.filter(|goal| !is_earlier(goal.unit)),
            price: price.filter(|price| price.model != PriceModel::Cpm),
            daily_goal: daily_goal.filter(|daily| !is_earlier(daily.unit)),
        }
    }
}

impl From<StoredPatch> for PackagePatch {
    fn from(stored: StoredPatch) -> Self {
        let impressions = |count: i64| Goal { unit: Unit::Impressions, count };
        let daily_impressions = |most: Option<i64>| DailyGoal { unit: Unit::Impressions, most };
        Self {
            package: stored.package,
            active: stored.active,
            budget: stored.budget,
            goal: stored.goal.or(stored.impressions.map(impressions)),
            price: stored.price.or(stored.cpm.map(Price::cpm)),
            daily_budget: stored.daily_budget,
            daily_goal: stored.daily_goal.or(stored.daily_impressions.map(daily_impressions)),
            pacing: stored.pacing,
            creatives: stored.creatives,
            targeting: stored.targeting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::units;

    fn stored(patch: &PackagePatch) -> String {
        let text = serde_json::to_string(patch).unwrap();
        assert_eq!(&serde_json::from_str::<PackagePatch>(&text).unwrap(), patch, "{text}");
        text
    }

    #[test]
    fn a_change_in_impressions_is_stored_as_it_always_was() {
        assert_eq!(
            stored(&PackagePatch::default()),
            r#"{"package":null,"active":null,"budget":null,"impressions":null,"cpm":null,"daily_budget":null,"daily_impressions":null,"pacing":null,"creatives":null,"targeting":null}"#
        );
        let patch = PackagePatch {
            package: Some("news".into()),
            goal: Some(Goal { unit: Unit::Impressions, count: 5 }),
            price: Some(Price::cpm(units(9))),
            daily_goal: Some(DailyGoal { unit: Unit::Impressions, most: None }),
            ..PackagePatch::default()
        };
        assert_eq!(
            stored(&patch),
            r#"{"package":"news","active":null,"budget":null,"impressions":5,"cpm":9,"daily_budget":null,"daily_impressions":[null],"pacing":null,"creatives":null,"targeting":null}"#
        );
    }

    #[test]
    fn other_goals_and_prices_come_back_as_they_went() {
        for most in [Some(3), None] {
            let text = stored(&PackagePatch {
                goal: Some(Goal { unit: Unit::Clicks, count: 5 }),
                price: Some(Price { model: PriceModel::Cpc, rate: units(2) }),
                daily_goal: Some(DailyGoal { unit: Unit::Clicks, most }),
                ..PackagePatch::default()
            });
            assert!(text.contains(r#""impressions":null,"cpm":null"#), "{text}");
        }
    }
}
