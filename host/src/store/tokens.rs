//! Tokens created on the command line, and revocations of those and of tokens in the configuration.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{audit::AuditEntry, id::PrincipalId, person::Person, time::Timestamp},
    store::{
        Store, StoreError, audit,
        sql::{
            Dialect, MOST_ROWS, Transaction, rows,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// A bearer token as it is stored, which is never its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The unique name of the token, under which its bearer acts.
    pub name: String,
    /// The person behind the token.
    pub person: Person,
    /// SHA-256 of the token's text, in hexadecimal.
    pub sha256: String,
    /// `buyer`, `reviewer` or `operator`.
    pub role: String,
    /// The principal of a buyer's token.
    pub principal: Option<PrincipalId>,
    /// When the token was created.
    pub created_at: Timestamp,
    /// When the token stops being valid.
    pub expires_at: Option<Timestamp>,
    /// When the token was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The revocation of a token, which applies even if a configuration still lists the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The token's name when it was revoked.
    pub name: String,
    /// SHA-256 of the token's text, in hexadecimal, which identifies it. Another token of the same
    /// name stays valid.
    pub sha256: String,
    /// When it was revoked.
    pub at: Timestamp,
}

impl Store {
    /// Stores a token and appends `line` to the audit log.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if its name or digest is taken.
    pub async fn add_token(&self, token: &TokenRecord, line: AuditEntry) -> Result<(), StoreError> {
        self.write((token.clone(), line), work!(add)).await
    }

    /// Gives a token that is not revoked another role and another end, and appends `line`, if there
    /// is one, to the audit log.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if there is no such token, or it was revoked.
    pub async fn renew_token(
        &self,
        sha256: &str,
        role: &str,
        expires_at: Timestamp,
        line: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.write((sha256.to_owned(), role.to_owned(), expires_at, line), work!(renew)).await
    }

    /// Reads the token with this digest.
    pub async fn token(&self, sha256: &str) -> Result<Option<TokenRecord>, StoreError> {
        let asked = Statement::new(
            "SELECT name, person, sha256, role, principal, created_at, expires_at, revoked_at FROM tokens WHERE sha256 = ?",
        )
        .with(sha256);
        self.read(asked).await?.first().map(rows::token).transpose()
    }

    /// Reads the token of this name.
    pub async fn token_named(&self, name: &str) -> Result<Option<TokenRecord>, StoreError> {
        let asked = Statement::new(
            "SELECT name, person, sha256, role, principal, created_at, expires_at, revoked_at FROM tokens WHERE name = ?",
        )
        .with(name);
        self.read(asked).await?.first().map(rows::token).transpose()
    }

    /// Reads every token that was ever created, oldest first.
    pub async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        let asked = Statement::new(
            "SELECT name, person, sha256, role, principal, created_at, expires_at, revoked_at FROM tokens
             ORDER BY created_at, name LIMIT ?",
        )
        .with(MOST_ROWS);
        self.read(asked).await?.iter().map(rows::token).collect()
    }

    /// Revokes the token as of `line.at` and appends `line` to the audit log.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if there is no valid token of this name.
    pub async fn revoke_token(&self, name: &str, line: AuditEntry) -> Result<(), StoreError> {
        self.write((name.to_owned(), line), work!(revoke)).await
    }

    /// Revokes a token that is not among [`Store::tokens`] and appends `line` to the audit log.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if it is already revoked.
    pub async fn revoke_digest(&self, revocation: &Revocation, line: AuditEntry) -> Result<(), StoreError> {
        self.write((revocation.clone(), line), work!(revoke_digest)).await
    }

    /// Removes the revocation of a token, whether the token is in the database or in a
    /// configuration, and appends `line` to the audit log.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if it is not revoked.
    pub async fn restore_token(&self, sha256: &str, line: AuditEntry) -> Result<(), StoreError> {
        self.write((sha256.to_owned(), line), work!(restore)).await
    }

    /// Reads the revocations, oldest first, of tokens in the database and of tokens that a
    /// configuration has or had.
    pub async fn revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        let mut asked = Statement::new(REVOKED);
        asked.push(" ORDER BY revoked_at, name LIMIT ?").bind(MOST_ROWS);
        let revocation = |row: &rows::Row| {
            Ok(Revocation { name: row.text("name")?, sha256: row.text("sha256")?, at: row.moment("revoked_at")? })
        };
        self.read(asked).await?.iter().map(revocation).collect()
    }

    /// Returns which of these tokens, given by their SHA-256, are revoked.
    pub async fn revoked_among(&self, tokens: &[String]) -> Result<Vec<String>, StoreError> {
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
            for row in self.read(asked).await? {
                found.push(row.text("sha256")?);
            }
        }
        Ok(found)
    }
}

/// Stores a token whose name and digest are new, and appends the audit line.
async fn add(
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

/// Changes the role and the end of a token that is not revoked, and appends the audit line.
async fn renew(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (sha256, role, expires_at, line): &(String, String, Timestamp, Option<AuditEntry>),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "UPDATE tokens SET role = ?, expires_at = ? WHERE sha256 = ? AND revoked_at IS NULL",
            Want::Changes(1, StoreError::Stale("the token")),
        )
        .bind(role.as_str())
        .bind(expires_at.as_micros())
        .bind(sha256.as_str());
    transaction.run(script).await?;
    match line {
        Some(line) => audit::append(transaction, dialect, std::slice::from_ref(line)).await,
        None => Ok(()),
    }
}

/// Revokes a token that is not revoked yet, and appends the audit line.
async fn revoke(
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

/// Revokes a token of the configuration, and appends the audit line.
async fn revoke_digest(
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

/// Removes a revocation, and appends the audit line.
async fn restore(
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

/// Selects every revoked token with `sha256`, `name` and `revoked_at`.
const REVOKED: &str = "SELECT sha256, name, revoked_at FROM tokens WHERE revoked_at IS NOT NULL
    UNION ALL SELECT sha256, name, revoked_at FROM revoked_tokens";

/// The number of digests in one query.
const DIGESTS: usize = 500;
