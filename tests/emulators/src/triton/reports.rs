//! Reports: requested, polled, and read as CSV. Days are in UTC.
//!
//! A report reaches from 13 months ago to yesterday, and has at most six dimensions and 100,000 lines
//! (help pages, creating reports). Nothing says what becomes of more lines; here they are cut off,
//! so that a caller that doesn't count them loses them.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use serde_json::{Value, json as object};
use time::OffsetDateTime;

use super::{
    fields::{DAY, Fields},
    lists,
    refusal::Refusal,
    routes::{Desk, Done},
};
use crate::{
    control::clock::Millis,
    platform::{bytes, json},
};

const COLUMNS: [&str; 7] = ["date", "campaignId", "flightId", "flightName", "impressions", "clicks", "totalRevenue"];
/// The most campaigns in one report.
const MAX_CAMPAIGNS: usize = 100;
/// Those of the columns that are dimensions.
const DIMENSIONS: [&str; 4] = ["date", "campaignId", "flightId", "flightName"];
/// The most dimensions of a report.
const MAX_DIMENSIONS: usize = 6;
/// How far back a report reaches, in months.
const MAX_MONTHS: i32 = 13;
/// The most lines of a report, without its first.
const MAX_LINES: usize = 100_000;

/// A report.
#[derive(Debug)]
pub(super) struct Report {
    /// The rows at the time of the request.
    csv: String,
    polls_left: u32,
    fails: bool,
}

impl Report {
    /// Returns the report as in a response. `origin` is the base URL by which the caller reached
    /// the emulator.
    pub(super) fn show(&self, id: i64, origin: &str) -> Value {
        if self.polls_left > 0 {
            return object!({ "id": id, "status": "RUNNING" });
        }
        if self.fails {
            return object!({ "id": id, "status": "FAILED" });
        }
        object!({ "id": id, "status": "COMPLETE", "url": format!("{origin}/v1/reports/{id}/data.csv") })
    }
}

/// Creates a report.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    lists::only_params(desk, &[])?;
    let body = desk.body()?;
    let fields = Fields::of(&body, &["reportType", "startDate", "endDate", "filters", "columns"])?;
    fields.word("reportType", &["FLIGHT"])?;
    let (first, last) = (fields.day("startDate")?, fields.day("endDate")?);
    if last < first {
        return Err(Refusal::field("endDate", "must not be before startDate"));
    }
    let today = desk.now.div_euclid(DAY) * DAY;
    if last >= today {
        return Err(Refusal::field("endDate", "is yesterday at the latest"));
    }
    if first < months_before(today, MAX_MONTHS) {
        return Err(Refusal::field("startDate", format!("is at most {MAX_MONTHS} months ago")));
    }
    let campaigns = fields.required_inner("filters", &["campaigns"], |filters| filters.ids("campaigns"))?;
    if campaigns.is_empty() || campaigns.len() > MAX_CAMPAIGNS {
        return Err(Refusal::field("filters.campaigns", format!("name 1 to {MAX_CAMPAIGNS} campaigns")));
    }
    if let Some(id) = campaigns.iter().find(|id| !desk.state.campaigns.contains_key(id)) {
        return Err(Refusal::field("filters.campaigns", format!("there is no campaign {id}")));
    }
    let asked = fields.get("columns").and_then(Value::as_array).filter(|columns| !columns.is_empty());
    let asked = asked.ok_or_else(|| Refusal::required("columns"))?;
    let mut columns = Vec::new();
    for column in asked {
        let known = COLUMNS.iter().copied().find(|known| Some(*known) == column.as_str());
        let wrong = || Refusal::field("columns", format!("{column} is none of {}", COLUMNS.join(", ")));
        columns.push(known.ok_or_else(wrong)?);
    }
    if columns.iter().filter(|column| DIMENSIONS.contains(column)).count() > MAX_DIMENSIONS {
        return Err(Refusal::field("columns", format!("at most {MAX_DIMENSIONS} dimensions")));
    }
    let csv = rows(desk, (first, last + DAY), &campaigns, &columns);
    let report = Report { csv, polls_left: desk.settings.report_polls, fails: desk.settings.reports_fail };
    let id = desk.state.next_id();
    desk.state.reports.insert(id, report);
    Ok(json(StatusCode::ACCEPTED, &object!({ "id": id })))
}

/// Returns the progress of a report. Each poll advances it.
pub(super) fn get(desk: &mut Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let host = desk.call.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let origin = format!("http://{host}");
    let report = desk.state.reports.get_mut(&id).ok_or_else(|| Refusal::no_such("report", id))?;
    let shown = report.show(id, &origin);
    report.polls_left = report.polls_left.saturating_sub(1);
    Ok(json(StatusCode::OK, &shown))
}

/// Returns the rows, as CSV.
pub(super) fn data(desk: &Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let report = desk.state.reports.get(&id).ok_or_else(|| Refusal::no_such("report", id))?;
    if report.polls_left > 0 || report.fails {
        return Err(Refusal::state("NOT_READY", format!("report {id} is not complete")));
    }
    Ok(bytes(StatusCode::OK, "text/csv; charset=utf-8", report.csv.clone().into_bytes()))
}

/// Returns the current rows of some days.
fn rows(desk: &Desk<'_>, (first, after): (Millis, Millis), campaigns: &[i64], columns: &[&'static str]) -> String {
    let mut text = format!("{}\r\n", columns.join(","));
    let by_day = columns.contains(&"date");
    let step = if by_day { DAY } else { after - first };
    let mut lines = 0;
    let mut from = first;
    while from < after && from <= desk.now {
        let to = from + step;
        for (id, flight) in desk.state.flights.iter().filter(|(_, flight)| campaigns.contains(&flight.campaign)) {
            let totals = flight.delivery.between(from, to.min(desk.now));
            if totals.impressions == 0 || lines >= MAX_LINES {
                continue;
            }
            lines += 1;
            let name = flight.object.get("name").and_then(Value::as_str).unwrap_or_default();
            let cell = |column: &&str| match *column {
                "date" => date(from),
                "campaignId" => flight.campaign.to_string(),
                "flightId" => id.to_string(),
                "flightName" => quoted(name),
                "impressions" => totals.impressions.to_string(),
                "clicks" => totals.clicks.to_string(),
                _ => totals.revenue.to_text(),
            };
            let cells: Vec<String> = columns.iter().map(cell).collect();
            // Writing to a String can't fail.
            let _ = write!(text, "{}\r\n", cells.join(","));
        }
        from = to;
    }
    text
}

/// Returns the same day some months earlier.
fn months_before(day: Millis, months: i32) -> Millis {
    let Ok(at) = jiff::Timestamp::from_millisecond(day) else { return day };
    let date = jiff::tz::TimeZone::UTC.to_datetime(at).date();
    let earlier = date.checked_sub(jiff::Span::new().months(months));
    earlier.ok().and_then(|date| super::fields::day(&date.to_string())).unwrap_or(day)
}

fn date(millis: Millis) -> String {
    OffsetDateTime::from_unix_timestamp(millis / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH).date().to_string()
}

/// Quotes a cell according to RFC 4180.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
