//! `activate_release`: makes an installed release serve its platform.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::PlatformName,
    operations::releases::{DEFAULT_TRIAL, Decision, Trial},
    web::{
        json::{
            Arguments, invalid, read,
            text::{Id, Line, MAX_WORDS},
            values::{Minutes, Percent, Version},
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
                  fault, the host rolls back. With `canary_percent`, the release gets that share of the media buys \
                  only, and takes over after a while if it does well.",
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
        trial: trial(request.canary_percent, request.canary_minutes)?,
    };
    let activation = app.activate_release(&caller, &platform, &request.digest.0, &decision).await?;
    let version = Some(activation.number);
    Ok(Answer { version, ..Answer::new(&ActivationAnswer::from(activation))? })
}

fn trial(percent: Option<Percent>, minutes: Option<Minutes>) -> Result<Option<Trial>, AppError> {
    match (percent, minutes) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            Err(invalid("/canary_minutes", "canary_minutes is for a release on trial: send canary_percent, too"))
        }
        (Some(percent), minutes) => {
            let lasts = minutes.map_or(DEFAULT_TRIAL, |minutes| Duration::from_secs(u64::from(minutes.0) * 60));
            Ok(Some(Trial { percent: percent.0, lasts }))
        }
    }
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
    /// The share of media buys that the release gets, in per cent; the one that serves keeps the
    /// others. Default: all of them.
    pub canary_percent: Option<Percent>,
    /// After how many minutes the release takes over, if it has done well with its share. Default: 30.
    pub canary_minutes: Option<Minutes>,
}
