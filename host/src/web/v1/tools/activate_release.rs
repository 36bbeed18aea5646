//! `activate_release`: makes an installed release serve its platform.

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
    name: "activate_release",
    title: "Activate a release of an adapter",
    description: "Directs new calls to an installed release, on every host. Calls and operations that began on the \
                  other one end there. For ten minutes the release is on probation: if it keeps failing by its own \
                  fault, the host rolls back.",
    audience: Audience::Operators,
    effect: Effect::Decision,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/platforms/{platform}/releases/{digest}/activate",
    input: ActivateRelease::json_schema,
    output: ActivationAnswer::json_schema,
    example: r#"{"platform": "acme", "digest": "3f786850e387", "version": 3, "reason": "1.4 targets by postal code"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    let request: ActivateRelease = read(arguments)?;
    let platform = PlatformName::new(request.platform.0);
    let decision = Decision {
        reason: request.reason.map(|line| line.0),
        expected: options.version(request.version.map(|version| version.0))?,
        accept_losses: request.accept_losses.unwrap_or_default(),
    };
    let activation = app.activate_release(&caller, &platform, &request.digest.0, &decision).await?;
    let version = Some(activation.number);
    Ok(Answer { version, ..Answer::new(&ActivationAnswer::from(activation))? })
}

/// Which release serves from now on.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateRelease {
    /// The platform, as the configuration names it.
    pub platform: Id,
    /// The release: SHA-256 of its component, or at least its first 6 digits.
    pub digest: Id,
    /// Why, for the history and the audit log.
    pub reason: Option<Line<MAX_WORDS>>,
    /// The number of the activation that this was decided on; the same as If-Match. Default:
    /// whichever holds.
    pub version: Option<Version>,
    /// Whether it may do less than the release that serves. Default: false.
    pub accept_losses: Option<bool>,
}
