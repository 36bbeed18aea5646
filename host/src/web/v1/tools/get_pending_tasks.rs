//! `get_pending_tasks`: the list of tasks that reviewers and pollers read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, ListTasks, TaskList, caller::Caller, error::AppError},
    domain::{
        id::MediaBuyId,
        task::{Priority, TaskKind, TaskStatus},
    },
    web::{
        json::{
            Arguments, read,
            text::{Id, Line, MAX_ID},
            values::Limit,
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::task::TaskBody,
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "get_pending_tasks",
    title: "List tasks",
    description: "The open tasks that wait for a person, and those resolved in the last 7 days. Buyers poll it (once a minute, \
                  with backoff) for the task_id of a pending answer: completed means approved and carried out, failed means \
                  rejected, expired or not possible, with resolution_detail.",
    audience: Audience::Everybody,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/tasks",
    input: TasksQuery::json_schema,
    output: TasksAnswer::json_schema,
    example: r#"{"task_type": "manual_approval"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: TasksQuery = read(arguments)?;
    let list = app.get_pending_tasks(&caller, request.into()).await?;
    Answer::new(&TasksAnswer::from(&list))
}

/// Which tasks to list.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TasksQuery {
    /// Only of this type.
    pub task_type: Option<TaskKind>,
    /// Only of this priority.
    pub priority: Option<Priority>,
    /// Only in this status.
    pub status: Option<TaskStatus>,
    /// Only about this media buy.
    pub media_buy_id: Option<Id>,
    /// `false`: omit those past their due date. Default: `true`.
    pub include_overdue: Option<bool>,
    /// Maximum number. Default: 50.
    pub limit: Option<Limit>,
    /// `next_cursor` of the prior page.
    pub cursor: Option<Line<MAX_ID>>,
}

impl From<TasksQuery> for ListTasks {
    fn from(query: TasksQuery) -> Self {
        Self {
            kind: query.task_type,
            priority: query.priority,
            status: query.status,
            buy: query.media_buy_id.map(|id| MediaBuyId::new(id.0)),
            include_overdue: query.include_overdue,
            limit: query.limit.map(|limit| limit.0),
            cursor: query.cursor.map(|cursor| cursor.0),
        }
    }
}

/// A page of tasks: the open ones, and those resolved in the last 7 days.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TasksAnswer {
    /// The tasks: most urgent first, then oldest first.
    pub tasks: Vec<TaskBody>,
    /// Number of tasks on all pages. Counting stops at 10000, which means 10000 or more; use
    /// filters to narrow it.
    pub total_count: u64,
    /// How many are open and past their due date.
    pub overdue_count: u64,
    /// For the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl From<&TaskList> for TasksAnswer {
    fn from(list: &TaskList) -> Self {
        Self {
            tasks: list.page.items.iter().map(|task| TaskBody::of(task, list.now, list.staff)).collect(),
            total_count: list.total,
            overdue_count: list.overdue,
            next_cursor: list.page.next_cursor.clone(),
        }
    }
}
