//! Places in a targeting, and which of them contradict each other.
//!
//! The rules are those of the older API's `GeoTargeting`; the reasons are those of its
//! `GeoTargetingError` and `GenericTargetingError`. The documentation of the REST API has neither.

use serde_json::Value;

use super::{
    refusal::Refusal,
    schema::{Object, text},
    state::State,
};

const FIELD: &str = "targeting.geoTargeting";
/// A market area crosses the borders of states and cities, so the tree of places doesn't say what
/// is inside it.
const MARKET_AREA: &str = "DMA Region";
const POSTAL_CODE: &str = "Postal Code";
/// The deepest place is a postal code in a city in a region in a country.
const LEVELS: usize = 8;

/// Checks the names of targeted and excluded places, all of which must exist.
///
/// # Errors
/// [`Refusal`] with both places, or with the one that is wrong by itself.
pub(super) fn check(state: &State, targeted: &[&str], excluded: &[&str]) -> Result<(), Refusal> {
    let refuse = |reason, why: String| Err(Refusal::invalid(reason, FIELD, why));
    if let Some(both) = targeted.iter().find(|name| excluded.contains(name)) {
        let why = format!("{both} is both targeted and excluded; remove one");
        return refuse("TARGETED_LOCATIONS_NOT_EXCLUDABLE", why);
    }
    if let Some(code) = excluded.iter().find(|name| kind(state, name) == POSTAL_CODE) {
        return refuse("POSTAL_CODES_CANNOT_BE_EXCLUDED", format!("{code} is a postal code, which can't be excluded"));
    }
    for inner in targeted {
        let above = above(state, inner);
        if let Some(outer) = above.iter().find(|name| excluded.contains(name)) {
            let why = format!("{inner} is targeted inside {outer}, which is excluded");
            return refuse("EXCLUDED_LOCATIONS_CANNOT_HAVE_CHILDREN_TARGETED", why);
        }
        if let Some(outer) = above.iter().find(|name| targeted.contains(name)) {
            return refuse("INVALID_TARGETING", format!("{inner} and {outer}, which it is inside, are both targeted"));
        }
    }
    let implied = |name: &&&str| {
        let above = above(state, name);
        let may_overlap = |other: &&str| kind(state, name) == MARKET_AREA || kind(state, other) == MARKET_AREA;
        !targeted.iter().any(|other| above.contains(other) || (may_overlap(other) && same_country(state, name, other)))
    };
    match excluded.iter().find(implied).filter(|_| !targeted.is_empty()) {
        Some(name) => {
            let why = format!("{name} is outside of everything that is targeted: it is excluded without being named");
            refuse("CONFLICTING_INCLUSION_OR_EXCLUSION_OF_SIBLINGS", why)
        }
        None => Ok(()),
    }
}

fn place<'s>(state: &'s State, name: &str) -> Option<&'s Object> {
    state.lookup("geoTargets").and_then(|places| places.get(name))
}

fn kind<'s>(state: &'s State, name: &str) -> &'s str {
    place(state, name).and_then(|place| text(place, "type")).unwrap_or_default()
}

fn same_country(state: &State, one: &str, other: &str) -> bool {
    let country = |name: &str| place(state, name).and_then(|place| place.get("regionCode")).and_then(Value::as_str);
    country(one) == country(other)
}

/// Returns the places that contain a place, the nearest first.
fn above<'s>(state: &'s State, name: &str) -> Vec<&'s str> {
    let parent = |name: &str| place(state, name).and_then(|place| text(place, "canonicalParent"));
    std::iter::successors(parent(name), |name| parent(name)).take(LEVELS).collect()
}
