//! The requests about tasks.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::ListTasks,
    domain::{
        id::MediaBuyId,
        task::{Priority, Resolution, TaskKind, TaskStatus},
    },
    web::json::{
        text::{Id, Line, MAX_ID, MAX_NAME, Words},
        values::{Limit, Version},
    },
};

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
    /// `false`: without those past their due date. Default: `true`.
    pub include_overdue: Option<bool>,
    /// How many at most. Default: 50.
    pub limit: Option<Limit>,
    /// `next_cursor` of the page before.
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

/// One task.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskQuery {
    /// The task.
    pub task_id: Id,
}

/// Gives a task to somebody.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignTask {
    /// The task.
    pub task_id: Id,
    /// Who is to work on it.
    pub assigned_to: Line<MAX_NAME>,
}

/// Hands a task up.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalateTask {
    /// The task.
    pub task_id: Id,
    /// To whom.
    pub escalated_to: Option<Line<MAX_NAME>>,
    /// Why.
    pub reason: Words,
}

/// Decides a task.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("allOf" = [{
    "if": {"required": ["resolution"], "properties": {"resolution": {"enum": ["rejected", "cannot_complete"]}}},
    "then": {"required": ["resolution_detail"], "properties": {"resolution_detail": {"type": "string"}}},
}]))]
pub struct CompleteTask {
    /// The task.
    pub task_id: Id,
    /// `approved`: carry the operation out as planned. `rejected`: don't. `completed`: it was done by hand. `cannot_complete`: it
    /// can't be done.
    pub resolution: Resolution,
    /// Why, for the buyer. Needed for `rejected` and `cannot_complete`.
    pub resolution_detail: Option<Words>,
    /// The `version` of the task that the decision was made on: a decision on an older one is refused. Needed for a task that was
    /// asked again.
    pub version: Option<Version>,
}
