//! How media buys stand: one request for many campaigns, one for all of their flights.

use std::collections::BTreeMap;

use flightdeck_adapter::{prelude::*, step::Remote};
use serde::Deserialize;

use crate::{
    api,
    inferred::{AT_ONCE, path, state},
};

#[derive(Debug, Clone, Deserialize)]
struct Campaign {
    id: i64,
    #[serde(default)]
    status: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flight {
    id: i64,
    #[serde(default)]
    status: String,
    #[serde(default)]
    impressions_delivered: Option<i64>,
}

/// What Triton has of the buys asked about.
#[derive(Debug, Default)]
struct Shelf {
    campaigns: BTreeMap<i64, Campaign>,
    flights: BTreeMap<i64, Flight>,
}

/// How buys stand.
///
/// # Errors
/// When Triton can't be asked.
pub fn check(ctx: &Context, buys: &[RemoteBuy]) -> Fallible<Vec<StatusAnswer>> {
    let api = api::open(ctx);
    // What is no number is told of its own buy below.
    let campaigns: Vec<i64> =
        buys.iter().filter_map(|buy| buy.remote.order()).filter_map(|id| id.parse().ok()).collect();
    let mut shelf = Shelf::default();
    for some in campaigns.chunks(AT_ONCE) {
        let ids: Vec<String> = some.iter().map(i64::to_string).collect();
        let ids = ids.join(",");
        for campaign in api::list::<Campaign, _>(|| api.get(path::CAMPAIGNS).query("ids", &ids)) {
            let campaign = campaign?;
            shelf.campaigns.insert(campaign.id, campaign);
        }
        for flight in api::list::<Flight, _>(|| api.get(path::FLIGHTS).query("campaignIds", &ids)) {
            let flight = flight?;
            shelf.flights.insert(flight.id, flight);
        }
    }
    let answer = |buy: &RemoteBuy| StatusAnswer { media_buy_id: buy.media_buy_id.clone(), status: shelf.status(buy) };
    Ok(buys.iter().map(answer).collect())
}

impl Shelf {
    fn status(&self, buy: &RemoteBuy) -> Fallible<BuyStatus> {
        let campaign = buy.remote.order().map(api::number).transpose()?.and_then(|id| self.campaigns.get(&id));
        let package = |object: &RemoteObject| {
            let flight = object.id.parse().ok().and_then(|id: i64| self.flights.get(&id));
            PackageStatus {
                package_id: object.key.clone(),
                state: match (campaign, flight) {
                    (Some(_), Some(flight)) => state_of(&flight.status),
                    _ => DeliveryState::Missing,
                },
                impressions_delivered: flight.and_then(|flight| flight.impressions_delivered),
            }
        };
        let packages: Vec<PackageStatus> =
            buy.remote.iter().filter(|object| object.kind == RemoteKind::Package).map(package).collect();
        let state = match campaign {
            None => DeliveryState::Missing,
            Some(campaign) if campaign.status == state::ARCHIVED => DeliveryState::Canceled,
            Some(_) => together(&packages),
        };
        Ok(BuyStatus {
            media_buy_id: buy.media_buy_id.clone(),
            detail: detail(&packages),
            state,
            packages,
            assets: Vec::new(),
            extensions: Vec::new(),
        })
    }
}

fn state_of(status: &str) -> DeliveryState {
    match status {
        state::DRAFT => DeliveryState::AwaitingCreatives,
        state::SCHEDULED => DeliveryState::Scheduled,
        state::RUNNING => DeliveryState::Delivering,
        state::PAUSED => DeliveryState::Paused,
        state::COMPLETED => DeliveryState::Completed,
        state::ARCHIVED => DeliveryState::Canceled,
        other => DeliveryState::Other(other.to_lowercase()),
    }
}

/// How a buy stands by how its packages do: the first of these that any of them is in.
fn together(packages: &[PackageStatus]) -> DeliveryState {
    const ORDER: [DeliveryState; 7] = [
        DeliveryState::Delivering,
        DeliveryState::AwaitingCreatives,
        DeliveryState::Scheduled,
        DeliveryState::Paused,
        DeliveryState::Completed,
        DeliveryState::Canceled,
        DeliveryState::Missing,
    ];
    let in_it = |state: &DeliveryState| packages.iter().any(|package| package.state == *state);
    let other = || packages.first().map(|package| package.state.clone());
    ORDER.into_iter().find(in_it).or_else(other).unwrap_or(DeliveryState::Missing)
}

fn detail(packages: &[PackageStatus]) -> String {
    let named = |state: &DeliveryState, what: &str| {
        let names: Vec<&str> = packages
            .iter()
            .filter(|package| package.state == *state)
            .map(|package| package.package_id.as_str())
            .collect();
        (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
    };
    let parts = [
        named(&DeliveryState::AwaitingCreatives, "without a creative on Triton"),
        named(&DeliveryState::Missing, "no longer on Triton"),
        named(&DeliveryState::Canceled, "archived on Triton"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_understood() {
        for (status, state) in [
            ("DRAFT", DeliveryState::AwaitingCreatives),
            ("SCHEDULED", DeliveryState::Scheduled),
            ("RUNNING", DeliveryState::Delivering),
            ("PAUSED", DeliveryState::Paused),
            ("COMPLETED", DeliveryState::Completed),
            ("ARCHIVED", DeliveryState::Canceled),
            ("NEW", DeliveryState::Other("new".to_owned())),
        ] {
            assert_eq!(state_of(status), state);
        }
    }

    #[test]
    fn a_buy_stands_as_its_packages_do() {
        let package = |id: &str, state| PackageStatus { package_id: id.to_owned(), state, impressions_delivered: None };
        let mixed = [package("a", DeliveryState::Paused), package("b", DeliveryState::Delivering)];
        assert_eq!(together(&mixed), DeliveryState::Delivering);
        assert_eq!(together(&[]), DeliveryState::Missing);
        let waiting = [package("a", DeliveryState::AwaitingCreatives), package("b", DeliveryState::Missing)];
        assert_eq!(detail(&waiting), "without a creative on Triton: a; no longer on Triton: b");
    }
}
