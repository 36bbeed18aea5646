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
    /// `strict_approvals`: an approval holds only for the adapter release that planned what was
    /// approved. Default `false`: it holds for any release that plans the same.
    pub strict_approvals: bool,
}

impl Publisher {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let name = section.required("name", "\"Acme News\"", values::title);
        let currency = section.required("currency", "\"USD\"", values::currency);
        let strict_approvals = section.or("strict_approvals", false, values::flag);
        Some(Self { name: name?, currency: currency?, strict_approvals })
    }
}
