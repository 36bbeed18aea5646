//! What media buys delivered: one report for many line items.
//!
//! A report is defined, run, polled, and read in pages of rows (reference, `reports`). It is
//! grouped by day, line item and environment, and filtered by line items.
//!
//! The days are those of the network's time zone, by which the publisher bills; UTC as a source of
//! the time zone goes with Revenue Verification reports only (type
//! `ReportDefinition.TimeZoneSource`). With the setting `report_days = "utc"`, the report provides
//! the zone itself, and Ad Manager computes its days. The money is in the network's currency.
//!
//! A row that can't be read is left out: the others are as good as without it. Only a report in
//! which no row can be read fails.

use std::time::Duration;

use flightdeck_adapter::{
    ad_server::{
        Counted, Counts, Delivered,
        delivery::{Patience, wait},
        shared::{Report, Shared},
    },
    host, moment,
    money::Exact,
    page::pages,
    prelude::*,
    step::Remote,
};
use serde::Deserialize;

use crate::{
    account,
    api::{self, Made, Network},
    inferred,
    settings::ReportDays,
};

/// Reports of a few days take some seconds.
const PATIENCE: Patience = Patience {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(10),
    reserve: Duration::from_secs(3),
    ask_again_ms: 60_000,
};
/// The number of line items in the filter of one report: a body of some kilobytes.
const AT_ONCE: usize = 500;
/// The page size of rows (reference, `fetchRows`: at most 10,000).
const ROWS: u32 = 10_000;

const DIMENSIONS: [&str; 3] = ["DATE", "LINE_ITEM_ID", "LINE_ITEM_ENVIRONMENT_TYPE"];
/// Of the metrics of completed videos, VIDEO_VIEWERSHIP_COMPLETES is the one that the reference
/// defines as the number of times that a video played to completion.
const METRICS: [&str; 4] =
    ["AD_SERVER_IMPRESSIONS", "AD_SERVER_CLICKS", "VIDEO_VIEWERSHIP_COMPLETES", "AD_SERVER_REVENUE"];

/// A long-running operation.
#[derive(Debug, Deserialize)]
struct Running {
    name: String,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    error: Option<Broken>,
    #[serde(default)]
    response: Option<Finished>,
}

impl Running {
    /// Returns the name of the report's result, if the report is done.
    fn result(&self) -> Fallible<Option<String>> {
        if let Some(broken) = &self.error {
            let message = format!("Ad Manager could not make the report: {}", broken.message);
            return Err(Failure::rejected("report_failed", message).said(200, "", &broken.message));
        }
        // Even if a run finishes immediately, its result can't be read until its operation has been
        // queried.
        Ok(self.response.as_ref().filter(|_| self.done).map(|finished| finished.report_result.clone()))
    }
}

#[derive(Debug, Deserialize)]
struct Broken {
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finished {
    report_result: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rows {
    #[serde(default)]
    rows: Vec<Row>,
    #[serde(default)]
    next_page_token: Option<String>,
    /// When the report was requested to be run.
    #[serde(default)]
    run_time: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(default)]
    dimension_values: Vec<Cell>,
    #[serde(default)]
    metric_value_groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    primary_values: Vec<Cell>,
}

/// One value. A whole number is a string, an amount a number.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cell {
    #[serde(default)]
    int_value: Option<String>,
    #[serde(default)]
    double_value: Option<Exact>,
    #[serde(default)]
    string_value: Option<String>,
}

impl Cell {
    fn whole(&self) -> Option<i64> {
        self.int_value.as_ref()?.parse().ok()
    }

    /// Whether it names the environment of videos.
    fn is_video(&self) -> bool {
        let text = self.int_value.as_deref().or(self.string_value.as_deref());
        text.is_some_and(|text| inferred::VIDEO_ENVIRONMENT.contains(&text))
    }

    /// Returns an amount of money in micro-units, whether it was written as a decimal or as a whole
    /// number.
    fn money(&self) -> Option<i64> {
        match self.double_value {
            Some(Exact(micros)) => Some(micros),
            None => self.whole()?.checked_mul(flightdeck_adapter::money::UNIT),
        }
    }
}

/// Returns what buys delivered in a range of days, and what the reports say of themselves.
///
/// # Errors
/// When Ad Manager can't be reached, or doesn't finish in time.
pub fn read(network: &Network, ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
    let booked = buys.iter().filter(|buy| buy.remote.order().is_some());
    let packages = booked.flat_map(|buy| buy.remote.iter().filter(|object| object.kind == RemoteKind::Package));
    let items: Vec<String> = packages.map(|object| object.id.clone()).collect();
    let mut delivered = Delivered::default();
    if items.is_empty() {
        return Ok(delivered);
    }
    let account = account::read(network)?;
    let of = shared_by(network);
    let shared = Shared { of: &of, at_once: AT_ONCE };
    let mut first: Option<time::OffsetDateTime> = None;
    for some in items.chunks(AT_ONCE) {
        let report = shared.counts(some, range, |items, range| count(network, ctx, items, range))?;
        delivered.counts.extend(report.counts);
        first = Some(first.map_or(report.run, |first| first.min(report.run)));
    }
    delivered.as_of = first.map(|run| moment::format(run - time::Duration::seconds(inferred::COUNTING_LAG_SECONDS)));
    let zone = match network.platform.report_days {
        ReportDays::Network => account.time_zone,
        ReportDays::Utc => UTC.to_owned(),
    };
    delivered.time_zone = Some(zone);
    delivered.currency = Some(account.currency_code);
    Ok(delivered)
}

const UTC: &str = "Etc/UTC";

fn definition(items: &[String], range: &DateRange, days: ReportDays) -> Fallible<Object> {
    let day = |text: &str| -> Fallible<Object> {
        let date = moment::date(text)?;
        Ok(object! { "year": date.year(), "month": u8::from(date.month()), "day": date.day() })
    };
    let filter = object! {
        "fieldFilter": object! {
            "field": object! { "dimension": "LINE_ITEM_ID" },
            "operation": "IN",
            "values": vec![object! { "intListValue": object! { "values": items.to_vec() } }],
        },
    };
    let mut definition = object! {
        "reportType": "HISTORICAL",
        "dimensions": DIMENSIONS.to_vec(),
        "metrics": METRICS.to_vec(),
        "filters": vec![filter],
    };
    match days {
        ReportDays::Network => definition.set("timeZoneSource", "PUBLISHER"),
        ReportDays::Utc => {
            definition.set("timeZoneSource", "PROVIDED");
            definition.set("timeZone", UTC);
        }
    }
    let fixed = object! { "startDate": day(&range.first)?, "endDate": day(&range.last)? };
    definition.set("dateRange", object! { "fixed": fixed });
    Ok(object! {
        "displayName": format!("flightdeck {} to {}", range.first, range.last),
        "visibility": "HIDDEN",
        "reportDefinition": definition,
    })
}

/// Returns what tells an advertiser's reports apart: those of different buyers are never mixed.
fn shared_by(network: &Network) -> String {
    let days = match network.platform.report_days {
        ReportDays::Network => "network",
        ReportDays::Utc => "utc",
    };
    format!("{} {} {days}", network.platform.network_code, network.platform.buyer.advertiser_id)
}

/// Runs a report and reads its counts.
fn count(network: &Network, ctx: &Context, items: &[String], range: &DateRange) -> Fallible<Report> {
    let mut counts = Counts::new();
    let definition = definition(items, range, network.platform.report_days)?;
    let report: Made = network.post("reports").json(&definition).fetch()?;
    let mut running: Running =
        network.post(&format!("reports/{}:run", api::id_of(&report.name)?)).json(&Object::default()).fetch()?;
    let mut asked = false;
    let result = wait(ctx, "Ad Manager", PATIENCE, || {
        if std::mem::replace(&mut asked, true) {
            running = network.get_named(&running.name).fetch()?;
        }
        running.result()
    })?;
    let run = std::cell::Cell::new(None);
    let (mut read, mut unreadable) = (0_usize, 0_usize);
    for row in rows(network, &result, &run) {
        match counted(&row?) {
            Some((item, day, sum)) => {
                read += 1;
                counts.entry(item).or_default().insert(day, sum);
            }
            None => unreadable += 1,
        }
    }
    if read == 0 && unreadable > 0 {
        let message = "No row of an Ad Manager report can be understood.";
        return Err(Failure::unavailable("unreadable_report", message));
    }
    Ok(Report { counts, run: run.into_inner().unwrap_or_else(host::now) })
}

/// Iterates over the rows of a finished report. The first page says when it was run.
fn rows<'a>(
    network: &'a Network,
    result: &'a str,
    run: &'a std::cell::Cell<Option<time::OffsetDateTime>>,
) -> impl Iterator<Item = Fallible<Row>> + use<'a> {
    pages(move |token: Option<String>| {
        let mut request = network.get_named(&format!("{result}:fetchRows")).query("pageSize", ROWS);
        if let Some(token) = token {
            request = request.query("pageToken", token);
        }
        let page: Rows = request.fetch()?;
        if let Some(time) = page.run_time.as_deref().and_then(moment::parse) {
            run.set(Some(time));
        }
        Ok((page.rows, page.next_page_token.filter(|token| !token.is_empty())))
    })
}

fn counted(row: &Row) -> Option<(String, String, Counted)> {
    let [date, item, environment] = row.dimension_values.as_slice() else { return None };
    // A day is the number made of its digits: 20261201.
    let digits = date.int_value.as_ref().filter(|digits| digits.len() == 8 && digits.is_ascii())?;
    let day = format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]);
    let [impressions, clicks, completions, revenue] = row.metric_value_groups.first()?.primary_values.as_slice() else {
        return None;
    };
    let sum = Counted {
        impressions: impressions.whole()?,
        clicks: clicks.whole()?,
        // Display has none to count.
        completions: if environment.is_video() { Some(completions.whole()?) } else { None },
        spend: revenue.money()?,
    };
    Some((item.int_value.clone()?, day, sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Option<(String, String, Counted)> {
        counted(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_row_is_read_to_the_micro() {
        let (item, day, counted) = row(
            r#"{"dimensionValues":[{"intValue":"20261201"},{"intValue":"77"},{"intValue":"2"}],
                "metricValueGroups":[{"primaryValues":[{"intValue":"33333"},{"intValue":"12"},{"intValue":"0"},{"doubleValue":416.6625}]}]}"#,
        )
        .unwrap();
        assert_eq!((item.as_str(), day.as_str()), ("77", "2026-12-01"));
        assert_eq!((counted.impressions, counted.clicks, counted.spend), (33_333, 12, 416_662_500));
        assert_eq!(counted.completions, Some(0));
    }

    #[test]
    fn display_completes_nothing() {
        let of = |environment: &str| {
            let text = format!(
                r#"{{"dimensionValues":[{{"intValue":"20261201"}},{{"intValue":"77"}},{environment}],
                "metricValueGroups":[{{"primaryValues":[{{"intValue":"4"}},{{"intValue":"0"}},{{"intValue":"3"}},{{"intValue":"1"}}]}}]}}"#
            );
            row(&text).unwrap().2.completions
        };
        assert_eq!(of(r#"{"intValue":"1"}"#), None);
        assert_eq!(of(r#"{"stringValue":"VIDEO_PLAYER"}"#), Some(3));
    }

    #[test]
    fn a_row_of_another_shape_is_refused() {
        for text in [
            "{}",
            r#"{"dimensionValues":[{"intValue":"20261201"}],"metricValueGroups":[{"primaryValues":[]}]}"#,
            r#"{"dimensionValues":[{"intValue":"2026"},{"intValue":"7"}],"metricValueGroups":[{"primaryValues":[{},{},{},{}]}]}"#,
            r#"{"dimensionValues":[{"intValue":"20261201"},{"intValue":"7"},{"intValue":"1"}],"metricValueGroups":[{"primaryValues":[{},{},{},{}]}]}"#,
        ] {
            assert!(row(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_report_is_asked_for_by_day_and_line_item() {
        let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
        let text = definition(&["1".to_owned(), "2".to_owned()], &range, ReportDays::Network).unwrap().to_string();
        assert!(text.contains(r#""timeZoneSource":"PUBLISHER""#), "{text}");
        assert!(text.contains(r#""startDate":{"year":2026,"month":12,"day":1}"#), "{text}");
        assert!(text.contains(r#""intListValue":{"values":["1","2"]}"#), "{text}");
    }
}
