//! `comment_task`: adds a comment to a task for the other reviewers.

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
    name: "comment_task",
    title: "Comment on a task",
    description: "Adds a comment to a task's history. Only the publisher's people see it. It changes nothing else, so a decision on the task stays possible on the version that was read.",
    audience: Audience::Reviewers,
    effect: Effect::Task,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/{task_id}/comment",
    input: CommentTask::json_schema,
    output: TaskAnswer::json_schema,
    example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "comment": "I am asking sales about the price"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: CommentTask = read(arguments)?;
    answer(&app.comment_task(&caller, &TaskId::new(request.task_id.0), &request.comment.0).await?)
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentTask {
    /// The task.
    pub task_id: Id,
    /// The comment.
    pub comment: Words,
}
