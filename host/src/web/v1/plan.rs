//! A plan as it is shown: the changes on each platform's ad server, with their fields before and
//! after.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{
    id::{PackageId, PlatformName},
    plan::{Plan, PlanAction},
};

/// What will change on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlatformPlan {
    /// The platform.
    pub platform: PlatformName,
    /// SHA-256 of the adapter component that made the plan and executes it.
    pub adapter_release: String,
    /// The changes, in order.
    pub changes: Vec<PlannedChange>,
    /// Further information.
    pub notes: Vec<String>,
}

/// One change on the ad server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedChange {
    /// The action.
    pub action: PlanAction,
    /// The platform's word for it.
    pub remote_type: String,
    /// Its name.
    pub name: String,
    /// Its id on the platform, if it exists.
    pub remote_id: Option<String>,
    /// The package it is for.
    pub package_id: Option<String>,
    /// The fields, in the platform's terms.
    pub fields: Vec<PlannedField>,
}

/// One field before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedField {
    /// The platform's field.
    pub field: String,
    /// Old value; `null` for a new object.
    pub before: Option<String>,
    /// The new value; `null` if it is cleared.
    pub after: Option<String>,
}

/// Converts a plan for display.
pub fn shown(plan: &Plan) -> Vec<PlatformPlan> {
    plan.platforms
        .iter()
        .map(|part| PlatformPlan {
            platform: part.platform.clone(),
            adapter_release: part.release.clone(),
            changes: part
                .changes
                .iter()
                .map(|change| PlannedChange {
                    action: change.action,
                    remote_type: change.remote_type.clone(),
                    name: change.name.clone(),
                    remote_id: change.remote_id.clone(),
                    package_id: change.package_id.clone(),
                    fields: change
                        .fields
                        .iter()
                        .map(|field| PlannedField {
                            field: field.field.clone(),
                            before: field.before.clone(),
                            after: field.after.clone(),
                        })
                        .collect(),
                })
                .collect(),
            notes: part.notes.clone(),
        })
        .collect()
}

/// Returns the packages that a plan changes, each once, in order.
pub(super) fn touched(plan: &Plan) -> Vec<PackageId> {
    let mut touched: Vec<PackageId> = Vec::new();
    for id in plan.platforms.iter().flat_map(|part| &part.changes).filter_map(|change| change.package_id.as_deref()) {
        if !touched.iter().any(|known| known.as_str() == id) {
            touched.push(PackageId::from(id));
        }
    }
    touched
}
