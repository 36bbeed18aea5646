//! What happened, as webhooks and reviewers' pages tell of it.

use serde::{Deserialize, Serialize};

use super::{
    id::{EventId, MediaBuyId, PrincipalId},
    targeting::names,
    time::Timestamp,
};

names! {
    /// What kind of thing happened.
    EventKind {
        /// A person is needed.
        TaskCreated = "task.created",
        /// Somebody took a task.
        TaskAssigned = "task.assigned",
        /// A task went to somebody else's desk, or is late.
        TaskEscalated = "task.escalated",
        /// Approved and carried out.
        TaskCompleted = "task.completed",
        /// Rejected, expired, or its operation failed.
        TaskFailed = "task.failed",
        /// A buy has another status.
        BuyStatusChanged = "media_buy.status_changed",
        /// An operation was carried out.
        OperationSucceeded = "operation.succeeded",
        /// An operation failed for good.
        OperationFailed = "operation.failed",
        /// The platform said something about a creative.
        CreativeStatusChanged = "creative.status_changed",
    }
}

/// Something that happened, written with the change that it tells of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id; a receiver sees it once or more.
    pub id: EventId,
    /// What kind.
    pub kind: EventKind,
    /// Whose it is.
    pub principal: PrincipalId,
    /// About which buy.
    pub buy: MediaBuyId,
    /// When.
    pub at: Timestamp,
    /// What a receiver is told.
    pub data: serde_json::Value,
}
