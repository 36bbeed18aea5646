//! `list_activations`: which releases served a platform, and who decided that.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    web::{
        json::Arguments,
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::release::{ActivationAnswer, PlatformQuery, platform},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "list_activations",
    title: "List which releases served",
    description: "Every decision about which release serves a platform, newest first: by whom, when, why, and whether \
                  a person, the configuration or the host itself decided.",
    audience: Audience::Operators,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/platforms/{platform}/activations",
    input: PlatformQuery::json_schema,
    output: ActivationsAnswer::json_schema,
    example: r#"{"platform": "acme"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let activations = app.list_activations(&caller, &platform(arguments)?).await?;
    let version = activations.first().map(|activation| activation.number);
    let answer = ActivationsAnswer { activations: activations.into_iter().map(ActivationAnswer::from).collect() };
    Ok(Answer { version, ..Answer::new(&answer)? })
}

/// The decisions about a platform's releases.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ActivationsAnswer {
    /// The decisions, at most 1,000.
    pub activations: Vec<ActivationAnswer>,
}
