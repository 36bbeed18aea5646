//! `test_webhook`: sends a test event to a webhook endpoint.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::EventId,
    web::{
        json::Arguments,
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::webhook::{EXAMPLE, WebhookQuery, webhook_id},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "test_webhook",
    title: "Test a webhook",
    description: "Sends an endpoint the event webhook.test; its deliveries show the result.",
    audience: Audience::Owners,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/webhooks/{webhook_id}/test",
    input: WebhookQuery::json_schema,
    output: TestAnswer::json_schema,
    example: EXAMPLE,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    Answer::new(&TestAnswer { event_id: app.test_webhook(&caller, &webhook_id(arguments)?).await? })
}

/// A test event.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TestAnswer {
    /// The event being sent.
    pub event_id: EventId,
}
