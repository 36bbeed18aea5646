//! Whose host this is.

use super::{section::Section, values};

/// `[publisher]`: whose host this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// `name`: for people.
    pub name: String,
    /// `currency`: what products are sold in that name no currency of their own. There is no default: a wrong one
    /// costs money.
    pub currency: String,
}

impl Publisher {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let name = section.required("name", "\"Acme News\"", values::title);
        let currency = section.required("currency", "\"USD\"", values::currency);
        Some(Self { name: name?, currency: currency? })
    }
}
