//! Ads, which map creatives to flights (formerly "creative maps").

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::{
    campaigns::{frequency, same_id},
    fields,
    flights::refresh,
    paging::page,
    refusal::Refusal,
    routes::{Desk, Done, Reply},
    schema::{self, Object},
    seed,
    state::{Record, stamp_new, stamp_next},
};

/// Checks an ad of a flight. Returns it with the id of its creative.
fn read(desk: &Desk<'_>, flight: &Record, body: &Map<String, Value>) -> Result<(Object, i64), Refusal> {
    for name in ["IsActive", "FlightId", "Creative"] {
        if body.get(name).is_none_or(Value::is_null) {
            return Err(Refusal::invalid(format!("{name} is required")));
        }
    }
    same_id(body, "FlightId", flight.id)?;
    let object = schema::read(&fields::AD, body)?;
    frequency(&object)?;
    // What the numbers mean is in Kevel's own client alone: 1 balanced, 2 by percentage, 3 by impressions.
    for (name, kind) in [("Percentage", 2), ("Impressions", 3)] {
        if object.get(name).is_some() != (object.int("DistributionType") == Some(kind)) {
            return Err(Refusal::invalid(format!("{name} and DistributionType {kind} go together")));
        }
    }
    let creative = body
        .get("Creative")
        .and_then(|creative| creative.get("Id"))
        .and_then(Value::as_i64)
        .ok_or_else(|| Refusal::invalid("Creative.Id is required and must be a whole number"))?;
    let creative = desk.state.creatives.referred("Creative.Id", creative)?;
    let advertiser = desk.state.campaigns.get(flight.parent)?.parent;
    if creative.parent != advertiser {
        return Err(Refusal::invalid("Creative.Id: the creative is another advertiser's"));
    }
    if let Some(site) = object.int("SiteId") {
        seed::site(site)?;
    }
    if let Some(zone) = object.int("ZoneId") {
        seed::zone(zone)?;
    }
    Ok((object, creative.id))
}

/// Stores a checked ad.
pub(super) fn add(desk: &mut Desk<'_>, flight: i64, creative: i64, mut object: Object) -> i64 {
    stamp_new(&mut object, desk.now);
    let campaign = desk.state.flights.get(flight).map_or(0, |flight| flight.parent);
    object.set("FlightId", flight);
    object.set("CampaignId", campaign);
    let id = desk.state.ads.insert(flight, creative, object);
    refresh(desk, flight);
    id
}

pub(super) fn create(desk: &mut Desk<'_>, flight: i64) -> Done {
    let record = desk.state.flights.get(flight)?;
    let (object, creative) = read(desk, record, &desk.body()?)?;
    let id = add(desk, flight, creative, object);
    get(desk, id)
}

pub(super) fn get(desk: &mut Desk<'_>, id: i64) -> Done {
    let record = desk.state.ads.get(id)?;
    Ok(Reply::ok(desk.state.render("ads", record)))
}

pub(super) fn list(desk: &mut Desk<'_>) -> Done {
    page(desk, "ads", desk.state.ads.all())
}

pub(super) fn of_flight(desk: &mut Desk<'_>, flight: i64) -> Done {
    desk.state.flights.get(flight)?;
    page(desk, "ads", desk.state.ads.children(flight))
}

fn ad_of<'d>(desk: &'d Desk<'_>, flight: i64, id: i64) -> Result<&'d Record, Refusal> {
    desk.state.flights.get(flight)?;
    let ad = desk.state.ads.get(id)?;
    if ad.parent == flight { Ok(ad) } else { Err(Refusal::no_such("ad", id)) }
}

pub(super) fn update(desk: &mut Desk<'_>, flight: i64, id: i64) -> Done {
    let before = ad_of(desk, flight, id)?;
    let mut body = desk.body()?;
    // Responses use this spelling, updates another one. An update ignores unknown fields.
    for answered in ["StartDateISO", "EndDateISO"] {
        body.remove(answered);
    }
    same_id(&body, "Id", id)?;
    let record = desk.state.flights.get(flight)?;
    same_id(&body, "CampaignId", record.parent)?;
    if body.get("IsDeleted").is_none_or(Value::is_null) {
        return Err(Refusal::invalid("IsDeleted is required"));
    }
    let (mut object, creative) = read(desk, record, &body)?;
    stamp_next(&mut object, &before.object, desk.now);
    object.set("FlightId", flight);
    object.set("CampaignId", record.parent);
    desk.state.ads.replace(id, object);
    desk.state.ads.relink(id, creative);
    refresh(desk, flight);
    get(desk, id)
}

pub(super) fn delete(desk: &mut Desk<'_>, flight: i64, id: i64) -> Done {
    ad_of(desk, flight, id)?;
    desk.state.ads.mark(id, "IsDeleted", true);
    refresh(desk, flight);
    Ok(Reply::Empty(StatusCode::OK))
}
