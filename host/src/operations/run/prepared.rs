//! The inputs of an operation that is ready to be carried out.

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
    /// The buy before the change.
    pub(super) current: MediaBuy,
    /// The buy after the change.
    pub(super) desired: MediaBuy,
    /// The legs as of the beginning of the run.
    pub(super) legs: Vec<PreparedLeg>,
}

/// A leg with its inputs.
#[derive(Debug, Clone)]
pub(super) struct PreparedLeg {
    /// The platform of the leg.
    pub(super) platform: PlatformName,
    /// How far the leg had come when the run began.
    pub(super) state: LegState,
    /// The release that carries the leg out.
    pub(super) release: String,
    /// The platform's settings when the operation began; `None` if an older version began it.
    pub(super) began_with: Option<FrozenPlatform>,
}

impl Prepared {
    /// Returns what an operation was frozen with; `None` if it is not frozen.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one of its legs has no release.
    pub(super) fn of(operation: &Operation) -> Result<Option<Self>, StoreError> {
        operation.frozen.as_ref().map(|frozen| Self::new(operation, frozen)).transpose()
    }

    /// Combines the legs of an operation with their inputs.
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

    /// Returns the leg on a platform.
    pub(super) fn leg(&self, platform: &PlatformName) -> Option<&PreparedLeg> {
        self.legs.iter().find(|leg| leg.platform == *platform)
    }
}
