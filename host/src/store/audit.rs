//! The audit log: immutable lines, each with the link that chains it to the previous line.

use std::borrow::Borrow;

use crate::{
    domain::audit::{AuditEntry, AuditLine, Head},
    store::{
        Store, StoreError,
        sql::{
            Dialect, MOST_PER_PAGE, Transaction,
            rows::{Row, to_doc},
            script::{Script, Statement, Want},
        },
    },
};

impl Store {
    /// Reads at most `limit` lines of the audit log after line number `after`, oldest first. The
    /// first line is 1; `i64::MIN` also finds lines that somebody inserted before it.
    pub async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        // Nothing comes after the largest number, and nothing before the first.
        let Some(from) = (if after == i64::MIN { Some(after) } else { after.checked_add(1) }) else {
            return Ok(Vec::new());
        };
        let asked =
            Statement::new("SELECT seq, at, subject, doc, chain FROM audit WHERE seq >= ? ORDER BY seq LIMIT ?")
                .with(from)
                .with(limit.min(MOST_PER_PAGE));
        self.read(asked).await?.iter().map(line).collect()
    }

    /// Reads at most `limit` lines before line number `before`, newest first; only those about
    /// `subject`, if there is one.
    pub async fn audit_back(
        &self,
        before: Option<i64>,
        subject: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let mut asked = Statement::new("SELECT seq, at, subject, doc, chain FROM audit WHERE seq < ?");
        asked.bind(before.unwrap_or(i64::MAX));
        if let Some(subject) = subject {
            asked.push(" AND subject = ?").bind(subject);
        }
        asked.push(" ORDER BY seq DESC LIMIT ?").bind(limit.min(MOST_PER_PAGE));
        self.read(asked).await?.iter().map(line).collect()
    }

    /// Returns the number of the first line that must have a link, or `None` if it is missing,
    /// which means that somebody removed it.
    pub async fn audit_begins(&self) -> Result<Option<i64>, StoreError> {
        let asked = Statement::new("SELECT number FROM audit_beginning");
        self.read(asked).await?.first().map(|row| row.int("number")).transpose()
    }

    /// Returns the number and link of the last line.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        head_of(&self.read(Statement::new(LAST)).await?)
    }

    /// Reads the last audit line about a subject.
    pub async fn last_audit(&self, subject: &str) -> Result<Option<AuditLine>, StoreError> {
        let asked = "SELECT seq, at, subject, doc, chain FROM audit WHERE subject = ? ORDER BY seq DESC LIMIT 1";
        self.read(Statement::new(asked).with(subject)).await?.first().map(line).transpose()
    }
}

/// Lines per INSERT statement. Each takes five parameters, and SQLite allows 32,766.
const LINES: usize = 500;

/// Appends lines. Must be the last write in a transaction: from here to the commit, no other writer
/// can append.
pub(super) async fn append<E: Borrow<AuditEntry> + Sync>(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    entries: &[E],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    if let Some(lock) = dialect.audit_lock {
        let mut script = Script::default();
        script.statement(lock, Want::Any);
        transaction.run(script).await?;
    }
    let keys = transaction.keys().unwrap_or_default();
    let key = keys.current().map_err(StoreError::NoKey)?;
    let mut head = head_of(&transaction.run(Script::asking(Statement::new(LAST))).await?)?;
    let mut script = Script::default();
    for entries in entries.chunks(LINES) {
        let insert = script.statement("INSERT INTO audit (seq, at, subject, doc, chain) VALUES ", Want::Any);
        for (index, entry) in entries.iter().enumerate() {
            let entry: &AuditEntry = entry.borrow();
            let text = to_doc(entry)?;
            head = head.next(&text, key);
            insert
                .push(if index == 0 { "(?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?)" })
                .bind(head.number)
                .bind(entry.at.as_micros())
                .bind(entry.subject.as_str())
                .bind(text)
                .bind(head.link.as_str());
        }
    }
    transaction.run(script).await.map(drop)
}

/// Selects the number and link of the last line.
const LAST: &str = "SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1";

fn head_of(last: &[Row]) -> Result<Head, StoreError> {
    match last.first() {
        Some(row) => Ok(Head { number: row.int("seq")?, link: row.text("chain")? }),
        None => Ok(Head::START),
    }
}

fn line(row: &Row) -> Result<AuditLine, StoreError> {
    Ok(AuditLine {
        number: row.int("seq")?,
        at: row.moment("at")?,
        subject: row.text("subject")?,
        text: row.text("doc")?,
        link: row.text("chain")?,
    })
}
