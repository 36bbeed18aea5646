//! Durable acknowledgements and full creates per second, through the real binary over HTTP.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use flightdeck_emulators::kevel::{Kevel, Options};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::figures::Figures;

/// The number of concurrent clients.
const CLIENTS: usize = 32;

/// How long each measurement runs.
const RUN_FOR: Duration = Duration::from_secs(10);

/// Measures both, and prints them beside the machine's limit.
pub(crate) async fn measure(target: &Path, host: &Path, folder: &Path, commits: f64) -> anyhow::Result<()> {
    let kevel = Kevel::start(Options { api_key: "bench-key".to_owned(), ..Options::default() }).await?;
    for (name, approvals, wait) in [
        ("durable acknowledgements", "[[approvals]]\noperations = [\"create_media_buy\"]\n", "wait=0"),
        ("full creates, to the end", "approvals = []\n", "wait=20"),
    ] {
        let data = folder.join(name.split(' ').next().unwrap_or(name));
        std::fs::create_dir_all(&data)?;
        let (mut serving, url) = start((target, host), &data, &kevel.url, approvals).await?;
        let figures = load(&url, wait).await?;
        println!("{name:<30} {}   {:.0} % of a bare commit loop", figures.line(), figures.rate() / commits * 100.0);
        serving.start_kill()?;
        serving.wait().await?;
    }
    println!("campaigns on the ad server: {}", kevel.platform().count("campaigns"));
    kevel.shutdown().await;
    Ok(())
}

async fn start(
    (target, host): (&Path, &Path),
    data: &Path,
    kevel: &str,
    approvals: &str,
) -> anyhow::Result<(Child, String)> {
    let component = target.canonicalize()?.join("wasm32-wasip2/guest/flightdeck_adapter_kevel.wasm");
    ensure!(component.exists(), "{} is not there: make guests", component.display());
    let template = include_str!("flightdeck.toml");
    let config = data.join("flightdeck.toml");
    // A top-level key must precede the first table; a table may be anywhere.
    let text = format!("{}{}", if approvals.starts_with('[') { "" } else { approvals }, template)
        + if approvals.starts_with('[') { approvals } else { "" };
    std::fs::write(&config, text.replace("ADAPTER", &component.display().to_string()))?;
    let mut child = Command::new(host)
        .args(["serve", "--config"])
        .arg(&config)
        .env("FLIGHTDECK_LISTEN", "127.0.0.1:0")
        .env("FLIGHTDECK_DATA_DIR", data.join("data"))
        .env("KEVEL_ENDPOINT", kevel)
        .env("NO_COLOR", "1")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("build the host first: cargo build --release -p flightdeck")?;
    let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.split("serving address=").nth(1) {
            let url = format!("http://{}", address.trim());
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, url));
        }
    }
    bail!("the host did not serve; its configuration is {}", config.display())
}

async fn load(url: &str, wait: &str) -> anyhow::Result<Figures> {
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let (url, wait) = (format!("{url}/v1/media-buys"), wait.to_owned());
        tokio::spawn(async move {
            let client = reqwest::Client::new();
            let request = json!({ "packages": ["bench"], "total_budget": 1_000 });
            let mut latencies = Vec::new();
            while begun.elapsed() < RUN_FOR {
                let one = Instant::now();
                let answer = client
                    .post(&url)
                    .bearer_auth("bench-buyer-0123456789abcdef")
                    .header("Prefer", &wait)
                    .json(&request)
                    .send()
                    .await?;
                let status = answer.status();
                let body: Value = answer.json().await?;
                ensure!(status.is_success(), "{status}: {body}");
                ensure!(body["status"] != "failed", "{body}");
                latencies.push(one.elapsed());
            }
            anyhow::Ok(latencies)
        })
    });
    let mut latencies = Vec::new();
    for client in futures::future::join_all(clients).await {
        latencies.extend(client??);
    }
    Ok(Figures::new(latencies, begun.elapsed()))
}
