//! The messages that handlers read and check, by name.

use std::sync::LazyLock;

use super::schema::{Shape, shape};

/// A message of the data files.
type Named = LazyLock<&'static Shape>;

pub(super) mod order {
    pub(in crate::gam) static ORDER: super::Named = super::Named::new(|| super::shape("Order"));
}

pub(super) mod line_item {
    pub(in crate::gam) static LINE_ITEM: super::Named = super::Named::new(|| super::shape("LineItem"));
}

pub(super) mod creative {
    pub(in crate::gam) static CREATIVE: super::Named = super::Named::new(|| super::shape("Creative"));
}

pub(super) mod creative_set {
    pub(in crate::gam) static CREATIVE_SET: super::Named = super::Named::new(|| super::shape("CreativeSet"));
}

pub(super) mod association {
    pub(in crate::gam) static LINE_ITEM_CREATIVE_ASSOCIATION: super::Named =
        super::Named::new(|| super::shape("LineItemCreativeAssociation"));
}

pub(super) mod report {
    pub(in crate::gam) static REPORT: super::Named = super::Named::new(|| super::shape("Report"));
}
