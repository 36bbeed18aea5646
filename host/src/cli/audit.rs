//! `audit verify`, `audit export`.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use std::{io::Write as _, sync::Arc};

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
    let mut verifier = Verifier::new(kept);
    each(config, 0, |line| verifier.take(line).map_err(anyhow::Error::from))?;
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

/// Prints the log.
pub(crate) fn export(config: &Config, after: i64) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    each(config, after, |line| {
        let entry: Value =
            serde_json::from_str(&line.text).with_context(|| format!("line {} is no JSON", line.number))?;
        writeln!(out, "{}", json!({ "number": line.number, "link": line.link, "entry": entry }))?;
        Ok(())
    })
}

/// Reads the log line by line.
fn each(config: &Config, after: i64, mut take: impl FnMut(&AuditLine) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let read = read(&store, after, &mut take).await;
        store.close().await;
        read
    })
}

async fn read(
    store: &Arc<dyn Store>,
    mut after: i64,
    take: &mut impl FnMut(&AuditLine) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
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
