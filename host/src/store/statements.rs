//! Which statements this process has made, for tests that look at the plan of each.
//!
//! The conformance suite goes through every function of the store; after each case, every statement
//! that the case made is explained by the database. A new statement is among them without being
//! named.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

pub use super::sql::script::{Statement, Value};

/// By whose text it was made: the same words may be planned otherwise elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

type Seen = Mutex<BTreeMap<(Kind, String), Vec<Value>>>;

/// `None` until somebody watches: a host never does.
static SEEN: OnceLock<Seen> = OnceLock::new();

/// Remembers every statement from now on, each text once, with the values that it was first made
/// with.
pub fn watch() {
    SEEN.get_or_init(Seen::default);
}

/// The statements that were made on a kind of database since [`watch`].
pub fn seen(kind: Kind) -> Vec<Statement> {
    let Some(seen) = SEEN.get() else { return Vec::new() };
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let of_kind = seen.iter().filter(|((of, _), _)| *of == kind);
    of_kind.map(|((_, sql), values)| Statement { sql: sql.clone().into(), values: values.clone() }).collect()
}

pub(super) fn note(kind: Kind, statement: &Statement) {
    if let Some(seen) = SEEN.get() {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry((kind, statement.sql.to_string())).or_insert_with(|| statement.values.clone());
    }
}
