//! What the tools for webhooks take and answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{Moment, Page, error::AppError},
    domain::{
        event::EventKind,
        id::{EventId, MediaBuyId, PrincipalId, WebhookId},
        time::Timestamp,
        webhook::{Delivery, DeliveryStatus, Endpoint},
    },
    operations::now,
    store::webhooks::{Replay, Replayed},
    web::json::{
        self,
        text::{Id, Line, MAX_ID, MAX_NAME, Url},
        values::{Limit, List, When, clearable, given},
    },
    webhooks::desk::{EndpointPatch, NewEndpoint, WithSecret},
};

/// As many as there are kinds.
const MAX_KINDS: usize = EventKind::ALL.len();

/// A new endpoint.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Where it is: https, and reachable from the internet.
    pub url: Url,
    /// What it wants to hear of.
    pub events: List<EventKind, 1, MAX_KINDS>,
    /// What you call it.
    pub description: Option<Line<MAX_NAME>>,
}

impl From<CreateWebhook> for NewEndpoint {
    fn from(request: CreateWebhook) -> Self {
        Self { url: request.url.0, events: request.events.0, description: request.description.map(|line| line.0) }
    }
}

/// No arguments.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookQuery {
    /// The endpoint.
    pub webhook_id: Id,
}

/// A change of an endpoint. What is left out stays.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhook {
    /// The endpoint.
    pub webhook_id: Id,
    /// Where it is.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Url")]
    pub url: Option<Url>,
    /// What it wants to hear of, in place of the old list.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "List<EventKind, 1, MAX_KINDS>")]
    pub events: Option<List<EventKind, 1, MAX_KINDS>>,
    /// What you call it. `null` clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<Line<MAX_NAME>>")]
    pub description: Option<Option<Line<MAX_NAME>>>,
    /// `false` disables it: what waits is given up. `true` enables it again; replay what it missed.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool")]
    pub active: Option<bool>,
}

impl UpdateWebhook {
    /// Which endpoint, and what changes.
    pub fn into_patch(self) -> (WebhookId, EndpointPatch) {
        let patch = EndpointPatch {
            url: self.url.map(|url| url.0),
            events: self.events.map(|events| events.0),
            description: self.description.map(|line| line.map(|line| line.0)),
            active: self.active,
        };
        (WebhookId::new(self.webhook_id.0), patch)
    }
}

/// Which deliveries to list.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesQuery {
    /// The endpoint.
    pub webhook_id: Id,
    /// Only those that stand so.
    pub status: Option<DeliveryStatus>,
    /// How many at most. Default: 50.
    pub limit: Option<Limit>,
    /// `next_cursor` of the page before.
    pub cursor: Option<Line<MAX_ID>>,
}

/// What to send again: exactly one of the three.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {
        "required": ["event_id"],
        "properties": {"event_id": {"type": "string"}, "failed": {"enum": [false, null]}, "since": {"type": "null"}},
    },
    {"required": ["failed"], "properties": {"failed": {"const": true}, "event_id": {"type": "null"}, "since": {"type": "null"}}},
    {
        "required": ["since"],
        "properties": {"since": {"type": "string"}, "failed": {"enum": [false, null]}, "event_id": {"type": "null"}},
    },
]))]
pub struct ReplayWebhook {
    /// The endpoint.
    pub webhook_id: Id,
    /// One event, whatever became of it.
    pub event_id: Option<Id>,
    /// `true`: everything that was given up.
    pub failed: Option<bool>,
    /// Everything that happened since then, whether it was sent or not.
    pub since: Option<When>,
}

impl ReplayWebhook {
    /// Which endpoint, and what.
    ///
    /// # Errors
    /// None or several of the three.
    pub fn into_replay(self) -> Result<(WebhookId, Replay), AppError> {
        let what = match (self.event_id, self.failed, self.since) {
            (Some(event), None | Some(false), None) => Replay::One(EventId::new(event.0)),
            (None, Some(true), None) => Replay::Dead,
            (None, None | Some(false), Some(since)) => Replay::Since(match since.0 {
                Moment::At(at) => at,
                Moment::Day(day) => day.start(),
            }),
            _ => {
                let message = "give exactly one of event_id, failed (true) and since: it says what is sent again";
                return Err(json::invalid("/event_id", message));
            }
        };
        Ok((WebhookId::new(self.webhook_id.0), what))
    }
}

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// It is sent what it wants to hear.
    Active,
    /// It is, but nothing has succeeded since `failing_since`; after five days of that it is disabled.
    Failing,
    /// It is sent nothing.
    Disabled,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WebhookAnswer {
    /// Its id.
    pub webhook_id: WebhookId,
    /// Whose events it hears of; `null`: the publisher's own, which hears of everybody's.
    pub principal_id: Option<PrincipalId>,
    /// Where it is.
    pub url: String,
    /// What it wants to hear of.
    pub events: Vec<EventKind>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// How it stands.
    pub status: EndpointStatus,
    /// Since when nothing succeeded.
    pub failing_since: Option<Timestamp>,
    /// How many deliveries to it were given up, and are sent again only if you ask for it (replay_webhook). They are kept for 30 days.
    pub dead: u64,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// Until when an older secret signs, too.
    pub rotating_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<&Endpoint> for WebhookAnswer {
    fn from(endpoint: &Endpoint) -> Self {
        let disabled = endpoint.disabled.as_ref();
        Self {
            webhook_id: endpoint.id.clone(),
            principal_id: endpoint.owner.clone(),
            url: endpoint.url.clone(),
            events: endpoint.events.clone(),
            description: endpoint.description.clone(),
            status: match (disabled, endpoint.failing_since) {
                (Some(_), _) => EndpointStatus::Disabled,
                (None, Some(_)) => EndpointStatus::Failing,
                (None, None) => EndpointStatus::Active,
            },
            failing_since: endpoint.failing_since,
            dead: endpoint.dead,
            disabled_at: disabled.map(|disabled| disabled.at),
            disabled_reason: disabled.map(|disabled| disabled.reason.clone()),
            rotating_until: endpoint.signing(now()).find_map(|secret| secret.until),
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// An endpoint and its new secret.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WebhookSecretAnswer {
    /// The endpoint.
    #[serde(flatten)]
    pub webhook: WebhookAnswer,
    /// What signs: `whsec_…`. It is shown this once.
    pub secret: String,
}

impl From<WithSecret> for WebhookSecretAnswer {
    fn from(made: WithSecret) -> Self {
        Self { webhook: WebhookAnswer::from(&made.endpoint), secret: made.secret }
    }
}

/// Endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WebhooksAnswer {
    /// Oldest first.
    pub webhooks: Vec<WebhookAnswer>,
}

/// An endpoint is gone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeletedAnswer {
    /// Which one it was.
    pub webhook_id: WebhookId,
    /// Always true.
    pub deleted: bool,
}

/// A test was sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TestAnswer {
    /// The event that is on its way.
    pub event_id: EventId,
}

/// Something is sent again.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReplayAnswer {
    /// How many events are on their way again; 10,000 at most.
    pub replayed: u64,
    /// Whether there may be more: ask again.
    pub more: bool,
    /// If you asked for everything since a time and there is more: the `since` to go on with. Some of the last events may be sent twice.
    pub next_since: Option<Timestamp>,
}

impl From<Replayed> for ReplayAnswer {
    fn from(replayed: Replayed) -> Self {
        Self { replayed: replayed.count, more: replayed.more, next_since: replayed.next_since }
    }
}

/// A page of deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveriesAnswer {
    /// The page.
    pub deliveries: Vec<DeliveryLine>,
    /// For the next page, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The delivery of an event.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveryLine {
    /// The event: what the receiver sees as `webhook-id`.
    pub event_id: EventId,
    /// What happened.
    pub event: EventKind,
    /// To which buy.
    pub media_buy_id: Option<MediaBuyId>,
    /// How it stands.
    pub status: DeliveryStatus,
    /// How often it was tried, since it was written or last replayed.
    pub attempts: u32,
    /// When it was last tried.
    pub last_attempt_at: Option<Timestamp>,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// What the receiver last answered.
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
