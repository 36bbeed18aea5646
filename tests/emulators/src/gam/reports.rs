//! Reports: defined, run, polled, and read in pages of rows.
//!
//! Of the hundreds of dimensions and metrics, the emulator supports those that are needed to read
//! delivery. Days are the network's, or those of UTC if the report provides that zone.

use serde::Serialize;
use serde_json::{Value, json};
use time::{Date, Month, OffsetDateTime};

use super::{
    delivery::{DAY, Totals},
    lists::{self, Page},
    messages::report::REPORT,
    refusal::{Refusal, Status},
    routes::{Desk, Done, exact, one},
    rules::video,
    schema::{Object, inner, items, number, text, write_millis},
    settings::GamSettings,
    state::{State, id_in, name},
};
use crate::{amount::Amount, control::clock::Millis};

/// Fields that filters and orderings of the list may use.
const FIELDS: &[&str] = &["name", "reportId", "displayName", "visibility", "createTime", "updateTime", "locale"];
/// The default and the largest page size of rows (Google's reference of fetchRows).
const ROWS: (usize, usize) = (1000, 10_000);
/// The longest range of days in a report: ten years.
const MAX_DAYS: i64 = 3660;
/// The window in which report runs are counted, in milliseconds.
const HOUR: Millis = 3_600_000;

/// A report definition.
#[derive(Debug)]
pub(super) struct Report {
    object: Object,
    created: Millis,
}

/// A run of a report: an operation, and its result once it is done.
#[derive(Debug)]
pub(super) struct Run {
    report: i64,
    polls_left: u32,
    /// Whether the caller was told that the run is done.
    told: bool,
    began: Millis,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dimension_values: Vec<Cell>,
    metric_value_groups: [Group; 1],
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    primary_values: Vec<Cell>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
enum Cell {
    #[serde(rename = "intValue")]
    Whole(String),
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "doubleValue")]
    Money(Amount),
}

/// Returns a page of reports.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let objects = desk.state.reports.iter().map(|(id, report)| show(*id, report)).collect();
    lists::answer(desk, "reports", FIELDS, objects)
}

/// Returns one report.
pub(super) fn get(desk: &Desk<'_>, named: &str) -> Done {
    let (id, report) = find(desk.state, named)?;
    one(show(id, report))
}

fn find<'s>(state: &'s State, named: &str) -> Result<(i64, &'s Report), Refusal> {
    let found = id_in(named, "reports").and_then(|id| state.reports.get(&id).map(|report| (id, report)));
    found.ok_or_else(|| Refusal::no_such(named))
}

/// Returns a report as in a response.
pub(super) fn show(id: i64, report: &Report) -> Object {
    let mut shown = report.object.clone();
    shown.insert("name".to_owned(), name("reports", id).into());
    shown.insert("reportId".to_owned(), id.to_string().into());
    shown.insert("createTime".to_owned(), write_millis(report.created).into());
    shown.insert("updateTime".to_owned(), write_millis(report.created).into());
    shown
}

/// Creates a report.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    desk.only_params(&[])?;
    let object = desk.read(&REPORT, "report")?;
    REPORT.require("report", &object)?;
    super::report_fields::check(&object)?;
    let definition = inner(&object, "reportDefinition").ok_or_else(|| Refusal::required("report.report_definition"))?;
    check(definition, &desk.settings)?;
    let id = desk.state.next_id();
    let report = Report { object, created: desk.now };
    let shown = show(id, &report);
    desk.state.reports.insert(id, report);
    one(shown)
}

fn texts<'o>(object: &'o Object, field: &str) -> Vec<&'o str> {
    object.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn check(definition: &Object, settings: &GamSettings) -> Result<(), Refusal> {
    let wrong =
        |field: &str, why: String| Err(Refusal::invalid("INVALID_REPORT", &format!("reportDefinition.{field}"), why));
    for field in ["dimensions", "metrics"] {
        if texts(definition, field).is_empty() {
            return wrong(field, "at least one is required".to_owned());
        }
    }
    if text(definition, "reportType") != Some("HISTORICAL") {
        return wrong("reportType", "must be HISTORICAL, the only type the emulator has".to_owned());
    }
    zone(definition, settings)?;
    if let Some(currency) = text(definition, "currencyCode").filter(|code| *code != super::seed::CURRENCY) {
        return wrong("currencyCode", format!("{currency} is not the network's currency, {}", super::seed::CURRENCY));
    }
    range(definition)?;
    for filter in items(definition, "filters") {
        fits(filter, &|_| Some(Cell::Whole(String::new())))?;
    }
    Ok(())
}

/// Returns how many hours ahead of UTC the days of a report are (type
/// `ReportDefinition.TimeZoneSource`).
fn zone(definition: &Object, settings: &GamSettings) -> Result<i8, Refusal> {
    let wrong =
        |field: &str, why: String| Err(Refusal::invalid("INVALID_REPORT", &format!("reportDefinition.{field}"), why));
    let provided = text(definition, "timeZone").filter(|zone| !zone.is_empty());
    match (text(definition, "timeZoneSource"), provided) {
        (Some("PROVIDED"), None) => wrong("timeZone", "is required with the timeZoneSource PROVIDED".to_owned()),
        (Some("PROVIDED"), Some("UTC" | "Etc/UTC")) => Ok(0),
        (Some("PROVIDED"), Some(zone)) if *zone == settings.time_zone() => Ok(settings.hours_ahead_of_utc),
        (Some("PROVIDED"), Some(zone)) => {
            wrong("timeZone", format!("{zone} is not known here; the emulator knows UTC"))
        }
        (_, Some(_)) => wrong("timeZone", "is for the timeZoneSource PROVIDED; leave it empty".to_owned()),
        (None | Some("PUBLISHER"), None) => Ok(settings.hours_ahead_of_utc),
        (Some("UTC"), None) => {
            wrong("timeZoneSource", "UTC is only compatible with Revenue Verification reports".to_owned())
        }
        (Some(source), None) => {
            wrong("timeZoneSource", format!("{source} is not compatible with these dimensions and metrics"))
        }
    }
}

/// Returns the first day and the day after the last, in days since 1970.
fn range(definition: &Object) -> Result<(i64, i64), Refusal> {
    let wrong = |why: &str| Refusal::invalid("INVALID_REPORT", "reportDefinition.dateRange", why);
    let fixed = inner(definition, "dateRange").and_then(|range| inner(range, "fixed"));
    let fixed =
        fixed.ok_or_else(|| wrong("fixed {startDate, endDate} is required; the emulator has no relative ranges"))?;
    let day = |field: &str| {
        let date = inner(fixed, field)?;
        let part = |name: &str| number(date, name);
        let month = Month::try_from(u8::try_from(part("month")?).ok()?).ok()?;
        let date =
            Date::from_calendar_date(i32::try_from(part("year")?).ok()?, month, u8::try_from(part("day")?).ok()?);
        Some(date.ok()?.midnight().assume_utc().unix_timestamp() / 86_400)
    };
    let first = day("startDate").ok_or_else(|| wrong("startDate needs year, month and day of a real date"))?;
    let last = day("endDate").ok_or_else(|| wrong("endDate needs year, month and day of a real date"))?;
    if last < first || last - first > MAX_DAYS {
        return Err(wrong("endDate must not be before startDate, nor more than ten years after it"));
    }
    Ok((first, last + 1))
}

/// Whether a row matches a filter. `cell` returns the value of a dimension.
fn fits(filter: &Object, cell: &dyn Fn(&str) -> Option<Cell>) -> Result<bool, Refusal> {
    let wrong = |why: &str| Refusal::invalid("INVALID_REPORT", "reportDefinition.filters", why);
    if let Some(not) = inner(filter, "notFilter") {
        return Ok(!fits(not, cell)?);
    }
    for (name, all) in [("andFilter", true), ("orFilter", false)] {
        if let Some(list) = inner(filter, name) {
            let parts: Result<Vec<bool>, Refusal> = items(list, "filters").map(|part| fits(part, cell)).collect();
            let parts = parts?;
            return Ok(if all { parts.iter().all(|fit| *fit) } else { parts.contains(&true) });
        }
    }
    let field =
        inner(filter, "fieldFilter").ok_or_else(|| wrong("fieldFilter, notFilter, andFilter or orFilter is needed"))?;
    let dimension = inner(field, "field").and_then(|field| text(field, "dimension"));
    let dimension = dimension.filter(|name| *name != "DATE");
    let dimension = dimension.ok_or_else(|| wrong("field.dimension is needed, and it must be another than DATE"))?;
    let found = cell(dimension).map(|cell| match cell {
        Cell::Whole(text) | Cell::Text(text) => text,
        Cell::Money(amount) => amount.to_text(),
    });
    let mut wanted: Vec<String> = Vec::new();
    for value in items(field, "values") {
        let single = ["intValue", "stringValue"].iter().filter_map(|name| text(value, name));
        let lists = ["intListValue", "stringListValue"].iter().filter_map(|name| inner(value, name));
        wanted.extend(single.map(ToOwned::to_owned));
        wanted.extend(lists.flat_map(|list| texts(list, "values")).map(ToOwned::to_owned));
    }
    if wanted.is_empty() {
        return Err(wrong("values must hold at least one intValue, stringValue, intListValue or stringListValue"));
    }
    let within = found.is_some_and(|found| wanted.contains(&found));
    match text(field, "operation") {
        // IN is the first value of its enum, and the first value may be omitted.
        None | Some("IN") => Ok(within),
        Some("NOT_IN") => Ok(!within),
        _ => Err(wrong("operation must be IN or NOT_IN, which are the ones the emulator has")),
    }
}

/// Starts a run.
pub(super) fn run(desk: &mut Desk<'_>, named: &str) -> Done {
    let (report, definition) = {
        let (id, report) = find(desk.state, named)?;
        (id, inner(&report.object, "reportDefinition").cloned().unwrap_or_default())
    };
    let since = desk.now - HOUR;
    while desk.state.begun.front().is_some_and(|began| *began <= since) {
        desk.state.begun.pop_front();
    }
    if desk.state.begun.len() >= desk.settings.report_runs_per_hour {
        let why = format!(
            "Quota exceeded: {} report runs an hour for each user; try again later",
            desk.settings.report_runs_per_hour
        );
        return Err(Refusal::new(Status::ResourceExhausted, "REPORT_JOB_LIMIT", why));
    }
    desk.state.begun.push_back(desk.now);
    let ahead = Millis::from(zone(&definition, &desk.settings)?) * HOUR;
    let mut rows = rows(desk.state, &definition, desk.now, ahead)?;
    if desk.settings.odd_report_row {
        rows.insert(
            0,
            Row { dimension_values: Vec::new(), metric_value_groups: [Group { primary_values: Vec::new() }] },
        );
    }
    let id = desk.state.next_id();
    let run = Run {
        report,
        polls_left: desk.settings.report_polls,
        told: desk.settings.report_polls == 0,
        began: desk.now,
        rows,
    };
    let shown = show_run(id, &run);
    desk.state.runs.insert(id, run);
    exact(&shown)
}

fn show_run(id: i64, run: &Run) -> Value {
    let done = run.polls_left == 0;
    let report = name("reports", run.report);
    let mut shown = json!({
        "name": name("operations/reports/runs", id),
        "metadata": {
            "@type": "type.googleapis.com/google.ads.admanager.v1.RunReportMetadata",
            "percentComplete": if done { 100 } else { 50 },
            "report": report,
        },
    });
    // An operation that isn't done doesn't say so.
    if done {
        shown["done"] = true.into();
        shown["response"] = json!({
            "@type": "type.googleapis.com/google.ads.admanager.v1.RunReportResponse",
            "reportResult": format!("{report}/results/{id}"),
        });
    }
    shown
}

/// Returns the progress of a run. Each poll advances it.
pub(super) fn operation(desk: &mut Desk<'_>, id: &str) -> Done {
    let missing = || Refusal::no_such(&format!("networks/{}/operations/reports/runs/{id}", super::seed::NETWORK));
    let id: i64 = id.parse().map_err(|_| missing())?;
    let run = desk.state.runs.get_mut(&id).ok_or_else(missing)?;
    let shown = show_run(id, run);
    run.told = run.polls_left == 0;
    run.polls_left = run.polls_left.saturating_sub(1);
    exact(&shown)
}

/// Returns a page of the rows of a run.
pub(super) fn fetch(desk: &Desk<'_>, report: &str, run: &str) -> Done {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        rows: Vec<&'a Row>,
        run_time: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        total_row_count: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    desk.only_params(&["pageSize", "pageToken"])?;
    let named = format!("{}{report}/results/{run}", name("reports", 0).trim_end_matches('0'));
    let found = run.parse::<i64>().ok().and_then(|id| desk.state.runs.get(&id));
    // A result exists only once its run is done.
    let found =
        found.filter(|run| run.told && run.report.to_string() == report).ok_or_else(|| Refusal::no_such(&named))?;
    let mut page = Page::asked(desk, ROWS.0, &named)?;
    page.size = page.size.min(ROWS.1);
    let total = found.rows.len();
    let answer = Answer {
        rows: page.of(&found.rows),
        run_time: write_millis(found.began),
        total_row_count: Some(total).filter(|total| *total > 0),
        next_page_token: page.next(&named, total),
    };
    exact(&answer)
}

fn rows(state: &State, definition: &Object, now: Millis, ahead: Millis) -> Result<Vec<Row>, Refusal> {
    let (first, after) = range(definition)?;
    let dimensions = texts(definition, "dimensions");
    let metrics = texts(definition, "metrics");
    let spans: Vec<(i64, i64)> = if dimensions.contains(&"DATE") {
        (first..after).map(|day| (day, day + 1)).collect()
    } else {
        vec![(first, after)]
    };
    let mut sums: Vec<(Vec<Cell>, Totals)> = Vec::new();
    for (from, to) in spans {
        for (id, item) in &state.items {
            let cell = |dimension: &str| Some(dimension_of(state, *id, item, dimension, from));
            let mut wanted = true;
            for filter in items(definition, "filters") {
                wanted = wanted && fits(filter, &cell)?;
            }
            let totals = item.delivery.between(from * DAY - ahead, (to * DAY - ahead).min(now));
            if !wanted || totals.impressions == 0 {
                continue;
            }
            let key: Vec<Cell> = dimensions.iter().filter_map(|dimension| cell(dimension)).collect();
            match sums.iter_mut().rev().find(|(other, _)| *other == key) {
                Some((_, sum)) => add(sum, totals),
                None => sums.push((key, totals)),
            }
        }
    }
    let row = |(key, sum): (Vec<Cell>, Totals)| Row {
        dimension_values: key,
        metric_value_groups: [Group { primary_values: metrics.iter().map(|metric| metric_of(&sum, metric)).collect() }],
    };
    Ok(sums.into_iter().map(row).collect())
}

fn add(sum: &mut Totals, more: Totals) {
    sum.impressions += more.impressions;
    sum.clicks += more.clicks;
    sum.completed_views += more.completed_views;
    sum.revenue = sum.revenue + more.revenue;
}

fn dimension_of(state: &State, id: i64, item: &super::state::LineItem, dimension: &str, day: i64) -> Cell {
    let order = state.orders.get(&item.order).map(|order| &order.object);
    let of_order = |field: &str| order.and_then(|order| text(order, field)).unwrap_or("").to_owned();
    match dimension {
        // A date is the number made of its digits: 20300131.
        "DATE" => {
            let date = OffsetDateTime::from_unix_timestamp(day * 86_400).unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
            Cell::Whole(format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day()))
        }
        "LINE_ITEM_ID" => Cell::Whole(id.to_string()),
        // The number of the enum's value (inferred: the format is called ENUM).
        "LINE_ITEM_ENVIRONMENT_TYPE" => Cell::Whole(if video::is_video(&item.object) { "2" } else { "1" }.to_owned()),
        "LINE_ITEM_NAME" => Cell::Text(text(&item.object, "displayName").unwrap_or("").to_owned()),
        "ORDER_ID" => Cell::Whole(item.order.to_string()),
        "ORDER_NAME" => Cell::Text(of_order("displayName")),
        _ => {
            let advertiser = id_in(&of_order("advertiser"), "companies").unwrap_or(0);
            Cell::Whole(advertiser.to_string())
        }
    }
}

fn metric_of(sum: &Totals, metric: &str) -> Cell {
    match metric.trim_start_matches("AD_SERVER_") {
        "IMPRESSIONS" => Cell::Whole(sum.impressions.to_string()),
        "CLICKS" => Cell::Whole(sum.clicks.to_string()),
        "COMPLETED_VIEWS" | "VIDEO_VIEWERSHIP_COMPLETES" => Cell::Whole(sum.completed_views.to_string()),
        _ => Cell::Money(sum.revenue),
    }
}
