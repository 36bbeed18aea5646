//! Loads the adapters of a configuration: at the start, and again for another one.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::sync::mpsc;

use super::{Adapters, Platform, Reports};
use crate::{
    adapters::{
        cache::Loaded,
        config::{AdapterSetupError, AdaptersConfig, PlatformConfig, PlatformError, PlatformErrorReason},
        recording::Kept,
        release::{InstallError, Library, LibraryError, Release},
    },
    domain::id::PlatformName,
};

/// How many reports of unhealthy releases wait to be acted on: one of each platform is enough.
const REPORTS: usize = 64;

impl Adapters {
    /// Starts the engine and loads every platform's adapter.
    ///
    /// # Errors
    /// When anything is wrong; every problem is listed, platform by platform.
    pub async fn start(config: AdaptersConfig) -> Result<Arc<Self>, AdapterSetupError> {
        let library =
            Library::open(&config.data_dir, config.compiler, &config.engine).map_err(|error| match error {
                LibraryError::Engine(words) => AdapterSetupError::Engine(words),
                LibraryError::File(path, source) => AdapterSetupError::DataDir { path, source },
            })?;
        let (sender, receiver) = mpsc::channel(REPORTS);
        let none = Self {
            library: Arc::new(library),
            platforms: BTreeMap::new(),
            configured: BTreeMap::new(),
            shared: Arc::default(),
            reports: Arc::new(Reports { sender, receiver: Mutex::new(Some(receiver)) }),
            recordings: Kept::within(&config.data_dir),
        };
        none.renewed(&config.platforms).await
    }

    /// Returns the adapters for other platforms. Platforms whose configuration is the same are kept,
    /// with what serves them; the adapters of the others are loaded. Changes nothing in these
    /// adapters.
    ///
    /// # Errors
    /// When anything is wrong; every problem is listed, platform by platform.
    pub async fn renewed(&self, configs: &[PlatformConfig]) -> Result<Arc<Self>, AdapterSetupError> {
        let mut platforms: BTreeMap<PlatformName, Arc<Platform>> = BTreeMap::new();
        let mut wrong = Vec::new();
        for config in configs {
            let error = |reason| PlatformError { platform: config.name.clone(), reason };
            let kept = self.platforms.get(&config.name).filter(|known| known.is_for(config));
            let platform = match kept {
                Some(kept) => Ok(Arc::clone(kept)),
                None => Platform::new(config, self.reports.sender.clone()).map(Arc::new),
            };
            match platform {
                Ok(_) if platforms.contains_key(&config.name) => wrong.push(error(PlatformErrorReason::Twice)),
                Ok(platform) => drop(platforms.insert(config.name.clone(), platform)),
                Err(reason) => wrong.push(error(reason)),
            }
        }
        let loads = configs.iter().filter_map(|config| {
            let (platform, component) = (platforms.get(&config.name)?, config.component.as_ref()?);
            Some(async { (Arc::clone(platform), self.install_for(platform, component).await) })
        });
        let mut configured = BTreeMap::new();
        for (platform, loaded) in futures::future::join_all(loads).await {
            let name = platform.name.clone();
            match loaded {
                Ok(release) => drop(configured.insert(name, release)),
                Err(reason) => wrong.push(PlatformError { platform: name, reason: reason.into() }),
            }
        }
        if !wrong.is_empty() {
            return Err(AdapterSetupError::Platforms(wrong));
        }
        for (name, platform) in &platforms {
            // Others may be using a platform that is kept.
            if self.platforms.get(name).is_some_and(|known| Arc::ptr_eq(known, platform)) {
                continue;
            }
            if let Some(shared) = self.shared.get() {
                platform.join(shared);
            }
            if let Some(release) = configured.get(name) {
                platform.activate(Arc::clone(release), false);
            }
        }
        let (library, shared, reports) = (self.library.clone(), self.shared.clone(), self.reports.clone());
        let recordings = self.recordings.clone();
        Ok(Arc::new(Self { library, platforms, configured, shared, reports, recordings }))
    }

    pub(super) async fn install_for(
        &self,
        platform: &Platform,
        component: &Path,
    ) -> Result<Arc<Release>, InstallError> {
        let digest = self.library.keep(component).await?;
        let release = platform.load(&self.library, self.shared.get(), &digest, component).await?;
        platform.judge(&self.library, &release, component).await?;
        tracing::info!(
            adapter = %platform.name,
            version = release.capabilities.adapter_version,
            release = release.digest,
            cached = release.loaded == Loaded::FromCache,
            "an adapter is ready"
        );
        Ok(release)
    }
}
