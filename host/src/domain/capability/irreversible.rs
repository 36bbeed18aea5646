//! What can't be taken back on a platform, for the reviewer of a create.

use super::Capabilities;
use crate::domain::operation::Change;

impl Capabilities {
    /// Returns what a reviewer must know before a change is approved, because it can't be undone or
    /// changed on the platform afterwards. Empty for most platforms.
    pub fn irreversible(&self, change: &Change) -> Vec<String> {
        if !matches!(change, Change::Create) {
            return Vec::new();
        }
        let title = &self.title;
        let mut warnings = Vec::new();
        if !self.cancels {
            warnings.push(format!(
                "{title} can't stop or remove what this creates: if a part of it fails, somebody must remove the rest there by hand."
            ));
        }
        if self.updates.is_empty() {
            warnings.push(format!("{title} can't change or pause what this creates."));
        } else if !self.updates(super::ACTIVE) {
            warnings.push(format!("{title} can't pause what this creates."));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capability::tests::all;

    #[test]
    fn a_platform_that_can_take_back_everything_warns_of_nothing() {
        assert!(all().irreversible(&Change::Create).is_empty());
    }

    #[test]
    fn a_reviewer_of_a_create_is_warned_of_what_can_not_be_taken_back() {
        let stays = Capabilities { cancels: false, ..all() };
        let [warning] = stays.irreversible(&Change::Create).try_into().unwrap();
        assert!(warning.contains("can't stop or remove what this creates"), "{warning}");
        let no_pause = Capabilities { updates: vec!["budget".to_owned()], ..all() };
        assert_eq!(no_pause.irreversible(&Change::Create), ["Acme can't pause what this creates."]);
        let fixed = Capabilities { updates: Vec::new(), ..all() };
        assert_eq!(fixed.irreversible(&Change::Create), ["Acme can't change or pause what this creates."]);
        assert!(stays.irreversible(&Change::AddCreatives(Vec::new())).is_empty());
    }
}
