//! How soon another adapter serves, for the example adapters in each language: put into the folder of
//! releases, installed over HTTP, and loaded from the cache of native code when a host starts.
//!
//! What is counted ends with the first answer that the new component has made: a plan.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use flightdeck::{
    adapters::{Adapters, AdaptersConfig, EngineOptions, PlatformConfig},
    domain::{change::ProposedChange, digest},
};
use flightdeck_emulators::signpost::{Options, Signpost};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::calls;

/// How often each is measured.
const TIMES: u8 = 5;

/// How long any one may take: a Python component takes seconds to compile, on a busy machine many.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often it is asked whether the new component serves. A plan takes about as long.
const ASK: Duration = Duration::from_millis(2);

const BUYER: &str = "bench-buyer-0123456789abcdef";
const OPERATOR: &str = "bench-operator-0123456789abcdef";

const CONFIGURATION: &str = r#"
[publisher]
name = "Bench"
currency = "USD"

[releases]
watch = "incoming"

[callers]
reads_per_second = 1_000_000
reads_burst = 1_000_000
writes_per_second = 1_000_000
writes_burst = 1_000_000

[[platforms]]
name = "signpost"
endpoint = "ENDPOINT"
allow_private = ["127.0.0.0/8"]
auth = { scheme = "header", name = "X-Signpost-Key", value = { value = "demo-key" } }

[[principals]]
id = "agency"
name = "Agency"
platform_mappings = { signpost = { advertiser_id = "701" } }

[[tokens]]
name = "buyer"
role = "buyer"
principal = "agency"
secret = { value = "bench-buyer-0123456789abcdef" }

[[tokens]]
name = "operator"
role = "operator"
secret = { value = "bench-operator-0123456789abcdef" }

[[products]]
id = "bench"
name = "Bench"
platform = "signpost"
formats = ["image"]
cpm = 10
settings = { countries = ["US", "CA"] }
"#;

/// Measures each language whose example is built, and prints a line for each.
pub(crate) async fn measure(target: &Path, host: &Path, folder: &Path) -> anyhow::Result<()> {
    let examples = [
        ("Rust", target.join("outside/wasm32-wasip2/release/signpost_adapter.wasm")),
        ("JavaScript", PathBuf::from("examples/adapters/javascript/signpost.wasm")),
        ("Python", PathBuf::from("examples/adapters/python/signpost.wasm")),
    ];
    for (language, component) in examples {
        let Ok(bytes) = std::fs::read(&component) else {
            println!("{language:<12} left out: {} is not there; make check-examples builds it", component.display());
            continue;
        };
        let here = folder.join(format!("swaps-{language}"));
        std::fs::create_dir_all(here.join("incoming"))?;
        println!("{language:<12} {:>6.1} MB", bytes.len() as f64 / 1e6);
        let adapters = cached(host, &here, &component).await.with_context(|| format!("{language} from the cache"))?;
        show("adapter from the cache to its first plan", adapters);
        for (what, times) in served(host, &here, &bytes).await.with_context(|| format!("{language} in a host"))? {
            show(what, times);
        }
    }
    Ok(())
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1_000.0);
    println!(
        "  {what:<44} median {:>9.1} ms   least {:>9.1} ms   most {:>9.1} ms",
        millis(times.get(times.len() / 2)),
        millis(times.first()),
        millis(times.last())
    );
}

/// From a cache with the native code to the first plan, without the rest of a host.
async fn cached(host: &Path, folder: &Path, component: &Path) -> anyhow::Result<Vec<Duration>> {
    let config = || {
        anyhow::Ok(AdaptersConfig {
            data_dir: folder.join("adapters"),
            compiler: host.to_owned(),
            engine: EngineOptions::default(),
            platforms: vec![PlatformConfig::new("signpost", component, "https://signpost.example".parse()?)],
        })
    };
    // Compiles it.
    drop(Adapters::start(config()?).await?);
    let buy = calls::buy("signpost", &json!({ "countries": ["US", "CA"] }))?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        let adapters = Adapters::start(config()?).await?;
        let plan = adapters.plan(&"signpost".into(), None, &calls::call()?, ProposedChange::create(&buy).into()).await;
        plan.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        times.push(began.elapsed());
    }
    Ok(times)
}

type Measured = Vec<(&'static str, Vec<Duration>)>;

/// In a host with a database and clients.
async fn served(host: &Path, folder: &Path, bytes: &[u8]) -> anyhow::Result<Measured> {
    let signpost = Signpost::start(Options::default()).await?;
    std::fs::write(folder.join("flightdeck.toml"), CONFIGURATION.replace("ENDPOINT", &signpost.url))?;
    let mut running = Running::start(host, folder).await?;
    let (mut dropped, mut installed, mut started) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..TIMES {
        let release = another(bytes, 2 * number);
        let fresh = folder.join("incoming/.signpost.part");
        std::fs::write(&fresh, &release)?;
        let began = Instant::now();
        std::fs::rename(&fresh, folder.join("incoming/signpost.wasm"))?;
        running.until_planned_by(&release).await?;
        dropped.push(began.elapsed());

        let release = another(bytes, 2 * number + 1);
        let began = Instant::now();
        running.install(&release).await?;
        running.until_planned_by(&release).await?;
        installed.push(began.elapsed());
    }
    let last = another(bytes, 2 * TIMES - 1);
    for _ in 0..TIMES {
        running.child.start_kill()?;
        running.child.wait().await?;
        let began = Instant::now();
        running = Running::start(host, folder).await?;
        running.until_planned_by(&last).await?;
        started.push(began.elapsed());
    }
    running.child.start_kill()?;
    running.child.wait().await?;
    signpost.shutdown().await;
    Ok(vec![
        ("dropped into the folder to the first plan", dropped),
        ("installed over HTTP to the first plan", installed),
        ("host started, cached, to the first plan", started),
    ])
}

/// The same component with another digest: a custom section more.
fn another(bytes: &[u8], number: u8) -> Vec<u8> {
    [bytes, &[0, 2, 1, number]].concat()
}

/// A host that serves.
struct Running {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Running {
    async fn start(host: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(host)
            .args(["serve", "--config"])
            .arg(folder.join("flightdeck.toml"))
            .env("FLIGHTDECK_LISTEN", "127.0.0.1:0")
            .env("FLIGHTDECK_DATA_DIR", folder.join("data"))
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("build the host first: {}", host.display()))?;
        let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(address) = line.split("serving address=").nth(1) {
                let url = format!("http://{}", address.trim());
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Self { child, url, client: reqwest::Client::new() });
            }
        }
        bail!("the host did not serve; its configuration is in {}", folder.display())
    }

    async fn install(&self, release: &[u8]) -> anyhow::Result<()> {
        let releases = format!("{}/v1/platforms/signpost/releases", self.url);
        let request = self.client.post(&releases).bearer_auth(OPERATOR).header("Content-Type", "application/wasm");
        let answer = request.body(release.to_vec()).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{status}: {body}");
        let activate = format!("{releases}/{}/activate", digest::sha256(release));
        let answer = self.client.post(activate).bearer_auth(OPERATOR).json(&json!({})).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{status}: {body}");
        Ok(())
    }

    /// Asks for plans until this release makes one.
    async fn until_planned_by(&self, release: &[u8]) -> anyhow::Result<()> {
        let (wanted, began) = (digest::sha256(release), Instant::now());
        let request = json!({ "packages": ["bench"], "total_budget": 1_000, "dry_run": true });
        while began.elapsed() < PATIENCE {
            let asked = self.client.post(format!("{}/v1/media-buys", self.url)).bearer_auth(BUYER).json(&request);
            let answer: Value = asked.send().await?.json().await?;
            if answer["plan"][0]["adapter_release"] == wanted.as_str() {
                return Ok(());
            }
            tokio::time::sleep(ASK).await;
        }
        bail!("the release {wanted} never serves")
    }
}
