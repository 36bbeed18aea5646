//! State shared by the hosts that serve the same ad servers. Without it each host is on its own.

use std::{num::NonZeroU32, time::Duration};

use async_trait::async_trait;

use crate::domain::{id::PlatformName, purpose::Purpose};

/// State that hosts share through their database.
#[async_trait]
pub trait Shared: Send + Sync + std::fmt::Debug + 'static {
    /// Returns the shared name for a credential, from which the credential can't be guessed. `None`
    /// if this host can't share it.
    fn name_of(&self, credential: &str) -> Option<String>;

    /// Reserves `count` requests under a credential that allows `per_second`. Returns how many
    /// microseconds from now the first is due (negative if it is overdue); the others follow at
    /// even intervals. `None` if the other hosts can't be reached and each host is on its own.
    async fn reserve(&self, key: &str, count: u32, per_second: NonZeroU32) -> Option<i64>;

    /// Returns the bytes of a component that another host has.
    async fn component(&self, digest: &str) -> Option<Vec<u8>>;

    /// Announces that the ad server asked for a pause under this credential.
    fn paused(&self, key: &str, pause: Duration);

    /// Announces that a breaker opened for this purpose of a platform's adapter.
    fn broken(&self, platform: &PlatformName, purpose: Purpose, pause: Duration);
}
