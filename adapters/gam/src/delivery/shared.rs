//! One report for all media buys of an advertiser that somebody asks about.
//!
//! A report takes seconds, and an account may run 250 in an hour. So a report is about every line item
//! of the advertiser that was asked about in the last day, and over all days that were. Its counts are
//! kept for a while, and serve whoever asks next. They are half an hour old anyway.

use std::collections::BTreeSet;

use flightdeck_adapter::{ad_server::Counts, cache, moment, prelude::*};
use serde::{Deserialize, Serialize};

use super::{AT_ONCE, Report};
use crate::{api::Network, settings::ReportDays};

/// How long counts serve, in seconds.
const FRESH_SECONDS: u32 = 600;

/// How long a line item is counted with others after somebody has asked about it, in seconds.
const WANTED_SECONDS: u32 = 86_400;

/// The most line items times days of one report: what fits into the cache.
const CELLS: i64 = 40_000;

/// What was asked about an advertiser of late.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Wanted {
    items: BTreeSet<String>,
    first: String,
    last: String,
}

impl Wanted {
    /// Returns what two questions ask for together.
    fn and(&self, other: &Self) -> Self {
        Self {
            items: self.items.union(&other.items).cloned().collect(),
            first: self.first.clone().min(other.first.clone()),
            last: self.last.clone().max(other.last.clone()),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        self.items.is_superset(&other.items) && self.first <= other.first && self.last >= other.last
    }

    /// Whether one report can have it, and the cache can keep it.
    fn fits(&self) -> bool {
        let days = match (moment::date(&self.first), moment::date(&self.last)) {
            (Ok(first), Ok(last)) => (last - first).whole_days() + 1,
            _ => return false,
        };
        let items = i64::try_from(self.items.len()).unwrap_or(i64::MAX);
        self.items.len() <= AT_ONCE && items.saturating_mul(days) <= CELLS
    }
}

/// A report that was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    of: Wanted,
    /// When it was run, as RFC 3339.
    run: String,
    counts: Counts,
}

impl Kept {
    /// Returns the part that was asked for.
    fn report(mut self, asked: &Wanted) -> Option<Report> {
        let run = moment::parse(&self.run)?;
        self.counts.retain(|item, _| asked.items.contains(item));
        for days in self.counts.values_mut() {
            days.retain(|day, _| (&asked.first..=&asked.last).contains(&day));
        }
        Some(Report { counts: self.counts, run })
    }
}

/// Returns the counts of line items over a range of days: from a report that is kept, or from one that
/// `count` runs for all that was asked about lately.
///
/// # Errors
/// When a report has to be run and can't be.
pub(super) fn counts(
    network: &Network,
    items: &[String],
    range: &DateRange,
    count: impl Fn(&[String], &DateRange) -> Fallible<Report>,
) -> Fallible<Report> {
    let asked = Wanted { items: items.iter().cloned().collect(), first: range.first.clone(), last: range.last.clone() };
    let (wanted_key, kept_key) = (key("wanted", network), key("report", network));
    let kept: Option<Kept> = cache::get(&kept_key);
    if let Some(report) = kept.filter(|kept| kept.of.covers(&asked)).and_then(|kept| kept.report(&asked)) {
        return Ok(report);
    }
    let lately: Option<Wanted> = cache::get(&wanted_key);
    let together = lately.map(|lately| lately.and(&asked)).filter(Wanted::fits).unwrap_or_else(|| asked.clone());
    cache::keep(&wanted_key, WANTED_SECONDS, &together);
    let all: Vec<String> = together.items.iter().cloned().collect();
    let days = DateRange { first: together.first.clone(), last: together.last.clone() };
    let report = count(&all, &days)?;
    let run = report.run;
    let kept = Kept { of: together, run: moment::format(run), counts: report.counts };
    cache::keep(&kept_key, FRESH_SECONDS, &kept);
    Ok(kept.report(&asked).unwrap_or(Report { counts: Counts::new(), run }))
}

/// Returns the key of what is kept for an advertiser. Buyers' reports are never mixed.
fn key(of: &str, network: &Network) -> String {
    let days = match network.platform.report_days {
        ReportDays::Network => "network",
        ReportDays::Utc => "utc",
    };
    format!("{of} {} {} {days}", network.platform.network_code, network.platform.buyer.advertiser_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(items: &[&str], first: &str, last: &str) -> Wanted {
        Wanted { items: items.iter().map(|&item| item.to_owned()).collect(), first: first.into(), last: last.into() }
    }

    #[test]
    fn questions_are_answered_together_as_long_as_one_report_can_have_them() {
        let (one, other) = (wanted(&["1"], "2026-12-01", "2026-12-31"), wanted(&["2"], "2026-11-20", "2026-12-05"));
        let both = one.and(&other);
        assert_eq!(both, wanted(&["1", "2"], "2026-11-20", "2026-12-31"));
        assert!(both.covers(&one) && both.covers(&other) && !one.covers(&other));
        assert!(both.fits());
        let many: Vec<String> = (0..=AT_ONCE).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(!wanted(&many, "2026-12-01", "2026-12-01").fits());
        assert!(!wanted(&many[..AT_ONCE], "2026-01-01", "2026-12-31").fits());
    }
}
