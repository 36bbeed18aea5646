//! Records which statements this process has run, for tests that check the plan of each.
//!
//! The conformance suite calls every function of the store, and after each case the database
//! explains every statement that the case ran. A new statement is covered without being listed
//! anywhere.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

pub use super::sql::script::{Statement, Value};

/// The kind of database whose dialect a statement is in. The same text may be planned differently
/// on the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

type Seen = Mutex<BTreeMap<(Kind, String), Vec<Value>>>;

/// `None` until somebody calls [`watch`], which a host never does.
static SEEN: OnceLock<Seen> = OnceLock::new();

/// Records every statement from now on, each text once, with the values of its first execution.
pub fn watch() {
    SEEN.get_or_init(Seen::default);
}

/// Returns the statements that were run on a kind of database since [`watch`].
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
