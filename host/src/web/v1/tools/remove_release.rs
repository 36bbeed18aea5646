//! `remove_release`: removes an installed release.

use schemars::JsonSchema;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::PlatformName,
    web::{
        json::{Arguments, read},
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::release::{ReleaseAnswer, ReleaseQuery},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "remove_release",
    title: "Remove a release of an adapter",
    description: "Removes a release that does not serve. Refused as long as an operation that began on it may need it.",
    audience: Audience::Operators,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Delete,
    path: "/v1/platforms/{platform}/releases/{digest}",
    input: ReleaseQuery::json_schema,
    output: ReleaseAnswer::json_schema,
    example: r#"{"platform": "acme", "digest": "3f786850e387"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: ReleaseQuery = read(arguments)?;
    let platform = PlatformName::new(request.platform.0);
    let removed = app.remove_release(&caller, &platform, &request.digest.0).await?;
    Answer::new(&ReleaseAnswer::from(removed))
}
