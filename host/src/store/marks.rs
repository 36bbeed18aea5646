//! Named moments in the life of a database, such as its restore from a copy or its move.

use crate::{
    domain::{audit::AuditEntry, time::Timestamp},
    store::{
        Store, StoreError, audit,
        sql::{
            Dialect, Transaction,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// The mark of a database that was restored from a copy.
pub const RESTORED: &str = "restored";

/// The mark of a SQLite file that is being moved to PostgreSQL. No host serves from it.
pub const MOVING: &str = "moving";

/// The mark of a SQLite file that was moved to PostgreSQL. No host serves from it.
pub const MOVED: &str = "moved";

/// The mark of a PostgreSQL database that a move is still filling. No host serves from it.
pub const ARRIVING: &str = "arriving";

/// The mark of a database that a move has filled completely.
pub const ARRIVED: &str = "arrived";

impl Store {
    /// Sets the mark `name` to a moment and appends `line` to the audit log.
    pub async fn mark(&self, name: &str, at: Timestamp, line: AuditEntry) -> Result<(), StoreError> {
        self.write((None, name.to_owned(), at, line), work!(mark)).await
    }

    /// Like [`Store::mark`], but also removes the mark `of` in the same transaction.
    pub async fn mark_instead(&self, of: &str, name: &str, at: Timestamp, line: AuditEntry) -> Result<(), StoreError> {
        self.write((Some(of.to_owned()), name.to_owned(), at, line), work!(mark)).await
    }

    /// Moves an existing mark to a later moment. Writes no audit line, because nothing new has
    /// happened.
    pub async fn renew_mark(&self, name: &str, at: Timestamp) -> Result<(), StoreError> {
        self.write((name.to_owned(), at), work!(renew_mark)).await
    }

    /// Reads the moment of a mark.
    pub async fn marked(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let asked = Statement::new("SELECT at FROM marks WHERE name = ?").with(name);
        self.read(asked).await?.first().map(|row| row.moment("at")).transpose()
    }
}

/// Sets a mark and, if `instead` names another mark, removes that one.
async fn mark(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (instead, name, at, line): &(Option<String>, String, Timestamp, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    if let Some(instead) = instead {
        script.statement("DELETE FROM marks WHERE name = ?", Want::Any).bind(instead.as_str());
    }
    script
        .statement(
            "INSERT INTO marks (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
            Want::Any,
        )
        .bind(name.as_str())
        .bind(at.as_micros());
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

async fn renew_mark(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (name, at): &(String, Timestamp),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement("UPDATE marks SET at = ? WHERE name = ? AND at < ?", Want::Any)
        .bind(at.as_micros())
        .bind(name.as_str())
        .bind(at.as_micros());
    transaction.run(script).await.map(drop)
}
