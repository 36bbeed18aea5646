//! `limits`: the resources that one call of the adapter may use. Omitted keys have the defaults of
//! [`Limits`].

use crate::{
    adapters::Limits,
    config::{section::Section, values},
};

/// Reads `limits`.
pub(super) fn read(section: &Section<'_>) -> Option<Limits> {
    let defaults = Limits::default();
    let count = |node| values::whole(node, 1, 1_000_000);
    let size = |key: &'static str, default: usize| section.or(key, default, |node| values::size(node).map(usize::from));
    let time = |key: &'static str, default: u64| section.or(key, default, values::millis);
    Some(Limits {
        memory_bytes: section.or("memory", defaults.memory_bytes, |node| {
            let bytes = values::size(node)?.get();
            if bytes > Limits::MAX_MEMORY { Err("must be at most \"1GiB\"".to_owned()) } else { Ok(bytes) }
        }),
        table_elements: section.or("table_elements", defaults.table_elements, |node| values::whole(node, 1, 1_000_000)),
        cpu_ms: time("cpu_time", defaults.cpu_ms),
        wall_ms: time("wall_time", defaults.wall_ms),
        first_byte_ms: time("first_byte_time", defaults.first_byte_ms),
        result_bytes: size("result_size", defaults.result_bytes),
        handles: section.or("handles", defaults.handles, |node| values::whole(node, 1, 1_000_000)),
        requests: section.or("requests", defaults.requests, count),
        request_bytes: size("request_size", defaults.request_bytes),
        requests_bytes: size("requests_size", defaults.requests_bytes),
        response_bytes: size("response_size", defaults.response_bytes),
        responses_bytes: size("responses_size", defaults.responses_bytes),
        log_bytes: size("log_size", defaults.log_bytes),
    })
}
