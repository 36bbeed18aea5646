//! The tools of reviewers, and the list that pollers read.

use schemars::JsonSchema;

use super::{Answer, Audience, CallOptions, Effect, Tool, Verb};
use crate::{
    app::{App, Decide, TaskView, caller::Caller, error::AppError},
    domain::id::TaskId,
    web::{
        json::{self, Arguments, read},
        v1::{
            task::{TaskAnswer, TasksAnswer},
            task_requests::{AssignTask, CompleteTask, EscalateTask, TaskQuery, TasksQuery},
        },
    },
};

/// The entries of the table.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "get_pending_tasks",
        title: "List tasks",
        description: "The open tasks that wait for a person, and those resolved in the last 7 days. Buyers poll it (once a minute, \
                      with backoff) for the task_id of a pending answer: completed means approved and carried out, failed means \
                      rejected, expired or not possible, with resolution_detail.",
        audience: Audience::Everybody,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/tasks",
        input: TasksQuery::json_schema,
        output: TasksAnswer::json_schema,
        example: r#"{"task_type": "manual_approval"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(get_pending_tasks(app, caller, arguments)),
    },
    Tool {
        name: "get_task",
        title: "Get a task",
        description: "A task with its plan (what will change on the ad servers, field by field) and its history.",
        audience: Audience::Everybody,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/tasks/{task_id}",
        input: TaskQuery::json_schema,
        output: TaskAnswer::json_schema,
        example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(get_task(app, caller, arguments)),
    },
    Tool {
        name: "assign_task",
        title: "Assign a task",
        description: "Gives a task to somebody.",
        audience: Audience::Reviewers,
        effect: Effect::Task,
        verb: Verb::Post,
        path: "/v1/tasks/{task_id}/assign",
        input: AssignTask::json_schema,
        output: TaskAnswer::json_schema,
        example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "assigned_to": "ana"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(assign_task(app, caller, arguments)),
    },
    Tool {
        name: "start_task",
        title: "Start a task",
        description: "Begins to work on a task. A task that nobody has becomes the caller's.",
        audience: Audience::Reviewers,
        effect: Effect::Task,
        verb: Verb::Post,
        path: "/v1/tasks/{task_id}/start",
        input: TaskQuery::json_schema,
        output: TaskAnswer::json_schema,
        example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(start_task(app, caller, arguments)),
    },
    Tool {
        name: "escalate_task",
        title: "Escalate a task",
        description: "Hands a task up, with the reason.",
        audience: Audience::Reviewers,
        effect: Effect::Task,
        verb: Verb::Post,
        path: "/v1/tasks/{task_id}/escalate",
        input: EscalateTask::json_schema,
        output: TaskAnswer::json_schema,
        example: r#"{"task_id": "task_01993f5e8c5a7b7e9d6a4f3c2b1a0987", "escalated_to": "head of sales", "reason": "unusual budget"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(escalate_task(app, caller, arguments)),
    },
    Tool {
        name: "complete_task",
        title: "Decide a task",
        description: "Decides a task: approved carries the operation out exactly as planned, rejected and cannot_complete fail it with \
                      your words, completed says that it was done by hand. Name the version that you looked at: if the task \
                      changed since, the decision is refused and the current task is shown. A task that was asked again (what was \
                      approved no longer held) takes no decision without it. The same decision sent twice is one decision. \
                      After approved the task stays in_progress until the operation has ended.",
        audience: Audience::Reviewers,
        effect: Effect::Decision,
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
        run: |app, caller, arguments, options| Box::pin(complete_task(app, caller, arguments, options)),
    },
];

fn shown(view: &TaskView) -> Result<Answer, AppError> {
    let answer = Answer::new(&TaskAnswer::from(view))?;
    Ok(Answer { version: Some(view.task.version), ..answer })
}

async fn get_pending_tasks(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: TasksQuery = read(arguments)?;
    let list = app.get_pending_tasks(&caller, request.into()).await?;
    Answer::new(&TasksAnswer::from(&list))
}

async fn get_task(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: TaskQuery = read(arguments)?;
    shown(&app.get_task(&caller, &TaskId::new(request.task_id.0)).await?)
}

async fn assign_task(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: AssignTask = read(arguments)?;
    shown(&app.assign_task(&caller, &TaskId::new(request.task_id.0), &request.assigned_to.0).await?)
}

async fn start_task(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: TaskQuery = read(arguments)?;
    shown(&app.start_task(&caller, &TaskId::new(request.task_id.0)).await?)
}

async fn escalate_task(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: EscalateTask = read(arguments)?;
    let to = request.escalated_to.as_ref().map(|to| to.0.as_str());
    shown(&app.escalate_task(&caller, &TaskId::new(request.task_id.0), to, &request.reason.0).await?)
}

async fn complete_task(
    app: App,
    caller: Caller,
    arguments: Arguments,
    options: CallOptions,
) -> Result<Answer, AppError> {
    let request: CompleteTask = read(arguments)?;
    let version = request.version.map(|version| version.0);
    if let (Some(inside), Some(outside)) = (version, options.if_match)
        && inside != outside
    {
        return Err(json::invalid("/version", "version is not the one of the If-Match header: give one, or the same"));
    }
    let decide = Decide {
        task: TaskId::new(request.task_id.0),
        resolution: request.resolution,
        words: request.resolution_detail.map(|words| words.0),
        version: version.or(options.if_match),
    };
    shown(&app.complete_task(&caller, decide).await?)
}
