//! `create_webhook`: creates a webhook endpoint.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::event::EventKind,
    web::{
        json::{
            Arguments, read,
            text::{Line, MAX_NAME, Url},
            values::List,
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::webhook::{MAX_KINDS, WebhookSecretAnswer},
    },
    webhooks::endpoints::NewEndpoint,
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "create_webhook",
    title: "Create a webhook",
    description: "Sends events to a URL of yours, following Standard Webhooks: POST with webhook-id, \
                  webhook-timestamp and webhook-signature, body {type, timestamp, data}. The answer shows the secret \
                  once: verify every request with it. An event arrives at least once, always with the same \
                  webhook-id, and is tried for three days until you answer 2xx; 410 disables the endpoint. There is \
                  no idempotency key: after a lost answer, list the webhooks first.",
    audience: Audience::Owners,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/webhooks",
    input: CreateWebhook::json_schema,
    output: WebhookSecretAnswer::json_schema,
    example: r#"{"url": "https://example.com/webhooks", "events": ["task.completed", "task.failed", "media_buy.status_changed"]}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: CreateWebhook = read(arguments)?;
    let made = WebhookSecretAnswer::from(app.create_webhook(&caller, request.into()).await?);
    let location = Some(format!("/v1/webhooks/{}", made.webhook.webhook_id));
    Ok(Answer { location, ..Answer::new(&made)? })
}

/// A new endpoint.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Its URL: https, and reachable from the internet.
    pub url: Url,
    /// The events it gets.
    pub events: List<EventKind, 1, MAX_KINDS>,
    /// Your label.
    pub description: Option<Line<MAX_NAME>>,
}

impl From<CreateWebhook> for NewEndpoint {
    fn from(request: CreateWebhook) -> Self {
        Self { url: request.url.0, events: request.events.0, description: request.description.map(|line| line.0) }
    }
}
