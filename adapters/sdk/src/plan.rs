//! Plans: the changes that a reviewer reads before they are made.
//!
//! An author writes one translation, from a media buy to the platform's object, as an [`Object`]. A
//! creation is planned and sent from it. A change is the difference between the translations of the
//! current and the desired state. So the adapter sends exactly what was approved.

use crate::{
    json::{Json, Object},
    types::{ChangePlan, FieldChange, PlanAction, PlannedChange},
};

/// A plan under construction.
#[derive(Debug, Default)]
pub struct Plan {
    changes: Vec<PlannedChange>,
    notes: Vec<String>,
}

impl Plan {
    /// Adds a change.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change.0);
    }

    /// Adds a change, unless it has no fields.
    pub fn push_if_any(&mut self, change: Change) {
        if !change.0.fields.is_empty() {
            self.changes.push(change.0);
        }
    }

    /// Adds a note for the reviewer, such as a rounding or a default. Duplicates are dropped.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds several notes.
    pub fn notes<T: Into<String>>(&mut self, notes: impl IntoIterator<Item = T>) {
        notes.into_iter().for_each(|note| self.note(note));
    }

    /// Returns the finished plan.
    #[must_use]
    pub fn finish(self) -> ChangePlan {
        ChangePlan { changes: self.changes, notes: self.notes, extensions: Vec::new() }
    }
}

/// One planned change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a change is planned once it is pushed to a plan"]
pub struct Change(PlannedChange);

impl Change {
    fn new(action: PlanAction, remote_type: &str, name: &str) -> Self {
        Self(PlannedChange {
            action,
            remote_type: remote_type.to_owned(),
            name: name.to_owned(),
            remote_id: None,
            package_id: None,
            fields: Vec::new(),
            extensions: Vec::new(),
        })
    }

    /// Plans an object to be made with these fields. `remote_type` is the platform's name for its
    /// type.
    pub fn create(remote_type: &str, name: &str, fields: &Object) -> Self {
        let mut change = Self::new(PlanAction::Create, remote_type, name);
        change.0.fields = fields_created(fields);
        change
    }

    /// Plans an object to be changed from one state to another.
    pub fn update(remote_type: &str, name: &str, before: &Object, after: &Object) -> Self {
        let mut change = Self::new(PlanAction::Update, remote_type, name);
        change.0.fields = diff(before, after);
        change
    }

    /// Plans an object to be deleted, which had these fields.
    pub fn delete(remote_type: &str, name: &str, fields: &Object) -> Self {
        let mut change = Self::new(PlanAction::Delete, remote_type, name);
        change.0.fields = diff(fields, &Object::default());
        change
    }

    /// Plans an association of two existing objects.
    pub fn associate(remote_type: &str, name: &str, fields: &Object) -> Self {
        let mut change = Self::new(PlanAction::Associate, remote_type, name);
        change.0.fields = fields_created(fields);
        change
    }

    /// Sets the package that the change belongs to.
    pub fn package(mut self, package_id: &str) -> Self {
        self.0.package_id = Some(package_id.to_owned());
        self
    }

    /// Sets the platform's id of the object, if it exists.
    pub fn remote_id(mut self, id: Option<&str>) -> Self {
        self.0.remote_id = id.map(str::to_owned);
        self
    }
}

/// Returns a value as a reviewer reads it: text as it is, anything else as compact JSON, nothing
/// for `null`.
fn shown(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::Text(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns the fields of a new object, in its order, without those that are `null`.
#[must_use]
pub fn fields_created(object: &Object) -> Vec<FieldChange> {
    object
        .iter()
        .filter_map(|(name, value)| {
            Some(FieldChange { field: name.to_owned(), before: None, after: Some(shown(value)?) })
        })
        .collect()
}

/// Returns the fields that differ: in the order of `after`, then those that only `before` has. A
/// missing field equals `null`.
#[must_use]
pub fn diff(before: &Object, after: &Object) -> Vec<FieldChange> {
    let gone = before.iter().map(|(name, _)| name).filter(|name| after.get(name).is_none());
    let names = after.iter().map(|(name, _)| name).chain(gone);
    names
        .filter_map(|name| {
            let (before, after) = (said(before, name), said(after, name));
            // Compare the values, not their display: the text "5" is not the number 5.
            (before != after).then(|| FieldChange {
                field: name.to_owned(),
                before: before.and_then(shown),
                after: after.and_then(shown),
            })
        })
        .collect()
}

fn said<'a>(object: &'a Object, name: &str) -> Option<&'a Json> {
    object.get(name).filter(|value| !value.is_null())
}

/// Returns the fields to send for a change: those of `after` that differ, and `null` for those that
/// only `before` has.
#[must_use]
pub fn changed_fields(before: &Object, after: &Object) -> Object {
    let mut changed = Object::default();
    for field in diff(before, after) {
        changed.set(&field.field, after.get(&field.field).cloned().unwrap_or_default());
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object;

    fn lines(fields: &[FieldChange]) -> Vec<String> {
        let show = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        fields.iter().map(|f| format!("{}: {} > {}", f.field, show(&f.before), show(&f.after))).collect()
    }

    #[test]
    fn a_creation_shows_what_is_set_in_its_order() {
        let object =
            object! { "Name": "x", "Cap": None::<i64>, "Geo": vec![object! { "CountryCode": "US" }], "On": false };
        assert_eq!(
            lines(&fields_created(&object)),
            ["Name: - > x", r#"Geo: - > [{"CountryCode":"US"}]"#, "On: - > false"]
        );
    }

    #[test]
    fn a_change_shows_and_sends_only_what_differs() {
        let before = object! { "Name": "x", "Impressions": 5, "Cap": 3, "Gone": "z", "Never": None::<i64> };
        let after = object! { "Name": "x", "Impressions": 6, "Cap": None::<i64>, "New": true };
        assert_eq!(lines(&diff(&before, &after)), ["Impressions: 5 > 6", "Cap: 3 > -", "New: - > true", "Gone: z > -"]);
        assert_eq!(
            changed_fields(&before, &after).to_string(),
            r#"{"Impressions":6,"Cap":null,"New":true,"Gone":null}"#
        );
        assert!(diff(&before, &before).is_empty());
    }

    #[test]
    fn a_plan_keeps_its_order_and_leaves_out_empty_changes() {
        let mut plan = Plan::default();
        plan.push(Change::create("Campaign", "a", &object! { "Name": "a" }).remote_id(None));
        let same = object! { "Name": "a" };
        plan.push_if_any(Change::update("Flight", "b", &same, &same).package("b"));
        plan.note("rounded");
        plan.note("rounded");
        let plan = plan.finish();
        assert_eq!(plan.changes.len(), 1);
        assert_eq!(plan.notes, ["rounded"]);
    }
}
