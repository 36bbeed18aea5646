//! One report for all media buys of an advertiser that somebody asks about.
//!
//! Buyers ask about one media buy after the other, a report takes seconds, and platforms limit how many
//! an account may have. So a report is about everything of the advertiser that was asked about in the
//! last day, and over all days that were. Its counts are kept for a while, and serve whoever asks next.
//!
//! A first question about each of ten buys costs ten reports at most, and everything that is asked
//! afterwards one report every ten minutes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Counts;
use crate::{cache, failure::Fallible, moment, types::DateRange};

/// How long counts serve, in seconds.
const FRESH_SECONDS: u32 = 600;

/// How long something is counted with the rest after somebody has asked about it, in seconds.
const WANTED_SECONDS: u32 = 86_400;

/// The most line items times days of one report: what fits into the cache.
const CELLS: i64 = 40_000;

/// A report that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// By line item and day. It may have more line items than were asked about.
    pub counts: Counts,
    /// When the platform was asked for it.
    pub run: OffsetDateTime,
}

/// Reports that media buys share.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    /// Tells apart what must not be mixed: the account, the advertiser and the days that are counted.
    pub of: &'a str,
    /// The most ids in the filter of one report.
    pub at_once: usize,
}

/// What was asked about of late.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Wanted {
    ids: BTreeSet<String>,
    first: String,
    last: String,
}

impl Wanted {
    /// Returns what two questions ask for together.
    fn and(&self, other: &Self) -> Self {
        Self {
            ids: self.ids.union(&other.ids).cloned().collect(),
            first: self.first.clone().min(other.first.clone()),
            last: self.last.clone().max(other.last.clone()),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        self.ids.is_superset(&other.ids) && self.first <= other.first && self.last >= other.last
    }

    /// Whether one report can have it, and the cache can keep it.
    fn fits(&self, at_once: usize) -> bool {
        let days = match (moment::date(&self.first), moment::date(&self.last)) {
            (Ok(first), Ok(last)) => (last - first).whole_days() + 1,
            _ => return false,
        };
        let ids = i64::try_from(self.ids.len()).unwrap_or(i64::MAX);
        self.ids.len() <= at_once && ids.saturating_mul(days) <= CELLS
    }
}

/// A report in the cache.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    of: Wanted,
    /// When it was run, as RFC 3339.
    run: String,
    counts: Counts,
}

impl Kept {
    /// Returns the days that were asked for.
    fn report(mut self, asked: &Wanted) -> Option<Report> {
        let run = moment::parse(&self.run)?;
        for days in self.counts.values_mut() {
            days.retain(|day, _| (&asked.first..=&asked.last).contains(&day));
        }
        Some(Report { counts: self.counts, run })
    }
}

impl Shared<'_> {
    /// Returns the counts over a range of days: from a report that is kept, or from one that `count` runs
    /// for all that was asked about lately. `ids` are what the platform's reports are filtered by.
    ///
    /// # Errors
    /// When a report has to be run and can't be.
    pub fn counts(
        &self,
        ids: &[String],
        range: &DateRange,
        count: impl Fn(&[String], &DateRange) -> Fallible<Report>,
    ) -> Fallible<Report> {
        let asked = Wanted { ids: ids.iter().cloned().collect(), first: range.first.clone(), last: range.last.clone() };
        let (wanted_key, kept_key) = (format!("wanted {}", self.of), format!("report {}", self.of));
        let kept: Option<Kept> = cache::get(&kept_key);
        if let Some(report) = kept.filter(|kept| kept.of.covers(&asked)).and_then(|kept| kept.report(&asked)) {
            return Ok(report);
        }
        let lately: Option<Wanted> = cache::get(&wanted_key);
        let together = lately.map(|lately| lately.and(&asked)).filter(|all| all.fits(self.at_once));
        let mut wanted = together.unwrap_or_else(|| asked.clone());
        let run = |wanted: &Wanted| {
            let ids: Vec<String> = wanted.ids.iter().cloned().collect();
            count(&ids, &DateRange { first: wanted.first.clone(), last: wanted.last.clone() })
        };
        let mut report = run(&wanted);
        // What somebody else asked about may be gone from the platform, which then refuses it all.
        if wanted != asked && report.as_ref().is_err_and(crate::types::Failure::is_final) {
            wanted = asked.clone();
            report = run(&wanted);
        }
        let Report { counts, run } = report?;
        let cells: usize = counts.values().map(|days| days.len()).sum();
        // What the cache would not keep would be counted anew with every question.
        let too_large = i64::try_from(cells).map_or(true, |cells| cells > CELLS);
        cache::keep(&wanted_key, WANTED_SECONDS, if too_large { &asked } else { &wanted });
        let kept = Kept { of: wanted, run: moment::format(run), counts };
        if !too_large {
            cache::keep(&kept_key, FRESH_SECONDS, &kept);
        }
        Ok(kept.report(&asked).unwrap_or(Report { counts: Counts::new(), run }))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::{
        ad_server::Counted,
        testing::{FakeHost, run},
        types::Failure,
    };

    fn wanted(ids: &[&str], first: &str, last: &str) -> Wanted {
        Wanted { ids: ids.iter().map(|&id| id.to_owned()).collect(), first: first.into(), last: last.into() }
    }

    #[test]
    fn questions_are_answered_together_as_long_as_one_report_can_have_them() {
        let (one, other) = (wanted(&["1"], "2026-12-01", "2026-12-31"), wanted(&["2"], "2026-11-20", "2026-12-05"));
        let both = one.and(&other);
        assert_eq!(both, wanted(&["1", "2"], "2026-11-20", "2026-12-31"));
        assert!(both.covers(&one) && both.covers(&other) && !one.covers(&other));
        assert!(both.fits(2) && !both.fits(1));
        let many: Vec<String> = (0..500).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(wanted(&many, "2026-12-01", "2026-12-01").fits(500));
        assert!(!wanted(&many, "2026-01-01", "2026-12-31").fits(500));
    }

    /// The reports that questions about some ids cost, one question after the other. The platform
    /// refuses a report about `gone`.
    fn runs(questions: &[&[&str]]) -> Vec<Vec<String>> {
        let host = FakeHost::new(|_| panic!("nothing is sent"));
        let runs = RefCell::new(Vec::new());
        let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-02".to_owned() };
        for ids in questions {
            let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
            let counted = run(&host, || {
                Shared { of: "acme 1001", at_once: 3 }.counts(&ids, &range, |all, _| {
                    runs.borrow_mut().push(all.to_vec());
                    if all.iter().any(|id| id == "gone") {
                        return Err(Failure::rejected("no_such_campaign", "There is no such campaign."));
                    }
                    let day = |_: &String| [("2026-12-01".to_owned(), Counted::default())].into();
                    Ok(Report { counts: all.iter().map(|id| (id.clone(), day(id))).collect(), run: crate::host::now() })
                })
            })
            .unwrap();
            let gone = ids.iter().any(|id| id == "gone");
            assert_eq!(counted.is_err(), gone, "{ids:?}");
            assert!(gone || ids.iter().all(|id| counted.as_ref().unwrap().counts.contains_key(id)), "{ids:?}");
        }
        runs.into_inner()
    }

    #[test]
    fn a_report_serves_whoever_asks_next() {
        assert_eq!(runs(&[&["1"], &["1"], &["2"], &["1"], &["2"], &["1", "2"]]), [vec!["1"], vec!["1", "2"]]);
        // The fourth does not fit into a report with the others.
        assert_eq!(runs(&[&["1", "2", "3"], &["4"], &["4"]]), [vec!["1", "2", "3"], vec!["4"]]);
    }

    #[test]
    fn what_is_gone_from_the_platform_spoils_only_its_own_question() {
        assert_eq!(runs(&[&["gone"], &["1"]]), [vec!["gone"], vec!["1"]]);
        assert_eq!(runs(&[&["1"], &["gone"], &["1"]]), [vec!["1"], vec!["1", "gone"], vec!["gone"]]);
    }
}
