//! What `check --online` prints: a table for people, or JSON. Both are bounded.

use std::fmt::Write as _;

use serde::Serialize;

use crate::domain::{
    account::{Finding, Severity},
    id::PlatformName,
    text::is_unseen,
};

/// The rows of one platform that are printed, the worst first.
const ROWS: usize = 500;

/// The characters of a text that are printed.
const CHARACTERS: usize = 1_000;

/// The widest column of subjects, in characters. A longer subject moves its message to the right.
const SUBJECT: usize = 40;

/// Everything that was checked.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    platforms: Vec<PlatformReport>,
    fine: usize,
    warning: usize,
    pub(super) bad: usize,
}

/// What was checked on one platform.
#[derive(Debug, Serialize)]
pub(super) struct PlatformReport {
    platform: String,
    /// `null` if it could not be read.
    account: Option<Account>,
    checks: Vec<Row>,
    /// Rows that are counted, and not shown.
    omitted: usize,
    #[serde(skip)]
    counts: [usize; 3],
}

/// An account.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) currency: Option<String>,
    pub(super) time_zone: Option<String>,
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    check: &'static str,
    severity: Severity,
    subject: String,
    message: String,
    /// A JSON pointer into the configuration, as `/products/news/ad_units/0/id`; empty if it is about no
    /// one setting.
    field: String,
}

impl Row {
    pub(super) fn new(
        check: &'static str,
        subject: impl AsRef<str>,
        severity: Severity,
        message: impl AsRef<str>,
    ) -> Self {
        Self {
            check,
            severity,
            subject: clean(subject.as_ref()),
            message: clean(message.as_ref()),
            field: String::new(),
        }
    }

    pub(super) fn of(finding: &Finding) -> Self {
        let check = match finding.field.split('/').nth(1) {
            Some("settings") => "setting",
            Some("products") if finding.field.ends_with("/currency") => "currency",
            Some("products") => "product",
            Some("principals") => "principal",
            _ => "account",
        };
        let row = Self::new(check, &finding.subject, finding.severity, &finding.message);
        Self { field: clean(&finding.field), ..row }
    }
}

/// Replaces what a terminal would not show, or act on, and cuts a text off.
fn clean(text: &str) -> String {
    let shown = text.chars().map(|letter| if is_unseen(letter) { ' ' } else { letter });
    let mut cut: String = shown.take(CHARACTERS).collect();
    if text.chars().nth(CHARACTERS).is_some() {
        cut.push('…');
    }
    cut
}

/// The severities as they are sorted and counted: the worst first.
const SEVERITIES: [Severity; 3] = [Severity::Bad, Severity::Warning, Severity::Fine];

fn place(severity: Severity) -> usize {
    SEVERITIES.iter().position(|one| *one == severity).unwrap_or_default()
}

impl PlatformReport {
    pub(super) fn new(platform: &PlatformName, account: Option<Account>, mut checks: Vec<Row>) -> Self {
        let mut counts = [0; 3];
        for row in &checks {
            counts[place(row.severity)] += 1;
        }
        checks.sort_by_key(|row| place(row.severity));
        let omitted = checks.len().saturating_sub(ROWS);
        checks.truncate(ROWS);
        let account = account.map(|account| Account {
            id: clean(&account.id),
            name: clean(&account.name),
            currency: account.currency.as_deref().map(clean),
            time_zone: account.time_zone.as_deref().map(clean),
        });
        Self { platform: platform.to_string(), account, checks, omitted, counts }
    }

    fn title(&self) -> String {
        let Some(account) = &self.account else { return self.platform.clone() };
        let name = [account.id.as_str(), account.name.as_str()];
        let name = name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let parts = [
            Some(name.as_str()).filter(|name| !name.is_empty()),
            account.currency.as_deref(),
            account.time_zone.as_deref(),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        if parts.is_empty() { self.platform.clone() } else { format!("{}: {}", self.platform, parts.join(", ")) }
    }
}

impl Report {
    pub(super) fn new(platforms: Vec<PlatformReport>) -> Self {
        let sum = |at: usize| platforms.iter().map(|platform| platform.counts[at]).sum();
        Self { bad: sum(0), warning: sum(1), fine: sum(2), platforms }
    }

    /// Returns the report for people.
    pub(super) fn as_table(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` can't fail.
        for platform in &self.platforms {
            let _ = writeln!(text, "{}", platform.title());
            let widths = platform.checks.iter().map(|row| row.subject.chars().count());
            let subject = widths.filter(|width| *width <= SUBJECT).max().unwrap_or_default();
            for row in &platform.checks {
                let field = if row.field.is_empty() { String::new() } else { format!("  [{}]", row.field) };
                let Row { check, severity, subject: about, message, .. } = row;
                let severity = severity.as_str();
                let _ = writeln!(text, "  {severity:<7}  {check:<10}  {about:<subject$}  {message}{field}");
            }
            if platform.omitted > 0 {
                let _ = writeln!(text, "  and {} more, none of them worse", platform.omitted);
            }
            text.push('\n');
        }
        let warnings = if self.warning == 1 { "warning" } else { "warnings" };
        let _ = writeln!(text, "{} fine, {} {warnings}, {} bad", self.fine, self.warning, self.bad);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: Vec<Row>) -> Report {
        let account = Account {
            id: "1".to_owned(),
            name: "Acme\u{1b}[31m".to_owned(),
            currency: Some("USD".to_owned()),
            time_zone: None,
        };
        Report::new(vec![PlatformReport::new(&"acme".into(), Some(account), rows)])
    }

    #[test]
    fn a_table_has_the_worst_first_and_where_it_is_configured() {
        let finding = Finding {
            field: "/products/a/site".to_owned(),
            subject: "site 7".to_owned(),
            severity: Severity::Bad,
            message: "is gone".to_owned(),
        };
        let rows = vec![Row::new("credential", "the key", Severity::Fine, "is accepted"), Row::of(&finding)];
        let report = report(rows);
        assert_eq!(
            report.as_table(),
            "acme: 1 Acme [31m, USD\n  bad      product     site 7   is gone  [/products/a/site]\n  \
             fine     credential  the key  is accepted\n\n1 fine, 0 warnings, 1 bad\n"
        );
        assert_eq!(report.bad, 1);
    }

    #[test]
    fn a_report_is_bounded_and_counts_everything() {
        let rows =
            (0..ROWS + 5).map(|number| Row::new("setting", number.to_string(), Severity::Fine, "x".repeat(2_000)));
        let mut rows: Vec<Row> = rows.collect();
        rows.push(Row::new("setting", "last", Severity::Bad, "bad"));
        let report = report(rows);
        let platform = &report.platforms[0];
        assert_eq!((platform.checks.len(), platform.omitted, report.fine), (ROWS, 6, ROWS + 5));
        assert_eq!(platform.checks[0].subject, "last");
        assert_eq!(platform.checks[1].message.chars().count(), CHARACTERS + 1);
    }
}
