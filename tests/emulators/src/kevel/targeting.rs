//! The resources below a flight that define where and when it runs.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    fields,
    paging::page,
    refusal::Refusal,
    routes::{Desk, Done, Reply},
    schema::{self, Object, Table},
    seed,
    state::{Record, Shelf, State},
};

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// Places.
    Geo,
    /// Sites and zones.
    SiteZone,
    /// Hours of the week.
    DayPart,
}

impl Resource {
    /// Returns the resource of a path segment.
    pub(super) fn named(segment: &str) -> Option<Self> {
        match segment {
            "geotargeting" => Some(Self::Geo),
            "sitezonetargeting" => Some(Self::SiteZone),
            "dayparting" => Some(Self::DayPart),
            _ => None,
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Geo => "geotargeting",
            Self::SiteZone => "sitezonetargeting",
            Self::DayPart => "dayparting",
        }
    }

    fn table(self) -> &'static Table {
        match self {
            Self::Geo => &fields::GEO,
            Self::SiteZone => &fields::SITE_ZONE,
            Self::DayPart => &fields::DAY_PART,
        }
    }

    /// Whether it has a list: day parts do; the other two are read with their flight.
    pub(super) const fn listed(self) -> bool {
        matches!(self, Self::DayPart)
    }

    /// Whether it can be updated: day parts can't, they are replaced.
    pub(super) const fn updatable(self) -> bool {
        !matches!(self, Self::DayPart)
    }

    /// Returns the method that deletes it: POST for day parts, GET for the other two.
    pub(super) const fn delete_method(self) -> &'static str {
        match self {
            Self::DayPart => "POST",
            _ => "GET",
        }
    }

    const fn shelf(self, state: &State) -> &Shelf {
        match self {
            Self::Geo => &state.geo,
            Self::SiteZone => &state.site_zones,
            Self::DayPart => &state.day_parts,
        }
    }

    const fn shelf_mut(self, state: &mut State) -> &mut Shelf {
        match self {
            Self::Geo => &mut state.geo,
            Self::SiteZone => &mut state.site_zones,
            Self::DayPart => &mut state.day_parts,
        }
    }
}

fn read(resource: Resource, body: &Map<String, Value>) -> Result<Object, Refusal> {
    let object = schema::read(resource.table(), body)?;
    match resource {
        Resource::Geo => check_geo(&object)?,
        Resource::SiteZone => check_site_zone(&object)?,
        Resource::DayPart => check_day_part(&object)?,
    }
    Ok(object)
}

fn check_geo(object: &Object) -> Result<(), Refusal> {
    let country = object.text("CountryCode");
    if let Some(country) = country
        && seed::country(country).is_none()
    {
        return Err(Refusal::invalid(format!("CountryCode: country {country} does not exist")));
    }
    if let Some(region) = object.text("Region") {
        let Some(country) = country else {
            return Err(Refusal::invalid("Region needs a CountryCode"));
        };
        if seed::region(country, region).is_none() {
            return Err(Refusal::invalid(format!("Region: {country} has no region {region}")));
        }
    }
    if let Some(metro) = object.int("MetroCode") {
        if country != Some("US") {
            return Err(Refusal::invalid("MetroCode needs the CountryCode US"));
        }
        if !seed::METROS.iter().any(|(code, ..)| *code == metro) {
            return Err(Refusal::invalid(format!("MetroCode: metro {metro} does not exist")));
        }
    }
    if country.is_none() {
        return Err(Refusal::invalid("CountryCode is required"));
    }
    Ok(())
}

fn check_site_zone(object: &Object) -> Result<(), Refusal> {
    let site = object.int("SiteId").map(seed::site).transpose()?;
    let zone = object.int("ZoneId").map(seed::zone).transpose()?;
    match (site, zone) {
        (None, None) => Err(Refusal::invalid("SiteId or ZoneId is required")),
        (Some(site), Some((_, _, of_site))) if *of_site != site.0 => {
            Err(Refusal::invalid("ZoneId: the zone is not one of the site"))
        }
        _ => Ok(()),
    }
}

/// The days in Kevel's form and order.
const WEEK_DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

fn check_day_part(object: &Object) -> Result<(), Refusal> {
    let time = |name: &str| {
        seconds(object.text(name).unwrap_or(""))
            .ok_or_else(|| Refusal::invalid(format!("{name} must be a time as HH:MM:SS")))
    };
    // 24:00:00 is accepted as the end of the day. A part that ends before it starts runs over
    // midnight.
    if time("StartTime")? == time("EndTime")? {
        return Err(Refusal::invalid("EndTime must differ from StartTime"));
    }
    let days = object.get("WeekDays").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if days.is_empty() || !days.iter().all(|day| day.as_str().is_some_and(|day| WEEK_DAYS.contains(&day))) {
        return Err(Refusal::invalid(format!("WeekDays must name some of {WEEK_DAYS:?}")));
    }
    Ok(())
}

/// A stretch of a week, in seconds since Sunday's midnight. It may reach into the next week.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u32,
    to: u32,
}

const DAY: u32 = 86_400;
const WEEK: u32 = 7 * DAY;

impl Span {
    /// Whether two stretches have a second in common. Day parts of a flight may not (reference
    /// page, create day part).
    fn meets(self, other: Self) -> bool {
        let apart = |one: Self, other: Self| one.to <= other.from || other.to <= one.from;
        [0, WEEK].iter().any(|shift| {
            let later = |span: Self| Self { from: span.from + shift, to: span.to + shift };
            !apart(self, later(other)) || !apart(later(self), other)
        })
    }
}

/// Returns the stretches of a day part: on each of its days from its start to the next time of its
/// end, which is on the following day if it is earlier than the start (reference page, create day
/// part).
fn spans(object: &Object) -> Vec<Span> {
    let time = |name: &str| object.text(name).and_then(seconds).unwrap_or(0);
    let (start, end) = (time("StartTime"), time("EndTime"));
    let end = if end < start { end + DAY } else { end };
    let days = object.get("WeekDays").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let numbers = days.iter().filter_map(|day| WEEK_DAYS.iter().position(|known| day.as_str() == Some(known)));
    let at = |number: usize| u32::try_from(number).unwrap_or(0) * DAY;
    numbers.map(|number| Span { from: at(number) + start, to: at(number) + end }).collect()
}

fn seconds(text: &str) -> Option<u32> {
    let mut parts = text.split(':');
    let mut part = || {
        let part = parts.next()?;
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if plain { part.parse::<u32>().ok() } else { None }
    };
    let (hours, minutes, seconds) = (part()?, part()?, part()?);
    let total = hours * 3600 + minutes * 60 + seconds;
    (parts.next().is_none() && minutes < 60 && seconds < 60 && total <= 86_400).then_some(total)
}

/// Checks the targeting in the request for a new flight.
pub(super) fn read_list(body: &Map<String, Value>, resource: Resource) -> Result<Vec<Object>, Refusal> {
    let name = if resource == Resource::Geo { "GeoTargeting" } else { "SiteZoneTargeting" };
    let items = match body.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(Refusal::invalid(format!("{name} must be a list"))),
    };
    let one = |(index, item): (usize, &Value)| {
        let within = |why: &dyn std::fmt::Display| Refusal::invalid(format!("{name}[{index}]: {why}"));
        let item = item.as_object().ok_or_else(|| within(&"must be an object"))?;
        read(resource, item).map_err(|refusal| within(&refusal))
    };
    items.iter().enumerate().map(one).collect()
}

/// Stores checked targeting.
pub(super) fn add(desk: &mut Desk<'_>, resource: Resource, flight: i64, mut object: Object) -> i64 {
    if resource == Resource::SiteZone {
        object.set("FlightId", flight);
    }
    resource.shelf_mut(desk.state).insert(flight, 0, object)
}

fn one_of<'d>(desk: &'d Desk<'_>, resource: Resource, flight: i64, id: i64) -> Result<&'d Record, Refusal> {
    desk.state.flights.get(flight)?;
    let record = resource.shelf(desk.state).get(id)?;
    if record.parent == flight { Ok(record) } else { Err(Refusal::no_such(resource.shelf(desk.state).noun, id)) }
}

pub(super) fn create(desk: &mut Desk<'_>, resource: Resource, flight: i64) -> Done {
    desk.state.flights.get(flight)?;
    let object = read(resource, &desk.body()?)?;
    if resource == Resource::DayPart {
        let taken: Vec<Span> = desk.state.day_parts.children(flight).flat_map(|part| spans(&part.object)).collect();
        if spans(&object).iter().any(|span| taken.iter().any(|other| span.meets(*other))) {
            return Err(Refusal::invalid("the day part overlaps another one of the flight"));
        }
    }
    let id = add(desk, resource, flight, object);
    if resource == Resource::DayPart {
        return Ok(Reply::Json(StatusCode::CREATED, json!({ "TimepartId": id })));
    }
    get(desk, resource, flight, id)
}

pub(super) fn get(desk: &mut Desk<'_>, resource: Resource, flight: i64, id: i64) -> Done {
    let record = one_of(desk, resource, flight, id)?;
    Ok(Reply::ok(desk.state.render(resource.kind(), record)))
}

pub(super) fn list(desk: &mut Desk<'_>, resource: Resource, flight: i64) -> Done {
    desk.state.flights.get(flight)?;
    page(desk, resource.kind(), resource.shelf(desk.state).children(flight))
}

pub(super) fn update(desk: &mut Desk<'_>, resource: Resource, flight: i64, id: i64) -> Done {
    one_of(desk, resource, flight, id)?;
    let mut object = read(resource, &desk.body()?)?;
    if resource == Resource::SiteZone {
        object.set("FlightId", flight);
    }
    resource.shelf_mut(desk.state).replace(id, object);
    get(desk, resource, flight, id)
}

pub(super) fn delete(desk: &mut Desk<'_>, resource: Resource, flight: i64, id: i64) -> Done {
    one_of(desk, resource, flight, id)?;
    resource.shelf_mut(desk.state).remove(id);
    Ok(Reply::Empty(match resource {
        Resource::DayPart => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    }))
}
