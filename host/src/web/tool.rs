//! The definition of a tool: an operation of the interface. Its HTTP route, its MCP tool and its
//! place in `/openapi.json` and `/docs` are generated from its entry in a protocol's table.

use std::time::Duration;

use bytes::Bytes;
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
    web::json::{self, Arguments, text::IdempotencyKey},
};

/// Who may use a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Buyers.
    Buyers,
    /// Reviewers at the publisher.
    Reviewers,
    /// Operators of the host.
    Operators,
    /// Buyers, for what is their own, and operators.
    Owners,
    /// Everybody, each for what they may see.
    Everybody,
}

impl Audience {
    /// Checks that a caller may use the tool.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when it may not.
    pub fn admit(self, caller: &Caller) -> Result<(), AppError> {
        match self {
            Self::Buyers => caller.buyer().map(drop),
            Self::Reviewers => caller.reviewer(),
            Self::Operators => caller.operator(),
            Self::Owners => caller.owner(),
            Self::Everybody => Ok(()),
        }
    }

    /// Describes the audience for people.
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

/// What a tool changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// Changes a buy; carried out once under an idempotency key.
    Write,
    /// Changes a task. Idempotent.
    Task,
    /// Decides a task, or which release serves a platform, at a given version. Idempotent.
    Decision,
    /// Changes settings of the host, and nothing on an ad server.
    Manage,
}

/// The HTTP method of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `GET`: arguments come from the path and the query.
    Get,
    /// `POST`: arguments come from the path and the body.
    Post,
    /// `POST`: arguments come from the path; the body is a component.
    Upload,
    /// `PUT`: arguments come from the path and the body.
    Put,
    /// `PATCH`: arguments come from the path and the body.
    Patch,
    /// `DELETE`: arguments come from the path alone.
    Delete,
}

impl Verb {
    /// Returns the method's name in HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post | Self::Upload => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Options of a call besides its arguments.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// How long to wait for the outcome of a write.
    pub wait: Duration,
    /// The idempotency key given outside the arguments.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The version given outside the arguments.
    pub if_match: Option<i64>,
    /// The body, of a tool that takes a component.
    pub upload: Bytes,
}

impl CallOptions {
    /// Returns the version that a decision is made on: that of the arguments, or of `If-Match`.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when both are given and differ.
    pub fn version(&self, argument: Option<i64>) -> Result<Option<i64>, AppError> {
        match (argument, self.if_match) {
            (Some(inside), Some(outside)) if inside != outside => {
                Err(json::invalid("/version", "version is not the one of the If-Match header: give one, or the same"))
            }
            (inside, outside) => Ok(inside.or(outside)),
        }
    }
}

/// A tool's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer's JSON.
    pub body: Value,
    /// Whether the caller must check again: a pending state, or a change that is still being
    /// carried out. HTTP 202.
    pub pending: bool,
    /// The path where the created object can be read.
    pub location: Option<String>,
    /// The version of the object shown.
    pub version: Option<i64>,
}

impl Answer {
    /// Builds a complete answer.
    ///
    /// # Errors
    /// `INTERNAL` when it can't be serialized as JSON.
    pub fn new(body: &impl Serialize) -> Result<Self, AppError> {
        let body = serde_json::to_value(body).map_err(|error| {
            tracing::error!(%error, "an answer can't be written as JSON");
            AppError::new(ErrorCode::Internal, "the answer can't be written")
        })?;
        Ok(Self { body, pending: false, location: None, version: None })
    }
}

/// Runs a call of a tool.
pub type Run = fn(App, Caller, Arguments, CallOptions) -> BoxFuture<'static, Result<Answer, AppError>>;

/// Generates the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An entry of the table.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// The tool's name, such as `create_media_buy`.
    pub name: &'static str,
    /// The tool's title for people.
    pub title: &'static str,
    /// What the tool does and when to use it, for people and for agents.
    pub description: &'static str,
    /// Who may use the tool.
    pub audience: Audience,
    /// What the tool changes.
    pub effect: Effect,
    /// Whether a call only stops or restarts delivery, judging by its arguments. Such calls have a
    /// rate limit of their own, so that a caller who has just made too many changes can still
    /// pause. `None`: no call of the tool does.
    pub only_switches: Option<fn(&Value) -> bool>,
    /// The tool's HTTP method.
    pub verb: Verb,
    /// The tool's HTTP path; `{name}` is an argument.
    pub path: &'static str,
    /// The schema of its arguments.
    pub input: SchemaOf,
    /// The schema of its answer.
    pub output: SchemaOf,
    /// An example request, in JSON.
    pub example: &'static str,
    /// Whether it answers 202 when the caller must check again.
    pub may_be_pending: bool,
    /// The function that runs it.
    pub run: Run,
}

impl Tool {
    /// Returns the names of the arguments in the path.
    pub fn path_arguments(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Counts a call that was refused before it reached the tool.
    pub fn refused(&self, code: ErrorCode) {
        count(self.name, code.as_str());
    }

    /// Returns how rate limits count a call whose arguments could not be read.
    pub const fn lane(&self) -> CallKind {
        match self.effect {
            Effect::Read => CallKind::Read,
            Effect::Write | Effect::Task | Effect::Decision | Effect::Manage => CallKind::Write,
        }
    }

    /// Returns how rate limits count a call.
    pub(in crate::web) fn lane_of(&self, arguments: &Value) -> CallKind {
        match self.only_switches {
            Some(only_switches) if only_switches(arguments) => CallKind::Switch,
            _ => self.lane(),
        }
    }

    /// Runs the tool for a caller that may use it and is within its rate limit.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `RATE_LIMITED`, and the tool's own errors.
    pub async fn call(
        &self,
        app: App,
        caller: Caller,
        arguments: Arguments,
        options: CallOptions,
    ) -> Result<Answer, AppError> {
        let watch = Watch::start();
        // Checked before the arguments are read, so that a caller who may not use a tool learns
        // nothing from its errors.
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

/// Counts an MCP call that reached no tool.
pub fn refused_over_mcp(code: ErrorCode) {
    count("mcp", code.as_str());
}
