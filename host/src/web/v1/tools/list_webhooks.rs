//! `list_webhooks`: the webhook endpoints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, caller::Caller, error::AppError},
    web::{
        json::{Arguments, read},
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::webhook::WebhookAnswer,
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "list_webhooks",
    title: "List webhooks",
    description: "Your webhook endpoints, oldest first; for operators, everybody's.",
    audience: Audience::Owners,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/webhooks",
    input: Nothing::json_schema,
    output: WebhooksAnswer::json_schema,
    example: "{}",
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let Nothing {} = read(arguments)?;
    let webhooks = app.list_webhooks(&caller).await?.iter().map(WebhookAnswer::from).collect();
    Answer::new(&WebhooksAnswer { webhooks })
}

/// No arguments.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WebhooksAnswer {
    /// Oldest first.
    pub webhooks: Vec<WebhookAnswer>,
}
