//! `ask_buyer`: asks the buyer something about a task.

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
    name: "ask_buyer",
    title: "Ask the buyer",
    description: "Asks the buyer something about a task, one question at a time. due_by stands still until the answer; expires_at does not.",
    audience: Audience::Reviewers,
    effect: Effect::Task,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/{task_id}/ask",
    input: AskBuyer::json_schema,
    output: TaskAnswer::json_schema,
    example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "question": "For which brand is it?"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: AskBuyer = read(arguments)?;
    answer(&app.ask_buyer(&caller, &TaskId::new(request.task_id.0), &request.question.0).await?)
}

/// A question to the buyer.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskBuyer {
    /// The task.
    pub task_id: Id,
    /// The question, which the buyer reads.
    pub question: Words,
}
