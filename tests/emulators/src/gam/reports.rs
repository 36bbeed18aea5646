//! Reports: defined, run, polled, and read in pages of rows.
//!
//! Of the hundreds of dimensions and metrics, the emulator supports those that are needed to read
//! delivery. Days are the network's, or those of UTC if the report provides that zone.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    lists::{self, Page},
    messages::report::REPORT,
    refusal::{Refusal, Status},
    report_rows::{Cell, Row, fits, range, rows},
    routes::{Desk, Done, exact, one},
    schema::{Object, inner, items, text, texts, write_millis},
    settings::GamSettings,
    state::{State, id_in, name},
};
use crate::control::clock::Millis;

/// Fields that filters and orderings of the list may use.
const FIELDS: &[&str] = &["name", "reportId", "displayName", "visibility", "createTime", "updateTime", "locale"];
/// The default and the largest page size of rows (Google's reference of fetchRows).
const ROWS: (usize, usize) = (1000, 10_000);
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
        rows.insert(0, Row::odd());
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
