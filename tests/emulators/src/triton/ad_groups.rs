//! The creative of a flight: ad groups of ad units, saved as a draft, and published.

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    fields::{Fields, Object},
    lists,
    refusal::Refusal,
    routes::{Desk, Done},
    state::{AdGroup, State},
};
use crate::platform::json;

/// Parses an ad group: ad units of the campaign's advertiser, all of one assigned duration.
pub(super) fn read(state: &State, advertiser: i64, group: &Object) -> Result<AdGroup, Refusal> {
    let place = "creative.adGroups";
    let at = |refusal: Refusal| Refusal::field(place, refusal);
    let fields = Fields::of(group, &["durationSeconds", "adUnitIds"]).map_err(at)?;
    let seconds = fields.required_count("durationSeconds").map_err(at)?;
    let units = fields.ids("adUnitIds").map_err(at)?;
    if units.is_empty() {
        return Err(Refusal::field(place, "a group has ad units"));
    }
    for id in &units {
        let unit =
            state.creatives.get(id).ok_or_else(|| Refusal::field(place, format!("there is no creative {id}")))?;
        if unit.advertiser != advertiser {
            return Err(Refusal::field(place, format!("creative {id} is another advertiser's")));
        }
        if unit.object.get("durationSeconds").and_then(Value::as_i64) != Some(seconds) {
            return Err(Refusal::field(place, format!("creative {id} has another duration than its group")));
        }
    }
    Ok(AdGroup { seconds, units })
}

/// Publishes a flight's creative: until then, what was saved is a draft and doesn't serve (help
/// pages, creative manager).
pub(super) fn publish(desk: &mut Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let flight = desk.state.flight(id)?;
    if desk.state.campaign(flight.campaign)?.archived {
        return Err(Refusal::state("ARCHIVED", format!("flight {id} is archived and can't be changed")));
    }
    let now = desk.now;
    if let Some(flight) = desk.state.flights.get_mut(&id) {
        flight.published.clone_from(&flight.saved);
    }
    desk.state.settle(id, now);
    let flight = desk.state.flight(id)?;
    Ok(json(StatusCode::OK, &desk.state.show_flight(id, flight, now)))
}
