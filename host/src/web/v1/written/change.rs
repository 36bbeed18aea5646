//! The answers of `update_media_buy`, `update_package` and `update_media_buy_performance_index`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ChangeStatus, Outcome};
use crate::{
    app::WriteAnswer,
    domain::{
        id::{OperationId, PackageId, TaskId},
        time::Timestamp,
    },
    web::v1::plan::{self, PlatformPlan},
};

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UpdateAnswer {
    /// `accepted`: carried out, or (HTTP 202) being carried out. `pending_manual` and `pending_permission` are no errors: a
    /// person must act first. `failed`: see `reason`.
    pub status: ChangeStatus,
    /// When the change takes effect; `null` while that is not known.
    pub implementation_date: Option<Timestamp>,
    /// Why it failed.
    pub reason: Option<String>,
    /// What else there is to know; the task id for pending states.
    pub detail: String,
    /// The operation, for `get_operation`. Left out for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// The task that a person must work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The packages that were changed; after a failure, those that were changed before it.
    pub affected_packages: Vec<PackageId>,
    /// What will change on the ad servers. Only for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<PlatformPlan>>,
    /// `true`: nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// `true`: the first answer to this idempotency key again.
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

/// What became of performance indices.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PerformanceAnswer {
    /// As for every change.
    #[serde(flatten)]
    pub update: UpdateAnswer,
    /// What was done or is advised, package by package.
    pub optimization_actions: Vec<OptimizationAction>,
}

/// What was done or is advised for a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OptimizationAction {
    /// The package.
    pub package_id: PackageId,
    /// `applied`: the platform does it. `advised`: it is for you to do, with `update_package`. `none`: nothing is to be done.
    pub kind: String,
    /// What, in a short word.
    pub action: String,
    /// Why.
    pub reason: String,
}

impl From<&WriteAnswer> for PerformanceAnswer {
    fn from(answer: &WriteAnswer) -> Self {
        Self { update: answer.into(), optimization_actions: optimizations(&answer.operation) }
    }
}

/// The optimisation actions of an operation.
pub(in crate::web::v1) fn optimizations(operation: &crate::domain::operation::Operation) -> Vec<OptimizationAction> {
    let outcomes = operation.legs.iter().filter_map(|leg| leg.outcome.as_ref());
    outcomes
        .flat_map(|outcome| &outcome.optimizations)
        .map(|action| OptimizationAction {
            package_id: action.package.clone(),
            kind: action.kind.clone(),
            action: action.action.clone(),
            reason: action.reason.clone(),
        })
        .collect()
}
