//! The platforms of this host and the releases that serve them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    admission::SlotUsage,
    cache::Loaded,
    probation::Unhealthy,
    recording::Kept,
    release::{InstallError, Library, Release},
    settings::{self, SettingsMistake},
    shared::Shared,
    usage::Usage,
};
use crate::domain::{
    capability::Capabilities,
    failure::{Failure, FailureKind},
    id::PlatformName,
    purpose::Purpose,
    release::Canary,
    step::Patience,
};

mod loading;
mod platform;

pub(super) use platform::Platform;

/// All adapters of this host, for one configuration. Those of another configuration share the engine,
/// the releases and what is known of the platforms that both have.
pub struct Adapters {
    pub(super) library: Arc<Library>,
    pub(super) platforms: BTreeMap<PlatformName, Arc<Platform>>,
    /// The releases that the configuration names.
    configured: BTreeMap<PlatformName, Arc<Release>>,
    /// Access to the other hosts that serve the same platforms.
    shared: Arc<OnceLock<Arc<dyn Shared>>>,
    reports: Arc<Reports>,
    /// The failed calls that this host keeps.
    pub(super) recordings: Kept,
}

/// Reports of unhealthy releases; received by the one who acts on them.
struct Reports {
    sender: mpsc::Sender<Unhealthy>,
    receiver: Mutex<Option<mpsc::Receiver<Unhealthy>>>,
}

/// Information about a loaded release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseInfo {
    /// SHA-256 of the component.
    pub digest: String,
    /// The adapter's own version.
    pub version: String,
    /// Whether new calls use this release.
    pub active: bool,
    /// How its native code was obtained.
    pub loaded: Loaded,
}

impl std::fmt::Debug for Adapters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapters").field("platforms", &self.platforms.keys()).finish_non_exhaustive()
    }
}

impl Adapters {
    /// Returns the release that the configuration names for a platform.
    pub fn configured_release(&self, platform: &PlatformName) -> Option<ReleaseInfo> {
        let active = self.platforms.get(platform)?.active();
        self.configured.get(platform).map(|release| info(release, active.as_deref()))
    }

    /// Installs another release of a platform's adapter without activating it.
    ///
    /// # Errors
    /// [`InstallError`] when the component can't be used or the platform is not configured.
    pub async fn install(&self, platform: &PlatformName, component: &Path) -> Result<ReleaseInfo, InstallError> {
        let platform = self.configured(platform)?;
        let release = self.install_for(platform, component).await?;
        Ok(info(&release, platform.active().as_deref()))
    }

    /// Like [`Adapters::install`], from the bytes of a component.
    ///
    /// # Errors
    /// As [`Adapters::install`].
    pub async fn install_bytes(&self, platform: &PlatformName, bytes: &[u8]) -> Result<ReleaseInfo, InstallError> {
        self.configured(platform)?;
        let digest = self.library.keep_checked(bytes).await?;
        self.ready(platform, &digest).await
    }

    /// Loads a release and checks that it may serve a platform, without activating it.
    ///
    /// # Errors
    /// [`InstallError`] when the release can't be used or the platform is not configured.
    pub async fn ready(&self, platform: &PlatformName, digest: &str) -> Result<ReleaseInfo, InstallError> {
        let platform = self.configured(platform)?;
        let release = platform.load(&self.library, self.shared.get(), digest, Path::new(digest)).await?;
        platform.judge(&self.library, &release, Path::new(digest)).await?;
        Ok(info(&release, platform.active().as_deref()))
    }

    /// Directs new calls to an installed release, whether this process installed it or an earlier
    /// one. With `probation`, the release that served so far takes over what this one fails at, for
    /// a while.
    ///
    /// # Errors
    /// [`InstallError`] when the release can't be used or the platform is not configured.
    pub async fn activate(&self, platform: &PlatformName, digest: &str, probation: bool) -> Result<(), InstallError> {
        let platform = self.configured(platform)?;
        let release = platform.load(&self.library, self.shared.get(), digest, Path::new(digest)).await?;
        platform.judge(&self.library, &release, Path::new(digest)).await?;
        platform.activate(release, probation);
        Ok(())
    }

    /// Gives an installed release a share of the calls, beside the one that serves.
    ///
    /// # Errors
    /// As [`Adapters::activate`].
    pub async fn begin_trial(&self, platform: &PlatformName, digest: &str, canary: Canary) -> Result<(), InstallError> {
        let platform = self.configured(platform)?;
        let release = platform.load(&self.library, self.shared.get(), digest, Path::new(digest)).await?;
        platform.judge(&self.library, &release, Path::new(digest)).await?;
        platform.begin_trial(release, canary);
        Ok(())
    }

    /// Ends the trial of a release, if there is one.
    pub fn end_trial(&self, platform: &PlatformName) {
        if let Some(platform) = self.platforms.get(platform) {
            platform.end_trial();
        }
    }

    /// Returns the release on trial and its share.
    pub fn trial(&self, platform: &PlatformName) -> Option<(String, Canary)> {
        let platform = self.platforms.get(platform)?;
        let releases = platform.releases.read().unwrap_or_else(PoisonError::into_inner);
        releases.canary.as_ref().map(|(release, canary)| (release.digest.clone(), *canary))
    }

    /// Whether a release on trial has had enough calls on this host and is healthy.
    pub fn has_done_well(&self, platform: &PlatformName, digest: &str) -> bool {
        self.platforms.get(platform).is_some_and(|platform| platform.probation.has_done_well(digest))
    }

    /// Returns the folder of the failed calls that this host keeps.
    pub fn recordings(&self) -> Kept {
        self.recordings.clone()
    }

    /// Returns the reports of unhealthy releases. Only the first caller gets them.
    pub fn take_reports(&self) -> Option<mpsc::Receiver<Unhealthy>> {
        self.reports.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Replaces the list of releases that a host rolled back from because they were unhealthy.
    pub fn know_unhealthy(&self, unhealthy: &[(PlatformName, String)]) {
        for (name, platform) in &self.platforms {
            let mine = unhealthy.iter().filter(|(platform, _)| platform == name).map(|(_, digest)| digest.clone());
            let mine: BTreeSet<String> = mine.collect();
            let known = &mut platform.releases.write().unwrap_or_else(PoisonError::into_inner).unhealthy;
            if *known != mine {
                *known = mine;
            }
        }
    }

    /// Returns the release that continues an operation that began on `digest`: the same one, or the
    /// one that serves if a host rolled back from it because it was unhealthy.
    pub fn successor(&self, platform: &PlatformName, digest: &str) -> Option<String> {
        let platform = self.platforms.get(platform)?;
        let releases = platform.releases.read().unwrap_or_else(PoisonError::into_inner);
        let serving = releases.active.as_ref().filter(|active| active.digest != digest)?;
        releases.unhealthy.contains(digest).then(|| serving.digest.clone())
    }

    fn configured(&self, platform: &PlatformName) -> Result<&Platform, InstallError> {
        let found = self.platforms.get(platform).map(|platform| &**platform);
        found.ok_or_else(|| InstallError::NoSuchPlatform(platform.clone()))
    }

    /// Makes this host share components, paces and breakers with the other hosts from now on.
    pub fn join(&self, shared: &Arc<dyn Shared>) {
        // Called once, at the start.
        let _ = self.shared.set(shared.clone());
        for platform in self.platforms.values() {
            platform.join(shared);
        }
    }

    /// Applies a pause that an ad server asked another host for. `key` is the key of its limits.
    pub fn pause(&self, key: &str, pause: Duration) {
        for platform in self.platforms.values() {
            platform.egress.pace.heed(key, pause);
        }
    }

    /// Opens a platform's breaker for this purpose, because another host's breaker opened.
    pub fn leave_alone(&self, platform: &PlatformName, purpose: Purpose, time: Duration) {
        if let Some(platform) = self.platforms.get(platform) {
            platform.breaker.open_for(purpose, time);
        }
    }

    /// Reads the bytes of a component that this host keeps.
    ///
    /// # Errors
    /// When the file can't be read, or is not the component of this digest.
    pub async fn component(&self, digest: &str) -> Result<Vec<u8>, InstallError> {
        self.library.read(digest).await
    }

    /// Announces to the other hosts that a breaker opened.
    pub(super) fn announce_open_breaker(&self, platform: &Platform, purpose: Purpose, time: Option<Duration>) {
        if let (Some(shared), Some(time)) = (self.shared.get(), time) {
            shared.broken(&platform.name, purpose, time);
        }
    }

    /// Whether the configuration has a platform.
    pub fn has(&self, platform: &PlatformName) -> bool {
        self.platforms.contains_key(platform)
    }

    /// Returns the platforms' names.
    pub fn platforms(&self) -> Vec<PlatformName> {
        self.platforms.keys().cloned().collect()
    }

    /// Returns the capabilities of a platform's active adapter.
    pub fn capabilities(&self, platform: &PlatformName) -> Option<Arc<Capabilities>> {
        self.capabilities_of(platform, None)
    }

    /// Returns the capabilities of a loaded release, or of the active one if `release` is `None`.
    pub fn capabilities_of(&self, platform: &PlatformName, release: Option<&str>) -> Option<Arc<Capabilities>> {
        let platform = self.platforms.get(platform)?;
        let release = release.map_or_else(|| platform.active(), |digest| platform.loaded(digest))?;
        Some(Arc::clone(&release.capabilities))
    }

    /// Returns the digest of the release that new calls use.
    pub fn active_release(&self, platform: &PlatformName) -> Option<String> {
        Some(self.platforms.get(platform)?.active()?.digest.clone())
    }

    /// Returns the loaded releases of a platform.
    pub fn releases(&self, platform: &PlatformName) -> Vec<ReleaseInfo> {
        let Some(platform) = self.platforms.get(platform) else { return Vec::new() };
        let releases = platform.releases.read().unwrap_or_else(PoisonError::into_inner);
        let active = releases.active.as_deref();
        let mut infos: Vec<ReleaseInfo> = releases.loaded.values().map(|release| info(release, active)).collect();
        infos.sort_by(|one, other| one.digest.cmp(&other.digest));
        infos
    }

    /// Returns whether the breaker of a platform's adapter is open for this purpose.
    pub fn is_broken(&self, platform: &PlatformName, purpose: Purpose) -> bool {
        self.platforms.get(platform).is_some_and(|platform| platform.breaker.is_open(purpose))
    }

    /// Returns how many calls run and wait, and how many bytes they may use, by purpose and
    /// platform.
    pub fn slot_usage(&self) -> Vec<SlotUsage> {
        self.library.runtime.admission.slot_usage()
    }

    /// Returns the most that any call has used so far.
    pub fn peak_usage(&self) -> Usage {
        self.library.runtime.peak.most()
    }

    /// Returns for how many milliseconds a lookup may miss a newly made object.
    pub fn lookup_lag_ms(&self, platform: &PlatformName) -> u32 {
        let Some(platform) = self.platforms.get(platform) else { return 0 };
        let active = platform.active().map_or(0, |release| release.capabilities.lookup_lag_ms);
        platform.in_doubt_wait_ms.max(active)
    }

    /// Returns how many milliseconds to wait after a step's beginning before it is looked up. The
    /// step began on `release`, which may no longer be active; it is loaded to read its lookup lag.
    /// If it can't be loaded, no lookup takes place either.
    pub async fn in_doubt_wait_ms(&self, platform: &PlatformName, release: &str) -> u32 {
        let lag = self.lookup_lag_ms(platform);
        let Some(platform) = self.platforms.get(platform) else { return lag };
        let begun_on = self.release(platform, Some(release)).await;
        lag.max(begun_on.map_or(0, |release| release.capabilities.lookup_lag_ms))
    }

    /// Returns how long an unanswered request keeps a lookup that finds nothing from being
    /// believed, on a platform where an operation began on `release`.
    pub async fn patience(&self, platform: &PlatformName, release: &str) -> Patience {
        let processing_ms = self.platforms.get(platform).map_or(0, |platform| platform.processing_bound_ms);
        Patience { lag_ms: self.in_doubt_wait_ms(platform, release).await, processing_ms }
    }

    /// Checks a product's settings for a platform's active release, or for a loaded one.
    pub fn check_product_settings(
        &self,
        platform: &PlatformName,
        release: Option<&str>,
        product: &Value,
    ) -> Vec<SettingsMistake> {
        match self.capabilities_of(platform, release) {
            Some(capabilities) => settings::check(&capabilities.product_settings_schema, product),
            None => {
                let message = match self.platforms.contains_key(platform) {
                    true => format!("the platform {platform} has no adapter yet"),
                    false => format!("the platform {platform} is not configured"),
                };
                vec![SettingsMistake { at: String::new(), message }]
            }
        }
    }

    /// Returns the release for a call: the active one, or the one named by `digest`, loaded if
    /// necessary.
    pub(super) async fn release(&self, platform: &Platform, digest: Option<&str>) -> Result<Arc<Release>, Failure> {
        let unavailable = |code: &str, message: String| Failure::new(FailureKind::Unavailable, code, message);
        let Some(digest) = digest else {
            return platform.active().ok_or_else(|| {
                unavailable(
                    "no_adapter",
                    format!(
                        "the platform {} has no adapter yet; an operator installs and activates one",
                        platform.name
                    ),
                )
            });
        };
        if let Some(release) = platform.loaded(digest) {
            return Ok(release);
        }
        platform.load(&self.library, self.shared.get(), digest, Path::new(digest)).await.map_err(|error| {
            tracing::error!(adapter = %platform.name, release = digest, %error, "a release can't be loaded");
            if let InstallError::NotTrusted { .. } = error {
                let message = format!(
                    "release {digest} of the adapter {} is needed to finish what began on it, and no key in `trusted_keys` \
                     signed it; trust its key until that has ended",
                    platform.name
                );
                return unavailable("release_not_trusted", message);
            }
            let message = format!(
                "release {digest} of the adapter {} is needed to finish what began on it and can't be loaded; install \
                 it again",
                platform.name
            );
            unavailable("release_missing", message)
        })
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
