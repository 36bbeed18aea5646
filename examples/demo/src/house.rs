//! Runs the emulated ad servers in this process, and the host as its child.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use flightdeck_emulators::{
    Running,
    gam::{self, Gam},
    kevel::{self, Kevel},
    triton::{self, Triton},
};
use tokio::process::{Child, Command};

/// How long the host may take to become ready: on its first start, it compiles its adapters.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// The API key of the emulated Kevel.
const API_KEY: &str = "demo-key";

/// The host and the ad servers, all running.
pub(crate) struct House {
    /// The host's base URL.
    pub(crate) url: String,
    /// The emulated Kevel.
    pub(crate) kevel: Running<Kevel>,
    /// The emulated Google Ad Manager.
    pub(crate) gam: Running<Gam>,
    /// The emulated Triton.
    pub(crate) triton: Running<Triton>,
    host: Child,
    log: PathBuf,
}

impl House {
    /// Starts everything. `port` 0 means a free port; `fresh` means an empty database.
    pub(crate) async fn open(host: &Path, config: &Path, data: &Path, port: u16, fresh: bool) -> anyhow::Result<Self> {
        let why = "an emulated ad server did not start";
        let kevel = Kevel::start(kevel::Options { api_key: API_KEY.to_owned(), ..kevel::Options::default() })
            .await
            .context(why)?;
        let gam = Gam::start(gam::Options::default()).await.context(why)?;
        let of_triton = triton::Options::default();
        let triton = Triton::start(of_triton.clone()).await.context(why)?;
        if fresh && data.exists() {
            // Only the database is deleted. The compiled adapters stay, so that the next start is
            // fast.
            for name in ["flightdeck.db", "flightdeck.db-wal", "flightdeck.db-shm"] {
                let _ = std::fs::remove_file(data.join(name));
            }
        }
        std::fs::create_dir_all(data).with_context(|| format!("could not make {}", data.display()))?;
        let log = data.join("flightdeck.log");
        let port = if port == 0 { free_port()? } else { port };
        let url = format!("http://127.0.0.1:{port}");
        let child = Command::new(host)
            .arg("serve")
            .arg("--config")
            .arg(config)
            .env("FLIGHTDECK_LISTEN", format!("127.0.0.1:{port}"))
            .env("FLIGHTDECK_DATA_DIR", data)
            .env("KEVEL_ENDPOINT", &kevel.url)
            .env("KEVEL_API_KEY", API_KEY)
            .env("GAM_ENDPOINT", &gam.url)
            .env("GAM_KEY", gam.platform().key_file().to_string())
            .env("TRITON_ENDPOINT", &triton.url)
            .env("TRITON_LOGIN", format!("{}{}", triton.url, triton::LOGIN_PATH))
            .env("TRITON_PASSWORD", of_triton.password)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&log)?)
            .stderr(std::fs::OpenOptions::new().append(true).open(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("could not start {}; build it first: make build", host.display()))?;
        let mut house = Self { url, kevel, gam, triton, host: child, log };
        house.wait_until_ready().await?;
        Ok(house)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let client = reqwest::Client::new();
        let until = tokio::time::Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.host.try_wait()? {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                bail!("the host ended with {status}:\n{log}");
            }
            let answer = client.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if tokio::time::Instant::now() >= until {
                bail!("the host was not ready within {READY_WITHIN:?}; its log is {}", self.log.display());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The path of the host's log.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Advances the clocks of all ad servers.
    pub(crate) fn pass(&self, time: Duration) {
        for controls in [self.kevel.controls(), self.gam.controls(), self.triton.controls()] {
            controls.clock.advance(time);
        }
    }

    /// Stops the host as an operator would, and then the emulators.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.host.id() {
            let stopped = Command::new("kill").arg("-TERM").arg(pid.to_string()).status().await?;
            if stopped.success() {
                self.host.wait().await?;
            }
        }
        self.kevel.shutdown().await;
        self.gam.shutdown().await;
        self.triton.shutdown().await;
        Ok(())
    }
}

/// Returns a free port.
fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
