//! The audit log, a chain: each line carries the digest of itself and of the one before it.

use sqlx::{SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{
    error::from_sqlx,
    read::MOST_PER_PAGE,
    rows::{column, moment, to_doc},
    script::{Script, Want},
};
use crate::{
    domain::audit::{AuditEntry, AuditLine, Head},
    store::StoreError,
};

/// How far the log goes, inside the transaction that goes on with it.
pub(super) async fn head(connection: &mut SqliteConnection) -> Result<Head, StoreError> {
    let last = sqlx::query("SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(connection)
        .await
        .map_err(from_sqlx)?;
    match last {
        Some(row) => Ok(Head { number: column(&row, "seq")?, link: column(&row, "chain")? }),
        None => Ok(Head::START),
    }
}

/// Adds lines after a head.
pub(super) fn append(script: &mut Script, mut head: Head, entries: &[AuditEntry]) -> Result<(), StoreError> {
    let mut lines = Vec::with_capacity(entries.len());
    for entry in entries {
        let text = to_doc(entry)?;
        head = head.next(&text);
        lines.push((head.number, entry.at.as_micros(), &entry.subject, text, head.link.clone()));
    }
    script
        .statement(
            "INSERT INTO audit (seq, at, subject, doc, chain)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) ORDER BY key",
            Want::Any,
        )
        .bind(to_doc(&lines)?);
    Ok(())
}

/// Lines after a number, oldest first.
pub(super) async fn lines(readers: &SqlitePool, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
    let found = sqlx::query("SELECT seq, at, subject, doc, chain FROM audit WHERE seq > ? ORDER BY seq LIMIT ?")
        .bind(after)
        .bind(limit.min(MOST_PER_PAGE))
        .fetch_all(readers)
        .await
        .map_err(from_sqlx)?;
    found.iter().map(line).collect()
}

/// The last line about a subject.
pub(super) async fn last_about(readers: &SqlitePool, subject: &str) -> Result<Option<AuditLine>, StoreError> {
    let found =
        sqlx::query("SELECT seq, at, subject, doc, chain FROM audit WHERE subject = ? ORDER BY seq DESC LIMIT 1")
            .bind(subject)
            .fetch_optional(readers)
            .await
            .map_err(from_sqlx)?;
    found.as_ref().map(line).transpose()
}

fn line(row: &SqliteRow) -> Result<AuditLine, StoreError> {
    Ok(AuditLine {
        number: column(row, "seq")?,
        at: moment(row, "at")?,
        subject: column(row, "subject")?,
        text: column(row, "doc")?,
        link: column(row, "chain")?,
    })
}
