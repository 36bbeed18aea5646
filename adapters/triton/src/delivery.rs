//! What media buys delivered: one report for many campaigns, read as CSV. Its days are UTC.

use std::{collections::BTreeMap, time::Duration};

use flightdeck_adapter::{host, moment, money, prelude::*, step::Remote};
use serde::Deserialize;

use crate::{
    api,
    csv::Table,
    inferred::{AT_ONCE, column, path, report_state},
};

/// How long the first wait for a report is.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// What is left of the call's time when the last look is taken.
const RESERVE: Duration = Duration::from_secs(2);
/// When the host should ask again for a report that was not ready.
const ASK_AGAIN_MS: u64 = 30_000;

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

/// What was counted for a flight on a day.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counted {
    impressions: i64,
    clicks: i64,
    spend: i64,
}

/// By flight and day.
type Counts = BTreeMap<String, BTreeMap<String, Counted>>;

/// What buys delivered in some days. One that Triton does not know fails alone.
///
/// # Errors
/// When Triton can't be asked, or is not done in time.
pub fn get(ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Vec<DeliveryAnswer>> {
    let api = api::open(ctx);
    let campaigns: Vec<i64> =
        buys.iter().filter_map(|buy| buy.remote.order()).map(api::number).collect::<Fallible<_>>()?;
    let mut counts = Counts::new();
    let mut failed: BTreeMap<String, Failure> = BTreeMap::new();
    for some in campaigns.chunks(AT_ONCE) {
        match count(&api, ctx, some, range) {
            Ok(more) => counts.extend(more),
            // One campaign that is gone refuses the whole report: then each is asked about by itself.
            Err(failure) if failure.is_final() => {
                for one in some {
                    match count(&api, ctx, &[*one], range) {
                        Ok(more) => counts.extend(more),
                        Err(failure) if failure.is_final() => {
                            failed.insert(one.to_string(), failure);
                        }
                        Err(failure) => return Err(failure),
                    }
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    let answer = |buy: &RemoteBuy| {
        let delivery = match buy.remote.order().and_then(|order| failed.get(order)) {
            Some(failure) => Err(failure.clone()),
            None => Ok(delivered(buy, &counts)),
        };
        DeliveryAnswer { media_buy_id: buy.media_buy_id.clone(), delivery }
    };
    Ok(buys.iter().map(answer).collect())
}

fn delivered(buy: &RemoteBuy, counts: &Counts) -> BuyDelivery {
    let mut rows = Vec::new();
    for package in buy.remote.iter().filter(|object| object.kind == RemoteKind::Package) {
        for (day, counted) in counts.get(&package.id).into_iter().flatten() {
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
    let url = wait(api, ctx, asked.id)?;
    let text = api.get(url).send()?.text();
    read(&text).ok_or_else(|| {
        Failure::unavailable("unreadable_report", "A report of Triton's can't be understood: it may be cut off.")
    })
}

fn read(text: &str) -> Option<Counts> {
    let mut counts = Counts::new();
    for [date, flight, impressions, clicks, revenue] in Table::read(text)?.cells(COLUMNS)? {
        let day = moment::day(moment::date(date).ok()?);
        // A flight has several lines in a day if it is broken down further than it was asked to be.
        let sum = counts.entry(flight.to_owned()).or_default().entry(day).or_default();
        sum.impressions = sum.impressions.checked_add(impressions.parse().ok()?)?;
        sum.clicks = sum.clicks.checked_add(clicks.parse().ok()?)?;
        sum.spend = sum.spend.checked_add(money::parse(revenue)?)?;
    }
    Some(counts)
}

/// Waits until a report is complete, as long as the call may take. Answers where it is.
fn wait(api: &Api, ctx: &Context, id: i64) -> Fallible<String> {
    let mut pause = FIRST_WAIT;
    loop {
        let report: Report = api.get(api::one(path::REPORTS, &id.to_string())).fetch()?;
        match (report.status.as_str(), report.url) {
            (report_state::COMPLETE, Some(url)) => return Ok(url),
            (report_state::FAILED, _) => {
                return Err(Failure::rejected("report_failed", "Triton could not make the report."));
            }
            _ => {}
        }
        if moment::time_left(ctx) < pause + RESERVE {
            let message = "Triton is still making the report. Ask again later, or for fewer days.";
            return Err(Failure::unavailable("report_not_ready", message).retry_after_ms(ASK_AGAIN_MS));
        }
        host::sleep(pause);
        pause = (pause * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_to_the_micro() {
        let text = "flightId,date,impressions,clicks,totalRevenue\r\n7,2026-12-01,33333,12,416.6625\r\n7,2026-12-01,1,0,0.0125\r\n";
        let counts = read(text).unwrap();
        let counted = Counted { impressions: 33_334, clicks: 12, spend: 416_675_000 };
        assert_eq!(counts["7"]["2026-12-01"], counted);
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
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
