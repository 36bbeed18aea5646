//! `list_releases`: the installed releases of a platform's adapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    web::{
        json::Arguments,
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::release::{ActivationAnswer, ListedRelease, PlatformQuery, platform},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "list_releases",
    title: "List the releases of an adapter",
    description: "The releases that are installed for a platform, oldest first: which of them serves, and which one \
                  rollback_release activates.",
    audience: Audience::Operators,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/platforms/{platform}/releases",
    input: PlatformQuery::json_schema,
    output: ReleasesAnswer::json_schema,
    example: r#"{"platform": "acme"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let (releases, activation) = app.list_releases(&caller, &platform(arguments)?).await?;
    let version = activation.as_ref().map(|activation| activation.number);
    let answer = ReleasesAnswer {
        releases: releases.into_iter().map(ListedRelease::from).collect(),
        activation: activation.map(ActivationAnswer::from),
    };
    Ok(Answer { version, ..Answer::new(&answer)? })
}

/// The releases of a platform.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReleasesAnswer {
    /// The installed releases.
    pub releases: Vec<ListedRelease>,
    /// The decision that holds; `null` if there was none yet.
    pub activation: Option<ActivationAnswer>,
}
