//! The common part of the answers to all writes, and the answer that several of them share.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    app::{WriteAnswer, WriteOptions, error::AppError},
    domain::{
        disclosure::Disclosure,
        id::{OperationId, PackageId, TaskId},
        operation::{LegState, Operation, OperationState},
        redaction::without_addresses,
        targeting::names,
        time::Timestamp,
    },
    web::{
        json::{self, Arguments, text::IdempotencyKey},
        tool::{Answer, CallOptions},
        v1::plan::{self, PlatformPlan},
    },
};

/// The result of a change.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UpdateAnswer {
    /// `accepted`: done, or (HTTP 202) being carried out. `pending_manual` and `pending_permission`
    /// are not errors: a person must act first. `failed`: see `reason`.
    pub status: ChangeStatus,
    /// When the change takes effect; `null` if not yet known.
    pub implementation_date: Option<Timestamp>,
    /// Why it failed.
    pub reason: Option<String>,
    /// Further information; the task id for pending states.
    pub detail: String,
    /// The operation, for `get_operation`. Absent for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// The task that a person must act on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The packages that were changed; after a failure, those changed before it.
    pub affected_packages: Vec<PackageId>,
    /// What will change on the ad servers. Only for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<PlatformPlan>>,
    /// `true`: nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// `true`: repeats the first answer to this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
}

impl From<&WriteAnswer> for UpdateAnswer {
    fn from(answer: &WriteAnswer) -> Self {
        let outcome = Outcome::of(answer);
        Self {
            status: outcome.status,
            implementation_date: outcome.implementation_date,
            reason: outcome.reason,
            detail: outcome.detail,
            operation_id: outcome.operation_id,
            task_id: outcome.task_id,
            affected_packages: outcome.affected_packages,
            plan: answer.dry_run.then(|| plan::shown(&answer.operation.plan)),
            dry_run: answer.dry_run.then_some(true),
            replayed: answer.replayed.then_some(true),
        }
    }
}

names! {
    /// The status of a change.
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

/// The operation's part of the answer to every write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    pub(in crate::web::v1) status: ChangeStatus,
    pub(in crate::web::v1) implementation_date: Option<Timestamp>,
    pub(in crate::web::v1) reason: Option<String>,
    pub(in crate::web::v1) detail: String,
    pub(in crate::web::v1) operation_id: Option<OperationId>,
    pub(in crate::web::v1) task_id: Option<TaskId>,
    pub(in crate::web::v1) affected_packages: Vec<PackageId>,
}

impl Outcome {
    /// Translates the state of an operation into the protocol's terms.
    pub(in crate::web::v1) fn of(answer: &WriteAnswer) -> Self {
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
            outcome.affected_packages = plan::touched(&operation.plan);
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

/// Returns the options for accepting a write. The idempotency key and `dry_run` are removed from
/// the stored request: a reviewer does not see them, and they don't make two requests different.
///
/// # Errors
/// `INVALID_PARAMETER` when the key is given in two places with different values.
pub fn write_options(
    arguments: &Arguments,
    key: Option<IdempotencyKey>,
    dry_run: Option<bool>,
    options: CallOptions,
) -> Result<WriteOptions, AppError> {
    if let (Some(inside), Some(outside)) = (&key, &options.idempotency_key)
        && inside != outside
    {
        let message = "idempotency_key is not the key of the Idempotency-Key header: give one of them, or the same";
        return Err(json::invalid("/idempotency_key", message));
    }
    let mut request = arguments.value.clone();
    if let Value::Object(members) = &mut request {
        members.remove("idempotency_key");
        members.remove("dry_run");
    }
    Ok(WriteOptions {
        idempotency_key: key.or(options.idempotency_key).map(|key| key.0),
        wait: options.wait,
        dry_run: dry_run.unwrap_or(false),
        request,
    })
}

/// Builds the answer to a write.
pub(in crate::web::v1) fn answer<'a, T: Serialize + From<&'a WriteAnswer>>(
    answer: &'a WriteAnswer,
) -> Result<Answer, AppError> {
    let shown = Answer::new(&T::from(answer))?;
    Ok(Answer { pending: is_pending(answer), ..shown })
}

/// Returns the task that waits for a person, if there is one. A dry run creates none.
pub(in crate::web::v1) fn open_task(answer: &WriteAnswer) -> Option<TaskId> {
    let waits = matches!(
        answer.operation.state,
        OperationState::AwaitingApproval | OperationState::AwaitingPermission | OperationState::Parked
    );
    answer.operation.task().filter(|_| waits && !answer.dry_run).cloned()
}

/// Adds the task's id to a text, in the form that orchestrators parse.
pub(in crate::web::v1) fn waiting(words: &str, task: Option<&TaskId>) -> String {
    match task {
        Some(task) => format!("{words}: task {task}"),
        None => words.to_owned(),
    }
}

/// Appends words to a text.
pub(in crate::web::v1) fn append(detail: &mut String, words: &str) {
    // Adapters' sentences end with a full stop, the host's do not.
    let words = words.trim_end_matches('.');
    if !detail.is_empty() && !words.is_empty() {
        detail.push_str("; ");
    }
    detail.push_str(words);
}

/// Returns whether the caller must check again: the operation waits, or is not carried out yet.
pub fn is_pending(answer: &WriteAnswer) -> bool {
    use crate::domain::status::BuyStatus::{PendingApproval, PendingManual, PendingPermission};
    let create = answer.operation.kind == crate::domain::operation::OperationKind::Create;
    let reviewed = create && matches!(answer.standing_status, PendingManual | PendingPermission | PendingApproval);
    !answer.dry_run && (!answer.operation.state.is_final() || reviewed)
}

/// Returns when the change takes effect: the latest time that a platform gives, else when it was
/// carried out.
pub(in crate::web::v1) fn takes_effect(operation: &Operation) -> Option<Timestamp> {
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

/// Describes how each platform ended, if there were several.
fn failed_detail(operation: &Operation) -> String {
    let mut detail = String::new();
    if operation.legs.len() > 1 {
        for leg in &operation.legs {
            let words = match (&leg.failure, leg.state) {
                (Some(failure), _) => {
                    append(&mut detail, Disclosure::failure(&leg.platform, failure).buyer());
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
