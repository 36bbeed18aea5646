//! The audit log is only appended to, and what somebody changes past the host is found.

use flightdeck::{
    domain::audit::{AuditFault, key_of},
    store::{Recording, Write},
};
use flightdeck_test_support::postgres::database;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::{
    auditing,
    fixtures::{Store, accept, audit, stored_operation},
    postgres,
    sqlite::{self, Backend},
};

#[tokio::test]
async fn on_sqlite_the_audit_log_is_written_with_the_decision_and_only_appended_to() {
    let backend = Backend::new().await;
    let store = backend.store();
    let lines = [audit("task.approved", "t1"), audit("operation.queued", "op-1")];
    store.record(lines.clone().map(Write::Audit)).await.unwrap();
    let id = accept(&store, "b1").await;
    let mut stale = stored_operation(&store, &id).await;
    stale.version += 1;
    let refused = Recording::from(lines.clone().map(Write::Audit)).with(Write::Operation(stale));
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
        store.record(Write::Audit(audit("task.approved", &format!("t{number}")))).await.unwrap();
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
    let store: Store = sqlite::open(path).await.unwrap();
    store.record(Write::Audit(audit("task.rejected", "t2"))).await.unwrap();
    let lines = auditing::whole(&store).await;
    assert!(lines[0].link.is_empty() && key_of(&lines[1].link).is_some(), "{lines:?}");
    let begins = store.audit_begins().await.unwrap();
    assert_eq!(begins, Some(2));
    assert_eq!(auditing::verify_from(2, &lines).unwrap().number, 2);
    assert_eq!(auditing::verify(&lines), Err(AuditFault::Unlinked { number: 1 }));
}

#[tokio::test]
async fn on_postgres_the_audit_log_is_only_appended_to_and_forgery_is_found() {
    let Some(url) = database().await else { return };
    let store = postgres::open(&url).await;
    for index in 0..5 {
        store.record(Write::Audit(audit("task.approved", &format!("t{index}")))).await.unwrap();
    }
    let mut beside = postgres::beside(&url).await;
    for forgery in ["UPDATE audit SET doc = '{}'", "DELETE FROM audit", "TRUNCATE audit"] {
        let error = sqlx::query(forgery).execute(&mut beside).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{error}");
    }
    sqlx::query("ALTER TABLE audit DISABLE TRIGGER ALL").execute(&mut beside).await.unwrap();
    sqlx::query("UPDATE audit SET doc = replace(doc, 'rita', 'nobody') WHERE seq = 3")
        .execute(&mut beside)
        .await
        .unwrap();
    assert_eq!(auditing::verify(&auditing::whole(&store).await), Err(AuditFault::Changed { number: 3 }));
    let early = "INSERT INTO audit (seq, at, subject, doc, chain)
                 SELECT -3, at, subject, doc, chain FROM audit WHERE seq = 1";
    assert!(sqlx::query(early).execute(&mut beside).await.is_err());
    for sql in ["ALTER TABLE audit DROP CONSTRAINT audit_begins_at_one", early] {
        sqlx::query(sql).execute(&mut beside).await.unwrap();
    }
    let lines = auditing::whole(&store).await;
    assert_eq!(auditing::verify(&lines), Err(AuditFault::BeforeTheFirst { number: -3 }));
    // Not even a host of before adds a line without a key.
    let unsigned =
        "INSERT INTO audit (seq, at, subject, doc, chain) SELECT 6, at, subject, doc, 'abc' FROM audit WHERE seq = 1";
    assert!(sqlx::query(unsigned).execute(&mut beside).await.unwrap_err().to_string().contains("audit_is_signed"));
    let guard = "ALTER TABLE audit DROP CONSTRAINT audit_is_signed";
    for sql in ["DELETE FROM audit WHERE seq < 1", guard, "UPDATE audit SET chain = ''"] {
        sqlx::query(sql).execute(&mut beside).await.unwrap();
    }
    let begins = store.audit_begins().await.unwrap().unwrap();
    let fault = auditing::verify_from(begins, &auditing::whole(&store).await);
    assert_eq!(fault, Err(AuditFault::Unlinked { number: 1 }));
}
