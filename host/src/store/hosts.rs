//! The hosts on this database: with which configuration each serves, and whether it could follow the
//! last request to reload.

use crate::{
    domain::time::Timestamp,
    store::{
        Store, StoreError,
        sql::{
            Dialect, MOST_ROWS, Transaction,
            rows::Row,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// A host as it last reported itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostReport {
    /// Its name: that of the machine and the number of the process.
    pub name: String,
    /// When it reported itself.
    pub seen_at: Timestamp,
    /// The digest of the configuration with which it serves.
    pub configuration: String,
    /// Since when it serves with that.
    pub loaded_at: Timestamp,
    /// The last request to reload that it has handled.
    pub asked_at: Option<Timestamp>,
    /// Why it does not serve with what it was last asked to load; `None` if it does.
    pub problem: Option<String>,
}

impl Store {
    /// Records how a host is, and removes the hosts that were not seen since `gone`.
    pub async fn report_host(&self, report: HostReport, gone: Timestamp) -> Result<(), StoreError> {
        self.write((report, gone), work!(record_report)).await
    }

    /// Reads the hosts that were seen since a moment, by name.
    pub async fn hosts(&self, since: Timestamp) -> Result<Vec<HostReport>, StoreError> {
        let asked = Statement::new(
            "SELECT name, seen_at, configuration, loaded_at, asked_at, problem FROM hosts WHERE seen_at >= ?
             ORDER BY name LIMIT ?",
        );
        self.read(asked.with(since.as_micros()).with(MOST_ROWS)).await?.iter().map(host).collect()
    }

    /// Removes a host that stops.
    pub async fn forget_host(&self, name: &str) -> Result<(), StoreError> {
        self.write(name.to_owned(), work!(forget)).await
    }
}

fn host(row: &Row) -> Result<HostReport, StoreError> {
    Ok(HostReport {
        name: row.text("name")?,
        seen_at: row.moment("seen_at")?,
        configuration: row.text("configuration")?,
        loaded_at: row.moment("loaded_at")?,
        asked_at: row.maybe_moment("asked_at")?,
        problem: row.maybe_text("problem")?,
    })
}

async fn record_report(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (report, gone): &(HostReport, Timestamp),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script.statement("DELETE FROM hosts WHERE seen_at < ?", Want::Any).bind(gone.as_micros());
    script
        .statement(
            "INSERT INTO hosts (name, seen_at, configuration, loaded_at, asked_at, problem) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, configuration = excluded.configuration,
             loaded_at = excluded.loaded_at, asked_at = excluded.asked_at, problem = excluded.problem",
            Want::Any,
        )
        .bind(report.name.as_str())
        .bind(report.seen_at.as_micros())
        .bind(report.configuration.as_str())
        .bind(report.loaded_at.as_micros())
        .bind(report.asked_at.map(Timestamp::as_micros))
        .bind(report.problem.as_deref());
    transaction.run(script).await.map(drop)
}

async fn forget(transaction: &mut (dyn Transaction + '_), _: &Dialect, name: &str) -> Result<(), StoreError> {
    let mut script = Script::default();
    script.statement("DELETE FROM hosts WHERE name = ?", Want::Any).bind(name);
    transaction.run(script).await.map(drop)
}
