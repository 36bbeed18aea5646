//! The command `adapter check`.
#![expect(clippy::print_stdout, reason = "what was found is shown here")]

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::ad_server;
use crate::{
    conformance::{self, Options, Report, Verdict},
    network::base_url::BaseUrl,
};

/// Options of `adapter check`.
#[derive(Debug, Args)]
pub(super) struct CheckAdapter {
    /// The component.
    file: PathBuf,
    /// The ad server's address: an emulator, or a sandbox account. The kit makes some hundred media
    /// buys there, and cancels only some of them.
    #[arg(long, value_name = "URL", required_unless_present = "emulator")]
    against: Option<BaseUrl>,
    /// A command that starts an emulator. It must print its address, as http://127.0.0.1:9101, or be
    /// reachable at --against. It is stopped at the end.
    #[arg(long, value_name = "COMMAND")]
    emulator: Option<String>,
    /// The file with settings, credentials and samples, usually check.toml beside the adapter
    /// [default: no settings and no credentials].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Verify only these rules or groups of rules, as in `--only plan,crash.create`. What they build
    /// on is tried as well.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    only: Vec<String>,
    /// The seed of the generated requests. The same seed generates the same requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many requests are generated for `plan`.
    #[arg(long, default_value_t = 2_000)]
    cases: usize,
    /// How many hosts work side by side.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Also write the findings to this file, in JUnit's XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Checks an adapter. Fails if it breaks a rule.
pub(super) fn run(asked: CheckAdapter) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (json, junit) = (asked.json, asked.junit.clone());
    let report = runtime.block_on(check(asked))?;
    match json {
        true => println!("{}", conformance::json(&report)?),
        false => print!("{}", conformance::table(&report)),
    }
    if let Some(file) = junit {
        std::fs::write(&file, conformance::junit(&report))
            .with_context(|| format!("{} can't be written", file.display()))?;
    }
    if report.is_good() {
        return Ok(());
    }
    let broken: Vec<&str> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Failed)
        .map(|finding| finding.rule)
        .collect();
    bail!("the adapter breaks {} of the rules: {}", broken.len(), broken.join(", "))
}

async fn check(asked: CheckAdapter) -> anyhow::Result<Report> {
    let missing = "no address of an ad server is given; name one with --against";
    ad_server::with(asked.emulator.as_deref(), asked.against, missing, async |ad_server| {
        let options = Options {
            component: asked.file,
            ad_server,
            config: asked.config,
            seed: asked.seed,
            cases: asked.cases,
            jobs: asked.jobs,
            only: asked.only,
            compiler: std::env::current_exe().context("the path of this program is not known")?,
            data_dir: None,
        };
        Ok(conformance::check(options).await?)
    })
    .await
}
