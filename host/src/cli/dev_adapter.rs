//! The command `adapter dev`: the loop in which an adapter's author works.
#![expect(clippy::print_stdout, reason = "the author watches this")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use serde_json::json;
use tokio::{net::TcpListener, process::Command};

use super::ad_server;
use crate::{
    adapters::{self, Answer, CallSeen, Exchange, Tap},
    config::{AdapterCheck, Config, Dev},
    domain::capability::Capabilities,
    network::base_url::BaseUrl,
    serve::{self, Extras},
};

mod host;
mod watch;

use host::Host;
use watch::Sources;

/// Options of `adapter dev`.
#[derive(Debug, Args)]
pub(super) struct DevAdapter {
    /// The folder of the adapter, with its check.toml. Its section [dev] has the commands.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The command that builds the component [default: `build` of check.toml].
    #[arg(long, value_name = "COMMAND")]
    build: Option<String>,
    /// The component that it builds [default: `component` of check.toml].
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The command that starts an emulator of the ad server [default: `emulator` of check.toml].
    #[arg(long, value_name = "COMMAND")]
    emulator: Option<String>,
    /// The address of an ad server, instead of an emulator.
    #[arg(long, value_name = "URL", conflicts_with = "emulator")]
    against: Option<BaseUrl>,
    /// The address of the host.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: std::net::SocketAddr,
}

/// What is built, and how.
#[derive(Debug, Clone)]
struct Project {
    dir: PathBuf,
    build: String,
    component: PathBuf,
}

impl Project {
    fn new(asked: &DevAdapter, dir: &Path, said: &Dev) -> anyhow::Result<Self> {
        let missing = |key: &str| format!("check.toml has no `{key}` in its section [dev]; name one with --{key}");
        let build = asked.build.clone().or_else(|| said.build.clone()).with_context(|| missing("build"))?;
        let component = asked.component.clone().or_else(|| said.component.clone().map(PathBuf::from));
        let component = dir.join(component.with_context(|| missing("component"))?);
        Ok(Self { dir: dir.to_owned(), build, component })
    }

    /// Builds the component, and looks whether this host can use it.
    async fn built(&self) -> anyhow::Result<Capabilities> {
        println!("building: {}", self.build);
        let began = Instant::now();
        let mut build = Command::new("sh");
        build.args(["-c", &self.build]).current_dir(&self.dir).kill_on_drop(true);
        let status = build.status().await.with_context(|| format!("`{}` can't be started", self.build))?;
        if !status.success() {
            bail!("the build failed: {status}");
        }
        let inspected = adapters::inspect(&self.component).await?;
        let size = inspected.size;
        let described = inspected.usable().map_err(|problem| anyhow!("the component can't be used: {problem}"))?;
        println!(
            "built {} {} in {:.1} s, {size} bytes",
            described.platform,
            described.adapter_version,
            began.elapsed().as_secs_f64(),
        );
        Ok(described)
    }

    /// Builds until there is a component that can be used.
    async fn first(&self, sources: &mut Sources) -> Capabilities {
        loop {
            match self.built().await {
                Ok(described) => return described,
                Err(error) => println!("{error:#}\nwaiting for a change in {}", self.dir.display()),
            }
            sources.changed().await;
        }
    }
}

/// Works until it is stopped by Ctrl-C.
pub(super) fn run(asked: DevAdapter) -> anyhow::Result<()> {
    serve::runtime()?.block_on(Box::pin(work(asked)))
}

async fn work(asked: DevAdapter) -> anyhow::Result<()> {
    let dir = asked.dir.canonicalize().with_context(|| format!("{} can't be read", asked.dir.display()))?;
    let check = dir.join("check.toml");
    let said = AdapterCheck::dev(&check)?;
    let project = Project::new(&asked, &dir, &said)?;
    let mut sources = Sources::of(&dir);
    let described = tokio::select! {
        described = project.first(&mut sources) => described,
        stopped = tokio::signal::ctrl_c() => return Ok(stopped?),
    };
    let against = asked.against.clone();
    let emulator = asked.emulator.or(said.emulator).filter(|_| against.is_none());
    let missing = "there is no ad server: name an emulator in [dev] of check.toml, or one with --against";
    ad_server::with(emulator.as_deref(), against, missing, async |ad_server| {
        let listener =
            TcpListener::bind(asked.listen).await.with_context(|| format!("could not listen on {}", asked.listen))?;
        let host = Host::new(&check, &project.component, &described, &ad_server, listener.local_addr()?)?;
        let config = Config::load(host.file())?;
        println!("{}", host.welcome());
        let serving = serve::serve_with(config, Extras { listener: Some(listener), tap: Some(Arc::new(Shown)) });
        tokio::select! {
            served = serving => served,
            never = swap(&project, &mut sources, &host) => never,
        }
    })
    .await
}

/// Builds the adapter again whenever its files change, and has the host serve it.
async fn swap(project: &Project, sources: &mut Sources, host: &Host) -> anyhow::Result<()> {
    loop {
        sources.changed().await;
        let swapped = match project.built().await {
            Ok(_) => activate(host).await,
            Err(error) => Err(error),
        };
        match swapped {
            Ok(changes) if changes.is_empty() => println!("nothing changed in the component"),
            Ok(changes) => println!("serving: {}", changes.join("; ")),
            Err(error) => println!("{error:#}\nthe adapter before it serves on"),
        }
    }
}

/// Has the host serve the component that was built last.
async fn activate(host: &Host) -> anyhow::Result<Vec<String>> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120)).build()?;
    let asked = client.post(format!("http://{}/v1/config/reload", host.address())).bearer_auth(host::OPERATOR);
    let answer = asked.json(&json!({ "activate": true })).send().await.context("the host does not answer")?;
    let (fine, body) = (answer.status().is_success(), answer.json::<serde_json::Value>().await?);
    if !fine {
        bail!("{}", body.pointer("/error/message").and_then(serde_json::Value::as_str).unwrap_or("it was refused"));
    }
    let changes = body.get("changes").and_then(serde_json::Value::as_array).into_iter().flatten();
    Ok(changes.filter_map(|change| change.as_str().map(str::to_owned)).collect())
}

/// The longest body that is shown whole.
const SHOWN: usize = 2_000;

/// Prints calls and exchanges.
#[derive(Debug)]
struct Shown;

impl Tap for Shown {
    fn called(&self, call: CallSeen) {
        let ended = match &call.failure {
            None => "ok".to_owned(),
            Some(failure) => format!("{} ({}): {failure}", failure.kind, failure.code),
        };
        let digest = call.release.get(..8).unwrap_or_default();
        println!("== {} by {digest} in {} ms: {ended}", call.purpose.as_str(), call.took.as_millis());
    }

    fn exchanged(&self, exchange: Exchange) {
        println!("-> {} {}{}", exchange.method, exchange.url, body(&exchange.request));
        let took = exchange.took.as_millis();
        match &exchange.answer {
            Answer::Answered { status, body: answer, .. } => println!("<- {status} in {took} ms{}", body(answer)),
            Answer::Failed(_, words) => println!("<- no answer in {took} ms: {words}"),
        }
    }
}

fn body(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let shown: String = text.chars().take(SHOWN).collect();
    let rest = if shown.len() < text.len() { " …" } else { "" };
    format!("\n   {shown}{rest}")
}
