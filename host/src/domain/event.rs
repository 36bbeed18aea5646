//! Events of the domain. Each protocol formats their payloads in its own terms; see
//! [`PayloadFormat`].

use serde::{Deserialize, Serialize};

use super::{
    creative::AssetState,
    id::{CreativeId, EventId, MediaBuyId, OperationId, PackageId, PlatformName, PrincipalId, TaskId, WebhookId},
    operation::OperationKind,
    status::BuyStatus,
    targeting::names,
    task::{Resolution, TaskKind, TaskStatus},
    time::Timestamp,
};

names! {
    /// The kind of an event.
    EventKind {
        /// A task was created: a person is needed.
        TaskCreated = "task.created",
        /// A task was assigned.
        TaskAssigned = "task.assigned",
        /// A task was handed to somebody else, or is overdue.
        TaskEscalated = "task.escalated",
        /// A reviewer asks the buyer something about a task.
        TaskQuestionAsked = "task.question_asked",
        /// The buyer answered.
        TaskQuestionAnswered = "task.question_answered",
        /// A task was approved and its operation carried out.
        TaskCompleted = "task.completed",
        /// A task was rejected, expired, or its operation failed.
        TaskFailed = "task.failed",
        /// The status of a media buy changed.
        BuyStatusChanged = "media_buy.status_changed",
        /// An operation succeeded.
        OperationSucceeded = "operation.succeeded",
        /// An operation failed permanently.
        OperationFailed = "operation.failed",
        /// A request that got no answer was carried out after all: the ad server has a duplicate
        /// object, which was stopped.
        OperationDuplicateFound = "operation.duplicate_found",
        /// A platform changed the review state of a creative.
        CreativeStatusChanged = "creative.status_changed",
        /// Another release of an adapter serves a platform. For the publisher only.
        AdapterActivated = "adapter.activated",
        /// A release that served a platform before serves it again. For the publisher only.
        AdapterRolledBack = "adapter.rolled_back",
        /// A release failed so often by its own fault that a host rolled back from it. For the
        /// publisher only.
        AdapterUnhealthy = "adapter.unhealthy",
        /// A test event, which the owner of an endpoint requested.
        WebhookTest = "webhook.test",
    }
}

impl EventKind {
    /// Whether only the publisher gets such events: they are about the host, not about a buyer's media
    /// buys.
    pub const fn is_for_publisher(self) -> bool {
        matches!(self, Self::AdapterActivated | Self::AdapterRolledBack | Self::AdapterUnhealthy)
    }
}

/// An event, written in the transaction of the change that caused it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The id. Delivery is at least once, so a receiver may get the same id again.
    pub id: EventId,
    /// The kind of the event.
    pub kind: EventKind,
    /// The principal that owns the media buy; empty for an event of the publisher.
    pub principal: PrincipalId,
    /// The media buy; empty if there is none.
    pub buy: MediaBuyId,
    /// The time of the event.
    pub at: Timestamp,
    /// The details of the event.
    pub data: EventData,
}

/// The details of an event, in addition to its media buy. Stored in this form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventData {
    /// The status of the media buy changed.
    BuyStatus {
        /// The new status.
        status: BuyStatus,
        /// The previous status; `None` for a new buy.
        before: Option<BuyStatus>,
        /// The reason, in words.
        detail: String,
    },
    /// An operation ended.
    OperationEnd {
        /// The operation.
        operation: OperationId,
        /// The kind of change.
        kind: OperationKind,
        /// The reason why it failed, in words for the buyer.
        reason: Option<String>,
        /// The packages that it changed.
        affected: Vec<PackageId>,
    },
    /// An ad server has duplicate objects.
    Duplicates {
        /// The operation whose requests created them.
        operation: OperationId,
        /// The platform that has them.
        platform: PlatformName,
        /// The duplicate objects.
        objects: Vec<DuplicateObject>,
    },
    /// A platform changed the review state of a creative.
    Creative {
        /// The creative.
        creative: CreativeId,
        /// The new review state.
        status: AssetState,
        /// The platform's feedback.
        feedback: Option<String>,
    },
    /// A task changed.
    Task {
        /// The task.
        task: TaskId,
        /// The kind of task.
        kind: TaskKind,
        /// The operation that waits for it.
        operation: OperationId,
        /// The new status.
        status: TaskStatus,
        /// The resolution, once the task is closed.
        resolution: Option<Resolution>,
        /// The reviewer's comment.
        words: Option<String>,
        /// The name of the assignee.
        assigned_to: Option<String>,
        /// The name to which the task was escalated.
        escalated_to: Option<String>,
    },
    /// A reviewer asked the buyer something, or the buyer answered.
    Inquiry {
        /// The task.
        task: TaskId,
        /// The kind of task.
        kind: TaskKind,
        /// The operation that waits for it.
        operation: OperationId,
        /// The question.
        question: String,
        /// The answer, once there is one.
        answer: Option<String>,
    },
    /// Which release of an adapter serves a platform was decided.
    Release {
        /// The platform.
        platform: PlatformName,
        /// The release that the event is about: SHA-256 of its component.
        release: String,
        /// The release that served before; `None` if none did.
        before: Option<String>,
        /// Who decided: a token's name, `command line` or `flightdeck`.
        by: String,
        /// Why.
        reason: Option<String>,
        /// The share of media buys that the release gets, if it is on trial beside the one before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        canary_percent: Option<u8>,
    },
    /// The owner of an endpoint requested a test event.
    Test {
        /// The endpoint.
        webhook: WebhookId,
        /// The name of the caller.
        by: String,
    },
    /// An event of an earlier version, which stored only the JSON of its payload.
    #[serde(untagged)]
    Earlier(serde_json::Value),
}

/// A duplicate object on an ad server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateObject {
    /// The ad server's name for its type.
    pub remote_type: String,
    /// Its id on the ad server.
    pub id: String,
    /// Its name on the ad server.
    pub name: String,
}

/// Formats the payload of an event's deliveries. The store calls it once, when it writes the event,
/// and keeps the text. Each delivery and each replay of an event therefore has the same bytes, even
/// after an upgrade.
pub type PayloadFormat = fn(&Event) -> String;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_versions_without_types_are_still_read() {
        let doc = |data: &str| {
            format!(
                r#"{{"id":"evt_1","kind":"media_buy.status_changed","principal":"acme","buy":"b1","at":"2026-12-01T00:00:00Z","data":{data}}}"#
            )
        };
        let earlier: Event = serde_json::from_str(&doc(r#"{"media_buy_id":"b1","status":"active"}"#)).unwrap();
        assert!(matches!(earlier.data, EventData::Earlier(_)), "{earlier:?}");
        let typed = EventData::BuyStatus { status: BuyStatus::Active, before: None, detail: String::new() };
        let stored = serde_json::to_string(&Event { data: typed.clone(), ..earlier }).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&stored).unwrap().data, typed);
    }
}
