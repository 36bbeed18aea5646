//! What a tool is: an operation of the interface, from whose entry in a protocol's table its HTTP
//! route, its MCP tool and its place in
//! `/openapi.json` and `/docs` are made.

use std::time::Duration;

use futures::future::BoxFuture;
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::{
    app::{
        App,
        caller::Caller,
        callers::rate_limits::CallKind,
        error::{AppError, ErrorCode},
    },
    metrics::{CALL_SECONDS, CALLS, Watch},
    web::json::{Arguments, text::IdempotencyKey},
};

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
    /// Changes a task. Idempotent.
    Task,
    /// Decides a task, as it stood at a version. Idempotent.
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
    /// Whether the caller must look again: a pending state, or a change that is still being carried
    /// out. HTTP 202.
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
    /// Whether a call only stops or restarts delivery, as far as its arguments say: those calls
    /// have a rate of their own, so that a caller who has just changed too much can still pause.
    /// `None`: no call of it does.
    pub only_switches: Option<fn(&Value) -> bool>,
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
    pub const fn lane(&self) -> CallKind {
        match self.effect {
            Effect::Read => CallKind::Read,
            Effect::Write | Effect::Task | Effect::Decision | Effect::Manage => CallKind::Write,
        }
    }

    /// How a call counts.
    pub(in crate::web) fn lane_of(&self, arguments: &Value) -> CallKind {
        match self.only_switches {
            Some(only_switches) if only_switches(arguments) => CallKind::Switch,
            _ => self.lane(),
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
        // Before the arguments are looked at: who may not use a tool learns nothing from its
        // errors.
        let admitted = self.audience.admit(&caller);
        let answered = match admitted.and_then(|()| app.enter(&caller, self.lane_of(&arguments.value))) {
            Ok(_room) => (self.run)(app, caller, arguments, options).await,
            Err(refused) => Err(refused),
        };
        let outcome = answered.as_ref().err().map_or("ok", |error| error.code.as_str());
        count(self.name, outcome);
        metrics::histogram!(CALL_SECONDS, "tool" => self.name).record(watch.seconds());
        answered
    }
}

fn count(tool: &'static str, outcome: &'static str) {
    metrics::counter!(CALLS, "tool" => tool, "outcome" => outcome).increment(1);
}

/// Counts a call over MCP that came to no tool.
pub fn refused_over_mcp(code: ErrorCode) {
    count("mcp", code.as_str());
}
