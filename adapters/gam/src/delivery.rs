//! What media buys delivered: one report for many line items.
//!
//! A report is defined, run, polled, and read in pages of rows (reference, `reports`). It is
//! grouped by day and line item, and filtered by line items. Its days are UTC.

use std::time::Duration;

use flightdeck_adapter::{
    ad_server::{
        Counted, Counts, Delivered,
        delivery::{Patience, wait},
    },
    moment,
    money::Exact,
    page::pages,
    prelude::*,
    step::Remote,
};
use serde::Deserialize;

use crate::api::{self, Made, Network};

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
}

impl Cell {
    fn whole(&self) -> Option<i64> {
        self.int_value.as_ref()?.parse().ok()
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

/// Returns what buys delivered in a range of days.
///
/// # Errors
/// When Ad Manager can't be reached, or doesn't finish in time.
pub fn read(network: &Network, ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
    let booked = buys.iter().filter(|buy| buy.remote.order().is_some());
    let packages = booked.flat_map(|buy| buy.remote.iter().filter(|object| object.kind == RemoteKind::Package));
    let items: Vec<String> = packages.map(|object| object.id.clone()).collect();
    let mut delivered = Delivered::default();
    for some in items.chunks(AT_ONCE) {
        count(network, ctx, some, range, &mut delivered.counts)?;
    }
    Ok(delivered)
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

/// Adds the counts by line item and day.
fn count(network: &Network, ctx: &Context, items: &[String], range: &DateRange, counts: &mut Counts) -> Fallible<()> {
    let report: Made = network.post("reports").json(&definition(items, range)?).fetch()?;
    let mut running: Running =
        network.post(&format!("reports/{}:run", api::id_of(&report.name)?)).json(&Object::default()).fetch()?;
    let mut asked = false;
    let result = wait(ctx, "Ad Manager", PATIENCE, || {
        if std::mem::replace(&mut asked, true) {
            running = network.get_named(&running.name).fetch()?;
        }
        running.result()
    })?;
    for row in rows(network, &result) {
        let (item, day, sum) = counted(&row?).ok_or_else(|| {
            Failure::unavailable("unreadable_report", "A row of an Ad Manager report can't be understood.")
        })?;
        counts.entry(item).or_default().insert(day, sum);
    }
    Ok(())
}

/// Iterates over the rows of a finished report.
fn rows<'a>(network: &'a Network, result: &'a str) -> impl Iterator<Item = Fallible<Row>> + use<'a> {
    pages(move |token: Option<String>| {
        let mut request = network.get_named(&format!("{result}:fetchRows")).query("pageSize", ROWS);
        if let Some(token) = token {
            request = request.query("pageToken", token);
        }
        let page: Rows = request.fetch()?;
        Ok((page.rows, page.next_page_token.filter(|token| !token.is_empty())))
    })
}

fn counted(row: &Row) -> Option<(String, String, Counted)> {
    let [date, item] = row.dimension_values.as_slice() else { return None };
    // A day is the number made of its digits: 20261201.
    let digits = date.int_value.as_ref().filter(|digits| digits.len() == 8 && digits.is_ascii())?;
    let day = format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]);
    let [impressions, clicks, completions, revenue] = row.metric_value_groups.first()?.primary_values.as_slice() else {
        return None;
    };
    let sum = Counted {
        impressions: impressions.whole()?,
        clicks: clicks.whole()?,
        completions: Some(completions.whole()?),
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
