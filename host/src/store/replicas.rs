//! What hosts on one database have in common beside the work: adapters' components, and how fast ad servers may be asked.

use std::time::Duration;

use async_trait::async_trait;

use super::{AuditEntry, StoreError};
use crate::domain::{id::PlatformName, purpose::Purpose, time::Timestamp};

/// What is shared by all hosts on the database. Time is judged by the database's clock where several hosts may share it.
#[async_trait]
pub trait ReplicaStore: Send + Sync {
    /// Keeps a component by the SHA-256 of its bytes. One that is kept already stays.
    async fn keep_component(&self, digest: &str, bytes: Vec<u8>, at: Timestamp) -> Result<(), StoreError>;

    /// The bytes of a component.
    async fn component(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Has a component that is kept serve a platform from now on, tells of it in the audit log, and forgets that the last one was left
    /// alone. If it serves already, nothing is written.
    async fn activate_component(
        &self,
        platform: &PlatformName,
        digest: &str,
        line: AuditEntry,
    ) -> Result<(), StoreError>;

    /// Which component serves each platform.
    async fn active_components(&self) -> Result<Vec<(PlatformName, String)>, StoreError>;

    /// Reserves so many requests in a row, `interval` apart, of which as many as fit into `burst` may come at once after a rest. How long
    /// until the first of them, in microseconds; below zero, it could have been sent then.
    async fn reserve(
        &self,
        key: &str,
        count: u32,
        interval: Duration,
        burst: Duration,
        now: Timestamp,
    ) -> Result<i64, StoreError>;

    /// Has every replica leave something alone for `time`, or longer if that was said before.
    async fn hold(&self, key: &HoldKey, time: Duration, now: Timestamp) -> Result<(), StoreError>;

    /// How much there is of what has not ended.
    async fn census(&self, now: Timestamp) -> Result<Census, StoreError>;

    /// Marks a moment by a name, in place of an earlier one, and tells of it in the audit log.
    async fn mark(&self, name: &str, at: Timestamp, line: AuditEntry) -> Result<(), StoreError>;

    /// Moves a mark that is there to a later moment. Nothing new has happened, and so nothing is told.
    async fn renew_mark(&self, name: &str, at: Timestamp) -> Result<(), StoreError>;
    /// As [`ReplicaStore::mark`], and takes away an earlier mark of another name in the same transaction.
    async fn mark_instead(&self, of: &str, name: &str, at: Timestamp, line: AuditEntry) -> Result<(), StoreError>;

    /// The moment that was marked by that name.
    async fn marked(&self, name: &str) -> Result<Option<Timestamp>, StoreError>;

    /// What is held now, and for how much longer. Kinds that this version does not know are left out.
    async fn holds(&self, now: Timestamp) -> Result<Vec<(HoldKey, Duration)>, StoreError>;
}

/// How much there is of what has not ended. Nothing is counted further than 100,000.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Operations, by their state.
    pub operations: Vec<(String, i64)>,
    /// For how long the longest has been due that nobody has claimed.
    pub overdue_work: Duration,
    /// Open tasks, by their type.
    pub tasks: Vec<(String, i64)>,
    /// Those of them that are past their due date.
    pub overdue_tasks: i64,
    /// Deliveries of webhooks that wait for a try.
    pub pending_deliveries: i64,
    /// Those that were given up.
    pub dead_deliveries: i64,
}

/// The mark of a database that was restored from a copy.
pub const RESTORED: &str = "restored";

/// The mark of a file that is being moved to PostgreSQL, and of one that was: no host serves from it.
pub const MOVING: &str = "moving";
/// See [`MOVING`].
pub const MOVED: &str = "moved";

/// The mark of a database to which one is being moved, and that is not whole yet: no host serves from it.
pub const ARRIVING: &str = "arriving";

/// The mark of a database that was moved to where it is.
pub const ARRIVED: &str = "arrived";

/// What every replica leaves alone for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldKey {
    /// Requests with one credential, because the ad server asked for a pause. Named by the keyed digest of the credential.
    Pause(String),
    /// Calls of a platform's adapter for one purpose, because its circuit breaker opened.
    Breaker(PlatformName, Purpose),
}

const PAUSE: &str = "pause ";
const BREAKER: &str = "adapter ";

impl HoldKey {
    /// Reads a stored key. `None` if this version does not know its kind.
    pub fn parse(stored: &str) -> Option<Self> {
        if let Some(credential) = stored.strip_prefix(PAUSE) {
            return Some(Self::Pause(credential.to_owned()));
        }
        let (platform, purpose) = stored.strip_prefix(BREAKER)?.rsplit_once(' ')?;
        Some(Self::Breaker(PlatformName::new(platform), Purpose::parse(purpose)?))
    }
}

/// As it is stored.
impl std::fmt::Display for HoldKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pause(credential) => write!(f, "{PAUSE}{credential}"),
            Self::Breaker(platform, purpose) => write!(f, "{BREAKER}{platform} {purpose}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_keys_are_read_back_and_keep_their_text() {
        let keys = [
            (HoldKey::Pause("0f3a of two words".to_owned()), "pause 0f3a of two words"),
            (HoldKey::Breaker(PlatformName::new("gam eu"), Purpose::Change), "adapter gam eu change"),
        ];
        for (key, stored) in keys {
            assert_eq!(key.to_string(), stored);
            assert_eq!(HoldKey::parse(stored), Some(key));
        }
        assert_eq!(HoldKey::parse("adapter gam never"), None);
        assert_eq!(HoldKey::parse("0f3a"), None, "the key of a reservation");
    }
}
