//! Idempotency keys and the first answer given for each.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        id::{OperationId, PrincipalId},
        time::Timestamp,
    },
    store::{
        Store, StoreError,
        sql::{
            Dialect, Transaction,
            rows::{self, to_doc},
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// An idempotency key, scoped to a principal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdempotencyEntry {
    /// The principal that the key belongs to.
    pub principal: PrincipalId,
    /// The key as given by the caller.
    pub key: String,
    /// Digest of tool and body. A reuse of the key with a different body is rejected.
    pub fingerprint: String,
    /// The operation that was accepted under the key.
    pub operation: OperationId,
    /// The first answer, once it has been given.
    pub answer: Option<serde_json::Value>,
    /// When the key was first used.
    pub created_at: Timestamp,
    /// When the key may be deleted.
    pub expires_at: Timestamp,
}

impl Store {
    /// Reads the entry of an idempotency key.
    pub async fn idempotency(
        &self,
        principal: &PrincipalId,
        key: &str,
    ) -> Result<Option<IdempotencyEntry>, StoreError> {
        let asked = Statement::new(
            "SELECT principal, key, fingerprint, operation, answer, created_at, expires_at FROM idempotency
                 WHERE principal = ? AND key = ?",
        )
        .with(principal.as_str())
        .with(key);
        self.read(asked).await?.first().map(rows::idempotency).transpose()
    }

    /// Stores the first answer given for an idempotency key. Later answers change nothing.
    pub async fn record_answer(
        &self,
        principal: &PrincipalId,
        key: &str,
        answer: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.write((principal.clone(), key.to_owned(), answer.clone()), work!(record_answer)).await
    }

    /// Deletes at most `limit` expired keys, oldest first, and returns how many.
    pub async fn forget_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((now, limit), work!(forget_keys)).await
    }
}

/// Inserts a key. If the key is taken, the script fails with the existing entry.
pub(super) fn insert_key(script: &mut Script, entry: &IdempotencyEntry) -> Result<(), StoreError> {
    let answer = entry.answer.as_ref().map(to_doc).transpose()?;
    let mine = entry.operation.clone();
    let check = move |found: &[rows::Row]| {
        let row = found.first().ok_or_else(|| StoreError::Corrupt("a key was written and not found".to_owned()))?;
        let entry = rows::idempotency(row)?;
        if entry.operation == mine { Ok(()) } else { Err(StoreError::KeyTaken(Box::new(entry))) }
    };
    script
        .statement(
            "INSERT INTO idempotency (principal, key, fingerprint, operation, answer, created_at, expires_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (principal, key) DO UPDATE SET key = excluded.key
             RETURNING principal, key, fingerprint, operation, answer, created_at, expires_at",
            Want::Check(Box::new(check)),
        )
        .bind(entry.principal.as_str())
        .bind(entry.key.as_str())
        .bind(entry.fingerprint.as_str())
        .bind(entry.operation.as_str())
        .bind(answer)
        .bind(entry.created_at.as_micros())
        .bind(entry.expires_at.as_micros());
    Ok(())
}

/// Stores the first answer of a key. Later answers change nothing.
async fn record_answer(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (principal, key, answer): &(PrincipalId, String, serde_json::Value),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement("UPDATE idempotency SET answer = ? WHERE principal = ? AND key = ? AND answer IS NULL", Want::Any)
        .bind(to_doc(answer)?)
        .bind(principal.as_str())
        .bind(key.as_str());
    transaction.run(script).await.map(drop)
}

/// Deletes expired keys, oldest first.
async fn forget_keys(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (now, limit): &(Timestamp, u32),
) -> Result<u64, StoreError> {
    let mut forget = Statement::new(
        "WITH picked AS MATERIALIZED (
             SELECT principal, key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
    );
    forget
        .push(dialect.unlocked_only)
        .push(
            ") DELETE FROM idempotency WHERE (principal, key) IN (SELECT principal, key FROM picked)
             RETURNING 1 AS forgotten",
        )
        .bind(now.as_micros())
        .bind(*limit);
    Ok(transaction.run(Script::asking(forget)).await?.len() as u64)
}
