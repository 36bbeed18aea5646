//! Fills a database: rows are generated inside it, from one document of each kind.
//!
//! A buy has two packages on one platform, five remote objects, a create operation and, for every
//! other buy, a further operation, two steps per operation, a task with three lines of history,
//! five events, and three lines in the audit log. One buy in ten is still running; one in a hundred
//! waits for a person. Two events of one buy in ten were sent to an endpoint, and some of those
//! deliveries are pending or were given up.

use std::path::Path;

use flightdeck::domain::{
    operation::{OperationKind, OperationState},
    task::TaskStatus,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::documents::{self, NUMBER, PLATFORM, PRINCIPAL, STATUS};

/// How many buys one statement per table makes: enough that the cost of a statement is negligible,
/// and few enough that a file's log stays small.
const CHUNK: i64 = 20_000;

/// A connection besides the store's.
pub(crate) enum Raw {
    /// To an SQLite file.
    Sqlite(SqliteConnection),
    /// To PostgreSQL.
    Postgres(PgConnection),
}

/// Microseconds per hour.
const HOUR: i64 = 3_600_000_000;

impl Raw {
    pub(crate) async fn sqlite(path: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new().filename(path).foreign_keys(false).pragma("synchronous", "OFF");
        Ok(Self::Sqlite(options.pragma("cache_size", "-400000").connect().await?))
    }

    pub(crate) async fn postgres(url: &str) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        // Disables foreign key checks and triggers.
        sqlx::raw_sql("SET session_replication_role = replica; SET synchronous_commit = off")
            .execute(&mut connection)
            .await?;
        Ok(Self::Postgres(connection))
    }

    async fn run(&mut self, sql: String) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(connection) => sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)?,
            Self::Postgres(connection) => sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)?,
        }
        Ok(())
    }

    /// Returns the size of the database, in bytes.
    pub(crate) async fn bytes(&mut self) -> anyhow::Result<i64> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
                sqlx::query_scalar(size).fetch_one(connection).await?
            }
            Self::Postgres(connection) => {
                sqlx::query_scalar("SELECT pg_database_size(current_database())").fetch_one(connection).await?
            }
        })
    }

    /// Makes the buys with these numbers. The database must contain exactly the ones before them.
    pub(crate) async fn fill(&mut self, from: i64, to: i64) -> anyhow::Result<()> {
        let mut next = from;
        while next <= to {
            let last = to.min(next + CHUNK - 1);
            let numbers = match self {
                Self::Sqlite(_) => format!(
                    "(WITH RECURSIVE n (x) AS (SELECT {next} UNION ALL SELECT x + 1 FROM n WHERE x < {last}) SELECT x FROM n) AS n"
                ),
                Self::Postgres(_) => {
                    format!("(SELECT x::bigint AS x FROM generate_series({next}, {last}) AS n (x)) AS n")
                }
            };
            self.run(format!("BEGIN;\n{}\nCOMMIT;", rows(&numbers)?)).await?;
            next = last + 1;
        }
        match self {
            Self::Sqlite(_) => self.run("PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await,
            // The database's own maintenance does the same after a while.
            Self::Postgres(_) => self.run("ANALYZE".to_owned()).await,
        }
    }
}

/// Returns an SQL expression for a document with a row's own values.
fn doc(text: &str) -> String {
    let text = text.replace('\'', "''");
    let text = format!("replace(replace('{text}', '{NUMBER}', number), '{PRINCIPAL}', principal)");
    format!("replace(replace({text}, '{PLATFORM}', platform), '{STATUS}', status)")
}

fn rows(numbers: &str) -> anyhow::Result<String> {
    // Columns that all rows of a buy share.
    let buys = format!(
        "(SELECT x, CAST(1000000000 + x AS TEXT) AS number,
                 CASE WHEN x % 5000 = 1 THEN 'rare' ELSE 'buyer' || CAST(x % 20 AS TEXT) END AS principal,
                 CASE WHEN x % 1000 = 1 THEN 'rare' WHEN x % 3 = 0 THEN 'south' ELSE 'north' END AS platform,
                 CASE WHEN x % 1000 = 7 THEN 'failed' WHEN x % 100 = 9 THEN 'pending_manual' WHEN x % 10 = 1 THEN 'active'
                      ELSE 'completed' END AS status
          FROM {numbers}) AS b"
    );
    let at = documents::at().as_micros();
    let sent = |id: &str, wanted: &str| {
        format!(
            "INSERT INTO webhook_deliveries (webhook, event, event_seq, buy, status, since, due_at)
             SELECT 'hook' || CAST(x / 10 % 3 AS TEXT), '{id}_' || number, x, 'mb_' || number,
                    CASE WHEN x % 500 = 10 THEN 'pending' WHEN x % 500 = 20 THEN 'dead' ELSE 'delivered' END,
                    {at} + x, {at} + x + CASE WHEN x % 500 = 10 THEN {HOUR} ELSE 0 END
             FROM {buys} WHERE {wanted};"
        )
    };
    let mut sql = format!(
        "INSERT INTO media_buys (id, principal, status, po_number, ends_at, asked_at, doc)
         SELECT 'mb_' || number, principal, status, CASE WHEN x % 2 = 0 THEN 'PO-' || CAST(x / 50 AS TEXT) END,
                {at} + CASE WHEN status = 'completed' THEN 0 ELSE 100 * {HOUR} END,
                CASE WHEN x % 10 = 1 THEN {at} + x % 1000 END, {}
         FROM {buys} ORDER BY x;
         INSERT INTO buy_platforms (platform, buy_seq, principal, status, po_number)
         SELECT platform, x, principal, status, CASE WHEN x % 2 = 0 THEN 'PO-' || CAST(x / 50 AS TEXT) END FROM {buys};
         INSERT INTO remote_objects (buy, platform, kind, key, remote_id)
         SELECT 'mb_' || number, platform, kind, key, CAST(x * 10 AS TEXT)
         FROM {buys}, (SELECT 'order' AS kind, '' AS key UNION ALL SELECT 'package', 'sports' UNION ALL SELECT 'package', 'news'
                       UNION ALL SELECT 'creative', 'banner' UNION ALL SELECT 'association', 'sports/banner') AS made;",
        doc(&documents::buy()?)
    );
    let waits = "status = 'pending_manual'";
    for (id, kind, state, wanted) in [
        ("op", OperationKind::Create, OperationState::AwaitingApproval, waits),
        ("op", OperationKind::Create, OperationState::Succeeded, "status <> 'pending_manual'"),
        ("up", OperationKind::Update, OperationState::Succeeded, "x % 2 = 0"),
        ("late", OperationKind::Update, OperationState::Queued, "x % 2000 = 1"),
    ] {
        let (run_at, ended_at) =
            if state.is_final() { (at, format!("{at} + x")) } else { (at + 24 * HOUR, "NULL".to_owned()) };
        sql += &format!(
            "INSERT INTO operations (id, buy, kind, state, switches, begun, run_at, ended_at, doc)
             SELECT '{id}_' || number, 'mb_' || number, '{}', '{}', 0, 0, {run_at} + x, {ended_at}, {}
             FROM {buys} WHERE {wanted} ORDER BY x;",
            kind.as_str(),
            state.as_str(),
            doc(&documents::operation(id, kind, state)?),
        );
    }
    for (id, wanted) in [("op", "status <> 'pending_manual'"), ("up", "x % 2 = 0")] {
        for step in ["campaign", "flight"] {
            sql += &format!(
                "INSERT INTO steps (operation, platform, name, reference, state, outcome, begun_at)
                 SELECT '{id}_' || number, platform, '{step}', 'fd-{step}-' || number, 'done', CAST('{{\"id\": 7}}' AS {{bytes}}), {at}
                 FROM {buys} WHERE {wanted};"
            );
        }
    }
    for (status, wanted, closed_at, listed) in [
        (TaskStatus::Pending, waits, i64::MAX.to_string(), "1".to_owned()),
        (
            TaskStatus::Completed,
            "status <> 'pending_manual'",
            format!("{at} + x"),
            "CASE WHEN x % 20 = 1 THEN 1 ELSE 0 END".to_owned(),
        ),
    ] {
        let open = i32::from(status.is_open());
        sql += &format!(
            "INSERT INTO tasks (id, kind, principal, buy, operation, status, open, undecided, escalates, priority, created_at, due_by,
                                expires_at, closed_at, listed, doc)
             SELECT 'task_' || number, 'manual_approval', principal, 'mb_' || number, 'op_' || number, '{status}', {open}, {open}, {open},
                    x % 4, {at} + x, {at} + x + {HOUR}, {at} + x + 24 * {HOUR}, {closed_at}, {listed}, {}
             FROM {buys} WHERE {wanted};",
            doc(&documents::task(status)?),
        );
    }
    for _ in 0..3 {
        sql += &format!(
            "INSERT INTO task_history (task, doc) SELECT 'task_' || number, {} FROM {buys};",
            doc(&documents::line()?)
        );
    }
    for id in ["ev1", "ev2", "ev3", "ev4", "ev5"] {
        let (event, body) = documents::event(id)?;
        sql += &format!(
            "INSERT INTO events (id, buy, doc, kind, principal, at, body)
             SELECT '{id}_' || number, 'mb_' || number, {}, 'media_buy.status_changed', principal, {at} + x, {} FROM {buys};",
            doc(&event),
            doc(&body)
        );
    }
    sql += &sent("ev1", "x % 10 = 0");
    sql += &sent("ev2", "x % 10 = 0");
    sql += &format!(
        "INSERT INTO idempotency (principal, key, fingerprint, operation, answer, created_at, expires_at)
         SELECT principal, 'key-' || number, 'print', 'op_' || number, NULL, {at}, {at} + x FROM {buys} WHERE x % 50 = 0;
         INSERT INTO audit (seq, at, subject, doc, chain)
         SELECT (SELECT coalesce(max(seq), 0) FROM audit) + (x - first) * 3 + part, {at}, 'op_' || number,
                '{{\"at\":\"2027-01-15T08:00:00.000000Z\",\"actor\":\"anna\",\"action\":\"operation.accepted\",\"subject\":\"op_' || number
                || '\",\"digest\":\"d\",\"reason\":null}}', 'scale:not measured'
         FROM {buys}, (SELECT min(x) AS first FROM {numbers}) AS f, (SELECT 1 AS part UNION ALL SELECT 2 UNION ALL SELECT 3) AS parts;"
    );
    let bytes = if numbers.contains("generate_series") { "BYTEA" } else { "BLOB" };
    Ok(sql.replace("{bytes}", bytes))
}
