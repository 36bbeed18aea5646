//! What media buys delivered: one queued report for all of them.
//!
//! A report is requested (`POST /v1/report/queue`) and polled until it is ready. It is grouped by
//! day and flight, and filtered by campaigns. Its days are UTC, and the last one is included
//! (reference page, reporting). One report serves whoever asks about the advertiser's buys in the next
//! minutes. A line that can't be read is left out; only a report of which none can be read fails.

use std::time::Duration;

use flightdeck_adapter::{
    ad_server::{
        Counted, Counts, Delivered,
        delivery::{Patience, wait},
        shared::{Report as Counting, Shared},
    },
    host, moment,
    money::Exact,
    prelude::*,
    step::Remote,
};
use serde::Deserialize;
use serde_json::value::RawValue;

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
    details: Vec<Box<RawValue>>,
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
    let campaigns: Vec<String> = buys.iter().filter_map(|buy| buy.remote.order()).map(ToOwned::to_owned).collect();
    let shared = Shared { of: &ctx.advertiser_id, at_once: AT_ONCE };
    let mut delivered = Delivered::default();
    let mut first: Option<time::OffsetDateTime> = None;
    for some in campaigns.chunks(AT_ONCE) {
        let report = shared.counts(some, range, |campaigns, range| count(api, ctx, campaigns, range))?;
        delivered.counts.extend(report.counts);
        first = Some(first.map_or(report.run, |first| first.min(report.run)));
    }
    // How far behind Kevel counts is not documented: this is when the report was asked for.
    delivered.as_of = first.map(moment::format);
    Ok(delivered)
}

/// Queues a report and reads its counts by flight and day.
fn count(api: &Api, ctx: &Context, campaigns: &[String], range: &DateRange) -> Fallible<Counting> {
    let campaigns = campaigns.iter().map(|id| api::number(id)).collect::<Fallible<Vec<i64>>>()?;
    let parameters: Vec<Object> = campaigns.iter().map(|id| object! { "campaignId": *id }).collect();
    let body = object! {
        "StartDateISO": midnight(&range.first)?,
        "EndDateISO": midnight(&range.last)?,
        "GroupBy": vec!["day", "flightId"],
        "Parameters": parameters,
        "TimeZone": "UTC",
    };
    let run = host::now();
    let queued: Queued = api.post("/v1/report/queue").json(&body).fetch()?;
    let report = wait(ctx, api::PLATFORM, PATIENCE, || look(api, &queued.id))?;
    Ok(Counting { counts: counted(report)?, run })
}

/// Adds up the counts of a report by flight and day.
fn counted(report: Outcome) -> Fallible<Counts> {
    let (mut counts, mut read, mut unreadable) = (Counts::new(), 0_usize, 0_usize);
    for record in report.records {
        let day = moment::parse(&record.date).map(|moment| moment::day(moment.date()));
        for detail in record.details {
            let line = day.clone().zip(serde_json::from_str::<Detail>(detail.get()).ok());
            let Some((day, detail)) = line else {
                unreadable += 1;
                continue;
            };
            read += 1;
            // A flight has several lines per day if its rate type changed.
            let days = counts.entry(detail.grouping.option_id.to_string()).or_default();
            let sum: &mut Counted = days.entry(day).or_default();
            sum.impressions += detail.impressions;
            sum.clicks += detail.clicks;
            sum.spend += inferred::earned(detail.true_revenue, detail.revenue);
        }
    }
    if unreadable > 0 {
        eprintln!("{unreadable} of {} lines of a report can't be read", read + unreadable);
    }
    if read == 0 && unreadable > 0 {
        return Err(Failure::unavailable("unreadable_report", "No line of a Kevel report can be understood."));
    }
    Ok(counts)
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
