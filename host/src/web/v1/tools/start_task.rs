//! `start_task`: starts work on a task.

use schemars::JsonSchema;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::id::TaskId,
    web::{
        json::{Arguments, read},
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::task::{TaskAnswer, TaskQuery, answer},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "start_task",
    title: "Start a task",
    description: "Starts work on a task. If it is unassigned, the caller gets it.",
    audience: Audience::Reviewers,
    effect: Effect::Task,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/{task_id}/start",
    input: TaskQuery::json_schema,
    output: TaskAnswer::json_schema,
    example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: TaskQuery = read(arguments)?;
    answer(&app.start_task(&caller, &TaskId::new(request.task_id.0)).await?)
}
