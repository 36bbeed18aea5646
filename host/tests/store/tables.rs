//! The tables of PostgreSQL: made once, changed while others use them, and left alone by whoever works beside the hosts.

use std::time::Duration;

use flightdeck::{
    domain::operation::OperationState,
    operations::now,
    store::{
        JournalWrite, StoreError, Write,
        postgres::{self, Options},
    },
};
use flightdeck_test_support::postgres::database;
use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _};

use super::{
    auditing,
    fixtures::{LEASE, accept, audit, begins, journal, key, moved},
    postgres::{beside, due_now, number, open, until_waiting},
};

#[tokio::test]
async fn hosts_that_start_together_make_the_tables_once() {
    let Some(url) = database().await else { return };
    let stores = join_all((0..3).map(|_| open(&url))).await;
    for (index, store) in stores.iter().enumerate() {
        accept(store, &format!("b{index}")).await;
    }
    assert_eq!(number(&mut beside(&url).await, "SELECT count(*) FROM media_buys").await, 3);
}

#[tokio::test]
async fn whoever_works_beside_hosts_neither_makes_tables_nor_changes_them() {
    let Some(url) = database().await else { return };
    let refused = async |url: &str| {
        let error = postgres::open_beside(url, Options::default()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        error.to_string()
    };
    let words = refused(&format!("{url}_that_is_not_there")).await;
    assert!(words.contains("does not exist"), "{words}");
    let words = refused(&url).await;
    assert!(words.contains("holds no tables of flightdeck"), "{words}");
    let mut beside = beside(&url).await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(number(&mut beside, tables).await, 0);
    let mut first = sqlx::migrate!("migrations/postgres");
    first.migrations.to_mut().truncate(1);
    first.run_direct(None, &mut beside, false).await.unwrap();
    let before = number(&mut beside, tables).await;
    let words = refused(&url).await;
    assert!(words.contains("older than this version") && words.contains("flightdeck serve"), "{words}");
    assert_eq!(number(&mut beside, tables).await, before);
    open(&url).await.close().await;
    postgres::open_beside(&url, Options::default()).await.unwrap();
}

#[tokio::test]
async fn a_host_waits_for_as_long_as_another_one_changes_the_tables() {
    let Some(url) = database().await else { return };
    let (mut changing, mut watcher) = (beside(&url).await, beside(&url).await);
    sqlx::migrate::Migrate::lock(&mut changing).await.unwrap();
    let patience = Duration::from_millis(100);
    let options = Options { patience, ..Options::default() };
    let starting = {
        let url = url.clone();
        tokio::spawn(async move { postgres::open(&url, options).await })
    };
    until_waiting(&mut watcher, 1).await;
    // Longer than anything else may take.
    tokio::time::sleep(patience * 5).await;
    assert!(!starting.is_finished());
    sqlx::migrate::Migrate::unlock(&mut changing).await.unwrap();
    starting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_change_of_the_tables_waits_for_who_uses_them_and_holds_nobody_up_for_long() {
    let Some(url) = database().await else { return };
    let (mut dumping, mut watcher) = (beside(&url).await, beside(&url).await);
    let mut first = sqlx::migrate!("migrations/postgres");
    first.migrations.to_mut().truncate(1);
    first.run_direct(None, &mut watcher, false).await.unwrap();
    // As `pg_dump` does, for as long as it takes.
    let mut dump = dumping.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM events").execute(&mut *dump).await.unwrap();
    let options = Options { patience: Duration::from_millis(100), ..Options::default() };
    let starting = {
        let url = url.clone();
        tokio::spawn(async move { postgres::open(&url, options).await })
    };
    for _ in 0..3 {
        until_waiting(&mut watcher, 1).await;
        // It comes in between, whatever waits for the table.
        number(&mut watcher, "SELECT count(*) FROM events").await;
    }
    assert!(!starting.is_finished());
    dump.rollback().await.unwrap();
    starting.await.unwrap().unwrap();
}

#[tokio::test]
async fn tables_that_a_newer_host_changes_are_used_on() {
    let Some(url) = database().await else { return };
    let store = open(&url).await;
    let (mut owner, token) = (beside(&url).await, auditing::token("rita"));
    store.add_token(&token, audit("token.created", "token:rita")).await.unwrap();
    let used = async |id: &str| {
        due_now(&store, id).await;
        let held = store.claim("worker", now(), LEASE).await.unwrap().expect("it is due");
        let begin = begins("campaign", "r-1");
        store.journal(JournalWrite { begin, ..journal(&held.fence, id, 0) }).await.unwrap();
        assert_eq!(store.steps(&held.fence.operation).await.unwrap().len(), 1);
        let entry = key(id, held.fence.operation.as_str());
        store.record(Write::NewKey(entry.clone())).await.unwrap();
        assert_eq!(store.idempotency(&entry.principal, id).await.unwrap(), Some(entry));
        assert_eq!(store.tokens().await.unwrap(), std::slice::from_ref(&token));
        let failed = moved(&held.operation, OperationState::Failed, 0);
        store.record(Write::Operation(failed)).await.unwrap();
    };
    used("b1").await;
    for table in ["steps", "idempotency", "tokens", "operations", "media_buys"] {
        let sql = format!("ALTER TABLE {table} ADD COLUMN newer TEXT");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut owner).await.unwrap();
    }
    used("b2").await;
    // Another type, and what was prepared answers something else than it was prepared for.
    for column in ["steps ALTER COLUMN name", "idempotency ALTER COLUMN key", "tokens ALTER COLUMN role"] {
        let sql = format!("ALTER TABLE {column} TYPE VARCHAR(100)");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut owner).await.unwrap();
    }
    used("b3").await;
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let Some(url) = database().await else { return };
    open(&url).await.close().await;
    let future = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                  VALUES (9999, 'from the future', TRUE, '\\x00', 0)";
    sqlx::query(future).execute(&mut beside(&url).await).await.unwrap();
    let error = postgres::open(&url, Options::default()).await.unwrap_err().to_string();
    assert!(error.contains("or a newer one"), "{error}");
}
