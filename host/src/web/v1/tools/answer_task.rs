//! `answer_task`: the buyer's answer to a reviewer's question.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::{id::TaskId, task::TaskStatus, time::Timestamp},
    web::{
        json::{
            Arguments, read,
            text::{Id, Words},
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "answer_task",
    title: "Answer a reviewer",
    description: "Answers the question that a reviewer asked about your request: the last of a task's questions, without an answer. The same answer sent twice counts once.",
    audience: Audience::Buyers,
    effect: Effect::Task,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/{task_id}/answer",
    input: AnswerTask::json_schema,
    output: AnswerTaken::json_schema,
    example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "answer": "For the spring collection"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: AnswerTask = read(arguments)?;
    let task = app.answer_task(&caller, &TaskId::new(request.task_id.0), &request.answer.0).await?.task;
    let taken = AnswerTaken { task_id: task.id, status: task.status, due_by: task.due_by };
    Ok(Answer { version: Some(task.version), ..Answer::new(&taken)? })
}

/// The task after the answer. `get_task` shows all of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AnswerTaken {
    /// The task.
    pub task_id: TaskId,
    /// Its status.
    pub status: TaskStatus,
    /// It escalates then.
    pub due_by: Timestamp,
}

/// A buyer's answer.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerTask {
    /// The task.
    pub task_id: Id,
    /// The answer.
    pub answer: Words,
}
