//! Queued reports: requested once, fetched when ready.
//!
//! A report is in progress on the first poll and complete on the next. Its shape follows the
//! reference page: one record per period, with one detail per group. Dates are whole days in UTC,
//! and the last one is included: January is requested as the 1st to the 31st.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use super::{
    delivery::Totals,
    refusal::Refusal,
    routes::{Desk, Done, Reply},
    schema::{body_object, read_moment, write_moment},
    state::{Record, State},
};
use crate::{amount::Amount, control::clock::to_millis};

/// The valid groupings (Kevel OpenAPI document, queued report).
const GROUPS: [&str; 18] = [
    "day",
    "week",
    "month",
    "hour",
    "brandId",
    "campaignId",
    "optionId",
    "flightId",
    "creativeId",
    "adTypeId",
    "siteId",
    "zoneId",
    "publisherAccountId",
    "countryCode",
    "metroCode",
    "keyword",
    "regionCode",
    "city",
];
/// The groupings that the emulator supports.
const KNOWN_GROUPS: [&str; 8] = ["day", "week", "month", "hour", "brandId", "campaignId", "optionId", "flightId"];
/// Names of the time zone that the emulator uses.
const UTC_NAMES: [&str; 4] = ["UTC", "GMT", "Etc/UTC", "Z"];
/// More records than this are "too large", as on the platform. This also limits the work of one
/// poll.
const MAX_PERIODS: usize = 20_000;

/// A requested report.
#[derive(Debug, Clone)]
pub(super) struct Report {
    start: OffsetDateTime,
    end: OffsetDateTime,
    groups: Vec<String>,
    filters: Vec<(String, Value)>,
    time_zone: Option<String>,
    polled: bool,
}

/// The numbers of one line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Numbers {
    impressions: u64,
    clicks: u64,
    events: Map<String, Value>,
    revenue: Amount,
    true_revenue: Amount,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Detail {
    title: String,
    grouping: Map<String, Value>,
    #[serde(flatten)]
    numbers: Numbers,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Period {
    date: Value,
    first_date: Value,
    last_date: Value,
    #[serde(flatten)]
    numbers: Numbers,
    details: Vec<Detail>,
}

impl From<Totals> for Numbers {
    fn from(totals: Totals) -> Self {
        let mut events = Map::new();
        if totals.conversions > 0 {
            events.insert("1".to_owned(), totals.conversions.into());
        }
        Self {
            impressions: totals.impressions,
            clicks: totals.clicks,
            events,
            revenue: totals.revenue,
            true_revenue: totals.revenue,
        }
    }
}

pub(super) fn queue(desk: &mut Desk<'_>) -> Done {
    let report = read(&body_object(&desk.call.body)?)?;
    let number = desk.state.reports.len() + 1;
    let id = format!("00000000-0000-4000-8000-{number:012x}");
    desk.state.reports.insert(id.clone(), report);
    Ok(Reply::ok(json!({ "Id": id })))
}

fn read(body: &Map<String, Value>) -> Result<Report, Refusal> {
    let date = |name: &str| {
        let text =
            body.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::invalid(format!("{name} is required")))?;
        let moment = read_moment(text);
        moment.ok_or_else(|| Refusal::invalid(format!("{name} is not an ISO 8601 date")))
    };
    let list = |name: &str| match body.get(name) {
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Refusal::invalid(format!("{name} must be a list"))),
        None => Err(Refusal::invalid(format!("{name} is required"))),
    };
    let (start, end) = (date("StartDateISO")?, date("EndDateISO")?);
    if end < start {
        return Err(Refusal::invalid("EndDateISO is before StartDateISO"));
    }
    let mut groups = Vec::new();
    for group in list("GroupBy")? {
        match group.as_str().filter(|group| GROUPS.contains(group)) {
            Some(group) => groups.push(group.to_owned()),
            None => return Err(Refusal::invalid(format!("GroupBy: {group} is not known"))),
        }
    }
    let mut filters = Vec::new();
    for parameter in list("Parameters")? {
        let map = parameter.as_object().ok_or_else(|| Refusal::invalid("Parameters must hold objects"))?;
        for (key, value) in map {
            filters.push((key.clone(), value.clone()));
        }
    }
    let time_zone = match body.get("TimeZone") {
        None | Some(Value::Null) => None,
        Some(Value::String(zone)) => Some(zone.clone()),
        Some(_) => return Err(Refusal::invalid("TimeZone must be a text")),
    };
    Ok(Report { start, end, groups, filters, time_zone, polled: false })
}

pub(super) fn poll(desk: &mut Desk<'_>, id: &str) -> Done {
    let report = desk.state.reports.get_mut(id).ok_or_else(|| Refusal::no_such("report", id))?;
    if !std::mem::replace(&mut report.polled, true) {
        return Ok(Reply::ok(json!({ "Id": id, "Status": 1, "Message": null })));
    }
    let report = report.clone();
    match compute(desk, &report) {
        Ok(records) => Reply::exact(&Complete {
            id,
            status: 2,
            message: None,
            result: Outcome {
                start_date_iso: write_moment(report.start),
                end_date_iso: write_moment(report.end),
                grouping: &report.groups,
                total_impressions: records.iter().map(|record| record.numbers.impressions).sum(),
                total_clicks: records.iter().map(|record| record.numbers.clicks).sum(),
                total_true_revenue: records
                    .iter()
                    .fold(Amount::default(), |sum, record| sum + record.numbers.true_revenue),
                records,
            },
        }),
        Err((status, message)) => Ok(Reply::ok(json!({ "Id": id, "Status": status, "Message": message }))),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Complete<'a> {
    id: &'a str,
    status: u8,
    message: Option<String>,
    result: Outcome<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome<'a> {
    #[serde(rename = "StartDateISO")]
    start_date_iso: Value,
    #[serde(rename = "EndDateISO")]
    end_date_iso: Value,
    grouping: &'a [String],
    total_impressions: u64,
    total_clicks: u64,
    total_true_revenue: Amount,
    records: Vec<Period>,
}

type Failure = (u8, String);

fn compute(desk: &Desk<'_>, report: &Report) -> Result<Vec<Period>, Failure> {
    if let Some(group) = report.groups.iter().find(|group| !KNOWN_GROUPS.contains(&group.as_str())) {
        return Err((3, format!("the emulator has no numbers by {group}")));
    }
    if let Some(zone) = report.time_zone.as_deref().filter(|zone| !UTC_NAMES.contains(zone)) {
        return Err((3, format!("the emulator counts in UTC, not in {zone}")));
    }
    let flights = flights(desk.state, &report.filters)?;
    let midnight = report.end.time() == time::Time::MIDNIGHT;
    let end = if midnight { report.end + Duration::DAY } else { report.end };
    let mut records = Vec::new();
    let mut from = report.start;
    let mut periods = 0;
    while from < end && from < desk.now {
        let to = next(from, &report.groups).map_or(end, |next| next.min(end));
        periods += 1;
        if periods > MAX_PERIODS {
            return Err((4, "the report is too large".to_owned()));
        }
        if let Some(period) = period(desk, report, &flights, from, to) {
            records.push(period);
        }
        from = to;
    }
    Ok(records)
}

/// Returns the flights in a report. Filters on the same key widen the set, filters on different
/// keys narrow it.
fn flights<'s>(state: &'s State, filters: &[(String, Value)]) -> Result<Vec<&'s Record>, Failure> {
    let mut wanted: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (key, value) in filters {
        let key = match key.as_str() {
            "flightId" | "optionId" => "flight",
            "campaignId" => "campaign",
            "brandId" | "advertiserId" => "advertiser",
            other => return Err((3, format!("the emulator has no numbers by {other}"))),
        };
        let id = value.as_i64().ok_or_else(|| (3, format!("{value} is not an id")))?;
        wanted.entry(key).or_default().push(id);
    }
    let advertiser = |flight: &Record| state.campaigns.get(flight.parent).map_or(0, |c| c.parent);
    let fits = |flight: &&Record| {
        wanted.iter().all(|(key, ids)| match *key {
            "flight" => ids.contains(&flight.id),
            "campaign" => ids.contains(&flight.parent),
            _ => ids.contains(&advertiser(flight)),
        })
    };
    // The narrowest index comes first: reports usually name their flights or campaigns.
    let mut found: Vec<&Record> = if let Some(ids) = wanted.get("flight") {
        ids.iter().filter_map(|id| state.flights.get(*id).ok()).filter(fits).collect()
    } else if let Some(ids) = wanted.get("campaign") {
        ids.iter().flat_map(|id| state.flights.children(*id)).filter(fits).collect()
    } else {
        state.flights.all().filter(fits).collect()
    };
    found.sort_by_key(|flight| flight.id);
    found.dedup_by_key(|flight| flight.id);
    Ok(found)
}

/// Returns the end of the period that begins here; `None` without a grouping by time.
fn next(from: OffsetDateTime, groups: &[String]) -> Option<OffsetDateTime> {
    let midnight = |date: Date| date.midnight().assume_offset(UtcOffset::UTC);
    let by = |name: &str| groups.iter().any(|group| group == name);
    if by("hour") {
        let hour = from.replace_minute(0).ok()?.replace_second(0).ok()?.replace_nanosecond(0).ok()?;
        return Some(hour + Duration::HOUR);
    }
    let today = midnight(from.date());
    if by("day") {
        return Some(today + Duration::DAY);
    }
    if by("week") {
        let past_monday = i64::from(from.weekday().number_days_from_monday());
        return Some(today + Duration::days(7 - past_monday));
    }
    if by("month") {
        let (year, month) = (from.year(), from.month());
        let year = if month == time::Month::December { year + 1 } else { year };
        return Date::from_calendar_date(year, month.next(), 1).ok().map(midnight);
    }
    None
}

fn period(
    desk: &Desk<'_>,
    report: &Report,
    flights: &[&Record],
    from: OffsetDateTime,
    to: OffsetDateTime,
) -> Option<Period> {
    let now = desk.millis();
    let (begin, end) = (to_millis(from).min(now), to_millis(to).min(now));
    let mut sum = Totals::default();
    let mut groups: BTreeMap<Vec<i64>, (Detail, Totals)> = BTreeMap::new();
    for flight in flights {
        let Some(delivery) = desk.state.deliveries.get(&flight.id) else {
            continue;
        };
        let totals = delivery.between(begin, end);
        if totals == Totals::default() {
            continue;
        }
        sum = sum + totals;
        let (key, detail) = group(desk.state, &report.groups, flight);
        if !key.is_empty() {
            let entry = groups.entry(key).or_insert((detail, Totals::default()));
            entry.1 = entry.1 + totals;
        }
    }
    let finish = |(detail, totals): (Detail, Totals)| Detail { numbers: totals.into(), ..detail };
    (sum != Totals::default()).then(|| Period {
        date: write_moment(from),
        first_date: write_moment(from),
        last_date: write_moment(to - Duration::SECOND),
        numbers: sum.into(),
        details: groups.into_values().map(finish).collect(),
    })
}

/// Returns the group of a flight: its key, and the detail without numbers.
fn group(state: &State, groups: &[String], flight: &Record) -> (Vec<i64>, Detail) {
    let campaign = state.campaigns.get(flight.parent).ok();
    let brand = campaign.map_or(0, |campaign| campaign.parent);
    let mut key = Vec::new();
    let mut grouping = Map::new();
    let mut title = String::new();
    let mut add = |name: &str, id: i64| {
        key.push(id);
        grouping.insert(name.to_owned(), id.into());
    };
    for name in groups {
        match name.as_str() {
            "brandId" => add("BrandId", brand),
            "campaignId" => {
                add("CampaignId", flight.parent);
                let name = campaign.and_then(|campaign| campaign.object.text("Name"));
                title = name.unwrap_or("").to_owned();
            }
            // Reports call a flight an option, and always include its rate type.
            "flightId" | "optionId" => {
                add("OptionId", flight.id);
                add("RateTypeId", flight.object.int("RateType").unwrap_or(0));
            }
            _ => {}
        }
    }
    if grouping.contains_key("OptionId") {
        title = flight.object.text("Name").unwrap_or("").to_owned();
    }
    (key, Detail { title, grouping, numbers: Totals::default().into() })
}
