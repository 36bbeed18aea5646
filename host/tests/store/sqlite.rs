//! What is true of SQLite only: locks, restarts, forgery.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use flightdeck::{
    domain::{
        audit::{AuditFault, key_of},
        operation::OperationState,
        task::{TaskKind, TaskStatus},
    },
    store::{
        Recording, StoreError,
        sqlite::{self, Options},
    },
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::fixtures::{
    self, Store, accept, audit, claim, key, moved, principal, stored_buy, stored_operation, stored_task, task,
};
use super::{auditing, clock, lists, measure, plans};

/// A store in a folder of its own.
pub(crate) struct Backend {
    store: Store,
    folder: TempDir,
}

impl Backend {
    pub(crate) async fn fresh() -> Option<Self> {
        Some(Self::new().await)
    }

    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path().join("store.db")).await.unwrap();
        Self { store, folder }
    }

    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    pub(crate) async fn check_plans(&self) {
        plans::check_sqlite(&mut self.beside().await).await;
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// Somebody else's connection to the same file.
    async fn beside(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.path()).connect().await.unwrap()
    }
}

async fn open(path: PathBuf) -> Result<Store, StoreError> {
    sqlite::open(path, Options::default()).await
}

/// Opens it as soon as whoever had it has let go.
async fn open_when_free(path: PathBuf) -> Store {
    loop {
        match open(path.clone()).await {
            Ok(store) => return store,
            Err(StoreError::Unavailable(reason)) if reason.contains("another flightdeck") => {
                tokio::task::yield_now().await;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn number(connection: &mut SqliteConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn a_second_opener_is_refused_and_told_the_cure() {
    let backend = Backend::new().await;
    let error = open(backend.path()).await.unwrap_err().to_string();
    assert!(error.contains("store.db.lock"), "{error}");
    assert!(error.contains("stop it, or configure another database file"), "{error}");
    // The first goes on.
    accept(&backend.store, "b1").await;
}

#[tokio::test]
async fn a_list_of_tasks_ends_with_its_most_urgent_ten_thousand() {
    let backend = Backend::new().await;
    let numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10010) SELECT n FROM n";
    lists::a_list_of_tasks_ends(&backend.store, async {
        sqlx::query(AssertSqlSafe(lists::multiply(numbers))).execute(&mut backend.beside().await).await.unwrap();
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn another_name_of_the_same_file_has_the_same_lock() {
    let backend = Backend::new().await;
    let alias = backend.folder.path().join("alias.db");
    std::os::unix::fs::symlink(backend.path(), &alias).unwrap();
    assert!(matches!(open(alias).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn what_an_older_host_ended_is_forgotten_in_its_time() {
    let backend = Backend::new().await;
    super::retention::end_as_an_older_host(&backend.store, async {
        sqlx::query(super::retention::TAKE_OUT).execute(&mut backend.beside().await).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn closing_gives_the_file_back_and_keeps_everything() {
    let backend = Backend::new().await;
    let id = accept(&backend.store, "b1").await;
    let held = claim(&backend.store, 0).await;
    backend.store.close().await;
    assert!(matches!(backend.store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(backend.store.buy(&"b1".into()).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(backend.store.record(Recording::default()).await, Err(StoreError::Unavailable(_))));
    backend.store.close().await;
    let wal = backend.folder.path().join("store.db-wal");
    assert!(!wal.exists(), "closing brings the log into the database");

    let again: Store = open(backend.path()).await.unwrap();
    assert_eq!(stored_operation(&again, &id).await, held.operation);
    // The lease outlives the process that took it, and its worker may go on.
    let done = moved(&held.operation, OperationState::Succeeded, 1);
    let recording = Recording { fence: Some(held.fence), operations: vec![done], ..Recording::default() };
    again.record(recording).await.unwrap();
}

#[tokio::test]
async fn what_waits_is_written_before_it_closes() {
    let backend = Backend::new().await;
    let store = backend.store();
    let ids: Vec<String> = (0..100).map(|index| format!("b{index}")).collect();
    let mut writes: Vec<_> = ids.iter().map(|id| Box::pin(accept(&store, id))).collect();
    for write in &mut writes {
        // As far as the queue.
        assert!(futures::poll!(write).is_pending());
    }
    backend.store.close().await;
    futures::future::join_all(writes).await;
    let again = open(backend.path()).await.unwrap();
    assert!(again.buy(&"b99".into()).await.unwrap().is_some());
}

/// Where the child of the next test finds its database.
const CHILD: &str = "FLIGHTDECK_TEST_STORE_OF_CHILD";

#[test]
#[ignore = "is the process that `what_was_acknowledged_survives_kill_9` kills"]
fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Store = open(path.into()).await.unwrap();
        let writers = (0..8).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for index in 0.. {
                    let id = format!("b{writer}-{index}");
                    accept(&store, &id).await;
                    // Past the test harness, which would keep what is printed.
                    writeln!(std::io::stdout(), "acknowledged {id}").unwrap();
                }
            })
        });
        futures::future::join_all(writers).await;
    });
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["store::sqlite::child_that_writes_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let is_id = |line: String| line.strip_prefix("acknowledged ").map(str::to_owned);
    let mut acknowledged: Vec<String> = lines.by_ref().filter_map(is_id).take(200).collect();
    child.kill().unwrap();
    acknowledged.extend(lines.filter_map(is_id));
    child.wait().unwrap();
    assert!(acknowledged.len() >= 200);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // The dead process's lock died with it.
        let store: Store = open(path).await.unwrap();
        for id in acknowledged {
            stored_buy(&store, &id).await;
            assert!(store.creation(&id.as_str().into()).await.unwrap().is_some());
        }
    });
}

#[tokio::test]
async fn a_store_that_is_dropped_without_closing_keeps_everything_and_lets_go() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store: Store = open(path.clone()).await.unwrap();
    accept(&store, "b1").await;
    drop(store);
    let again: Store = open_when_free(path).await;
    stored_buy(&again, "b1").await;
}

/// `cargo test --release -p flightdeck --test store -- --ignored --nocapture sqlite::how_many`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and says nothing of right and wrong"]
async fn how_many_acceptances_are_recorded_a_second() {
    measure::acceptances(Backend::new().await.store()).await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let folder = TempDir::new().unwrap();
    let error = open(folder.path().join("missing").join("store.db")).await.unwrap_err().to_string();
    assert!(error.contains("missing") && error.contains("check that its folder exists"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    std::fs::write(&path, "this is no database, whatever its name says".repeat(100)).unwrap();
    let error = open(path).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    assert!(error.to_string().contains("store.db"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_of_a_late_task_keeps_no_other_from_expiring() {
    let backend = Backend::new().await;
    let store = backend.store();
    for (buy, task) in [("b1", "t1"), ("b2", "t2"), ("b3", "t3")] {
        accept(&store, buy).await;
        let claim = claim(&store, 0).await;
        let task = clock::of_kind(task, TaskKind::ManualApproval);
        clock::wait(&store, claim.operation, OperationState::AwaitingApproval, task).await;
    }
    store.record(Recording { idempotency: Some(key("old", "op-b1")), ..Recording::default() }).await.unwrap();
    let mut beside = backend.beside().await;
    for spoil in ["UPDATE tasks SET doc = '{}' WHERE id = 't1'", "UPDATE operations SET doc = '{}' WHERE id = 'op-b2'"]
    {
        sqlx::query(spoil).execute(&mut beside).await.unwrap();
    }
    clock::tick(&store, 100_000).await;
    assert_eq!(stored_task(&store, "t2").await.value.status, TaskStatus::Pending, "its operation is not known");
    assert_eq!(stored_task(&store, "t3").await.value.status, TaskStatus::Failed);
    assert!(store.idempotency(&principal(), "old").await.unwrap().is_none(), "what is old is forgotten");
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let backend = Backend::new().await;
    backend.store.close().await;
    let mut beside = backend.beside().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .execute(&mut beside)
    .await
    .unwrap();
    beside.close().await.unwrap();
    let error = open(backend.path()).await.unwrap_err().to_string();
    assert!(error.contains("or a newer one"), "{error}");
}

#[tokio::test]
async fn the_file_is_set_up_for_durability() {
    let backend = Backend::new().await;
    let mut beside = backend.beside().await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut beside).await.unwrap();
    assert_eq!(mode, "wal");
    let strict = "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0
                  AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'";
    assert_eq!(number(&mut beside, strict).await, 0);
}

#[tokio::test]
async fn columns_agree_with_their_documents() {
    let backend = Backend::new().await;
    let store = backend.store();
    for buy in ["b1", "b2", "b3"] {
        accept(&store, buy).await;
    }
    let held = claim(&store, 0).await;
    claim(&store, 1).await;
    let mut changed = stored_buy(&store, "b1").await;
    changed.value.po_number = Some("PO-1".to_owned());
    let recording = Recording {
        fence: Some(held.fence.clone()),
        release: true,
        buy: Some(changed),
        operations: vec![moved(&held.operation, OperationState::Parked, 2)],
        new_task: Some(task("t1", &held.operation.value)),
        ..Recording::default()
    };
    store.record(recording).await.unwrap();
    let mut beside = backend.beside().await;
    for (table, condition) in [
        ("media_buys", "doc ->> 'id' IS id AND doc ->> 'status' IS status AND doc ->> 'po_number' IS po_number"),
        ("operations", "doc ->> 'id' IS id AND doc ->> 'state' IS state AND doc ->> 'buy' IS buy"),
        ("operations", "(state = 'running') = (lease_until IS NOT NULL)"),
        ("tasks", "doc ->> 'status' IS status AND doc ->> 'operation' IS operation AND doc ->> 'kind' IS kind"),
        ("media_buys", "doc -> 'remote' = '{}'"),
    ] {
        let wrong = format!("SELECT count(*) FROM {table} WHERE NOT ({condition})");
        assert_eq!(number(&mut beside, &wrong).await, 0, "{table}: {condition}");
    }
}

#[tokio::test]
async fn the_audit_log_is_written_with_the_decision_and_only_appended_to() {
    let backend = Backend::new().await;
    let store = backend.store();
    let lines = vec![audit("task.approved", "t1"), audit("operation.queued", "op-1")];
    store.record(Recording { audit: lines.clone(), ..Recording::default() }).await.unwrap();
    let id = accept(&store, "b1").await;
    let mut stale = stored_operation(&store, &id).await;
    stale.version += 1;
    let refused = Recording { operations: vec![stale], audit: lines.clone(), ..Recording::default() };
    assert!(store.record(refused).await.is_err());

    let mut beside = backend.beside().await;
    let docs: Vec<String> =
        sqlx::query_scalar("SELECT doc FROM audit ORDER BY seq").fetch_all(&mut beside).await.unwrap();
    let read: Vec<flightdeck::store::AuditEntry> = docs.iter().map(|doc| serde_json::from_str(doc).unwrap()).collect();
    assert_eq!(read, lines);
    for forgery in ["UPDATE audit SET doc = '{}'", "DELETE FROM audit"] {
        let error = sqlx::query(forgery).execute(&mut beside).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn an_audit_log_that_somebody_edited_is_found() {
    let backend = Backend::new().await;
    let store = backend.store();
    for number in 0..6 {
        let lines = vec![audit("task.approved", &format!("t{number}"))];
        store.record(Recording { audit: lines, ..Recording::default() }).await.unwrap();
    }
    let mut beside = backend.beside().await;
    let early =
        "INSERT INTO audit (seq, at, subject, doc, chain) SELECT -3, at, subject, doc, chain FROM audit WHERE seq = 1";
    assert!(sqlx::query(early).execute(&mut beside).await.is_err());
    for table in ["UPDATE audit_beginning SET number = 7", "DELETE FROM audit_beginning"] {
        assert!(sqlx::query(table).execute(&mut beside).await.is_err());
    }
    for trigger in
        ["DROP TRIGGER audit_is_not_changed", "DROP TRIGGER audit_is_not_deleted", "DROP TRIGGER audit_begins_at_one"]
    {
        sqlx::query(trigger).execute(&mut beside).await.unwrap();
    }
    let untouched = auditing::whole(&store).await;
    for (forgery, fault, undo) in [
        (
            "UPDATE audit SET doc = json_set(doc, '$.actor', 'nobody') WHERE seq = 3",
            AuditFault::Changed { number: 3 },
            "UPDATE audit SET doc = json_set(doc, '$.actor', 'rita') WHERE seq = 3",
        ),
        (
            "UPDATE audit SET subject = 'other' WHERE seq = 2",
            AuditFault::Misfiled { number: 2 },
            "UPDATE audit SET subject = 't1' WHERE seq = 2",
        ),
        (
            "UPDATE audit SET seq = 40 WHERE seq = 4",
            AuditFault::Missing { after: 3, expected: 4, found: 5 },
            "UPDATE audit SET seq = 4 WHERE seq = 40",
        ),
        (early, AuditFault::BeforeTheFirst { number: -3 }, "DELETE FROM audit WHERE seq = -3"),
        (
            "INSERT INTO audit (seq, at, subject, doc, chain)
             SELECT -9223372036854775807 - 1, at, subject, doc, chain FROM audit WHERE seq = 1",
            AuditFault::BeforeTheFirst { number: i64::MIN },
            "DELETE FROM audit WHERE seq < 0",
        ),
    ] {
        sqlx::query(forgery).execute(&mut beside).await.unwrap();
        assert_eq!(auditing::verify(&auditing::whole(&store).await), Err(fault), "{forgery}");
        sqlx::query(undo).execute(&mut beside).await.unwrap();
        assert_eq!(auditing::whole(&store).await, untouched);
    }
    // Without any link it is not taken for a log older than the chain.
    sqlx::query("UPDATE audit SET chain = ''").execute(&mut beside).await.unwrap();
    let begins = store.audit_begins().await.unwrap().unwrap();
    let fault = auditing::verify_from(begins, &auditing::whole(&store).await);
    assert_eq!(fault, Err(AuditFault::Unlinked { number: 1 }));
}

/// The tables as the first release made them, with a line of the audit log from then.
#[tokio::test]
async fn a_log_older_than_the_chain_goes_on_in_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut old = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    let mut first = sqlx::migrate!("migrations/sqlite");
    first.migrations.to_mut().truncate(1);
    first.run_direct(None, &mut old, false).await.unwrap();
    let entry = audit("task.approved", "t1");
    sqlx::query("INSERT INTO audit (at, subject, doc) VALUES (?, 't1', ?)")
        .bind(entry.at.as_micros())
        .bind(serde_json::to_string(&entry).unwrap())
        .execute(&mut old)
        .await
        .unwrap();
    old.close().await.unwrap();
    let store: Store = open(path).await.unwrap();
    store.record(Recording { audit: vec![audit("task.rejected", "t2")], ..Recording::default() }).await.unwrap();
    let lines = auditing::whole(&store).await;
    assert!(lines[0].link.is_empty() && key_of(&lines[1].link).is_some(), "{lines:?}");
    let begins = store.audit_begins().await.unwrap();
    assert_eq!(begins, Some(2));
    assert_eq!(auditing::verify_from(2, &lines).unwrap().number, 2);
    assert_eq!(auditing::verify(&lines), Err(AuditFault::Unlinked { number: 1 }));
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_told_as_such() {
    let backend = Backend::new().await;
    accept(&backend.store, "b1").await;
    let mut beside = backend.beside().await;
    sqlx::query("UPDATE media_buys SET doc = '{}'").execute(&mut beside).await.unwrap();
    sqlx::query("UPDATE operations SET doc = json_set(doc, '$.state', 'failed')").execute(&mut beside).await.unwrap();
    assert!(matches!(backend.store.buy(&"b1".into()).await, Err(StoreError::Corrupt(_))));
    // An operation that can't be read is put off, and those behind it have their turn.
    accept(&backend.store, "b2").await;
    assert!(backend.store.claim("worker", fixtures::at(1), fixtures::LEASE).await.unwrap().is_none());
    let next =
        backend.store.claim("worker", fixtures::at(1), 10 * fixtures::LEASE).await.unwrap().expect("another one");
    assert_eq!(next.fence.operation.as_str(), "op-b2");
    assert!(backend.store.claim("worker", fixtures::at(1), fixtures::LEASE).await.unwrap().is_none());
    sqlx::query("UPDATE operations SET doc = json_set(doc, '$.state', 'queued') WHERE id = 'op-b1'")
        .execute(&mut beside)
        .await
        .unwrap();
    assert_eq!(claim(&backend.store, 100).await.fence.operation.as_str(), "op-b1");
}

#[tokio::test]
async fn somebody_elses_lock_is_waited_for() {
    let backend = Backend::new().await;
    let mut beside = backend.beside().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut beside).await.unwrap();
    let store = backend.store();
    let waiting = tokio::spawn(async move { accept(&store, "b1").await });
    tokio::task::yield_now().await;
    sqlx::query("COMMIT").execute(&mut beside).await.unwrap();
    waiting.await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_never_given_back_is_an_error_and_not_for_ever() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let options = Options { patience: std::time::Duration::from_millis(10), ..Options::default() };
    let store: Store = sqlite::open(&path, options).await.unwrap();
    let mut beside = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut beside).await.unwrap();
    let recording = Recording { audit: vec![audit("a", "b")], ..Recording::default() };
    assert!(matches!(store.record(recording.clone()).await, Err(StoreError::Unavailable(_))));
    store.ping().await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut beside).await.unwrap();
    store.record(recording).await.unwrap();
    assert_eq!(number(&mut beside, "SELECT count(*) FROM audit").await, 1);
}
