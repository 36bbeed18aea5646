//! The table of operations: what the interface offers, each once. HTTP routes, MCP tools, `/openapi.json` and `/docs` are made
//! from it; a new tool is one entry and the function that it calls.
//!
//! - [`buys`]: the tools with which buyers buy, change and measure.
//! - [`reads`]: products, buys and operations.
//! - [`tasks`]: the tools of reviewers, and the list that pollers read.
//! - [`webhooks`]: endpoints of webhooks.

use std::time::Duration;

use futures::future::BoxFuture;
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::app::{
    App, WriteOptions,
    caller::Caller,
    callers::rates::Lane,
    error::{AppError, ErrorCode},
};
use crate::metrics::{CALL_SECONDS, CALLS, Watch};
use crate::web::{
    json::{self, Arguments, text::IdempotencyKey},
    v1::fields,
};

pub mod buys;
pub mod reads;
pub mod tasks;
pub mod webhooks;

/// Who may use a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Buyers.
    Buyers,
    /// The publisher's people.
    Reviewers,
    /// Those who run the host.
    Operators,
    /// Buyers, for their own, and those who run the host.
    Owners,
    /// Everybody, each for what they may see.
    Everybody,
}

impl Audience {
    /// Checks a caller.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`.
    pub fn admit(self, caller: &Caller) -> Result<(), AppError> {
        match self {
            Self::Buyers => caller.buyer().map(drop),
            Self::Reviewers => caller.reviewer(),
            Self::Operators => caller.operator(),
            Self::Owners => caller.owner(),
            Self::Everybody => Ok(()),
        }
    }

    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyers => "buyers",
            Self::Reviewers => "reviewers and operators",
            Self::Operators => "operators",
            Self::Owners => "buyers, each for their own, and operators",
            Self::Everybody => "everybody, each for what they may see",
        }
    }
}

/// What a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// Changes a buy; carried out once under an idempotency key.
    Write,
    /// Changes a task. Done twice, it is done once.
    Task,
    /// Decides a task, as it stood at a version. Done twice, it is done once.
    Decision,
    /// Changes how the host works for somebody, and nothing on an ad server.
    Manage,
}

/// An HTTP method that a tool answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `GET`: arguments come from the path and the query.
    Get,
    /// `POST`: from the path and the body.
    Post,
    /// `PUT`: from the path and the body.
    Put,
    /// `PATCH`: from the path and the body.
    Patch,
    /// `DELETE`: from the path alone.
    Delete,
}

impl Verb {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What a face knows of a call beside its arguments.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// How long to wait for the outcome of a write.
    pub wait: Duration,
    /// The idempotency key that came outside of the arguments.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The version that came outside of the arguments.
    pub if_match: Option<i64>,
}

/// What a tool answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer itself.
    pub body: Value,
    /// Whether the caller must look again: a pending state, or a change that is still being carried out. HTTP 202.
    pub pending: bool,
    /// Where what was made can be read.
    pub location: Option<String>,
    /// The version of what is shown.
    pub version: Option<i64>,
}

impl Answer {
    /// An answer that is complete.
    ///
    /// # Errors
    /// `INTERNAL` if it can't be written as JSON.
    pub fn new(body: &impl Serialize) -> Result<Self, AppError> {
        let body = serde_json::to_value(body).map_err(|error| {
            tracing::error!(%error, "an answer can't be written as JSON");
            AppError::new(ErrorCode::Internal, "the answer can't be written")
        })?;
        Ok(Self { body, pending: false, location: None, version: None })
    }
}

/// A call of a tool.
pub type Run = fn(App, Caller, Arguments, CallOptions) -> BoxFuture<'static, Result<Answer, AppError>>;

/// What makes the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An entry of the table.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it does and when to use it, for people and for agents.
    pub description: &'static str,
    /// Who may use it.
    pub audience: Audience,
    /// What it does to the world.
    pub effect: Effect,
    /// Its HTTP method.
    pub verb: Verb,
    /// Its HTTP path; `{name}` is an argument.
    pub path: &'static str,
    /// What it takes.
    pub input: SchemaOf,
    /// What it answers.
    pub output: SchemaOf,
    /// A request as it may be, in JSON.
    pub example: &'static str,
    /// Whether it answers 202 when the caller must look again.
    pub may_be_pending: bool,
    /// What runs it.
    pub run: Run,
}

impl Tool {
    /// The arguments that are in the path.
    pub fn path_arguments(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Counts a call that was refused before it came to the tool.
    pub fn refused(&self, code: ErrorCode) {
        count(self.name, code.as_str());
    }

    /// How a call counts whose arguments nobody could read.
    pub const fn lane(&self) -> Lane {
        match self.effect {
            Effect::Read => Lane::Read,
            Effect::Write | Effect::Task | Effect::Decision | Effect::Manage => Lane::Write,
        }
    }

    /// How a call counts.
    fn lane_of(&self, arguments: &Value) -> Lane {
        match self.lane() {
            Lane::Write if self.effect == Effect::Write && only_switches(arguments) => Lane::Switch,
            lane => lane,
        }
    }

    /// Runs it for a caller who may use it, and has not called too often.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `RATE_LIMITED`, and the tool's own.
    pub async fn call(
        &self,
        app: App,
        caller: Caller,
        arguments: Arguments,
        options: CallOptions,
    ) -> Result<Answer, AppError> {
        let watch = Watch::start();
        // Before the arguments are looked at: who may not use a tool learns nothing from its errors.
        let admitted = self.audience.admit(&caller);
        let answered = match admitted.and_then(|()| app.enter(&caller, self.lane_of(&arguments.value))) {
            Ok(_room) => {
                let request = arguments.value.clone();
                let answered = (self.run)(app, caller, arguments, options).await;
                answered.map_err(|error| fields::in_request(error, &request))
            }
            Err(refused) => Err(refused),
        };
        let outcome = answered.as_ref().err().map_or("ok", |error| error.code.as_str());
        count(self.name, outcome);
        metrics::histogram!(CALL_SECONDS, "tool" => self.name).record(watch.seconds());
        answered
    }
}

/// Whether a change of a buy only stops or restarts delivery, as far as its arguments say: those have room of their own, so that a buy
/// can be paused by who has just changed too much.
fn only_switches(arguments: &Value) -> bool {
    const BESIDE: [&str; 3] = ["media_buy_id", "idempotency_key", "dry_run"];
    let Some(members) = arguments.as_object() else { return false };
    let package = |package: &Value| {
        let members = package.as_object();
        members.is_some_and(|members| {
            members.contains_key("active") && members.keys().all(|key| key == "package_id" || key == "active")
        })
    };
    let switches = |(key, value): (&String, &Value)| match key.as_str() {
        "active" => true,
        "packages" => value.as_array().is_some_and(|packages| packages.iter().all(package)),
        beside => BESIDE.contains(&beside),
    };
    members.keys().any(|key| key == "active" || key == "packages") && members.iter().all(switches)
}

fn count(tool: &'static str, outcome: &'static str) {
    metrics::counter!(CALLS, "tool" => tool, "outcome" => outcome).increment(1);
}

/// Counts a call over MCP that came to no tool.
pub fn refused_over_mcp(code: ErrorCode) {
    count("mcp", code.as_str());
}

/// Every tool, in the order in which they are shown.
pub fn all() -> impl Iterator<Item = &'static Tool> {
    buys::TOOLS.iter().chain(reads::TOOLS).chain(tasks::TOOLS).chain(webhooks::TOOLS)
}

/// What agents are offered over MCP: buying, reading, tasks. Each tool that an agent knows costs it attention; endpoints of webhooks
/// are made once, by whoever runs the orchestrator.
pub fn for_agents() -> impl Iterator<Item = &'static Tool> {
    buys::TOOLS.iter().chain(reads::TOOLS).chain(tasks::TOOLS)
}

/// The tool of that name, if agents are offered it.
pub fn named(name: &str) -> Option<&'static Tool> {
    for_agents().find(|tool| tool.name == name)
}

/// How a write is to be accepted. The key and the wish for a dry run are no part of what a reviewer sees, nor of what makes two
/// requests the same.
///
/// # Errors
/// `INVALID_PARAMETER` if the key came in two places and is not the same.
pub fn write_options(
    arguments: &Arguments,
    key: Option<IdempotencyKey>,
    dry_run: Option<bool>,
    options: CallOptions,
) -> Result<WriteOptions, AppError> {
    if let (Some(inside), Some(outside)) = (&key, &options.idempotency_key)
        && inside != outside
    {
        let message = "idempotency_key is not the key of the Idempotency-Key header: give one of them, or the same";
        return Err(json::invalid("/idempotency_key", message));
    }
    let mut request = arguments.value.clone();
    if let Value::Object(members) = &mut request {
        members.remove("idempotency_key");
        members.remove("dry_run");
    }
    Ok(WriteOptions {
        idempotency_key: key.or(options.idempotency_key).map(|key| key.0),
        wait: options.wait,
        dry_run: dry_run.unwrap_or(false),
        request,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_pauses_or_resumes_counts_by_itself() {
        let lane = |name: &str, arguments: Value| named(name).unwrap().lane_of(&arguments);
        for arguments in [
            json!({ "media_buy_id": "b", "active": false }),
            json!({ "media_buy_id": "b", "active": true, "idempotency_key": "k", "dry_run": false }),
            json!({ "media_buy_id": "b", "packages": [{ "package_id": "p", "active": false }] }),
        ] {
            assert_eq!(lane("update_media_buy", arguments.clone()), Lane::Switch, "{arguments}");
        }
        for arguments in [
            json!({ "media_buy_id": "b", "active": false, "total_budget": 5 }),
            json!({ "media_buy_id": "b", "packages": [{ "package_id": "p", "active": false, "budget": 5 }] }),
            json!({ "media_buy_id": "b", "packages": [{ "package_id": "p" }] }),
            json!({ "media_buy_id": "b" }),
            json!([]),
        ] {
            assert_eq!(lane("update_media_buy", arguments.clone()), Lane::Write, "{arguments}");
        }
        assert_eq!(lane("create_media_buy", json!({ "packages": ["p"], "total_budget": 1 })), Lane::Write);
        assert_eq!(lane("check_media_buy_status", json!({ "media_buy_id": "b" })), Lane::Read);
        assert_eq!(lane("complete_task", json!({ "task_id": "t", "resolution": "approved" })), Lane::Write);
    }
}
