//! What is true of SQLite only: locks, restarts, set-up.

use std::path::PathBuf;

use flightdeck::{
    domain::{
        operation::OperationState,
        task::{TaskKind, TaskStatus},
    },
    store::{
        Author, LeaseAfter, Recording, StoreError, Write,
        sqlite::{self, Options},
    },
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::fixtures::{
    self, Store, accept, audit, claim, key, moved, principal, stored_buy, stored_operation, stored_task, task,
};
use super::{clock, lists, measure, plans};

/// A store in a folder of its own.
pub(crate) struct Backend {
    store: Store,
    folder: TempDir,
}

impl Backend {
    pub(crate) async fn fresh() -> Option<Self> {
        Some(Self::new().await)
    }

    pub(super) async fn new() -> Self {
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

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// Somebody else's connection to the same file.
    pub(super) async fn beside(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.path()).connect().await.unwrap()
    }
}

pub(super) async fn open(path: PathBuf) -> Result<Store, StoreError> {
    sqlite::open(path, Options::default()).await
}

/// Opens it as soon as whoever had it has let go.
pub(super) async fn open_when_free(path: PathBuf) -> Store {
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

pub(super) async fn number(connection: &mut SqliteConnection, sql: &str) -> i64 {
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
    let recording = Recording::by(Author::Worker(held.fence, LeaseAfter::Kept)).with(Write::Operation(done));
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
    store.record(Write::NewKey(key("old", "op-b1"))).await.unwrap();
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
    let recording = Recording::by(Author::Worker(held.fence.clone(), LeaseAfter::Released))
        .with(Write::Buy(changed))
        .with(Write::Operation(moved(&held.operation, OperationState::Parked, 2)))
        .with(Write::NewTask(task("t1", &held.operation.value)));
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
    let options = Options { patience: std::time::Duration::from_millis(300), ..Options::default() };
    let store: Store = sqlite::open(&path, options).await.unwrap();
    let mut beside = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut beside).await.unwrap();
    let recording = Recording::from(Write::Audit(audit("a", "b")));
    assert!(matches!(store.record(recording.clone()).await, Err(StoreError::Unavailable(_))));
    store.ping().await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut beside).await.unwrap();
    store.record(recording).await.unwrap();
    assert_eq!(number(&mut beside, "SELECT count(*) FROM audit").await, 1);
}
