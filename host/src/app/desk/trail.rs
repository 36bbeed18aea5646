//! The audit log as people search it: the newest lines first, by who did what to which object.

use crate::{
    app::{App, caller::Caller, error::AppError, lists::DEFAULT_LIMIT},
    domain::{
        audit::{AuditEntry, AuditLine},
        digest,
        time::Day,
    },
    operations::now,
    store::{StoreError, Write},
};

/// How many lines one search reads. The page says how far back it has searched.
const MOST_SEARCHED: usize = 5_000;

/// How many lines are read at a time.
const READ: u32 = 1_000;

/// Which lines are wanted. What is empty matches every line.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// The id of what the lines are about, in full.
    pub subject: String,
    /// A part of the name of who did it, in any case.
    pub actor: String,
    /// A part of the action, such as `task.` or `approved`.
    pub action: String,
    /// The first day, in UTC.
    pub from: Option<Day>,
    /// The last day, in UTC.
    pub until: Option<Day>,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct TrailLine {
    /// The line as it is stored.
    pub line: AuditLine,
    /// What it says. `None` if somebody made it unreadable.
    pub entry: Option<AuditEntry>,
}

/// The lines that a search has found, newest first.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The lines.
    pub lines: Vec<TrailLine>,
    /// The number before which to search on. `None`: nothing older can match.
    pub older: Option<i64>,
}

impl Trail {
    fn matches(&self, found: &TrailLine) -> bool {
        let part = |part: &str, of: &str| part.is_empty() || of.to_lowercase().contains(&part.to_lowercase());
        let begun = self.until.is_none_or(|day| found.line.at < day.plus_days(1).start());
        let said = match &found.entry {
            Some(entry) => part(&self.actor, &entry.actor) && part(&self.action, &entry.action),
            // Whoever hides a line by making it unreadable must not succeed.
            None => true,
        };
        begun && said && !self.is_before(&found.line)
    }

    /// Whether a line is older than anything that is wanted.
    fn is_before(&self, line: &AuditLine) -> bool {
        self.from.is_some_and(|day| line.at < day.start())
    }
}

impl App {
    /// Searches the audit log backwards from the line before `before`, or from its end. Ends with a
    /// page of lines, or after five thousand that were looked at.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` unless an operator asks, or when the store can't be read.
    pub async fn search_audit(&self, caller: &Caller, trail: &Trail, before: Option<i64>) -> Result<Found, AppError> {
        caller.operator()?;
        Ok(self.searched(trail, before, DEFAULT_LIMIT as usize).await?)
    }

    /// Records that somebody exports the lines of a search.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` unless an operator asks, or when the store can't be written.
    pub async fn record_audit_export(&self, caller: &Caller, trail: &Trail) -> Result<(), AppError> {
        caller.operator()?;
        let head = self.store.audit_head().await?;
        let line = AuditEntry {
            at: now(),
            actor: caller.signature(),
            action: "audit.exported".to_owned(),
            subject: "audit".to_owned(),
            digest: digest::sha256(head.to_string().as_bytes()),
            reason: Some(format!("lines up to {} that match {trail:?}", head.number)),
        };
        Ok(self.store.record(Write::Audit(line)).await?)
    }

    /// Returns the next lines of an export; without lines, there may still be older ones.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn export_audit(&self, trail: &Trail, before: Option<i64>) -> Result<Found, AppError> {
        Ok(self.searched(trail, before, MOST_SEARCHED).await?)
    }

    async fn searched(&self, trail: &Trail, before: Option<i64>, most: usize) -> Result<Found, StoreError> {
        let mut before = match (before, trail.until) {
            (Some(before), _) => Some(before),
            (None, Some(day)) => Some(self.first_line_after(day).await?),
            (None, None) => None,
        };
        let subject = (!trail.subject.is_empty()).then_some(trail.subject.as_str());
        let mut found = Found::default();
        let mut looked_at = 0;
        while looked_at < MOST_SEARCHED {
            let lines = self.store.audit_back(before, subject, READ).await?;
            let is_last = lines.len() < READ as usize;
            for line in lines {
                if trail.is_before(&line) {
                    return Ok(found);
                }
                (looked_at, before) = (looked_at + 1, Some(line.number));
                let entry = serde_json::from_str(&line.text).ok();
                let line = TrailLine { line, entry };
                if trail.matches(&line) {
                    found.lines.push(line);
                }
                if found.lines.len() == most {
                    found.older = before;
                    return Ok(found);
                }
            }
            if is_last {
                return Ok(found);
            }
        }
        found.older = before;
        Ok(found)
    }

    /// Returns the number of the first line after a day. Numbers and times grow together, so half
    /// of the lines that are left are ruled out with each one that is read.
    async fn first_line_after(&self, day: Day) -> Result<i64, StoreError> {
        let (mut low, mut high) = (1, self.store.audit_head().await?.number + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let line = self.store.audit(middle - 1, 1).await?.into_iter().next();
            match line {
                Some(line) if line.at < day.plus_days(1).start() => low = line.number + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    fn line(actor: &str, action: &str, at: &str) -> TrailLine {
        let at = Timestamp::parse(at).unwrap();
        let entry = AuditEntry {
            at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: "b1".to_owned(),
            digest: String::new(),
            reason: None,
        };
        let text = serde_json::to_string(&entry).unwrap();
        let line = AuditLine { number: 1, at, subject: "b1".to_owned(), text, link: String::new() };
        TrailLine { line, entry: Some(entry) }
    }

    #[test]
    fn lines_match_by_parts_of_their_words_and_by_whole_days() {
        let approved = line("Anna (desk)", "task.approved", "2026-12-01T23:59:59.5Z");
        let day = |text: &str| Some(Day::parse(text).unwrap());
        let of = |actor: &str, action: &str, from: Option<Day>, until: Option<Day>| Trail {
            actor: actor.to_owned(),
            action: action.to_owned(),
            from,
            until,
            ..Trail::default()
        };
        for (trail, matches) in [
            (Trail::default(), true),
            (of("anna", "", None, None), true),
            (of("ben", "", None, None), false),
            (of("", "TASK.", None, None), true),
            (of("", "rejected", None, None), false),
            (of("", "", day("2026-12-01"), day("2026-12-01")), true),
            (of("", "", day("2026-12-02"), None), false),
            (of("", "", None, day("2026-11-30")), false),
        ] {
            assert_eq!(trail.matches(&approved), matches, "{trail:?}");
        }
        let unreadable = TrailLine { entry: None, ..approved };
        assert!(of("ben", "rejected", None, None).matches(&unreadable), "a line that was made unreadable is shown");
    }
}
