//! Conversion between rows, documents and the domain's values.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};

use crate::{
    domain::{
        id::{OperationId, PlatformName, PrincipalId},
        media_buy::{MediaBuy, RemoteKind, RemoteObject},
        operation::Operation,
        person::Person,
        step::{Step, StepState},
        task::Task,
        time::Timestamp,
    },
    store::{IdempotencyEntry, StoreError, Stored, TokenRecord, sql::escape},
};

/// A row of either database.
pub(in crate::store) enum Row {
    /// A row of SQLite.
    Sqlite(SqliteRow),
    /// A row of PostgreSQL.
    Postgres(PgRow),
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "a row of SQLite",
            Self::Postgres(_) => "a row of PostgreSQL",
        })
    }
}

impl Row {
    fn column<'r, T>(&'r self, name: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        let found = match self {
            Self::Sqlite(row) => row.try_get(name),
            Self::Postgres(row) => row.try_get(name),
        };
        found.map_err(|error| StoreError::Corrupt(format!("column {name}: {error}")))
    }

    /// Returns the number in a column.
    pub(in crate::store) fn int(&self, name: &'static str) -> Result<i64, StoreError> {
        self.column(name)
    }

    /// Returns the number in a column, or `None` for NULL.
    pub(in crate::store) fn maybe_int(&self, name: &'static str) -> Result<Option<i64>, StoreError> {
        self.column(name)
    }

    /// Returns the moment in a column.
    pub(in crate::store) fn moment(&self, name: &'static str) -> Result<Timestamp, StoreError> {
        self.int(name).map(Timestamp::from_micros)
    }

    /// Returns the moment in a column, or `None` for NULL.
    pub(in crate::store) fn maybe_moment(&self, name: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.maybe_int(name)?.map(Timestamp::from_micros))
    }

    /// Returns the text in a column.
    pub(in crate::store) fn text(&self, name: &'static str) -> Result<String, StoreError> {
        self.maybe_text(name)?.ok_or_else(|| StoreError::Corrupt(format!("column {name} is empty")))
    }

    /// Returns the text in a column, or `None` for NULL.
    pub(in crate::store) fn maybe_text(&self, name: &'static str) -> Result<Option<String>, StoreError> {
        Ok(self.column::<Option<&str>>(name)?.map(|text| self.as_given(text).into_owned()))
    }

    /// Returns the bytes in a column, or `None` for NULL.
    pub(in crate::store) fn maybe_bytes(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.column(name)
    }

    /// Parses the document in a column.
    pub(in crate::store) fn doc<T: DeserializeOwned>(&self, what: &str, name: &'static str) -> Result<T, StoreError> {
        from_doc(what, &self.as_given(self.column(name)?))
    }

    /// Parses a document that the database assembled from other columns, whose texts are therefore
    /// in their stored form.
    fn collected<T: DeserializeOwned>(&self, what: &str, name: &'static str) -> Result<T, StoreError> {
        from_doc(what, self.column(name)?)
    }

    /// Returns the text as it was before it was stored.
    fn as_given<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self {
            Self::Sqlite(_) => Cow::Borrowed(text),
            Self::Postgres(_) => escape::from_stored(text),
        }
    }
}

/// Serializes a value to the document to store.
pub(in crate::store) fn to_doc(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("a value has no JSON form: {error}")))
}

/// Parses a stored document.
pub(in crate::store) fn from_doc<T: DeserializeOwned>(what: &str, doc: &str) -> Result<T, StoreError> {
    serde_json::from_str(doc).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
}

/// Reads a buy from a row with `doc` and `remote`.
pub(in crate::store) fn buy(row: &Row) -> Result<MediaBuy, StoreError> {
    let mut buy: MediaBuy = row.doc("a media buy", "doc")?;
    let objects: Vec<(PlatformName, RemoteKind, String, String)> =
        row.collected("a media buy's remote objects", "remote")?;
    buy.remote = BTreeMap::new();
    for (platform, kind, key, id) in objects {
        let object = RemoteObject { kind, key: row.as_given(&key).into_owned(), id: row.as_given(&id).into_owned() };
        buy.remote.entry(platform).or_default().push(object);
    }
    for objects in buy.remote.values_mut() {
        objects.sort();
    }
    Ok(buy)
}

/// Reads a buy and its version.
pub(in crate::store) fn stored_buy(row: &Row) -> Result<Stored<MediaBuy>, StoreError> {
    Ok(Stored { value: buy(row)?, version: row.int("version")? })
}

/// Reads an operation and its version.
pub(in crate::store) fn stored_operation(row: &Row) -> Result<Stored<Operation>, StoreError> {
    Ok(Stored { value: row.doc("an operation", "doc")?, version: row.int("version")? })
}

/// Reads a task and its version.
pub(in crate::store) fn stored_task(row: &Row) -> Result<Stored<Task>, StoreError> {
    Ok(Stored { value: row.doc("a task", "doc")?, version: row.int("version")? })
}

/// Reads a step.
pub(in crate::store) fn step(row: &Row) -> Result<Step, StoreError> {
    let state = row.text("state")?;
    Ok(Step {
        operation: OperationId::new(row.text("operation")?),
        platform: PlatformName::new(row.text("platform")?),
        name: row.text("name")?,
        reference: row.text("reference")?,
        state: StepState::parse(&state)
            .ok_or_else(|| StoreError::Corrupt(format!("a step is in the unknown state {state:?}")))?,
        outcome: row.maybe_bytes("outcome")?,
        begun_at: row.moment("begun_at")?,
        sent_at: row.maybe_moment("sent_at")?,
        lost: u32::try_from(row.int("lost")?).unwrap_or(u32::MAX),
    })
}

/// Reads the entry of an idempotency key.
pub(in crate::store) fn idempotency(row: &Row) -> Result<IdempotencyEntry, StoreError> {
    let answer = row.maybe_text("answer")?;
    Ok(IdempotencyEntry {
        principal: PrincipalId::new(row.text("principal")?),
        key: row.text("key")?,
        fingerprint: row.text("fingerprint")?,
        operation: OperationId::new(row.text("operation")?),
        answer: answer.map(|answer| from_doc("the answer to an idempotency key", &answer)).transpose()?,
        created_at: row.moment("created_at")?,
        expires_at: row.moment("expires_at")?,
    })
}

/// Reads a token.
pub(in crate::store) fn token(row: &Row) -> Result<TokenRecord, StoreError> {
    let name = row.text("name")?;
    Ok(TokenRecord {
        // A token from before this column existed is its own person.
        person: Person::new(row.maybe_text("person")?.unwrap_or_else(|| name.clone())),
        name,
        sha256: row.text("sha256")?,
        role: row.text("role")?,
        principal: row.maybe_text("principal")?.map(PrincipalId::new),
        created_at: row.moment("created_at")?,
        expires_at: row.maybe_moment("expires_at")?,
        revoked_at: row.maybe_moment("revoked_at")?,
    })
}
