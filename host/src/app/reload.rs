//! Reloads the configuration while the host serves, as one step: validated whole, and refused whole
//! on any mistake.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use super::{
    App,
    authentication::Authentication,
    caller::Caller,
    error::{AppError, ErrorCode},
};
use crate::{
    config::{Config, ConfigErrors},
    domain::{audit::AuditEntry, digest, id::PlatformName, time::Timestamp},
    operations::{
        events::ITSELF,
        now,
        releases::{self, Decision, ReleaseError, Releases},
        setup::{LiveSetup, Setup, SetupError},
    },
    store::{Store, StoreError, Write, hosts::HostReport},
};

/// The mark of the last request that every host reload its configuration.
const ASKED: &str = "reload";

/// Like [`ASKED`], and that the components which the configuration names serve, even if the fleet has
/// left them.
const ASKED_TO_ACTIVATE: &str = "reload_activate";

/// How often a host looks whether it is to reload, and reports itself.
const LOOK: Duration = Duration::from_secs(1);

/// How often a host reports itself if nothing has changed.
const REPORT: Duration = Duration::from_secs(10);

/// How long a stopping host tries to remove itself from the list of hosts.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A host that was not seen for so long does not serve, in milliseconds.
const GONE_MS: i64 = 30_000;

/// How long a host that is gone is kept in the list, in milliseconds: a day.
const HISTORY_MS: i64 = 24 * 3_600 * 1_000;

/// Why the configuration was not reloaded. The one before serves on.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file is wrong; every mistake is listed with its place.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Something differs that only a restart can change.
    #[error("{} can't be changed while the host serves: put it back, or restart the host", .0.join(", "))]
    NeedsRestart(Vec<&'static str>),
    /// The adapters or the products are wrong.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A component was not activated. The configuration serves.
    #[error("the configuration serves, but {0}")]
    Release(ReleaseError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReloadError> for AppError {
    fn from(error: ReloadError) -> Self {
        let message = error.to_string();
        match error {
            ReloadError::Config(_) | ReloadError::Setup(SetupError::Platforms(_) | SetupError::Products(_)) => {
                Self::new(ErrorCode::InvalidParameter, message)
                    .suggest("mend the file on the host; what served before serves on")
            }
            ReloadError::NeedsRestart(_) => Self::state(message),
            ReloadError::Release(error) => error.into(),
            ReloadError::Store(error) | ReloadError::Setup(SetupError::Store(error)) => error.into(),
            ReloadError::Setup(SetupError::Engine(_)) => Self::new(ErrorCode::Internal, message),
        }
    }
}

/// What a reload did on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// The digest of the configuration that serves.
    pub configuration: String,
    /// What changed, one line each. Empty if nothing did.
    pub changes: Vec<String>,
    /// What is allowed and probably not intended.
    pub warnings: Vec<String>,
}

/// Reloads the configuration of a host.
#[derive(Debug)]
pub struct Reloader {
    /// The host's database.
    pub store: Store,
    /// What serves.
    pub live: LiveSetup,
    /// The revoked tokens, which are read before a token of the configuration can be used.
    pub authentication: Arc<Authentication>,
    /// This host's name.
    pub host: String,
    /// One reload at a time.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Clone)]
struct State {
    loaded_at: Timestamp,
    asked_at: Option<Timestamp>,
    problem: Option<String>,
}

impl Reloader {
    /// Returns the reloader of a host that has just loaded its configuration.
    pub fn new(store: Store, live: LiveSetup, authentication: Arc<Authentication>, host: String) -> Self {
        let state = State { loaded_at: now(), asked_at: None, problem: None };
        Self { store, live, authentication, host, turn: tokio::sync::Mutex::default(), state: Mutex::new(state) }
    }

    /// Reads the file again and serves with it from now on. `activate`: the components that it names
    /// serve, even if the fleet has left them.
    ///
    /// # Errors
    /// When anything is wrong. Then what served before serves on, except after
    /// [`ReloadError::Release`].
    pub async fn reload(&self, actor: &str, activate: bool) -> Result<Reloaded, ReloadError> {
        let _turn = self.turn.lock().await;
        let before = self.live.current().config;
        let reloaded = self.try_to_reload(actor, activate).await;
        let after = self.live.current().config;
        let mut state = self.state();
        if before.digest != after.digest {
            state.loaded_at = now();
        }
        state.problem = reloaded.as_ref().err().map(ToString::to_string);
        drop(state);
        match &reloaded {
            Ok(Reloaded { configuration, changes, .. }) => {
                tracing::info!(
                    by = actor,
                    configuration,
                    changes = changes.join("; "),
                    "the configuration was reloaded"
                );
            }
            Err(error @ ReloadError::Release(_)) => {
                tracing::error!(by = actor, %error, "a component was not activated")
            }
            Err(error) => {
                tracing::error!(by = actor, %error, "the configuration was not reloaded; the one before serves on");
            }
        }
        reloaded
    }

    async fn try_to_reload(&self, actor: &str, activate: bool) -> Result<Reloaded, ReloadError> {
        let before = self.live.current();
        let config = Arc::new(Config::load(&before.config.file)?);
        let fixed = before.config.needs_restart(&config);
        if !fixed.is_empty() {
            return Err(ReloadError::NeedsRestart(fixed));
        }
        let mut changes = before.config.changes(&config);
        let setup = before.renewed(config, &self.store).await?;
        let served = serving(&before);
        self.authentication.revocations.refresh(&setup.config, &self.store).await?;
        releases::follow::begin(&self.store, &setup.adapters).await?;
        let swaps = |served: &Serving, serves: &Serving| -> Vec<String> {
            let other =
                served.iter().filter(|(platform, digest)| serves.get(platform).is_some_and(|now| now != *digest));
            other.map(|(platform, _)| format!("another release serves {platform}")).collect()
        };
        let serves = serving(&setup);
        changes.extend(swaps(&served, &serves));
        // Before the configuration serves: what can't be recorded is not done.
        if !changes.is_empty() {
            let line = AuditEntry {
                at: now(),
                actor: actor.to_owned(),
                action: "configuration.loaded".to_owned(),
                subject: "configuration".to_owned(),
                digest: setup.config.audited_digest(),
                reason: Some(changes.join("; ")),
            };
            self.store.record(Write::Audit(line)).await?;
        }
        self.live.replace(setup.clone());
        if activate {
            self.activate(&setup, actor).await.map_err(ReloadError::Release)?;
            changes.extend(swaps(&serves, &serving(&setup)));
        }
        Ok(Reloaded {
            configuration: setup.config.digest.clone(),
            changes,
            warnings: setup.config.warnings().iter().map(ToString::to_string).collect(),
        })
    }

    /// Makes the components serve that the configuration names.
    async fn activate(&self, setup: &Setup, actor: &str) -> Result<(), ReleaseError> {
        let releases = Releases { store: &self.store, adapters: &setup.adapters, config: &setup.config, actor };
        let reason = Some("the configuration names it".to_owned());
        let decision = Decision { reason, expected: None, accept_losses: true, trial: None };
        for platform in setup.adapters.platforms() {
            let Some(release) = setup.adapters.configured_release(&platform).filter(|release| !release.active) else {
                continue;
            };
            match releases.activate(&platform, &release.digest, &decision).await {
                Ok(_) | Err(ReleaseError::Serves(..)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Asks every host on the database to reload, in the name of an actor. Returns the moment by
    /// which they recognize the request.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn ask_all(store: &Store, actor: &str, activate: bool) -> Result<Timestamp, StoreError> {
        let at = now();
        let line = AuditEntry {
            at,
            actor: actor.to_owned(),
            action: "configuration.reload_asked".to_owned(),
            subject: "configuration".to_owned(),
            digest: String::new(),
            reason: None,
        };
        store.mark(if activate { ASKED_TO_ACTIVATE } else { ASKED }, at, line).await?;
        Ok(at)
    }

    /// Reloads whenever a person or another host asks for it, and if a watched file changes, until
    /// `stop`. `hang_up` yields at each SIGHUP.
    pub async fn serve(self: Arc<Self>, hang_up: Signal, stop: CancellationToken) {
        // An unresponsive database must not keep the host from stopping.
        stop.run_until_cancelled(self.follow(hang_up)).await;
        let forgotten = tokio::time::timeout(LAST_WORDS, self.store.forget_host(&self.host)).await;
        if !matches!(forgotten, Ok(Ok(()))) {
            tracing::debug!("this host stays in the list of hosts until it is seen no more");
        }
    }

    async fn follow(&self, mut hang_up: Signal) {
        let since = self.asked().await.unwrap_or_default();
        self.state().asked_at = since.map(|(at, _)| at);
        // The files may have changed since they were read at the start.
        let mut watched = None;
        let mut reported = None;
        self.report(&mut reported).await;
        loop {
            tokio::select! {
                _ = hang_up.recv() => drop(self.reload(ITSELF, false).await),
                () = tokio::time::sleep(LOOK) => {}
            }
            let known = self.state().asked_at;
            match self.asked().await {
                Ok(Some((at, activate))) if known.is_none_or(|known| known < at) => {
                    let _ = self.reload(ITSELF, activate).await;
                    self.state().asked_at = Some(at);
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "it is not known whether the configuration is to be reloaded"),
            }
            let is_now = self.watched();
            let is_changed = watched.map_or_else(|| !self.serves_what_is_there(), |watched| watched != is_now);
            if is_changed {
                let _ = self.reload(ITSELF, false).await;
            }
            // What changed during the reload, and the files that only the new configuration names, are
            // another change.
            watched = Some(is_now);
            self.report(&mut reported).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the last request to reload.
    async fn asked(&self) -> Result<Option<(Timestamp, bool)>, StoreError> {
        let plain = self.store.marked(ASKED).await?.map(|at| (at, false));
        let activating = self.store.marked(ASKED_TO_ACTIVATE).await?.map(|at| (at, true));
        Ok(plain.max(activating))
    }

    /// Returns the states of the watched files: of none, if files are not watched.
    fn watched(&self) -> Vec<(PathBuf, Option<(SystemTime, u64)>)> {
        let config = self.live.current().config;
        if !config.server.watch_files {
            return Vec::new();
        }
        let state = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        let components = config.platforms.iter().filter_map(|platform| platform.component.as_ref());
        std::iter::once(&config.file).chain(components).map(|path| (path.clone(), state(path))).collect()
    }

    /// Whether the watched files are what was loaded; `true` if files are not watched.
    fn serves_what_is_there(&self) -> bool {
        let Setup { config, adapters } = self.live.current();
        let is = |path: &Path, digest: &str| std::fs::read(path).is_ok_and(|bytes| digest::sha256(&bytes) == digest);
        let components = config.platforms.iter().all(|platform| {
            let loaded = adapters.configured_release(&platform.name);
            platform.component.as_ref().zip(loaded).is_none_or(|(path, loaded)| is(path, &loaded.digest))
        });
        !config.server.watch_files || (is(&config.file, &config.digest) && components)
    }

    /// Reports this host, if there is news or it is time to.
    async fn report(&self, reported: &mut Option<HostReport>) {
        let state = self.state().clone();
        let report = HostReport {
            name: self.host.clone(),
            seen_at: now(),
            configuration: self.live.current().config.digest.clone(),
            loaded_at: state.loaded_at,
            asked_at: state.asked_at,
            problem: state.problem,
        };
        let is_news = reported.as_ref().is_none_or(|last| {
            HostReport { seen_at: report.seen_at, ..last.clone() } != report
                || last.seen_at.plus(REPORT) <= report.seen_at
        });
        if !is_news {
            return;
        }
        match self.store.report_host(report.clone(), report.seen_at.plus_millis(-HISTORY_MS)).await {
            Ok(()) => *reported = Some(report),
            Err(error) => tracing::debug!(%error, "this host could not report itself"),
        }
    }
}

/// The release that serves each platform; `None` if it has no adapter.
type Serving = BTreeMap<PlatformName, Option<String>>;

fn serving(setup: &Setup) -> Serving {
    let platforms = setup.adapters.platforms().into_iter();
    platforms.map(|platform| (platform.clone(), setup.adapters.active_release(&platform))).collect()
}

/// Returns the hosts that serve from a database, by name.
///
/// # Errors
/// When the database can't be read.
pub async fn hosts(store: &Store) -> Result<Vec<HostReport>, StoreError> {
    store.hosts(now().plus_millis(-GONE_MS)).await
}

impl App {
    /// Reloads the configuration of this host, and asks the other hosts to do the same.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` with every mistake of the file; `INVALID_STATE` if only a restart can
    /// change what differs.
    pub async fn reload_configuration(&self, caller: &Caller, activate: bool) -> Result<Reloaded, AppError> {
        let actor = caller.signature();
        let reloaded = self.reloader.reload(&actor, activate).await?;
        let at = Reloader::ask_all(&self.store, &actor, activate).await?;
        // This host has done it.
        self.reloader.state().asked_at = Some(at);
        Ok(reloaded)
    }

    /// Returns the hosts that serve, each with its configuration.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn hosts(&self) -> Result<Vec<HostReport>, AppError> {
        Ok(hosts(&self.store).await?)
    }
}
