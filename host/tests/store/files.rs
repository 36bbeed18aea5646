//! SQLite's files: who may read them, copies, and what may be done beside a host.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use flightdeck::{
    domain::keys::Keyring,
    store::{
        StoreError,
        marks::RESTORED,
        sqlite::{self, Options, back_up, restore},
    },
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::{
    auditing,
    fixtures::{Store, accept, at, audit, stored_buy},
};

async fn open(path: &Path) -> Store {
    sqlite::open(path, Options::default()).await.unwrap()
}

async fn put_back(path: &Path, copy: &Path) -> Result<(), StoreError> {
    let keys = Arc::new(Keyring::of_this_process());
    restore(path, copy, keys, at(5), audit("database.restored", "database")).await
}

/// The names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// A file that SQLite makes, with a statement carried out in it.
async fn made(path: &Path, sql: &str) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection
}

/// The tables as the first release made them.
async fn of_the_first_release(path: &Path) {
    let mut old = made(path, "PRAGMA user_version = 0").await;
    let mut first = sqlx::migrate!("migrations/sqlite");
    first.migrations.to_mut().truncate(1);
    first.run_direct(None, &mut old, false).await.unwrap();
    old.close().await.unwrap();
}

/// Makes tables those of a newer version.
async fn from_the_future(path: &Path) {
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'from the future', TRUE, x'00', 0)";
    made(path, newer).await.close().await.unwrap();
}

#[tokio::test]
async fn only_their_owner_reads_the_database_what_is_beside_it_and_its_copies() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).await;
    accept(&store, "b1").await;
    back_up(&path, &folder.path().join("copy.db")).await.unwrap();
    let all = names(folder.path());
    assert_eq!(all, ["copy.db", "store.db", "store.db-shm", "store.db-wal", "store.db.lock"]);
    for name in all {
        let mode = fs::metadata(folder.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// A database with `b1`, a copy of it, and the files that a host leaves that was killed after it had accepted `b2`.
async fn killed_after_a_copy(folder: &Path) -> (PathBuf, PathBuf) {
    let (path, copy, left) = (folder.join("store.db"), folder.join("copy.db"), folder.join("left.db"));
    let store = open(&path).await;
    accept(&store, "b1").await;
    back_up(&path, &copy).await.unwrap();
    accept(&store, "b2").await;
    for suffix in ["", "-wal", "-shm"] {
        let named = |path: &Path| format!("{}{suffix}", path.display());
        fs::copy(named(&path), named(&left)).unwrap();
    }
    store.close().await;
    assert!(fs::metadata(folder.join("left.db-wal")).unwrap().len() > 0);
    (left, copy)
}

#[tokio::test]
async fn a_copy_is_put_in_place_whatever_a_killed_host_left_beside_the_database() {
    let folder = TempDir::new().unwrap();
    let (left, copy) = killed_after_a_copy(folder.path()).await;
    let bytes = fs::read(&copy).unwrap();
    let before = names(folder.path());
    put_back(&left, &copy).await.unwrap();
    assert_eq!(fs::read(&copy).unwrap(), bytes);
    let mut expected = [&before[..], &["left.db.lock".to_owned()]].concat();
    expected.retain(|name| !["left.db-wal", "left.db-shm"].contains(&name.as_str()));
    expected.sort();
    assert_eq!(names(folder.path()), expected, "nothing else is left lying about");
    assert_eq!(fs::metadata(&left).unwrap().permissions().mode() & 0o777, 0o600);
    let store = open(&left).await;
    stored_buy(&store, "b1").await;
    assert!(store.buy(&"b2".into()).await.unwrap().is_none(), "what came after the copy is gone");
    assert_eq!(store.marked(RESTORED).await.unwrap(), Some(at(5)));
    let lines = auditing::whole(&store).await;
    assert_eq!(lines.last().unwrap().subject, "database");
    auditing::verify(&lines).unwrap();
    accept(&store, "b3").await;
}

#[tokio::test]
async fn a_copy_is_put_where_no_database_is_and_one_of_an_older_version_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    of_the_first_release(&copy).await;
    put_back(&path, &copy).await.unwrap();
    let store = open(&path).await;
    assert_eq!(store.marked(RESTORED).await.unwrap(), Some(at(5)));
    accept(&store, "b1").await;
}

#[tokio::test]
async fn what_is_no_copy_is_refused_and_the_database_stays_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).await;
    accept(&store, "b1").await;
    let fine = folder.path().join("fine.db");
    back_up(&path, &fine).await.unwrap();
    let refused = put_back(&path, &fine).await.unwrap_err().to_string();
    assert!(refused.contains("another flightdeck process"), "{refused}");
    store.close().await;

    let at = |name: &str| folder.path().join(name);
    fs::write(at("text"), "this is no database, whatever its name says".repeat(100)).unwrap();
    fs::write(at("empty"), "").unwrap();
    made(&at("other"), "CREATE TABLE recipes (name TEXT)").await.close().await.unwrap();
    fs::copy(&fine, at("newer")).unwrap();
    from_the_future(&at("newer")).await;
    fs::copy(&fine, at("with-log")).unwrap();
    fs::write(at("with-log-wal"), "what was written last").unwrap();
    let mut bytes = fs::read(&fine).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(7);
    fs::write(at("damaged"), bytes).unwrap();
    let before = (names(folder.path()), fs::read(&path).unwrap());
    for (name, words) in [
        ("text", "no copy of a database of flightdeck"),
        ("empty", "no copy of a database of flightdeck"),
        ("other", "no copy of a database of flightdeck"),
        ("newer", "or a newer one"),
        ("with-log", "has a log beside it"),
        ("damaged", "damaged"),
        ("missing", "No such file"),
        ("store.db", "is the database itself"),
    ] {
        let refused = put_back(&path, &at(name)).await.unwrap_err().to_string();
        assert!(refused.contains(words) && refused.contains(name), "{name}: {refused}");
        assert_eq!((names(folder.path()), fs::read(&path).unwrap()), before, "{name}");
    }
    stored_buy(&open(&path).await, "b1").await;
}

#[tokio::test]
async fn a_copy_that_fails_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    let missing = back_up(&path, &copy).await.unwrap_err().to_string();
    assert!(missing.contains("store.db: there is no database"), "{missing}");
    fs::write(&path, "this is no database, whatever its name says".repeat(100)).unwrap();
    assert!(back_up(&path, &copy).await.is_err());
    assert_eq!(names(folder.path()), ["store.db"]);
}

#[tokio::test]
async fn whoever_works_beside_a_host_neither_makes_a_database_nor_changes_its_tables() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let refused = async || {
        let (beside, alone) = (
            sqlite::open_beside(&path, Options::default()).await.unwrap_err().to_string(),
            sqlite::open_alone(&path, Options::default()).await.unwrap_err().to_string(),
        );
        assert_eq!(beside, alone);
        beside
    };
    let words = refused().await;
    assert!(words.contains("there is no database") && words.contains("flightdeck serve"), "{words}");
    assert!(names(folder.path()).is_empty());
    of_the_first_release(&path).await;
    let before = fs::read(&path).unwrap();
    let words = refused().await;
    assert!(words.contains("older than this version") && words.contains("flightdeck serve"), "{words}");
    assert_eq!(fs::read(&path).unwrap(), before);
    open(&path).await.close().await;
    from_the_future(&path).await;
    let words = refused().await;
    assert!(words.contains("or a newer one"), "{words}");
    fs::remove_file(&path).unwrap();
    made(&path, "CREATE TABLE recipes (name TEXT)").await.close().await.unwrap();
    let words = refused().await;
    assert!(words.contains("holds no tables of flightdeck"), "{words}");
}
