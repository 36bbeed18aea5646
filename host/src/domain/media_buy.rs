//! A media buy and its packages, as the host knows them.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    absence::Absence,
    creative::{AssetStatus, Creative, Format},
    id::{CreativeId, MediaBuyId, PackageId, PlatformName, PrincipalId},
    money::Micros,
    status::BuyStatus,
    targeting::{Targeting, names},
    time::Timestamp,
};

names! {
    /// How impressions are spread over the flight.
    Pacing {
        /// The same every day.
        Even = "even",
        /// As fast as possible.
        Asap = "asap",
        /// More at the beginning.
        FrontLoaded = "front_loaded",
    }
}

names! {
    /// What kind of thing a remote id belongs to.
    RemoteKind {
        /// The order or campaign; its key is empty.
        Order = "order",
        /// A line item or flight; its key is the package id.
        Package = "package",
        /// A creative; its key is the buyer's creative id.
        Creative = "creative",
        /// A creative in a package; its key is `<package>/<creative>`.
        Association = "association",
        /// Anything else that an adapter remembers.
        Other = "other",
    }
}

/// Something on a platform that belongs to a buy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RemoteObject {
    /// What it is.
    pub kind: RemoteKind,
    /// Unique within kind, platform and buy. For [`RemoteKind::Other`] it begins with the adapter's own word and a colon.
    pub key: String,
    /// The platform's id.
    pub id: String,
}

/// One package: a line item or flight on its platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// Its id, the product's.
    pub id: PackageId,
    /// For people.
    pub name: String,
    /// Where it lives.
    pub platform: PlatformName,
    /// Whether it may deliver.
    pub active: bool,
    /// When the buyer asked for that, if it was changed since the buy was made.
    #[serde(default)]
    pub switched_at: Option<Timestamp>,
    /// What it may spend.
    pub budget: Micros,
    /// Its goal, at least 1.
    pub impressions: i64,
    /// Price of a thousand impressions.
    pub cpm: Micros,
    /// The least that the publisher takes for a thousand impressions of the product.
    pub floor_cpm: Micros,
    /// Its own pacing; the buy's if it has none.
    pub pacing: Option<Pacing>,
    /// The most that it may spend a day.
    pub daily_budget: Option<Micros>,
    /// The most impressions a day.
    pub daily_impressions: Option<i64>,
    /// Its own targeting, which refines the buy's.
    pub targeting: Targeting,
    /// The creatives that run in it, in order.
    pub creatives: Vec<CreativeId>,
    /// What the product takes.
    pub formats: Vec<Format>,
    /// The publisher's settings of the product on its platform, as they were when it was bought.
    pub settings: serde_json::Value,
    /// How long before the flight creatives must be there.
    pub review_lead_ms: i64,
    /// Millionths, as the buyer last reported.
    pub performance_index: Option<i64>,
}

/// A media buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MediaBuy {
    /// Its id.
    pub id: MediaBuyId,
    /// Whose it is. Nobody else sees it but the publisher's people.
    pub principal: PrincipalId,
    /// The buyer's purchase order number.
    pub po_number: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// Whether it may deliver.
    pub active: bool,
    /// When the buyer asked for that, if it was changed since the buy was made.
    #[serde(default)]
    pub switched_at: Option<Timestamp>,
    /// What all packages together may spend.
    pub total_budget: Micros,
    /// What that was when a person last approved it, or when the buy was made if nobody had to; `None`: the buy is older than this
    /// record, and was not changed since.
    #[serde(default)]
    pub approved_budget: Option<Micros>,
    /// The most that the buy may spend a day.
    pub daily_budget: Option<Micros>,
    /// How impressions are spread.
    pub pacing: Pacing,
    /// When it begins.
    pub start: Timestamp,
    /// Its last moment, after `start`.
    pub end: Timestamp,
    /// The buyer's targeting for all packages.
    pub targeting: Targeting,
    /// In the order of the request; never empty.
    pub packages: Vec<Package>,
    /// What was uploaded.
    pub creatives: Vec<Creative>,
    /// What became of the creatives, by platform.
    pub assets: BTreeMap<PlatformName, Vec<AssetStatus>>,
    /// The platforms that do not show it, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<PlatformName, Absence>,
    /// What exists on each platform.
    pub remote: BTreeMap<PlatformName, Vec<RemoteObject>>,
    /// The status as it was last recorded.
    pub status: BuyStatus,
    /// Why it has that status, for people.
    pub detail: String,
    /// Rises by one with every recorded change of what the buy is to be (not of its status).
    pub revision: i64,
    /// Since when it exists on its ad servers; `None`: it is not created yet, or never will be.
    #[serde(default)]
    pub booked_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When anything of it was last recorded.
    pub updated_at: Timestamp,
}

impl MediaBuy {
    /// The buy as it would be without the pauses and resumes that were asked for since: what it and its packages were before.
    ///
    /// A change that began before them may have been on its way when they were carried out, and have undone them on the ad server. Compared
    /// with this, the buy as it is to be names them, so that they are carried out once more.
    #[must_use]
    pub fn as_if_not_switched_since(&self, since: Timestamp) -> Self {
        let later = |switched_at: Option<Timestamp>| switched_at.is_some_and(|at| at > since);
        let mut buy = self.clone();
        buy.active ^= later(buy.switched_at);
        for package in &mut buy.packages {
            package.active ^= later(package.switched_at);
        }
        buy
    }

    /// The platforms of its packages, each once, in the order of their first package.
    pub fn platforms(&self) -> Vec<PlatformName> {
        let mut platforms: Vec<PlatformName> = Vec::new();
        for package in &self.packages {
            if !platforms.contains(&package.platform) {
                platforms.push(package.platform.clone());
            }
        }
        platforms
    }

    /// The package of that id.
    pub fn package(&self, id: &PackageId) -> Option<&Package> {
        self.packages.iter().find(|package| &package.id == id)
    }

    /// The packages that live on `platform`.
    pub fn packages_on<'a>(&'a self, platform: &'a PlatformName) -> impl Iterator<Item = &'a Package> {
        self.packages.iter().filter(move |package| &package.platform == platform)
    }

    /// When the buyer last said of the buy or of a package whether it may deliver; `None`: never since it was made.
    pub fn last_switched(&self) -> Option<Timestamp> {
        self.packages.iter().map(|package| package.switched_at).chain([self.switched_at]).max().flatten()
    }

    /// What exists on `platform`.
    pub fn remote_on(&self, platform: &PlatformName) -> &[RemoteObject] {
        self.remote.get(platform).map_or(&[], Vec::as_slice)
    }

    /// What a package is targeted at: the buy's overlay, refined by its own.
    pub fn targeting_of(&self, package: &Package) -> Targeting {
        self.targeting.refined_by(&package.targeting)
    }

    /// How a package is paced.
    pub fn pacing_of(&self, package: &Package) -> Pacing {
        package.pacing.unwrap_or(self.pacing)
    }

    /// Until when creatives should be there: the start less the longest review lead time, never before `now`.
    pub fn creative_deadline(&self, now: Timestamp) -> Timestamp {
        let lead = self.packages.iter().map(|package| package.review_lead_ms).max().unwrap_or(0);
        self.start.plus_millis(-lead).max(now)
    }

    /// Records an object on a platform, in place of an earlier one of the same kind and key.
    pub fn remember(&mut self, platform: &PlatformName, object: RemoteObject) {
        let known = self.remote.entry(platform.clone()).or_default();
        match known.iter_mut().find(|mine| mine.kind == object.kind && mine.key == object.key) {
            Some(mine) => mine.id = object.id,
            None => {
                known.push(object);
                known.sort();
            }
        }
    }

    /// Records what a platform says of creatives, in place of what it said of them before.
    pub fn know_assets(&mut self, platform: &PlatformName, news: &[AssetStatus]) {
        if news.is_empty() {
            return;
        }
        let known = self.assets.entry(platform.clone()).or_default();
        for asset in news {
            known.retain(|earlier| earlier.creative != asset.creative);
            known.push(asset.clone());
        }
    }

    /// Removes what was recorded of this kind and key.
    pub fn forget(&mut self, platform: &PlatformName, kind: RemoteKind, key: &str) {
        if let Some(known) = self.remote.get_mut(platform) {
            known.retain(|mine| !(mine.kind == kind && mine.key == key));
        }
    }
}

/// How long buyers have at least for their creatives where they leave the start of a flight to the host.
const LEAST_NOTICE: Duration = Duration::from_secs(24 * 3_600);

/// When a flight starts whose start was left out: at the first midnight UTC that leaves, after the longest review lead time of
/// its packages, more than a day for creatives. So the [`creative_deadline`](MediaBuy::creative_deadline) lies ahead.
pub fn default_start(now: Timestamp, review_leads_ms: impl IntoIterator<Item = i64>) -> Timestamp {
    let lead = review_leads_ms.into_iter().max().unwrap_or(0).max(0);
    let earliest = now.plus(LEAST_NOTICE).plus_millis(lead).min(Timestamp::LATEST);
    earliest.day().plus_days(1).start()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::testing;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_flight_without_a_start_begins_at_the_midnight_after_a_day_and_the_longest_lead() {
        for (now, leads, start) in [
            ("2026-11-29T22:00:00Z", vec![48 * HOUR], "2026-12-03T00:00:00Z"),
            ("2026-11-29T22:00:00Z", vec![HOUR, 3 * HOUR, 0], "2026-12-02T00:00:00Z"),
            ("2026-11-29T22:00:00Z", vec![], "2026-12-01T00:00:00Z"),
            // After a midnight is not at it.
            ("2026-11-29T00:00:00Z", vec![0], "2026-12-01T00:00:00Z"),
            ("2026-11-28T23:59:59.999999Z", vec![0], "2026-11-30T00:00:00Z"),
        ] {
            assert_eq!(default_start(Timestamp::parse(now).unwrap(), leads).to_string(), start, "{now}");
        }
        assert!(default_start(Timestamp::LATEST, [i64::MAX]) > Timestamp::LATEST, "which is refused as too late");
    }

    proptest! {
        #[test]
        fn such_a_start_is_the_first_midnight_that_leaves_a_day_for_creatives(
            seconds in 0_i64..4_000_000_000,
            leads in prop::collection::vec(0_i64..3_653 * 24 * HOUR, 1..4),
        ) {
            let (now, day) = (Timestamp::from_micros(seconds * 1_000_000), 24 * HOUR);
            let start = default_start(now, leads.clone());
            prop_assert_eq!(start, start.day().start());
            let mut buy = testing::buy(leads.len());
            buy.start = start;
            for (package, lead) in buy.packages.iter_mut().zip(&leads) {
                package.review_lead_ms = *lead;
            }
            let deadline = buy.creative_deadline(now);
            prop_assert!(deadline > now.plus_millis(day));
            prop_assert!(deadline <= now.plus_millis(2 * day), "the midnight before would not do");
        }
    }

    #[test]
    fn switches_that_came_since_are_taken_back_and_nothing_else() {
        let mut buy = testing::buy(3);
        let asked = buy.start;
        (buy.active, buy.switched_at) = (false, Some(asked.plus_millis(1)));
        (buy.packages[0].active, buy.packages[0].switched_at) = (false, Some(asked));
        (buy.packages[1].active, buy.packages[1].switched_at) = (true, Some(asked.plus_millis(2)));
        let before = buy.as_if_not_switched_since(asked);
        let active: Vec<bool> = before.packages.iter().map(|package| package.active).collect();
        assert_eq!((before.active, active), (true, vec![false, false, true]));
        let mut same = before.clone();
        same.active = buy.active;
        same.packages.clone_from(&buy.packages);
        assert_eq!(same, buy);
    }
}
