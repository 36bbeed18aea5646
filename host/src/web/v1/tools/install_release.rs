//! `install_release`: installs another release of a platform's adapter.

use schemars::JsonSchema;

use crate::{
    app::{App, caller::Caller, error::AppError},
    web::{
        json::Arguments,
        tool::{Answer, Audience, CallOptions, Effect, Tool, Verb},
        v1::release::{InstalledAnswer, PlatformQuery, platform},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "install_release",
    title: "Install a release of an adapter",
    description: "Stores the component of the body, compiles it and checks it against the platform's settings. It does \
                  not serve before activate_release. The answer says what it changes against the release that serves. \
                  The same component again changes nothing.",
    audience: Audience::Operators,
    effect: Effect::Manage,
    only_switches: None,
    verb: Verb::Upload,
    path: "/v1/platforms/{platform}/releases",
    input: PlatformQuery::json_schema,
    output: InstalledAnswer::json_schema,
    example: r#"{"platform": "acme"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    let installed = app.install_release(&caller, &platform(arguments)?, &options.upload).await?;
    Answer::new(&InstalledAnswer::from(installed))
}
