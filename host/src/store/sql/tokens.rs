//! Tokens that are made on the command line. Those of the configuration are not here, but for which of them are refused.

use super::{
    Database, Dialect, Transaction, audit,
    read::MOST_ROWS,
    rows,
    script::{Script, Statement, Want},
};
use crate::{
    domain::{id::PrincipalId, time::Timestamp},
    store::{AuditEntry, Revocation, StoreError, TokenRecord},
};

/// Stores a token whose name and digest are new, with the line that tells of it.
pub(super) async fn add(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (token, line): &(TokenRecord, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "INSERT INTO tokens (name, person, sha256, role, principal, created_at, expires_at, revoked_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the token")),
        )
        .bind(token.name.as_str())
        .bind(token.person.as_str())
        .bind(token.sha256.as_str())
        .bind(token.role.as_str())
        .bind(token.principal.as_ref().map(PrincipalId::as_str))
        .bind(token.created_at.as_micros())
        .bind(token.expires_at.map(Timestamp::as_micros))
        .bind(token.revoked_at.map(Timestamp::as_micros));
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

/// Revokes a token that is not revoked yet, with the line that tells of it.
pub(super) async fn revoke(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (name, line): &(String, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "UPDATE tokens SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL",
            Want::Changes(1, StoreError::Stale("the token")),
        )
        .bind(line.at.as_micros())
        .bind(name.as_str());
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

/// Has a token of a configuration be refused, with the line that tells of it.
pub(super) async fn revoke_digest(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (revocation, line): &(Revocation, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "INSERT INTO revoked_tokens (sha256, name, revoked_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the token")),
        )
        .bind(revocation.sha256.as_str())
        .bind(revocation.name.as_str())
        .bind(revocation.at.as_micros());
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

/// Takes a revocation back, with the line that tells of it.
pub(super) async fn restore(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (sha256, line): &(String, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement("DELETE FROM revoked_tokens WHERE sha256 = ? RETURNING 1 AS restored", Want::Keep)
        .bind(sha256.as_str());
    script
        .statement(
            "UPDATE tokens SET revoked_at = NULL WHERE sha256 = ? AND revoked_at IS NOT NULL RETURNING 1 AS restored",
            Want::Keep,
        )
        .bind(sha256.as_str());
    if transaction.run(script).await?.is_empty() {
        return Err(StoreError::Stale("the token"));
    }
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

/// Every token that is refused, by `sha256`, `name` and `revoked_at`.
const REVOKED: &str = "SELECT sha256, name, revoked_at FROM tokens WHERE revoked_at IS NOT NULL
    UNION ALL SELECT sha256, name, revoked_at FROM revoked_tokens";

pub(super) async fn revocations(database: &impl Database) -> Result<Vec<Revocation>, StoreError> {
    let mut asked = Statement::new(REVOKED);
    asked.push(" ORDER BY revoked_at, name LIMIT ?").bind(MOST_ROWS);
    let revocation = |row: &rows::Row| {
        Ok(Revocation { name: row.text("name")?, sha256: row.text("sha256")?, at: row.moment("revoked_at")? })
    };
    database.read(asked).await?.iter().map(revocation).collect()
}

/// How many digests one statement asks for.
const DIGESTS: usize = 500;

pub(super) async fn revoked_among(database: &impl Database, tokens: &[String]) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for tokens in tokens.chunks(DIGESTS) {
        let list = format!("({})", vec!["?"; tokens.len()].join(", "));
        let mut asked = Statement::new("SELECT sha256 FROM tokens WHERE revoked_at IS NOT NULL AND sha256 IN ");
        asked.push(&list);
        for token in tokens {
            asked.bind(token.as_str());
        }
        asked.push(" UNION ALL SELECT sha256 FROM revoked_tokens WHERE sha256 IN ").push(&list);
        for token in tokens {
            asked.bind(token.as_str());
        }
        for row in database.read(asked).await? {
            found.push(row.text("sha256")?);
        }
    }
    Ok(found)
}

pub(super) async fn token(database: &impl Database, sha256: &str) -> Result<Option<TokenRecord>, StoreError> {
    let asked = Statement::new(
        "SELECT name, person, sha256, role, principal, created_at, expires_at, revoked_at FROM tokens WHERE sha256 = ?",
    )
    .with(sha256);
    database.read(asked).await?.first().map(rows::token).transpose()
}

pub(super) async fn named(database: &impl Database, name: &str) -> Result<Option<TokenRecord>, StoreError> {
    let asked = Statement::new(
        "SELECT name, person, sha256, role, principal, created_at, expires_at, revoked_at FROM tokens WHERE name = ?",
    )
    .with(name);
    database.read(asked).await?.first().map(rows::token).transpose()
}

pub(super) async fn tokens(database: &impl Database) -> Result<Vec<TokenRecord>, StoreError> {
    let asked = Statement::new(
        "SELECT name, person, sha256, role, principal, created_at, expires_at, revoked_at FROM tokens
         ORDER BY created_at, name LIMIT ?",
    )
    .with(MOST_ROWS);
    database.read(asked).await?.iter().map(rows::token).collect()
}
