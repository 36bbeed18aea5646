//! The emulator's data, all under one lock: campaigns, flights, creatives and reports.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    delivery::{Delivery, Terms},
    fields::{DAY, Object},
    refusal::Refusal,
    reports::Report,
    seed,
};
use crate::{
    control::{clock::Millis, references::Carrier},
    platform::Duplicate,
};

/// How long before and after its days a flight or campaign has an active status.
const MARGIN: Millis = 2 * DAY;

/// A campaign.
#[derive(Debug)]
pub(super) struct Campaign {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub advertiser: i64,
    pub start: Millis,
    /// The first millisecond after its last day.
    pub end: Millis,
    pub active: bool,
    pub archived: bool,
    pub born: Instant,
}

/// A flight.
#[derive(Debug)]
pub(super) struct Flight {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub campaign: i64,
    pub active: bool,
    pub creatives: Vec<i64>,
    pub terms: Terms,
    /// The first day, and the one after the last, as their midnights in UTC.
    pub days: (Millis, Millis),
    pub delivery: Delivery,
    pub born: Instant,
}

/// A creative.
#[derive(Debug)]
pub(super) struct Creative {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub advertiser: i64,
    pub born: Instant,
}

/// The whole state.
#[derive(Debug)]
pub(super) struct State {
    last: i64,
    pub campaigns: BTreeMap<i64, Campaign>,
    pub flights: BTreeMap<i64, Flight>,
    pub creatives: BTreeMap<i64, Creative>,
    pub reports: BTreeMap<i64, Report>,
}

/// Whether lists already show an object of this age.
pub(super) fn visible(born: Instant, lag: Duration) -> bool {
    lag.is_zero() || born.elapsed() >= lag
}

impl State {
    /// Returns the seeded state.
    pub(super) fn seeded() -> Self {
        Self {
            last: 90_000,
            campaigns: BTreeMap::new(),
            flights: BTreeMap::new(),
            creatives: BTreeMap::new(),
            reports: BTreeMap::new(),
        }
    }

    /// Returns a new id. All types share one sequence, so an id used in the wrong place is unknown
    /// there.
    pub(super) fn next_id(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    /// Returns a campaign.
    pub(super) fn campaign(&self, id: i64) -> Result<&Campaign, Refusal> {
        self.campaigns.get(&id).ok_or_else(|| Refusal::no_such("campaign", id))
    }

    /// Returns a flight.
    pub(super) fn flight(&self, id: i64) -> Result<&Flight, Refusal> {
        self.flights.get(&id).ok_or_else(|| Refusal::no_such("flight", id))
    }

    /// Iterates over the flights of a campaign.
    pub(super) fn flights_of(&self, campaign: i64) -> impl Iterator<Item = (&i64, &Flight)> {
        self.flights.iter().filter(move |(_, flight)| flight.campaign == campaign)
    }

    /// Updates a flight's delivery. Call this after every change of the flight or its campaign.
    pub(super) fn settle(&mut self, id: i64, now: Millis) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        let campaign = self.campaigns.get(&flight.campaign);
        let runs = campaign.is_some_and(|campaign| campaign.active && !campaign.archived);
        let on = runs && flight.active && !flight.creatives.is_empty();
        flight.delivery.note(now, flight.terms, on);
    }

    /// Like [`settle`](Self::settle), for all flights of a campaign.
    pub(super) fn settle_all(&mut self, campaign: i64, now: Millis) {
        let flights: Vec<i64> = self.flights_of(campaign).map(|(id, _)| *id).collect();
        for flight in flights {
            self.settle(flight, now);
        }
    }

    /// Returns the status of a flight. It is active from two days before its days until two days
    /// after them (help pages, status).
    pub(super) fn flight_status(&self, flight: &Flight, now: Millis) -> &'static str {
        let Some(campaign) = self.campaigns.get(&flight.campaign) else { return "ARCHIVED" };
        let goal = u64::try_from(flight.terms.goal).unwrap_or(0);
        if campaign.archived {
            "ARCHIVED"
        } else if now >= flight.terms.end + MARGIN || flight.delivery.totals(now).impressions >= goal {
            "COMPLETED"
        } else if !flight.active || !campaign.active {
            "PAUSED"
        } else if flight.creatives.is_empty() {
            "DRAFT"
        } else if now < flight.terms.start - MARGIN {
            "SCHEDULED"
        } else {
            "RUNNING"
        }
    }

    fn campaign_status(&self, id: i64, campaign: &Campaign, now: Millis) -> &'static str {
        let any = |status: &str| self.flights_of(id).any(|(_, flight)| self.flight_status(flight, now) == status);
        if campaign.archived {
            "ARCHIVED"
        } else if now >= campaign.end + MARGIN {
            "COMPLETED"
        } else if !campaign.active {
            "PAUSED"
        } else {
            ["RUNNING", "SCHEDULED", "PAUSED", "COMPLETED"].into_iter().find(|status| any(status)).unwrap_or("DRAFT")
        }
    }

    /// Returns a campaign as in a response.
    pub(super) fn show_campaign(&self, id: i64, campaign: &Campaign, now: Millis) -> Value {
        let mut shown = campaign.object.clone();
        shown.insert("id".to_owned(), id.into());
        shown.insert("active".to_owned(), campaign.active.into());
        shown.insert("archived".to_owned(), campaign.archived.into());
        shown.insert("status".to_owned(), self.campaign_status(id, campaign, now).into());
        Value::Object(shown)
    }

    /// Returns a flight as in a response.
    pub(super) fn show_flight(&self, id: i64, flight: &Flight, now: Millis) -> Value {
        let mut shown = flight.object.clone();
        let totals = flight.delivery.totals(now);
        shown.insert("id".to_owned(), id.into());
        shown.insert("active".to_owned(), flight.active.into());
        shown.insert("creativeIds".to_owned(), json!(flight.creatives));
        shown.insert("status".to_owned(), self.flight_status(flight, now).into());
        shown.insert("impressionsDelivered".to_owned(), totals.impressions.into());
        Value::Object(shown)
    }

    /// Returns a creative as in a response.
    pub(super) fn show_creative(id: i64, creative: &Creative) -> Value {
        let mut shown = creative.object.clone();
        shown.insert("id".to_owned(), id.into());
        shown.insert("status".to_owned(), "READY".into());
        Value::Object(shown)
    }

    /// Returns how many objects of each type exist.
    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("advertisers", seed::ADVERTISERS.len()),
            ("stations", seed::STATIONS.len()),
            ("campaigns", self.campaigns.len()),
            ("flights", self.flights.len()),
            ("creatives", self.creatives.len()),
            ("reports", self.reports.len()),
        ]
    }

    /// Returns all objects of a type.
    pub(super) fn objects(&self, kind: &str, now: Millis) -> Option<Vec<Value>> {
        Some(match kind {
            "advertisers" => seed::ADVERTISERS.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect(),
            "stations" => seed::STATIONS.iter().map(seed::Station::show).collect(),
            "campaigns" => self.campaigns.iter().map(|(id, one)| self.show_campaign(*id, one, now)).collect(),
            "flights" => self.flights.iter().map(|(id, one)| self.show_flight(*id, one, now)).collect(),
            "creatives" => self.creatives.iter().map(|(id, one)| Self::show_creative(*id, one)).collect(),
            "reports" => self.reports.iter().map(|(id, report)| report.show(*id, "")).collect(),
            _ => return None,
        })
    }

    /// Returns every object that carries a reference at the end of its name. Flights are archived
    /// with their campaign; a creative is active if a flight that is not archived plays it.
    pub(super) fn carriers(&self) -> Vec<Carrier> {
        let name = |object: &Object| object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let away = |flight: &Flight| self.campaigns.get(&flight.campaign).is_none_or(|campaign| campaign.archived);
        let campaigns = self.campaigns.iter().filter_map(|(id, campaign)| {
            Carrier::named("campaigns", *id, &name(&campaign.object), campaign.active && !campaign.archived)
        });
        let flights = self.flights.iter().filter_map(|(id, flight)| {
            Carrier::named("flights", *id, &name(&flight.object), flight.active && !away(flight))
        });
        let creatives = self.creatives.iter().filter_map(|(id, creative)| {
            let played = self.flights.values().any(|flight| flight.creatives.contains(id) && !away(flight));
            Carrier::named("creatives", *id, &name(&creative.object), played)
        });
        campaigns.chain(flights).chain(creatives).collect()
    }

    /// Returns objects with the same type, parent and name.
    pub(super) fn duplicates(&self) -> Vec<Duplicate> {
        let mut named: BTreeMap<(&'static str, i64, String), Vec<i64>> = BTreeMap::new();
        let mut note = |kind, parent, object: &Object, id: i64| {
            let name = object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            named.entry((kind, parent, name)).or_default().push(id);
        };
        for (id, campaign) in &self.campaigns {
            note("campaigns", campaign.advertiser, &campaign.object, *id);
        }
        for (id, flight) in &self.flights {
            note("flights", flight.campaign, &flight.object, *id);
        }
        for (id, creative) in &self.creatives {
            note("creatives", creative.advertiser, &creative.object, *id);
        }
        let twice = named.into_iter().filter(|(_, ids)| ids.len() > 1);
        twice.map(|((kind, parent, name), ids)| Duplicate { kind, parent, name, ids }).collect()
    }
}
