//! Runs a script, statement by statement.

use std::fmt::Write as _;

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::{Arguments, AssertSqlSafe, Either, Executor, PgConnection, postgres::PgArguments};

use super::error::{from_sqlx, is_conflict, is_outdated};
use crate::{
    metrics::STORE_READS,
    store::{
        StoreError,
        sql::{
            Transaction, escape,
            rows::Row,
            script::{Script, Statement, Value},
        },
        statements::{Kind, note},
    },
};

/// A connection inside a transaction.
#[derive(Debug)]
pub(super) struct OpenTransaction<'c> {
    connection: &'c mut PgConnection,
    /// Whether the transaction lost against another one.
    pub(super) conflict: bool,
    /// Whether a statement prepared on the connection no longer matches the tables.
    pub(super) outdated: bool,
}

impl<'c> OpenTransaction<'c> {
    pub(super) fn new(connection: &'c mut PgConnection) -> Self {
        Self { connection, conflict: false, outdated: false }
    }
}

#[async_trait]
impl Transaction for OpenTransaction<'_> {
    async fn run(&mut self, script: Script) -> Result<Vec<Row>, StoreError> {
        let mut kept = Vec::new();
        for (statement, want) in script.statements {
            let (sql, arguments) = translated(&statement)?;
            let mut found = Vec::new();
            let mut changes = 0;
            let mut results = self.connection.fetch_many(sqlx::query_with(AssertSqlSafe(sql), arguments));
            loop {
                match results.try_next().await {
                    Ok(Some(Either::Right(row))) => found.push(Row::Postgres(row)),
                    Ok(Some(Either::Left(done))) => changes += done.rows_affected(),
                    Ok(None) => break,
                    Err(error) => {
                        self.conflict = is_conflict(&error);
                        self.outdated = is_outdated(&error);
                        return Err(from_sqlx(error));
                    }
                }
            }
            drop(results);
            kept.extend(want.judge(found, changes)?);
        }
        Ok(kept)
    }
}

/// Runs a read-only statement and returns its rows.
pub(super) async fn read(connection: &mut PgConnection, statement: &Statement) -> Result<Vec<Row>, sqlx::Error> {
    metrics::counter!(STORE_READS).increment(1);
    let (sql, arguments) = translated(statement).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let found = connection.fetch_all(sqlx::query_with(AssertSqlSafe(sql), arguments)).await?;
    Ok(found.into_iter().map(Row::Postgres).collect())
}

/// Converts a statement to PostgreSQL's placeholders. The text consists of string literals of this
/// crate only, in which every question mark is a parameter.
fn translated(statement: &Statement) -> Result<(String, PgArguments), StoreError> {
    note(Kind::Postgres, statement);
    let mut sql = String::with_capacity(statement.sql.len() + 2 * statement.values.len());
    for (index, part) in statement.sql.split('?').enumerate() {
        if index > 0 {
            // Writing to a string can't fail.
            let _ = write!(sql, "${index}");
        }
        sql.push_str(part);
    }
    let mut arguments = PgArguments::default();
    for value in &statement.values {
        let bound = match value.clone() {
            Value::Text(value) => arguments.add(value.map(escape::to_stored)),
            Value::Int(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        };
        bound.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    }
    Ok((sql, arguments))
}
