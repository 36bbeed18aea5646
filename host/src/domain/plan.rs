//! The changes that an operation will make on the ad servers, as a reviewer reads and approves them.

use serde::{Deserialize, Serialize};

use super::{id::PlatformName, targeting::names};

names! {
    /// What a planned change does.
    PlanAction {
        /// Makes a new object.
        Create = "create",
        /// Changes one.
        Update = "update",
        /// Removes one.
        Delete = "delete",
        /// Connects two.
        Associate = "associate",
        /// Something else that the adapter describes.
        Other = "other",
    }
}

/// One field before and after, in the platform's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The platform's field.
    pub field: String,
    /// What it was; absent for a new object.
    pub before: Option<String>,
    /// What it will be; absent where it is cleared.
    pub after: Option<String>,
}

/// One change on the ad server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// What is done.
    pub action: PlanAction,
    /// The platform's word for the thing.
    pub remote_type: String,
    /// Its name.
    pub name: String,
    /// Its id, if it exists.
    pub remote_id: Option<String>,
    /// The package that it is for.
    pub package_id: Option<String>,
    /// Field by field.
    pub fields: Vec<FieldChange>,
}

/// What will happen on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformPlan {
    /// Which platform.
    pub platform: PlatformName,
    /// SHA-256 of the component that made the plan and is to carry it out.
    pub release: String,
    /// In order.
    pub changes: Vec<PlannedChange>,
    /// What else a reviewer should know.
    pub notes: Vec<String>,
}

/// What an operation will do: one part for each platform that it touches.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// In the order of the buy's platforms.
    pub platforms: Vec<PlatformPlan>,
}
