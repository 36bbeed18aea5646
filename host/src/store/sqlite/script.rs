//! Runs a script as one command.
//!
//! Each command to SQLite costs sqlx a hop to the connection's thread and back, which takes longer
//! than most of our statements. So all statements of a script are sent at once.

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::{Arguments, AssertSqlSafe, Either, Executor, SqliteConnection, sqlite::SqliteArguments};

use super::error::from_sqlx;
use crate::{
    metrics::STORE_READS,
    store::{
        StoreError,
        sql::{
            Transaction,
            rows::Row,
            script::{Script, Statement, Value},
        },
        statements::{Kind, note},
    },
};

#[async_trait]
impl Transaction for SqliteConnection {
    async fn run(&mut self, script: Script) -> Result<Vec<Row>, StoreError> {
        let mut sql = String::new();
        let mut arguments = SqliteArguments::default();
        let mut wants = Vec::with_capacity(script.statements.len());
        for (statement, want) in script.statements {
            note(Kind::Sqlite, &statement);
            sql.push_str(&statement.sql);
            sql.push_str(";\n");
            bind(&mut arguments, statement.values)?;
            wants.push(want);
        }
        let mut wants = wants.into_iter();
        let mut kept = Vec::new();
        let mut rows = Vec::new();
        // The text consists of string literals of this crate only.
        let mut results = self.fetch_many(sqlx::query_with(AssertSqlSafe(sql), arguments));
        while let Some(result) = results.try_next().await.map_err(from_sqlx)? {
            match result {
                Either::Right(row) => rows.push(Row::Sqlite(row)),
                Either::Left(done) => {
                    let found = std::mem::take(&mut rows);
                    let Some(want) = wants.next() else { continue };
                    kept.extend(want.judge(found, done.rows_affected())?);
                }
            }
        }
        // Either every statement has been checked, or the script ended early.
        match wants.next() {
            Some(_) => Err(StoreError::Unavailable("some statements were not carried out".to_owned())),
            None => Ok(kept),
        }
    }
}

/// Runs a read-only statement and returns its rows.
pub(super) async fn read<'e>(
    executor: impl Executor<'e, Database = sqlx::Sqlite>,
    statement: Statement,
) -> Result<Vec<Row>, StoreError> {
    metrics::counter!(STORE_READS).increment(1);
    note(Kind::Sqlite, &statement);
    let mut arguments = SqliteArguments::default();
    bind(&mut arguments, statement.values)?;
    let asked = sqlx::query_with(AssertSqlSafe(statement.sql.into_owned()), arguments);
    let found = executor.fetch_all(asked).await.map_err(from_sqlx)?;
    Ok(found.into_iter().map(Row::Sqlite).collect())
}

fn bind(arguments: &mut SqliteArguments, values: Vec<Value>) -> Result<(), StoreError> {
    for value in values {
        let bound = match value {
            Value::Text(text) => arguments.add(text),
            Value::Int(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
        };
        bound.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    }
    Ok(())
}
