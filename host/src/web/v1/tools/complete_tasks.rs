//! `complete_tasks`: decides several tasks, each with a result of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    app::{
        App,
        caller::Caller,
        complete_tasks::{Decided, MOST_DECISIONS},
        error::AppError,
    },
    domain::id::TaskId,
    operations::now,
    web::{
        json::{self, Arguments, read, values::List},
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::{problem, task::TaskBody, tools::complete_task::CompleteTask},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "complete_tasks",
    title: "Decide several tasks",
    description: "Decides up to 50 tasks in order, as complete_task does, and answers with a result for each: the task as \
                  it is now, or the error. One that is refused does not keep the others from being decided.",
    audience: Audience::Reviewers,
    effect: Effect::Task,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/tasks/complete",
    input: CompleteTasks::json_schema,
    output: DecidedTasks::json_schema,
    example: r#"{"decisions": [
  {"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "resolution": "approved", "version": 1},
  {"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0988", "resolution": "rejected", "resolution_detail": "sold out", "version": 2}
]}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: CompleteTasks = read(arguments)?;
    if let Some(index) = request.decisions.0.iter().position(CompleteTask::lacks_words) {
        let pointer = format!("/decisions/{index}/resolution_detail");
        return Err(json::invalid(&pointer, "resolution_detail is needed: the buyer is told why"));
    }
    let decisions = request.decisions.0.into_iter().map(|decision| decision.into_decide(None)).collect::<Vec<_>>();
    let decided = app.complete_tasks(&caller, decisions).await?;
    Answer::new(&DecidedTasks { results: decided.iter().map(DecidedTask::of).collect() })
}

/// Several decisions.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteTasks {
    /// The decisions, made in this order.
    pub decisions: List<CompleteTask, 1, MOST_DECISIONS>,
}

/// The results, in the order of the decisions.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DecidedTasks {
    /// One for each decision.
    pub results: Vec<DecidedTask>,
}

/// The result of one decision: a task, or an error.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DecidedTask {
    /// The task.
    pub task_id: TaskId,
    /// The task as it is now; `null` if it was not decided.
    pub task: Option<TaskBody>,
    /// Why it was not decided, like the `error` of a refused request; else `null`.
    pub error: Value,
}

impl DecidedTask {
    fn of(decided: &Decided) -> Self {
        let (task, error) = match &decided.result {
            Ok(view) => (Some(TaskBody::of(&view.task, now(), view.staff)), Value::Null),
            Err(error) => (None, problem::body(error)),
        };
        Self { task_id: decided.task.clone(), task, error }
    }
}
