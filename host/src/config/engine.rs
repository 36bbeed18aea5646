//! The engine that runs adapters.

use super::{section::Section, values};
use crate::adapters::EngineOptions;

/// Reads `[engine]`.
///
/// `slots` is bounded by address space: each takes 4 GiB, and a process has 128 TiB.
pub(super) fn read(section: &Section<'_>) -> EngineOptions {
    let defaults = EngineOptions::default();
    EngineOptions {
        slots: section.or("slots", defaults.slots, |node| values::whole(node, 1, 10_000)),
        pooling: section.or("pooling", defaults.pooling, values::flag),
    }
}
