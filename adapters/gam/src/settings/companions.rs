//! What a product that is a roadblock by creative set says.

use serde::Deserialize;

use super::Size;

/// The companions that are shown beside each creative of a product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companions {
    /// Their sizes.
    pub sizes: Vec<Size>,
    /// How many of them a page must have room for.
    #[serde(default)]
    pub delivery: CompanionDelivery,
}

/// How many companions must be shown with their master (type `CompanionDeliveryOption`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompanionDelivery {
    /// Any number, and none.
    #[default]
    Optional,
    /// One or more.
    AtLeastOne,
    /// All of the set's.
    All,
}

impl CompanionDelivery {
    /// Returns Ad Manager's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Optional => "OPTIONAL",
            Self::AtLeastOne => "AT_LEAST_ONE",
            Self::All => "ALL",
        }
    }
}
