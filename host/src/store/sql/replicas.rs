//! What hosts on one database have in common beside the work.

use std::time::Duration;

use super::{
    Database, Dialect, Transaction, audit,
    lease::micros,
    read::MOST_ROWS,
    script::{Script, Statement, Want},
};
use crate::{
    domain::{id::PlatformName, operation::OperationState, purpose::Purpose, task::TaskKind, time::Timestamp},
    store::{
        AuditEntry, StoreError,
        replicas::{Census, HoldKey},
    },
};

pub(super) async fn keep(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (digest, bytes, at): &(String, Vec<u8>, Timestamp),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "INSERT INTO components (digest, content, added_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Any,
        )
        .bind(digest.as_str())
        .bind(bytes.as_slice())
        .bind(at.as_micros());
    transaction.run(script).await.map(drop)
}

pub(super) async fn component(database: &impl Database, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let asked = Statement::new("SELECT content FROM components WHERE digest = ?").with(digest);
    database.read(asked).await?.first().map_or(Ok(None), |row| row.maybe_bytes("content"))
}

pub(super) async fn activate(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (platform, digest, line): &(PlatformName, String, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "INSERT INTO active_components (platform, digest, at) VALUES (?, ?, ?)
             ON CONFLICT (platform) DO UPDATE SET digest = excluded.digest, at = excluded.at
             WHERE active_components.digest <> excluded.digest RETURNING 1 AS changed",
            Want::Keep,
        )
        .bind(platform.as_str())
        .bind(digest.as_str())
        .bind(line.at.as_micros());
    if transaction.run(script).await?.is_empty() {
        return Ok(());
    }
    let mut script = Script::default();
    for purpose in Purpose::GUARDED {
        let forget = "UPDATE limits SET held_until = 0 WHERE key = ?";
        script.statement(forget, Want::Any).bind(HoldKey::Breaker(platform.clone(), purpose).to_string());
    }
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

pub(super) async fn active(database: &impl Database) -> Result<Vec<(PlatformName, String)>, StoreError> {
    let asked = Statement::new("SELECT platform, digest FROM active_components ORDER BY platform LIMIT ?");
    let found = database.read(asked.with(MOST_ROWS)).await?;
    found.iter().map(|row| Ok((PlatformName::new(row.text("platform")?), row.text("digest")?))).collect()
}

pub(super) async fn reserve(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (key, count, interval, burst, now): &(String, u32, Duration, Duration, Timestamp),
) -> Result<i64, StoreError> {
    let length = micros(*interval).saturating_mul(i64::from(*count));
    let mut script = Script::default();
    script.statement("INSERT INTO limits (key) VALUES (?) ON CONFLICT DO NOTHING", Want::Any).bind(key.as_str());
    script
        .statement("UPDATE limits SET next_at = CASE WHEN next_at > ", Want::Keep)
        .push(dialect.moment)
        .push(" - ? THEN next_at ELSE ")
        .push(dialect.moment)
        .push(" - ? END + ? WHERE key = ? RETURNING next_at - ? - ")
        .push(dialect.moment)
        .push(" AS wait")
        .bind(dialect.at(*now))
        .bind(micros(*burst))
        .bind(dialect.at(*now))
        .bind(micros(*burst))
        .bind(length)
        .bind(key.as_str())
        .bind(length)
        .bind(dialect.at(*now));
    let found = transaction.run(script).await?;
    found.first().ok_or_else(|| StoreError::Corrupt("a limit was written and not found".to_owned()))?.int("wait")
}

pub(super) async fn hold(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (key, time, now): &(HoldKey, Duration, Timestamp),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    let key = key.to_string();
    script.statement("INSERT INTO limits (key) VALUES (?) ON CONFLICT DO NOTHING", Want::Any).bind(key.as_str());
    script
        .statement("UPDATE limits SET held_until = ", Want::Any)
        .push(dialect.moment)
        .push(" + ? WHERE key = ? AND held_until < ")
        .push(dialect.moment)
        .push(" + ?")
        .bind(dialect.at(*now))
        .bind(micros(*time))
        .bind(key.as_str())
        .bind(dialect.at(*now))
        .bind(micros(*time));
    transaction.run(script).await.map(drop)
}

pub(super) async fn holds(database: &impl Database, now: Timestamp) -> Result<Vec<(HoldKey, Duration)>, StoreError> {
    let dialect = database.dialect();
    let mut asked = Statement::new("SELECT key, held_until - ");
    asked
        .push(dialect.moment)
        .push(" AS remaining FROM limits WHERE held_until > ")
        .push(dialect.moment)
        .push(" ORDER BY key LIMIT ?")
        .bind(dialect.at(now))
        .bind(dialect.at(now))
        .bind(MOST_ROWS);
    let found = database.read(asked).await?;
    let mut holds = Vec::new();
    for row in found {
        let remaining = Duration::from_micros(row.int("remaining")?.max(0).unsigned_abs());
        holds.extend(HoldKey::parse(&row.text("key")?).map(|key| (key, remaining)));
    }
    Ok(holds)
}

/// Marks a moment; in place of an earlier mark of another name, if one is named.
pub(super) async fn mark(
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

pub(super) async fn renew_mark(
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

pub(super) async fn marked(database: &impl Database, name: &str) -> Result<Option<Timestamp>, StoreError> {
    let asked = Statement::new("SELECT at FROM marks WHERE name = ?").with(name);
    database.read(asked).await?.first().map(|row| row.moment("at")).transpose()
}

/// How far the census counts: more is as much a backlog, and a receiver that is away for a week may leave a million.
const COUNTED: u32 = 100_000;

/// A row for each number, of one moment. Each counts along an index of what has not ended, and no further than [`COUNTED`].
pub(super) async fn census(database: &impl Database, now: Timestamp) -> Result<Census, StoreError> {
    let mut asked = Statement::default();
    let mut count = |what: &'static str, name: &str, rows: &str| {
        asked
            .push("SELECT CAST(? AS TEXT) AS what, CAST(? AS TEXT) AS name, count(*) AS number FROM (SELECT 1 AS one FROM ")
            .push(rows)
            .push(" LIMIT ?) AS counted UNION ALL ")
            .bind(what)
            .bind(name)
            .bind(COUNTED);
    };
    for state in OperationState::ALL.iter().filter(|state| !state.is_final()) {
        let state = state.as_str();
        let rows = format!("operations WHERE state NOT IN ('succeeded', 'failed') AND state = '{state}'");
        count("operation", state, &rows);
    }
    for kind in TaskKind::ALL.iter().map(|kind| kind.as_str()) {
        count("task", kind, &format!("tasks WHERE open = 1 AND kind = '{kind}'"));
    }
    count("pending", "", "webhook_deliveries WHERE status = 'pending'");
    count("dead", "", "webhook_deliveries WHERE status = 'dead'");
    asked
        .push("SELECT 'overdue', '', count(*) FROM (SELECT 1 AS one FROM tasks WHERE open = 1 AND due_by < ? LIMIT ?) AS counted")
        .bind(now.as_micros())
        .bind(COUNTED);
    asked.push(" UNION ALL SELECT 'due', '', due FROM (");
    // What waits for another operation of its buy is not due: nobody could claim it.
    asked.push(database.dialect().next_due).push(") AS next");
    let mut census = Census::default();
    for row in database.read(asked).await? {
        let (name, number) = (row.text("name")?, row.maybe_int("number")?.unwrap_or(0));
        match row.text("what")?.as_str() {
            "operation" | "task" if number == 0 => {}
            "operation" => census.operations.push((name, number)),
            "task" => census.tasks.push((name, number)),
            "overdue" => census.overdue_tasks = number,
            "pending" => census.pending_deliveries = number,
            "dead" => census.dead_deliveries = number,
            _ if number > 0 => census.overdue_work = Timestamp::from_micros(number).until(now),
            _ => {}
        }
    }
    census.operations.sort();
    census.tasks.sort();
    Ok(census)
}
