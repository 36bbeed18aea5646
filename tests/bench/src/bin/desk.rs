//! Measures how long the pages of the review desk take with many media buys, over HTTP from the real
//! host on an SQLite file.
//!
//!     desk [BUYS]                       100,000 if not given
//!
//! `make bench-desk` runs it. There are as many tasks and three times as many audit lines, and five
//! events for each buy.
#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use flightdeck::store::sqlite;
use reqwest::{Client, header, redirect::Policy};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

#[path = "../scale/documents.rs"]
mod documents;
#[expect(dead_code, reason = "this measurement has no PostgreSQL")]
#[path = "../scale/fill.rs"]
mod fill;

/// How often each page is asked for.
const TIMES: usize = 31;

const TOKEN: &str = "bench-operator-0123456789abcdef";

const CONFIGURATION: &str = r#"
[publisher]
name = "Bench"
currency = "USD"

[callers]
reads_per_second = 1_000_000
reads_burst = 1_000_000

[[tokens]]
name = "operator"
role = "operator"
secret = { value = "bench-operator-0123456789abcdef" }
"#;

/// The pages, and a text that shows that the page is the one that was meant.
const PAGES: [(&str, &str); 14] = [
    ("/admin/queue", "tasks wait for you"),
    ("/admin/queue?view=open&skip=500", "tasks wait for you"),
    ("/admin/queue?view=completed", "carried out"),
    ("/admin/tasks/{task}", "Approve"),
    ("/admin/media-buys", "Older"),
    ("/admin/media-buys?status=failed", "failed"),
    ("/admin/media-buys?q=PO-700", "PO-700"),
    ("/admin/media-buys/{buy}", "On the ad servers"),
    ("/admin/activity", "Older"),
    ("/admin/webhooks", "example.com"),
    ("/admin/webhooks/hook1", "Older"),
    ("/admin/audit", "operation.accepted"),
    ("/admin/audit?subject={operation}", "operation.accepted"),
    ("/admin/audit?actor=nobody", "older ones"),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let buys: i64 = std::env::args().nth(1).map_or(Ok(100_000), |buys| buys.parse()).context("BUYS is a number")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let host = std::env::current_exe()?.with_file_name("flightdeck");
    let folder = tempfile::tempdir_in(&target)?;
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data)?;
    let file = data.join("flightdeck.db");
    let store = sqlite::open(&file, sqlite::Options::default()).await?;
    add_endpoints(&store).await?;
    let mut raw = fill::Raw::sqlite(&file).await?;
    raw.fill(1, buys).await?;
    println!("{buys} media buys, {} MiB", raw.bytes().await? >> 20);
    drop(raw);
    store.close().await;
    let (mut serving, url) = start(&host, folder.path(), &data).await?;
    let measured = measure(&url, buys).await;
    serving.start_kill()?;
    serving.wait().await?;
    measured
}

async fn add_endpoints(store: &flightdeck::store::Store) -> anyhow::Result<()> {
    for index in 0..3 {
        let endpoint = documents::endpoint(index);
        store.add_webhook(&endpoint, 20, documents::audit_entry("webhook.created")).await?;
    }
    Ok(())
}

async fn start(host: &Path, folder: &Path, data: &Path) -> anyhow::Result<(Child, String)> {
    let config = folder.join("flightdeck.toml");
    std::fs::write(&config, CONFIGURATION)?;
    let mut child = Command::new(host)
        .args(["serve", "--config"])
        .arg(&config)
        .env("FLIGHTDECK_LISTEN", "127.0.0.1:0")
        .env("FLIGHTDECK_DATA_DIR", data)
        .env("NO_COLOR", "1")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("build the host first: cargo build --release -p flightdeck")?;
    let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
    let mut log = String::new();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.split("serving address=").nth(1) {
            let url = format!("http://{}", address.trim());
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, url));
        }
        log += &format!("{line}\n");
    }
    bail!("the host did not serve:\n{log}")
}

async fn measure(url: &str, buys: i64) -> anyhow::Result<()> {
    let client = Client::builder().redirect(Policy::none()).build()?;
    let entered = client
        .post(format!("{url}/admin/sign-in"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("token={TOKEN}"))
        .send()
        .await?;
    let cookie = entered.headers().get(header::SET_COOKIE).context("nobody is signed in")?.to_str()?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    // One that waits for a person: see `fill`.
    let number = 1_000_000_000 + buys / 200 * 100 + 9;
    println!("{:<44}{:>10}{:>10}", "page", "median ms", "most ms");
    for (page, shows) in PAGES {
        let path = page
            .replace("{task}", &format!("task_{number}"))
            .replace("{buy}", &format!("mb_{number}"))
            .replace("{operation}", &format!("op_{number}"));
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let asked = Instant::now();
            let answer = client.get(format!("{url}{path}")).header(header::COOKIE, &cookie).send().await?;
            let status = answer.status();
            let text = answer.text().await?;
            times.push(asked.elapsed());
            ensure!(status.is_success() && text.contains(shows), "{path}: {status}: {text}");
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        println!("{page:<44}{:>10.1}{:>10.1}", ms(times[TIMES / 2]), ms(times[TIMES - 1]));
    }
    Ok(())
}
