//! The commands `backup`, `restore` and `restored`.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use std::path::Path;

use anyhow::{Context, bail};

use crate::{
    config::Config,
    domain::{digest, time::Timestamp},
    operations::now,
    serve,
    store::{AuditEntry, marks::RESTORED, sqlite},
};

/// Writes a copy of the database.
pub(crate) fn back_up(config: &Config, file: &Path) -> anyhow::Result<()> {
    let Some(database) = config.database_path() else {
        bail!("the database is PostgreSQL: back it up with pg_dump, or as you do your other databases");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(sqlite::back_up(&database, file)).context("no copy was written")?;
    println!("{} is a copy of {}", file.display(), database.display());
    if let Some(key) = serve::key_file(config) {
        println!("its key {} is not in it: keep a copy of that, too, and elsewhere", key.display());
    }
    Ok(())
}

/// Replaces the database with a copy, marked as restored.
pub(crate) fn restore(config: &Config, file: &Path) -> anyhow::Result<()> {
    let Some(database) = config.database_path() else {
        bail!(
            "the database is PostgreSQL: restore it with pg_restore or psql, or as you do your other databases, and say \
             `flightdeck restored` before the first host starts"
        );
    };
    if let Some(folder) = database.parent() {
        serve::make_folder(folder)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (at, line) = told();
    let keys = serve::keyring(config, serve::NoKeyFile::Make)?;
    runtime.block_on(sqlite::restore(&database, file, keys, at, line)).context("nothing was restored")?;
    println!("{} is in the place of {}", file.display(), database.display());
    println!("{WHAT_FOLLOWS}");
    Ok(())
}

/// Marks the database as restored.
pub(crate) fn restored(config: &Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_alone(config).await.context(
            "the database was not marked as restored: start no host on it before it is; with older tables, the flightdeck \
             that wrote them marks it",
        )?;
        let (at, line) = told();
        let marked = store.mark(RESTORED, at, line).await;
        store.close().await;
        Ok::<_, anyhow::Error>(marked?)
    })?;
    println!("{WHAT_FOLLOWS}");
    Ok(())
}

/// Printed after a restore: what the host will do.
const WHAT_FOLLOWS: &str = "what had not ended in the copy is looked up on the ad servers before anything is made";

/// Returns the current moment, and the audit line about the restore.
fn told() -> (Timestamp, AuditEntry) {
    let at = now();
    let line = AuditEntry {
        at,
        actor: "command line".to_owned(),
        action: "database.restored".to_owned(),
        subject: "database".to_owned(),
        digest: digest::sha256(at.to_string().as_bytes()),
        reason: None,
    };
    (at, line)
}
