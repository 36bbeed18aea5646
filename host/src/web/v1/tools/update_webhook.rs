//! `update_webhook`: changes a webhook endpoint.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::{event::EventKind, id::WebhookId},
    web::{
        json::{
            Arguments, read,
            text::{Id, Line, MAX_NAME, Url},
            values::{List, clearable, given},
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::webhook::{MAX_KINDS, WebhookAnswer},
    },
    webhooks::endpoints::EndpointPatch,
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "update_webhook",
    title: "Change a webhook",
    description: "Changes an endpoint's URL, events or description; active: false disables it and gives up what \
                  waits, active: true enables it again (replay what it missed).",
    audience: Audience::Owners,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Patch,
    path: "/v1/webhooks/{webhook_id}",
    input: UpdateWebhook::json_schema,
    output: WebhookAnswer::json_schema,
    example: r#"{"webhook_id": "wh_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "active": false}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: UpdateWebhook = read(arguments)?;
    let (id, patch) = request.into_patch();
    Answer::new(&WebhookAnswer::from(&app.update_webhook(&caller, &id, patch).await?))
}

/// Changes an endpoint. Omitted fields stay.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhook {
    /// The endpoint.
    pub webhook_id: Id,
    /// Its URL.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Url")]
    pub url: Option<Url>,
    /// The events it gets, replacing the old list.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "List<EventKind, 1, MAX_KINDS>")]
    pub events: Option<List<EventKind, 1, MAX_KINDS>>,
    /// Your label. `null` clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<Line<MAX_NAME>>")]
    pub description: Option<Option<Line<MAX_NAME>>>,
    /// `false` disables it and gives up what waits. `true` enables it again; replay what it missed.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool")]
    pub active: Option<bool>,
}

impl UpdateWebhook {
    /// Returns the endpoint's id and the changes.
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
