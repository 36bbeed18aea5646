//! The command `adapter record`, and the files that it and `adapter call --record` write.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what is kept is shown here")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::{WithConfig, load, signing::write_new};
use crate::{
    adapters::{Function, Kept, KeptCall, Recording},
    config::Config,
};

/// The mode of a recording's file: it holds buyers' data.
const SECRET: u32 = 0o600;

/// Options of `adapter record`.
#[derive(Debug, Args)]
pub(super) struct RecordAdapter {
    #[command(flatten)]
    with: WithConfig,
    /// The operation whose failed call is printed, like op_…, or the name of a read, like read_…
    /// [default: lists the calls that are kept].
    operation: Option<String>,
    /// The platform, if the operation failed on several.
    #[arg(long)]
    platform: Option<String>,
    /// The function, if several calls of the operation failed: create-media-buy.
    #[arg(long, value_parser = super::call_adapter::function)]
    function: Option<Function>,
    /// The file to write. It must not exist [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints a failed call that this host has kept, or lists them.
pub(super) fn run(asked: &RecordAdapter) -> anyhow::Result<()> {
    let config = load(&asked.with)?;
    let kept = Kept::within(&config.data.dir).list()?;
    let Some(operation) = &asked.operation else { return list(&config, &kept) };
    let is_asked = |call: &&KeptCall| {
        call.operation == *operation
            && asked.platform.as_ref().is_none_or(|platform| call.platform == *platform)
            && asked.function.is_none_or(|function| call.function == function)
    };
    let found: Vec<&KeptCall> = kept.iter().filter(is_asked).collect();
    let call = match found.as_slice() {
        [] => bail!("no failed call of {operation} is kept {}; {}", place(&config), recording(&config)),
        [call] => call,
        several => {
            let several: Vec<String> =
                several.iter().map(|call| format!("{} on {}", call.function.as_str(), call.platform)).collect();
            bail!(
                "several calls of {operation} failed: {}; name one with --function and --platform",
                several.join(", ")
            )
        }
    };
    let recording = Recording::read(&call.path)?;
    match &asked.output {
        Some(file) => write(&recording, file),
        None => {
            print!("{}", recording.text());
            Ok(())
        }
    }
}

fn list(config: &Config, kept: &[KeptCall]) -> anyhow::Result<()> {
    if kept.is_empty() {
        println!("no failed calls are kept {}; {}", place(config), recording(config));
    }
    for call in kept {
        // It may have been removed meanwhile.
        let Ok(recording) = Recording::read(&call.path) else { continue };
        println!(
            "{}  {}  {}  {}  {}",
            recording.recorded_at,
            call.platform,
            call.operation,
            call.function.as_str(),
            recording.ended()
        );
    }
    Ok(())
}

fn place(config: &Config) -> String {
    format!("by the host whose data directory is {}", config.data.dir.display())
}

/// Says for which platforms failed calls are kept.
fn recording(config: &Config) -> String {
    let recorded = config.platforms.iter().filter(|platform| platform.record_failures);
    let recorded: Vec<&str> = recorded.map(|platform| platform.name.as_str()).collect();
    if recorded.is_empty() {
        return "to keep them, set record_failures = true on the platform and reload".to_owned();
    }
    let platforms = recorded.join(", ");
    format!("they are kept for: {platforms}. Each host keeps its own: look on the one whose log names the operation")
}

/// Writes a recording to a new file that only this user can read.
pub(super) fn write(recording: &Recording, file: &Path) -> anyhow::Result<()> {
    write_new(file, recording.text().as_bytes(), SECRET)
        .with_context(|| format!("{} can't be written", file.display()))?;
    eprintln!(
        "recorded in {}: {} with {} requests. It has no credentials, but what was bought, and the ad server's answers",
        file.display(),
        recording.function.as_str(),
        recording.exchanges.len()
    );
    Ok(())
}
