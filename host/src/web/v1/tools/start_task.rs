//! `start_task`: starts work on a task.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::TaskId,
    web::{
        json::{
            Arguments, read,
            text::{Id, Words},
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::task::{TaskAnswer, answer},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "start_task",
    title: "Start a task",
    description: "Starts work on a task. If it is unassigned, the caller gets it. With take_over, the caller also gets one that somebody else has.",
    audience: Audience::Reviewers,
    effect: Effect::Task,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/{task_id}/start",
    input: StartTask::json_schema,
    output: TaskAnswer::json_schema,
    example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: StartTask = read(arguments)?;
    let id = TaskId::new(request.task_id.0);
    answer(&match request.take_over {
        Some(reason) => app.take_over_task(&caller, &id, &reason.0).await?,
        None => app.start_task(&caller, &id).await?,
    })
}

/// Starts work on a task.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartTask {
    /// The task.
    pub task_id: Id,
    /// Takes it over from whoever has it, for this reason.
    pub take_over: Option<Words>,
}
