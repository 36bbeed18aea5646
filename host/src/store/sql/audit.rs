//! The audit log, a chain: each line carries what a key makes of itself and of the one before it.

use super::{
    Database, Dialect, Transaction,
    read::MOST_PER_PAGE,
    rows::{Row, to_doc},
    script::{Script, Statement, Want},
};
use crate::{
    domain::audit::{AuditEntry, AuditLine, Head},
    store::StoreError,
};

/// How many lines one statement adds: five parameters each, and SQLite takes 32,766.
const LINES: usize = 500;

/// Adds lines. To be called last in a transaction: from here to the commit nobody else can add any.
pub(super) async fn append(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    entries: &[AuditEntry],
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

/// The last line.
const LAST: &str = "SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1";

fn head_of(last: &[Row]) -> Result<Head, StoreError> {
    match last.first() {
        Some(row) => Ok(Head { number: row.int("seq")?, link: row.text("chain")? }),
        None => Ok(Head::START),
    }
}

/// How far the log goes.
pub(super) async fn head(database: &impl Database) -> Result<Head, StoreError> {
    head_of(&database.read(Statement::new(LAST)).await?)
}

/// Where the chain begins, if that is recorded.
pub(super) async fn begins(database: &impl Database) -> Result<Option<i64>, StoreError> {
    let asked = Statement::new("SELECT number FROM audit_beginning");
    database.read(asked).await?.first().map(|row| row.int("number")).transpose()
}

/// Lines from a number on, oldest first.
pub(super) async fn lines(database: &impl Database, from: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
    let asked = Statement::new("SELECT seq, at, subject, doc, chain FROM audit WHERE seq >= ? ORDER BY seq LIMIT ?")
        .with(from)
        .with(limit.min(MOST_PER_PAGE));
    database.read(asked).await?.iter().map(line).collect()
}

/// The last line about a subject.
pub(super) async fn last_about(database: &impl Database, subject: &str) -> Result<Option<AuditLine>, StoreError> {
    let asked = "SELECT seq, at, subject, doc, chain FROM audit WHERE subject = ? ORDER BY seq DESC LIMIT 1";
    database.read(Statement::new(asked).with(subject)).await?.first().map(line).transpose()
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
