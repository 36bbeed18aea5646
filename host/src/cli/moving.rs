//! The command `move`.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use anyhow::{Context, bail};

use super::audit;
use crate::{
    config::Config,
    domain::digest,
    operations::now,
    serve,
    store::{
        AuditEntry,
        marks::{ARRIVED, ARRIVING},
        moving::{self, Begun, Move},
    },
};

/// Moves the SQLite database of the configuration to an empty PostgreSQL.
pub(crate) fn to_postgres(config: &Config, url: &str) -> anyhow::Result<()> {
    let Some(path) = config.database_path() else {
        bail!("the database is PostgreSQL already: use pg_dump and pg_restore to move it to another server");
    };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        bail!("--to must be like postgres://user:password@host:5432/database");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match Move::begin(&path, url, now()).await.context("nothing was moved")? {
            Begun::Now(moving) => carry(*moving, config, url).await.context(
                "the move has not ended: begin it again with the same command, and it goes on; or take it back with --back",
            )?,
            Begun::WasThere => println!("everything was there already"),
        }
        println!("{} is moved, stays as it is, and is served from no more\n{NEXT}", path.display());
        Ok(())
    })
}

/// Printed after a move: what to do next.
const NEXT: &str = "name the new database as `url` of [store], and start the hosts";

async fn carry(mut moving: Move, config: &Config, url: &str) -> anyhow::Result<()> {
    moving.carry(|table, rows| println!("{table:<20} {rows:>12} rows, the same on both sides")).await?;
    let store = serve::open_target(config, url).await?;
    let verified = audit::verified(&store, None).await.context("the audit log that arrived")?;
    let lines = verified.lines;
    if let Some(key) = verified.unproven.keys().next() {
        bail!(
            "the audit log has lines that are signed with the key {key}, which this configuration has not: put it under [[keys]]"
        );
    }
    let head = verified.end()?;
    println!("the audit log is whole: {lines} lines, to {head}");
    let at = moving.at();
    let line = AuditEntry {
        at: now(),
        actor: "command line".to_owned(),
        action: "database.moved".to_owned(),
        subject: "database".to_owned(),
        digest: digest::sha256(head.to_string().as_bytes()),
        reason: None,
    };
    store.mark_instead(ARRIVING, ARRIVED, at, line).await?;
    store.close().await;
    Ok(moving.end().await?)
}

/// Undoes a move.
pub(crate) fn back(config: &Config) -> anyhow::Result<()> {
    let path =
        config.database_path().context("the configuration names no SQLite database that could have been moved")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(moving::take_back(&path)).context("nothing was taken back")?;
    println!("hosts may serve from {} again", path.display());
    if ended {
        println!(
            "what was recorded in PostgreSQL since it was moved is not in it: say `flightdeck restored` before the first host starts, if \
             any host has served from there"
        );
    }
    Ok(())
}
