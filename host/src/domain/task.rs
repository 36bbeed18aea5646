//! Tasks: what waits for a person, and the table of what may follow what.
//!
//! ```text
//! pending -> assigned -> in_progress -> completed | failed
//! pending | assigned | in_progress -> escalated -> assigned | in_progress | completed | failed
//! in_progress -> pending            (what was approved no longer holds: asked again)
//! any open state -> failed          (expired, or its buy or operation ended without it)
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    id::{MediaBuyId, OperationId, PrincipalId, TaskId},
    person::Person,
    plan::Plan,
    targeting::names,
    time::Timestamp,
    told::Told,
};

/// For how long a closed task is listed: pollers look for the end of their operation there.
pub const CLOSED_LISTED_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

names! {
    /// Why a person is needed.
    TaskKind {
        /// An operation needs approval.
        ManualApproval = "manual_approval",
        /// The ad server's account may not do it.
        PermissionException = "permission_exception",
        /// A creative needs a look.
        CreativeApproval = "creative_approval",
        /// Nobody can tell whether something happened on the ad server.
        Reconciliation = "reconciliation",
    }
}

names! {
    /// Where a task stands.
    TaskStatus {
        /// Nobody has it.
        Pending = "pending",
        /// Somebody has it.
        Assigned = "assigned",
        /// Somebody works on it, or what was approved is being carried out.
        InProgress = "in_progress",
        /// Somebody else must look, or it is late.
        Escalated = "escalated",
        /// Approved and carried out.
        Completed = "completed",
        /// Rejected, expired, or its operation failed.
        Failed = "failed",
    }
}

names! {
    /// What moves a task.
    TaskMove {
        /// Give it to somebody.
        Assign = "assign",
        /// Begin to work on it.
        Start = "start",
        /// Hand it up.
        Escalate = "escalate",
        /// What was approved no longer holds.
        Reopen = "reopen",
        /// Approved and carried out.
        Complete = "complete",
        /// Rejected, or the operation failed.
        Fail = "fail",
        /// The clock or the end of its buy closes it.
        Close = "close",
    }
}

names! {
    /// How urgent a task is.
    Priority {
        /// When there is time.
        Low = "low",
        /// The usual.
        Medium = "medium",
        /// Today.
        High = "high",
        /// Now.
        Urgent = "urgent",
    }
}

names! {
    /// What a reviewer decides.
    Resolution {
        /// Carry it out.
        Approved = "approved",
        /// Don't.
        Rejected = "rejected",
        /// It was done by hand.
        Completed = "completed",
        /// It can't be done.
        CannotComplete = "cannot_complete",
    }
}

impl TaskStatus {
    /// Whether a person can still do something about it.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Failed)
    }

    /// The one table: where a move leads, if it may be made here.
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

/// One reviewer's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who: the name of the token.
    pub by: String,
    /// Who stood behind it; `None`: written before persons were noted down.
    #[serde(default)]
    pub person: Option<Person>,
    /// What tells the token from another one of the same name; `None`: written before that was noted down.
    #[serde(default)]
    pub token: Option<String>,
    /// When.
    pub at: Timestamp,
    /// With which words.
    pub words: Option<String>,
    /// Digest of what was reviewed.
    pub digest: String,
}

impl Approval {
    /// Who stood behind it; if that was not noted down, somebody called like the token.
    pub fn person(&self) -> Person {
        self.person.clone().unwrap_or_else(|| Person::new(&*self.by))
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Why a person is needed.
    pub kind: TaskKind,
    /// The buyer whose operation waits.
    pub principal: PrincipalId,
    /// Which buy.
    pub buy: MediaBuyId,
    /// Which operation.
    pub operation: OperationId,
    /// The name of the tool that asked for the operation.
    pub operation_name: String,
    /// Who asked, by the name of the token: nobody approves their own request.
    pub requested_by: String,
    /// Who stood behind it; `None`: written before persons were noted down.
    #[serde(default)]
    pub requested_by_person: Option<Person>,
    /// Where it stands.
    pub status: TaskStatus,
    /// How urgent.
    pub priority: Priority,
    /// Why it exists, for people.
    pub reason: Told,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this it escalates by itself.
    pub due_by: Timestamp,
    /// After this it fails.
    pub expires_at: Timestamp,
    /// Who has it.
    pub assigned_to: Option<String>,
    /// To whom it was handed up.
    pub escalated_to: Option<String>,
    /// The decision, once there is one; the task stays open until it is carried out.
    pub decision: Option<Resolution>,
    /// The reviewer's words.
    pub resolution_detail: Option<String>,
    /// Who decided last.
    pub resolved_by: Option<String>,
    /// When it was closed.
    pub resolved_at: Option<Timestamp>,
    /// The yeses so far.
    pub approvals: Vec<Approval>,
    /// How many different reviewers must say yes.
    pub approvals_needed: u32,
    /// Rises by one with every change.
    pub version: i64,
    /// The request as it came.
    pub request: serde_json::Value,
    /// What will change on the ad server.
    pub plan: Plan,
    /// Digest of what is reviewed: request, plan, the buy's revision, the releases.
    pub digest: String,
    /// For a task that was asked again: what changed since it was approved.
    pub changed: Option<String>,
    /// How often it was asked again. Never cleared: from the first time on a decision must say which question it answers.
    #[serde(default)]
    pub reopened: u32,
}

impl Task {
    /// Whether it is past its due date and still open.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.status.is_open() && now > self.due_by
    }

    /// Who asked for it; if that was not noted down, somebody called like the token.
    pub fn requester(&self) -> Person {
        self.requested_by_person.clone().unwrap_or_else(|| Person::new(&*self.requested_by))
    }

    /// How it ended, as a caller is told.
    pub fn resolution(&self) -> Option<Resolution> {
        if self.status.is_open() { None } else { self.decision }
    }

    /// Moves it, and raises its version.
    ///
    /// # Errors
    /// The status in which the move can't be made.
    pub fn advance(&mut self, step: TaskMove) -> Result<(TaskStatus, TaskStatus), TaskStatus> {
        let from = self.status;
        let to = from.after(step).ok_or(from)?;
        self.status = to;
        self.version += 1;
        Ok((from, to))
    }
}

/// One line of a task's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Who: the token, with the person behind it if that is another name; `flightdeck` for what happened by itself.
    pub by: String,
    /// What was done: a move's name, `approve`, `comment`.
    pub action: String,
    /// Status before.
    pub from: TaskStatus,
    /// Status after.
    pub to: TaskStatus,
    /// With which words.
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
    fn a_closed_task_never_moves_again() {
        for status in TaskStatus::ALL.iter().filter(|status| !status.is_open()) {
            assert!(TaskMove::ALL.iter().all(|step| status.after(*step).is_none()));
        }
    }
}
