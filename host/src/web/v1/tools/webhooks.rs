//! The tools that manage endpoints of webhooks: over HTTP, not over MCP.

use schemars::JsonSchema;

use super::{Answer, Audience, Effect, Tool, Verb};
use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::WebhookId,
    web::{
        json::{Arguments, read},
        v1::webhook::{
            CreateWebhook, DeletedAnswer, DeliveriesAnswer, DeliveriesQuery, Nothing, ReplayAnswer, ReplayWebhook,
            TestAnswer, UpdateWebhook, WebhookAnswer, WebhookQuery, WebhookSecretAnswer, WebhooksAnswer,
        },
    },
};

const ONE: &str = r#"{"webhook_id": "wh_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#;

/// The entries of the table.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "create_webhook",
        title: "Create a webhook",
        description: "Has events sent to a url of yours, as Standard Webhooks describe: POST with webhook-id, webhook-timestamp and \
                      webhook-signature, body {type, timestamp, data}. The answer shows the secret once: verify every request \
                      with it. An event comes at least once, always with the same webhook-id, and is tried for three days until you \
                      answer 2xx; 410 disables the endpoint. There is no idempotency key: after a lost answer, list the webhooks first.",
        audience: Audience::Owners,
        effect: Effect::Manage,
        verb: Verb::Post,
        path: "/v1/webhooks",
        input: CreateWebhook::json_schema,
        output: WebhookSecretAnswer::json_schema,
        example: r#"{"url": "https://example.com/webhooks", "events": ["task.completed", "task.failed", "media_buy.status_changed"]}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(create(app, caller, arguments)),
    },
    Tool {
        name: "list_webhooks",
        title: "List webhooks",
        description: "Your endpoints of webhooks, oldest first; for operators, everybody's.",
        audience: Audience::Owners,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/webhooks",
        input: Nothing::json_schema,
        output: WebhooksAnswer::json_schema,
        example: "{}",
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(list(app, caller, arguments)),
    },
    Tool {
        name: "get_webhook",
        title: "Get a webhook",
        description: "An endpoint of webhooks: whether it is active, failing or disabled, and why.",
        audience: Audience::Owners,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/webhooks/{webhook_id}",
        input: WebhookQuery::json_schema,
        output: WebhookAnswer::json_schema,
        example: ONE,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(get(app, caller, arguments)),
    },
    Tool {
        name: "update_webhook",
        title: "Change a webhook",
        description: "Changes where an endpoint is or what it hears of; active: false disables it and gives up what waits, active: true \
                      enables it again (replay what it missed).",
        audience: Audience::Owners,
        effect: Effect::Manage,
        verb: Verb::Patch,
        path: "/v1/webhooks/{webhook_id}",
        input: UpdateWebhook::json_schema,
        output: WebhookAnswer::json_schema,
        example: r#"{"webhook_id": "wh_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "active": false}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(update(app, caller, arguments)),
    },
    Tool {
        name: "delete_webhook",
        title: "Delete a webhook",
        description: "Removes an endpoint, what waits for it and the list of what was sent to it. To stop for a while, disable it instead.",
        audience: Audience::Owners,
        effect: Effect::Manage,
        verb: Verb::Delete,
        path: "/v1/webhooks/{webhook_id}",
        input: WebhookQuery::json_schema,
        output: DeletedAnswer::json_schema,
        example: ONE,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(delete(app, caller, arguments)),
    },
    Tool {
        name: "rotate_webhook_secret",
        title: "Rotate a webhook's secret",
        description: "Gives an endpoint a new secret, shown once. For 24 hours each request carries two signatures, of the new secret \
                      and of the last one: change your receivers in that time. Rotated again within it, the oldest of the secrets signs on, \
                      and the one in between no more.",
        audience: Audience::Owners,
        effect: Effect::Manage,
        verb: Verb::Post,
        path: "/v1/webhooks/{webhook_id}/rotate",
        input: WebhookQuery::json_schema,
        output: WebhookSecretAnswer::json_schema,
        example: ONE,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(rotate(app, caller, arguments)),
    },
    Tool {
        name: "test_webhook",
        title: "Test a webhook",
        description: "Sends an endpoint the event webhook.test; its deliveries say what became of it.",
        audience: Audience::Owners,
        effect: Effect::Manage,
        verb: Verb::Post,
        path: "/v1/webhooks/{webhook_id}/test",
        input: WebhookQuery::json_schema,
        output: TestAnswer::json_schema,
        example: ONE,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(test(app, caller, arguments)),
    },
    Tool {
        name: "list_webhook_deliveries",
        title: "List a webhook's deliveries",
        description: "What was and will be sent to an endpoint, newest first: how often it was tried, what was answered, when it is tried \
                      next. status dead: given up after three days; replay_webhook sends it again. Kept for 30 days.",
        audience: Audience::Owners,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/webhooks/{webhook_id}/deliveries",
        input: DeliveriesQuery::json_schema,
        output: DeliveriesAnswer::json_schema,
        example: r#"{"webhook_id": "wh_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "status": "dead"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(deliveries(app, caller, arguments)),
    },
    Tool {
        name: "replay_webhook",
        title: "Replay webhooks",
        description: "Sends again to an endpoint: one event (event_id), all that were given up (failed: true), or everything since a time \
                      (since), with the same webhook-id and the same body as before; 10,000 events at most, of 100,000 that are looked through. \
                      If there may be more, the answer says so: ask again, with since: next_since.",
        audience: Audience::Owners,
        effect: Effect::Manage,
        verb: Verb::Post,
        path: "/v1/webhooks/{webhook_id}/replay",
        input: ReplayWebhook::json_schema,
        output: ReplayAnswer::json_schema,
        example: r#"{"webhook_id": "wh_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "since": "2026-12-01T00:00:00Z"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(replay(app, caller, arguments)),
    },
];

fn one(arguments: Arguments) -> Result<WebhookId, AppError> {
    let request: WebhookQuery = read(arguments)?;
    Ok(WebhookId::new(request.webhook_id.0))
}

async fn create(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: CreateWebhook = read(arguments)?;
    let made = WebhookSecretAnswer::from(app.create_webhook(&caller, request.into()).await?);
    let location = Some(format!("/v1/webhooks/{}", made.webhook.webhook_id));
    Ok(Answer { location, ..Answer::new(&made)? })
}

async fn list(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let Nothing {} = read(arguments)?;
    let webhooks = app.list_webhooks(&caller).await?.iter().map(WebhookAnswer::from).collect();
    Answer::new(&WebhooksAnswer { webhooks })
}

async fn get(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    Answer::new(&WebhookAnswer::from(&app.get_webhook(&caller, &one(arguments)?).await?))
}

async fn update(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: UpdateWebhook = read(arguments)?;
    let (id, patch) = request.into_patch();
    Answer::new(&WebhookAnswer::from(&app.update_webhook(&caller, &id, patch).await?))
}

async fn delete(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let webhook_id = one(arguments)?;
    app.delete_webhook(&caller, &webhook_id).await?;
    Answer::new(&DeletedAnswer { webhook_id, deleted: true })
}

async fn rotate(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    Answer::new(&WebhookSecretAnswer::from(app.rotate_webhook_secret(&caller, &one(arguments)?).await?))
}

async fn test(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    Answer::new(&TestAnswer { event_id: app.test_webhook(&caller, &one(arguments)?).await? })
}

async fn deliveries(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let DeliveriesQuery { webhook_id, status, limit, cursor } = read(arguments)?;
    let cursor = cursor.as_ref().map(|cursor| cursor.0.as_str());
    let id = WebhookId::new(webhook_id.0);
    let page = app.list_webhook_deliveries(&caller, &id, status, limit.map(|limit| limit.0), cursor).await?;
    Answer::new(&DeliveriesAnswer::from(page))
}

async fn replay(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: ReplayWebhook = read(arguments)?;
    let (id, what) = request.into_replay()?;
    Answer::new(&ReplayAnswer::from(app.replay_webhook(&caller, &id, what).await?))
}
