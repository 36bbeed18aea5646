#![allow(clippy::unwrap_used, reason = "a test that can't go on should say where")]

use futures::future::join_all;
use tempfile::TempDir;

use super::*;

/// Returns a writer on a file with one table.
async fn writer(folder: &TempDir) -> Writer {
    let path = folder.path().join("writer.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::query("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT) STRICT")
        .execute(&mut connection)
        .await
        .unwrap();
    Writer::start(connection, options, Some(Lock::take(&path).unwrap()))
}

async fn note(writer: &Writer, id: i64) -> Result<(), StoreError> {
    writer.write(move |connection| Box::pin(insert(connection, id))).await
}

async fn insert(connection: &mut SqliteConnection, id: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO notes (id) VALUES (?)").bind(id).execute(connection).await.map(drop).map_err(from_sqlx)
}

async fn count(writer: &Writer) -> i64 {
    writer.write(|connection| Box::pin(count_notes(connection))).await.unwrap()
}

async fn count_notes(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT count(*) FROM notes").fetch_one(connection).await.map_err(from_sqlx)
}

/// Blocks the writer until all of `writes` are queued, so that they form one batch.
async fn in_one_batch<T>(writer: &Writer, writes: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let (go, wait) = oneshot::channel::<()>();
    let (begun, has_begun) = oneshot::channel::<()>();
    let hold = writer.write(move |_| {
        Box::pin(async move {
            let _ = begun.send(());
            let _ = wait.await;
            Ok(())
        })
    });
    let batch = async {
        has_begun.await.unwrap();
        // They are polled first, so all of them are queued by the time the second future is polled.
        let (results, ()) = futures::future::join(join_all(writes), async {
            let _ = go.send(());
        })
        .await;
        results
    };
    let (held, results) = futures::future::join(hold, batch).await;
    held.unwrap();
    results
}

#[tokio::test]
async fn a_refused_write_undoes_only_itself() {
    let folder = TempDir::new().unwrap();
    let writer = writer(&folder).await;
    let writes: Vec<BoxFuture<'_, _>> = (0..10)
        .map(|id| {
            let write = writer.write(move |connection| {
                Box::pin(async move {
                    insert(connection, id).await?;
                    if id % 3 == 0 { Err(StoreError::Stale("it")) } else { Ok(id) }
                })
            });
            write.boxed()
        })
        .collect();
    for (id, result) in (0..).zip(in_one_batch(&writer, writes).await) {
        match result {
            Ok(done) => assert!(done == id && id % 3 != 0),
            Err(error) => assert!(matches!(error, StoreError::Stale("it")) && id % 3 == 0),
        }
    }
    assert_eq!(count(&writer).await, 6);
}

#[tokio::test]
async fn when_the_disk_is_full_the_whole_batch_is_told_and_the_next_one_is_tried_again() {
    let folder = TempDir::new().unwrap();
    let writer = writer(&folder).await;
    let fill = writer.write(|connection| {
        Box::pin(async move {
            // The limit applies to the connection, so a new connection has room again.
            sqlx::query("PRAGMA max_page_count = 4").execute(&mut *connection).await.map_err(from_sqlx)?;
            sqlx::query("INSERT INTO notes (text) VALUES (hex(zeroblob(100000)))")
                .execute(connection)
                .await
                .map(drop)
                .map_err(from_sqlx)
        })
    });
    let writes = vec![note(&writer, 1).boxed(), fill.boxed(), note(&writer, 2).boxed()];
    for result in in_one_batch(&writer, writes).await {
        assert!(matches!(result, Err(StoreError::Full)), "{result:?}");
    }
    assert_eq!(count(&writer).await, 0);
    note(&writer, 1).await.unwrap();
    assert_eq!(count(&writer).await, 1);
}

#[tokio::test]
async fn a_write_that_panics_fails_its_batch_and_nobody_waits_for_ever() {
    let folder = TempDir::new().unwrap();
    let writer = writer(&folder).await;
    let panics = writer.write(|_| Box::pin(async { panic!("a test's own panic") }));
    let writes = vec![note(&writer, 1).boxed(), panics.boxed(), note(&writer, 2).boxed()];
    for result in in_one_batch(&writer, writes).await {
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
    }
    note(&writer, 3).await.unwrap();
    assert_eq!(count(&writer).await, 1);
}

/// Writes a row that violates a constraint which is checked only at the commit.
async fn owe(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let sql = "PRAGMA defer_foreign_keys = ON;
               CREATE TABLE owned (note INTEGER REFERENCES notes (id));
               INSERT INTO owned VALUES (999);";
    sqlx::raw_sql(sql).execute(connection).await.map(drop).map_err(from_sqlx)
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_everybody() {
    let folder = TempDir::new().unwrap();
    let writer = writer(&folder).await;
    assert!(matches!(writer.write(|connection| Box::pin(owe(connection))).await, Err(StoreError::Unavailable(_))));
    let writes = vec![note(&writer, 1).boxed(), writer.write(|connection| Box::pin(owe(connection))).boxed()];
    for result in in_one_batch(&writer, writes).await {
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
    }
    assert_eq!(count(&writer).await, 0);
}

#[tokio::test]
async fn an_abandoned_write_that_still_waits_is_not_begun() {
    let folder = TempDir::new().unwrap();
    let writer = writer(&folder).await;
    let abandoned = async {
        let mut write = note(&writer, 1).boxed();
        // Once polled it is queued; then its caller goes away.
        assert!(futures::poll!(&mut write).is_pending());
        drop(write);
        Ok(())
    };
    in_one_batch(&writer, vec![abandoned.boxed(), note(&writer, 2).boxed()]).await.remove(1).unwrap();
    assert_eq!(count(&writer).await, 1);
}
