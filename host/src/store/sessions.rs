//! Sessions: the browsers that are signed in to the review desk.

use std::time::Duration;

use crate::{
    domain::{audit::AuditEntry, person::Person, time::Timestamp},
    store::{
        Store, StoreError, audit,
        sql::{
            Dialect, Transaction,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie's value, in hexadecimal.
    pub secret_sha256: String,
    /// SHA-256 of the token with which somebody signed in, in hexadecimal.
    pub token_sha256: String,
    /// When somebody signed in.
    pub created_at: Timestamp,
    /// A recent request: the last one, or one shortly before it.
    pub seen_at: Timestamp,
}

impl Store {
    /// Stores a session and appends `line` to the audit log.
    pub async fn begin_session(&self, session: &Session, person: &Person, line: AuditEntry) -> Result<(), StoreError> {
        self.write((session.clone(), person.key(), line), work!(begin)).await
    }

    /// Reads a session by the SHA-256 of its cookie.
    pub async fn session(&self, secret_sha256: &str) -> Result<Option<Session>, StoreError> {
        let asked = Statement::new("SELECT secret, token, created_at, seen_at FROM sessions WHERE secret = ?")
            .with(secret_sha256);
        let session = |row: &crate::store::sql::rows::Row| {
            Ok(Session {
                secret_sha256: row.text("secret")?,
                token_sha256: row.text("token")?,
                created_at: row.moment("created_at")?,
                seen_at: row.moment("seen_at")?,
            })
        };
        self.read(asked).await?.first().map(session).transpose()
    }

    /// Records that a session made a request, if its last recorded one is `every` ago. A browser that
    /// loads ten pages a minute need not cause ten writes.
    pub async fn see_session(&self, session: &Session, every: Duration, now: Timestamp) -> Result<(), StoreError> {
        if session.seen_at.until(now) < every {
            return Ok(());
        }
        self.write((session.secret_sha256.clone(), now), work!(see)).await
    }

    /// Ends a session and appends `line` to the audit log.
    pub async fn end_session(&self, secret_sha256: &str, line: AuditEntry) -> Result<(), StoreError> {
        self.write((secret_sha256.to_owned(), line), work!(end)).await
    }

    /// Ends all sessions of a person and appends `line` to the audit log.
    pub async fn end_sessions_of(&self, person: &Person, line: AuditEntry) -> Result<(), StoreError> {
        self.write((person.key(), line), work!(end_all)).await
    }

    /// Deletes at most `limit` sessions that made no request since `seen_before`. Returns how many.
    pub async fn forget_sessions(&self, seen_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((seen_before, limit), work!(forget)).await
    }
}

async fn begin(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (session, person, line): &(Session, String, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "INSERT INTO sessions (secret, token, person, created_at, seen_at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the session")),
        )
        .bind(session.secret_sha256.as_str())
        .bind(session.token_sha256.as_str())
        .bind(person.as_str())
        .bind(session.created_at.as_micros())
        .bind(session.seen_at.as_micros());
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

async fn see(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (secret, now): &(String, Timestamp),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement("UPDATE sessions SET seen_at = ? WHERE secret = ? AND seen_at < ?", Want::Any)
        .bind(now.as_micros())
        .bind(secret.as_str())
        .bind(now.as_micros());
    transaction.run(script).await.map(drop)
}

async fn end(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (secret, line): &(String, AuditEntry),
) -> Result<(), StoreError> {
    let ended = Statement::new("DELETE FROM sessions WHERE secret = ? RETURNING 1 AS ended").with(secret.as_str());
    if transaction.run(Script::asking(ended)).await?.is_empty() {
        return Ok(());
    }
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

async fn end_all(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (person, line): &(String, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script.statement("DELETE FROM sessions WHERE person = ?", Want::Any).bind(person.as_str());
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

async fn forget(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (seen_before, limit): &(Timestamp, u32),
) -> Result<u64, StoreError> {
    let mut forget = Statement::new(
        "WITH picked AS MATERIALIZED (SELECT secret FROM sessions WHERE seen_at < ? ORDER BY seen_at LIMIT ?",
    );
    forget
        .push(dialect.unlocked_only)
        .push(") DELETE FROM sessions WHERE secret IN (SELECT secret FROM picked) RETURNING 1 AS forgotten")
        .bind(seen_before.as_micros())
        .bind(*limit);
    Ok(transaction.run(Script::asking(forget)).await?.len() as u64)
}
