//! What was found: a verdict for each rule.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

use super::rules::{self, Rule};

/// Failures of one rule that are kept in full. The others are counted.
const KEPT: usize = 8;

/// The verdict about a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The adapter keeps the rule, as far as was tried.
    Passed,
    /// The adapter breaks it.
    Failed,
    /// It was not tried.
    Skipped,
}

/// A rule and what was found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// What the rule says.
    pub says: &'static str,
    /// The part of `wit/v1.1` that it comes from.
    pub from: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// What was tried, or why it was not.
    pub seen: String,
    /// What was seen that breaks the rule. At most eight cases in full.
    pub failures: Vec<String>,
    /// How many cases broke the rule.
    pub failed: usize,
    /// How to mend it, if the adapter breaks it.
    pub mend: Option<&'static str>,
}

/// One resource that calls used.
#[derive(Debug, Clone, Serialize)]
pub struct Used {
    /// What it is, with its unit.
    pub what: &'static str,
    /// The most that one call used.
    pub most: u64,
    /// The limit of one call.
    pub limit: u64,
}

/// Everything that was found out about a component.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The component file.
    pub component: String,
    /// Its SHA-256.
    pub digest: String,
    /// The adapter's name and version, if it describes itself.
    pub adapter: String,
    /// The address of the ad server.
    pub ad_server: String,
    /// The seed of the generated requests: the same seed generates the same requests.
    pub seed: u64,
    /// The findings, one for each rule.
    pub findings: Vec<Finding>,
    /// What the calls used.
    pub used: Vec<Used>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Report {
    /// Returns how many rules have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// Returns whether the adapter breaks no rule.
    pub fn is_good(&self) -> bool {
        self.count(Verdict::Failed) == 0
    }
}

#[derive(Debug, Default)]
struct Notes {
    seen: Vec<String>,
    failures: Vec<String>,
    failed: usize,
    skipped: Option<String>,
}

/// Collects what is found while the rules are verified.
#[derive(Debug, Default)]
pub(super) struct Notebook {
    notes: Mutex<BTreeMap<&'static str, Notes>>,
    /// The groups that are verified. Empty: all.
    only: Vec<String>,
}

impl Notebook {
    pub(super) fn new(only: Vec<String>) -> Self {
        Self { notes: Mutex::default(), only }
    }

    /// Returns whether a rule or group is to be verified.
    pub(super) fn wants(&self, name: &str) -> bool {
        let group = |text: &str| text.split('.').next().unwrap_or_default().to_owned();
        self.only.is_empty() || self.only.iter().any(|only| only == name || *only == group(name))
    }

    fn notes(&self) -> MutexGuard<'_, BTreeMap<&'static str, Notes>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records what was tried for a rule.
    pub(super) fn seen(&self, rule: &'static Rule, what: impl Into<String>) {
        self.notes().entry(rule.id).or_default().seen.push(what.into());
    }

    /// Records what breaks a rule.
    pub(super) fn fail(&self, rule: &'static Rule, what: impl Into<String>) {
        let mut all = self.notes();
        let notes = all.entry(rule.id).or_default();
        notes.failed += 1;
        if notes.failures.len() < KEPT {
            notes.failures.push(what.into());
        }
    }

    /// Records each text of a list as something that breaks a rule.
    pub(super) fn fail_all(&self, rule: &'static Rule, what: impl IntoIterator<Item = String>) {
        for text in what {
            self.fail(rule, text);
        }
    }

    /// Records why a rule was not tried.
    pub(super) fn skip(&self, rule: &'static Rule, why: impl Into<String>) {
        self.notes().entry(rule.id).or_default().skipped.get_or_insert(why.into());
    }

    /// Returns a finding for each rule.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut all = std::mem::take(&mut *self.notes());
        let finding = |rule: &&'static Rule| {
            let notes = all.remove(rule.id).unwrap_or_default();
            let verdict = match (notes.failed, notes.seen.is_empty()) {
                (0, true) => Verdict::Skipped,
                (0, false) => Verdict::Passed,
                _ => Verdict::Failed,
            };
            let why = || match self.wants(rule.id) {
                true => notes.skipped.clone().unwrap_or_else(|| "an earlier rule is broken".to_owned()),
                false => "left out by --only".to_owned(),
            };
            Finding {
                rule: rule.id,
                says: rule.says,
                from: rule.from,
                verdict,
                seen: if verdict == Verdict::Skipped { why() } else { notes.seen.join("; ") },
                failures: notes.failures,
                failed: notes.failed,
                mend: (verdict == Verdict::Failed).then_some(rule.mend),
            }
        };
        rules::ALL.iter().map(finding).collect()
    }
}

/// Returns whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_passes_only_if_it_was_tried() {
        let notebook = Notebook::new(vec!["world".to_owned(), "plan".to_owned()]);
        notebook.seen(rules::CONTRACT, "contract 1.0.0");
        notebook.seen(rules::DESCRIPTION, "two calls");
        notebook.fail(rules::DESCRIPTION, "it changes");
        let findings = notebook.findings();
        let of = |rule: &Rule| findings.iter().find(|finding| finding.rule == rule.id).unwrap();
        assert_eq!(of(rules::CONTRACT).verdict, Verdict::Passed);
        assert_eq!(of(rules::DESCRIPTION).verdict, Verdict::Failed);
        assert_eq!(of(rules::PLAN_SAME).seen, "an earlier rule is broken");
        assert_eq!(of(rules::CREATE_DONE).seen, "left out by --only");
        assert_eq!(findings.len(), rules::ALL.len());
    }
}
