//! Instant counts: what many flights have delivered so far.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_adapter::prelude::*;
use serde::Deserialize;

use crate::inferred;

/// The most flights in one request. The documentation names no limit; this many make a body of two
/// kilobytes.
const AT_ONCE: usize = 200;

/// The response: counts by type of object and id.
type Counts = BTreeMap<String, BTreeMap<String, Count>>;

#[derive(Debug, Deserialize)]
struct Count {
    #[serde(alias = "Impressions", default)]
    impressions: Option<i64>,
}

/// Returns the impressions of flights since they started. A flight that Kevel doesn't report is
/// omitted: counts are a convenience, and one unknown flight must not hide the status of all
/// others.
///
/// # Errors
/// When Kevel can't be reached.
pub fn impressions(api: &Api, flights: &BTreeSet<i64>) -> Fallible<BTreeMap<i64, i64>> {
    let mut delivered = BTreeMap::new();
    let flights: Vec<i64> = flights.iter().copied().collect();
    for chunk in flights.chunks(AT_ONCE) {
        let mut counts: Counts =
            match api.post("/v1/instantcounts/bulk").json(&object! { "flights": chunk.to_vec() }).fetch() {
                Ok(counts) => counts,
                // One unknown flight makes Kevel refuse the whole list.
                Err(failure) if failure.is_final() => Counts::default(),
                Err(failure) => return Err(failure),
            };
        let read = |(id, count): (String, Count)| Some((id.parse().ok()?, count.impressions?));
        let flights = counts.remove(inferred::COUNTED_FLIGHTS).unwrap_or_default();
        delivered.extend(flights.into_iter().filter_map(read));
    }
    Ok(delivered)
}
