//! What hosts that serve the same ad servers have in common. Without it a host is alone.

use std::{num::NonZeroU32, time::Duration};

use async_trait::async_trait;

use crate::domain::{id::PlatformName, purpose::Purpose};

/// What hosts share; behind it is their database.
#[async_trait]
pub trait Shared: Send + Sync + std::fmt::Debug + 'static {
    /// What hosts know a credential by, so that nobody who reads it can guess the credential; `None`: it can't be told to them.
    fn name_of(&self, credential: &str) -> Option<String>;

    /// Reserves so many requests under a credential that allows so many a second: how long until the first of them, in microseconds
    /// (below zero: it is overdue); the others follow evenly. `None`: nobody can be asked, each host is on its own.
    async fn reserve(&self, key: &str, count: u32, per_second: NonZeroU32) -> Option<i64>;

    /// The bytes of a component that another host has.
    async fn component(&self, digest: &str) -> Option<Vec<u8>>;

    /// The ad server asked for a pause under this credential.
    fn paused(&self, key: &str, pause: Duration);

    /// A platform's adapter kept failing at this, and is left alone with it.
    fn broken(&self, platform: &PlatformName, purpose: Purpose, pause: Duration);
}
