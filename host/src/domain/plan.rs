//! Plans: the changes that an operation will make on the ad servers, as a reviewer reads and
//! approves them.

use serde::{Deserialize, Serialize};

use super::{id::PlatformName, targeting::names};

names! {
    /// The action of a planned change.
    PlanAction {
        /// Creates an object.
        Create = "create",
        /// Updates an object.
        Update = "update",
        /// Deletes an object.
        Delete = "delete",
        /// Associates two objects.
        Associate = "associate",
        /// Another action, which the adapter describes.
        Other = "other",
    }
}

/// The value of one field before and after, in the platform's own terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The platform's name of the field.
    pub field: String,
    /// The previous value; `None` for a new object.
    pub before: Option<String>,
    /// The new value; `None` if the field is cleared.
    pub after: Option<String>,
}

/// One change on the ad server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// The action.
    pub action: PlanAction,
    /// The platform's name for the type of the object.
    pub remote_type: String,
    /// The name of the object.
    pub name: String,
    /// The platform's id, if the object exists.
    pub remote_id: Option<String>,
    /// The package that the change belongs to.
    pub package_id: Option<String>,
    /// The changed fields.
    pub fields: Vec<FieldChange>,
}

/// The planned changes on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformPlan {
    /// The platform.
    pub platform: PlatformName,
    /// The SHA-256 of the component that made the plan and is to carry it out.
    pub release: String,
    /// The changes, in order.
    pub changes: Vec<PlannedChange>,
    /// Notes for the reviewer.
    pub notes: Vec<String>,
}

/// The plan of an operation, with one part for each platform that it affects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The parts, in the order of the buy's platforms.
    pub platforms: Vec<PlatformPlan>,
}

impl Plan {
    /// Returns where another plan of the same change differs first: the platform, and what. The
    /// releases do not count, because another one may serve meanwhile.
    pub fn difference(&self, other: &Self) -> Option<(PlatformName, String)> {
        let other = other.as_if_made_by(self);
        let parts = self.platforms.iter().zip(&other.platforms);
        let (one, two) = parts.into_iter().find(|(one, two)| one != two)?;
        let platform = one.platform.clone();
        if one.changes.len() != two.changes.len() {
            let what = format!("{} changes, then {}", one.changes.len(), two.changes.len());
            return Some((platform, what));
        }
        let changes = one.changes.iter().zip(&two.changes).find(|(one, two)| one != two);
        let Some((one, two)) = changes else { return Some((platform, "the notes".to_owned())) };
        let of = format!("{} {}", one.remote_type, one.name);
        let field = one.fields.iter().zip(&two.fields).find(|(one, two)| one != two);
        let what = field.map_or(of.clone(), |(one, _)| format!("{} of {of}", one.field));
        Some((platform, what))
    }

    /// Returns the plan as if the releases of another plan had made it.
    #[must_use]
    pub fn as_if_made_by(&self, other: &Self) -> Self {
        let mut plan = self.clone();
        for part in &mut plan.platforms {
            if let Some(known) = other.platforms.iter().find(|known| known.platform == part.platform) {
                part.release.clone_from(&known.release);
            }
        }
        plan
    }
}
