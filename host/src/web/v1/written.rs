//! What the answers to all writes have in common, and the answers that are made of it.
//!
//! - [`create`]: of `create_media_buy`.
//! - [`change`]: of `update_media_buy`, `update_package` and `update_media_buy_performance_index`.
//! - [`assets`]: of `add_creative_assets`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::WriteAnswer,
    domain::{
        id::{OperationId, PackageId, TaskId},
        operation::{LegState, Operation, OperationState},
        plain::without_addresses,
        targeting::names,
        time::Timestamp,
        told::Told,
    },
};

pub mod assets;
pub mod change;
pub mod create;

names! {
    /// How a change of a buy stands.
    ChangeStatus {
        /// Carried out, or being carried out.
        Accepted = "accepted",
        /// It can't be carried out; `reason` says why.
        Failed = "failed",
        /// A person at the publisher must approve it.
        PendingManual = "pending_manual",
        /// The ad server's account must be given a permission first.
        PendingPermission = "pending_permission",
    }
}

impl JsonSchema for ChangeStatus {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChangeStatus".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Self::ALL.iter().map(|status| status.as_str()).collect();
        schemars::json_schema!({"type": "string", "enum": names})
    }
}

/// What every write tells of its operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    pub(super) status: ChangeStatus,
    pub(super) implementation_date: Option<Timestamp>,
    pub(super) reason: Option<String>,
    pub(super) detail: String,
    pub(super) operation_id: Option<OperationId>,
    pub(super) task_id: Option<TaskId>,
    pub(super) affected_packages: Vec<PackageId>,
}

impl Outcome {
    /// The protocol's view of how an operation stands.
    pub(super) fn of(answer: &WriteAnswer) -> Self {
        let operation = &answer.operation;
        let task = open_task(answer);
        let mut outcome = Self {
            status: ChangeStatus::Accepted,
            implementation_date: None,
            reason: None,
            detail: String::new(),
            operation_id: (!answer.dry_run).then(|| operation.id.clone()),
            task_id: task.clone(),
            affected_packages: operation.affected_packages(),
        };
        match operation.state {
            OperationState::AwaitingApproval => {
                outcome.status = ChangeStatus::PendingManual;
                outcome.detail = waiting("waits for approval by the publisher", task.as_ref());
            }
            OperationState::AwaitingPermission => {
                outcome.status = ChangeStatus::PendingPermission;
                outcome.detail = waiting("waits for a permission on the ad server", task.as_ref());
            }
            OperationState::Queued | OperationState::Running => {
                "being carried out; get_operation tells how it ends".clone_into(&mut outcome.detail);
            }
            OperationState::Parked => {
                let words = "being carried out; a person must find out whether the ad server did it";
                outcome.detail = waiting(words, task.as_ref());
            }
            OperationState::Succeeded => {
                outcome.implementation_date = takes_effect(operation);
                notes(operation).iter().for_each(|note| append(&mut outcome.detail, note));
            }
            OperationState::Failed => {
                outcome.status = ChangeStatus::Failed;
                outcome.reason = Some(reason(operation));
                outcome.detail = failed_detail(operation);
            }
        }
        if answer.dry_run {
            outcome.affected_packages = super::plan::touched(&operation.plan);
            outcome.detail = match outcome.status {
                ChangeStatus::PendingManual => "dry run: it would wait for approval by the publisher".to_owned(),
                _ => "dry run: nothing was changed".to_owned(),
            };
        }
        for note in &answer.notes {
            append(&mut outcome.detail, note);
        }
        outcome
    }
}

/// The task that waits for a person, while one does. A dry run makes none.
pub(super) fn open_task(answer: &WriteAnswer) -> Option<TaskId> {
    let waits = matches!(
        answer.operation.state,
        OperationState::AwaitingApproval | OperationState::AwaitingPermission | OperationState::Parked
    );
    answer.operation.task().filter(|_| waits && !answer.dry_run).cloned()
}

/// Words with the task's id, as orchestrators read it out of them.
pub(super) fn waiting(words: &str, task: Option<&TaskId>) -> String {
    match task {
        Some(task) => format!("{words}: task {task}"),
        None => words.to_owned(),
    }
}

/// Adds words to words.
pub(super) fn append(detail: &mut String, words: &str) {
    // Sentences of adapters end with a full stop, those of the host do not.
    let words = words.trim_end_matches('.');
    if !detail.is_empty() && !words.is_empty() {
        detail.push_str("; ");
    }
    detail.push_str(words);
}

/// Whether the caller must look again: it waits, or is not carried out yet.
pub fn is_pending(answer: &WriteAnswer) -> bool {
    use crate::domain::status::BuyStatus::{PendingApproval, PendingManual, PendingPermission};
    let create = answer.operation.kind == crate::domain::operation::OperationKind::Create;
    let reviewed = create && matches!(answer.standing_status, PendingManual | PendingPermission | PendingApproval);
    !answer.dry_run && (!answer.operation.state.is_final() || reviewed)
}

/// When the change takes effect: when the last platform says so, else when it was carried out.
pub(super) fn takes_effect(operation: &Operation) -> Option<Timestamp> {
    let told = operation.legs.iter().filter_map(|leg| leg.outcome.as_ref()?.effective).max();
    told.or(operation.ended_at)
}

fn reason(operation: &Operation) -> String {
    operation
        .failure
        .as_ref()
        .map_or_else(|| "no reason is known".to_owned(), |failure| failure.reason.buyer().to_owned())
}

fn notes(operation: &Operation) -> Vec<String> {
    operation
        .legs
        .iter()
        .filter_map(|leg| leg.outcome.as_ref())
        .flat_map(|outcome| &outcome.notes)
        .map(|note| without_addresses(note))
        .collect()
}

/// How each platform ended, where there were several.
fn failed_detail(operation: &Operation) -> String {
    let mut detail = String::new();
    if operation.legs.len() > 1 {
        for leg in &operation.legs {
            let words = match (&leg.failure, leg.state) {
                (Some(failure), _) => {
                    append(&mut detail, Told::failure(&leg.platform, failure).buyer());
                    continue;
                }
                (None, LegState::Done) => "carried out".to_owned(),
                (None, LegState::Undone) => "carried out, then cancelled".to_owned(),
                (None, LegState::Pending | LegState::Failed) => "not carried out".to_owned(),
            };
            append(&mut detail, &format!("{}: {words}", leg.platform));
        }
    }
    for note in notes(operation) {
        append(&mut detail, &note);
    }
    detail
}
