//! What is forgotten once it is old enough. The audit log, buys, what they are on the ad servers, and the operations that created them stay.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::time::Timestamp;

/// Each function forgets the oldest, at most `limit`, in a transaction of its own, and answers how many it has forgotten: fewer than `limit` if
/// nothing more can be forgotten now.
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// Events that happened before a moment. One that is being sent somewhere, or was, stays until its deliveries are forgotten.
    async fn forget_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Tasks that were closed before a moment, with their histories. One whose operation has not ended stays.
    async fn forget_tasks(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Operations that ended before a moment, with their steps. One that created a buy stays, because it says how the buy came about, and
    /// so does one that a task is about.
    async fn forget_operations(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
