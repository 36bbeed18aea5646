//! The status of media buys, in as few requests as Kevel allows.
//!
//! If the buys in question are most of an advertiser's campaigns, its campaigns and flights are
//! listed, many to a page; otherwise each campaign is read. One request returns the impressions of
//! all flights (instant counts).
//!
//! Lists leave out what is archived (reference page, list flights), so a flight that is in none is
//! read by its id before it counts as missing.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_adapter::{
    ad_server::{
        Standing,
        status::{Counted, has_placements},
    },
    host,
    prelude::*,
    step::Remote,
};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::{
    api,
    counts::{self, Count},
    times,
};

/// The fields of a campaign that determine its state. In this module, fields that the documentation
/// allows to be null may be; null counts as missing.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Campaign {
    id: i64,
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    is_archived: Option<bool>,
    #[serde(default)]
    is_deleted: Option<bool>,
}

/// The fields of a flight that determine its state.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Flight {
    id: i64,
    campaign_id: i64,
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    is_archived: Option<bool>,
    #[serde(default)]
    is_deleted: Option<bool>,
    #[serde(rename = "StartDateISO", default)]
    start: Option<String>,
    #[serde(rename = "EndDateISO", default)]
    end: Option<String>,
    #[serde(default)]
    goal_type: Option<i64>,
    #[serde(default)]
    impressions: Option<i64>,
    #[serde(default)]
    cap_type: Option<i64>,
    #[serde(default)]
    lifetime_cap_amount: Option<i64>,
    #[serde(default)]
    creative_maps: Option<Vec<Ad>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ad {
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    is_deleted: Option<bool>,
}

impl Ad {
    fn runs(&self) -> bool {
        self.is_active == Some(true) && self.is_deleted != Some(true)
    }
}

/// What Kevel returned for the buys in question.
#[derive(Debug)]
pub struct Shelf {
    now: OffsetDateTime,
    campaigns: BTreeMap<i64, Campaign>,
    flights: BTreeMap<i64, Flight>,
    delivered: BTreeMap<i64, Count>,
    /// Campaigns that could not be read, and why.
    failed: BTreeMap<i64, Failure>,
}

/// Reads the status of buys. One that can't be read fails alone.
///
/// # Errors
/// When Kevel can't be reached at all.
pub fn read(api: &Api, buys: &[RemoteBuy]) -> Fallible<Shelf> {
    let mut wanted: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for buy in buys {
        if let Some(order) = buy.remote.order() {
            // An id that is not a number is reported for its own buy below.
            wanted.entry(&buy.advertiser_id).or_default().extend(api::number(order).ok());
        }
    }
    let mut shelf = Shelf {
        now: host::now(),
        campaigns: BTreeMap::new(),
        flights: BTreeMap::new(),
        delivered: BTreeMap::new(),
        failed: BTreeMap::new(),
    };
    for (advertiser, orders) in wanted {
        if orders.len() > 1 {
            // If a list is unreadable or refused, each campaign is read separately, and only some
            // may fail.
            if let Err(failure) = shelf.read_listed(api, advertiser, &orders)
                && concerns_all(&failure)
            {
                return Err(failure);
            }
        }
        for order in orders {
            match shelf.read(api, order) {
                Err(failure) if concerns_all(&failure) => return Err(failure),
                Err(failure) => {
                    shelf.failed.insert(order, failure);
                }
                Ok(()) => {}
            }
        }
    }
    for buy in buys {
        match shelf.read_unlisted(api, buy) {
            Err(failure) if concerns_all(&failure) => return Err(failure),
            Err(failure) => {
                let order = buy.remote.order().and_then(|order| api::number(order).ok());
                shelf.failed.extend(order.map(|order| (order, failure)));
            }
            Ok(()) => {}
        }
    }
    let flights: BTreeSet<i64> = shelf.flights.keys().copied().collect();
    shelf.delivered = counts::delivered(api, &flights)?;
    Ok(shelf)
}

/// Whether the next request would fail for the same reason. In that case, don't send more requests
/// to Kevel.
fn concerns_all(failure: &Failure) -> bool {
    const OF_ALL: [&str; 3] = ["busy", "no_answer", "egress_refused"];
    OF_ALL.contains(&failure.code.as_str()) || failure.retry_after_ms.is_some()
}

impl Shelf {
    /// Reads some campaigns of an advertiser from the lists of everything it has, unless those are
    /// so long that separate requests are cheaper.
    fn read_listed(&mut self, api: &Api, advertiser: &str, orders: &BTreeSet<i64>) -> Fallible<()> {
        let most = orders.len() * api::PAGE_SIZE as usize;
        let mut flights = Vec::new();
        for (number, flight) in
            api::list::<Flight, _>(|| api.get(path!("/v1/advertiser/{}/flight", advertiser))).enumerate()
        {
            if number >= most {
                return Ok(());
            }
            flights.push(flight?);
        }
        let listed = api::list::<Campaign, _>(|| api.get("/v1/campaign").query("advertiserId", advertiser));
        let campaigns = listed.take(most).collect::<Fallible<Vec<_>>>()?;
        // Only add them now that both lists are read: a known campaign and its flights are not read
        // again.
        let wanted = campaigns.into_iter().filter(|campaign| orders.contains(&campaign.id));
        self.campaigns.extend(wanted.map(|campaign| (campaign.id, campaign)));
        let known = flights.into_iter().filter(|flight| self.campaigns.contains_key(&flight.campaign_id));
        self.flights.extend(known.map(|flight| (flight.id, flight)));
        Ok(())
    }

    /// Reads a campaign and its flights, unless they are known.
    fn read(&mut self, api: &Api, order: i64) -> Fallible<()> {
        if self.campaigns.contains_key(&order) {
            return Ok(());
        }
        let campaign: Option<Campaign> = api.get(path!("/v1/campaign/{}", order)).fetch_if_any()?;
        let Some(campaign) = campaign else { return Ok(()) };
        self.campaigns.insert(order, campaign);
        for flight in api::list::<Flight, _>(|| api.get(path!("/v1/campaign/{}/flight", order))) {
            let flight = flight?;
            self.flights.insert(flight.id, flight);
        }
        Ok(())
    }

    /// Reads the flights of a buy that are in no list, if its campaign exists.
    fn read_unlisted(&mut self, api: &Api, buy: &RemoteBuy) -> Fallible<()> {
        let order = buy.remote.order().and_then(|order| api::number(order).ok());
        if !order.is_some_and(|order| self.campaigns.contains_key(&order)) {
            return Ok(());
        }
        for object in buy.remote.iter().filter(|object| object.kind == RemoteKind::Package) {
            let Ok(id) = api::number(&object.id) else { continue };
            if self.flights.contains_key(&id) {
                continue;
            }
            if let Some(flight) = api.get(path!("/v1/flight/{}", id)).fetch_if_any::<Flight>()? {
                self.flights.insert(flight.id, flight);
            }
        }
        Ok(())
    }

    /// Returns the state of an existing flight in an existing campaign.
    fn flight_state(&self, buy: &RemoteBuy, package_id: &str, campaign: &Campaign, flight: &Flight) -> DeliveryState {
        if flight.is_deleted == Some(true) {
            return DeliveryState::Missing;
        }
        if flight.is_archived == Some(true) || campaign.is_archived == Some(true) {
            return DeliveryState::Canceled;
        }
        let count = self.delivered.get(&flight.id).copied().unwrap_or_default();
        let (impressions, clicks) = (count.impressions.unwrap_or_default(), count.clicks.unwrap_or_default());
        let (goal, delivered) = match (flight.goal_type, flight.cap_type) {
            (Some(1), _) => (flight.impressions, impressions),
            (Some(3), _) => (flight.impressions, clicks),
            (_, Some(2)) => (flight.lifetime_cap_amount, clicks),
            (_, None | Some(1)) => (flight.lifetime_cap_amount, impressions),
            // What is capped by money has no number of impressions at which it ends.
            (_, Some(_)) => (None, 0),
        };
        let reached = goal.is_some_and(|goal| goal > 0 && delivered >= goal);
        if times::has_ended(flight.end.as_deref(), self.now) || reached {
            return DeliveryState::Completed;
        }
        if flight.is_active != Some(true) || campaign.is_active != Some(true) {
            return DeliveryState::Paused;
        }
        // A list may omit the ads. In that case, the remembered ads count.
        let has_ads = match &flight.creative_maps {
            Some(ads) => ads.iter().any(Ad::runs),
            None => has_placements(buy, package_id),
        };
        if !has_ads {
            return DeliveryState::AwaitingCreatives;
        }
        if times::has_begun(flight.start.as_deref(), self.now) {
            DeliveryState::Delivering
        } else {
            DeliveryState::Scheduled
        }
    }
}

impl Standing for Shelf {
    type Order = Campaign;

    const REMARKS: &'static [(DeliveryState, &'static str)] =
        &[(DeliveryState::Missing, "no longer on Kevel"), (DeliveryState::Canceled, "archived on Kevel")];

    fn order(&self, buy: &RemoteBuy) -> Fallible<Option<&Campaign>> {
        let Some(order) = buy.remote.order().map(api::number).transpose()? else { return Ok(None) };
        match self.failed.get(&order) {
            Some(failure) => Err(failure.clone()),
            None => Ok(self.campaigns.get(&order).filter(|campaign| campaign.is_deleted != Some(true))),
        }
    }

    fn package(
        &self,
        buy: &RemoteBuy,
        object: &RemoteObject,
        campaign: Option<&Campaign>,
    ) -> (DeliveryState, Option<i64>) {
        let flight = object.id.parse().ok().and_then(|id: i64| self.flights.get(&id));
        let state = match (campaign, flight) {
            (Some(campaign), Some(flight)) => self.flight_state(buy, &object.key, campaign, flight),
            _ => DeliveryState::Missing,
        };
        (state, flight.and_then(|flight| self.delivered.get(&flight.id)?.impressions))
    }

    fn counted(&self, object: &RemoteObject) -> Counted {
        let flight = object.id.parse().ok().and_then(|id: i64| self.delivered.get(&id));
        Counted { clicks: flight.and_then(|count| count.clicks), video_completions: None }
    }

    fn state(&self, campaign: &Campaign, _: &[PackageStatus]) -> Option<DeliveryState> {
        (campaign.is_archived == Some(true)).then_some(DeliveryState::Canceled)
    }
}

#[cfg(test)]
#[path = "status/tests.rs"]
mod tests;
