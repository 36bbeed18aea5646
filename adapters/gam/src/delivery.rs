//! What media buys delivered: one report for many line items.
//!
//! A report is defined, run, waited for and read in pages of rows (reference, `reports`). It is grouped by day and line
//! item and filtered by line items; its days are UTC.

use std::{collections::BTreeMap, time::Duration};

use flightdeck_adapter::{host, moment, money::Exact, page::pages, prelude::*, step::Remote};
use serde::Deserialize;

use crate::{
    api::{self, Made, Network},
    settings::Platform,
};

/// How long the first wait for a report is. Reports of a few days take some seconds.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// What is left of the call's time when the last look is taken.
const RESERVE: Duration = Duration::from_secs(3);
/// Line items by which one report is filtered: a body of some kilobytes.
const AT_ONCE: usize = 500;
/// Rows asked for at a time (reference, `fetchRows`: at most 10,000).
const ROWS: u32 = 10_000;
/// When the host should ask again for a report that was not ready.
const ASK_AGAIN_MS: u64 = 60_000;

const DIMENSIONS: [&str; 2] = ["DATE", "LINE_ITEM_ID"];
const METRICS: [&str; 4] =
    ["AD_SERVER_IMPRESSIONS", "AD_SERVER_CLICKS", "AD_SERVER_COMPLETED_VIEWS", "AD_SERVER_REVENUE"];

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

/// One value. A whole number is a text, an amount a number.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cell {
    #[serde(default)]
    int_value: Option<String>,
    #[serde(default)]
    double_value: Option<Exact>,
}

impl Cell {
    fn whole(&self) -> Option<i64> {
        self.int_value.as_ref()?.parse().ok()
    }

    /// Money in micro-units, whether it is written as an amount or as a whole one.
    fn money(&self) -> Option<i64> {
        match self.double_value {
            Some(Exact(micros)) => Some(micros),
            None => self.whole()?.checked_mul(flightdeck_adapter::money::UNIT),
        }
    }
}

/// What was counted for a line item on a day.
#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    impressions: i64,
    clicks: i64,
    completions: i64,
    spend: i64,
}

/// What buys delivered in some days.
///
/// # Errors
/// When Ad Manager can't be asked, or is not done in time.
pub fn get(ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Vec<DeliveryAnswer>> {
    let platform = Platform::read(ctx)?;
    let network = api::open(ctx, &platform);
    let packages = |buy: &'_ RemoteBuy| -> Vec<RemoteObject> {
        buy.remote
            .iter()
            .filter(|object| object.kind == RemoteKind::Package && buy.remote.order().is_some())
            .cloned()
            .collect()
    };
    let items: Vec<String> = buys.iter().flat_map(packages).map(|object| object.id).collect();
    let mut counted: BTreeMap<String, BTreeMap<String, Counted>> = BTreeMap::new();
    for some in items.chunks(AT_ONCE) {
        count(&network, ctx, some, range, &mut counted)?;
    }
    let answer = |buy: &RemoteBuy| {
        let mut rows = Vec::new();
        for package in packages(buy) {
            for (day, counted) in counted.get(&package.id).into_iter().flatten() {
                rows.push(DeliveryRow {
                    package_id: package.key.clone(),
                    day: day.clone(),
                    impressions: counted.impressions,
                    spend: counted.spend,
                    clicks: Some(counted.clicks),
                    video_completions: Some(counted.completions),
                });
            }
        }
        let id = buy.media_buy_id.clone();
        let delivery = BuyDelivery { media_buy_id: id.clone(), rows, as_of: None, extensions: Vec::new() };
        DeliveryAnswer { media_buy_id: id, delivery: Ok(delivery) }
    };
    Ok(buys.iter().map(answer).collect())
}

fn definition(items: &[String], range: &DateRange) -> Fallible<Object> {
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
    Ok(object! {
        "displayName": format!("flightdeck {} to {}", range.first, range.last),
        "reportDefinition": object! {
            "reportType": "HISTORICAL",
            "dimensions": DIMENSIONS.to_vec(),
            "metrics": METRICS.to_vec(),
            "filters": vec![filter],
            "timeZoneSource": "UTC",
            "dateRange": object! { "fixed": object! { "startDate": day(&range.first)?, "endDate": day(&range.last)? } },
        },
    })
}

/// Adds what was counted, by line item and day.
fn count(
    network: &Network<'_>,
    ctx: &Context,
    items: &[String],
    range: &DateRange,
    counted: &mut BTreeMap<String, BTreeMap<String, Counted>>,
) -> Fallible<()> {
    let report: Made = network.post("reports").json(&definition(items, range)?).fetch()?;
    let running: Running =
        network.post(&format!("reports/{}:run", api::id_of(&report.name)?)).json(&Object::default()).fetch()?;
    let result = wait(network, ctx, running)?;
    for row in rows(network, &result) {
        let (item, day, sum) = read(&row?).ok_or_else(|| {
            Failure::unavailable("unreadable_report", "A row of an Ad Manager report can't be understood.")
        })?;
        counted.entry(item).or_default().insert(day, sum);
    }
    Ok(())
}

/// The rows of a finished report.
fn rows<'a>(network: &'a Network<'_>, result: &'a str) -> impl Iterator<Item = Fallible<Row>> + use<'a> {
    pages(move |token: Option<String>| {
        let mut request = network.get_named(&format!("{result}:fetchRows")).query("pageSize", ROWS);
        if let Some(token) = token {
            request = request.query("pageToken", token);
        }
        let page: Rows = request.fetch()?;
        Ok((page.rows, page.next_page_token.filter(|token| !token.is_empty())))
    })
}

fn read(row: &Row) -> Option<(String, String, Counted)> {
    let [date, item] = row.dimension_values.as_slice() else { return None };
    // A day is the number that its digits make: 20261201.
    let digits = date.int_value.as_ref().filter(|digits| digits.len() == 8 && digits.is_ascii())?;
    let day = format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]);
    let [impressions, clicks, completions, revenue] = row.metric_value_groups.first()?.primary_values.as_slice() else {
        return None;
    };
    let sum = Counted {
        impressions: impressions.whole()?,
        clicks: clicks.whole()?,
        completions: completions.whole()?,
        spend: revenue.money()?,
    };
    Some((item.int_value.clone()?, day, sum))
}

/// Waits until a report is done, as long as the call may take.
fn wait(network: &Network<'_>, ctx: &Context, mut running: Running) -> Fallible<String> {
    let mut pause = FIRST_WAIT;
    loop {
        if let Some(broken) = running.error {
            let message = format!("Ad Manager could not make the report: {}", broken.message);
            return Err(Failure::rejected("report_failed", message).said(200, "", &broken.message));
        }
        // A run that was done at once has no result to read until its operation was asked for.
        if let Some(finished) = running.response.filter(|_| running.done) {
            return Ok(finished.report_result);
        }
        if moment::time_left(ctx) < pause + RESERVE {
            let message = "Ad Manager is still making the report. Ask again later, or for fewer days.";
            return Err(Failure::unavailable("report_not_ready", message).retry_after_ms(ASK_AGAIN_MS));
        }
        host::sleep(pause);
        pause = (pause * 2).min(LONGEST_WAIT);
        running = network.get_named(&running.name).fetch()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Option<(String, String, Counted)> {
        read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_row_is_read_to_the_micro() {
        let (item, day, counted) = row(
            r#"{"dimensionValues":[{"intValue":"20261201"},{"intValue":"77"}],
                "metricValueGroups":[{"primaryValues":[{"intValue":"33333"},{"intValue":"12"},{"intValue":"0"},{"doubleValue":416.6625}]}]}"#,
        )
        .unwrap();
        assert_eq!((item.as_str(), day.as_str()), ("77", "2026-12-01"));
        assert_eq!((counted.impressions, counted.clicks, counted.spend), (33_333, 12, 416_662_500));
    }

    #[test]
    fn a_row_of_another_shape_is_refused() {
        for text in [
            "{}",
            r#"{"dimensionValues":[{"intValue":"20261201"}],"metricValueGroups":[{"primaryValues":[]}]}"#,
            r#"{"dimensionValues":[{"intValue":"2026"},{"intValue":"7"}],"metricValueGroups":[{"primaryValues":[{},{},{},{}]}]}"#,
        ] {
            assert!(row(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_report_is_asked_for_by_day_and_line_item() {
        let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
        let text = definition(&["1".to_owned(), "2".to_owned()], &range).unwrap().to_string();
        assert!(text.contains(r#""startDate":{"year":2026,"month":12,"day":1}"#), "{text}");
        assert!(text.contains(r#""intListValue":{"values":["1","2"]}"#), "{text}");
    }
}
