//! Starts the host: opens the database, loads the adapters, and serves until it is stopped.

use std::{io::IsTerminal as _, sync::Arc, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    adapters::{Adapters, Tap},
    app::{
        App,
        authentication::{self, Authentication},
        callers::Callers,
        desk::news::News,
        reload::Reloader,
    },
    config::Config,
    domain::id::PlatformName,
    metrics,
    operations::{
        Signals, accounts, at_rest,
        events::ITSELF,
        hints,
        lookups::Lookups,
        now, poller, releases, replicas,
        runner::Runner,
        setup::{self, LiveSetup, Setup},
        status_cache::StatusCache,
        timers,
    },
    store::{AuditEntry, Store, Write, marks::RESTORED},
    web::{
        self, WebOptions,
        server::{self, Limits},
    },
    webhooks,
};

mod database;
mod keys;

use database::open_store;
pub(crate) use database::{make_folder, open_target};
pub use database::{open_store_alone, open_store_beside};
pub(crate) use keys::{NoKeyFile, key_file, keyring};

/// How long a stopping host waits for the database to record its last entries. A shutdown must not
/// hang because the database is unavailable.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// The reason why the host can't start.
pub fn serve(config: Config) -> anyhow::Result<()> {
    start_logging(&config, "info");
    runtime()?.block_on(serve_until_stopped(Arc::new(config), Extras::default()))
}

/// What a host has besides its configuration, for an adapter's author.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// Where it listens, instead of the configured address.
    pub(crate) listener: Option<tokio::net::TcpListener>,
    /// Who is shown the calls of every platform.
    pub(crate) tap: Option<Arc<dyn Tap>>,
}

/// Serves for an adapter's author, with warnings as its only log.
///
/// # Errors
/// As [`serve`].
pub(crate) async fn serve_with(config: Config, extras: Extras) -> anyhow::Result<()> {
    start_logging(&config, "warn");
    Box::pin(serve_until_stopped(Arc::new(config), extras)).await
}

/// Checks what only the adapters can validate: that they load, and that the settings match their
/// schemas.
///
/// # Errors
/// Every platform whose adapter can't be used or, if there is none, every product that does not fit
/// its adapter.
pub fn check(config: Config) -> anyhow::Result<()> {
    runtime()?.block_on(load(Arc::new(config))).map(|_| ())
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime did not start")
}

fn start_logging(config: &Config, usual: &str) {
    let filter = EnvFilter::try_from_env("FLIGHTDECK_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let registry = tracing_subscriber::registry().with(filter);
    let colours = std::io::stderr().is_terminal();
    let started = if config.server.json_logs {
        registry.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr)).try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
}

/// Loads the adapter of one platform, for a command.
///
/// # Errors
/// When the platform is not configured, or its adapter can't be used.
pub(crate) async fn adapters_of(config: &Config, platform: &PlatformName) -> anyhow::Result<Arc<Adapters>> {
    let compiler = std::env::current_exe().context("the path of this program is not known")?;
    let mut adapters = config.adapters(compiler);
    let known: Vec<String> = adapters.platforms.iter().map(|known| known.name.to_string()).collect();
    adapters.platforms.retain(|known| known.name == *platform);
    anyhow::ensure!(
        !adapters.platforms.is_empty(),
        "there is no platform {platform} in the configuration; it has: {}",
        known.join(", ")
    );
    Ok(Adapters::start(adapters).await.map_err(|error| setup::placed(config, error))?)
}

/// Makes a command's adapters those that serve, as the hosts' are.
///
/// # Errors
/// When the database can't be read.
pub(crate) async fn follow(store: &Store, adapters: &Arc<Adapters>) -> anyhow::Result<()> {
    replicas::join(store, adapters);
    Ok(releases::follow::catch_up(store, adapters).await?)
}

/// Loads the adapters that a configuration names.
///
/// # Errors
/// When one of them can't be used.
pub(crate) async fn load(config: Arc<Config>) -> anyhow::Result<Setup> {
    let compiler = std::env::current_exe().context("the path of this program is not known")?;
    Ok(Setup::load(config, compiler).await?)
}

async fn serve_until_stopped(config: Arc<Config>, extras: Extras) -> anyhow::Result<()> {
    let connections = server::files::connections(config.server.max_connections, outgoing(&config))?;
    let counted = metrics::start().context("nothing can be counted")?;
    let store = open_store(&config).await?;
    let setup = load(config.clone()).await?;
    let adapters = setup.adapters.clone();
    if let Some(tap) = extras.tap {
        adapters.platforms().iter().for_each(|platform| adapters.tap(platform, tap.clone()));
    }
    at_rest::begin(&store).await?;
    tell_what_serves(&config, &store).await?;
    replicas::join(&store, &adapters);
    releases::follow::begin(&store, &adapters).await?;
    at_rest::log_audit_head(&store, "a host starts").await?;
    let signals = Arc::new(Signals::default());
    let live = Arc::new(StatusCache::default());
    let authentication = Arc::new(Authentication::default());
    authentication.revocations.refresh(&config, &store).await?;
    let live_setup = LiveSetup::new(setup);
    let name = format!("{}-{}", std::process::id(), uuid::Uuid::now_v7().simple());
    let reloader = Arc::new(Reloader::new(store.clone(), live_setup.clone(), authentication.clone(), host_name()));
    let news = Arc::new(News::default());
    let app = App {
        store: store.clone(),
        adapters: adapters.clone(),
        config: config.clone(),
        signals: signals.clone(),
        status_cache: live.clone(),
        callers: Arc::new(Callers::new(&config)),
        authentication: authentication.clone(),
        news: news.clone(),
        reloader: reloader.clone(),
    };
    let watcher = app.observer();
    let stop = CancellationToken::new();
    let runner = Runner {
        store: store.clone(),
        adapters: adapters.clone(),
        config: config.clone(),
        signals: signals.clone(),
        status_cache: live,
        restored_at: store.marked(RESTORED).await?,
        name,
    };
    let lookups =
        Lookups { store: store.clone(), adapters: adapters.clone(), config: config.clone(), signals: signals.clone() };
    let looking = tokio::spawn(lookups.serve(live_setup.clone(), stop.clone()));
    let grace = config.server.shutdown_grace;
    let work = tokio::spawn(runner.serve(live_setup.clone(), stop.clone(), grace));
    // The accounts are read in the background: nothing waits for them.
    let inspecting = tokio::spawn(accounts::serve(live_setup.clone(), stop.clone()));
    let watch = tokio::spawn(poller::serve(watcher, live_setup.clone(), stop.clone()));
    let telling =
        tokio::spawn(webhooks::dispatcher::serve(store.clone(), live_setup.clone(), signals.clone(), stop.clone()));
    let hints = tokio::spawn(hints::serve(store.clone(), signals.clone(), stop.clone()));
    let sharing = tokio::spawn(replicas::serve(store.clone(), live_setup.clone(), stop.clone()));
    let following = tokio::spawn(releases::follow::serve(store.clone(), live_setup.clone(), stop.clone()));
    let taking = tokio::spawn(releases::folder::serve(store.clone(), live_setup.clone(), stop.clone()));
    let authenticating =
        tokio::spawn(authentication::serve(authentication.clone(), live_setup.clone(), store.clone(), stop.clone()));
    let told = tokio::spawn(at_rest::serve(store.clone(), stop.clone()));
    let keeping = tokio::spawn(adapters.recordings().serve(stop.clone()));
    let gathering = tokio::spawn(news.serve(store.clone(), stop.clone()));
    let upkeep = tokio::spawn(metrics::serve(counted.clone(), stop.clone()));
    let waiting = signals.clone();
    let clock = tokio::spawn(timers::serve(store.clone(), signals, live_setup, stop.clone()));
    let reloading = tokio::spawn(reloader.serve(hang_up()?, stop.clone()));
    let listener = match extras.listener {
        Some(listener) => listener,
        None => tokio::net::TcpListener::bind(config.server.listen)
            .await
            .with_context(|| format!("could not listen on {}", config.server.listen))?,
    };
    // Install the signal handlers before the log says `serving`. A client that reads this line may
    // stop the host at once, and that must be an orderly shutdown.
    let told_to_stop = told_to_stop()?;
    tracing::info!(address = %listener.local_addr()?, "serving");
    if config.server.public_url.is_none() {
        tracing::warn!(
            "server.public_url is not set: /mcp answers only who calls the host localhost, 127.0.0.1 or [::1]; set it to the \
             address under which others reach the host"
        );
    }
    let router = web::router(app, web_options(&config, Some(counted)), axum::Router::new());
    let faces = tokio::spawn(server::serve(listener, router, connection_limits(&config, connections), stop.clone()));
    told_to_stop.await;
    tracing::info!("stopping: no new work is taken, what runs may end");
    stop.cancel();
    // Answer callers that wait for an operation with its current state. The operation continues
    // without them.
    waiting.stop();
    end_within(grace, async {
        let _ = faces.await;
    })
    .await;
    work.await?;
    clock.await?;
    watch.await?;
    inspecting.await?;
    looking.await?;
    hints.await?;
    telling.await?;
    following.await?;
    taking.await?;
    reloading.await?;
    sharing.await?;
    upkeep.await?;
    keeping.await?;
    gathering.await?;
    told.await?;
    authenticating.await?;
    if tokio::time::timeout(LAST_WORDS, last_words(&authentication, &store)).await.is_err() {
        tracing::warn!(
            "the database does not answer: how far the audit log goes, and the last failed logins, are not told"
        );
    }
    store.close().await;
    Ok(())
}

/// Records the failed logins and the head of the audit log after all work has stopped.
async fn last_words(authentication: &Authentication, store: &Store) {
    authentication.flush(store).await;
    if let Err(error) = at_rest::log_audit_head(store, "a host stops").await {
        tracing::warn!(%error, "it is not known how far the audit log goes");
    }
}

/// Writes a line to the audit log if the configuration differs from the one that served last.
async fn tell_what_serves(config: &Config, store: &Store) -> anyhow::Result<()> {
    let subject = "configuration".to_owned();
    let last = store.last_audit(&subject).await?;
    let last: Option<AuditEntry> = last.and_then(|line| serde_json::from_str(&line.text).ok());
    let digest = config.audited_digest();
    if last.is_none_or(|last| last.digest != digest) {
        let (at, actor, action) = (now(), ITSELF.to_owned(), "configuration.loaded".to_owned());
        let line = AuditEntry { at, actor, action, subject, digest, reason: None };
        store.record(Write::Audit(line)).await?;
    }
    Ok(())
}

fn web_options(config: &Config, counted: Option<PrometheusHandle>) -> WebOptions {
    WebOptions {
        max_body_bytes: config.server.max_request_bytes.get(),
        default_wait: config.server.default_wait,
        max_wait: config.server.max_wait,
        body_timeout: config.server.body_timeout,
        trusted_proxies: config.server.trusted_proxies.clone(),
        counted,
        public_hosts: config.server.public_url.iter().map(|url| url.authority()).collect(),
    }
}

/// The maximum number of outgoing connections: to the database, and to ad servers. The factor of
/// two covers idle connections that are kept for later requests.
fn outgoing(config: &Config) -> usize {
    let to_ad_servers: usize =
        config.platforms.iter().map(|platform| platform.max_concurrent_requests.saturating_mul(2)).sum();
    to_ad_servers.saturating_add(config.store.connections as usize)
}

fn connection_limits(config: &Config, connections: usize) -> Limits {
    let server = &config.server;
    Limits {
        connections,
        connections_per_address: server.max_connections_per_address,
        header_timeout: server.header_timeout,
        stall_timeout: server.body_timeout,
        idle_timeout: server.idle_timeout,
        streams: server.max_streams,
        trusted_proxies: server.trusted_proxies.clone(),
    }
}

async fn end_within(grace: Duration, work: impl Future<Output = ()>) {
    if tokio::time::timeout(grace, work).await.is_err() {
        tracing::warn!("requests were still open after the grace period");
    }
}

/// Installs a handler for SIGHUP, which asks for a reload.
fn hang_up() -> anyhow::Result<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(signal(SignalKind::hangup())?)
}

/// Returns the name under which this host reports itself: the machine's and the process's.
fn host_name() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = Some(machine.trim()).filter(|name| !name.is_empty()).unwrap_or("host");
    format!("{machine}:{}", std::process::id())
}

/// Installs handlers for SIGTERM and Ctrl-C. The returned future completes on the first of them.
fn told_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
