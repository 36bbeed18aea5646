//! `reload_configuration`: reads the configuration again while the hosts serve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, caller::Caller, error::AppError},
    web::{
        json::{Arguments, read},
        tool::{Answer, Audience, Effect, Tool, Verb},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "reload_configuration",
    title: "Reload the configuration",
    description: "Reads the configuration file again and serves with it, as one step: on a mistake nothing changes. \
                  Platforms, products, principals, tokens, approval rules and limits come and go without a restart. \
                  What is under way ends with what it began with. The other hosts do the same within seconds, each \
                  with its own file; get_configuration shows how they fared.",
    audience: Audience::Operators,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/config/reload",
    input: ReloadConfiguration::json_schema,
    output: ReloadAnswer::json_schema,
    example: r#"{"activate": false}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: ReloadConfiguration = read(arguments)?;
    let reloaded = app.reload_configuration(&caller, request.activate.unwrap_or_default()).await?;
    Answer::new(&ReloadAnswer {
        configuration: reloaded.configuration,
        changes: reloaded.changes,
        warnings: reloaded.warnings,
    })
}

/// How to reload.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReloadConfiguration {
    /// Whether the components that the configuration names serve from now on, even if the hosts have
    /// left them for others, and even if they can do less. Default: false.
    pub activate: Option<bool>,
}

/// What a reload did on the host that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReloadAnswer {
    /// SHA-256 of the configuration file that serves.
    pub configuration: String,
    /// What changed, one line each. Empty if nothing did.
    pub changes: Vec<String>,
    /// What is allowed and probably not intended.
    pub warnings: Vec<String>,
}
