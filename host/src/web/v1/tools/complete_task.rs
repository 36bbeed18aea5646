//! `complete_task`: decides a task.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{App, Decide, caller::Caller, error::AppError},
    domain::{
        id::TaskId,
        task::{ReasonCode, Resolution},
    },
    web::{
        json::{
            Arguments, read,
            text::{Id, Words},
            values::Version,
        },
        tool::{Answer, Audience, CallOptions, Effect, Tool, Verb},
        v1::task::{TaskAnswer, answer},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "complete_task",
    title: "Decide a task",
    description: "Decides a task: approved carries out the operation exactly as planned, rejected and \
                  cannot_complete fail it with your words, completed says that it was done by hand. Give the version \
                  that you looked at: if the task has changed since, the decision is refused and the current task is \
                  shown. The version is required for a reopened task (what was approved no longer held). The same \
                  decision sent twice counts once. After approved the task stays in_progress until the operation has \
                  ended.",
    audience: Audience::Reviewers,
    effect: Effect::Decision,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/{task_id}/complete",
    input: CompleteTask::json_schema,
    output: TaskAnswer::json_schema,
    example: r#"{
  "task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987",
  "resolution": "approved",
  "resolution_detail": "fine",
  "version": 1
}"#,
    may_be_pending: false,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    let request: CompleteTask = read(arguments)?;
    let version = options.version(request.version.as_ref().map(|version| version.0))?;
    answer(&app.complete_task(&caller, request.into_decide(version)).await?)
}

/// Decides a task.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("allOf" = [{
    "if": {"required": ["resolution"], "properties": {"resolution": {"enum": ["rejected", "cannot_complete"]}}},
    "then": {"required": ["resolution_detail"], "properties": {"resolution_detail": {"type": "string"}}},
}]))]
pub struct CompleteTask {
    /// The task.
    pub task_id: Id,
    /// `approved`: carry out the operation as planned. `rejected`: don't. `completed`: it was done
    /// by hand. `cannot_complete`: it can't be done.
    pub resolution: Resolution,
    /// Why, for the buyer. Required for `rejected`, `cannot_complete`.
    pub resolution_detail: Option<Words>,
    /// Why it is rejected, for the buyer's program.
    pub reason_code: Option<ReasonCode>,
    /// The task's `version` that the decision is based on: a decision on an older one is refused.
    /// Required for a task that was reopened.
    pub version: Option<Version>,
}

impl CompleteTask {
    /// Whether it is a refusal without the reason that the buyer reads.
    pub(super) fn lacks_words(&self) -> bool {
        let is_refusal = matches!(self.resolution, Resolution::Rejected | Resolution::CannotComplete);
        is_refusal && self.resolution_detail.as_ref().is_none_or(|words| words.0.trim().is_empty())
    }

    /// Converts the request. `version` is used if the request names none.
    pub(super) fn into_decide(self, version: Option<i64>) -> Decide {
        Decide {
            task: TaskId::new(self.task_id.0),
            resolution: self.resolution,
            words: self.resolution_detail.map(|words| words.0),
            reason_code: self.reason_code,
            version: self.version.map(|version| version.0).or(version),
        }
    }
}
