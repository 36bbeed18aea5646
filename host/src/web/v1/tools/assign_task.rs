//! `assign_task`: assigns a task to a person.

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
    name: "assign_task",
    title: "Assign a task",
    description: "Assigns a task.",
    audience: Audience::Reviewers,
    effect: Effect::Task,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/{task_id}/assign",
    input: AssignTask::json_schema,
    output: TaskAnswer::json_schema,
    example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "assigned_to": "ana"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: AssignTask = read(arguments)?;
    answer(
        &app.assign_task(&caller, &TaskId::new(request.task_id.0), &request.assigned_to.0, words(&request.reason))
            .await?,
    )
}

/// Assigns a task.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignTask {
    /// The task.
    pub task_id: Id,
    /// The new assignee.
    pub assigned_to: Line<MAX_NAME>,
    /// Why, for the history.
    pub reason: Option<Words>,
}

fn words(words: &Option<Words>) -> Option<&str> {
    words.as_ref().map(|words| words.0.as_str())
}
