//! A webhook endpoint as it is shown, and the request for one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::error::AppError,
    domain::{
        event::EventKind,
        id::{PrincipalId, WebhookId},
        time::Timestamp,
        webhook::Endpoint,
    },
    operations::now,
    web::json::{Arguments, read, text::Id},
    webhooks::endpoints::EndpointWithSecret,
};

/// Maximum kinds of events in a request: all there are.
pub(in crate::web::v1) const MAX_KINDS: usize = EventKind::ALL.len();

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookQuery {
    /// The endpoint.
    pub webhook_id: Id,
}

/// Status of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// It gets the events it wants.
    Active,
    /// Active, but nothing has succeeded since `failing_since`; it is disabled after five days.
    Failing,
    /// It gets nothing.
    Disabled,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WebhookAnswer {
    /// Its id.
    pub webhook_id: WebhookId,
    /// The buyer whose events it gets; `null`: the publisher's own, getting everybody's.
    pub principal_id: Option<PrincipalId>,
    /// Its URL.
    pub url: String,
    /// The events it gets.
    pub events: Vec<EventKind>,
    /// Its owner's label.
    pub description: Option<String>,
    /// Its status.
    pub status: EndpointStatus,
    /// When it began to fail.
    pub failing_since: Option<Timestamp>,
    /// Number of dead letters, which are sent again only if you ask for it (replay_webhook). They
    /// are kept for 30 days.
    pub dead: u64,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// An older secret signs until then.
    pub rotating_until: Option<Timestamp>,
    /// Creation time.
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
    /// The secret: `whsec_…`. Shown only once.
    pub secret: String,
}

impl From<EndpointWithSecret> for WebhookSecretAnswer {
    fn from(made: EndpointWithSecret) -> Self {
        Self { webhook: WebhookAnswer::from(&made.endpoint), secret: made.secret }
    }
}

/// An example request for tools that take only an endpoint.
pub(in crate::web::v1) const EXAMPLE: &str = r#"{"webhook_id": "wh_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#;

/// Reads the endpoint's id from a request.
pub(in crate::web::v1) fn webhook_id(arguments: Arguments) -> Result<WebhookId, AppError> {
    let request: WebhookQuery = read(arguments)?;
    Ok(WebhookId::new(request.webhook_id.0))
}
