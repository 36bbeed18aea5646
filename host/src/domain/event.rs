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
        /// A request that got no answer was carried out after all: the ad server has a second object, which is stopped.
        OperationDuplicateFound = "operation.duplicate_found",
        /// The platform said something about a creative.
        CreativeStatusChanged = "creative.status_changed",
        /// Nothing happened: the owner of an endpoint wants to see that it hears.
        WebhookTest = "webhook.test",
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
    /// About which buy; empty for a test.
    pub buy: MediaBuyId,
    /// When.
    pub at: Timestamp,
    /// What a receiver is told.
    pub data: serde_json::Value,
}

impl Event {
    /// What a receiver is sent: `{type, timestamp, data}`. It is made once, when the event is written: every delivery of it is
    /// the same to the byte.
    pub fn body(&self) -> String {
        serde_json::json!({ "type": self.kind, "timestamp": self.at, "data": self.data }).to_string()
    }
}
