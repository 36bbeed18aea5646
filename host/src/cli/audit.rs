//! The commands `audit verify` and `audit export`.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use std::io::Write as _;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::{
    config::Config,
    domain::{
        audit::{AuditEntry, AuditLine, Head, Span, Verifier},
        digest,
        keys::Keyring,
    },
    operations::now,
    serve,
    store::{Store, Write},
};

/// The number of lines read at a time.
const PAGE: u32 = 1_000;

/// Verifies the whole log and prints its head.
pub(crate) fn verify(config: &Config, kept: Option<Head>) -> anyhow::Result<()> {
    let was_kept = kept.is_some();
    let (verifier, keys) = with_store(config, async |store| Ok((verified(store, kept).await?, store.keys().clone())))?;
    let head = verifier.clone().end()?;
    let proven = verifier.unproven.is_empty();
    let not = if proven { "changed, missing" } else { "missing" };
    println!("{} lines, none {not} or out of place", verifier.lines);
    if verifier.unlinked > 0 {
        println!("{} of them are older than the chain and could have been edited", verifier.unlinked);
    }
    if verifier.without_key > 0 {
        println!(
            "{} of them are older than the keys: linked, but whoever can write to the database could have written them anew, up to the \
             first line with a key",
            verifier.without_key
        );
    }
    for (key, span) in &verifier.proven {
        println!("{} of them are signed with the key {key}, and none was changed: {}", span.lines, between(span));
    }
    if !head.link.is_empty() {
        println!("the log goes to {head}");
        if was_kept {
            println!("it has the line that was kept: up to there nothing was cut off. Keep the new one elsewhere");
        } else {
            println!(
                "that lines after it were cut off can't be seen without a line that was kept elsewhere: the hosts log one every minute, and \
                 their metrics have it; give one back with --head"
            );
        }
    }
    for (key, span) in &verifier.unproven {
        println!(
            "not proven: {} lines that say they are signed with the key {key} ({}). {}. Their numbers and their order are right; whether \
             they were changed can't be said",
            span.lines,
            between(span),
            if keys.has_another(key) {
                "The key that this configuration has by that name is another one"
            } else {
                "This configuration has no such key: put it under [[keys]], or the key file into the data folder"
            }
        );
    }
    if proven { Ok(()) } else { bail!("the audit log is not proven") }
}

fn between(span: &Span) -> String {
    format!("from line {} to line {}", span.first, span.last)
}

/// Verifies all lines of a log.
pub(crate) async fn verified(store: &Store, kept: Option<Head>) -> anyhow::Result<Verifier> {
    let begins = store.audit_begins().await?.context(
        "where the chain of the audit log begins is not recorded: somebody took it away (table audit_beginning)",
    )?;
    let mut verifier = Verifier::new(begins, kept).with_keys(Keyring::clone(store.keys()));
    each(store, None, |line| verifier.take(line).map_err(anyhow::Error::from)).await?;
    Ok(verifier)
}

/// Prints the log as JSON lines.
pub(crate) fn export(config: &Config, after: Option<i64>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    with_store(config, async |store| {
        // Recorded before the log is read, so that nobody reads it unnoticed.
        let line = exported(&store.audit_head().await?, after);
        store.record(Write::Audit(line)).await?;
        each(store, after, |line| {
            // A line that somebody made unreadable is printed as it is; `verify` names it.
            let entry: Value = serde_json::from_str(&line.text).unwrap_or_default();
            let shown = json!({ "number": line.number, "link": line.link, "text": line.text, "entry": entry });
            writeln!(out, "{shown}")?;
            Ok(())
        })
        .await
    })
}

/// Returns the audit line about an export of the log.
fn exported(head: &Head, after: Option<i64>) -> AuditEntry {
    AuditEntry {
        at: now(),
        actor: "command line".to_owned(),
        action: "audit.exported".to_owned(),
        subject: "audit".to_owned(),
        digest: digest::sha256(head.to_string().as_bytes()),
        reason: Some(format!("the lines after {}, up to {}", after.unwrap_or(0).max(0), head.number)),
    }
}

/// Runs `work` on the store, even while hosts are serving.
fn with_store<T>(config: &Config, work: impl AsyncFnOnce(&Store) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let done = work(&store).await;
        store.close().await;
        done
    })
}

/// Calls a function for each line of the log, or for each line after a number.
async fn each(
    store: &Store,
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
