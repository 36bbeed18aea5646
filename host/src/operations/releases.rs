//! Which release of an adapter serves each platform: installing, activating, rolling back and
//! removing releases, and following what is decided elsewhere.
//!
//! The database says which release serves, for every host on it. What a person or the host itself
//! decides is recorded there first; each host follows within a second. An operation ends on the
//! release that it began on, whose bytes are in the database, unless the host rolled back from that
//! release because it was unhealthy.

use std::{sync::Arc, time::Duration};

use crate::{
    adapters::{Adapters, InstallError},
    config::{Config, Product},
    domain::{
        capability::{Capabilities, difference::Difference},
        id::PlatformName,
        release::{Activation, ActivationKind, Canary, History, Release},
    },
    operations::now,
    store::{Store, StoreError},
};

pub mod folder;
pub mod follow;
mod recording;

use recording::{activate, line, record};

/// The fewest digits of a digest that name a release.
const FEWEST_DIGITS: usize = 6;

/// How long a release is on trial, if nobody says otherwise.
pub const DEFAULT_TRIAL: Duration = Duration::from_secs(1_800);

/// Why a release can't be installed, activated or removed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The platform is not configured.
    #[error("there is no platform {0}; configured: {1}")]
    NoSuchPlatform(PlatformName, String),
    /// The component can't be used.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// No installed release has this digest.
    #[error("no release {1} is installed for {0}; see `flightdeck adapter list {0}`")]
    NoSuchRelease(PlatformName, String),
    /// Several installed releases begin like this.
    #[error("several releases of {0} begin with {1}: give more digits")]
    Ambiguous(PlatformName, String),
    /// Products of the catalogue don't fit the release.
    #[error("the release does not fit these products; change them first:\n{}", .0.join("\n"))]
    Products(Vec<String>),
    /// The release can do less than the one that serves.
    #[error(
        "the release can do less than the one that serves; buyers were offered: {}. Activate it with `accept_losses` if that is wanted",
        .0.join(", ")
    )]
    Loses(Vec<String>),
    /// There is nothing to roll back to.
    #[error("no release served {0} before the one that serves now; activate another one by its digest")]
    NothingBefore(PlatformName),
    /// The release serves already.
    #[error("the release {1} serves {0} already")]
    Serves(PlatformName, String),
    /// The release is still needed.
    #[error("the release is needed by operation {0}, which began on it; remove it when that has ended")]
    Needed(String),
    /// No release serves that another one could be tried beside.
    #[error("no release serves {0} yet, so none can get a share of its calls; activate one without a canary")]
    NothingServes(PlatformName),
    /// Somebody else has decided since.
    #[error("which release serves {0} was decided anew meanwhile (activation {1}): look at it and decide again")]
    Stale(PlatformName, i64),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A release as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseView {
    /// The release.
    pub release: Release,
    /// Whether it serves the platform.
    pub serving: bool,
    /// Whether a rollback would activate it.
    pub rollback: bool,
    /// The share of the calls that it gets on trial.
    pub canary: Option<Canary>,
}

/// A release with what it can do.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The release.
    pub view: ReleaseView,
    /// What it says of itself.
    pub capabilities: Arc<Capabilities>,
    /// What it changes against the release that serves.
    pub difference: Difference,
}

/// A release that was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The release.
    pub release: Release,
    /// Whether the platform did not have it before.
    pub is_new: bool,
    /// What it changes against the release that serves.
    pub difference: Difference,
}

/// What an activation is given besides the release.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The number of the activation that it was decided on; `None`: whichever holds.
    pub expected: Option<i64>,
    /// Whether it may do less than the release that serves.
    pub accept_losses: bool,
    /// The share of the calls that the release gets, instead of all of them.
    pub trial: Option<Trial>,
}

/// How a release is tried beside the one that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// The share of media buys that it gets, 1 to 99 per cent.
    pub percent: u8,
    /// After which time it takes over, if it has done well.
    pub lasts: Duration,
}

/// Manages the releases of a host's platforms, in the name of an actor.
#[derive(Debug, Clone, Copy)]
pub struct Releases<'a> {
    /// The host's database.
    pub store: &'a Store,
    /// The adapters of the ad servers.
    pub adapters: &'a Arc<Adapters>,
    /// The host's configuration.
    pub config: &'a Config,
    /// Who acts: the name of a token, `command line`, `flightdeck`, or a folder.
    pub actor: &'a str,
}

impl Releases<'_> {
    /// Installs a component for a platform: stores, compiles and checks it. It does not serve yet.
    /// Idempotent. `origin` is the reference that it was pulled by, for the audit log.
    ///
    /// # Errors
    /// When the component can't be used on the platform.
    pub async fn install(
        &self,
        platform: &PlatformName,
        bytes: &[u8],
        origin: Option<&str>,
    ) -> Result<Installed, ReleaseError> {
        self.known(platform)?;
        let info = self.adapters.install_bytes(platform, bytes).await?;
        let is_new = record(self.store, platform, &info, async || Ok(bytes.to_vec()), self.actor, origin).await?;
        let release = self.find(platform, &info.digest).await?;
        Ok(Installed { difference: self.difference(platform, &info.digest), release, is_new })
    }

    /// Makes an installed release serve its platform.
    ///
    /// # Errors
    /// When it is not installed, can't be used, can do less without that being accepted, or somebody
    /// else has decided since.
    pub async fn activate(
        &self,
        platform: &PlatformName,
        named: &str,
        decision: &Decision,
    ) -> Result<Activation, ReleaseError> {
        self.known(platform)?;
        let release = self.find(platform, named).await?;
        self.adapters.ready(platform, &release.digest).await?;
        let wrong = self.unfit_products(platform, &release.digest);
        if !wrong.is_empty() {
            return Err(ReleaseError::Products(wrong));
        }
        let lost = self.difference(platform, &release.digest).lost;
        if !lost.is_empty() && !decision.accept_losses {
            return Err(ReleaseError::Loses(lost));
        }
        self.decide(platform, &release.digest, ActivationKind::Activate, decision).await
    }

    /// Makes the release serve again that served before the one that serves now.
    ///
    /// # Errors
    /// When there is none, or as for [`Releases::activate`].
    pub async fn rollback(&self, platform: &PlatformName, decision: &Decision) -> Result<Activation, ReleaseError> {
        self.known(platform)?;
        let history = self.store.activations(platform).await?;
        let before = History(&history).before().ok_or_else(|| ReleaseError::NothingBefore(platform.clone()))?;
        self.adapters.ready(platform, before).await?;
        self.decide(platform, before, ActivationKind::Rollback, decision).await
    }

    /// Removes an installed release.
    ///
    /// # Errors
    /// When it serves, or an operation may still need it.
    pub async fn remove(
        &self,
        platform: &PlatformName,
        named: &str,
        reason: Option<String>,
    ) -> Result<Release, ReleaseError> {
        let release = self.find(platform, named).await?;
        let history = self.store.activations(platform).await?;
        let held = [History(&history).serving(), History(&history).canary()];
        if held.into_iter().flatten().any(|activation| activation.digest == release.digest) {
            return Err(ReleaseError::Serves(platform.clone(), release.digest));
        }
        if let Some(operation) = self.store.needs_release(&release.digest).await? {
            return Err(ReleaseError::Needed(operation));
        }
        let line = line(self.actor, "release.removed", platform, &release.digest, reason);
        self.store.remove_release(&release, line).await?;
        Ok(release)
    }

    /// Returns the installed releases of a platform, oldest first.
    ///
    /// # Errors
    /// When the platform is not configured.
    pub async fn list(&self, platform: &PlatformName) -> Result<Vec<ReleaseView>, ReleaseError> {
        self.known(platform)?;
        let history = self.store.activations(platform).await?;
        let (serving, before) = (History(&history).serving(), History(&history).before());
        let tried = History(&history).canary();
        let view = |release: Release| ReleaseView {
            serving: serving.is_some_and(|serving| serving.digest == release.digest),
            rollback: before == Some(release.digest.as_str()),
            canary: tried.filter(|tried| tried.digest == release.digest).and_then(|tried| tried.canary),
            release,
        };
        Ok(self.store.releases(platform).await?.into_iter().map(view).collect())
    }

    /// Returns an installed release, what it can do, and what it changes against the one that serves.
    ///
    /// # Errors
    /// When it is not installed or can't be used.
    pub async fn show(&self, platform: &PlatformName, named: &str) -> Result<Shown, ReleaseError> {
        let digest = self.find(platform, named).await?.digest;
        self.adapters.ready(platform, &digest).await?;
        let capabilities = self.adapters.capabilities_of(platform, Some(&digest));
        let view = self.list(platform).await?.into_iter().find(|view| view.release.digest == digest);
        let none = || ReleaseError::NoSuchRelease(platform.clone(), named.to_owned());
        let (view, capabilities) = view.zip(capabilities).ok_or_else(none)?;
        Ok(Shown { view, capabilities, difference: self.difference(platform, &digest) })
    }

    /// Returns the activations of a platform, oldest first.
    ///
    /// # Errors
    /// When the platform is not configured.
    pub async fn history(&self, platform: &PlatformName) -> Result<Vec<Activation>, ReleaseError> {
        self.known(platform)?;
        Ok(self.store.activations(platform).await?)
    }

    /// Records a decision, and follows it on this host at once.
    async fn decide(
        &self,
        platform: &PlatformName,
        digest: &str,
        kind: ActivationKind,
        decision: &Decision,
    ) -> Result<Activation, ReleaseError> {
        let history = self.store.activations(platform).await?;
        let (serving, tried) = (History(&history).serving(), History(&history).canary());
        let number = History(&history).number();
        if decision.expected.is_some_and(|expected| expected != number) {
            return Err(ReleaseError::Stale(platform.clone(), number));
        }
        // To activate what serves ends a trial.
        let ends_trial = tried.is_some() && decision.trial.is_none();
        if serving.is_some_and(|serving| serving.digest == digest) && !ends_trial {
            return Err(ReleaseError::Serves(platform.clone(), digest.to_owned()));
        }
        if serving.is_none() && decision.trial.is_some() {
            return Err(ReleaseError::NothingServes(platform.clone()));
        }
        let at = now();
        let canary = decision.trial.map(|trial| Canary { percent: trial.percent, promote_at: at.plus(trial.lasts) });
        let activation = Activation {
            platform: platform.clone(),
            number: number + 1,
            digest: digest.to_owned(),
            at,
            actor: self.actor.to_owned(),
            kind,
            reason: decision.reason.clone(),
            canary,
        };
        let before = tried.filter(|tried| tried.digest != digest).or(serving).map(|before| before.digest.clone());
        activate(self.store, &activation, before, false).await.map_err(|error| match error {
            StoreError::Stale(_) => ReleaseError::Stale(platform.clone(), number + 1),
            error => error.into(),
        })?;
        match canary {
            Some(canary) => self.adapters.begin_trial(platform, digest, canary).await?,
            None => self.adapters.activate(platform, digest, kind == ActivationKind::Activate).await?,
        }
        Ok(activation)
    }

    fn known(&self, platform: &PlatformName) -> Result<(), ReleaseError> {
        let names = self.adapters.platforms();
        if names.contains(platform) {
            return Ok(());
        }
        let names: Vec<&str> = names.iter().map(PlatformName::as_str).collect();
        Err(ReleaseError::NoSuchPlatform(platform.clone(), names.join(", ")))
    }

    /// Returns the installed release whose digest begins like this.
    async fn find(&self, platform: &PlatformName, named: &str) -> Result<Release, ReleaseError> {
        let (named, none) =
            (named.to_ascii_lowercase(), || ReleaseError::NoSuchRelease(platform.clone(), named.to_owned()));
        if named.len() < FEWEST_DIGITS {
            return Err(none());
        }
        let releases = self.store.releases(platform).await?;
        let mut found = releases.into_iter().filter(|release| release.digest.starts_with(&named));
        match (found.next(), found.next()) {
            (Some(release), None) => Ok(release),
            (Some(_), Some(_)) => Err(ReleaseError::Ambiguous(platform.clone(), named)),
            (None, _) => Err(none()),
        }
    }

    fn difference(&self, platform: &PlatformName, digest: &str) -> Difference {
        let (serving, next) =
            (self.adapters.capabilities(platform), self.adapters.capabilities_of(platform, Some(digest)));
        match (serving, next) {
            (Some(serving), Some(next)) => Difference::between(&serving, &next),
            _ => Difference::default(),
        }
    }

    fn unfit_products(&self, platform: &PlatformName, digest: &str) -> Vec<String> {
        let products = self.config.products.iter().filter(|product| product.platform == *platform);
        products.flat_map(|product| unfit(self.adapters, product, Some(digest))).collect()
    }
}

/// Returns the problems that a platform's active release, or a loaded one, has with a product:
/// invalid settings, and formats and a price that it does not list.
pub fn unfit(adapters: &Adapters, product: &Product, release: Option<&str>) -> Vec<String> {
    let (place, id, platform) = (&product.settings_at, &product.id, &product.platform);
    let settings = adapters.check_product_settings(platform, release, &product.settings);
    let settings = settings.iter().map(|mistake| format!("settings{} {}", mistake.at, mistake.message));
    let unlisted = |can: &Capabilities| -> Vec<String> {
        let (title, model) = (&can.title, product.price.model);
        let price = (!can.sells_by(model)).then(|| {
            let known = can.price_models.join(", ");
            format!("it is sold {}, and {title} does not sell so; it sells by {known}", model.sold())
        });
        let taken = can.formats.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ");
        let unlisted = product.formats.iter().filter(|format| !can.formats.contains(format));
        unlisted
            .map(|format| format!("`formats` has \"{format}\", which {title} does not take; it takes {taken}"))
            .chain(price)
            .collect()
    };
    let formats = adapters.capabilities_of(platform, release).map(|can| unlisted(&can)).unwrap_or_default();
    settings.chain(formats).map(|problem| format!("{place}: product {id}: {problem}")).collect()
}
