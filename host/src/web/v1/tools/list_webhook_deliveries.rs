//! `list_webhook_deliveries`: past and pending deliveries to a webhook endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, Page, caller::Caller, error::AppError},
    domain::{
        event::EventKind,
        id::{EventId, MediaBuyId, WebhookId},
        time::Timestamp,
        webhook::{Delivery, DeliveryStatus},
    },
    web::{
        json::{
            Arguments, read,
            text::{Id, Line, MAX_ID},
            values::Limit,
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "list_webhook_deliveries",
    title: "List a webhook's deliveries",
    description: "Past and pending deliveries to an endpoint, newest first: number of attempts, last response, next \
                  attempt. status dead: given up after three days; replay_webhook sends it again. Kept for 30 days.",
    audience: Audience::Owners,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/webhooks/{webhook_id}/deliveries",
    input: DeliveriesQuery::json_schema,
    output: DeliveriesAnswer::json_schema,
    example: r#"{"webhook_id": "wh_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "status": "dead"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let DeliveriesQuery { webhook_id, status, limit, cursor } = read(arguments)?;
    let cursor = cursor.as_ref().map(|cursor| cursor.0.as_str());
    let id = WebhookId::new(webhook_id.0);
    let page = app.list_webhook_deliveries(&caller, &id, status, limit.map(|limit| limit.0), cursor).await?;
    Answer::new(&DeliveriesAnswer::from(page))
}

/// Which deliveries to list.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesQuery {
    /// The endpoint.
    pub webhook_id: Id,
    /// Only in this status.
    pub status: Option<DeliveryStatus>,
    /// Maximum number. Default: 50.
    pub limit: Option<Limit>,
    /// `next_cursor` of the prior page.
    pub cursor: Option<Line<MAX_ID>>,
}

/// A page of deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveriesAnswer {
    /// The page.
    pub deliveries: Vec<DeliveryLine>,
    /// For the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The delivery of an event.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveryLine {
    /// The event, sent to the receiver as `webhook-id`.
    pub event_id: EventId,
    /// What happened.
    pub event: EventKind,
    /// The buy.
    pub media_buy_id: Option<MediaBuyId>,
    /// Its status.
    pub status: DeliveryStatus,
    /// Attempts since it was written or last replayed.
    pub attempts: u32,
    /// Time of its last try.
    pub last_attempt_at: Option<Timestamp>,
    /// Time of its next try.
    pub next_attempt_at: Option<Timestamp>,
    /// The receiver's last status.
    pub response_status: Option<u16>,
    /// Why it last failed.
    pub error: Option<String>,
}

impl From<Page<Delivery>> for DeliveriesAnswer {
    fn from(page: Page<Delivery>) -> Self {
        let line = |delivery: Delivery| DeliveryLine {
            event_id: delivery.event,
            event: delivery.kind,
            media_buy_id: Some(delivery.buy).filter(|buy| !buy.as_str().is_empty()),
            status: delivery.status,
            attempts: delivery.attempts,
            last_attempt_at: delivery.tried_at,
            next_attempt_at: (delivery.status == DeliveryStatus::Pending).then_some(delivery.due_at),
            response_status: delivery.answered,
            error: delivery.error,
        };
        Self { deliveries: page.items.into_iter().map(line).collect(), next_cursor: page.next_cursor }
    }
}
