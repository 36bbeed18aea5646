//! What operators do with the releases of adapters.

use std::sync::Arc;

use super::{
    App,
    caller::Caller,
    error::{AppError, ErrorCode},
};
use crate::{
    domain::{
        account::Reading,
        id::PlatformName,
        release::{Activation, Release},
    },
    operations::releases::{Decision, Installed, ReleaseError, ReleaseView, Releases},
};

impl From<ReleaseError> for AppError {
    fn from(error: ReleaseError) -> Self {
        let message = error.to_string();
        match error {
            ReleaseError::NoSuchPlatform(..) => Self::new(ErrorCode::NotFound, message),
            ReleaseError::NoSuchRelease(..) | ReleaseError::Ambiguous(..) => {
                Self::new(ErrorCode::NotFound, message).suggest("see list_releases")
            }
            ReleaseError::Install(_) => Self::new(ErrorCode::InvalidParameter, message),
            ReleaseError::Products(_)
            | ReleaseError::NothingBefore(_)
            | ReleaseError::NothingServes(_)
            | ReleaseError::Serves(..)
            | ReleaseError::Needed(_) => Self::state(message),
            ReleaseError::Loses(_) => Self::state(message).suggest("send accept_losses: true if that is wanted"),
            ReleaseError::Stale(..) => Self::new(ErrorCode::Conflict, message).suggest("see list_releases"),
            ReleaseError::Store(error) => error.into(),
        }
    }
}

impl App {
    fn releases_for<'a>(&'a self, actor: &'a str) -> Releases<'a> {
        Releases { store: &self.store, adapters: &self.adapters, config: &self.config, actor }
    }

    /// Returns the installed releases of a platform, and the activation that holds.
    ///
    /// # Errors
    /// `NOT_FOUND` if the platform is not configured.
    pub async fn list_releases(
        &self,
        caller: &Caller,
        platform: &PlatformName,
    ) -> Result<(Vec<ReleaseView>, Option<Activation>), AppError> {
        let signature = caller.signature();
        let releases = self.releases_for(&signature);
        let list = releases.list(platform).await?;
        Ok((list, releases.history(platform).await?.pop()))
    }

    /// Returns what this host last read of the account on a platform.
    pub fn known_account(&self, platform: &PlatformName) -> Option<Arc<Reading>> {
        self.adapters.known_account(platform)
    }

    /// Returns the activations of a platform, newest first.
    ///
    /// # Errors
    /// `NOT_FOUND` if the platform is not configured.
    pub async fn list_activations(
        &self,
        caller: &Caller,
        platform: &PlatformName,
    ) -> Result<Vec<Activation>, AppError> {
        let mut history = self.releases_for(&caller.signature()).history(platform).await?;
        history.reverse();
        Ok(history)
    }

    /// Installs a component for a platform, without activating it.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the component can't be used.
    pub async fn install_release(
        &self,
        caller: &Caller,
        platform: &PlatformName,
        component: &[u8],
    ) -> Result<Installed, AppError> {
        Ok(self.releases_for(&caller.signature()).install(platform, component, None).await?)
    }

    /// Makes an installed release serve its platform.
    ///
    /// # Errors
    /// `NOT_FOUND`; `CONFLICT` if somebody else has decided since; `INVALID_STATE` if the release
    /// can't serve.
    pub async fn activate_release(
        &self,
        caller: &Caller,
        platform: &PlatformName,
        digest: &str,
        decision: &Decision,
    ) -> Result<Activation, AppError> {
        Ok(self.releases_for(&caller.signature()).activate(platform, digest, decision).await?)
    }

    /// Makes the release serve again that served before.
    ///
    /// # Errors
    /// As [`App::activate_release`].
    pub async fn rollback_release(
        &self,
        caller: &Caller,
        platform: &PlatformName,
        decision: &Decision,
    ) -> Result<Activation, AppError> {
        Ok(self.releases_for(&caller.signature()).rollback(platform, decision).await?)
    }

    /// Removes an installed release that does not serve and that no operation needs.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `INVALID_STATE` if it is still needed.
    pub async fn remove_release(
        &self,
        caller: &Caller,
        platform: &PlatformName,
        digest: &str,
    ) -> Result<Release, AppError> {
        Ok(self.releases_for(&caller.signature()).remove(platform, digest, None).await?)
    }
}
