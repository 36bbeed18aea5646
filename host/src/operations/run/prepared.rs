//! What an operation is carried out with, as a value.

use crate::{
    domain::{
        id::PlatformName,
        media_buy::MediaBuy,
        operation::{Frozen, FrozenPlatform, Leg, LegState, Operation},
    },
    store::StoreError,
};

/// An operation that is ready for its ad servers: both sides of its change, and a release for each
/// of its legs.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The buy before.
    pub(super) current: MediaBuy,
    /// The buy after.
    pub(super) desired: MediaBuy,
    /// Its legs, as they were when the run began.
    pub(super) legs: Vec<PreparedLeg>,
}

/// A leg, with what it is carried out with.
#[derive(Debug, Clone)]
pub(super) struct PreparedLeg {
    /// On which platform.
    pub(super) platform: PlatformName,
    /// How far it had come when the run began.
    pub(super) state: LegState,
    /// The release that carries it out.
    pub(super) release: String,
    /// What the configuration said when it began; `None` if an older version began it.
    pub(super) began_with: Option<FrozenPlatform>,
}

impl Prepared {
    /// Reads what an operation was frozen with; `None` if it is not frozen.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one of its legs has no release.
    pub(super) fn of(operation: &Operation) -> Result<Option<Self>, StoreError> {
        operation.frozen.as_ref().map(|frozen| Self::new(operation, frozen)).transpose()
    }

    /// Joins the legs of an operation with what they are carried out with.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one of its legs has no release.
    pub(super) fn new(operation: &Operation, frozen: &Frozen) -> Result<Self, StoreError> {
        let prepared = |leg: &Leg| {
            let platform = &leg.platform;
            let release = frozen.releases.get(platform).ok_or_else(|| {
                StoreError::Corrupt(format!("operation {} has begun, and no release for {platform}", operation.id))
            })?;
            Ok(PreparedLeg {
                platform: platform.clone(),
                state: leg.state,
                release: release.clone(),
                began_with: frozen.platforms.get(platform).cloned(),
            })
        };
        Ok(Self {
            current: frozen.current.clone(),
            desired: frozen.desired.clone(),
            legs: operation.legs.iter().map(prepared).collect::<Result<_, StoreError>>()?,
        })
    }

    /// Its leg on a platform.
    pub(super) fn leg(&self, platform: &PlatformName) -> Option<&PreparedLeg> {
        self.legs.iter().find(|leg| leg.platform == *platform)
    }
}
