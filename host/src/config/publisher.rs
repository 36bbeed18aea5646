//! The publisher that runs this host.

use super::{section::Section, values};

/// `[publisher]`: the publisher that runs this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// `name`: for people.
    pub name: String,
    /// `currency`: the currency of products that name none, ISO 4217. It has no default, because a
    /// wrong currency costs money.
    pub currency: String,
}

impl Publisher {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let name = section.required("name", "\"Acme News\"", values::title);
        let currency = section.required("currency", "\"USD\"", values::currency);
        Some(Self { name: name?, currency: currency? })
    }
}
