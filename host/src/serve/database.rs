//! Opens the database: to serve from it, or for a command beside hosts that serve.
//!
//! Every way in refuses a database that is the source or the target of a move, and gives the store the
//! keys of the configuration and the payload format of webhooks.

use std::{os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc};

use anyhow::Context;

use super::{NoKeyFile, keyring};
use crate::{
    config::{Config, StoreUrl},
    domain::keys::Keyring,
    store::{
        Store,
        marks::{ARRIVING, MOVED, MOVING},
        postgres, sqlite,
    },
    web::v1,
};

/// Opens the database to serve from it. Creates the database if it does not exist, and migrates its
/// tables.
///
/// # Errors
/// The database can't be opened or, with SQLite, another host serves from it.
pub(super) async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let keys = keyring(config, NoKeyFile::Make)?;
    match &config.store.url {
        StoreUrl::Sqlite(path) => {
            let path = config.data.dir.join(path);
            if let Some(folder) = path.parent() {
                make_folder(folder)?;
            }
            usable(sqlite::open(&path, file(keys)).await?).await
        }
        StoreUrl::Postgres(url) => usable(postgres::open(url.expose(), sessions(config, keys)).await?).await,
    }
}

/// Returns the database, unless it is the source of a move or the target of an unfinished one.
/// Writes to such a database could be lost.
///
/// # Errors
/// The database has a mark of a move. The error says what to do.
async fn usable(store: Store) -> anyhow::Result<Store> {
    for (mark, words) in ON_THE_WAY {
        if let Some(at) = store.marked(mark).await? {
            store.close().await;
            anyhow::bail!("{words} (since {at})");
        }
    }
    Ok(store)
}

/// The marks of a move, and the error message for each.
const ON_THE_WAY: [(&str, &str); 3] = [
    (
        MOVING,
        "this database is being moved to PostgreSQL, and the move has not ended: begin it again with `flightdeck move --to …`, or \
         take it back with `flightdeck move --back` to serve from this file",
    ),
    (
        MOVED,
        "this database was moved to PostgreSQL: name that one as `url` of [store]. To serve from this file again, take the move \
         back with `flightdeck move --back`: what was recorded there since is not in it",
    ),
    (
        ARRIVING,
        "a database is being moved to this one, and is not whole yet: begin the move again, with the configuration that names the \
         SQLite file (`flightdeck move --to …`)",
    ),
];

/// Creates a directory that only its owner may access. An existing directory stays as it is.
///
/// # Errors
/// The directory can't be created.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("could not make {}", folder.display()))
}

/// Opens an existing database for a command, even while hosts serve from it. Does not migrate its
/// tables.
///
/// # Errors
/// The database can't be opened or does not exist, or its tables belong to another version.
pub async fn open_store_beside(config: &Config) -> anyhow::Result<Store> {
    let keys = keyring(config, NoKeyFile::Leave)?;
    match &config.store.url {
        StoreUrl::Sqlite(path) => {
            let path = config.data.dir.join(path);
            usable(sqlite::open_beside(path, file(keys)).await?).await
        }
        StoreUrl::Postgres(url) => usable(postgres::open_beside(url.expose(), sessions(config, keys)).await?).await,
    }
}

/// Opens the database like [`open_store_beside`], but with SQLite no host may have it open.
///
/// # Errors
/// As for [`open_store_beside`]; with SQLite, also a host that serves from the database.
pub async fn open_store_alone(config: &Config) -> anyhow::Result<Store> {
    match config.database_path() {
        Some(path) => {
            // As when a host starts: the database may have been restored without its key.
            let keys = keyring(config, if path.exists() { NoKeyFile::Make } else { NoKeyFile::Leave })?;
            usable(sqlite::open_alone(path, file(keys)).await?).await
        }
        None => open_store_beside(config).await,
    }
}

/// Opens the PostgreSQL database that is the target of a move. The keys of the configuration sign
/// what the move writes there.
///
/// # Errors
/// As for [`open_store_beside`].
pub(crate) async fn open_target(config: &Config, url: &str) -> anyhow::Result<Store> {
    let keys = keyring(config, NoKeyFile::Leave)?;
    Ok(postgres::open_beside(url, sessions(config, keys)).await?)
}

fn file(keys: Arc<Keyring>) -> sqlite::Options {
    sqlite::Options { keys, payload: v1::events::payload, ..sqlite::Options::default() }
}

fn sessions(config: &Config, keys: Arc<Keyring>) -> postgres::Options {
    let connections = config.store.connections;
    postgres::Options { connections, keys, payload: v1::events::payload, ..postgres::Options::default() }
}
