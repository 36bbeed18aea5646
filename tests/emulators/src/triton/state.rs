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
    amount::Amount,
    control::{clock::Millis, references::Carrier},
    platform::Duplicate,
};

/// How long after its last day a flight is done.
const MARGIN: Millis = 2 * DAY;

/// A campaign.
#[derive(Debug)]
pub(super) struct Campaign {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub advertiser: i64,
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
    /// The status that a person at the publisher gave it: DRAFT, APPROVED or DECLINED.
    pub given: Option<&'static str>,
    /// The ad groups of its creative as they were last saved, and as they were last published.
    pub saved: Vec<AdGroup>,
    pub published: Vec<AdGroup>,
    /// Whether it was handed to the ad server. It stays so.
    pub ready: bool,
    pub terms: Terms,
    /// The first day, and the one after the last, as their midnights in UTC.
    pub days: (Millis, Millis),
    pub delivery: Delivery,
    pub born: Instant,
}

/// A group of ad units with the same assigned duration (help pages, creative manager).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AdGroup {
    /// The assigned duration, in seconds.
    pub seconds: i64,
    pub units: Vec<i64>,
}

/// An ad unit of the creative library.
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

impl AdGroup {
    fn show(&self) -> Value {
        json!({ "durationSeconds": self.seconds, "adUnitIds": self.units })
    }
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
        let billed = campaign.and_then(|campaign| seed::advertiser(campaign.advertiser)).is_some_and(|one| one.active);
        // A saved draft of a creative doesn't serve, nor does a flight that is a draft or declined.
        let on = runs && billed && flight.active && flight.given.is_none() && !flight.published.is_empty();
        flight.ready |= on;
        flight.delivery.note(now, flight.terms, on);
    }

    /// Gives a flight a status, as a person at the publisher does.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn give(&mut self, id: i64, status: Option<&str>, now: Millis) -> Result<(), String> {
        let known = |status: &str| ["DRAFT", "APPROVED", "DECLINED"].into_iter().find(|known| *known == status);
        let given = match status {
            None => None,
            Some(status) => Some(known(status).ok_or_else(|| format!("{status} is not given by people"))?),
        };
        self.flights.get_mut(&id).ok_or_else(|| format!("there is no flight {id}"))?.given = given;
        self.settle(id, now);
        Ok(())
    }

    /// Like [`settle`](Self::settle), for all flights of a campaign.
    pub(super) fn settle_all(&mut self, campaign: i64, now: Millis) {
        let flights: Vec<i64> = self.flights_of(campaign).map(|(id, _)| *id).collect();
        for flight in flights {
            self.settle(flight, now);
        }
    }

    /// Returns the status of a flight: Draft, Active, Approved, Declined, Paused, Inactive, Done or
    /// Archived (help pages, status). It is Done two days after its last day, or once its goal is
    /// reached.
    pub(super) fn flight_status(&self, flight: &Flight, now: Millis) -> &'static str {
        let Some(campaign) = self.campaigns.get(&flight.campaign) else { return "ARCHIVED" };
        if campaign.archived {
            "ARCHIVED"
        } else if Self::is_done(flight, now) {
            "DONE"
        } else if !seed::advertiser(campaign.advertiser).is_some_and(|advertiser| advertiser.active) {
            "INACTIVE"
        } else if let Some(given) = flight.given {
            given
        } else if !flight.active || !campaign.active {
            "PAUSED"
        } else {
            "ACTIVE"
        }
    }

    /// Whether a flight is done.
    pub(super) fn is_done(flight: &Flight, now: Millis) -> bool {
        let goal = u64::try_from(flight.terms.goal).unwrap_or(0);
        now >= flight.terms.end + MARGIN || flight.delivery.totals(now).impressions >= goal
    }

    fn campaign_status(&self, id: i64, campaign: &Campaign, now: Millis) -> &'static str {
        let any = |status: &str| self.flights_of(id).any(|(_, flight)| self.flight_status(flight, now) == status);
        if campaign.archived {
            "ARCHIVED"
        } else if !seed::advertiser(campaign.advertiser).is_some_and(|advertiser| advertiser.active) {
            "INACTIVE"
        } else if !campaign.active {
            "PAUSED"
        } else {
            ["ACTIVE", "APPROVED", "PAUSED", "DONE"].into_iter().find(|status| any(status)).unwrap_or("DRAFT")
        }
    }

    /// Returns a campaign as in a response.
    pub(super) fn show_campaign(&self, id: i64, campaign: &Campaign, now: Millis) -> Value {
        let mut shown = campaign.object.clone();
        shown.insert("id".to_owned(), id.into());
        shown.insert("active".to_owned(), campaign.active.into());
        shown.insert("archived".to_owned(), campaign.archived.into());
        // Dates and value are those of its flights.
        let flights = || self.flights_of(id).map(|(_, flight)| flight);
        let day = |name: &'static str| {
            move |flight: &Flight| flight.object.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        shown.insert("startDate".to_owned(), flights().filter_map(day("startDate")).min().into());
        shown.insert("endDate".to_owned(), flights().filter_map(day("endDate")).max().into());
        let value = flights().map(|flight| i128::from(flight.terms.goal) * i128::from(flight.terms.rate)).sum();
        shown.insert("value".to_owned(), Amount(value).to_text().into());
        let currency = seed::advertiser(campaign.advertiser).map(|advertiser| advertiser.show()["currency"].clone());
        shown.insert("currency".to_owned(), currency.into());
        shown.insert("status".to_owned(), self.campaign_status(id, campaign, now).into());
        Value::Object(shown)
    }

    /// Returns a flight as in a response.
    pub(super) fn show_flight(&self, id: i64, flight: &Flight, now: Millis) -> Value {
        let mut shown = flight.object.clone();
        let totals = flight.delivery.totals(now);
        shown.insert("id".to_owned(), id.into());
        shown.insert("active".to_owned(), flight.active.into());
        let groups: Vec<Value> = flight.saved.iter().map(AdGroup::show).collect();
        let state = if flight.saved == flight.published { "PUBLISHED" } else { "DRAFT" };
        shown.insert("creative".to_owned(), json!({ "adGroups": groups, "state": state }));
        shown.insert("status".to_owned(), self.flight_status(flight, now).into());
        shown.insert("deliveryStatus".to_owned(), if flight.ready { "READY" } else { "PENDING" }.into());
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
            "advertisers" => seed::ADVERTISERS.iter().map(seed::Advertiser::show).collect(),
            "teams" => seed::TEAMS.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect(),
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
            let plays = |flight: &Flight| flight.saved.iter().any(|group| group.units.contains(id));
            let played = self.flights.values().any(|flight| plays(flight) && !away(flight));
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
