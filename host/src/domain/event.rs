//! What happened, in the terms of the domain. A protocol writes it in its own words: see
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
        /// A request that got no answer was carried out after all: the ad server has a second
        /// object, which is stopped.
        OperationDuplicateFound = "operation.duplicate_found",
        /// The platform said something about a creative.
        CreativeStatusChanged = "creative.status_changed",
        /// Nothing happened: the owner of an endpoint wants to see that it hears.
        WebhookTest = "webhook.test",
    }
}

/// Something that happened, written with the change that caused it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id. A receiver gets it once or more.
    pub id: EventId,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// Whose media buy it concerns.
    pub principal: PrincipalId,
    /// The media buy; empty for a test.
    pub buy: MediaBuyId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub data: EventData,
}

/// What happened, beside the media buy that the event names. Stored in this form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventData {
    /// The media buy has another status.
    BuyStatus {
        /// The status from now on.
        status: BuyStatus,
        /// The status before; `None` for a new buy.
        before: Option<BuyStatus>,
        /// Why, in words.
        detail: String,
    },
    /// An operation ended.
    OperationEnd {
        /// Which one.
        operation: OperationId,
        /// What it was to do.
        kind: OperationKind,
        /// Why it failed, in words for the buyer.
        reason: Option<String>,
        /// The packages that it changed.
        affected: Vec<PackageId>,
    },
    /// An ad server has objects that nobody asked for.
    Duplicates {
        /// The operation whose requests made them.
        operation: OperationId,
        /// On which platform.
        platform: PlatformName,
        /// The objects.
        objects: Vec<DuplicateObject>,
    },
    /// A platform said something new of a creative.
    Creative {
        /// Which one.
        creative: CreativeId,
        /// How it stands there.
        status: AssetState,
        /// The platform's words.
        feedback: Option<String>,
    },
    /// Something was done with a task.
    Task {
        /// Which one.
        task: TaskId,
        /// Why it exists.
        kind: TaskKind,
        /// The operation that waits for it.
        operation: OperationId,
        /// Its status from now on.
        status: TaskStatus,
        /// How it ended, once it has.
        resolution: Option<Resolution>,
        /// The reviewer's words.
        words: Option<String>,
        /// Who has it.
        assigned_to: Option<String>,
        /// To whom it was handed up.
        escalated_to: Option<String>,
    },
    /// The owner of an endpoint asked for a test.
    Test {
        /// The endpoint.
        webhook: WebhookId,
        /// Who asked.
        by: String,
    },
    /// An event of a version that stored only the JSON of its payload.
    #[serde(untagged)]
    Earlier(serde_json::Value),
}

/// An object on an ad server that nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateObject {
    /// The ad server's word for it.
    pub remote_type: String,
    /// Its id there.
    pub id: String,
    /// Its name there.
    pub name: String,
}

/// Writes the payload of an event's deliveries. The store calls it once, when it writes the event,
/// and keeps the text: each delivery and each replay of an event has the same bytes, whatever a
/// later version would write.
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
