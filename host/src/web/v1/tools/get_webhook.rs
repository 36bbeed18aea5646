//! `get_webhook`: a webhook endpoint.

use schemars::JsonSchema;

use crate::{
    app::{App, caller::Caller, error::AppError},
    web::{
        json::Arguments,
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::webhook::{EXAMPLE, WebhookAnswer, WebhookQuery, webhook_id},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "get_webhook",
    title: "Get a webhook",
    description: "A webhook endpoint: whether it is active, failing or disabled, and why.",
    audience: Audience::Owners,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/webhooks/{webhook_id}",
    input: WebhookQuery::json_schema,
    output: WebhookAnswer::json_schema,
    example: EXAMPLE,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    Answer::new(&WebhookAnswer::from(&app.get_webhook(&caller, &webhook_id(arguments)?).await?))
}
