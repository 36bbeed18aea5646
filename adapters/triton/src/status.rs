//! The status of media buys: one request for many campaigns, one for all of their flights.
//!
//! A flight that is Active may deliver in its days, if its campaign and advertiser may; it stays so for
//! 48 hours after them (help pages, status). So whether it has started or is over is determined from
//! its days, in the time zone in which it was booked. Whether anything plays in it is determined from
//! its creative, which serves only what is published.

use std::collections::BTreeMap;

use flightdeck_adapter::{ad_server::Standing, host, prelude::*, step::Remote};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::{
    api,
    days::{self, Place, Zone},
    flight,
    inferred::{AT_ONCE, path, state},
    playing,
    settings::{self, Platform},
};

/// The fields of a campaign that determine its state.
#[derive(Debug, Clone, Deserialize)]
pub struct Campaign {
    id: i64,
    #[serde(default)]
    status: String,
}

#[derive(Debug, Clone)]
struct Flight {
    id: i64,
    status: String,
    impressions_delivered: Option<i64>,
    start_date: String,
    end_date: String,
    /// Whether a creative that serves is published.
    plays: bool,
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
        for flight in api::list::<Object, _>(|| api.get(path::FLIGHTS).query("campaignIds", &ids)) {
            let flight = Flight::read(&flight?)?;
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
        is(&campaign.status, state::ARCHIVED).then_some(DeliveryState::Canceled)
    }

    fn remark(&self, campaign: &Campaign) -> Option<&'static str> {
        is(&campaign.status, state::INACTIVE)
            .then_some("the advertiser is not active on Triton, so nothing of it delivers: activate it there")
    }
}

/// Whether a status is this one. Its spelling in the API is inferred.
fn is(status: &str, known: &str) -> bool {
    status.eq_ignore_ascii_case(known)
}

impl Flight {
    /// Reads a flight with its creative.
    fn read(listed: &Object) -> Fallible<Self> {
        let text = |name: &str| listed.get(name).and_then(Json::as_text).unwrap_or_default().to_owned();
        let id = listed.get("id").and_then(Json::as_i64).ok_or_else(|| {
            Failure::unavailable("unreadable_answer", "A flight of Triton's can't be understood: it has no id.")
        })?;
        Ok(Self {
            id,
            status: text("status"),
            impressions_delivered: listed.get("impressionsDelivered").and_then(Json::as_i64),
            start_date: text("startDate"),
            end_date: text("endDate"),
            plays: playing::has_units(listed) && playing::is_published(listed),
        })
    }

    fn state(&self, now: OffsetDateTime, zone: &Zone) -> DeliveryState {
        let place = days::place(now, &self.start_date, &self.end_date, zone);
        let said = match &self.status {
            status if is(status, state::DRAFT) => DeliveryState::PendingApproval,
            status if is(status, state::DECLINED) => {
                DeliveryState::Disapproved("the publisher declined it on Triton".to_owned())
            }
            // Approved is not yet active: it waits as one whose days are to come.
            status if is(status, state::ACTIVE) && !self.plays => DeliveryState::AwaitingCreatives,
            status if is(status, state::ACTIVE) => match place {
                Some(Place::Before) => DeliveryState::Scheduled,
                _ => DeliveryState::Delivering,
            },
            status if is(status, state::APPROVED) => DeliveryState::Scheduled,
            status if is(status, state::PAUSED) => DeliveryState::Paused,
            status if is(status, state::DONE) => DeliveryState::Completed,
            status if is(status, state::ARCHIVED) => DeliveryState::Canceled,
            status if is(status, state::INACTIVE) => DeliveryState::Other("advertiser_inactive".to_owned()),
            other => DeliveryState::Other(other.to_lowercase()),
        };
        // A flight that is inactive or has no creative won't deliver any more either.
        match (place, &said) {
            (_, DeliveryState::Canceled) => said,
            (Some(Place::After), _) => DeliveryState::Completed,
            _ => said,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(status: &str, at: &str, creative: &str) -> DeliveryState {
        let listed = format!(
            r#"{{"id":1,"status":"{status}","startDate":"2027-03-01","endDate":"2027-03-31","creative":{creative}}}"#
        );
        let Ok(Json::Object(listed)) = Json::parse(&listed) else { panic!("{listed}") };
        let flight = Flight::read(&listed).unwrap();
        flight.state(flightdeck_adapter::moment::parse(at).unwrap(), &Zone::named("America/New_York").unwrap())
    }

    const PLAYS: &str = r#"{"adGroups":[{"durationSeconds":30,"adUnitIds":[7]}],"state":"PUBLISHED"}"#;
    const DRAFT: &str = r#"{"adGroups":[{"durationSeconds":30,"adUnitIds":[7]}],"state":"DRAFT"}"#;
    const NOTHING: &str = r#"{"adGroups":[],"state":"PUBLISHED"}"#;

    #[test]
    fn every_status_is_understood_however_it_is_spelt() {
        for (status, expected) in [
            ("DRAFT", DeliveryState::PendingApproval),
            ("Draft", DeliveryState::PendingApproval),
            ("ACTIVE", DeliveryState::Delivering),
            ("Active", DeliveryState::Delivering),
            ("APPROVED", DeliveryState::Scheduled),
            ("DECLINED", DeliveryState::Disapproved("the publisher declined it on Triton".to_owned())),
            ("PAUSED", DeliveryState::Paused),
            ("INACTIVE", DeliveryState::Other("advertiser_inactive".to_owned())),
            ("DONE", DeliveryState::Completed),
            ("ARCHIVED", DeliveryState::Canceled),
            ("NEW", DeliveryState::Other("new".to_owned())),
        ] {
            assert_eq!(state(status, "2027-03-02T12:00:00Z", PLAYS), expected, "{status}");
        }
        for creative in [DRAFT, NOTHING, "null"] {
            let waits = state("ACTIVE", "2027-03-02T12:00:00Z", creative);
            assert_eq!(waits, DeliveryState::AwaitingCreatives, "{creative}");
        }
    }

    #[test]
    fn a_flight_has_begun_when_its_days_have_and_is_over_when_they_are() {
        let (before, first, last, after) =
            ("2027-03-01T04:59:59Z", "2027-03-01T05:00:00Z", "2027-04-01T03:59:59Z", "2027-04-01T04:00:00Z");
        assert_eq!(state("ACTIVE", before, PLAYS), DeliveryState::Scheduled);
        assert_eq!(state("ACTIVE", first, PLAYS), DeliveryState::Delivering);
        assert_eq!(state("ACTIVE", last, PLAYS), DeliveryState::Delivering);
        assert_eq!(state("ACTIVE", after, PLAYS), DeliveryState::Completed);
        assert_eq!(state("PAUSED", before, PLAYS), DeliveryState::Paused);
        assert_eq!(state("ACTIVE", before, NOTHING), DeliveryState::AwaitingCreatives);
        for status in ["PAUSED", "DRAFT", "ACTIVE", "DECLINED"] {
            assert_eq!(state(status, after, NOTHING), DeliveryState::Completed, "{status}");
        }
        assert_eq!(state("ARCHIVED", after, PLAYS), DeliveryState::Canceled);
        assert_eq!(state("DONE", first, PLAYS), DeliveryState::Completed, "its goal is reached");
    }
}
