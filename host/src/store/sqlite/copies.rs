//! Copies of the database: made while a host serves, and restored while none does.

use std::{fs::File, io, path::Path, sync::Arc};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use super::{
    MIGRATIONS, Options, applied, connect,
    error::from_sqlx,
    files::{self, Fresh},
    named, take_lock,
};
use crate::{
    domain::{keys::Keyring, time::Timestamp},
    store::{AuditEntry, StoreError, marks::RESTORED, tables},
};

/// Writes a complete and consistent copy of the database at `path` to a new file, even while a host
/// serves from the database. Only its owner may read the file. If the copy fails, the file is
/// removed.
///
/// # Errors
/// [`StoreError::Unavailable`] if there is no database, or if the copy's file exists or can't be
/// written; [`StoreError::Full`] if there is no room for it.
pub async fn back_up(path: &Path, copy: &Path) -> Result<(), StoreError> {
    let shown = |error: StoreError| named(copy, error);
    if !path.exists() {
        return Err(named(path, no_database()));
    }
    if copy.exists() {
        return Err(shown(StoreError::Unavailable("exists already; name a file that does not".to_owned())));
    }
    let fresh = Fresh::beside(copy).map_err(|error| shown(from_io(&error)))?;
    let target = fresh
        .path()
        .to_str()
        .ok_or_else(|| shown(StoreError::Unavailable("has a name that is no UTF-8".to_owned())))?;
    let reading = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = reading.connect().await.map_err(|error| named(path, from_sqlx(error)))?;
    let copied = sqlx::query("VACUUM INTO ?").bind(target).execute(&mut connection).await;
    copied.map_err(|error| shown(from_sqlx(error)))?;
    connection.close().await.map_err(from_sqlx)?;
    fresh.become_file(copy).map_err(|error| shown(from_io(&error)))
}

/// Replaces the database at `path` with a copy that [`back_up`] wrote, and marks it as restored at
/// that moment. The copy itself is kept.
///
/// The old database stays unchanged until the copy is in place. SQLite's companion files of the old
/// database are removed with it: replayed over the copy, they would damage it or bring back later
/// writes.
///
/// # Errors
/// [`StoreError::Unavailable`] if a host has the database open, if this version can't use the copy,
/// or if files can't be written; [`StoreError::Corrupt`] if the copy is damaged.
pub async fn restore(
    path: &Path,
    copy: &Path,
    keys: Arc<Keyring>,
    at: Timestamp,
    line: AuditEntry,
) -> Result<(), StoreError> {
    let of_copy = |error: StoreError| named(copy, error);
    let of_database = |error: io::Error| named(path, from_io(&error));
    // Replaces the file itself rather than a link to it.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if std::fs::canonicalize(copy).is_ok_and(|copy| copy == *path) {
        return Err(of_copy(StoreError::Unavailable("is the database itself; name a copy of it".to_owned())));
    }
    let _lock = take_lock(path.clone()).await?;
    if files::companion_in_use(copy).is_some() {
        return Err(of_copy(StoreError::Unavailable(
            "has a log beside it: it is the file of a host that did not end in order, and no copy; `flightdeck backup` \
             makes one of it"
                .to_owned(),
        )));
    }
    let fresh = Fresh::beside(path).map_err(of_database)?;
    copy_bytes(copy, fresh.path()).map_err(|error| of_copy(from_io(&error)))?;
    check(fresh.path()).await.map_err(of_copy)?;
    // From here on the copy is an ordinary database, in a place where nobody looks.
    let options = Options { keys, ..Options::default() };
    let store = connect(fresh.path().to_owned(), options, None).await.map_err(of_copy)?;
    let marked = store.mark(RESTORED, at, line).await;
    store.close().await;
    marked.map_err(of_copy)?;
    if files::companion_in_use(fresh.path()).is_some() {
        return Err(of_copy(StoreError::Unavailable("could not be brought up to date; the log has more".to_owned())));
    }
    // If the old database's log were removed only after the copy is in place, a power loss in
    // between would leave both.
    files::remove_companions(path).and_then(|()| files::sync_folder_of(path)).map_err(of_database)?;
    fresh.become_file(path).map_err(of_database)
}

fn copy_bytes(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, files::open_private(to)?);
    io::copy(&mut from, &mut to).map(drop)
}

/// Fails unless the file is a complete database whose tables this version knows.
async fn check(path: &Path) -> Result<(), StoreError> {
    let is_none = |reason: &str| StoreError::Unavailable(format!("is no copy of a database of flightdeck: {reason}"));
    let opening = SqliteConnectOptions::new().filename(path).read_only(true);
    let looked = async {
        let mut connection = opening.connect().await?;
        let found: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_all(&mut connection).await?;
        Ok::<_, sqlx::Error>((connection, found))
    };
    let (mut connection, found) = looked.await.map_err(|error| is_none(&error.to_string()))?;
    if found != ["ok"] {
        return Err(StoreError::Corrupt(format!("it is damaged: {}", found.join("; "))));
    }
    let made = applied(&mut connection).await.map_err(from_sqlx)?;
    connection.close().await.map_err(from_sqlx)?;
    if made.is_empty() {
        return Err(is_none("it has other tables"));
    }
    tables::check_known(&MIGRATIONS, &made)
}

pub(super) fn no_database() -> StoreError {
    StoreError::Unavailable("there is no database; a host makes it when it starts (`flightdeck serve`)".to_owned())
}

fn from_io(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Unavailable(error.to_string()),
    }
}
