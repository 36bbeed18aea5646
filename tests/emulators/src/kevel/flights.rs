//! Flights.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::{
    campaigns::{caps, same_id},
    delivery::{Delivery, Terms},
    fields,
    paging::{lag, page},
    refusal::Refusal,
    routes::{Desk, Done, Reply},
    schema::{self, Object, read_moment},
    seed,
    state::{Record, stamp_new, stamp_next, visible},
    targeting::{self, Resource},
};
use crate::control::clock::{Millis, to_millis};

/// The goals in money, and the largest of them (reference page, create flight).
const MONEY_GOALS: [i64; 3] = [8, 9, 10];
const MOST_MONEY: i64 = 500_000_000;
/// The amounts of caps, in whole units and as decimals.
const AMOUNTS: [(&str, &str); 2] =
    [("DailyCapAmount", "DailyCapAmountDecimal"), ("LifetimeCapAmount", "LifetimeCapAmountDecimal")];
/// Goals that may have no end: percentage, daily and monthly revenue.
const ENDLESS_GOALS: [i64; 3] = [2, 9, 10];

/// Checks a flight that is created or replaces another one, except its campaign.
pub(super) fn read(body: &Map<String, Value>) -> Result<Object, Refusal> {
    let mut object = schema::read(&fields::FLIGHT, body)?;
    let priority = object.int("PriorityId").unwrap_or(0);
    if !seed::PRIORITIES.iter().any(|(id, ..)| *id == priority) {
        return Err(Refusal::invalid(format!("PriorityId: priority {priority} does not exist")));
    }
    let goal_type = object.int("GoalType").unwrap_or(0);
    match (object.moment("StartDateISO"), object.moment("EndDateISO")) {
        (Some(start), Some(end)) if end <= start => {
            return Err(Refusal::invalid("EndDateISO must be after StartDateISO"));
        }
        (_, None) if !ENDLESS_GOALS.contains(&goal_type) => {
            return Err(Refusal::invalid("EndDateISO is required unless GoalType is 2, 9 or 10"));
        }
        (_, Some(_)) if object.flag("NoEndDate") => {
            return Err(Refusal::invalid("NoEndDate contradicts EndDateISO"));
        }
        _ => {}
    }
    if goal_type == 2 && object.int("Impressions").unwrap_or(0) > 100 {
        return Err(Refusal::invalid("Impressions is a percentage with GoalType 2: at most 100"));
    }
    if MONEY_GOALS.contains(&goal_type) && object.int("Impressions").unwrap_or(0) > MOST_MONEY {
        return Err(Refusal::invalid(format!(
            "Impressions is an amount with GoalType {goal_type}: at most {MOST_MONEY}"
        )));
    }
    if object.get("DuplicateMode").is_some() && !object.flag("IsNoDuplicates") {
        return Err(Refusal::invalid("DuplicateMode needs IsNoDuplicates"));
    }
    caps(&object, "Decimal")?;
    amounts(&mut object)?;
    Ok(object)
}

/// The two forms of a cap's amount agree: the whole one is the decimal one rounded up, and one that is
/// not given is what the other one says.
///
/// Kevel's own client says the former of an update, and sends both. That they are one amount in two
/// forms, and that a flight has both, is inferred from it.
fn amounts(object: &mut Object) -> Result<(), Refusal> {
    for (whole, exact) in AMOUNTS {
        let up = object.micros(exact).map(|micros| micros.div_euclid(1_000_000) + i64::from(micros % 1_000_000 != 0));
        match (object.int(whole), up) {
            (Some(given), Some(up)) if given != up => {
                return Err(Refusal::invalid(format!("{whole} must be {exact}, rounded up")));
            }
            (None, Some(up)) => object.set(whole, up),
            (Some(given), None) => object.set(exact, given),
            _ => {}
        }
    }
    Ok(())
}

/// Checks that an update gives both forms of an amount, or none.
fn both_amounts(body: &Map<String, Value>) -> Result<(), Refusal> {
    let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    for (whole, exact) in AMOUNTS {
        if given(whole) != given(exact) {
            return Err(Refusal::invalid(format!("{whole} must be {exact}, rounded up")));
        }
    }
    Ok(())
}

/// Returns the id of the campaign that a flight names, which must exist.
fn campaign_of(desk: &Desk<'_>, body: &Map<String, Value>) -> Result<i64, Refusal> {
    match body.get("CampaignId").map(Value::as_i64) {
        None => Err(Refusal::invalid("CampaignId is required")),
        Some(None) => Err(Refusal::invalid("CampaignId must be a whole number")),
        Some(Some(id)) => Ok(desk.state.campaigns.referred("CampaignId", id)?.id),
    }
}

/// Stores a checked flight.
pub(super) fn add(desk: &mut Desk<'_>, campaign: i64, mut object: Object) -> i64 {
    stamp_new(&mut object, desk.now);
    object.set("CampaignId", campaign);
    let id = desk.state.flights.insert(campaign, 0, object);
    refresh(desk, id);
    id
}

pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    let body = desk.body()?;
    let object = read(&body)?;
    let campaign = campaign_of(desk, &body)?;
    // Everything is checked before anything is stored: a refused flight leaves nothing behind.
    let geo = targeting::read_list(&body, Resource::Geo)?;
    let site_zones = targeting::read_list(&body, Resource::SiteZone)?;
    let id = add(desk, campaign, object);
    for (resource, items) in [(Resource::Geo, geo), (Resource::SiteZone, site_zones)] {
        for item in items {
            targeting::add(desk, resource, id, item);
        }
    }
    get(desk, id)
}

pub(super) fn get(desk: &mut Desk<'_>, id: i64) -> Done {
    let record = desk.state.flights.get(id)?;
    Ok(Reply::ok(desk.state.render("flights", record)))
}

/// Replaces a flight. Targeting and ads are separate resources (the update schema doesn't have
/// them) and stay unchanged.
pub(super) fn update(desk: &mut Desk<'_>, id: i64) -> Done {
    let before = desk.state.flights.get(id)?;
    let body = desk.body()?;
    same_id(&body, "Id", id)?;
    both_amounts(&body)?;
    let mut object = read(&body)?;
    if body.get("CampaignId").and_then(Value::as_i64) != Some(before.parent) {
        return Err(Refusal::invalid("CampaignId is required and can't be changed"));
    }
    stamp_next(&mut object, &before.object, desk.now);
    object.set("CampaignId", before.parent);
    desk.state.flights.replace(id, object);
    refresh(desk, id);
    get(desk, id)
}

pub(super) fn delete(desk: &mut Desk<'_>, id: i64) -> Done {
    desk.state.flights.get(id)?;
    desk.state.flights.mark(id, "IsDeleted", true);
    refresh(desk, id);
    Ok(Reply::Empty(StatusCode::OK))
}

/// The filter of a list. Without `isArchived`, archived flights are left out (reference page, list
/// flights).
struct Filter {
    active: Option<bool>,
    archived: bool,
}

impl Filter {
    fn of(desk: &Desk<'_>) -> Result<Self, Refusal> {
        let (active, archived) = (desk.flag_param("isActive")?, desk.flag_param("isArchived")?);
        if desk.call.param("filter").is_some() && (active.is_some() || archived.is_some()) {
            return Err(Refusal::invalid("filter can't be combined with isActive and isArchived"));
        }
        Ok(Self { active, archived: archived.unwrap_or(false) })
    }

    fn fits(&self, record: &Record) -> bool {
        self.active.is_none_or(|active| record.object.flag("IsActive") == active)
            && record.object.flag("IsArchived") == self.archived
    }
}

pub(super) fn list(desk: &mut Desk<'_>) -> Done {
    let filter = Filter::of(desk)?;
    page(desk, "flights", desk.state.flights.all().filter(|record| filter.fits(record)))
}

pub(super) fn of_campaign(desk: &mut Desk<'_>, campaign: i64) -> Done {
    desk.state.campaigns.get(campaign)?;
    let filter = Filter::of(desk)?;
    let flights = desk.state.flights.children(campaign).filter(|record| filter.fits(record));
    page(desk, "flights", flights)
}

pub(super) fn of_advertiser(desk: &mut Desk<'_>, advertiser: i64) -> Done {
    desk.state.advertisers.get(advertiser)?;
    let filter = Filter::of(desk)?;
    let flights = desk
        .state
        .campaigns
        .children(advertiser)
        .flat_map(|campaign| desk.state.flights.children(campaign.id))
        .filter(|record| filter.fits(record));
    page(desk, "flights", flights)
}

/// Returns the quick list: one JSON object per line, filtered by parts of the name and by dates.
pub(super) fn fast(desk: &mut Desk<'_>) -> Done {
    let filter = Filter::of(desk)?;
    let date = |name: &str| -> Result<Option<Millis>, Refusal> {
        match desk.call.param(name) {
            None | Some("") => Ok(None),
            Some(text) => read_moment(text)
                .map(|moment| Some(to_millis(moment)))
                .ok_or_else(|| Refusal::invalid(format!("{name} is not a date"))),
        }
    };
    let bounds = [
        ("StartDateISO", date("afterStartDate")?, date("beforeStartDate")?),
        ("EndDateISO", date("afterEndDate")?, date("beforeEndDate")?),
    ];
    let endless = desk.flag_param("NoEndDate")?;
    let name = desk.call.param("name");
    let lag = lag(desk);
    let fits = |record: &&Record| {
        let object = &record.object;
        visible(record, lag)
            && filter.fits(record)
            && name.is_none_or(|name| object.text("Name") == Some(name))
            && endless.is_none_or(|endless| object.get("EndDateISO").is_none() == endless)
            && bounds.iter().all(|(field, after, before)| {
                let at = object.moment(field);
                after.is_none_or(|after| at.is_some_and(|at| at > after))
                    && before.is_none_or(|before| at.is_some_and(|at| at < before))
            })
    };
    let shelf = &desk.state.flights;
    let found: Vec<&Record> = match desk.call.param("nameContains").or(name) {
        Some(text) => shelf.named_like(text).into_iter().filter(fits).collect(),
        None => shelf.all().filter(fits).collect(),
    };
    let mut lines = Vec::new();
    for record in found {
        let line = serde_json::to_vec(&shelf.render(record));
        lines.extend(line.map_err(|error| Refusal::invalid(error.to_string()))?);
        lines.push(b'\n');
    }
    Ok(Reply::Bytes("text/plain; charset=utf-8", lines))
}

/// Records, as of now, what a flight is to deliver and whether it is active: it and its campaign
/// must run, and at least one ad whose creative runs, too.
pub(super) fn refresh(desk: &mut Desk<'_>, id: i64) {
    let now = desk.millis();
    let state = &mut *desk.state;
    let Ok(flight) = state.flights.get(id) else {
        return;
    };
    let on = flight.runs()
        && state.campaigns.get(flight.parent).is_ok_and(Record::runs)
        && state.ads.children(id).any(|ad| ad.runs() && state.creatives.get(ad.link).is_ok_and(Record::runs));
    let terms = Terms::of(&flight.object);
    match state.deliveries.get_mut(&id) {
        Some(delivery) => delivery.note(now, terms, on),
        None => {
            state.deliveries.insert(id, Delivery::new(now, terms, on));
        }
    }
}
