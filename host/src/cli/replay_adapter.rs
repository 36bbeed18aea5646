//! The command `adapter replay`.
#![expect(clippy::print_stdout, reason = "the call is shown here")]

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::call_adapter;
use crate::{
    adapters::Recording,
    conformance::{self, ReplayOptions, Replayed},
};

/// Options of `adapter replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayAdapter {
    /// The component.
    file: PathBuf,
    /// The recorded call: what `adapter record` or `adapter call --record` wrote.
    recording: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Makes a recorded call again. Fails if it sends something else than was recorded, or fails.
pub(super) fn run(asked: ReplayAdapter) -> anyhow::Result<()> {
    let recording = Recording::read(&asked.recording)?;
    let function = recording.function.as_str();
    let options = ReplayOptions {
        component: asked.file,
        recording,
        compiler: std::env::current_exe().context("the path of this program is not known")?,
        data_dir: None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let replayed = runtime.block_on(Box::pin(conformance::replay(options)))?;
    match asked.json {
        true => println!("{}", serde_json::to_string_pretty(&replayed)?),
        false => show(&replayed)?,
    }
    let called = &replayed.called;
    if !replayed.differences.is_empty() {
        bail!("the call is not the recorded one: {}", replayed.differences.join("; "));
    }
    match &called.failure {
        Some(failure) => bail!("{function} failed: {failure}"),
        None if called.output.as_ref().is_some_and(|output| output.get("err").is_some()) => {
            bail!("{function} has returned a failure")
        }
        None => Ok(()),
    }
}

fn show(replayed: &Replayed) -> anyhow::Result<()> {
    call_adapter::show(&replayed.called)?;
    let by = if replayed.same_component { "this component" } else { "another component" };
    println!("recorded with {by}, {}: {}", &replayed.recorded_with, replayed.recorded);
    for difference in &replayed.differences {
        println!("differs: {difference}");
    }
    Ok(())
}
