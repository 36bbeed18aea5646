//! Shows a report: as a table for people, as JSON, and as JUnit for build servers.

use std::fmt::Write as _;

use super::report::{Finding, Report, Verdict};

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "PASS",
        Verdict::Failed => "FAIL",
        Verdict::Skipped => "SKIP",
    }
}

/// Returns a table for people.
pub fn table(report: &Report) -> String {
    let mut text = format!(
        "{} ({})\nagainst {}, seed {}\n\n",
        report.component,
        if report.adapter.is_empty() { "no adapter" } else { &report.adapter },
        report.ad_server,
        report.seed
    );
    let width = report.findings.iter().map(|finding| finding.rule.len()).max().unwrap_or(0);
    for finding in &report.findings {
        let _ = writeln!(text, "{}  {:width$}  {}", word(finding.verdict), finding.rule, finding.seen);
        if finding.verdict == Verdict::Failed {
            failure(&mut text, finding);
        }
    }
    if !report.used.is_empty() {
        text.push_str("\nthe most that one call used, and its limit\n");
        for used in &report.used {
            let _ = writeln!(text, "      {:<16}  {:>12}  {:>12}", used.what, used.most, used.limit);
        }
    }
    let count = |verdict| report.count(verdict);
    let _ = writeln!(
        text,
        "\n{} passed, {} failed, {} skipped, in {:.1} s",
        count(Verdict::Passed),
        count(Verdict::Failed),
        count(Verdict::Skipped),
        report.seconds
    );
    text
}

fn failure(text: &mut String, finding: &Finding) {
    let _ = writeln!(text, "      rule   {}", finding.says);
    let _ = writeln!(text, "      from   {}", finding.from);
    for seen in &finding.failures {
        let _ = writeln!(text, "      seen   {seen}");
    }
    let more = finding.failed - finding.failures.len();
    if more > 0 {
        let _ = writeln!(text, "      seen   … and {more} more");
    }
    let _ = writeln!(text, "      mend   {}", finding.mend.unwrap_or_default());
}

/// Returns the report as JSON.
///
/// # Errors
/// Never, for any report.
pub fn json(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report)
}

/// Returns the report in JUnit's XML.
pub fn junit(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let count = |verdict| report.count(verdict);
    let _ = writeln!(
        text,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
        escaped(&report.component),
        report.findings.len(),
        count(Verdict::Failed),
        count(Verdict::Skipped),
        report.seconds
    );
    for finding in &report.findings {
        let group = finding.rule.split('.').next().unwrap_or_default();
        let _ = write!(text, "  <testcase classname=\"{group}\" name=\"{}\"", finding.rule);
        match finding.verdict {
            Verdict::Passed => text.push_str("/>\n"),
            Verdict::Skipped => {
                let _ = writeln!(text, "><skipped message=\"{}\"/></testcase>", escaped(&finding.seen));
            }
            Verdict::Failed => {
                let mut details = String::new();
                failure(&mut details, finding);
                let first = finding.failures.first().map_or("", String::as_str);
                let _ = writeln!(
                    text,
                    "><failure message=\"{}\">{}</failure></testcase>",
                    escaped(first),
                    escaped(&details)
                );
            }
        }
    }
    text.push_str("</testsuite>\n");
    text
}

/// Escapes text for XML. Control characters, which XML can't have, are left out.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '"' => shown.push_str("&quot;"),
            '\n' | '\t' => shown.push(char),
            control if control.is_control() => {}
            other => shown.push(other),
        }
    }
    shown
}
