//! How media buys stand, in as few requests as Kevel allows.
//!
//! Campaigns and flights are listed by advertiser, many to a page, when the buys asked about are most of what an
//! advertiser has; otherwise campaign by campaign. The impressions of all flights are one request (instant counts).

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_adapter::{host, prelude::*, step::Remote};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::{api, counts, times};

/// A campaign as far as its state goes. Here and below, what the documents let be null may be, which is as if unsaid.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Campaign {
    id: i64,
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    is_archived: Option<bool>,
    #[serde(default)]
    is_deleted: Option<bool>,
}

/// A flight as far as its state goes.
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

/// What Kevel has of the buys asked about.
#[derive(Debug, Default)]
struct Shelf {
    campaigns: BTreeMap<i64, Campaign>,
    flights: BTreeMap<i64, Flight>,
    delivered: BTreeMap<i64, i64>,
    /// Campaigns that could not be read, and why.
    failed: BTreeMap<i64, Failure>,
}

/// How buys stand. One that can't be read fails alone.
///
/// # Errors
/// When Kevel can't be asked at all.
pub fn check(ctx: &Context, buys: &[RemoteBuy]) -> Fallible<Vec<StatusAnswer>> {
    let api = api::open(ctx);
    let mut wanted: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for buy in buys {
        if let Some(order) = buy.remote.order() {
            // What is no number is told of its own buy below.
            wanted.entry(&buy.advertiser_id).or_default().extend(api::number(order).ok());
        }
    }
    let mut shelf = Shelf::default();
    for (advertiser, orders) in wanted {
        if orders.len() > 1 {
            // Where a list is unreadable or refused, each campaign is read by itself, and only some of them may be.
            if let Err(failure) = shelf.read_listed(&api, advertiser, &orders)
                && concerns_all(&failure)
            {
                return Err(failure);
            }
        }
        for order in orders {
            match shelf.read(&api, order) {
                Err(failure) if concerns_all(&failure) => return Err(failure),
                Err(failure) => {
                    shelf.failed.insert(order, failure);
                }
                Ok(()) => {}
            }
        }
    }
    let flights: BTreeSet<i64> = shelf.flights.keys().copied().collect();
    shelf.delivered = counts::impressions(&api, &flights)?;
    let now = host::now();
    let answer =
        |buy: &RemoteBuy| StatusAnswer { media_buy_id: buy.media_buy_id.clone(), status: shelf.answer(buy, now) };
    Ok(buys.iter().map(answer).collect())
}

/// Whether a failure of one request would be that of the next one, too: Kevel is not to be pressed then.
fn concerns_all(failure: &Failure) -> bool {
    const OF_ALL: [&str; 3] = ["busy", "no_answer", "egress_refused"];
    OF_ALL.contains(&failure.code.as_str()) || failure.retry_after_ms.is_some()
}

impl Shelf {
    /// Reads some campaigns of an advertiser from the lists of all that it has, unless those are so long that asking
    /// for each by itself is cheaper.
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
        // Only now, with both lists read: a campaign that is known is not read again, nor are its flights.
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

    fn answer(&self, buy: &RemoteBuy, now: OffsetDateTime) -> Fallible<BuyStatus> {
        let order = buy.remote.order().map(api::number).transpose()?;
        match order.and_then(|order| self.failed.get(&order)) {
            Some(failure) => Err(failure.clone()),
            None => Ok(self.status(buy, order.and_then(|order| self.campaigns.get(&order)), now)),
        }
    }

    fn status(&self, buy: &RemoteBuy, campaign: Option<&Campaign>, now: OffsetDateTime) -> BuyStatus {
        let campaign = campaign.filter(|campaign| campaign.is_deleted != Some(true));
        let packages: Vec<PackageStatus> = buy
            .remote
            .iter()
            .filter(|object| object.kind == RemoteKind::Package)
            .map(|object| {
                let flight = object.id.parse().ok().and_then(|id: i64| self.flights.get(&id));
                PackageStatus {
                    package_id: object.key.clone(),
                    state: self.state(buy, &object.key, campaign, flight, now),
                    impressions_delivered: flight.and_then(|flight| self.delivered.get(&flight.id)).copied(),
                }
            })
            .collect();
        let state = match campaign {
            None => DeliveryState::Missing,
            Some(campaign) if campaign.is_archived == Some(true) => DeliveryState::Canceled,
            Some(_) => together(packages.iter().map(|package| &package.state)),
        };
        BuyStatus {
            media_buy_id: buy.media_buy_id.clone(),
            detail: detail(&packages),
            state,
            packages,
            assets: Vec::new(),
            extensions: Vec::new(),
        }
    }

    fn state(
        &self,
        buy: &RemoteBuy,
        package_id: &str,
        campaign: Option<&Campaign>,
        flight: Option<&Flight>,
        now: OffsetDateTime,
    ) -> DeliveryState {
        let (Some(campaign), Some(flight)) = (campaign, flight) else { return DeliveryState::Missing };
        if flight.is_deleted == Some(true) {
            return DeliveryState::Missing;
        }
        if flight.is_archived == Some(true) || campaign.is_archived == Some(true) {
            return DeliveryState::Canceled;
        }
        let goal = match flight.goal_type {
            Some(1) => flight.impressions,
            _ => flight.lifetime_cap_amount,
        };
        let delivered = self.delivered.get(&flight.id).copied().unwrap_or_default();
        if times::has_ended(flight.end.as_deref(), now) || goal.is_some_and(|goal| goal > 0 && delivered >= goal) {
            return DeliveryState::Completed;
        }
        if flight.is_active != Some(true) || campaign.is_active != Some(true) {
            return DeliveryState::Paused;
        }
        // A list may leave the ads out; then what was remembered of the buy counts.
        let has_ads = match &flight.creative_maps {
            Some(ads) => ads.iter().any(Ad::runs),
            None => buy.remote.iter().any(|object| {
                object.kind == RemoteKind::Association
                    && object.key.strip_prefix(package_id).is_some_and(|key| key.starts_with('/'))
            }),
        };
        if !has_ads {
            return DeliveryState::AwaitingCreatives;
        }
        if times::has_begun(flight.start.as_deref(), now) {
            DeliveryState::Delivering
        } else {
            DeliveryState::Scheduled
        }
    }
}

/// How a buy stands by how its packages do: the first of these that any of them is in.
fn together<'a>(states: impl Iterator<Item = &'a DeliveryState>) -> DeliveryState {
    const ORDER: [DeliveryState; 7] = [
        DeliveryState::Delivering,
        DeliveryState::AwaitingCreatives,
        DeliveryState::Scheduled,
        DeliveryState::Paused,
        DeliveryState::Completed,
        DeliveryState::Canceled,
        DeliveryState::Missing,
    ];
    let states: Vec<&DeliveryState> = states.collect();
    // A campaign without a flight that is known: nothing can be put into it.
    ORDER.into_iter().find(|state| states.contains(&state)).unwrap_or(DeliveryState::Missing)
}

fn detail(packages: &[PackageStatus]) -> String {
    let named = |state: &DeliveryState| -> Vec<&str> {
        packages.iter().filter(|package| package.state == *state).map(|package| package.package_id.as_str()).collect()
    };
    let mut parts = Vec::new();
    for (state, what) in [
        (DeliveryState::AwaitingCreatives, "without an active ad on Kevel"),
        (DeliveryState::Missing, "no longer on Kevel"),
        (DeliveryState::Canceled, "archived on Kevel"),
    ] {
        let packages = named(&state);
        if !packages.is_empty() {
            parts.push(format!("{what}: {}", packages.join(", ")));
        }
    }
    parts.join("; ")
}

#[cfg(test)]
#[path = "status/tests.rs"]
mod tests;
