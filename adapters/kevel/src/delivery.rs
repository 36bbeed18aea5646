//! What media buys delivered: one queued report for all of them.
//!
//! A report is asked for (`POST /v1/report/queue`) and fetched until it is ready. It is grouped by day and flight, and
//! filtered by campaigns. Its days are UTC and the last one is included (reference page, reporting).

use std::{collections::BTreeMap, time::Duration};

use flightdeck_adapter::{host, moment, money::Exact, prelude::*, step::Remote};
use serde::Deserialize;

use crate::{
    api,
    inferred::{self, report_status},
};

/// How long the first wait for a report is. Reports of a few days take a second or two.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// What is left of the call's time when the last look is taken.
const RESERVE: Duration = Duration::from_secs(2);
/// Campaigns by which one report is filtered. The documents name no limit; a list of this length is a body of two kilobytes.
const AT_ONCE: usize = 50;
/// When the host should ask again for a report that was not ready.
const ASK_AGAIN_MS: u64 = 30_000;

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

/// One day.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    date: String,
    #[serde(default)]
    details: Vec<Detail>,
}

/// One flight on that day.
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

/// A flight is called an option in reports.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Grouping {
    option_id: i64,
}

/// What was counted for a flight on a day.
#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    impressions: i64,
    clicks: i64,
    spend: i64,
}

/// What buys delivered in some days.
///
/// # Errors
/// When Kevel can't be asked, or is not done in time.
pub fn get(ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Vec<DeliveryAnswer>> {
    let api = api::open(ctx);
    let campaigns =
        buys.iter().filter_map(|buy| buy.remote.order()).map(api::number).collect::<Fallible<Vec<i64>>>()?;
    let mut counted = BTreeMap::new();
    for some in campaigns.chunks(AT_ONCE) {
        counted.extend(count(&api, ctx, some, range)?);
    }
    let answer = |buy: &RemoteBuy| {
        let mut rows = Vec::new();
        for package in buy.remote.iter().filter(|object| object.kind == RemoteKind::Package) {
            let Ok(flight) = package.id.parse::<i64>() else { continue };
            for ((_, day), counted) in counted.range((flight, String::new())..(flight + 1, String::new())) {
                rows.push(DeliveryRow {
                    package_id: package.key.clone(),
                    day: day.clone(),
                    impressions: counted.impressions,
                    spend: counted.spend,
                    clicks: Some(counted.clicks),
                    video_completions: None,
                });
            }
        }
        BuyDelivery { media_buy_id: buy.media_buy_id.clone(), rows, as_of: None, extensions: Vec::new() }
    };
    let answer = |buy| {
        let delivery = answer(buy);
        DeliveryAnswer { media_buy_id: delivery.media_buy_id.clone(), delivery: Ok(delivery) }
    };
    Ok(buys.iter().map(answer).collect())
}

/// What was counted by flight and day.
fn count(api: &Api, ctx: &Context, campaigns: &[i64], range: &DateRange) -> Fallible<BTreeMap<(i64, String), Counted>> {
    let parameters: Vec<Object> = campaigns.iter().map(|id| object! { "campaignId": *id }).collect();
    let body = object! {
        "StartDateISO": midnight(&range.first)?,
        "EndDateISO": midnight(&range.last)?,
        "GroupBy": vec!["day", "flightId"],
        "Parameters": parameters,
        "TimeZone": "UTC",
    };
    let queued: Queued = api.post("/v1/report/queue").json(&body).fetch()?;
    let report = wait(api, ctx, &queued.id)?;
    let mut counted: BTreeMap<(i64, String), Counted> = BTreeMap::new();
    for record in report.records {
        let day = moment::parse(&record.date).map(|moment| moment::day(moment.date())).ok_or_else(|| {
            Failure::unavailable("unreadable_report", format!("A report names the day {:?}.", record.date))
        })?;
        for detail in record.details {
            // A flight has several lines in a day when its rate type changed.
            let sum = counted.entry((detail.grouping.option_id, day.clone())).or_default();
            sum.impressions += detail.impressions;
            sum.clicks += detail.clicks;
            sum.spend += inferred::earned(detail.true_revenue, detail.revenue);
        }
    }
    Ok(counted)
}

/// A day as the report takes it: a `date-time` (OpenAPI document, queued reports). A last day that is a midnight is
/// included.
fn midnight(day: &str) -> Fallible<String> {
    Ok(moment::format(moment::date(day)?.midnight().assume_utc()))
}

/// Waits until a report is done, as long as the call may take.
fn wait(api: &Api, ctx: &Context, id: &str) -> Fallible<Outcome> {
    let mut pause = FIRST_WAIT;
    loop {
        let report: Report = api.get(path!("/v1/report/queue/{}", id)).fetch()?;
        match report.status {
            report_status::DONE => return Ok(report.result.unwrap_or_default()),
            report_status::WORKING => {}
            other => {
                let words = report.message.unwrap_or_else(|| format!("it ended with the status {other}"));
                let failure = Failure::rejected("report_failed", format!("Kevel could not make the report: {words}"));
                return Err(failure.said(200, &other.to_string(), &words));
            }
        }
        if moment::time_left(ctx) < pause + RESERVE {
            let message = "Kevel is still making the report. Ask again later, or for fewer days.";
            return Err(Failure::unavailable("report_not_ready", message).retry_after_ms(ASK_AGAIN_MS));
        }
        host::sleep(pause);
        pause = (pause * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
#[path = "delivery/tests.rs"]
mod tests;
