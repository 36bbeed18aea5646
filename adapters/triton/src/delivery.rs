//! What media buys delivered: one CSV report for many campaigns. Its days are UTC.

use std::time::Duration;

use flightdeck_adapter::{
    ad_server::{
        Counts, Delivered,
        delivery::{Patience, wait},
    },
    moment, money,
    prelude::*,
    step::Remote,
};
use serde::Deserialize;

use crate::{
    api,
    csv::Table,
    inferred::{AT_ONCE, column, path, report_state},
};

const PATIENCE: Patience = Patience {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(5),
    reserve: Duration::from_secs(2),
    ask_again_ms: 30_000,
};

const COLUMNS: [&str; 5] = [column::DATE, column::FLIGHT, column::IMPRESSIONS, column::CLICKS, column::REVENUE];

#[derive(Debug, Deserialize)]
struct Asked {
    id: i64,
}

#[derive(Debug, Deserialize)]
struct Report {
    status: String,
    #[serde(default)]
    url: Option<String>,
}

/// Returns what buys delivered in a range of days. A buy that Triton doesn't know fails alone.
///
/// # Errors
/// When Triton can't be reached, or doesn't finish in time.
pub fn read(api: &Api, ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
    let campaigns: Vec<i64> =
        buys.iter().filter_map(|buy| buy.remote.order()).map(api::number).collect::<Fallible<_>>()?;
    let mut delivered = Delivered::default();
    for some in campaigns.chunks(AT_ONCE) {
        match count(api, ctx, some, range) {
            Ok(more) => delivered.counts.extend(more),
            // One missing campaign makes Triton refuse the whole report. In that case, each is
            // queried separately.
            Err(failure) if failure.is_final() => {
                for one in some {
                    match count(api, ctx, &[*one], range) {
                        Ok(more) => delivered.counts.extend(more),
                        Err(failure) if failure.is_final() => {
                            delivered.failed.insert(one.to_string(), failure);
                        }
                        Err(failure) => return Err(failure),
                    }
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(delivered)
}

fn count(api: &Api, ctx: &Context, campaigns: &[i64], range: &DateRange) -> Fallible<Counts> {
    let body = object! {
        "reportType": "FLIGHT",
        "startDate": &range.first,
        "endDate": &range.last,
        "filters": object! { "campaigns": campaigns.to_vec() },
        "columns": COLUMNS.to_vec(),
    };
    let asked: Asked = api.post(path::REPORTS).json(&body).fetch()?;
    let url = wait(ctx, api::PLATFORM, PATIENCE, || look(api, asked.id))?;
    let text = api.get(url).send()?.text();
    counted(&text).ok_or_else(|| {
        Failure::unavailable("unreadable_report", "A report of Triton's can't be understood: it may be cut off.")
    })
}

fn counted(text: &str) -> Option<Counts> {
    let mut counts = Counts::new();
    for [date, flight, impressions, clicks, revenue] in Table::read(text)?.cells(COLUMNS)? {
        let day = moment::day(moment::date(date).ok()?);
        // A flight has several lines per day if the report is broken down further than requested.
        let sum = counts.entry(flight.to_owned()).or_default().entry(day).or_default();
        sum.impressions = sum.impressions.checked_add(impressions.parse().ok()?)?;
        sum.clicks = sum.clicks.checked_add(clicks.parse().ok()?)?;
        sum.spend = sum.spend.checked_add(money::parse(revenue)?)?;
    }
    Some(counts)
}

/// Returns the URL of a report, if it is complete.
fn look(api: &Api, id: i64) -> Fallible<Option<String>> {
    let report: Report = api.get(api::one(path::REPORTS, &id.to_string())).fetch()?;
    match (report.status.as_str(), report.url) {
        (report_state::COMPLETE, Some(url)) => Ok(Some(url)),
        (report_state::FAILED, _) => Err(Failure::rejected("report_failed", "Triton could not make the report.")),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::ad_server::Counted;

    use super::*;

    #[test]
    fn a_report_is_read_to_the_micro() {
        let text = "flightId,date,impressions,clicks,totalRevenue\r\n7,2026-12-01,33333,12,416.6625\r\n7,2026-12-01,1,0,0.0125\r\n";
        let counts = counted(text).unwrap();
        let day = Counted { impressions: 33_334, clicks: 12, completions: None, spend: 416_675_000 };
        assert_eq!(counts["7"]["2026-12-01"], day);
    }

    #[test]
    fn a_report_of_another_shape_is_refused() {
        for text in [
            "",
            "date,flightId,impressions,clicks\n",
            "flightId,date,impressions,clicks,totalRevenue\n7,soon,1,1,1\n",
            "flightId,date,impressions,clicks,totalRevenue\n7,2026-12-01,x,1,1\n",
            "flightId,date,impressions,clicks,totalRevenue\n7,2026-12-01,1,1\n",
        ] {
            assert_eq!(counted(text), None, "{text:?}");
        }
    }
}
