//! `backup`, `restored`.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use std::path::Path;

use anyhow::{Context, bail};

use crate::{
    config::Config,
    domain::digest,
    operations::now,
    serve,
    store::{AuditEntry, fleet::RESTORED, sqlite},
};

/// Writes a copy of the database.
pub(crate) fn back_up(config: &Config, file: &Path) -> anyhow::Result<()> {
    let Some(database) = config.database_path() else {
        bail!("the database is PostgreSQL: back it up with pg_dump, or as you do your other databases");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(sqlite::back_up(&database, file)).context("no copy was written")?;
    println!("{} is a copy of {}", file.display(), database.display());
    Ok(())
}

/// Marks the database as restored.
pub(crate) fn restored(config: &Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // As a host would: with SQLite, one that serves keeps it out.
        let store = serve::open_store(config).await?;
        let at = now();
        let line = AuditEntry {
            at,
            actor: "command line".to_owned(),
            action: "database.restored".to_owned(),
            subject: "database".to_owned(),
            digest: digest::sha256(at.to_string().as_bytes()),
            reason: None,
        };
        let marked = store.mark(RESTORED, at, line).await;
        store.close().await;
        Ok::<_, anyhow::Error>(marked?)
    })?;
    println!("what had not ended in the copy is looked up on the ad servers before anything is made");
    Ok(())
}
