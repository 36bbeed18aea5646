//! The engine that runs adapters.

use super::{section::Section, values};
use crate::adapters::{EngineOptions, Limits};

/// Reads `[engine]`.
///
/// Address space bounds `slots`: each slot reserves 4 GiB, and a process has 128 TiB.
pub(super) fn read(section: &Section<'_>) -> EngineOptions {
    let defaults = EngineOptions::default();
    EngineOptions {
        slots: section.or("slots", defaults.slots, |node| values::whole(node, 1, 10_000)),
        pooling: section.or("pooling", defaults.pooling, values::flag),
        memory: section.optional("memory", |node| values::size(node).map(usize::from)),
        threads: section.optional("threads", |node| values::whole(node, 1, 1_000)),
    }
}

/// Refuses a platform whose memory limit for one call exceeds the limit for all calls together,
/// because no call of it could run.
pub(super) fn fits(platform: &Section<'_>, limits: &Limits, most: Option<usize>) {
    let (Some(most), one) = (most, limits.memory_bytes) else { return };
    if one > most {
        let words = format!(
            "`limits` allow one call {one} bytes of `memory`, and `memory` of [engine] all calls together {most}: lower the first, or raise \
             the second"
        );
        platform.wrong(platform.place_of("limits"), words);
    }
}
