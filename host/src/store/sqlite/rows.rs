//! Rows and documents as the domain's values, and back.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};

use super::error::from_sqlx;
use crate::{
    domain::{
        id::{OperationId, PlatformName, PrincipalId},
        media_buy::{MediaBuy, RemoteKind, RemoteObject},
        operation::Operation,
        step::{Step, StepState},
        task::Task,
        time::Timestamp,
    },
    store::{IdempotencyEntry, StoreError, Stored, TokenRecord},
};

/// A column of a row.
pub(super) fn column<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(
    row: &'r SqliteRow,
    name: &'static str,
) -> Result<T, StoreError> {
    row.try_get(name).map_err(from_sqlx)
}

/// A value as the document that is stored.
pub(super) fn to_doc(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("a value has no JSON form: {error}")))
}

/// The value of a stored document.
pub(super) fn from_doc<T: DeserializeOwned>(what: &str, doc: &str) -> Result<T, StoreError> {
    serde_json::from_str(doc).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
}

/// The value in a row's column `doc`.
pub(super) fn doc<T: DeserializeOwned>(what: &str, row: &SqliteRow) -> Result<T, StoreError> {
    from_doc(what, column(row, "doc")?)
}

/// A buy of a row with `doc` and `remote`.
pub(super) fn buy(row: &SqliteRow) -> Result<MediaBuy, StoreError> {
    let mut buy: MediaBuy = doc("a media buy", row)?;
    let objects: Vec<(PlatformName, RemoteKind, String, String)> =
        from_doc("a media buy's remote objects", column(row, "remote")?)?;
    buy.remote = BTreeMap::new();
    for (platform, kind, key, id) in objects {
        buy.remote.entry(platform).or_default().push(RemoteObject { kind, key, id });
    }
    for objects in buy.remote.values_mut() {
        objects.sort();
    }
    Ok(buy)
}

/// A buy and its version.
pub(super) fn stored_buy(row: &SqliteRow) -> Result<Stored<MediaBuy>, StoreError> {
    Ok(Stored { value: buy(row)?, version: column(row, "version")? })
}

/// An operation and its version.
pub(super) fn stored_operation(row: &SqliteRow) -> Result<Stored<Operation>, StoreError> {
    Ok(Stored { value: doc("an operation", row)?, version: column(row, "version")? })
}

/// A task and its version.
pub(super) fn stored_task(row: &SqliteRow) -> Result<Stored<Task>, StoreError> {
    Ok(Stored { value: doc("a task", row)?, version: column(row, "version")? })
}

/// A step.
pub(super) fn step(row: &SqliteRow) -> Result<Step, StoreError> {
    let state: &str = column(row, "state")?;
    Ok(Step {
        operation: OperationId::new(column::<String>(row, "operation")?),
        platform: PlatformName::new(column::<String>(row, "platform")?),
        name: column(row, "name")?,
        reference: column(row, "reference")?,
        state: StepState::parse(state)
            .ok_or_else(|| StoreError::Corrupt(format!("a step is in the unknown state {state:?}")))?,
        outcome: column(row, "outcome")?,
        begun_at: moment(row, "begun_at")?,
    })
}

/// An idempotency key's entry.
pub(super) fn idempotency(row: &SqliteRow) -> Result<IdempotencyEntry, StoreError> {
    let answer: Option<&str> = column(row, "answer")?;
    Ok(IdempotencyEntry {
        principal: PrincipalId::new(column::<String>(row, "principal")?),
        key: column(row, "key")?,
        fingerprint: column(row, "fingerprint")?,
        operation: OperationId::new(column::<String>(row, "operation")?),
        answer: answer.map(|answer| from_doc("the answer to an idempotency key", answer)).transpose()?,
        created_at: moment(row, "created_at")?,
        expires_at: moment(row, "expires_at")?,
    })
}

/// A token.
pub(super) fn token(row: &SqliteRow) -> Result<TokenRecord, StoreError> {
    let maybe = |name| Ok::<_, StoreError>(column::<Option<i64>>(row, name)?.map(Timestamp::from_micros));
    Ok(TokenRecord {
        name: column(row, "name")?,
        sha256: column(row, "sha256")?,
        role: column(row, "role")?,
        principal: column::<Option<String>>(row, "principal")?.map(PrincipalId::new),
        created_at: moment(row, "created_at")?,
        expires_at: maybe("expires_at")?,
        revoked_at: maybe("revoked_at")?,
    })
}

/// A column with a moment.
pub(super) fn moment(row: &SqliteRow, name: &'static str) -> Result<Timestamp, StoreError> {
    column(row, name).map(Timestamp::from_micros)
}
