//! `get_task`: a task with its plan and its history.

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
    name: "get_task",
    title: "Get a task",
    description: "A task with its plan (what will change on the ad servers, field by field) and its history.",
    audience: Audience::Everybody,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/tasks/{task_id}",
    input: TaskQuery::json_schema,
    output: TaskAnswer::json_schema,
    example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: TaskQuery = read(arguments)?;
    answer(&app.get_task(&caller, &TaskId::new(request.task_id.0)).await?)
}
