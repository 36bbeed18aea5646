//! Payloads of webhooks: events in the terms of this protocol.

use serde_json::{Value, json};

use crate::domain::event::{Event, EventData};

/// Returns the body of an event's deliveries: `{type, timestamp, data}`.
pub fn payload(event: &Event) -> String {
    json!({ "type": event.kind, "timestamp": event.at, "data": data(event) }).to_string()
}

fn data(event: &Event) -> Value {
    let buy = &event.buy;
    match &event.data {
        EventData::BuyStatus { status, before, detail } => json!({
            "media_buy_id": buy, "status": status, "previous_status": before, "detail": detail,
        }),
        EventData::OperationEnd { operation, kind, reason, affected } => json!({
            "operation_id": operation, "media_buy_id": buy, "operation": kind, "reason": reason,
            "affected_packages": affected,
        }),
        EventData::Duplicates { operation, platform, objects } => {
            let objects: Vec<Value> = objects
                .iter()
                .map(|object| json!({ "type": object.remote_type, "id": object.id, "name": object.name }))
                .collect();
            json!({ "operation_id": operation, "media_buy_id": buy, "platform": platform, "objects": objects })
        }
        EventData::Creative { creative, status, feedback } => json!({
            "media_buy_id": buy, "creative_id": creative, "status": status, "feedback": feedback,
        }),
        EventData::Task { task, kind, operation, status, resolution, words, assigned_to, escalated_to } => json!({
            "task_id": task, "task_type": kind, "media_buy_id": buy, "operation_id": operation, "status": status,
            "resolution": resolution, "resolution_detail": words, "assigned_to": assigned_to,
            "escalated_to": escalated_to,
        }),
        EventData::Inquiry { task, kind, operation, question, answer } => json!({
            "task_id": task, "task_type": kind, "media_buy_id": buy, "operation_id": operation,
            "question": question, "answer": answer,
        }),
        EventData::Release { platform, release, before, by, reason, canary_percent } => json!({
            "platform": platform, "release": release, "previous_release": before, "by": by, "reason": reason,
            "canary_percent": canary_percent,
        }),
        EventData::Test { webhook, by } => json!({ "webhook_id": webhook, "sent_by": by }),
        EventData::Earlier(data) => data.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        creative::AssetState,
        event::{DuplicateObject, EventKind},
        operation::OperationKind,
        status::BuyStatus,
        task::{Resolution, TaskKind, TaskStatus},
        time::Timestamp,
    };

    fn of(kind: EventKind, data: EventData) -> String {
        let at = Timestamp::parse("2026-12-01T09:00:00Z").unwrap();
        payload(&Event { id: "evt_1".into(), kind, principal: "acme".into(), buy: "acme_1".into(), at, data })
    }

    /// Receivers compare and store these bytes, so changing one changes the protocol.
    #[test]
    fn payloads_are_what_they_always_were() {
        let status = EventData::BuyStatus {
            status: BuyStatus::Active,
            before: Some(BuyStatus::PendingActivation),
            detail: "delivers".to_owned(),
        };
        assert_eq!(
            of(EventKind::BuyStatusChanged, status),
            r#"{"data":{"detail":"delivers","media_buy_id":"acme_1","previous_status":"pending_activation","status":"active"},"timestamp":"2026-12-01T09:00:00Z","type":"media_buy.status_changed"}"#
        );
        let ended = EventData::OperationEnd {
            operation: "op_1".into(),
            kind: OperationKind::Create,
            reason: None,
            affected: vec!["news".into()],
        };
        assert_eq!(
            of(EventKind::OperationSucceeded, ended),
            r#"{"data":{"affected_packages":["news"],"media_buy_id":"acme_1","operation":"create_media_buy","operation_id":"op_1","reason":null},"timestamp":"2026-12-01T09:00:00Z","type":"operation.succeeded"}"#
        );
        let (remote_type, id, name) = ("Flight".to_owned(), "7".to_owned(), "News".to_owned());
        let found = EventData::Duplicates {
            operation: "op_1".into(),
            platform: "acme".into(),
            objects: vec![DuplicateObject { remote_type, id, name }],
        };
        assert_eq!(
            of(EventKind::OperationDuplicateFound, found),
            r#"{"data":{"media_buy_id":"acme_1","objects":[{"id":"7","name":"News","type":"Flight"}],"operation_id":"op_1","platform":"acme"},"timestamp":"2026-12-01T09:00:00Z","type":"operation.duplicate_found"}"#
        );
        let said = EventData::Creative {
            creative: "banner".into(),
            status: AssetState::Rejected,
            feedback: Some("too loud".to_owned()),
        };
        assert_eq!(
            of(EventKind::CreativeStatusChanged, said),
            r#"{"data":{"creative_id":"banner","feedback":"too loud","media_buy_id":"acme_1","status":"rejected"},"timestamp":"2026-12-01T09:00:00Z","type":"creative.status_changed"}"#
        );
        let task = EventData::Task {
            task: "task_1".into(),
            kind: TaskKind::ManualApproval,
            operation: "op_1".into(),
            status: TaskStatus::Completed,
            resolution: Some(Resolution::Approved),
            words: Some("fine".to_owned()),
            assigned_to: Some("ana".to_owned()),
            escalated_to: None,
        };
        assert_eq!(
            of(EventKind::TaskCompleted, task),
            r#"{"data":{"assigned_to":"ana","escalated_to":null,"media_buy_id":"acme_1","operation_id":"op_1","resolution":"approved","resolution_detail":"fine","status":"completed","task_id":"task_1","task_type":"manual_approval"},"timestamp":"2026-12-01T09:00:00Z","type":"task.completed"}"#
        );
        let release = EventData::Release {
            platform: "acme".into(),
            release: "b2".to_owned(),
            before: Some("a1".to_owned()),
            by: "ops".to_owned(),
            reason: Some("1.4".to_owned()),
            canary_percent: Some(5),
        };
        assert_eq!(
            of(EventKind::AdapterActivated, release),
            r#"{"data":{"by":"ops","canary_percent":5,"platform":"acme","previous_release":"a1","reason":"1.4","release":"b2"},"timestamp":"2026-12-01T09:00:00Z","type":"adapter.activated"}"#
        );
        let test = EventData::Test { webhook: "wh_1".into(), by: "acme-token".to_owned() };
        assert_eq!(
            of(EventKind::WebhookTest, test),
            r#"{"data":{"sent_by":"acme-token","webhook_id":"wh_1"},"timestamp":"2026-12-01T09:00:00Z","type":"webhook.test"}"#
        );
    }
}
