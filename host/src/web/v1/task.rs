//! A task as it is shown, and the request for one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    app::{TaskView, error::AppError},
    domain::{
        approval::Demand,
        id::{GroupId, MediaBuyId, OperationId, PrincipalId, TaskId},
        inquiry::Inquiry,
        task::{HistoryEntry, Priority, ReasonCode, Resolution, Task, TaskKind, TaskStatus},
        time::Timestamp,
    },
    web::{
        json::text::Id,
        tool::Answer,
        v1::plan::{self, PlatformPlan},
    },
};

/// One task.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskQuery {
    /// The task.
    pub task_id: Id,
}

/// A task with its history.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskAnswer {
    /// The task.
    #[serde(flatten)]
    pub task: TaskBody,
    /// Its past changes, oldest first.
    pub history: Vec<HistoryLine>,
}

/// A task: something that a person at the publisher must do.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskBody {
    /// Its id.
    pub task_id: TaskId,
    /// Why a person is needed.
    pub task_type: TaskKind,
    /// The buyer whose operation waits.
    pub principal_id: PrincipalId,
    /// The media buy.
    pub media_buy_id: MediaBuyId,
    /// The operation that waits.
    pub operation_id: OperationId,
    /// The tool that made the request.
    pub operation: String,
    /// The requester: the token's name. Nobody may decide on their own request, whichever token
    /// they use.
    pub requested_by: String,
    /// The person behind it.
    pub requested_by_person: String,
    /// Its status. `completed`: approved and carried out. `failed`: rejected, expired, or the
    /// operation failed.
    pub status: TaskStatus,
    /// How urgent it is.
    pub priority: Priority,
    /// Why it exists, in words.
    pub error_detail: String,
    /// Creation time.
    pub created_at: Timestamp,
    /// It escalates automatically then.
    pub due_by: Timestamp,
    /// Whether it is open and past its due date.
    pub overdue: bool,
    /// It fails then.
    pub expires_at: Timestamp,
    /// Assignee.
    pub assigned_to: Option<String>,
    /// Who it is escalated to.
    pub escalated_to: Option<String>,
    /// The decision, set as soon as it is made.
    pub decision: Option<Resolution>,
    /// How it ended, if it has.
    pub resolution: Option<Resolution>,
    /// The reviewer's words.
    pub resolution_detail: Option<String>,
    /// Why it was rejected, for programs.
    pub reason_code: Option<ReasonCode>,
    /// The questions to the buyer, oldest first. The last one waits for `answer_task` while its
    /// `answer` is null and the task is undecided.
    pub questions: Vec<QuestionLine>,
    /// Who decided.
    pub resolved_by: Option<String>,
    /// When it was closed.
    pub resolved_at: Option<Timestamp>,
    /// The approvals so far.
    pub approvals: Vec<ApprovalLine>,
    /// How many different reviewers must approve at least; `rules` says of which groups.
    pub approvals_needed: u32,
    /// The groups whose people may decide; empty: every reviewer may. Empty for buyers.
    pub candidate_groups: Vec<String>,
    /// The rules that applied, and why. Every one of them must be satisfied. Empty for buyers.
    pub rules: Vec<RuleLine>,
    /// Rises with every change; a decision names the one it is based on.
    pub version: i64,
    /// The request as sent.
    pub context_data: Value,
    /// What will change on the ad servers.
    pub plan: Vec<PlatformPlan>,
    /// For a task that was reopened: what changed since its approval.
    pub changed: Option<String>,
}

/// A rule of the publisher's that applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleLine {
    /// Its name in the configuration.
    pub name: String,
    /// Why it applied.
    pub because: String,
    /// How many different people must approve for it.
    pub reviewers: u32,
    /// The groups whose people count for it; empty: every reviewer does.
    pub groups: Vec<String>,
}

/// A question to the buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QuestionLine {
    /// Who asked: the name of the token.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The question.
    pub question: String,
    /// The answer, once there is one.
    pub answer: Option<String>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
}

/// One reviewer's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ApprovalLine {
    /// The name of the token.
    pub by: String,
    /// The person behind it. Two approvals need two people.
    pub person: String,
    /// When.
    pub at: Timestamp,
    /// The comment.
    pub detail: Option<String>,
}

/// One line of a task's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryLine {
    /// When.
    pub at: Timestamp,
    /// The token, with the person behind it if named differently; `flightdeck` for automatic
    /// changes.
    pub by: String,
    /// The action.
    pub action: String,
    /// Old status.
    pub from: TaskStatus,
    /// New status.
    pub to: TaskStatus,
    /// The comment.
    pub detail: Option<String>,
}

impl TaskBody {
    /// Converts a task as of `now`.
    pub fn of(task: &Task, now: Timestamp, staff: bool) -> Self {
        Self {
            task_id: task.id.clone(),
            task_type: task.kind,
            principal_id: task.principal.clone(),
            media_buy_id: task.buy.clone(),
            operation_id: task.operation.clone(),
            operation: task.operation_name.clone(),
            requested_by: task.requested_by.clone(),
            requested_by_person: task.requester().as_str().to_owned(),
            status: task.status,
            priority: task.priority,
            error_detail: task.reason.to(staff).to_owned(),
            created_at: task.created_at,
            due_by: task.due_by,
            overdue: task.is_overdue(now),
            expires_at: task.expires_at,
            assigned_to: task.assigned_to.clone(),
            escalated_to: task.escalated_to.clone(),
            decision: task.decision,
            resolution: task.resolution(),
            resolution_detail: task.resolution_detail.clone(),
            reason_code: task.reason_code,
            questions: task.inquiries.iter().map(QuestionLine::of).collect(),
            resolved_by: task.resolved_by.clone(),
            resolved_at: task.resolved_at,
            approvals: task
                .approvals
                .iter()
                .map(|approval| ApprovalLine {
                    by: approval.by.clone(),
                    person: approval.person().as_str().to_owned(),
                    at: approval.at,
                    detail: approval.words.clone(),
                })
                .collect(),
            approvals_needed: task.approvals_needed,
            candidate_groups: match staff {
                true => texts(&task.candidate_groups()),
                false => Vec::new(),
            },
            // How the publisher decides is none of the buyers' business.
            rules: task.demands.iter().filter(|_| staff).map(RuleLine::of).collect(),
            version: task.version,
            context_data: task.request.clone(),
            plan: plan::shown(&task.plan),
            changed: task.changed.clone(),
        }
    }
}

impl QuestionLine {
    fn of(inquiry: &Inquiry) -> Self {
        Self {
            by: inquiry.by.clone(),
            at: inquiry.at,
            question: inquiry.words.clone(),
            answer: inquiry.answer.as_ref().map(|answer| answer.words.clone()),
            answered_at: inquiry.answer.as_ref().map(|answer| answer.at),
        }
    }
}

fn texts(groups: &[GroupId]) -> Vec<String> {
    groups.iter().map(ToString::to_string).collect()
}

impl RuleLine {
    fn of(demand: &Demand) -> Self {
        Self {
            name: demand.rule.clone(),
            because: demand.because.clone(),
            reviewers: demand.reviewers,
            groups: texts(&demand.groups),
        }
    }
}

impl From<&TaskView> for TaskAnswer {
    fn from(view: &TaskView) -> Self {
        Self {
            task: TaskBody::of(&view.task, view.now, view.staff),
            history: view.history.iter().map(|entry| HistoryLine::of(entry, &view.task, view.staff)).collect(),
        }
    }
}

impl HistoryLine {
    fn of(entry: &HistoryEntry, task: &Task, staff: bool) -> Self {
        // The host's words when it created the task are the reason for the task.
        let words = entry.words.as_ref().map(|words| match words {
            words if words == task.reason.staff() => task.reason.to(staff).to_owned(),
            words => words.clone(),
        });
        Self {
            at: entry.at,
            by: entry.by.clone(),
            action: entry.action.clone(),
            from: entry.from,
            to: entry.to,
            detail: words,
        }
    }
}

/// Builds the answer to every call about one task.
pub(in crate::web::v1) fn answer(view: &TaskView) -> Result<Answer, AppError> {
    let answer = Answer::new(&TaskAnswer::from(view))?;
    Ok(Answer { version: Some(view.task.version), ..answer })
}
