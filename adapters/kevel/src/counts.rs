//! Instant counts: what flights delivered so far, many at once.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_adapter::prelude::*;
use serde::Deserialize;

use crate::inferred;

/// Flights asked about at once. The documents name no limit; a list of this length is a body of two kilobytes.
const AT_ONCE: usize = 200;

/// The answer: counts by the kind of thing and its id.
type Counts = BTreeMap<String, BTreeMap<String, Count>>;

#[derive(Debug, Deserialize)]
struct Count {
    #[serde(alias = "Impressions", default)]
    impressions: Option<i64>,
}

/// The impressions of flights since they began. A flight that Kevel says nothing of is left out: counts are a
/// convenience, and one unknown flight must not hide how all others stand.
///
/// # Errors
/// When Kevel can't be asked.
pub fn impressions(api: &Api, flights: &BTreeSet<i64>) -> Fallible<BTreeMap<i64, i64>> {
    let mut delivered = BTreeMap::new();
    let flights: Vec<i64> = flights.iter().copied().collect();
    for chunk in flights.chunks(AT_ONCE) {
        let mut counts: Counts =
            match api.post("/v1/instantcounts/bulk").json(&object! { "flights": chunk.to_vec() }).fetch() {
                Ok(counts) => counts,
                // One flight that is unknown refuses the whole list.
                Err(failure) if failure.is_final() => Counts::default(),
                Err(failure) => return Err(failure),
            };
        let read = |(id, count): (String, Count)| Some((id.parse().ok()?, count.impressions?));
        let flights = counts.remove(inferred::COUNTED_FLIGHTS).unwrap_or_default();
        delivered.extend(flights.into_iter().filter_map(read));
    }
    Ok(delivered)
}
