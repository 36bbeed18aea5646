//! The status of media buys: one request for many campaigns, one for all of their flights.
//!
//! Triton reports a flight as active from 48 hours before its days until 48 hours after them. So
//! whether it has started or is over is determined from its days, in the time zone in which it was
//! booked.

use std::collections::BTreeMap;

use flightdeck_adapter::{ad_server::Standing, host, prelude::*, step::Remote};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::{
    api,
    days::{self, Place, Zone},
    flight,
    inferred::{AT_ONCE, path, state},
    settings::{self, Platform},
};

/// The fields of a campaign that determine its state.
#[derive(Debug, Clone, Deserialize)]
pub struct Campaign {
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
    #[serde(default)]
    start_date: String,
    #[serde(default)]
    end_date: String,
}

/// What Triton returned for the buys in question.
#[derive(Debug)]
pub struct Shelf {
    now: OffsetDateTime,
    /// The time zone of flights that were booked before flights' zones were remembered.
    zone: Zone,
    campaigns: BTreeMap<i64, Campaign>,
    flights: BTreeMap<i64, Flight>,
}

/// Reads the status of buys.
///
/// # Errors
/// When Triton can't be reached.
pub fn read(api: &Api, platform: &Platform, buys: &[RemoteBuy]) -> Fallible<Shelf> {
    // An id that is not a number is reported for its own buy below.
    let campaigns: Vec<i64> =
        buys.iter().filter_map(|buy| buy.remote.order()).filter_map(|id| id.parse().ok()).collect();
    let zone = settings::zone(platform.time_zone.as_deref())?;
    let mut shelf = Shelf { now: host::now(), zone, campaigns: BTreeMap::new(), flights: BTreeMap::new() };
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
    Ok(shelf)
}

impl Standing for Shelf {
    type Order = Campaign;

    const REMARKS: &'static [(DeliveryState, &'static str)] =
        &[(DeliveryState::Missing, "no longer on Triton"), (DeliveryState::Canceled, "archived on Triton")];

    fn order(&self, buy: &RemoteBuy) -> Fallible<Option<&Campaign>> {
        Ok(buy.remote.order().map(api::number).transpose()?.and_then(|id| self.campaigns.get(&id)))
    }

    fn package(
        &self,
        buy: &RemoteBuy,
        object: &RemoteObject,
        campaign: Option<&Campaign>,
    ) -> (DeliveryState, Option<i64>) {
        let flight = object.id.parse().ok().and_then(|id: i64| self.flights.get(&id));
        let state = match (campaign, flight) {
            (Some(_), Some(flight)) => {
                let zone = flight::zone_of(&buy.remote, &object.key);
                flight.state(self.now, zone.as_ref().unwrap_or(&self.zone))
            }
            _ => DeliveryState::Missing,
        };
        (state, flight.and_then(|flight| flight.impressions_delivered))
    }

    fn state(&self, campaign: &Campaign, _: &[PackageStatus]) -> Option<DeliveryState> {
        (campaign.status == state::ARCHIVED).then_some(DeliveryState::Canceled)
    }
}

impl Flight {
    fn state(&self, now: OffsetDateTime, zone: &Zone) -> DeliveryState {
        let said = state_of(&self.status);
        match days::place(now, &self.start_date, &self.end_date, zone) {
            Some(Place::Before) if said == DeliveryState::Delivering => DeliveryState::Scheduled,
            // A flight that is inactive or has no creative won't deliver any more either.
            Some(Place::After) if said != DeliveryState::Canceled => DeliveryState::Completed,
            _ => said,
        }
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
    fn a_flight_has_begun_when_its_days_have_and_is_over_when_they_are() {
        let state = |status: &str, at: &str| {
            let dates = ("2027-03-01".to_owned(), "2027-03-31".to_owned());
            let (start_date, end_date) = dates;
            let flight = Flight { id: 1, status: status.to_owned(), impressions_delivered: None, start_date, end_date };
            flight.state(flightdeck_adapter::moment::parse(at).unwrap(), &Zone::named("America/New_York").unwrap())
        };
        let (before, first, last, after) =
            ("2027-03-01T04:59:59Z", "2027-03-01T05:00:00Z", "2027-04-01T03:59:59Z", "2027-04-01T04:00:00Z");
        assert_eq!(state("RUNNING", before), DeliveryState::Scheduled);
        assert_eq!(state("RUNNING", first), DeliveryState::Delivering);
        assert_eq!(state("RUNNING", last), DeliveryState::Delivering);
        assert_eq!(state("RUNNING", after), DeliveryState::Completed);
        assert_eq!(state("PAUSED", before), DeliveryState::Paused);
        assert_eq!(state("DRAFT", before), DeliveryState::AwaitingCreatives);
        assert_eq!(
            (state("PAUSED", after), state("DRAFT", after)),
            (DeliveryState::Completed, DeliveryState::Completed)
        );
        assert_eq!(state("ARCHIVED", after), DeliveryState::Canceled);
        assert_eq!(state("COMPLETED", first), DeliveryState::Completed, "its goal is reached");
    }
}
