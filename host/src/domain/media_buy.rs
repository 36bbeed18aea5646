//! The media buy and its packages, as the host records them.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    absence::Absence,
    creative::{AssetStatus, Creative, Format},
    id::{CreativeId, MediaBuyId, PackageId, PlatformName, PrincipalId},
    money::Micros,
    price::Price,
    status::BuyStatus,
    targeting::{Targeting, names},
    time::Timestamp,
};

mod stored;

use stored::StoredPackage;

names! {
    /// How impressions are spread over the flight.
    Pacing {
        /// Evenly over the flight.
        Even = "even",
        /// As fast as possible.
        Asap = "asap",
        /// More at the beginning of the flight.
        FrontLoaded = "front_loaded",
    }
}

names! {
    /// The kind of a remote object.
    RemoteKind {
        /// The order or campaign; its key is empty.
        Order = "order",
        /// A line item or flight; its key is the package id.
        Package = "package",
        /// A creative; its key is the buyer's creative id.
        Creative = "creative",
        /// A creative in a package; its key is `<package>/<creative>`.
        Association = "association",
        /// Any other object that an adapter records.
        Other = "other",
    }
}

/// An object on a platform that belongs to a buy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RemoteObject {
    /// The kind of the object.
    pub kind: RemoteKind,
    /// The key, unique within kind, platform and buy. For [`RemoteKind::Other`] it begins with a
    /// word of the adapter and a colon.
    pub key: String,
    /// The platform's id of the object.
    pub id: String,
}

/// A package of a media buy: a line item or flight on its platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredPackage", into = "StoredPackage")]
pub struct Package {
    /// The id, which is the product's.
    pub id: PackageId,
    /// The display name.
    pub name: String,
    /// The platform that delivers it.
    pub platform: PlatformName,
    /// Whether it may deliver.
    pub active: bool,
    /// When the buyer last paused or resumed it; `None` if never.
    pub switched_at: Option<Timestamp>,
    /// The budget.
    pub budget: Micros,
    /// The goal, in the units that the price pays for, at least 1. `None` for a flat price, which has
    /// no goal.
    pub goal: Option<i64>,
    /// The price. Its model is the product's, and never changes.
    pub price: Price,
    /// The product's floor price: the lowest rate that the publisher accepts.
    pub floor: Micros,
    /// The package's own pacing; `None` means the buy's.
    pub pacing: Option<Pacing>,
    /// The daily cap of spend.
    pub daily_budget: Option<Micros>,
    /// The daily cap, in the units of the goal.
    pub daily_goal: Option<i64>,
    /// The package's own targeting, which refines the buy's.
    pub targeting: Targeting,
    /// The creatives that run in the package, in order.
    pub creatives: Vec<CreativeId>,
    /// The creative formats that the product accepts.
    pub formats: Vec<Format>,
    /// The publisher's settings of the product on its platform, from the time of the purchase.
    pub settings: serde_json::Value,
    /// How long before the flight starts the creatives must arrive, in milliseconds.
    pub review_lead_ms: i64,
    /// The performance index in millionths, as last reported by the buyer.
    pub performance_index: Option<i64>,
}

/// A media buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MediaBuy {
    /// The id, `<platform>_<id>` or `multi_<id>`.
    pub id: MediaBuyId,
    /// The buyer that owns it. Only this buyer and the publisher's staff can see it.
    pub principal: PrincipalId,
    /// The buyer's purchase order number.
    pub po_number: Option<String>,
    /// The currency of all amounts, ISO 4217.
    pub currency: String,
    /// Whether it may deliver.
    pub active: bool,
    /// When the buyer last paused or resumed the buy; `None` if never.
    #[serde(default)]
    pub switched_at: Option<Timestamp>,
    /// The total budget of all packages.
    pub total_budget: Micros,
    /// The total budget when a person last approved it, or when the buy was made if no approval was
    /// needed. `None` if the buy is older than this field and was not changed since.
    #[serde(default)]
    pub approved_budget: Option<Micros>,
    /// The end of the flight when a person last approved it, like `approved_budget`.
    #[serde(default)]
    pub approved_end: Option<Timestamp>,
    /// The daily cap of spend for the whole buy.
    pub daily_budget: Option<Micros>,
    /// The pacing of packages without their own.
    pub pacing: Pacing,
    /// The start of the flight.
    pub start: Timestamp,
    /// The last moment of the flight, after `start`.
    pub end: Timestamp,
    /// The targeting of all packages.
    pub targeting: Targeting,
    /// The packages, in the order of the request. Never empty.
    pub packages: Vec<Package>,
    /// The uploaded creatives.
    pub creatives: Vec<Creative>,
    /// The state of the creatives, by platform.
    pub assets: BTreeMap<PlatformName, Vec<AssetStatus>>,
    /// The platforms that do not show the buy, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<PlatformName, Absence>,
    /// The objects that exist on each platform.
    pub remote: BTreeMap<PlatformName, Vec<RemoteObject>>,
    /// The last recorded status.
    pub status: BuyStatus,
    /// The reason for the status, for people.
    pub detail: String,
    /// The revision. It rises by one with every recorded change of the desired state; a new status
    /// does not change it.
    pub revision: i64,
    /// When the buy was created on its ad servers. `None` if it is not created yet, or never will
    /// be.
    #[serde(default)]
    pub booked_at: Option<Timestamp>,
    /// When the buyer requested it.
    pub created_at: Timestamp,
    /// When the last change was recorded.
    pub updated_at: Timestamp,
}

impl MediaBuy {
    /// The id, and the buyer that owns the buy: what an operation on it records.
    pub fn id_and_owner(&self) -> (MediaBuyId, PrincipalId) {
        (self.id.clone(), self.principal.clone())
    }

    /// Returns the buy without the pauses and resumes that were requested after `since`. It and its
    /// packages are as active as before.
    ///
    /// A change that began earlier may have been in flight when the pauses were carried out, and
    /// may have undone them on the ad server. Compared with the returned buy, the desired buy
    /// contains those pauses again, so that they are carried out once more.
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

    /// The platforms of the packages without duplicates, in the order of their first package.
    pub fn platforms(&self) -> Vec<PlatformName> {
        let mut platforms: Vec<PlatformName> = Vec::new();
        for package in &self.packages {
            if !platforms.contains(&package.platform) {
                platforms.push(package.platform.clone());
            }
        }
        platforms
    }

    /// Returns the package with this id.
    pub fn package(&self, id: &PackageId) -> Option<&Package> {
        self.packages.iter().find(|package| &package.id == id)
    }

    /// The packages on `platform`.
    pub fn packages_on<'a>(&'a self, platform: &'a PlatformName) -> impl Iterator<Item = &'a Package> {
        self.packages.iter().filter(move |package| &package.platform == platform)
    }

    /// When the buyer last paused or resumed the buy or one of its packages; `None` if never.
    pub fn last_switched(&self) -> Option<Timestamp> {
        self.packages.iter().map(|package| package.switched_at).chain([self.switched_at]).max().flatten()
    }

    /// Whether this and another state of the buy have the same effect on a platform's delivery.
    pub fn delivers_like(&self, other: &Self, platform: &PlatformName) -> bool {
        let on_platform = |buy: &Self| -> Vec<Package> {
            let package = |package: &Package| Package {
                switched_at: None,
                performance_index: None,
                targeting: buy.targeting_of(package),
                pacing: Some(buy.pacing_of(package)),
                ..package.clone()
            };
            buy.packages_on(platform).map(package).collect()
        };
        let whole = |buy: &Self| (buy.active, buy.daily_budget, buy.start, buy.end);
        whole(self) == whole(other) && on_platform(self) == on_platform(other)
    }

    /// The recorded objects on `platform`.
    pub fn remote_on(&self, platform: &PlatformName) -> &[RemoteObject] {
        self.remote.get(platform).map_or(&[], Vec::as_slice)
    }

    /// The effective targeting of a package: the buy's targeting, refined by the package's own.
    pub fn targeting_of(&self, package: &Package) -> Targeting {
        self.targeting.refined_by(&package.targeting)
    }

    /// The effective pacing of a package.
    pub fn pacing_of(&self, package: &Package) -> Pacing {
        package.pacing.unwrap_or(self.pacing)
    }

    /// The time by which creatives should arrive: the start minus the longest review lead time, but
    /// never before `now`.
    pub fn creative_deadline(&self, now: Timestamp) -> Timestamp {
        let lead = self.packages.iter().map(|package| package.review_lead_ms).max().unwrap_or(0);
        self.start.plus_millis(-lead).max(now)
    }

    /// Records an object on a platform. It replaces an earlier one with the same kind and key.
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

    /// Records the state of creatives on a platform. It replaces what was recorded for them before.
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

    /// Removes the record of the object with this kind and key.
    pub fn forget(&mut self, platform: &PlatformName, kind: RemoteKind, key: &str) {
        if let Some(known) = self.remote.get_mut(platform) {
            known.retain(|mine| !(mine.kind == kind && mine.key == key));
        }
    }
}

/// The minimum time that buyers have for their creatives if the host chooses the start of the
/// flight.
const LEAST_NOTICE: Duration = Duration::from_secs(24 * 3_600);

/// The start of a flight if the request omits it: the first midnight UTC that leaves more than a
/// day for creatives before the longest review lead time of its packages. The
/// [`creative_deadline`](MediaBuy::creative_deadline) is therefore in the future.
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
            // A moment after midnight does not count as midnight.
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
