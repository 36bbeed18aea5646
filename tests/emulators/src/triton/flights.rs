//! Flights.
//!
//! What a flight must say is the guide's (help pages, create a flight): its priority type and level,
//! content types and positions, pacing, and whether its rate is net or gross. The names of the fields
//! and words are inferred. Times are those of each station's own clock (help pages, targeting), so a
//! flight has no time zone.

use std::time::Instant;

use axum::http::StatusCode;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    ad_groups, criteria, dayparts,
    delivery::{Delivery, Pacing, Terms},
    fields::{DAY, Fields, Object, merged},
    lists,
    refusal::Refusal,
    routes::{Desk, Done},
    seed,
    state::{AdGroup, Flight, State, visible},
    zones,
};
use crate::{control::clock::Millis, platform::json};

const KNOWN: [&str; 21] = [
    "campaignId",
    "name",
    "type",
    "priorityLevel",
    "goal",
    "rate",
    "rateType",
    "rateBasis",
    "contentTypes",
    "positions",
    "startDate",
    "endDate",
    "pacing",
    "dailyCap",
    "frequencyCap",
    "targeting",
    "stationIds",
    "dayparts",
    "active",
    "creative",
    "externalId",
];
/// The maximum length of a name, in characters.
const MAX_NAME: usize = 255;
/// Priority types (help pages, how ad selection works).
const PRIORITIES: [&str; 4] = ["SPONSORSHIP", "STANDARD", "BULK", "FILLER"];
/// Content types (help pages, change to delivery method).
const CONTENT_TYPES: [&str; 3] = ["LIVE", "PODCAST", "OTHER"];
/// Positions in a stream or episode.
const POSITIONS: [&str; 4] = ["PRE_ROLL", "MID_ROLL", "POST_ROLL", "OTHER"];
/// The periods of frequency caps (help pages, frequency caps): unit and numbers.
const PERIODS: [(&str, &[i64]); 6] = [
    ("HOUR", &[1, 2, 3, 4, 6, 8, 12]),
    ("DAY", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28]),
    ("WEEK", &[1, 2, 3, 4]),
    ("LIFETIME", &[1]),
    ("BREAK", &[1]),
    ("DOWNLOAD", &[1]),
];

/// Returns a page of the flights of one or several campaigns.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let (one, some) = (lists::id(desk, "campaignId")?, lists::ids(desk, "campaignIds")?);
    if one.is_none() && some.is_none() {
        return Err(Refusal::required("campaignId"));
    }
    let wanted = |(_, flight): &(&i64, &Flight)| {
        one.is_none_or(|id| flight.campaign == id)
            && some.as_ref().is_none_or(|ids| ids.contains(&flight.campaign))
            && visible(flight.born, desk.lag)
    };
    let found = desk.state.flights.iter().filter(wanted);
    let items: Vec<Value> = found.map(|(id, flight)| desk.state.show_flight(*id, flight, desk.now)).collect();
    lists::answer(desk, &["campaignId", "campaignIds"], &items)
}

/// Returns one flight.
pub(super) fn get(desk: &Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let flight = desk.state.flight(id)?;
    Ok(json(StatusCode::OK, &desk.state.show_flight(id, flight, desk.now)))
}

/// A parsed and checked body.
struct Read {
    campaign: i64,
    terms: Terms,
    /// The first day, and the one after the last, as their midnights in UTC.
    days: (Millis, Millis),
    /// The time zone of those days.
    zone: TimeZone,
    active: bool,
    groups: Vec<AdGroup>,
}

fn read(state: &State, object: &Object) -> Result<Read, Refusal> {
    let fields = Fields::of(object, &KNOWN)?;
    let campaign_id = fields.required_count("campaignId")?;
    let missing = |_| Refusal::field("campaignId", format!("there is no campaign {campaign_id}"));
    let campaign = state.campaign(campaign_id).map_err(missing)?;
    if campaign.archived {
        return Err(Refusal::state("ARCHIVED", format!("campaign {campaign_id} is archived and can't be changed")));
    }
    fields.required_text("name", MAX_NAME)?;
    fields.word("type", &PRIORITIES)?;
    fields.count("priorityLevel")?;
    fields.text("externalId", MAX_NAME)?;
    for (name, known) in [("contentTypes", &CONTENT_TYPES[..]), ("positions", &POSITIONS)] {
        fields.words(name, known)?;
    }
    let goal = fields.required_inner("goal", &["type", "value"], |goal| {
        goal.word("type", &["IMPRESSIONS"])?;
        goal.required_count("value")
    })?;
    let rate = fields.amount("rate")?;
    fields.word("rateType", &["CPM"])?;
    fields.word("rateBasis", &["NET", "GROSS"])?;
    let (start, last) = (fields.day("startDate")?, fields.day("endDate")?);
    if last < start {
        return Err(Refusal::field("endDate", "must not be before startDate"));
    }
    let pacing = match fields.word_if_any("pacing", &["EVEN", "FRONT_LOADED", "TREND", "ASAP"])? {
        Some("ASAP") => Pacing::Asap,
        Some("FRONT_LOADED") => Pacing::FrontLoaded,
        _ => Pacing::Even,
    };
    let daily_cap = fields.count("dailyCap")?;
    fields.inner("frequencyCap", &["impressions", "period", "periodUnit"], |cap| {
        cap.required_count("impressions")?;
        let (unit, period) = (cap.word("periodUnit", &PERIODS.map(|(unit, _)| unit))?, cap.required_count("period")?);
        match PERIODS.iter().find(|(known, _)| *known == unit) {
            Some((_, numbers)) if !numbers.contains(&period) => {
                Err(Refusal::field("frequencyCap.period", format!("must be one of {numbers:?} for {unit}")))
            }
            _ => Ok(()),
        }
    })?;
    if let Some(tree) = fields.get("targeting") {
        criteria::check("targeting", tree)?;
    }
    let stations = fields.ids("stationIds")?;
    if let Some(id) = stations.iter().find(|id| !seed::STATIONS.iter().any(|one| one.id == **id)) {
        return Err(Refusal::field("stationIds", format!("there is no station {id}")));
    }
    let parts = fields.objects("dayparts")?;
    let days = dayparts::check(&parts)?;
    let groups = fields.inner("creative", &["adGroups", "state"], |creative| {
        creative
            .objects("adGroups")?
            .into_iter()
            .map(|group| ad_groups::read(state, campaign.advertiser, group))
            .collect()
    })?;
    let named = (start, last + DAY);
    let zone = zones::of_flight(&stations);
    let (start, end) = (zones::midnight(named.0, &zone), zones::midnight(named.1, &zone));
    let terms = Terms { start, end, goal, rate, daily_cap, pacing, days, shift: start - named.0 };
    let (active, groups) = (fields.flag("active", true)?, groups.unwrap_or_default());
    Ok(Read { campaign: campaign_id, terms, days: named, zone, active, groups })
}

/// Creates a flight.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    lists::only_params(desk, &[])?;
    let object = desk.body()?;
    let Read { campaign, terms, days, zone, active, groups } = read(desk.state, &object)?;
    if days.0 < zones::today(desk.now, &zone) {
        return Err(Refusal::field("startDate", "must not be in the past"));
    }
    let (id, now) = (desk.state.next_id(), desk.now);
    let delivery = Delivery::new(now, terms);
    let flight = Flight {
        object,
        campaign,
        active,
        given: None,
        saved: groups,
        published: Vec::new(),
        ready: false,
        terms,
        days,
        delivery,
        born: Instant::now(),
    };
    desk.state.flights.insert(id, flight);
    desk.state.settle(id, now);
    let flight = desk.state.flight(id)?;
    Ok(json(StatusCode::CREATED, &desk.state.show_flight(id, flight, now)))
}

/// Changes the fields of a flight that were sent.
pub(super) fn update(desk: &mut Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let flight = desk.state.flight(id)?;
    let sent = desk.body()?;
    let object = merged(&flight.object, sent.clone());
    let read = read(desk.state, &object)?;
    if read.campaign != flight.campaign {
        return Err(Refusal::field("campaignId", "can't be changed"));
    }
    let delivered = flight.delivery.totals(desk.now).impressions;
    // As the platform announced, since July 2025 a new rate needs a new flight.
    let began = flight.terms.start <= desk.now && (delivered > 0 || (flight.active && !flight.published.is_empty()));
    if began && read.terms.rate != flight.terms.rate {
        let why = format!("rate: flight {id} is in progress; its rate can't be changed, book a new flight");
        return Err(Refusal::state("RATE_LOCKED", why));
    }
    if read.days.0 != flight.days.0 && (flight.ready || read.days.0 < zones::today(desk.now, &read.zone)) {
        let why = "can't be moved into the past, nor once the flight's delivery status is ready";
        return Err(Refusal::field("startDate", why));
    }
    for name in ["type", "rateBasis"] {
        if flight.ready && object.get(name) != flight.object.get(name) {
            return Err(Refusal::field(name, "can't be changed once the flight's delivery status is ready"));
        }
    }
    // A flight that is done becomes active again by its status and a later end.
    let revived = sent.get("active").and_then(Value::as_bool) == Some(true);
    if desk.now >= flight.terms.end && read.days.1 != flight.days.1 && !revived && State::is_done(flight, desk.now) {
        return Err(Refusal::state("DONE", format!("flight {id} is done: a later endDate needs active, too")));
    }
    let now = desk.now;
    if let Some(flight) = desk.state.flights.get_mut(&id) {
        (flight.active, flight.saved, flight.terms) = (read.active, read.groups, read.terms);
        flight.days = read.days;
        flight.object = object;
    }
    desk.state.settle(id, now);
    let flight = desk.state.flight(id)?;
    Ok(json(StatusCode::OK, &desk.state.show_flight(id, flight, now)))
}
