//! One platform at run time: its configuration and its loaded releases.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    adapters::{
        breaker::Breaker,
        call_cache::CallCache,
        config::{PlatformConfig, PlatformErrorReason},
        egress::PlatformEgress,
        limits::Limits,
        probation::{Probation, Unhealthy},
        release::{Destination, InstallError, Library, Release},
        settings,
        shared::Shared,
        signature::PublicKey,
    },
    domain::{
        account::Reading,
        failure::{Failure, FailureKind},
        id::PlatformName,
        operation::FrozenPlatform,
        release::Canary,
    },
    network::base_url::BaseUrl,
};

/// One platform.
pub(in crate::adapters) struct Platform {
    pub(in crate::adapters) name: PlatformName,
    pub(in crate::adapters) endpoint: BaseUrl,
    pub(in crate::adapters) settings: Value,
    /// The settings in the form that adapters receive.
    pub(in crate::adapters) settings_text: String,
    pub(in crate::adapters) limits: Limits,
    pub(in crate::adapters) egress: Arc<PlatformEgress>,
    pub(in crate::adapters) breaker: Breaker,
    /// What its releases keep between calls.
    pub(in crate::adapters) cache: Arc<CallCache>,
    /// What was last read of the account.
    pub(in crate::adapters) account: RwLock<Option<Arc<Reading>>>,
    trusted_keys: Vec<PublicKey>,
    /// What it was made from, without the component.
    config: PlatformConfig,
    pub(super) in_doubt_wait_ms: u32,
    pub(super) processing_bound_ms: u32,
    pub(super) releases: RwLock<Releases>,
    pub(in crate::adapters) probation: Probation,
    /// Serializes loading, so that two calls that miss the same release don't load it twice.
    loading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
pub(super) struct Releases {
    pub(super) active: Option<Arc<Release>>,
    /// The release that gets a share of the calls, and which.
    pub(super) canary: Option<(Arc<Release>, Canary)>,
    pub(super) loaded: HashMap<String, Arc<Release>>,
    /// Releases that a host rolled back from because they were unhealthy.
    pub(super) unhealthy: BTreeSet<String>,
}

impl Platform {
    pub(super) fn new(config: &PlatformConfig, reports: mpsc::Sender<Unhealthy>) -> Result<Self, PlatformErrorReason> {
        let egress = PlatformEgress::new(config)?;
        Ok(Self {
            name: config.name.clone(),
            endpoint: config.endpoint.clone(),
            settings: config.settings.clone(),
            settings_text: config.settings.to_string(),
            limits: config.limits.clone(),
            egress: Arc::new(egress),
            breaker: Breaker::default(),
            cache: Arc::default(),
            account: RwLock::default(),
            trusted_keys: config.trusted_keys.clone(),
            config: PlatformConfig { component: None, ..config.clone() },
            in_doubt_wait_ms: config.in_doubt_wait_ms,
            processing_bound_ms: config.processing_bound_ms,
            releases: RwLock::default(),
            probation: Probation::new(reports),
            loading: tokio::sync::Mutex::new(()),
        })
    }

    /// Whether the platform is what this configuration makes, whichever component it names.
    pub(super) fn is_for(&self, config: &PlatformConfig) -> bool {
        self.config == PlatformConfig { component: None, ..config.clone() }
    }

    /// What it was made from, without the component.
    pub(in crate::adapters) fn config(&self) -> &PlatformConfig {
        &self.config
    }

    /// Whether its failed calls are kept.
    pub(in crate::adapters) fn records_failures(&self) -> bool {
        self.config.record_failures
    }

    /// Shares the pace of its requests with the other hosts from now on.
    pub(super) fn join(&self, shared: &Arc<dyn Shared>) {
        if let Some(key) = self.egress.limit_key(shared.as_ref()) {
            self.egress.pace.join(key, shared.clone());
        }
    }

    /// Returns the endpoint where an operation began, if it has the configured endpoint's origin.
    /// `None` means that the operation began at an alias and continues at the configured endpoint.
    pub(in crate::adapters) fn began_at(&self, frozen: &FrozenPlatform) -> Option<BaseUrl> {
        frozen.endpoint.parse().ok().filter(|began: &BaseUrl| self.egress.is_endpoint(began.url()))
    }

    pub(super) fn destination(&self) -> Destination<'_> {
        Destination { egress: &self.egress, name: &self.name, trusted_keys: &self.trusted_keys, limits: &self.limits }
    }

    pub(in crate::adapters) fn active(&self) -> Option<Arc<Release>> {
        self.releases.read().unwrap_or_else(PoisonError::into_inner).active.clone()
    }

    /// Returns the release that makes a call again at which `release` failed by its own fault while it
    /// served: the one before it, if it is on probation, or the one that serves meanwhile.
    pub(in crate::adapters) fn fallback(&self, release: &Release, failure: &Failure) -> Option<Arc<Release>> {
        if failure.kind != FailureKind::Fault {
            return None;
        }
        let before = self.probation.fallback(&release.digest);
        before.or_else(|| self.active().filter(|active| active.digest != release.digest))
    }

    pub(super) fn loaded(&self, digest: &str) -> Option<Arc<Release>> {
        self.releases.read().unwrap_or_else(PoisonError::into_inner).loaded.get(digest).cloned()
    }

    pub(super) async fn load(
        &self,
        library: &Library,
        shared: Option<&Arc<dyn Shared>>,
        digest: &str,
        shown: &Path,
    ) -> Result<Arc<Release>, InstallError> {
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InstallError::NoDigest(digest.to_owned()));
        }
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

    /// Returns the release on trial, if the media buy is in its share.
    pub(in crate::adapters) fn canary_for(&self, buy: &str) -> Option<Arc<Release>> {
        let releases = self.releases.read().unwrap_or_else(PoisonError::into_inner);
        releases.canary.as_ref().filter(|(_, canary)| canary.has(buy)).map(|(release, _)| Arc::clone(release))
    }

    /// Gives a release its share of the calls. It is on probation.
    pub(super) fn begin_trial(&self, release: Arc<Release>, canary: Canary) {
        let serving = {
            let mut releases = self.releases.write().unwrap_or_else(PoisonError::into_inner);
            let begins = releases.canary.as_ref().is_none_or(|(known, _)| known.digest != release.digest);
            releases.canary = Some((Arc::clone(&release), canary));
            releases.active.clone().filter(|_| begins)
        };
        if let Some(serving) = serving {
            self.probation.begin_trial(&release.digest, serving);
        }
    }

    /// Ends the trial of a release, if there is one. Operations that began on it end there.
    pub(super) fn end_trial(&self) {
        let ended = self.releases.write().unwrap_or_else(PoisonError::into_inner).canary.take();
        if ended.is_some() {
            self.probation.end();
        }
    }

    /// Directs new calls to this release, and ends the trial of another one. Operations that began on
    /// another release end there. With `probation`, the release is on probation if it takes over from
    /// another one.
    pub(super) fn activate(&self, release: Arc<Release>, probation: bool) {
        let digest = release.digest.clone();
        let before = {
            let mut releases = self.releases.write().unwrap_or_else(PoisonError::into_inner);
            releases.canary = None;
            releases.active.replace(release).filter(|before| before.digest != digest)
        };
        match before.filter(|_| probation) {
            Some(before) => self.probation.begin(&digest, before),
            None => self.probation.end(),
        }
        self.breaker.reset();
    }

    /// Refuses a release that does not accept the configured settings, asks for more than the
    /// configuration grants, or can't be relied on. It may still finish operations that began on
    /// it, with the settings frozen then and today's grants.
    pub(super) async fn judge(&self, library: &Library, release: &Release, shown: &Path) -> Result<(), InstallError> {
        let wrong = settings::check(&release.capabilities.settings_schema, &self.settings);
        if !wrong.is_empty() {
            return Err(InstallError::Settings(wrong));
        }
        let missing: Vec<String> =
            self.egress.granted.missing(&release.declared).into_iter().map(str::to_owned).collect();
        if !missing.is_empty() {
            return Err(InstallError::NotGranted { path: shown.to_owned(), platform: self.name.clone(), missing });
        }
        library.examine(release, &self.settings, shown, &self.destination()).await
    }
}
