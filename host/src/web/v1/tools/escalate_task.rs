//! `escalate_task`: escalates a task.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::TaskId,
    web::{
        json::{
            Arguments, read,
            text::{Id, Line, MAX_NAME, Words},
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::task::{TaskAnswer, answer},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "escalate_task",
    title: "Escalate a task",
    description: "Escalates a task, with a reason.",
    audience: Audience::Reviewers,
    effect: Effect::Task,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/{task_id}/escalate",
    input: EscalateTask::json_schema,
    output: TaskAnswer::json_schema,
    example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "escalated_to": "head of sales", "reason": "unusual budget"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: EscalateTask = read(arguments)?;
    let to = request.escalated_to.as_ref().map(|to| to.0.as_str());
    answer(&app.escalate_task(&caller, &TaskId::new(request.task_id.0), to, &request.reason.0).await?)
}

/// Task escalation.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalateTask {
    /// The task.
    pub task_id: Id,
    /// To whom.
    pub escalated_to: Option<Line<MAX_NAME>>,
    /// Why.
    pub reason: Words,
}
