//! `replay_webhook`: sends events again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, Moment, caller::Caller, error::AppError},
    domain::{
        id::{EventId, WebhookId},
        time::Timestamp,
    },
    store::webhooks::{Replay, Replayed},
    web::{
        json::{self, Arguments, read, text::Id, values::When},
        tool::{Answer, Audience, Effect, Tool, Verb},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "replay_webhook",
    title: "Replay webhooks",
    description: "Resends to an endpoint one event (event_id), all dead letters (failed: true), or everything since \
                  a time (since), with the same webhook-id and the same body as before; at most 10,000 events, out \
                  of 100,000 examined. If there may be more, the answer says so: ask again, with since: next_since.",
    audience: Audience::Owners,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/webhooks/{webhook_id}/replay",
    input: ReplayWebhook::json_schema,
    output: ReplayAnswer::json_schema,
    example: r#"{"webhook_id": "wh_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "since": "2026-12-01T00:00:00Z"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: ReplayWebhook = read(arguments)?;
    let (id, what) = request.into_replay()?;
    Answer::new(&ReplayAnswer::from(app.replay_webhook(&caller, &id, what).await?))
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
    /// One event, whatever its status.
    pub event_id: Option<Id>,
    /// `true`: all dead letters.
    pub failed: Option<bool>,
    /// Everything that happened since then, whether sent or not.
    pub since: Option<When>,
}

impl ReplayWebhook {
    /// Returns the endpoint, and what to send again.
    ///
    /// # Errors
    /// When not exactly one of the three is given.
    pub fn into_replay(self) -> Result<(WebhookId, Replay), AppError> {
        let what = match (self.event_id, self.failed, self.since) {
            (Some(event), None | Some(false), None) => Replay::One(EventId::new(event.0)),
            (None, Some(true), None) => Replay::DeadLetters,
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

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReplayAnswer {
    /// How many events will be sent again; at most 10,000.
    pub replayed: u64,
    /// Whether there may be more: ask again.
    pub more: bool,
    /// If you asked for everything since a time and there is more: the next `since`. Some of the
    /// last events may be sent twice.
    pub next_since: Option<Timestamp>,
}

impl From<Replayed> for ReplayAnswer {
    fn from(replayed: Replayed) -> Self {
        Self { replayed: replayed.count, more: replayed.more, next_since: replayed.next_since }
    }
}
