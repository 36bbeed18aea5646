//! The events, audit lines and history entries that go with changes.

use crate::{
    domain::{
        creative::AssetStatus,
        digest,
        event::{DuplicateObject, Event, EventData, EventKind},
        id::{EventId, PlatformName},
        inquiry::Inquiry,
        lookup::MadeObject,
        media_buy::MediaBuy,
        operation::{Operation, OperationKind, OperationState},
        status::{BuyStatus, Standing},
        task::{HistoryEntry, Task, TaskStatus},
        time::Timestamp,
    },
    store::{AuditEntry, Recording, Write},
};

/// The actor name of the host itself.
pub const ITSELF: &str = "flightdeck";

fn event(kind: EventKind, buy: &MediaBuy, at: Timestamp, data: EventData) -> Event {
    Event { id: EventId::mint(), kind, principal: buy.principal.clone(), buy: buy.id.clone(), at, data }
}

/// Sets a buy's standing, if the table of statuses allows it, and records an event if the status
/// changes.
pub fn become_status(buy: &mut MediaBuy, standing: Standing, at: Timestamp, recording: &mut Recording) {
    let before = buy.status;
    if standing.status != before && !before.may_become(standing.status) {
        tracing::warn!(buy = %buy.id, from = %before, to = %standing.status, "a status can't follow and was not recorded");
        return;
    }
    buy.detail = standing.detail;
    buy.updated_at = at;
    if standing.status == before {
        return;
    }
    buy.status = standing.status;
    recording.push(Write::Event(status_event(buy, Some(before), at)));
}

/// Returns the event of a buy's status.
pub fn status_event(buy: &MediaBuy, before: Option<BuyStatus>, at: Timestamp) -> Event {
    let data = EventData::BuyStatus { status: buy.status, before, detail: buy.detail.clone() };
    event(EventKind::BuyStatusChanged, buy, at, data)
}

/// Returns the audit line of a change that was accepted.
pub fn accepted(operation: &Operation, actor: &str, at: Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        actor: actor.to_owned(),
        action: "operation.accepted".to_owned(),
        subject: operation.id.to_string(),
        digest: digest::canonical(&operation.request),
        reason: None,
    }
}

/// Records the event and the audit line for an operation that ended.
pub fn operation_ended(operation: &Operation, buy: &MediaBuy, at: Timestamp, recording: &mut Recording) {
    let succeeded = operation.state == OperationState::Succeeded;
    let kind = if succeeded { EventKind::OperationSucceeded } else { EventKind::OperationFailed };
    let data = EventData::OperationEnd {
        operation: operation.id.clone(),
        kind: operation.kind,
        reason: operation.failure.as_ref().map(|failure| failure.reason.buyer().to_owned()),
        affected: operation.affected_packages(),
    };
    // Buyers get events of what they requested. A follow-up reaches them as the status of the buy.
    if operation.kind != OperationKind::FollowUp {
        recording.push(Write::Event(event(kind, buy, at, data)));
    }
    recording.push(Write::Audit(AuditEntry {
        at,
        actor: ITSELF.to_owned(),
        action: if succeeded { "operation.succeeded" } else { "operation.failed" }.to_owned(),
        subject: operation.id.to_string(),
        digest: digest::canonical(operation),
        reason: operation.failure.as_ref().map(|failure| failure.reason.staff().to_owned()),
    }));
}

/// Records that an ad server has objects that nobody ordered, made by requests that got no answer.
pub fn duplicate_found(
    operation: &Operation,
    platform: &PlatformName,
    made: &[&MadeObject],
    at: Timestamp,
    recording: &mut Recording,
) {
    let object = |made: &&MadeObject| DuplicateObject {
        remote_type: made.remote_type.clone(),
        id: made.object.id.clone(),
        name: made.name.clone(),
    };
    let data = EventData::Duplicates {
        operation: operation.id.clone(),
        platform: platform.clone(),
        objects: made.iter().map(object).collect(),
    };
    let reason = made.iter().map(|made| made.object.id.as_str()).collect::<Vec<_>>().join(", ");
    recording.push(Write::Audit(AuditEntry {
        at,
        actor: ITSELF.to_owned(),
        action: EventKind::OperationDuplicateFound.to_string(),
        subject: operation.id.to_string(),
        digest: digest::canonical(&data),
        reason: Some(format!("{platform}: {reason}")),
    }));
    recording.push(Write::Event(Event {
        id: EventId::mint(),
        kind: EventKind::OperationDuplicateFound,
        principal: operation.principal.clone(),
        buy: operation.buy.clone(),
        at,
        data,
    }));
}

/// Records what a platform newly says about creatives, with the event.
pub fn creatives_said(
    buy: &mut MediaBuy,
    platform: &PlatformName,
    assets: &[AssetStatus],
    at: Timestamp,
    recording: &mut Recording,
) {
    let known = buy.assets.get(platform).map_or(&[][..], Vec::as_slice);
    let news: Vec<AssetStatus> = assets.iter().filter(|asset| !known.contains(asset)).cloned().collect();
    for asset in &news {
        let data = EventData::Creative {
            creative: asset.creative.clone(),
            status: asset.state,
            feedback: asset.feedback.clone(),
        };
        recording.push(Write::Event(event(EventKind::CreativeStatusChanged, buy, at, data)));
    }
    buy.know_assets(platform, &news);
}

/// Returns the event about a task, for those who watch its buy.
pub fn task_event(kind: EventKind, task: &Task, at: Timestamp) -> Event {
    let data = EventData::Task {
        task: task.id.clone(),
        kind: task.kind,
        operation: task.operation.clone(),
        status: task.status,
        resolution: task.resolution(),
        words: task.resolution_detail.clone(),
        assigned_to: task.assigned_to.clone(),
        escalated_to: task.escalated_to.clone(),
    };
    Event { id: EventId::mint(), kind, principal: task.principal.clone(), buy: task.buy.clone(), at, data }
}

/// Returns the event about the last question of a task.
pub fn inquiry_event(kind: EventKind, task: &Task, inquiry: &Inquiry, at: Timestamp) -> Event {
    let data = EventData::Inquiry {
        task: task.id.clone(),
        kind: task.kind,
        operation: task.operation.clone(),
        question: inquiry.words.clone(),
        answer: inquiry.answer.as_ref().map(|answer| answer.words.clone()),
    };
    Event { id: EventId::mint(), kind, principal: task.principal.clone(), buy: task.buy.clone(), at, data }
}

/// Returns the audit line for something that the host itself did with a task.
pub fn audit(action: &str, task: &Task, reason: &str, at: Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        actor: ITSELF.to_owned(),
        action: action.to_owned(),
        subject: task.id.to_string(),
        digest: task.digest.clone(),
        reason: Some(reason.to_owned()),
    }
}

/// Returns an entry of a task's history.
pub fn history(
    by: &str,
    action: &str,
    from: TaskStatus,
    to: TaskStatus,
    words: Option<&str>,
    at: Timestamp,
) -> HistoryEntry {
    HistoryEntry { at, by: by.to_owned(), action: action.to_owned(), from, to, words: words.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{creative::AssetState, testing};

    #[test]
    fn what_a_platform_says_of_a_creative_is_told_once() {
        let mut buy = testing::buy(1);
        let said = |state| AssetStatus { creative: "banner".into(), state, platform_id: None, feedback: None };
        let mut recording = Recording::default();
        let mut told = |said: AssetStatus| {
            creatives_said(&mut buy, &"north".into(), &[said], Timestamp::from_micros(0), &mut recording);
            recording.writes().len()
        };
        assert_eq!(told(said(AssetState::Pending)), 1);
        assert_eq!(told(said(AssetState::Pending)), 1, "it was said before");
        assert_eq!(told(said(AssetState::Approved)), 2);
    }
}
