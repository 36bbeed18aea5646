//! Compares the rows of a table on both sides.

use std::borrow::Cow;

use futures::TryStreamExt;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, SqliteConnection, postgres::PgRow};

use super::{
    MoveError,
    copying::{Cell, cells},
    of_source, of_target,
    tables::{Kind, Table},
};
use crate::store::sql::escape;

/// The sum of the digests of all rows. Because of the sum, the two sides need not sort the rows in
/// the same order: two tables with the same sum and number of rows have the same rows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    parts: [u64; 4],
}

impl Sum {
    fn add(&mut self, row: &[Cell]) {
        let mut digest = Sha256::new();
        for cell in row {
            // Length and kind come before the bytes, so that no two different rows have the same
            // encoding.
            match cell {
                Cell::Int(Some(number)) => {
                    digest.update(b"i");
                    digest.update(number.to_be_bytes());
                }
                Cell::Text(Some(text)) => {
                    digest.update(b"t");
                    digest.update((text.len() as u64).to_be_bytes());
                    digest.update(text.as_bytes());
                }
                Cell::Bytes(Some(bytes)) => {
                    digest.update(b"b");
                    digest.update((bytes.len() as u64).to_be_bytes());
                    digest.update(bytes);
                }
                Cell::Int(None) | Cell::Text(None) | Cell::Bytes(None) => digest.update(b"n"),
            }
        }
        let digest = digest.finalize();
        for (part, bytes) in self.parts.iter_mut().zip(digest.chunks_exact(8)) {
            let mut number = [0; 8];
            number.copy_from_slice(bytes);
            *part = part.wrapping_add(u64::from_be_bytes(number));
        }
        self.rows += 1;
    }
}

/// Fails unless both sides have the same rows, and returns how many there are.
pub(super) async fn compare(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    table: &Table,
) -> Result<u64, MoveError> {
    let (name, condition) = (&table.name, table.condition());
    let here = format!("SELECT {} FROM {name} WHERE {condition}", table.reads());
    let mut sent = Sum::default();
    let mut found = sqlx::query(AssertSqlSafe(here)).fetch(source);
    while let Some(row) = found.try_next().await.map_err(of_source)? {
        sent.add(&cells(&row, table).map_err(of_source)?);
    }
    let there = format!("SELECT {} FROM {name} WHERE {condition}", table.names());
    let mut arrived = Sum::default();
    let mut found = sqlx::query(AssertSqlSafe(there)).fetch(target);
    while let Some(row) = found.try_next().await.map_err(of_target)? {
        arrived.add(&cells_there(&row, table).map_err(of_target)?);
    }
    if sent != arrived {
        return Err(MoveError::Different { table: name.clone(), sent: sent.rows, arrived: arrived.rows });
    }
    Ok(sent.rows)
}

fn cells_there(row: &PgRow, table: &Table) -> Result<Vec<Cell>, sqlx::Error> {
    let of = |(index, kind)| match kind {
        Kind::Int => row.try_get(index).map(Cell::Int),
        Kind::Text => row.try_get::<Option<&str>, _>(index).map(|found| Cell::Text(found.map(given))),
        Kind::Bytes => row.try_get(index).map(Cell::Bytes),
    };
    table.columns.iter().map(|column| column.kind).enumerate().map(of).collect()
}

fn given(stored: &str) -> String {
    match escape::from_stored(stored) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}
