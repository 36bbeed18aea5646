//! What media buys delivered: one CSV report for many campaigns. Its days are UTC.
//!
//! A report reaches from 13 months ago to yesterday, and has at most 100,000 lines (help pages,
//! creating reports). So the range is cut to those days, and a report that is full is asked for again
//! in parts. A day's numbers are final a day after it (affidavits).

use std::time::Duration;

use flightdeck_adapter::{
    ad_server::{
        Counted, Counts, Delivered,
        delivery::{Patience, wait},
        shared::{Report as Counting, Shared},
    },
    host, moment, money,
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

/// How far back a report reaches, in days: thirteen months of 30 days, so that none is too far. Nothing
/// says how the platform counts months.
const REACH_DAYS: i64 = 13 * 30;
/// The most lines of a report. One that has as many may lack some.
const MOST_LINES: usize = 100_000;

/// Returns the part of a range that a report can have: from 13 months ago to yesterday in UTC. `None`
/// if there is none.
fn reported(range: &DateRange) -> Fallible<Option<DateRange>> {
    let today = host::now().date();
    let (first, last) = (moment::date(&range.first)?, moment::date(&range.last)?);
    let first = first.max(today - time::Duration::days(REACH_DAYS));
    let last = last.min(today - time::Duration::DAY);
    Ok((first <= last).then(|| DateRange { first: moment::day(first), last: moment::day(last) }))
}

/// Returns what buys delivered in a range of days. A buy that Triton doesn't know fails alone. One
/// report serves whoever asks about the advertiser's buys in the next minutes.
///
/// # Errors
/// When Triton can't be reached, or doesn't finish in time.
pub fn read(api: &Api, ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
    let campaigns: Vec<String> = buys.iter().filter_map(|buy| buy.remote.order()).map(ToOwned::to_owned).collect();
    let mut delivered = Delivered::default();
    let Some(range) = &reported(range)? else { return Ok(delivered) };
    let shared = Shared { of: &ctx.advertiser_id, at_once: AT_ONCE };
    let run = |campaigns: &[String], range: &DateRange| {
        let run = host::now();
        let campaigns = campaigns.iter().map(|id| api::number(id)).collect::<Fallible<Vec<i64>>>()?;
        Ok(Counting { counts: count(api, ctx, &campaigns, range)?, run })
    };
    let mut first = host::now();
    for some in campaigns.chunks(AT_ONCE) {
        match shared.counts(some, range, run) {
            Ok(report) => {
                delivered.counts.extend(report.counts);
                first = first.min(report.run);
            }
            // One missing campaign makes Triton refuse the whole report. In that case, each is
            // queried separately.
            Err(failure) if failure.is_final() => {
                for one in some {
                    match run(std::slice::from_ref(one), range) {
                        Ok(report) => delivered.counts.extend(report.counts),
                        Err(failure) if failure.is_final() => {
                            delivered.failed.insert(one.clone(), failure);
                        }
                        Err(failure) => return Err(failure),
                    }
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    // A report has no today, and an affidavit is final a day after its day (reporting guide).
    let today = first.date();
    delivered.as_of = Some(midnight(today));
    delivered.final_until = Some(midnight(today - time::Duration::DAY));
    Ok(delivered)
}

fn midnight(day: time::Date) -> String {
    format!("{}T00:00:00Z", moment::day(day))
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
    let (lines, counts) = counted(&text).ok_or_else(|| {
        Failure::unavailable("unreadable_report", "A report of Triton's can't be understood: it may be cut off.")
    })?;
    if lines < MOST_LINES {
        return Ok(counts);
    }
    let mut counts = Counts::new();
    for (campaigns, range) in halves(campaigns, range)? {
        for (flight, days) in count(api, ctx, &campaigns, &range)? {
            counts.entry(flight).or_default().extend(days);
        }
    }
    Ok(counts)
}

/// Returns the two halves of a report that is full: of its campaigns, or else of its days.
fn halves(campaigns: &[i64], range: &DateRange) -> Fallible<Vec<(Vec<i64>, DateRange)>> {
    if campaigns.len() > 1 {
        let (one, other) = campaigns.split_at(campaigns.len() / 2);
        return Ok(vec![(one.to_vec(), range.clone()), (other.to_vec(), range.clone())]);
    }
    let (first, last) = (moment::date(&range.first)?, moment::date(&range.last)?);
    if first == last {
        let message = "One day of one campaign has more lines than a report of Triton's.";
        return Err(Failure::rejected("report_too_long", message));
    }
    let middle = first + (last - first) / 2;
    let days = |first, last| DateRange { first: moment::day(first), last: moment::day(last) };
    let next = middle + time::Duration::DAY;
    Ok(vec![(campaigns.to_vec(), days(first, middle)), (campaigns.to_vec(), days(next, last))])
}

/// Returns the number of lines and the counts of a report. A line that can't be read is left out, as
/// long as there are others: the rest is as good as without it. `None` if none can be read, or the
/// table is cut off.
fn counted(text: &str) -> Option<(usize, Counts)> {
    let table = Table::read(text)?;
    let lines = table.cells(COLUMNS)?;
    let (mut unreadable, mut counts) = (0, Counts::new());
    for line in &lines {
        let Some((flight, day, counted)) = read_line(line) else {
            unreadable += 1;
            continue;
        };
        // A flight has several lines per day if the report is broken down further than requested.
        let sum = counts.entry(flight).or_default().entry(day).or_default();
        sum.impressions = sum.impressions.checked_add(counted.impressions)?;
        sum.clicks = sum.clicks.checked_add(counted.clicks)?;
        sum.spend = sum.spend.checked_add(counted.spend)?;
    }
    if unreadable > 0 {
        eprintln!("{unreadable} of {} lines of a report can't be read", lines.len());
    }
    (unreadable == 0 || unreadable < lines.len()).then_some((lines.len(), counts))
}

/// Returns the flight, the day and the counts of a line.
fn read_line([date, flight, impressions, clicks, revenue]: &[&str; 5]) -> Option<(String, String, Counted)> {
    let counted = Counted {
        impressions: impressions.parse().ok()?,
        clicks: clicks.parse().ok()?,
        completions: None,
        spend: money::parse(revenue)?,
    };
    Some(((*flight).to_owned(), moment::day(moment::date(date).ok()?), counted))
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
    use super::*;

    #[test]
    fn a_report_is_read_to_the_micro() {
        let text = "flightId,date,impressions,clicks,totalRevenue\r\n7,2026-12-01,33333,12,416.6625\r\n7,2026-12-01,1,0,0.0125\r\n";
        let (lines, counts) = counted(text).unwrap();
        assert_eq!(lines, 2);
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

    #[test]
    fn an_odd_line_spoils_itself_alone() {
        let text =
            "flightId,date,impressions,clicks,totalRevenue\n7,2026-12-01,5,1,0.5\n7,soon,9,9,9\n8,2026-12-01,n/a,0,0\n";
        let (lines, counts) = counted(text).unwrap();
        assert_eq!((lines, counts.len(), counts["7"].len()), (3, 1, 1));
        assert_eq!(counts["7"]["2026-12-01"].impressions, 5);
        assert_eq!(counted("flightId,date,impressions,clicks,totalRevenue\n").unwrap().0, 0);
    }

    #[test]
    fn a_report_reaches_from_thirteen_months_ago_to_yesterday() {
        let host = flightdeck_adapter::testing::FakeHost::new(|_| panic!("nothing is asked"));
        host.set_now(moment::parse("2027-01-10T00:30:00Z").unwrap());
        let cut = |first: &str, last: &str| {
            let range = DateRange { first: first.to_owned(), last: last.to_owned() };
            let cut = flightdeck_adapter::testing::run(&host, || reported(&range)).unwrap().unwrap();
            cut.map(|range| (range.first, range.last))
        };
        let of = |first: &str, last: &str| Some((first.to_owned(), last.to_owned()));
        assert_eq!(cut("2027-01-01", "2027-01-31"), of("2027-01-01", "2027-01-09"));
        assert_eq!(cut("2025-01-01", "2027-01-05"), of("2025-12-16", "2027-01-05"));
        assert_eq!(cut("2027-01-10", "2027-01-31"), None, "today is not reported yet");
    }

    #[test]
    fn a_full_report_is_asked_for_in_halves() {
        let range = DateRange { first: "2027-01-01".to_owned(), last: "2027-01-04".to_owned() };
        let days = |parts: Vec<(Vec<i64>, DateRange)>| -> Vec<(Vec<i64>, String, String)> {
            parts.into_iter().map(|(ids, range)| (ids, range.first, range.last)).collect()
        };
        let of = |ids: &[i64], first: &str, last: &str| (ids.to_vec(), first.to_owned(), last.to_owned());
        let whole = ("2027-01-01", "2027-01-04");
        assert_eq!(
            days(halves(&[1, 2, 3], &range).unwrap()),
            [of(&[1], whole.0, whole.1), of(&[2, 3], whole.0, whole.1)]
        );
        assert_eq!(
            days(halves(&[1], &range).unwrap()),
            [of(&[1], "2027-01-01", "2027-01-02"), of(&[1], "2027-01-03", "2027-01-04")]
        );
        let day = DateRange { first: "2027-01-01".to_owned(), last: "2027-01-01".to_owned() };
        assert_eq!(halves(&[1], &day).unwrap_err().code, "report_too_long");
    }
}
