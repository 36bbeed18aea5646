//! Tasks, which wait for a person, and the table of their status transitions.
//!
//! ```text
//! pending -> assigned -> in_progress -> completed | failed
//! pending | assigned | in_progress -> escalated -> assigned | in_progress | completed | failed
//! in_progress -> pending            (the approval no longer applies: reopened)
//! any open state -> failed          (expired, or its buy or operation ended without it)
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    approval::{self, Demand},
    disclosure::Disclosure,
    id::{GroupId, MediaBuyId, OperationId, PrincipalId, TaskId},
    inquiry::Inquiry,
    person::Person,
    plan::Plan,
    targeting::names,
    time::Timestamp,
};

/// How long a closed task is listed. Callers poll the list for the end of their operation.
pub const CLOSED_LISTED_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

names! {
    /// The reason why a person is needed.
    TaskKind {
        /// An operation needs approval.
        ManualApproval = "manual_approval",
        /// The ad server's account lacks a permission.
        PermissionException = "permission_exception",
        /// A creative needs review.
        CreativeApproval = "creative_approval",
        /// A person must find out whether something happened on the ad server.
        Reconciliation = "reconciliation",
    }
}

names! {
    /// The status of a task.
    TaskStatus {
        /// Nobody is assigned.
        Pending = "pending",
        /// A person is assigned.
        Assigned = "assigned",
        /// A person is working on it, or the approved operation is being carried out.
        InProgress = "in_progress",
        /// Somebody else must look at it, or it is overdue.
        Escalated = "escalated",
        /// Approved, and the operation was carried out.
        Completed = "completed",
        /// Rejected, expired, or its operation failed.
        Failed = "failed",
    }
}

names! {
    /// An action that changes the status of a task.
    TaskMove {
        /// Assigns the task to a person.
        Assign = "assign",
        /// Starts work on the task.
        Start = "start",
        /// Escalates the task.
        Escalate = "escalate",
        /// Reopens the task, because the approval no longer applies.
        Reopen = "reopen",
        /// Completes the task: approved and carried out.
        Complete = "complete",
        /// Fails the task: rejected, or the operation failed.
        Fail = "fail",
        /// Closes the task, because it expired or its buy ended.
        Close = "close",
    }
}

names! {
    /// The priority of a task.
    Priority {
        /// When there is time.
        Low = "low",
        /// The default.
        Medium = "medium",
        /// Today.
        High = "high",
        /// Immediately.
        Urgent = "urgent",
    }
}

names! {
    /// A reviewer's decision.
    Resolution {
        /// Approved: carry it out.
        Approved = "approved",
        /// Rejected: don't carry it out.
        Rejected = "rejected",
        /// It was carried out by hand.
        Completed = "completed",
        /// It can't be carried out.
        CannotComplete = "cannot_complete",
    }
}

names! {
    /// Why a reviewer rejected, for programs.
    ReasonCode {
        /// The price is too low.
        Price = "price",
        /// The budget is too small or too large.
        Budget = "budget",
        /// The flight does not suit.
        Dates = "dates",
        /// The targeting does not suit.
        Targeting = "targeting",
        /// A creative does not suit.
        Creative = "creative",
        /// There is not enough inventory.
        Inventory = "inventory",
        /// The publisher's policy forbids it.
        Policy = "policy",
        /// It is there already.
        Duplicate = "duplicate",
        /// Another reason, which the words give.
        Other = "other",
    }
}

impl TaskStatus {
    /// Whether a person can still act on the task.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Failed)
    }

    /// The status after a move, or `None` if the move is not allowed. This is the only table of
    /// transitions.
    pub const fn after(self, step: TaskMove) -> Option<Self> {
        use TaskMove::{Assign, Close, Complete, Escalate, Fail, Reopen, Start};
        use TaskStatus::{Assigned, Completed, Escalated, Failed, InProgress, Pending};
        match (self, step) {
            (Pending | Assigned | Escalated, Assign) => Some(Assigned),
            (Assigned | Escalated, Start) => Some(InProgress),
            (Pending | Assigned | InProgress, Escalate) => Some(Escalated),
            (InProgress, Reopen) => Some(Pending),
            (InProgress | Escalated, Complete) => Some(Completed),
            (InProgress | Escalated, Fail) => Some(Failed),
            (Pending | Assigned | InProgress | Escalated, Close) => Some(Failed),
            _ => None,
        }
    }
}

/// The approval of one reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The reviewer: the name of the token.
    pub by: String,
    /// The person behind the token; `None` in records from before persons were stored.
    #[serde(default)]
    pub person: Option<Person>,
    /// Distinguishes the token from others with the same name; `None` in records from before this
    /// was stored.
    #[serde(default)]
    pub token: Option<String>,
    /// The time of the approval.
    pub at: Timestamp,
    /// The reviewer's comment.
    pub words: Option<String>,
    /// The digest of what was reviewed.
    pub digest: String,
}

impl Approval {
    /// The person behind the token. If none was stored, a person with the name of the token.
    pub fn person(&self) -> Person {
        self.person.clone().unwrap_or_else(|| Person::new(&*self.by))
    }
}

/// A task for a person: an approval, a permission, or a reconciliation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The id, which begins with `task`.
    pub id: TaskId,
    /// The reason why a person is needed.
    pub kind: TaskKind,
    /// The buyer whose operation waits.
    pub principal: PrincipalId,
    /// The media buy.
    pub buy: MediaBuyId,
    /// The operation that waits.
    pub operation: OperationId,
    /// The name of the tool that requested the operation.
    pub operation_name: String,
    /// The caller that requested the operation, by the name of the token. Nobody may approve their
    /// own request.
    pub requested_by: String,
    /// The person behind that token; `None` in records from before persons were stored.
    #[serde(default)]
    pub requested_by_person: Option<Person>,
    /// The status.
    pub status: TaskStatus,
    /// The priority.
    pub priority: Priority,
    /// Why the task exists, for people.
    pub reason: Disclosure,
    /// When the task was created.
    pub created_at: Timestamp,
    /// The time after which the task escalates automatically.
    pub due_by: Timestamp,
    /// The time after which the task fails.
    pub expires_at: Timestamp,
    /// The assignee.
    pub assigned_to: Option<String>,
    /// The person to whom the task was escalated.
    pub escalated_to: Option<String>,
    /// To whom the task escalates when nobody decides in time: a group or a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<String>,
    /// The decision, once there is one. The task stays open until the decision is carried out.
    pub decision: Option<Resolution>,
    /// The reviewer's comment.
    pub resolution_detail: Option<String>,
    /// Why it was rejected, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
    /// The questions to the buyer, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inquiries: Vec<Inquiry>,
    /// The name of the token that decided last.
    pub resolved_by: Option<String>,
    /// When the task was closed.
    pub resolved_at: Option<Timestamp>,
    /// The approvals so far.
    pub approvals: Vec<Approval>,
    /// How many different reviewers must approve at least.
    pub approvals_needed: u32,
    /// What each rule that applied demands, and why it applied. Empty in tasks that no rule demands,
    /// and in records from before this was stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<Demand>,
    /// The version. It rises by one with every change.
    pub version: i64,
    /// The request as it was received.
    pub request: serde_json::Value,
    /// The planned changes on the ad servers.
    pub plan: Plan,
    /// The digest of what is reviewed: the request, the plan, the buy's revision and the releases.
    pub digest: String,
    /// For a task that was reopened: what changed since the approval.
    pub changed: Option<String>,
    /// How often the task was reopened. Never reset: from the first time on, a decision must name
    /// the task's version.
    #[serde(default)]
    pub reopened: u32,
}

impl Task {
    /// Whether the task is still open after its due date, and does not wait for the buyer.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.status.is_open() && now > self.due_by && self.open_inquiry().is_none()
    }

    /// The person who requested the operation. If none was stored, a person with the name of the
    /// token.
    pub fn requester(&self) -> Person {
        self.requested_by_person.clone().unwrap_or_else(|| Person::new(&*self.requested_by))
    }

    /// What must be met by those who approve: what the rules demand, or so many reviewers if no rule
    /// is recorded.
    pub fn demanded(&self) -> Vec<Demand> {
        if !self.demands.is_empty() {
            return self.demands.clone();
        }
        vec![Demand {
            rule: String::new(),
            because: String::new(),
            reviewers: self.approvals_needed,
            groups: Vec::new(),
        }]
    }

    /// The groups whose people may decide; empty if every reviewer may.
    pub fn candidate_groups(&self) -> Vec<GroupId> {
        approval::candidate_groups(&self.demands)
    }

    /// The resolution of a closed task, for callers.
    pub fn resolution(&self) -> Option<Resolution> {
        if self.status.is_open() { None } else { self.decision }
    }

    /// Applies a move and increments the version. Returns the status before and after.
    ///
    /// # Errors
    /// When the move is not allowed. Returns the current status.
    pub fn advance(&mut self, step: TaskMove) -> Result<(TaskStatus, TaskStatus), TaskStatus> {
        let from = self.status;
        let to = from.after(step).ok_or(from)?;
        self.status = to;
        self.version += 1;
        Ok((from, to))
    }
}

/// One entry of a task's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The time.
    pub at: Timestamp,
    /// The actor: the token, with the person behind it if the names differ, or `flightdeck` for
    /// what the host did itself.
    pub by: String,
    /// The action: the name of a move, `approve` or `comment`.
    pub action: String,
    /// The status before.
    pub from: TaskStatus,
    /// The status after.
    pub to: TaskStatus,
    /// The actor's comment.
    pub words: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_one_in_the_documentation() {
        use TaskMove as M;
        use TaskStatus as S;
        let allowed = [
            (S::Pending, M::Assign, S::Assigned),
            (S::Pending, M::Escalate, S::Escalated),
            (S::Pending, M::Close, S::Failed),
            (S::Assigned, M::Assign, S::Assigned),
            (S::Assigned, M::Start, S::InProgress),
            (S::Assigned, M::Escalate, S::Escalated),
            (S::Assigned, M::Close, S::Failed),
            (S::InProgress, M::Escalate, S::Escalated),
            (S::InProgress, M::Reopen, S::Pending),
            (S::InProgress, M::Complete, S::Completed),
            (S::InProgress, M::Fail, S::Failed),
            (S::InProgress, M::Close, S::Failed),
            (S::Escalated, M::Assign, S::Assigned),
            (S::Escalated, M::Start, S::InProgress),
            (S::Escalated, M::Complete, S::Completed),
            (S::Escalated, M::Fail, S::Failed),
            (S::Escalated, M::Close, S::Failed),
        ];
        for from in S::ALL {
            for step in M::ALL {
                let expected = allowed.iter().find(|(f, m, _)| f == from && m == step).map(|(_, _, to)| *to);
                assert_eq!(from.after(*step), expected, "{from} {step}");
            }
        }
    }

    #[test]
    fn a_task_from_before_rules_were_recorded_demands_as_many_reviewers_as_it_did() {
        let stored = serde_json::json!({
            "id": "task_1", "kind": "manual_approval", "principal": "agency", "buy": "acme_1", "operation": "op_1",
            "operation_name": "create_media_buy", "requested_by": "buyer", "status": "pending", "priority": "medium",
            "reason": "it needs approval", "created_at": "2026-12-01T00:00:00Z", "due_by": "2026-12-02T00:00:00Z",
            "expires_at": "2026-12-03T00:00:00Z", "assigned_to": null, "escalated_to": null, "decision": null,
            "resolution_detail": null, "resolved_by": null, "resolved_at": null, "approvals": [], "approvals_needed": 2,
            "version": 1, "request": {}, "plan": { "platforms": [] }, "digest": "d", "changed": null,
        });
        let task: Task = serde_json::from_value(stored).unwrap();
        let demanded: Vec<String> = task.demanded().iter().map(ToString::to_string).collect();
        assert_eq!((demanded, task.candidate_groups()), (vec!["2 reviewers".to_owned()], vec![]));
        let kept = serde_json::to_value(&task).unwrap();
        assert_eq!((kept.get("demands"), kept.get("escalate_to")), (None, None), "an earlier host reads it, too");
    }

    #[test]
    fn a_closed_task_never_moves_again() {
        for status in TaskStatus::ALL.iter().filter(|status| !status.is_open()) {
            assert!(TaskMove::ALL.iter().all(|step| status.after(*step).is_none()));
        }
    }
}
