//! The inputs of an operation that has begun, and what its lost requests may still set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{id::PlatformName, media_buy::MediaBuy};

/// The inputs of an operation, fixed before its first step so that a later run does exactly the
/// same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// The buy before the change.
    pub current: MediaBuy,
    /// The buy after the change.
    pub desired: MediaBuy,
    /// Other states after the change that its requests may have been setting: a pause overtook it
    /// and the states above were computed anew. A request that got no answer may still set them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<MediaBuy>,
    /// The adapter release that carries it out, by platform. An operation ends with the release
    /// that it began with.
    pub releases: BTreeMap<PlatformName, String>,
    /// The configuration of each platform when the operation began. Empty for an operation that an
    /// older version began.
    #[serde(default)]
    pub platforms: BTreeMap<PlatformName, FrozenPlatform>,
}

/// How many earlier states an operation keeps: a pause is a person's decision, so there are few.
const EARLIER_STATES: usize = 8;

impl Frozen {
    /// Replaces both states, and keeps the earlier desired one: its requests may have been sent.
    pub fn catch_up(&mut self, current: MediaBuy, desired: MediaBuy) {
        self.current = current;
        let before = std::mem::replace(&mut self.desired, desired);
        self.earlier.push(before);
        let surplus = self.earlier.len().saturating_sub(EARLIER_STATES);
        self.earlier.drain(..surplus);
    }

    /// The states that a request of the operation which got no answer may still set on a platform,
    /// where they differ from `buy`.
    pub fn late_states<'a>(&'a self, buy: &'a MediaBuy, platform: &'a PlatformName) -> Vec<&'a MediaBuy> {
        let differs = |state: &&MediaBuy| !state.delivers_like(buy, platform);
        let mut states: Vec<&MediaBuy> = Vec::new();
        for state in self.earlier.iter().chain([&self.desired]).filter(differs) {
            if !states.iter().any(|known| known.delivers_like(state, platform)) {
                states.push(state);
            }
        }
        states
    }
}

/// The configuration with which an operation is carried out on one platform, even if the
/// configuration changes later. Otherwise one buy could be divided between two advertisers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenPlatform {
    /// The buyer's advertiser id.
    pub advertiser_id: String,
    /// The buyer's name; `None` in records from before it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<String>,
    /// The base URL of the ad server's API.
    pub endpoint: String,
    /// The publisher's settings of the platform.
    pub settings: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::testing;

    fn with_goal(goal: i64) -> MediaBuy {
        let mut buy = testing::buy(2);
        buy.packages[1].goal = Some(goal);
        buy
    }

    #[test]
    fn a_late_request_may_set_what_its_operation_was_to_set_before_and_after_a_pause() {
        let (platform, other) = (PlatformName::from("acme"), PlatformName::from("north"));
        let mut frozen = Frozen {
            current: with_goal(1),
            desired: with_goal(2),
            earlier: Vec::new(),
            releases: BTreeMap::new(),
            platforms: BTreeMap::new(),
        };
        let goals = |frozen: &Frozen, buy: &MediaBuy, platform: &PlatformName| -> Vec<(bool, i64)> {
            let states = frozen.late_states(buy, platform);
            states.iter().map(|state| (state.active, state.packages[1].goal.unwrap())).collect()
        };
        assert!(goals(&frozen, &with_goal(2), &platform).is_empty(), "it stands as it was set");
        assert_eq!(goals(&frozen, &with_goal(3), &platform), [(true, 2)]);
        assert!(goals(&frozen, &with_goal(3), &other).is_empty(), "nothing of it is there");
        let paused = |goal| MediaBuy { active: false, ..with_goal(goal) };
        frozen.catch_up(paused(1), paused(2));
        assert_eq!(goals(&frozen, &paused(2), &platform), [(true, 2)], "it was sent before the pause");
        assert_eq!(goals(&frozen, &paused(3), &platform), [(true, 2), (false, 2)]);
        for goal in 0..20 {
            frozen.catch_up(paused(goal), paused(goal));
        }
        assert_eq!(frozen.earlier.len(), EARLIER_STATES);
    }

    #[test]
    fn what_is_only_recorded_makes_no_difference_to_delivery() {
        let platform = PlatformName::from("acme");
        let (one, mut other) = (testing::buy(1), testing::buy(1));
        other.revision += 1;
        other.packages[0].performance_index = Some(1);
        other.packages[0].switched_at = Some(other.start);
        other.packages[0].pacing = Some(other.pacing);
        assert!(one.delivers_like(&other, &platform));
        other.packages[0].budget = testing::units(1);
        assert!(!one.delivers_like(&other, &platform));
    }
}
