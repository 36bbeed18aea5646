//! Campaigns.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::{
    fields,
    flights::refresh,
    paging::page,
    refusal::Refusal,
    routes::{Desk, Done, Reply},
    schema::{self, Object, write_moment},
    state::{Record, State, stamp_new, stamp_next},
};

/// Checks a campaign that is created or replaces another one.
pub(super) fn read(state: &State, body: &Map<String, Value>) -> Result<Object, Refusal> {
    let mut object = schema::read(&fields::CAMPAIGN, body)?;
    state.advertisers.referred("AdvertiserId", object.int("AdvertiserId").unwrap_or(0))?;
    caps(&object, "")?;
    let capped = object.get("FreqCap").is_some();
    object.set("IsFreqCap", capped);
    Ok(object)
}

/// Checks the dependencies between cap fields, in campaigns and flights.
///
/// The OpenAPI document leaves them open. An amount without its type, or a frequency without its
/// period, has no meaning, so it is refused rather than ignored.
pub(super) fn caps(object: &Object, decimal: &'static str) -> Result<(), Refusal> {
    let amounts = ["DailyCapAmount", "LifetimeCapAmount"];
    let amount_given = amounts.iter().any(|name| {
        object.get(name).is_some() || (!decimal.is_empty() && object.get(&format!("{name}{decimal}")).is_some())
    });
    if amount_given && object.get("CapType").is_none() {
        return Err(Refusal::invalid("CapType is required with a cap amount"));
    }
    frequency(object)
}

/// Checks a frequency cap: its three fields are required together, and its period must be valid.
///
/// According to the page on frequency capping, the longest periods are 168 hours, 180 days and
/// 4,400 minutes.
pub(super) fn frequency(object: &Object) -> Result<(), Refusal> {
    let fields = ["FreqCap", "FreqCapDuration", "FreqCapType"].map(|name| object.int(name));
    let [Some(_), Some(duration), Some(unit)] = fields else {
        if fields.iter().any(Option::is_some) {
            return Err(Refusal::invalid("FreqCap, FreqCapDuration and FreqCapType go together"));
        }
        if object.flag("IsFreqCap") {
            return Err(Refusal::invalid("IsFreqCap needs FreqCap, FreqCapDuration and FreqCapType"));
        }
        return Ok(());
    };
    let longest = fields::FREQ_CAP_LONGEST.iter().find(|(known, ..)| *known == unit);
    match longest {
        Some((_, most, name)) if duration > *most => {
            Err(Refusal::invalid(format!("FreqCapDuration must be at most {most} {name} (FreqCapType {unit})")))
        }
        _ => Ok(()),
    }
}

/// Stores a checked campaign.
pub(super) fn add(desk: &mut Desk<'_>, mut object: Object) -> i64 {
    stamp_new(&mut object, desk.now);
    object.set("StartDateISO", write_moment(desk.now));
    let advertiser = object.int("AdvertiserId").unwrap_or(0);
    desk.state.campaigns.insert(advertiser, 0, object)
}

pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    let object = read(desk.state, &desk.body()?)?;
    let id = add(desk, object);
    get(desk, id)
}

pub(super) fn get(desk: &mut Desk<'_>, id: i64) -> Done {
    let record = desk.state.campaigns.get(id)?;
    Ok(Reply::ok(desk.state.render("campaigns", record)))
}

/// Lists campaigns. Without `isArchived`, archived ones are left out: the reference page says so of
/// flights, and the emulator takes it to be the same here.
pub(super) fn list(desk: &mut Desk<'_>) -> Done {
    let archived = desk.flag_param("isArchived")?.unwrap_or(false);
    let fits = move |record: &&Record| record.object.flag("IsArchived") == archived;
    match desk.int_param("advertiserId")? {
        Some(advertiser) => page(desk, "campaigns", desk.state.campaigns.children(advertiser).filter(fits)),
        None => page(desk, "campaigns", desk.state.campaigns.all().filter(fits)),
    }
}

pub(super) fn search(desk: &mut Desk<'_>) -> Done {
    let name =
        desk.form_field("campaignName").ok_or_else(|| Refusal::invalid("campaignName is required, form-encoded"))?;
    page(desk, "campaigns", desk.state.campaigns.named_like(&name).into_iter())
}

pub(super) fn update(desk: &mut Desk<'_>, id: i64) -> Done {
    let before = desk.state.campaigns.get(id)?;
    let body = desk.body()?;
    same_id(&body, "Id", id)?;
    if body.get("IsActive").is_none_or(Value::is_null) {
        return Err(Refusal::invalid("IsActive is required"));
    }
    let mut object = read(desk.state, &body)?;
    if object.int("AdvertiserId") != Some(before.parent) {
        return Err(Refusal::invalid("AdvertiserId can't be changed"));
    }
    stamp_next(&mut object, &before.object, desk.now);
    if let Some(start) = before.object.get("StartDateISO") {
        object.set("StartDateISO", start.clone());
    }
    desk.state.campaigns.replace(id, object);
    refresh_flights(desk, id);
    get(desk, id)
}

pub(super) fn delete(desk: &mut Desk<'_>, id: i64) -> Done {
    desk.state.campaigns.get(id)?;
    desk.state.campaigns.mark(id, "IsDeleted", true);
    refresh_flights(desk, id);
    Ok(Reply::Empty(StatusCode::OK))
}

fn refresh_flights(desk: &mut Desk<'_>, campaign: i64) {
    let flights: Vec<i64> = desk.state.flights.children(campaign).map(|flight| flight.id).collect();
    for flight in flights {
        refresh(desk, flight);
    }
}

/// Checks that the id in a body matches the one in its path.
pub(super) fn same_id(body: &Map<String, Value>, field: &str, id: i64) -> Result<(), Refusal> {
    match body.get(field) {
        None | Some(Value::Null) => Err(Refusal::invalid(format!("{field} is required"))),
        Some(value) if value.as_i64() == Some(id) => Ok(()),
        Some(_) => Err(Refusal::invalid(format!("{field} is not the one of the path"))),
    }
}
