//! What media buys delivered: one queued report for all of them.
//!
//! A report is requested (`POST /v1/report/queue`) and polled until it is ready. It is grouped by
//! day and flight, and filtered by campaigns. Its days are UTC, and the last one is included
//! (reference page, reporting).

use std::time::Duration;

use flightdeck_adapter::{
    ad_server::{
        Counts, Delivered,
        delivery::{Patience, wait},
    },
    moment,
    money::Exact,
    prelude::*,
    step::Remote,
};
use serde::Deserialize;

use crate::{
    api,
    inferred::{self, report_status},
};

/// Reports of a few days take a second or two.
const PATIENCE: Patience = Patience {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(5),
    reserve: Duration::from_secs(2),
    ask_again_ms: 30_000,
};
/// The most campaigns in one report's filter. The documentation names no limit; this many make a
/// body of two kilobytes.
const AT_ONCE: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Queued {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    status: i64,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    result: Option<Outcome>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    #[serde(default)]
    records: Vec<Record>,
}

/// The part of a report for one day.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    date: String,
    #[serde(default)]
    details: Vec<Detail>,
}

/// The counts of one flight on that day.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Detail {
    grouping: Grouping,
    #[serde(default)]
    impressions: i64,
    #[serde(default)]
    clicks: i64,
    #[serde(default)]
    revenue: Option<Exact>,
    #[serde(default)]
    true_revenue: Option<Exact>,
}

/// Reports call a flight an option.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Grouping {
    option_id: i64,
}

/// Returns what buys delivered in a range of days.
///
/// # Errors
/// When Kevel can't be reached, or doesn't finish in time.
pub fn read(api: &Api, ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
    let campaigns =
        buys.iter().filter_map(|buy| buy.remote.order()).map(api::number).collect::<Fallible<Vec<i64>>>()?;
    let mut delivered = Delivered::default();
    for some in campaigns.chunks(AT_ONCE) {
        count(api, ctx, some, range, &mut delivered.counts)?;
    }
    Ok(delivered)
}

/// Adds the counts by flight and day.
fn count(api: &Api, ctx: &Context, campaigns: &[i64], range: &DateRange, counts: &mut Counts) -> Fallible<()> {
    let parameters: Vec<Object> = campaigns.iter().map(|id| object! { "campaignId": *id }).collect();
    let body = object! {
        "StartDateISO": midnight(&range.first)?,
        "EndDateISO": midnight(&range.last)?,
        "GroupBy": vec!["day", "flightId"],
        "Parameters": parameters,
        "TimeZone": "UTC",
    };
    let queued: Queued = api.post("/v1/report/queue").json(&body).fetch()?;
    let report = wait(ctx, api::PLATFORM, PATIENCE, || look(api, &queued.id))?;
    for record in report.records {
        let day = moment::parse(&record.date).map(|moment| moment::day(moment.date())).ok_or_else(|| {
            Failure::unavailable("unreadable_report", format!("A report names the day {:?}.", record.date))
        })?;
        for detail in record.details {
            // A flight has several lines per day if its rate type changed.
            let days = counts.entry(detail.grouping.option_id.to_string()).or_default();
            let sum = days.entry(day.clone()).or_default();
            sum.impressions += detail.impressions;
            sum.clicks += detail.clicks;
            sum.spend += inferred::earned(detail.true_revenue, detail.revenue);
        }
    }
    Ok(())
}

/// Returns a day in the report's form: a `date-time` (OpenAPI document, queued reports). A last day
/// given as midnight is included.
fn midnight(day: &str) -> Fallible<String> {
    Ok(moment::format(moment::date(day)?.midnight().assume_utc()))
}

/// Returns the report, if it is finished.
fn look(api: &Api, id: &str) -> Fallible<Option<Outcome>> {
    let report: Report = api.get(path!("/v1/report/queue/{}", id)).fetch()?;
    match report.status {
        report_status::DONE => Ok(Some(report.result.unwrap_or_default())),
        report_status::WORKING => Ok(None),
        other => {
            let words = report.message.unwrap_or_else(|| format!("it ended with the status {other}"));
            let failure = Failure::rejected("report_failed", format!("Kevel could not make the report: {words}"));
            Err(failure.said(200, &other.to_string(), &words))
        }
    }
}

#[cfg(test)]
#[path = "delivery/tests.rs"]
mod tests;
