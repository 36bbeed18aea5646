//! `get_configuration`: with which configuration each host serves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, error::AppError},
    domain::time::Timestamp,
    store::hosts::HostReport,
    web::{
        json::{Arguments, read},
        tool::{Answer, Audience, Effect, Tool, Verb},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "get_configuration",
    title: "See which configuration serves",
    description: "The hosts on this database: with which configuration each of them serves, since when, and why it \
                  could not follow the last request to reload. `same` is false while they serve with different files.",
    audience: Audience::Operators,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/config",
    input: ConfigurationQuery::json_schema,
    output: ConfigurationAnswer::json_schema,
    example: "{}",
    may_be_pending: false,
    run: |app, _, arguments, _| Box::pin(run(app, arguments)),
};

async fn run(app: App, arguments: Arguments) -> Result<Answer, AppError> {
    let ConfigurationQuery {} = read(arguments)?;
    let hosts: Vec<HostAnswer> = app.hosts().await?.into_iter().map(HostAnswer::from).collect();
    let same = hosts.iter().all(|host| host.configuration == app.config.digest);
    Answer::new(&ConfigurationAnswer { configuration: app.config.digest.clone(), same, hosts })
}

/// Nothing needs to be said.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationQuery {}

/// Which configuration serves.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ConfigurationAnswer {
    /// SHA-256 of the configuration file with which the host serves that answers.
    pub configuration: String,
    /// Whether every host serves with it.
    pub same: bool,
    /// The hosts that serve, by name.
    pub hosts: Vec<HostAnswer>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HostAnswer {
    /// The name of its machine and the number of its process.
    pub name: String,
    /// SHA-256 of the configuration file with which it serves.
    pub configuration: String,
    /// Since when it serves with that.
    pub loaded_at: Timestamp,
    /// When it last reported itself. It does so every ten seconds.
    pub seen_at: Timestamp,
    /// Why it does not serve with what it was last asked to load; `null` if it does.
    pub problem: Option<String>,
}

impl From<HostReport> for HostAnswer {
    fn from(report: HostReport) -> Self {
        let HostReport { name, configuration, loaded_at, seen_at, problem, .. } = report;
        Self { name, configuration, loaded_at, seen_at, problem }
    }
}
