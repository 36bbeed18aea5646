//! `audit verify`, `audit export`.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use std::io::Write as _;

use anyhow::Context;
use serde_json::{Value, json};

use crate::{
    config::Config,
    domain::audit::{AuditLine, Head, Verifier},
    serve,
    store::Store,
};

/// Lines read at a time.
const PAGE: u32 = 1_000;

/// Goes through the whole log.
pub(crate) fn verify(config: &Config, kept: Option<Head>) -> anyhow::Result<()> {
    let verifier = with_store(config, async |store| verified(store, kept).await)?;
    let (lines, unlinked) = (verifier.lines, verifier.unlinked);
    let head = verifier.end()?;
    println!("{lines} lines, none changed, missing or out of place");
    if unlinked > 0 {
        println!("{unlinked} of them are older than the chain and could have been edited");
    }
    if !head.link.is_empty() {
        println!(
            "the log goes to {head}\nkeep that line elsewhere: with --head it proves later that nothing was cut off"
        );
    }
    Ok(())
}

/// Goes through all lines of a log.
pub(crate) async fn verified(store: &dyn Store, kept: Option<Head>) -> anyhow::Result<Verifier> {
    let begins = store.audit_begins().await?.context(
        "where the chain of the audit log begins is not recorded: somebody took it away (table audit_beginning)",
    )?;
    let mut verifier = Verifier::new(begins, kept);
    each(store, None, |line| verifier.take(line).map_err(anyhow::Error::from)).await?;
    Ok(verifier)
}

/// Prints the log.
pub(crate) fn export(config: &Config, after: Option<i64>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    with_store(config, async |store| {
        each(store, after, |line| {
            // What somebody made unreadable is printed as it is; `verify` names it.
            let entry: Value = serde_json::from_str(&line.text).unwrap_or_default();
            let shown = json!({ "number": line.number, "link": line.link, "text": line.text, "entry": entry });
            writeln!(out, "{shown}")?;
            Ok(())
        })
        .await
    })
}

/// Does something with the store, beside hosts that may serve.
fn with_store<T>(config: &Config, work: impl AsyncFnOnce(&dyn Store) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let done = work(store.as_ref()).await;
        store.close().await;
        done
    })
}

/// Reads the log line by line, all of it or what is after a number.
async fn each(
    store: &dyn Store,
    after: Option<i64>,
    mut take: impl FnMut(&AuditLine) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = after.unwrap_or(i64::MIN);
    loop {
        let lines = store.audit(after, PAGE).await?;
        for line in &lines {
            take(line)?;
        }
        match lines.last() {
            Some(last) => after = last.number,
            None => return Ok(()),
        }
    }
}
