//! `rollback_release`: makes the release serve again that served before.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::PlatformName,
    operations::releases::Decision,
    web::{
        json::{
            Arguments, read,
            text::{Id, Line, MAX_WORDS},
            values::Version,
        },
        tool::{Answer, Audience, CallOptions, Effect, Tool, Verb},
        v1::release::ActivationAnswer,
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "rollback_release",
    title: "Roll an adapter back",
    description: "Directs new calls to the release that served before the current one was activated, on every host. \
                  A second rollback goes further back. If a release is on trial, it ends the trial.",
    audience: Audience::Operators,
    effect: Effect::Decision,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/platforms/{platform}/rollback",
    input: RollbackRelease::json_schema,
    output: ActivationAnswer::json_schema,
    example: r#"{"platform": "acme", "reason": "1.4 misses days in reports"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    let request: RollbackRelease = read(arguments)?;
    let platform = PlatformName::new(request.platform.0);
    let decision = Decision {
        reason: request.reason.map(|line| line.0),
        expected: options.version(request.version.map(|version| version.0))?,
        accept_losses: true,
        trial: None,
    };
    let activation = app.rollback_release(&caller, &platform, &decision).await?;
    let version = Some(activation.number);
    Ok(Answer { version, ..Answer::new(&ActivationAnswer::from(activation))? })
}

/// Which platform goes back.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRelease {
    /// The platform, as the configuration names it.
    pub platform: Id,
    /// Why, for the history and the audit log.
    pub reason: Option<Line<MAX_WORDS>>,
    /// The number of the activation that this was decided on; the same as If-Match. Default:
    /// whichever holds.
    pub version: Option<Version>,
}
