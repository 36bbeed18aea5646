//! Tokens that are made on the command line. Those of the configuration are not here.

use super::{
    Database, Dialect, Transaction, audit,
    read::MOST_ROWS,
    rows,
    script::{Script, Statement, Want},
};
use crate::{
    domain::{id::PrincipalId, time::Timestamp},
    store::{AuditEntry, StoreError, TokenRecord},
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
