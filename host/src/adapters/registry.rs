//! The platforms of this host and the releases that serve them.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use reqwest::Url;
use serde_json::Value;

use super::{
    breaker::Breaker,
    cache::Loaded,
    config::{AdapterSetupError, AdaptersConfig, PlatformConfig, PlatformError, PlatformErrorReason},
    egress::{EgressSettings, PlatformEgress},
    limits::Limits,
    release::{Destination, InstallError, Library, LibraryError, Release},
    room::Occupied,
    settings::{self, SettingsMistake},
    shared::Shared,
};
use crate::domain::{
    capability::Capabilities,
    failure::{Failure, FailureKind},
    id::PlatformName,
    operation::FrozenPlatform,
    purpose::Purpose,
    step::Patience,
};

/// All adapters of this host.
pub struct Adapters {
    pub(super) library: Library,
    pub(super) platforms: BTreeMap<PlatformName, Arc<Platform>>,
    /// Other hosts that serve the same platforms.
    shared: OnceLock<Arc<dyn Shared>>,
}

/// A release as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseInfo {
    /// SHA-256 of the component.
    pub digest: String,
    /// The adapter's own version.
    pub version: String,
    /// Whether new calls go to it.
    pub active: bool,
    /// How its code was got.
    pub loaded: Loaded,
}

/// One platform.
pub(super) struct Platform {
    pub(super) name: PlatformName,
    pub(super) endpoint: String,
    pub(super) settings: Value,
    /// The settings as adapters are given them.
    pub(super) settings_text: String,
    pub(super) limits: Limits,
    pub(super) egress: Arc<PlatformEgress>,
    pub(super) breaker: Breaker,
    in_doubt_wait_ms: u32,
    processing_bound_ms: u32,
    releases: RwLock<Releases>,
    /// One at a time: two calls that miss the same release don't load it twice.
    loading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Releases {
    active: Option<Arc<Release>>,
    loaded: HashMap<String, Arc<Release>>,
}

impl std::fmt::Debug for Adapters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapters").field("platforms", &self.platforms.keys()).finish_non_exhaustive()
    }
}

impl Platform {
    fn new(config: &PlatformConfig) -> Result<Self, PlatformErrorReason> {
        let egress = PlatformEgress::new(&EgressSettings {
            name: &config.name,
            endpoint: &config.endpoint,
            endpoint_aliases: &config.endpoint_aliases,
            origins: &config.origins,
            allow_private: &config.allow_private,
            credentials: &config.credentials,
            read_requests: &config.read_requests,
            write_requests: &config.write_requests,
            rate_per_second: config.rate_per_second,
            max_concurrent_requests: config.max_concurrent_requests,
            connect_timeout: config.connect_timeout,
        })?;
        Ok(Self {
            name: config.name.clone(),
            endpoint: config.endpoint.clone(),
            settings: config.settings.clone(),
            settings_text: config.settings.to_string(),
            limits: config.limits.clone(),
            egress: Arc::new(egress),
            breaker: Breaker::default(),
            in_doubt_wait_ms: config.in_doubt_wait_ms,
            processing_bound_ms: config.processing_bound_ms,
            releases: RwLock::default(),
            loading: tokio::sync::Mutex::new(()),
        })
    }

    /// Where an operation began, unless it goes on at the address of the configuration: then it began at an alias of it.
    pub(super) fn began_at(&self, frozen: &FrozenPlatform) -> Option<Url> {
        Url::parse(&frozen.endpoint).ok().filter(|endpoint| self.egress.is_endpoint(endpoint))
    }

    fn destination(&self) -> Destination<'_> {
        Destination { egress: &self.egress, name: self.name.as_str(), limits: &self.limits }
    }

    pub(super) fn active(&self) -> Option<Arc<Release>> {
        self.releases.read().unwrap_or_else(PoisonError::into_inner).active.clone()
    }

    fn loaded(&self, digest: &str) -> Option<Arc<Release>> {
        self.releases.read().unwrap_or_else(PoisonError::into_inner).loaded.get(digest).cloned()
    }

    async fn load(
        &self,
        library: &Library,
        shared: Option<&Arc<dyn Shared>>,
        digest: &str,
        shown: &Path,
    ) -> Result<Arc<Release>, InstallError> {
        let _loading = self.loading.lock().await;
        if let Some(release) = self.loaded(digest) {
            return Ok(release);
        }
        if let Some(shared) = shared
            && !library.has(digest).await
            && let Some(bytes) = shared.component(digest).await
        {
            library.keep_bytes(digest, &bytes)?;
        }
        let release = Arc::new(library.load(digest, shown, &self.destination()).await?);
        let mut releases = self.releases.write().unwrap_or_else(PoisonError::into_inner);
        releases.loaded.insert(digest.to_owned(), Arc::clone(&release));
        Ok(release)
    }

    /// New calls go to this release from now on; those that began on another end there.
    fn activate(&self, release: Arc<Release>) {
        self.releases.write().unwrap_or_else(PoisonError::into_inner).active = Some(release);
        self.breaker.reset();
    }

    /// Refuses a release that does not take the configuration's settings, or asks for more than it grants. It may still end what began
    /// on it: with the settings of then, and with what is granted now.
    fn judge(&self, release: &Release, shown: &Path) -> Result<(), InstallError> {
        let wrong = settings::check(&release.capabilities.settings_schema, &self.settings);
        if !wrong.is_empty() {
            return Err(InstallError::Settings(wrong));
        }
        let missing: Vec<String> =
            self.egress.granted.missing(&release.declared).into_iter().map(str::to_owned).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(InstallError::NotGranted { path: shown.to_owned(), platform: self.name.clone(), missing })
    }
}

impl Adapters {
    /// Starts the engine and loads every platform's adapter.
    ///
    /// # Errors
    /// Everything that is wrong, platform by platform.
    pub async fn start(config: AdaptersConfig) -> Result<Arc<Self>, AdapterSetupError> {
        let library =
            Library::open(&config.data_dir, config.compiler, &config.engine).map_err(|error| match error {
                LibraryError::Engine(words) => AdapterSetupError::Engine(words),
                LibraryError::File(path, source) => AdapterSetupError::DataDir { path, source },
            })?;
        let mut platforms: BTreeMap<PlatformName, Arc<Platform>> = BTreeMap::new();
        let mut wrong = Vec::new();
        let mut to_load: Vec<(Arc<Platform>, PathBuf)> = Vec::new();
        for config in &config.platforms {
            let error = |reason| PlatformError { platform: config.name.clone(), reason };
            match Platform::new(config) {
                Ok(_) if platforms.contains_key(&config.name) => wrong.push(error(PlatformErrorReason::Twice)),
                Ok(platform) => {
                    let platform = Arc::new(platform);
                    to_load.push((Arc::clone(&platform), config.component.clone()));
                    platforms.insert(config.name.clone(), platform);
                }
                Err(reason) => wrong.push(error(reason)),
            }
        }
        let adapters = Self { library, platforms, shared: OnceLock::new() };
        let loads = to_load.iter().map(|(platform, component)| adapters.install_for(platform, component));
        for ((platform, _), loaded) in to_load.iter().zip(futures::future::join_all(loads).await) {
            match loaded {
                Ok(release) => platform.activate(release),
                Err(reason) => wrong.push(PlatformError { platform: platform.name.clone(), reason: reason.into() }),
            }
        }
        if wrong.is_empty() { Ok(Arc::new(adapters)) } else { Err(AdapterSetupError::Platforms(wrong)) }
    }

    async fn install_for(&self, platform: &Platform, component: &Path) -> Result<Arc<Release>, InstallError> {
        let digest = self.library.keep(component).await?;
        let release = platform.load(&self.library, self.shared.get(), &digest, component).await?;
        platform.judge(&release, component)?;
        tracing::info!(
            adapter = %platform.name,
            version = release.capabilities.adapter_version,
            release = release.digest,
            cached = release.loaded == Loaded::FromCache,
            "an adapter is ready"
        );
        Ok(release)
    }

    /// Takes in another release of a platform's adapter, without using it yet.
    ///
    /// # Errors
    /// Why it can't be used; `None`: there is no such platform.
    pub async fn install(
        &self,
        platform: &PlatformName,
        component: &Path,
    ) -> Result<ReleaseInfo, Option<InstallError>> {
        let platform = self.platforms.get(platform).ok_or(None)?;
        let release = self.install_for(platform, component).await?;
        Ok(info(&release, platform.active().as_deref()))
    }

    /// Sends new calls to a release that was installed, now or before a restart.
    ///
    /// # Errors
    /// Why it can't be used; `None`: there is no such platform.
    pub async fn activate(&self, platform: &PlatformName, digest: &str) -> Result<(), Option<InstallError>> {
        let platform = self.platforms.get(platform).ok_or(None)?;
        let release = platform.load(&self.library, self.shared.get(), digest, Path::new(digest)).await?;
        platform.judge(&release, Path::new(digest))?;
        platform.activate(release);
        Ok(())
    }

    /// From now on this host shares components, paces and breakers with the others.
    pub fn join(&self, shared: &Arc<dyn Shared>) {
        // Joined once, at the start.
        let _ = self.shared.set(shared.clone());
        for platform in self.platforms.values() {
            if let Some(key) = platform.egress.limit_key(shared.as_ref()) {
                platform.egress.pace.join(key, shared.clone());
            }
        }
    }

    /// What other hosts found: ad servers, by the key of their limits, that asked for a pause.
    pub fn pause(&self, key: &str, pause: Duration) {
        for platform in self.platforms.values() {
            platform.egress.pace.heed(key, pause);
        }
    }

    /// What other hosts found: a platform whose adapter keeps failing at this.
    pub fn leave_alone(&self, platform: &PlatformName, purpose: Purpose, time: Duration) {
        if let Some(platform) = self.platforms.get(platform) {
            platform.breaker.open_for(purpose, time);
        }
    }

    /// The bytes of a component that this host keeps.
    ///
    /// # Errors
    /// It can't be read.
    pub async fn component(&self, digest: &str) -> std::io::Result<Vec<u8>> {
        self.library.read(digest).await
    }

    /// Tells the other hosts that an adapter is left alone.
    pub(super) fn tell_broken(&self, platform: &Platform, purpose: Purpose, time: Option<Duration>) {
        if let (Some(shared), Some(time)) = (self.shared.get(), time) {
            shared.broken(&platform.name, purpose, time);
        }
    }

    /// The platforms by name.
    pub fn platforms(&self) -> Vec<PlatformName> {
        self.platforms.keys().cloned().collect()
    }

    /// What a platform's active adapter can do.
    pub fn capabilities(&self, platform: &PlatformName) -> Option<Arc<Capabilities>> {
        self.capabilities_of(platform, None)
    }

    /// What a release that is loaded can do; `None` for its digest: the active one.
    pub fn capabilities_of(&self, platform: &PlatformName, release: Option<&str>) -> Option<Arc<Capabilities>> {
        let platform = self.platforms.get(platform)?;
        let release = release.map_or_else(|| platform.active(), |digest| platform.loaded(digest))?;
        Some(Arc::clone(&release.capabilities))
    }

    /// The release to which new calls go.
    pub fn active_release(&self, platform: &PlatformName) -> Option<String> {
        Some(self.platforms.get(platform)?.active()?.digest.clone())
    }

    /// The releases that are loaded.
    pub fn releases(&self, platform: &PlatformName) -> Vec<ReleaseInfo> {
        let Some(platform) = self.platforms.get(platform) else { return Vec::new() };
        let releases = platform.releases.read().unwrap_or_else(PoisonError::into_inner);
        let active = releases.active.as_deref();
        let mut infos: Vec<ReleaseInfo> = releases.loaded.values().map(|release| info(release, active)).collect();
        infos.sort_by(|one, other| one.digest.cmp(&other.digest));
        infos
    }

    /// Whether a platform's adapter is left alone with something because it kept failing at it.
    pub fn is_broken(&self, platform: &PlatformName, purpose: Purpose) -> bool {
        self.platforms.get(platform).is_some_and(|platform| platform.breaker.is_open(purpose))
    }

    /// How many calls run and wait, and how many bytes they may use, by purpose and platform.
    pub fn occupied(&self) -> Vec<Occupied> {
        self.library.runtime.room.occupied()
    }

    /// How long a lookup may miss what was just made, in milliseconds.
    pub fn lookup_lag_ms(&self, platform: &PlatformName) -> u32 {
        let Some(platform) = self.platforms.get(platform) else { return 0 };
        let active = platform.active().map_or(0, |release| release.capabilities.lookup_lag_ms);
        platform.in_doubt_wait_ms.max(active)
    }

    /// How long to let pass after a step was begun before it is looked up, in milliseconds. The step was begun on `release`,
    /// which may no longer be the active one, and is loaded to ask it. If it can't be, nothing is looked up either.
    pub async fn in_doubt_wait_ms(&self, platform: &PlatformName, release: &str) -> u32 {
        let lag = self.lookup_lag_ms(platform);
        let Some(platform) = self.platforms.get(platform) else { return lag };
        let begun_on = self.release(platform, Some(release)).await;
        lag.max(begun_on.map_or(0, |release| release.capabilities.lookup_lag_ms))
    }

    /// How long a request that got no answer keeps a lookup that finds nothing from being believed, on a platform where an operation began
    /// on `release`.
    pub async fn patience(&self, platform: &PlatformName, release: &str) -> Patience {
        let processing_ms = self.platforms.get(platform).map_or(0, |platform| platform.processing_bound_ms);
        Patience { lag_ms: self.in_doubt_wait_ms(platform, release).await, processing_ms }
    }

    /// What is wrong with a product's settings on a platform.
    pub fn check_product_settings(&self, platform: &PlatformName, product: &Value) -> Vec<SettingsMistake> {
        match self.capabilities(platform) {
            Some(capabilities) => settings::check(&capabilities.product_settings_schema, product),
            None => {
                let message = format!("the platform {platform} is not configured");
                vec![SettingsMistake { at: String::new(), message }]
            }
        }
    }

    /// The release for a call: the active one, or the one that it names, loaded if need be.
    pub(super) async fn release(&self, platform: &Platform, digest: Option<&str>) -> Result<Arc<Release>, Failure> {
        let unavailable = |code: &str, message: String| Failure::new(FailureKind::Unavailable, code, message);
        let Some(digest) = digest else {
            return platform
                .active()
                .ok_or_else(|| unavailable("no_adapter", format!("the platform {} has no adapter", platform.name)));
        };
        if let Some(release) = platform.loaded(digest) {
            return Ok(release);
        }
        let valid = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let loaded = if valid {
            Some(platform.load(&self.library, self.shared.get(), digest, Path::new(digest)).await)
        } else {
            None
        };
        match loaded {
            Some(Ok(release)) => Ok(release),
            failed => {
                let error = failed.and_then(Result::err).map(|error| error.to_string()).unwrap_or_default();
                tracing::error!(adapter = %platform.name, release = digest, error, "a release can't be loaded");
                let message = format!(
                    "release {digest} of the adapter {} is needed to finish what began on it and can't be loaded; \
                     install it again",
                    platform.name
                );
                Err(unavailable("release_missing", message))
            }
        }
    }
}

fn info(release: &Release, active: Option<&Release>) -> ReleaseInfo {
    ReleaseInfo {
        digest: release.digest.clone(),
        version: release.capabilities.adapter_version.clone(),
        active: active.is_some_and(|active| active.digest == release.digest),
        loaded: release.loaded,
    }
}
