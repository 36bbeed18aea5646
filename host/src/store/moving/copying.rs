//! Copies rows in batches: reads them from the source in the order of the primary key and writes
//! them to the target, skipping those that are there already.

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    MoveError, of_source, of_target,
    tables::{Kind, Table},
};
use crate::{fault, store::sql::escape};

/// The limits of a batch, in rows and in bytes. Components are some megabytes each.
const ROWS: usize = 1_000;
const BYTES: usize = 8 << 20;

/// A value being copied.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Cell {
    fn len(&self) -> usize {
        match self {
            Self::Int(_) => 8,
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        }
    }
}

/// Returns the values of a row in the order of the table's columns.
pub(super) fn cells(row: &SqliteRow, table: &Table) -> Result<Vec<Cell>, sqlx::Error> {
    let of = |(index, kind)| match kind {
        Kind::Int => row.try_get(index).map(Cell::Int),
        Kind::Text => row.try_get(index).map(Cell::Text),
        Kind::Bytes => row.try_get(index).map(Cell::Bytes),
    };
    table.columns.iter().map(|column| column.kind).enumerate().map(of).collect()
}

/// Copies the rows that the target does not have yet.
pub(super) async fn copy(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    table: &Table,
) -> Result<(), MoveError> {
    if table.is_replaced {
        make_room(target, table).await?;
    }
    let mut after = gone_before(target, table).await?;
    loop {
        let batch = read(source, table, &after).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = table.key.iter().map(|index| last[*index].clone()).collect();
        write(target, table, batch).await?;
        fault::point("move.batch");
    }
}

/// Returns the key of the last row in the target, if rows are numbered and so were written in
/// order.
async fn gone_before(target: &mut PgConnection, table: &Table) -> Result<Vec<Cell>, MoveError> {
    let Some(numbered) = &table.numbered else { return Ok(Vec::new()) };
    let last = format!("SELECT max({numbered}) FROM {}", table.name);
    let last: Option<i64> = sqlx::query_scalar(AssertSqlSafe(last)).fetch_one(target).await.map_err(of_target)?;
    Ok(last.map(|last| Cell::Int(Some(last))).into_iter().collect())
}

async fn read(source: &mut SqliteConnection, table: &Table, after: &[Cell]) -> Result<Vec<Vec<Cell>>, MoveError> {
    let key = table.key.iter().map(|index| table.columns[*index].name.as_str()).collect::<Vec<_>>().join(", ");
    let from =
        if after.is_empty() { "true".to_owned() } else { format!("({key}) > ({})", vec!["?"; after.len()].join(", ")) };
    let (reads, name, condition) = (table.reads(), &table.name, table.condition());
    let asked = format!("SELECT {reads} FROM {name} WHERE {from} AND {condition} ORDER BY {key} LIMIT {ROWS}");
    let mut asked = sqlx::query(AssertSqlSafe(asked));
    for cell in after {
        asked = match cell.clone() {
            Cell::Int(number) => asked.bind(number),
            Cell::Text(text) => asked.bind(text),
            Cell::Bytes(bytes) => asked.bind(bytes),
        };
    }
    let mut found = asked.fetch(source);
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.try_next().await.map_err(of_source)? {
        let row = cells(&row, table).map_err(of_source)?;
        bytes += row.iter().map(Cell::len).sum::<usize>();
        batch.push(row);
        if bytes >= BYTES {
            break;
        }
    }
    Ok(batch)
}

/// Writes rows, passing one array per column: PostgreSQL takes few parameters but long arrays.
async fn write(target: &mut PgConnection, table: &Table, batch: Vec<Vec<Cell>>) -> Result<(), MoveError> {
    let lists = table.columns.iter().enumerate().map(|(index, column)| {
        let list = match column.kind {
            Kind::Int => "bigint[]",
            Kind::Text => "text[]",
            Kind::Bytes => "bytea[]",
        };
        format!("${}::{list}", index + 1)
    });
    let lists = lists.collect::<Vec<_>>().join(", ");
    // Numbers keep their values.
    let overriding = if table.numbered.is_some() { "OVERRIDING SYSTEM VALUE" } else { "" };
    let insert = format!(
        "INSERT INTO {} ({}) {overriding} SELECT * FROM unnest({lists}) ON CONFLICT DO NOTHING",
        table.name,
        table.names(),
    );
    let mut columns: Vec<Vec<Cell>> = table.columns.iter().map(|_| Vec::with_capacity(batch.len())).collect();
    for row in batch {
        for (column, cell) in columns.iter_mut().zip(row) {
            column.push(cell);
        }
    }
    let mut insert = sqlx::query(AssertSqlSafe(insert));
    for (column, cells) in table.columns.iter().zip(columns) {
        insert = match column.kind {
            Kind::Int => insert.bind(cells.into_iter().map(int).collect::<Vec<_>>()),
            Kind::Text => insert.bind(cells.into_iter().map(stored_text).collect::<Vec<_>>()),
            Kind::Bytes => insert.bind(cells.into_iter().map(bytes).collect::<Vec<_>>()),
        };
    }
    insert.execute(target).await.map(drop).map_err(of_target)
}

fn int(cell: Cell) -> Option<i64> {
    if let Cell::Int(number) = cell { number } else { None }
}

fn stored_text(cell: Cell) -> Option<String> {
    if let Cell::Text(text) = cell { text.map(escape::to_stored) } else { None }
}

fn bytes(cell: Cell) -> Option<Vec<u8>> {
    if let Cell::Bytes(bytes) = cell { bytes } else { None }
}

/// Removes the row that was created with the tables. Once the host runs, nobody may remove it.
async fn make_room(target: &mut PgConnection, table: &Table) -> Result<(), MoveError> {
    let name = &table.name;
    let away = format!(
        "BEGIN; ALTER TABLE {name} DISABLE TRIGGER USER; DELETE FROM {name}; ALTER TABLE {name} ENABLE TRIGGER USER; COMMIT"
    );
    sqlx::raw_sql(AssertSqlSafe(away)).execute(target).await.map(drop).map_err(of_target)
}

/// Makes the target number new rows after the copied ones.
pub(super) async fn set_sequence(target: &mut PgConnection, table: &Table) -> Result<(), MoveError> {
    let Some(numbered) = &table.numbered else { return Ok(()) };
    let name = &table.name;
    let set = format!(
        "SELECT setval(pg_get_serial_sequence('{name}', '{numbered}'), (SELECT max({numbered}) FROM {name}))
         WHERE EXISTS (SELECT 1 FROM {name})"
    );
    sqlx::query(AssertSqlSafe(set)).execute(target).await.map(drop).map_err(of_target)
}
