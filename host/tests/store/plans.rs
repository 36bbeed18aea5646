//! How the databases carry out every statement that the suite makes: along an index, reading no more of a table that grows than they answer.
//!
//! After each case, whatever it asked for is explained. SQLite's plans are the same however much there is. PostgreSQL is told that each
//! table that grows has a million rows of which nothing else is known, so that its plans do not depend on what a case has written.
//!
//! What stands in [`IN_HAND`] and [`FINE`] is fine although the rule says otherwise, and why.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck::store::statements::{self, Kind, Statement, Value};
use serde_json::Value as Json;
use sqlx::{
    Arguments as _, AssertSqlSafe, PgConnection, Row as _, SqliteConnection, postgres::PgArguments,
    sqlite::SqliteArguments,
};

/// Tables that don't grow with buys: as long as a configuration, or as what people make one by one. Any other one grows.
const SMALL: [&str; 11] = [
    "tokens",
    "revoked_tokens",
    "webhooks",
    "webhook_events",
    "components",
    "releases",
    "activations",
    "limits",
    "marks",
    "audit_beginning",
    "_sqlx_migrations",
];

/// What belongs to one buy, one operation, one task or one event, by the column that says so: it does not grow with the number of buys, so that
/// it may be filtered and sorted once it is found by that.
const OWNED: [(&str, &str); 9] = [
    ("buy_platforms", "buy_seq"),
    ("operations", "buy"),
    ("remote_objects", "buy"),
    ("steps", "operation"),
    ("task_history", "task"),
    ("tasks", "buy"),
    ("tasks", "operation"),
    ("webhook_deliveries", "event"),
    ("webhook_deliveries", "buy"),
];

fn is_owned(table: &str, condition: &str) -> bool {
    let equals =
        |column: &str| condition.contains(&format!("({column} = ")) || condition.contains(&format!("{column}=?"));
    OWNED.iter().any(|(of, column)| *of == table && equals(column))
}

/// Indexes of work in hand: they hold what has not ended, however much has. What waits is walked until one is found that waits for no other.
const IN_HAND: [&str; 9] = [
    "operations_in_lanes",
    "operations_queued",
    "operations_running",
    "operations_claimable",
    "operations_open",
    "operations_unended",
    "operations_begun",
    "operations_leased",
    "webhook_deliveries_leased",
];

/// What a plan may do that the rule forbids: what stands in the statement, what stands in the complaint, and why that is fine.
const FINE: &[(&str, &str, &str)] = &[
    ("FROM media_buys AS mine WHERE true ORDER BY mine.seq DESC LIMIT", "SCAN mine", "the first page of all buys"),
    ("FROM audit ORDER BY seq DESC LIMIT 1", "SCAN audit", "the last line"),
    (
        "FROM tasks WHERE listed = 1 ORDER BY priority DESC, created_at, seq LIMIT",
        "SCAN tasks USING COVERING INDEX tasks_listed",
        "the first of all tasks, as many as are listed at most",
    ),
    ("AS counted", "webhook_deliveries", "counted along an index of what has not ended, and no further than said"),
    ("min(one.webhook)", "one USING COVERING INDEX webhook_deliveries_due", "the first entry of the index"),
    (
        "mine.status = 'pending'",
        "of webhook_deliveries by webhook_deliveries_due filtered",
        "what is due to an endpoint is walked until one is found that waits for no earlier one of its buy",
    ),
    (
        "ended_at IS NULL AND state IN ('succeeded', 'failed')",
        "operations_ended_unknown_when",
        "the first of those that an older host has ended, until there are none",
    ),
];

/// Fails if a statement that was made on SQLite since it was watched reads more than it answers.
pub(crate) async fn check_sqlite(connection: &mut SqliteConnection) {
    let listed = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(listed).fetch_all(&mut *connection).await.unwrap();
    let mut wrong = Vec::new();
    for statement in statements::seen(Kind::Sqlite) {
        let mut arguments = SqliteArguments::default();
        for value in &statement.values {
            match value.clone() {
                Value::Text(value) => arguments.add(value),
                Value::Int(value) => arguments.add(value),
                Value::Bytes(value) => arguments.add(value),
            }
            .unwrap();
        }
        let explain = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let plan = sqlx::query_with(AssertSqlSafe(explain), arguments).fetch_all(&mut *connection).await.unwrap();
        let lines: Vec<(i64, String)> =
            plan.iter().map(|row| (row.get::<i64, _>("parent"), row.get::<String, _>("detail"))).collect();
        wrong.extend(told(&statement, sqlite_complaints(&statement, &tables, &lines), &format!("{lines:#?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A walk through a whole table or index that grows, and sorting what comes from one.
fn sqlite_complaints(statement: &Statement, tables: &[String], lines: &[(i64, String)]) -> Vec<String> {
    let names = grows_as(&statement.sql, tables);
    let reads = |detail: &str| {
        let mut words = detail.split_whitespace();
        let how = words.next().filter(|how| ["SCAN", "SEARCH"].contains(how))?;
        let name = words.next()?;
        let table = names.get(name)?;
        (!is_owned(table, detail)).then(|| how.to_owned())
    };
    let mut found = Vec::new();
    for (parent, detail) in lines {
        if reads(detail).is_some_and(|how| how == "SCAN") {
            found.push(detail.clone());
        }
        if detail.starts_with("USE TEMP B-TREE") {
            // What is looked up by its number is one row for each of something else, which stands beside it.
            let beside =
                lines.iter().filter(|(of, line)| of == parent && !line.contains("INTEGER PRIMARY KEY (rowid=?)"));
            found.extend(
                beside.filter(|(_, line)| reads(line).is_some()).map(|(_, line)| format!("{detail} of {line}")),
            );
        }
    }
    found
}

/// By which names a statement calls tables that grow.
fn grows_as(sql: &str, tables: &[String]) -> BTreeMap<String, String> {
    let grows = |name: &str| tables.iter().any(|table| table == name) && !SMALL.contains(&name);
    let words: Vec<&str> =
        sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect();
    let mut names = BTreeMap::new();
    for (index, word) in words.iter().enumerate().filter(|(_, word)| grows(word)) {
        names.insert((*word).to_owned(), (*word).to_owned());
        if words.get(index + 1) == Some(&"AS")
            && let Some(alias) = words.get(index + 2)
        {
            names.insert((*alias).to_owned(), (*word).to_owned());
        }
    }
    names
}

/// What is wrong with a statement, but for what is fine.
fn told(statement: &Statement, complaints: Vec<String>, plan: &str) -> Option<String> {
    let sql = statement.sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let in_hand = |complaint: &str| {
        let mut words = complaint.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words.any(|word| IN_HAND.contains(&word))
    };
    let fine = |complaint: &String| {
        in_hand(complaint) || FINE.iter().any(|(of, what, _)| sql.contains(of) && complaint.contains(what))
    };
    let wrong: BTreeSet<String> = complaints.into_iter().filter(|complaint| !fine(complaint)).collect();
    (!wrong.is_empty()).then(|| format!("{sql}\n  {}\n{plan}", wrong.into_iter().collect::<Vec<_>>().join("\n  ")))
}

/// As [`check_sqlite`].
pub(crate) async fn check_postgres(connection: &mut PgConnection) {
    sqlx::raw_sql(A_MILLION_ROWS).execute(&mut *connection).await.unwrap();
    let indexes: Vec<Index> = sqlx::query_as(INDEXES).fetch_all(&mut *connection).await.unwrap();
    let mut wrong = Vec::new();
    for statement in statements::seen(Kind::Postgres) {
        let mut arguments = PgArguments::default();
        for value in &statement.values {
            match value.clone() {
                Value::Text(value) => arguments.add(value.map(|text| as_stored(&text))),
                Value::Int(value) => arguments.add(value),
                Value::Bytes(value) => arguments.add(value),
            }
            .unwrap();
        }
        let mut parts = statement.sql.split('?');
        let mut explain = format!("EXPLAIN (FORMAT JSON) {}", parts.next().unwrap_or_default());
        for (index, part) in parts.enumerate() {
            explain.push_str(&format!("${}{part}", index + 1));
        }
        // Locks are nothing that it can explain.
        if explain.contains("pg_advisory_xact_lock") {
            continue;
        }
        let plan: Json = match sqlx::query_with(AssertSqlSafe(explain), arguments).fetch_one(&mut *connection).await {
            Ok(row) => row.get(0),
            Err(error) => panic!("{}: {error}", statement.sql),
        };
        let mut complaints = Vec::new();
        complain(&plan[0]["Plan"], Above::default(), &indexes, &mut complaints);
        wrong.extend(told(&statement, complaints, &format!("{plan:#}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What of the nodes above one matters to it.
#[derive(Clone, Copy, Default)]
struct Above {
    /// Something ends it after so many rows.
    limited: bool,
    /// Something wants all of its rows before it gives the first.
    sorted: bool,
}

/// Text as the store gives it to PostgreSQL, which takes no NUL.
fn as_stored(text: &str) -> String {
    text.replace('\u{f8f0}', "\u{f8f0}1").replace('\0', "\u{f8f0}0")
}

/// An index: its name, the columns by all of which one row is found, and which rows are in it.
type Index = (String, Option<Vec<String>>, Option<String>);

const INDEXES: &str = "SELECT indexrelid::regclass::text,
           CASE WHEN indisunique AND indpred IS NULL THEN
               (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey)) END,
           pg_get_expr(indpred, indrelid)
    FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)";

fn complain(node: &Json, above: Above, indexes: &[Index], found: &mut Vec<String>) {
    let text = |key: &str| node[key].as_str().unwrap_or_default();
    let kind = text("Node Type");
    let below = match kind {
        "Limit" => Above { limited: true, sorted: false },
        // An incremental one sorts what is equal by the index, and no more.
        "Sort" => Above { limited: false, sorted: true },
        "Aggregate" | "Hash" => Above { limited: false, ..above },
        _ => above,
    };
    let table = text("Relation Name");
    let is_scan = kind.ends_with("Scan");
    if is_scan && !table.is_empty() && !SMALL.contains(&table) {
        let condition = text("Index Cond");
        let equals = |column: &String| condition.contains(&format!("({column} = "));
        let index = indexes.iter().find(|(name, ..)| name == text("Index Name"));
        let is_one =
            index.is_some_and(|(_, columns, _)| columns.as_ref().is_some_and(|columns| columns.iter().all(equals)));
        // Where rows are locked, what the index says by itself is looked at once more.
        let filter = text("Filter");
        let is_filtered = !filter.is_empty() && index.is_none_or(|(.., rows)| rows.as_deref() != Some(filter));
        let through = format!("{kind} of {table} by {}", text("Index Name"));
        match kind {
            _ if is_one || is_owned(table, condition) => {}
            "Seq Scan" => found.push(through),
            _ if is_filtered => found.push(format!("{through} filtered by {filter}")),
            _ if condition.is_empty() && kind != "Bitmap Heap Scan" && !above.limited => {
                found.push(format!("all: {through}"))
            }
            _ if above.sorted => found.push(format!("sorted: {through} {condition}")),
            _ => {}
        }
    }
    for below_it in node["Plans"].as_array().into_iter().flatten() {
        // What is planned once by itself has nothing to do with what is above it.
        let by_itself = ["InitPlan", "SubPlan"].contains(&below_it["Parent Relationship"].as_str().unwrap_or_default());
        complain(below_it, if by_itself { Above::default() } else { below }, indexes, found);
    }
}

/// A page for each table and index, which is undone and stays, and the word that a million rows are in it. One page is read quickly, so
/// that it must be said that a million rows are not.
const A_MILLION_ROWS: &str = "
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO media_buys (id, principal, status, ends_at, asked_at, po_number, doc) VALUES ('-', '-', '-', 0, 0, '-', '');
INSERT INTO buy_platforms (platform, buy_seq, po_number) VALUES ('-', 0, '-');
INSERT INTO remote_objects (buy, platform, kind, key, remote_id) VALUES ('-', '-', '-', '-', '-');
INSERT INTO operations (id, buy, kind, state, switches, begun, run_at, doc) VALUES ('-', '-', '-', 'queued', 0, 1, 0, '');
INSERT INTO operations (id, buy, kind, state, switches, begun, run_at, worker, lease_until, doc)
    VALUES ('--', '-', '-', 'running', 0, 1, 0, '-', 0, '');
INSERT INTO steps (operation, platform, name, reference, state, begun_at) VALUES ('-', '-', '-', '-', 'open', 0);
INSERT INTO lookups (operation, platform, name, due_at) VALUES ('-', '-', '-', 0);
INSERT INTO tasks (id, kind, principal, buy, operation, status, open, undecided, escalates, priority, created_at, due_by,
                   expires_at, closed_at, doc) VALUES ('-', '-', '-', '-', '-', '-', 1, 1, 1, 0, 0, 0, 0, 0, '');
INSERT INTO task_history (task, doc) VALUES ('-', '');
INSERT INTO events (id, buy, doc) VALUES ('-', '-', '');
INSERT INTO audit (seq, at, subject, doc, chain) VALUES (9999999, 0, '-', '', '-:-');
INSERT INTO idempotency (principal, key, fingerprint, operation, created_at, expires_at) VALUES ('-', '-', '-', '-', 0, 0);
INSERT INTO webhook_deliveries (webhook, event, buy, status, since, due_at, leased) VALUES ('-', '-', '-', 'pending', 0, 0, 1);
INSERT INTO webhook_deliveries (webhook, event, buy, status, since, due_at) VALUES ('-', '--', '-', 'dead', 0, 0);
ROLLBACK;
UPDATE pg_class SET relpages = pg_relation_size(oid) / 8192, reltuples = 1000000
WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) >= 8192
  AND coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = pg_class.oid), oid)::regclass::text
      NOT IN ('tokens', 'webhooks', 'webhook_events', 'components', 'releases', 'activations', 'limits', 'marks', 'audit_beginning',
              'revoked_tokens', '_sqlx_migrations');
SET enable_seqscan = off;
SET enable_bitmapscan = off;
";
