//! `rotate_webhook_secret`: gives a webhook endpoint a new secret.

use schemars::JsonSchema;

use crate::{
    app::{App, caller::Caller, error::AppError},
    web::{
        json::Arguments,
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::webhook::{EXAMPLE, WebhookQuery, WebhookSecretAnswer, webhook_id},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "rotate_webhook_secret",
    title: "Rotate a webhook's secret",
    description: "Gives an endpoint a new secret, shown once. For 24 hours each request carries two signatures, by \
                  the new secret and the old: update your receivers in that time. If it is rotated again within it, \
                  the oldest secret keeps signing and the one in between stops.",
    audience: Audience::Owners,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/webhooks/{webhook_id}/rotate",
    input: WebhookQuery::json_schema,
    output: WebhookSecretAnswer::json_schema,
    example: EXAMPLE,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    Answer::new(&WebhookSecretAnswer::from(app.rotate_webhook_secret(&caller, &webhook_id(arguments)?).await?))
}
