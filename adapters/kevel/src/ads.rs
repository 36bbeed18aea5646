//! An ad: a creative in a flight. It used to be called a creative map.
//!
//! A flight has each creative only once, so a step finds its ad by flight and creative. The ad
//! still carries the reference, in its `ExternalMetadata`, to distinguish the adapter's ads from
//! those that people added.

use flightdeck_adapter::{ad_server::Placement, plan::Change, prelude::*};

use crate::{
    api::{self, Made},
    inferred,
    names::{self, step_name},
};

/// The platform's name for the type.
pub const TYPE: &str = "Ad";

/// Returns the fields that a plan shows for an ad while neither the flight nor the creative exists.
#[must_use]
pub fn shown(creative_id: &str) -> Object {
    object! { "Creative": creative_id, "IsActive": true }
}

/// Returns the planned change that activates or deactivates an ad, by its key.
pub fn planned_switch(key: &str, on: bool) -> Change {
    Change::update(TYPE, key, &object! { "IsActive": !on }, &object! { "IsActive": on })
}

/// Fields that an update spells differently from the response (OpenAPI document, ads).
const SPELLED: [(&str, &str); 2] = [("StartDateISO", "StartDateIso"), ("EndDateISO", "EndDateIso")];

/// Lets a creative run in a flight, in a step: by making a new ad, or by activating the known one.
///
/// Both cases use one step with one name, because the set of known ads grows while an operation
/// runs.
///
/// # Errors
/// On a transient failure. A final refusal is in the verdict.
pub fn create(api: &Api, at: &Placement<'_>, creative: i64) -> Fallible<Verdict<i64>> {
    let flight = api::number(at.item)?;
    step(step_name(&["ad", at.package_id, at.creative_id]))
        .remember(RemoteKind::Association, at.key())
        .find(|_| {
            let ads = made::in_order(of_creative(api, at.item, creative)?);
            if let Some(first) = ads.first().filter(|first| !first.active) {
                set(api, at.item, &first.id.to_string(), true)?;
            }
            Ok(ads)
        })
        .try_create(|reference| {
            if let Some(ad) = at.known {
                set(api, at.item, ad, true)?;
                return api::number(ad);
            }
            let mut body = object! {
                "FlightId": flight,
                "Creative": object! { "Id": creative },
                "IsActive": true,
            };
            body.set(inferred::AD_METADATA, names::custom_fields(&Object::default(), Some(reference)));
            let made: Made = api.post(path!("/v1/flight/{}/creative", flight)).json(&body).fetch()?;
            Ok(made.id)
        })
}

/// Finds the ads of a creative in a flight, including those that people made. Deleted ads don't
/// count.
fn of_creative(api: &Api, flight: &str, creative: i64) -> Fallible<Vec<Seen<i64>>> {
    of_flight(api, flight, |ad| {
        let of = ad.get("Creative").and_then(Json::as_object).and_then(|creative| creative.get("Id"));
        of.and_then(Json::as_i64) == Some(creative)
    })
}

/// Finds the ads of a flight that carry a reference. Deleted ads don't count.
///
/// # Errors
/// When Kevel can't be reached.
pub fn find(api: &Api, flight: &str, reference: &str) -> Fallible<Vec<Seen<String>>> {
    let seen = of_flight(api, flight, |ad| names::has_reference(ad.get(inferred::AD_METADATA), reference))?;
    Ok(seen.into_iter().map(|one| one.map(|id| id.to_string())).collect())
}

fn of_flight(api: &Api, flight: &str, wanted: impl Fn(&Object) -> bool) -> Fallible<Vec<Seen<i64>>> {
    let mut ads = Vec::new();
    for ad in api::list::<Object, _>(|| api.get(path!("/v1/flight/{}/creatives", flight))) {
        let ad = ad?;
        let deleted = ad.get("IsDeleted") == Some(&Json::Bool(true));
        let Some(id) = ad.get("Id").and_then(Json::as_i64).filter(|_| !deleted && wanted(&ad)) else { continue };
        let title = ad.get("Creative").and_then(Json::as_object).and_then(|creative| creative.get("Title"));
        let seen = Seen::new(id)
            .active(ad.get("IsActive") == Some(&Json::Bool(true)))
            .made_at(ad.get("Created").and_then(Json::as_text))
            .named(title.and_then(Json::as_text).unwrap_or_default());
        ads.push(seen);
    }
    Ok(ads)
}

/// Deactivates an ad of which only the id is known. One that is already gone or inactive is left
/// alone.
///
/// # Errors
/// When Kevel can't be reached or refuses.
pub fn stop(api: &Api, ad: &str) -> Fallible<()> {
    let Some(body) = api.get(path!("/v1/ad/{}", ad)).fetch_if_any::<Object>()? else { return Ok(()) };
    match body.get("FlightId").and_then(Json::as_i64) {
        Some(flight) if body.get("IsActive") == Some(&Json::Bool(true)) => set(api, &flight.to_string(), ad, false),
        Some(_) => Ok(()),
        None => Err(Failure::unavailable("unreadable_answer", format!("Kevel does not say whose the ad {ad} is."))),
    }
}

/// Deactivates an ad, in a step. One that is not known was never made.
///
/// # Errors
/// On a transient failure. A final refusal is in the verdict.
pub fn switch_off(api: &Api, at: &Placement<'_>) -> Fallible<Verdict<()>> {
    step(step_name(&["ad", at.package_id, at.creative_id, "off"])).try_set(|| match at.known {
        Some(ad) => set(api, at.item, ad, false),
        None => Ok(()),
    })
}

/// Activates or deactivates an ad.
fn set(api: &Api, flight: &str, ad: &str, on: bool) -> Fallible<()> {
    let Some(mut body) = api.get(path!("/v1/ad/{}", ad)).fetch_if_any::<Object>()? else {
        // An ad that is gone is inactive.
        return if on { Err(gone(ad)) } else { Ok(()) };
    };
    if !on && body.get("IsDeleted") == Some(&Json::Bool(true)) {
        return Ok(());
    }
    body.set("IsActive", on);
    body.set("IsDeleted", false);
    write(api, flight, ad, body)
}

/// Sets the percentage of its flight's impressions that an ad gets; `None` leaves that to Kevel. An ad
/// that has it already is left alone.
///
/// # Errors
/// `not-found` when it is gone. When Kevel can't be reached or refuses.
pub fn share(api: &Api, flight: &str, ad: &str, percent: Option<i64>) -> Fallible<()> {
    let read = api.get(path!("/v1/ad/{}", ad)).fetch_if_any::<Object>()?;
    let mut body = read.ok_or_else(|| gone(ad))?;
    let number = |name: &str| body.get(name).and_then(Json::as_i64);
    let has = number("Percentage").filter(|_| number("DistributionType") == Some(inferred::BY_PERCENTAGE));
    if has == percent {
        return Ok(());
    }
    body.set("DistributionType", if percent.is_some() { inferred::BY_PERCENTAGE } else { inferred::BALANCED });
    body.set("Percentage", percent);
    write(api, flight, ad, body)
}

fn gone(ad: &str) -> Failure {
    Failure::not_found("ad_gone", format!("The ad {ad} is no longer on Kevel."))
}

/// Writes an ad back that was read and changed: a `PUT` replaces the whole ad.
fn write(api: &Api, flight: &str, ad: &str, mut body: Object) -> Fallible<()> {
    // The response contains the whole creative; the update takes its id.
    let creative = body.get("Creative").and_then(Json::as_object).and_then(|creative| creative.get("Id")).cloned();
    body.set("Creative", object! { "Id": creative });
    for (read, written) in SPELLED {
        if let Some(value) = body.remove(read) {
            body.set(written, value);
        }
    }
    api.put(path!("/v1/flight/{}/creative/{}", flight, ad)).json(&body).send()?;
    Ok(())
}
