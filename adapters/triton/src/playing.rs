//! Creatives that flights play. Triton has no object for it: a flight names its creatives.

use flightdeck_adapter::{ad_server::Placement, names::step_name, prelude::*};

use crate::{
    api, flight,
    inferred::{path, state},
};

/// A creative in a flight, in plans: Triton has no word of its own for it.
pub const TYPE: &str = "FlightCreative";
/// Its word in the names of steps.
pub const STEP: &str = "play";

/// The id under which it is remembered: of the flight and of the creative.
#[must_use]
pub fn id(flight: &str, creative: &str) -> String {
    format!("{flight}/{creative}")
}

/// Has a flight play a creative, in a step: setting it twice leaves the same.
///
/// # Errors
/// What may pass: a refusal is in the verdict.
pub fn begin(api: &Api, at: &Placement<'_>, creative: i64) -> Fallible<Verdict<()>> {
    let made = step(step_name(&[STEP, at.package_id, at.creative_id]))
        .remember(RemoteKind::Association, at.key())
        .try_set(|| {
            add(api, at, creative)?;
            Ok(id(at.item, &creative.to_string()))
        })?;
    Ok(made.map(|_| ()))
}

/// Adds a creative to a flight's list, with all others that the operation adds. Each request of the
/// operation has the whole list, so one that Triton carries out late removes none of them.
fn add(api: &Api, at: &Placement<'_>, creative: i64) -> Fallible<()> {
    let all: Vec<i64> = at.all.iter().map(|id| api::number(id)).collect::<Fallible<_>>()?;
    match change_list(api, at.item, |list| extend(list, &all)) {
        // The refused creative may be another one.
        Err(failure) if failure.is_final() && all.len() > 1 => set(api, at.item, creative, true),
        done => done,
    }
}

/// Appends the creatives that the list lacks.
fn extend(list: &mut Vec<i64>, creatives: &[i64]) {
    for creative in creatives {
        if !list.contains(creative) {
            list.push(*creative);
        }
    }
}

/// Has a flight stop playing a creative, in a step. One that is not known never played.
///
/// # Errors
/// What may pass: a refusal is in the verdict.
pub fn end(api: &Api, at: &Placement<'_>) -> Fallible<Verdict<()>> {
    step(step_name(&[STEP, at.package_id, at.creative_id, "stop"])).try_set(|| {
        let Some((flight, creative)) = at.known.and_then(|id| id.split_once('/')) else { return Ok(()) };
        set(api, flight, api::number(creative)?, false)
    })
}

/// The flights of a campaign that play a creative.
///
/// # Errors
/// When Triton can't be asked.
pub fn flights(api: &Api, campaign: &str, creative: i64) -> Fallible<Vec<String>> {
    let mut flights = Vec::new();
    for flight in api::list::<Object, _>(|| api.get(path::FLIGHTS).query("campaignId", campaign)) {
        let flight = flight?;
        if let Some(id) = flight.get("id").and_then(Json::as_i64).filter(|_| names_creative(&flight, creative)) {
            flights.push(id.to_string());
        }
    }
    Ok(flights)
}

/// Whether a flight names a creative. One that is put away with its campaign plays nothing, and can't be changed.
fn names_creative(flight: &Object, creative: i64) -> bool {
    let played = flight.get("creativeIds").map(Json::items).unwrap_or_default();
    let put_away = flight.get("status").and_then(Json::as_text) == Some(state::ARCHIVED);
    !put_away && played.iter().any(|played| played.as_i64() == Some(creative))
}

/// Whether a flight plays a creative. One that is gone plays nothing.
///
/// # Errors
/// When Triton can't be asked.
pub fn plays(api: &Api, id: &str, creative: i64) -> Fallible<bool> {
    let flight: Option<Object> = api.get(api::one(path::FLIGHTS, id)).fetch_if_any()?;
    Ok(flight.is_some_and(|flight| names_creative(&flight, creative)))
}

/// Adds a creative to a flight's list or removes it. Creatives that people added stay.
///
/// # Errors
/// As [`flight::change`].
pub fn set(api: &Api, id: &str, creative: i64, on: bool) -> Fallible<()> {
    change_list(api, id, |list| if on { extend(list, &[creative]) } else { list.retain(|known| *known != creative) })
}

/// Changes the list of a flight's creatives, and sends the list if it differs.
fn change_list(api: &Api, id: &str, change: impl FnOnce(&mut Vec<i64>)) -> Fallible<()> {
    let flight: Object = api.get(api::one(path::FLIGHTS, id)).fetch()?;
    let before: Vec<i64> =
        flight.get("creativeIds").map(Json::items).unwrap_or_default().iter().filter_map(Json::as_i64).collect();
    let mut after = before.clone();
    change(&mut after);
    if after == before { Ok(()) } else { flight::change(api, id, &object! { "creativeIds": after }) }
}
