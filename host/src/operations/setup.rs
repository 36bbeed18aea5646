//! The configuration that serves, together with the adapters that were loaded for it. A reload
//! replaces both as one.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tokio::sync::watch;

use super::releases;
use crate::{
    adapters::{AdapterSetupError, Adapters, PlatformError},
    config::Config,
    domain::{id::PlatformName, release::History},
    store::{Store, StoreError},
};

/// A configuration and its adapters. Whoever begins something with one setup ends it with the same.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The configuration.
    pub config: Arc<Config>,
    /// The adapters of its platforms.
    pub adapters: Arc<Adapters>,
}

/// The setup that serves now. Clones share it.
#[derive(Debug, Clone)]
pub struct LiveSetup(Arc<watch::Sender<Setup>>);

impl LiveSetup {
    /// Serves with a setup.
    pub fn new(setup: Setup) -> Self {
        Self(Arc::new(watch::Sender::new(setup)))
    }

    /// Returns the setup that serves now.
    pub fn current(&self) -> Setup {
        self.0.borrow().clone()
    }

    /// Serves with another setup from now on. What runs keeps the one that it began with.
    pub fn replace(&self, setup: Setup) {
        self.0.send_replace(setup);
    }
}

/// Why a configuration can't serve, although it is valid in itself.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The engine or the data directory can't be used.
    #[error(transparent)]
    Engine(AdapterSetupError),
    /// Adapters can't be used; one line each, with its place in the file.
    #[error("{}", .0.join("\n"))]
    Platforms(Vec<String>),
    /// Products don't fit their adapters; one line each, with its place in the file.
    #[error("{}", .0.join("\n"))]
    Products(Vec<String>),
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Setup {
    /// Loads the adapters that a configuration names. `compiler` is the program that compiles them.
    ///
    /// # Errors
    /// Every platform whose adapter can't be used or, if there is none, every product that does not
    /// fit its adapter.
    pub async fn load(config: Arc<Config>, compiler: PathBuf) -> Result<Self, SetupError> {
        let adapters = Adapters::start(config.adapters(compiler)).await.map_err(|error| placed(&config, error))?;
        let serving = |platform: &PlatformName| adapters.active_release(platform);
        let wrong = unfit(&config, &adapters, serving);
        if wrong.is_empty() { Ok(Self { config, adapters }) } else { Err(SetupError::Products(wrong)) }
    }

    /// Loads what another configuration names and this setup does not have. Changes nothing yet.
    ///
    /// # Errors
    /// As for [`Setup::load`], and when the database can't be read.
    pub async fn renewed(&self, config: Arc<Config>, store: &Store) -> Result<Self, SetupError> {
        let renewed = self.adapters.renewed(&config.platforms_in_time()).await;
        let adapters = renewed.map_err(|error| placed(&config, error))?;
        // What is to serve may be neither what serves nor what the configuration names.
        let mut next = BTreeMap::new();
        let mut wrong = Vec::new();
        for platform in adapters.platforms() {
            let history = store.activations(&platform).await?;
            let configured = adapters.configured_release(&platform).map(|release| release.digest);
            let serving = History(&history).serving().map(|serving| serving.digest.clone());
            let follows = configured.filter(|digest| History(&history).follows(digest));
            let Some(digest) = follows.or(serving) else { continue };
            match adapters.ready(&platform, &digest).await {
                Ok(_) => drop(next.insert(platform, digest)),
                Err(reason) => wrong.push(line(&config, &PlatformError { platform, reason: reason.into() })),
            }
        }
        if !wrong.is_empty() {
            return Err(SetupError::Platforms(wrong));
        }
        let wrong = unfit(&config, &adapters, |platform| next.get(platform).cloned());
        if wrong.is_empty() { Ok(Self { config, adapters }) } else { Err(SetupError::Products(wrong)) }
    }
}

/// Returns what is wrong with the products whose platforms have an adapter. Those of other platforms
/// are checked when one is activated.
fn unfit(config: &Config, adapters: &Adapters, serving: impl Fn(&PlatformName) -> Option<String>) -> Vec<String> {
    let served = config.products.iter().filter_map(|product| Some((product, serving(&product.platform)?)));
    served.flat_map(|(product, release)| releases::unfit(adapters, product, Some(&release))).collect()
}

/// Adds to each platform that can't be used its place in the file.
pub fn placed(config: &Config, error: AdapterSetupError) -> SetupError {
    match error {
        AdapterSetupError::Platforms(wrong) => {
            SetupError::Platforms(wrong.iter().map(|wrong| line(config, wrong)).collect())
        }
        error => SetupError::Engine(error),
    }
}

fn line(config: &Config, wrong: &PlatformError) -> String {
    match config.place_of_platform(&wrong.platform) {
        Some(place) => format!("{place}: {wrong}"),
        None => wrong.to_string(),
    }
}
