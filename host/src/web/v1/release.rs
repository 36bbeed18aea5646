//! Releases of adapters as they are shown, and the requests about them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::error::AppError,
    domain::{
        capability::difference::Difference,
        id::PlatformName,
        release::{Activation, ActivationKind, Release},
        time::Timestamp,
    },
    operations::releases::{Installed, ReleaseView},
    web::json::{Arguments, read, text::Id},
};

/// A platform.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformQuery {
    /// The platform, as the configuration names it.
    pub platform: Id,
}

/// A release of a platform.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseQuery {
    /// The platform, as the configuration names it.
    pub platform: Id,
    /// The release: SHA-256 of its component, or at least its first 6 digits.
    pub digest: Id,
}

/// Reads the platform of a request.
pub(in crate::web::v1) fn platform(arguments: Arguments) -> Result<PlatformName, AppError> {
    let query: PlatformQuery = read(arguments)?;
    Ok(PlatformName::new(query.platform.0))
}

/// An installed release.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReleaseAnswer {
    /// The platform.
    pub platform: PlatformName,
    /// SHA-256 of its component.
    pub digest: String,
    /// The adapter's own version.
    pub version: String,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// Who installed it: a token's name, `command line` or `flightdeck`.
    pub installed_by: String,
    /// When the host rolled back from it because it was unhealthy.
    pub unhealthy_at: Option<Timestamp>,
}

impl From<Release> for ReleaseAnswer {
    fn from(release: Release) -> Self {
        let Release { platform, digest, version, installed_at, installed_by, unhealthy_at } = release;
        Self { platform, digest, version, installed_at, installed_by, unhealthy_at }
    }
}

/// An installed release in a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ListedRelease {
    /// The release.
    #[serde(flatten)]
    pub release: ReleaseAnswer,
    /// Whether it serves the platform.
    pub serving: bool,
    /// Whether rollback_release activates it.
    pub rollback: bool,
    /// The share of media buys that it gets on trial, in per cent.
    pub canary_percent: Option<u8>,
    /// When it takes over, if it does well on trial.
    pub promote_at: Option<Timestamp>,
}

impl From<ReleaseView> for ListedRelease {
    fn from(view: ReleaseView) -> Self {
        Self {
            release: view.release.into(),
            serving: view.serving,
            rollback: view.rollback,
            canary_percent: view.canary.map(|canary| canary.percent),
            promote_at: view.canary.map(|canary| canary.promote_at),
        }
    }
}

/// What another release changes against the one that serves, in words.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DifferenceAnswer {
    /// What it can do more.
    pub gained: Vec<String>,
    /// What it can do less: activating it needs accept_losses.
    pub lost: Vec<String>,
    /// What it asks for more: requests, settings.
    pub asks: Vec<String>,
}

impl From<Difference> for DifferenceAnswer {
    fn from(difference: Difference) -> Self {
        let Difference { gained, lost, asks } = difference;
        Self { gained, lost, asks }
    }
}

/// A release that was installed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InstalledAnswer {
    /// The release.
    #[serde(flatten)]
    pub release: ReleaseAnswer,
    /// Whether the platform did not have it before.
    pub new: bool,
    /// What it changes against the release that serves.
    pub difference: DifferenceAnswer,
}

impl From<Installed> for InstalledAnswer {
    fn from(installed: Installed) -> Self {
        let Installed { release, is_new, difference } = installed;
        Self { release: release.into(), new: is_new, difference: difference.into() }
    }
}

/// How a release came to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivationKindAnswer {
    /// The configuration named it.
    Configuration,
    /// A person activated it.
    Activate,
    /// A person rolled back to it.
    Rollback,
    /// The host rolled back to it, because the one that served was unhealthy.
    Automatic,
    /// The host had it take over, because its canary share went well.
    Promotion,
}

/// A decision about which release serves.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ActivationAnswer {
    /// The platform.
    pub platform: PlatformName,
    /// Its number, one more each time: the version that a decision is made on.
    pub number: i64,
    /// The release.
    pub digest: String,
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided: a token's name, `command line` or `flightdeck`.
    pub actor: String,
    /// How it was decided.
    pub kind: ActivationKindAnswer,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The share of media buys that the release gets on trial, in per cent. `null`: it serves.
    pub canary_percent: Option<u8>,
    /// When it takes over, if it does well on trial.
    pub promote_at: Option<Timestamp>,
}

impl From<Activation> for ActivationAnswer {
    fn from(activation: Activation) -> Self {
        let Activation { platform, number, digest, at, actor, kind, reason, canary } = activation;
        let kind = match kind {
            ActivationKind::Configuration => ActivationKindAnswer::Configuration,
            ActivationKind::Activate => ActivationKindAnswer::Activate,
            ActivationKind::Rollback => ActivationKindAnswer::Rollback,
            ActivationKind::Automatic => ActivationKindAnswer::Automatic,
            ActivationKind::Promotion => ActivationKindAnswer::Promotion,
        };
        let (canary_percent, promote_at) = (canary.map(|one| one.percent), canary.map(|one| one.promote_at));
        Self { platform, number, digest, at, actor, kind, reason, canary_percent, promote_at }
    }
}
