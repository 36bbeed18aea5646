//! The conformance kit for authors of adapters: `flightdeck adapter check`. It runs a component in
//! the real sandbox against an ad server, usually an emulated one, and verifies what the contract
//! asks of it. It needs neither a database nor a serving host.
//!
//! - `rules`: every rule, and where it comes from. [`Report`]: what was found. `print`: a table, JSON
//!   and JUnit.
//! - `bench`: the component with its hosts. `proxy`: the network between them and the ad server, in
//!   which requests fail. `journal`: the durable record, which dies at a commit.
//! - `sample`, `generator`, `variant`: what is bought.
//! - `planning`, `creating`, `troubles`, `reading`, `updating`: the rules, by group. `work`: one
//!   operation, and what it leaves on the ad server.
//! - `calling`: one call of one function, for `flightdeck adapter call`. `replaying`: a recorded call
//!   again, for `flightdeck adapter replay`.
//! - `emulator`: starts an emulator and stops it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    adapters::{self, AdapterSetupError, DescriptionError, InstallError, PlatformError, PlatformErrorReason},
    config::{AdapterCheck, ConfigErrors},
    domain::capability::Capabilities,
    network::base_url::BaseUrl,
};

mod bench;
mod calling;
mod creating;
mod emulator;
mod generator;
mod inspecting;
mod journal;
mod planning;
mod print;
mod proxy;
mod reading;
mod replaying;
mod report;
mod rules;
mod sample;
mod troubles;
mod updating;
mod variant;
mod work;

pub use calling::{CallError, CallOptions, Called, CalledStep, Caller, ShownExchange};
pub use emulator::{Emulator, EmulatorError};
pub use print::{json, junit, table};
pub use replaying::{ReplayOptions, Replayed, replay};
pub use report::{Finding, Report, Used, Verdict};
pub use rules::{ALL as RULES, Rule};

use bench::{Bench, Lane};
use report::Notebook;
use work::Work;

/// What to check.
#[derive(Debug, Clone)]
pub struct Options {
    /// The component file.
    pub component: PathBuf,
    /// The address of the ad server.
    pub ad_server: BaseUrl,
    /// The file of settings, credentials and samples. `None`: the defaults.
    pub config: Option<PathBuf>,
    /// The seed of the generated requests.
    pub seed: u64,
    /// How many requests are generated.
    pub cases: usize,
    /// How many hosts work side by side.
    pub jobs: usize,
    /// The rules or groups of rules to verify. Empty: all.
    pub only: Vec<String>,
    /// The program that compiles components: this program itself, except in tests.
    pub compiler: PathBuf,
    /// The directory of compiled code. `None`: a temporary one.
    pub data_dir: Option<PathBuf>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The component can't be read.
    #[error(transparent)]
    Component(#[from] InstallError),
    /// The file of settings is invalid.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// A host could not be started.
    #[error("a host can't be started: {0}")]
    Host(#[from] AdapterSetupError),
    /// The proxy could not be started.
    #[error("the proxy before the ad server can't be started: {0}")]
    Proxy(#[source] std::io::Error),
    /// `--only` names no rule.
    #[error("there is no rule or group `{0}`; docs/adapter-check.md lists them")]
    NoSuchRule(String),
}

/// Checks a component.
///
/// # Errors
/// When it can't be read, or the file of settings is invalid. What the component does wrong is in
/// the report.
pub async fn check(options: Options) -> Result<Report, CheckError> {
    let began = Instant::now();
    let group = |id: &str| id.split('.').next().unwrap_or_default().to_owned();
    for name in &options.only {
        if !RULES.iter().any(|rule| rule.id == name || group(rule.id) == *name) {
            return Err(CheckError::NoSuchRule(name.clone()));
        }
    }
    let notebook = Notebook::new(options.only.clone());
    let inspected = adapters::inspect(&options.component).await?;
    let mut used = Vec::new();
    let mut adapter = String::new();
    match (inspected.description, inspected.problem) {
        (Some(described), None) => {
            adapter = format!("{} {}", described.platform, described.adapter_version);
            notebook.seen(
                rules::CONTRACT,
                format!("contract {}, {} bytes", inspected.contract.unwrap_or_default(), inspected.size),
            );
            used = Box::pin(with_description(&options, described, &notebook)).await?;
        }
        (_, problem) => {
            let problem = problem.unwrap_or_else(|| "it can't be used".to_owned());
            notebook.fail(rule_of_problem(&problem), problem);
        }
    }
    Ok(Report {
        component: options.component.display().to_string(),
        digest: inspected.digest,
        adapter,
        ad_server: options.ad_server.to_string(),
        seed: options.seed,
        findings: notebook.findings(),
        used,
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// The rule that is broken by what an inspection has found.
fn rule_of_problem(problem: &str) -> &'static Rule {
    match problem {
        words if words.contains("not deterministic") => rules::PLAN_SAME,
        words if words.contains("describe") || words.contains("adapter-version") || words.contains("batch-size") => {
            rules::DESCRIPTION
        }
        _ => rules::CONTRACT,
    }
}

async fn with_description(
    options: &Options,
    described: Capabilities,
    notebook: &Notebook,
) -> Result<Vec<Used>, CheckError> {
    let name = AdapterCheck::platform_name(&described.platform);
    let config = AdapterCheck::load(options.config.as_deref(), &name, &options.component, &options.ad_server)?;
    notebook.seen(rules::DESCRIPTION, "described in two instances, with the clock 400 days ahead in the second");
    let bench = Bench::new(config, described, options);
    let mut lanes = Vec::new();
    for _ in 0..options.jobs.max(1) {
        match Lane::open(&bench).await {
            Ok(lane) => lanes.push(lane),
            Err(CheckError::Host(AdapterSetupError::Platforms(problems))) => {
                problems.into_iter().for_each(|problem| refused(notebook, problem));
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        }
    }
    settings(&bench, notebook);
    Box::pin(run(options, &mut lanes, notebook)).await;
    drop(lanes);
    Ok(limits(&bench, notebook))
}

/// Sorts the reason for which a host refuses a component under the rule that it breaks.
fn refused(notebook: &Notebook, PlatformError { reason, .. }: PlatformError) {
    let rule = match &reason {
        PlatformErrorReason::Install(InstallError::Settings(_)) => rules::SETTINGS,
        PlatformErrorReason::Install(InstallError::NotGranted { .. }) => rules::PATTERNS,
        PlatformErrorReason::Install(InstallError::Describe { source: DescriptionError::Plan { .. }, .. }) => {
            rules::PLAN_SAME
        }
        PlatformErrorReason::Install(InstallError::Describe { .. }) => rules::DESCRIPTION,
        _ => rules::CONTRACT,
    };
    notebook.fail(rule, reason.to_string());
}

fn settings(bench: &Bench, notebook: &Notebook) {
    let wrong = adapters::check_settings(&bench.capabilities.product_settings_schema, &bench.config.product_settings);
    notebook.fail_all(rules::SETTINGS, wrong.iter().map(|mistake| format!("settings of [product]: {mistake}")));
    notebook.seen(rules::SETTINGS, "settings of platform and product");
    let (reads, writes) = (bench.capabilities.read_requests.len(), bench.capabilities.write_requests.len());
    notebook.seen(rules::PATTERNS, format!("{reads} read patterns, all of them granted; {writes} write patterns"));
}

async fn run(options: &Options, lanes: &mut [Lane<'_>], notebook: &Notebook) {
    Box::pin(planning::check(lanes, notebook, options.seed, options.cases)).await;
    let Some(lane) = lanes.first() else { return };
    let Some(mut sample) = Box::pin(creating::check(lane, notebook)).await else { return };
    Box::pin(creating::creatives(lane, &mut sample, notebook)).await;
    let before = duplicates(&options.ad_server).await;
    for work in [Work::Create, Work::Creatives, Work::Update, Work::Cancel] {
        if work == Work::Creatives && sample.creatives.is_empty() {
            for rule in [rules::CRASH_CREATIVES, rules::ANSWERS_CREATIVES] {
                notebook.skip(rule, "check.toml has no [[sample.creatives]]");
            }
            continue;
        }
        if work == Work::Cancel && !lanes.first().is_some_and(|lane| lane.bench.capabilities.cancels) {
            for rule in [rules::CRASH_CANCEL, rules::ANSWERS_CANCEL] {
                notebook.skip(rule, "the adapter declares that nothing can be cancelled");
            }
            continue;
        }
        Box::pin(troubles::interrupt(lanes, notebook, work)).await;
    }
    if notebook.wants(rules::CRASH_DUPLICATES.id) {
        match (before, duplicates(&options.ad_server).await) {
            (Some(before), Some(after)) => {
                if after > before {
                    notebook.fail(rules::CRASH_DUPLICATES, format!("{} duplicates have come up", after - before));
                }
                notebook.seen(rules::CRASH_DUPLICATES, format!("{before} duplicates before, {after} afterwards"));
            }
            _ => notebook.skip(rules::CRASH_DUPLICATES, "the ad server has no control API"),
        }
    }
    let Some(lane) = lanes.first() else { return };
    Box::pin(reading::check(lane, notebook)).await;
    Box::pin(inspecting::check(lane, notebook)).await;
    Box::pin(updating::check(lane, notebook)).await;
    Box::pin(troubles::undo(lane, notebook)).await;
}

/// Returns how many duplicates the ad server counts, if it has the control API of our emulators.
async fn duplicates(ad_server: &BaseUrl) -> Option<usize> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().ok()?;
    let answer = client.get(format!("{ad_server}/__control/objects")).send().await.ok()?;
    let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
    body.get("duplicates")?.as_array().map(Vec::len)
}

/// Compares what the calls have used with the limits.
fn limits(bench: &Bench, notebook: &Notebook) -> Vec<Used> {
    let (used, limits) = (bench.used(), &bench.config.platform.limits);
    let bytes = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let rows = [
        ("memory (bytes)", bytes(used.memory_bytes), bytes(limits.memory_bytes)),
        ("CPU time (ms)", report::millis(used.cpu), limits.cpu_ms),
        ("requests", u64::from(used.requests), u64::from(limits.requests)),
        ("sent (bytes)", bytes(used.sent_bytes), bytes(limits.requests_bytes)),
        ("received (bytes)", bytes(used.received_bytes), bytes(limits.responses_bytes)),
    ];
    let rows = rows.map(|(what, most, limit)| Used { what, most, limit });
    for row in rows.iter().filter(|row| row.most > row.limit) {
        notebook.fail(rules::LIMITS, format!("{}: {} of {}", row.what, row.most, row.limit));
    }
    let near = rows.iter().map(|row| row.most.saturating_mul(100) / row.limit.max(1)).max().unwrap_or(0);
    notebook.seen(rules::LIMITS, format!("at most {near} % of any limit"));
    rows.to_vec()
}
