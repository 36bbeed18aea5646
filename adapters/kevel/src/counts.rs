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

/// What a flight has delivered since it started.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Count {
    /// Impressions.
    #[serde(alias = "Impressions", default)]
    pub impressions: Option<i64>,
    /// Clicks.
    #[serde(alias = "Clicks", default)]
    pub clicks: Option<i64>,
}

/// Returns what flights have delivered since they started. A flight that Kevel doesn't report is
/// omitted: counts are a convenience, and one unknown flight must not hide the status of all
/// others.
///
/// # Errors
/// When Kevel can't be reached.
pub fn delivered(api: &Api, flights: &BTreeSet<i64>) -> Fallible<BTreeMap<i64, Count>> {
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
        let read = |(id, count): (String, Count)| Some((id.parse().ok()?, count));
        let flights = counts.remove(inferred::COUNTED_FLIGHTS).unwrap_or_default();
        delivered.extend(flights.into_iter().filter_map(read));
    }
    Ok(delivered)
}
