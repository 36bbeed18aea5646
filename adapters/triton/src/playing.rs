//! Creatives that flights play.
//!
//! A flight has one creative: ad groups of ad units, each group with the units of one assigned
//! duration (help pages, creative manager). What is saved is a draft, and serves only when it is
//! published, so every change is two requests. A change whose second request was cut off is
//! recognised by the state of the creative, and published.

use std::collections::BTreeMap;

use flightdeck_adapter::{ad_server::Placement, names::step_name, prelude::*};

use crate::{
    api, flight,
    inferred::{self, field, path, state},
};

/// A creative in a flight, in plans: Triton has no word of its own for it.
pub const TYPE: &str = "FlightCreative";
/// Its word in the names of steps.
pub const STEP: &str = "play";

/// The ad units of a flight's creative, by their assigned durations in seconds.
type Groups = BTreeMap<i64, Vec<i64>>;

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

/// Adds a creative to a flight's groups, with all others that the operation adds. Each request of the
/// operation has all of them, so one that Triton carries out late removes none.
fn add(api: &Api, at: &Placement<'_>, creative: i64) -> Fallible<()> {
    let all: Vec<i64> = at.all.iter().map(|id| api::number(id)).collect::<Fallible<_>>()?;
    match play(api, at.item, &all) {
        // The refused creative may be another one.
        Err(failure) if failure.is_final() && all.len() > 1 => play(api, at.item, &[creative]),
        done => done,
    }
}

/// Has a flight play some creatives, besides those that it plays.
fn play(api: &Api, flight: &str, creatives: &[i64]) -> Fallible<()> {
    change(api, flight, |groups| {
        for creative in creatives {
            if !plays_in(groups, *creative) {
                groups.entry(length_of(api, *creative)?).or_default().push(*creative);
            }
        }
        Ok(())
    })
}

/// Returns the assigned duration of an ad unit, by which it is grouped.
fn length_of(api: &Api, creative: i64) -> Fallible<i64> {
    let unit: Object = api.get(api::one(path::CREATIVES, &creative.to_string())).fetch()?;
    unit.get(field::SECONDS).and_then(Json::as_i64).ok_or_else(|| {
        let message = format!("Triton does not say how long the creative {creative} is.");
        Failure::unavailable("unreadable_answer", message)
    })
}

/// Has a flight stop playing a creative, in a step. One that is not known never played.
///
/// # Errors
/// What may pass: a refusal is in the verdict.
pub fn end(api: &Api, at: &Placement<'_>) -> Fallible<Verdict<()>> {
    step(step_name(&[STEP, at.package_id, at.creative_id, "stop"])).try_set(|| {
        let Some((flight, creative)) = at.known.and_then(|id| id.split_once('/')) else { return Ok(()) };
        stop(api, flight, api::number(creative)?)
    })
}

/// Has a flight stop playing a creative. Creatives that people added stay.
///
/// # Errors
/// As [`flight::change`].
pub fn stop(api: &Api, flight: &str, creative: i64) -> Fallible<()> {
    change(api, flight, |groups| {
        for units in groups.values_mut() {
            units.retain(|known| *known != creative);
        }
        groups.retain(|_, units| !units.is_empty());
        Ok(())
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

/// Whether a flight names a creative. One that is archived with its campaign plays nothing, and can't be changed.
fn names_creative(flight: &Object, creative: i64) -> bool {
    let status = flight.get("status").and_then(Json::as_text).unwrap_or_default();
    !status.eq_ignore_ascii_case(state::ARCHIVED) && plays_in(&groups_of(flight), creative)
}

fn plays_in(groups: &Groups, creative: i64) -> bool {
    groups.values().flatten().any(|known| *known == creative)
}

/// Whether a flight plays a creative. One that is gone plays nothing.
///
/// # Errors
/// When Triton can't be asked.
pub fn plays(api: &Api, id: &str, creative: i64) -> Fallible<bool> {
    let flight: Option<Object> = api.get(api::one(path::FLIGHTS, id)).fetch_if_any()?;
    Ok(flight.is_some_and(|flight| names_creative(&flight, creative)))
}

fn groups_of(flight: &Object) -> Groups {
    let creative = flight.get(field::CREATIVE).and_then(Json::as_object);
    let listed = creative.and_then(|creative| creative.get(field::AD_GROUPS)).map(Json::items).unwrap_or_default();
    let mut groups = Groups::new();
    for group in listed.iter().filter_map(Json::as_object) {
        let length = group.get(field::SECONDS).and_then(Json::as_i64).unwrap_or_default();
        let units = group.get(field::AD_UNITS).map(Json::items).unwrap_or_default();
        groups.entry(length).or_default().extend(units.iter().filter_map(Json::as_i64));
    }
    groups
}

/// Whether what was saved of a flight's creative serves. A flight without a creative has nothing to
/// publish.
#[must_use]
pub fn is_published(flight: &Object) -> bool {
    let creative = flight.get(field::CREATIVE).and_then(Json::as_object);
    let said = creative.and_then(|creative| creative.get(field::STATE)).and_then(Json::as_text);
    said.is_none_or(|said| said.eq_ignore_ascii_case(field::PUBLISHED))
}

/// Whether a flight plays anything.
#[must_use]
pub fn has_units(flight: &Object) -> bool {
    !groups_of(flight).is_empty()
}

/// Changes the groups of a flight's creative: saves them if they differ, and publishes what is saved
/// if it is not.
fn change(api: &Api, id: &str, change: impl FnOnce(&mut Groups) -> Fallible<()>) -> Fallible<()> {
    let flight: Object = api.get(api::one(path::FLIGHTS, id)).fetch()?;
    let before = groups_of(&flight);
    let mut after = before.clone();
    change(&mut after)?;
    if after != before {
        let group = |(length, units): (&i64, &Vec<i64>)| {
            let mut group = Object::default();
            group.set(field::SECONDS, *length);
            group.set(field::AD_UNITS, units.clone());
            group
        };
        let mut creative = Object::default();
        creative.set(field::AD_GROUPS, after.iter().map(group).collect::<Vec<_>>());
        let mut changes = Object::default();
        changes.set(field::CREATIVE, creative);
        flight::change(api, id, &changes)?;
    } else if is_published(&flight) {
        return Ok(());
    }
    api.post(inferred::publish(id)).json(&Object::default()).send()?;
    Ok(())
}
