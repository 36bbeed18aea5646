//! `delete_webhook`: deletes a webhook endpoint.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::WebhookId,
    web::{
        json::Arguments,
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::webhook::{EXAMPLE, WebhookQuery, webhook_id},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "delete_webhook",
    title: "Delete a webhook",
    description: "Removes an endpoint, its pending deliveries and its delivery history. To stop for a while, disable \
                  it instead.",
    audience: Audience::Owners,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Delete,
    path: "/v1/webhooks/{webhook_id}",
    input: WebhookQuery::json_schema,
    output: DeletedAnswer::json_schema,
    example: EXAMPLE,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let webhook_id = webhook_id(arguments)?;
    app.delete_webhook(&caller, &webhook_id).await?;
    Answer::new(&DeletedAnswer { webhook_id, deleted: true })
}

/// Confirms removal.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeletedAnswer {
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// Always true.
    pub deleted: bool,
}
