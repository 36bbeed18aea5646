//! Fields of a line item that hold for the one request that carries them, and that are not stored
//! (type `LineItem`, "Input only").

use crate::gam::schema::{Object, camel, flag};

const INPUT_ONLY: [&str; 4] =
    ["allowOverbook", "skipInventoryCheck", "skipCrossSellingRuleWarningChecks", "reserveOnCreation"];

/// What one request allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::gam) struct Flags {
    /// Whether inventory may be reserved that there isn't.
    pub overbook: bool,
    /// Whether the inventory is not looked at.
    pub skip_check: bool,
    /// Whether a new line item of an order that is not approved reserves its inventory.
    pub reserve: bool,
}

impl Flags {
    /// Takes the flags out of a body. In an update, only those count that the mask names.
    pub(in crate::gam) fn take(object: &mut Object, mask: Option<&str>) -> Self {
        let mask = mask.map(str::trim).filter(|mask| !mask.is_empty() && *mask != "*");
        let named = |field: &str| mask.is_none_or(|mask| mask.split(',').any(|path| camel(path.trim()) == field));
        let set = |field: &str| named(field) && flag(object, field);
        let flags = Self {
            overbook: set("allowOverbook"),
            skip_check: set("skipInventoryCheck"),
            reserve: set("reserveOnCreation"),
        };
        for field in INPUT_ONLY {
            object.remove(field);
        }
        flags
    }

    /// Whether there may be less inventory than is reserved.
    pub(in crate::gam) fn unchecked(self) -> bool {
        self.overbook || self.skip_check
    }
}
