//! The tables to copy, their columns, and the order in which they can be written.

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use super::{MoveError, of_source, of_target};
use crate::store::marks::{ARRIVED, ARRIVING, MOVED, MOVING};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Bytes,
}

/// A column that is copied.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The expression that reads the column from the source: the column itself, or the value that
    /// replaces it in the target.
    pub(super) read: String,
}

/// A table that is copied.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The columns of the primary key in order, as indexes into `columns`.
    pub(super) key: Vec<usize>,
    /// The column that the target would number by itself.
    pub(super) numbered: Option<String>,
    /// The condition of the rows that are not copied, if any.
    pub(super) but: Option<String>,
    /// Whether the table was created with a row that may not be changed, which the copied row
    /// replaces.
    pub(super) is_replaced: bool,
}

impl Table {
    /// Returns the condition of the rows that are copied.
    pub(super) fn condition(&self) -> String {
        self.but.as_ref().map_or_else(|| "true".to_owned(), |but| format!("NOT ({but})"))
    }

    /// Returns the names of the columns, separated by commas.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Returns the expressions that read the columns from the source, separated by commas.
    pub(super) fn reads(&self) -> String {
        self.columns.iter().map(|column| column.read.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the expression that reads a column. A lease belongs to a host that has stopped, so it
/// ends here; its fence is kept, so that later fences rise above it.
fn read_as(table: &str, column: &str) -> String {
    match (table, column) {
        ("operations", "worker" | "lease_until") => format!("NULL AS {column}"),
        ("webhook_deliveries", "leased") => "0 AS leased".to_owned(),
        _ => column.to_owned(),
    }
}

/// Returns the tables of the source, each after the tables that it refers to.
///
/// # Errors
/// When the target has different tables or columns.
pub(super) async fn of(source: &mut SqliteConnection, target: &mut PgConnection) -> Result<Vec<Table>, MoveError> {
    let listed = "SELECT name FROM sqlite_schema
                  WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations' ORDER BY name";
    let mut names: Vec<String> = sqlx::query_scalar(listed).fetch_all(&mut *source).await.map_err(of_source)?;
    let there = "SELECT table_name::text FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations'";
    let there: Vec<String> = sqlx::query_scalar(there).fetch_all(&mut *target).await.map_err(of_target)?;
    if let Some(table) = there.into_iter().find(|table| !names.contains(table)) {
        return Err(MoveError::Tables { table, what: "it is only there".to_owned() });
    }
    let mut tables: Vec<Table> = Vec::new();
    while !names.is_empty() {
        let left = names.len();
        for name in std::mem::take(&mut names) {
            let refers = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?)";
            let refers: Vec<String> =
                sqlx::query_scalar(refers).bind(&name).fetch_all(&mut *source).await.map_err(of_source)?;
            let known = |other: &String| *other == name || tables.iter().any(|table| table.name == *other);
            if refers.iter().all(known) {
                tables.push(table(source, target, name).await?);
            } else {
                names.push(name);
            }
        }
        if names.len() == left {
            return Err(MoveError::Tables { table: names.join(", "), what: "they refer to each other".to_owned() });
        }
    }
    Ok(tables)
}

async fn table(source: &mut SqliteConnection, target: &mut PgConnection, name: String) -> Result<Table, MoveError> {
    let wrong = |what: String| MoveError::Tables { table: name.clone(), what };
    let here = "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY name";
    let here: Vec<(String, String, i64)> =
        sqlx::query_as(here).bind(&name).fetch_all(source).await.map_err(of_source)?;
    let there = "SELECT column_name::text, data_type::text, is_identity::text FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = $1 ORDER BY column_name COLLATE \"C\"";
    let there: Vec<(String, String, String)> =
        sqlx::query_as(there).bind(&name).fetch_all(target).await.map_err(of_target)?;
    let mut columns = Vec::new();
    for (column, kind, _) in &here {
        let (kind, same) = match kind.as_str() {
            "INTEGER" => (Kind::Int, "bigint"),
            "TEXT" => (Kind::Text, "text"),
            "BLOB" => (Kind::Bytes, "bytea"),
            other => return Err(wrong(format!("column {column} is {other}"))),
        };
        let found = there.iter().find(|(name, ..)| name == column);
        if found.is_none_or(|(_, kind, _)| kind != same) {
            return Err(wrong(format!("column {column} is {} there", found.map_or("not", |(_, kind, _)| kind))));
        }
        columns.push(Column { name: column.clone(), kind, read: read_as(&name, column) });
    }
    if let Some((column, ..)) = there.iter().find(|(name, ..)| !here.iter().any(|(column, ..)| column == name)) {
        return Err(wrong(format!("column {column} is only there")));
    }
    let mut key: Vec<(i64, usize)> =
        here.iter().enumerate().filter(|(_, (.., pk))| *pk > 0).map(|(index, (.., pk))| (*pk, index)).collect();
    key.sort_unstable();
    if key.is_empty() {
        return Err(wrong("it has no primary key".to_owned()));
    }
    let numbered = there.iter().find(|(.., identity)| identity == "YES").map(|(name, ..)| name.clone());
    let but = (name == "marks").then(|| format!("name IN ('{MOVING}', '{MOVED}', '{ARRIVING}', '{ARRIVED}')"));
    let is_replaced = name == "audit_beginning";
    let key = key.into_iter().map(|(_, index)| index).collect();
    Ok(Table { name, columns, key, numbered, but, is_replaced })
}

/// Fails unless the target holds nothing but what was created with its tables.
pub(super) async fn check_empty(target: &mut PgConnection, tables: &[Table]) -> Result<(), MoveError> {
    for table in tables.iter().filter(|table| !table.is_replaced) {
        let any = format!("SELECT EXISTS (SELECT 1 FROM {})", table.name);
        let any: bool = sqlx::query_scalar(AssertSqlSafe(any)).fetch_one(&mut *target).await.map_err(of_target)?;
        if any {
            return Err(MoveError::NotEmpty(table.name.clone()));
        }
    }
    Ok(())
}
