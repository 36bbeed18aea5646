//! A plan as it is read: the objects on each ad server, with the platform's own fields.

use super::words;
use crate::domain::plan::{PlanAction, PlannedChange, PlatformPlan};

/// The part of the plan on one platform.
pub(super) struct Part {
    pub(super) platform: String,
    pub(super) summary: String,
    pub(super) notes: Vec<String>,
    pub(super) fields: usize,
    pub(super) objects: Vec<Object>,
}

pub(super) struct Object {
    pub(super) action: &'static str,
    pub(super) kind: String,
    pub(super) name: String,
    /// Whether it exists, so that its fields have values before the change.
    pub(super) changes: bool,
    pub(super) fields: Vec<Field>,
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// Describes the part of a plan on one platform.
pub(super) fn part(plan: &PlatformPlan) -> Part {
    let made = plan.changes.iter().filter(|change| change.action == PlanAction::Create).count();
    let other = plan.changes.len() - made;
    let mut summary = Vec::new();
    if made > 0 {
        summary.push(format!("makes {}", words::count(made as u64, "object", "objects")));
    }
    if other > 0 {
        summary.push(format!("changes {}", words::count(other as u64, "object", "objects")));
    }
    Part {
        platform: plan.platform.to_string(),
        summary: summary.join(", "),
        notes: plan.notes.iter().map(|note| words::visible(note)).collect(),
        fields: plan.changes.iter().map(|change| change.fields.len()).sum(),
        objects: plan.changes.iter().map(object).collect(),
    }
}

fn object(change: &PlannedChange) -> Object {
    let text = |value: &Option<String>| value.as_deref().map(words::visible).unwrap_or_default();
    Object {
        action: match change.action {
            PlanAction::Create => "New",
            PlanAction::Update => "Changed",
            PlanAction::Delete => "Deleted",
            PlanAction::Associate => "Connected",
            PlanAction::Other => "",
        },
        kind: words::visible(&change.remote_type),
        name: words::visible(&change.name),
        changes: change.fields.iter().any(|field| field.before.is_some()),
        fields: change
            .fields
            .iter()
            .map(|field| Field {
                name: words::visible(&field.field),
                before: text(&field.before),
                after: text(&field.after),
            })
            .collect(),
    }
}
