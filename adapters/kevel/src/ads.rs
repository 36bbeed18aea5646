//! An ad: a creative in a flight. Older words for it are creative map.
//!
//! A flight has a creative once, so an ad is found by the two; it needs no reference.

use flightdeck_adapter::prelude::*;

use crate::{
    api::{self, Made},
    names::step_name,
};

/// The platform's word for it.
pub const TYPE: &str = "Ad";

/// The key under which an ad's id is remembered.
#[must_use]
pub fn key(package_id: &str, creative_id: &str) -> String {
    format!("{package_id}/{creative_id}")
}

/// What an ad says as long as neither of the two exists.
#[must_use]
pub fn shown(creative_id: &str) -> Object {
    object! { "Creative": creative_id, "IsActive": true }
}

/// Puts a creative into a flight, in a step.
///
/// # Errors
/// What may pass: a refusal is in the verdict.
pub fn create(
    api: &Api,
    campaign: i64,
    flight: i64,
    creative: i64,
    (package_id, creative_id): (&str, &str),
) -> Fallible<Verdict<i64>> {
    step(step_name(&["ad", package_id, creative_id]))
        .remember(RemoteKind::Association, key(package_id, creative_id))
        .find(|_| find(api, flight, creative))
        .try_create(|_| {
            let body = object! {
                "CampaignId": campaign,
                "FlightId": flight,
                "Creative": object! { "Id": creative },
                "IsActive": true,
            };
            let made: Made = api.post(path!("/v1/flight/{}/creative", flight)).json(&body).fetch()?;
            Ok(made.id)
        })
}

/// Finds the ad of a creative in a flight.
///
/// # Errors
/// When Kevel can't be asked.
pub fn find(api: &Api, flight: i64, creative: i64) -> Fallible<Option<i64>> {
    for ad in api::list::<Object, _>(|| api.get(path!("/v1/flight/{}/creatives", flight))) {
        let ad = ad?;
        let of = ad.get("Creative").and_then(Json::as_object).and_then(|creative| creative.get("Id"));
        if of.and_then(Json::as_i64) == Some(creative) {
            return Ok(ad.get("Id").and_then(Json::as_i64));
        }
    }
    Ok(None)
}

/// Switches an ad on or off, in a step. A `PUT` replaces it all, so it is read, changed and written.
///
/// # Errors
/// What may pass: a refusal is in the verdict.
pub fn switch(
    api: &Api,
    flight: &str,
    ad: &str,
    on: bool,
    (package_id, creative_id): (&str, &str),
) -> Fallible<Verdict<()>> {
    step(step_name(&["ad", package_id, creative_id, if on { "on" } else { "off" }])).try_set(|| {
        let mut body: Object = match api.get(path!("/v1/ad/{}", ad)).fetch_if_any()? {
            Some(ad) => ad,
            // What is gone is off.
            None if !on => return Ok(()),
            None => return Err(Failure::not_found("ad_gone", format!("The ad {ad} is no longer on Kevel."))),
        };
        // The answer has the whole creative; the update takes its id.
        let creative = body.get("Creative").and_then(Json::as_object).and_then(|creative| creative.get("Id")).cloned();
        body.set("Creative", object! { "Id": creative });
        body.set("IsActive", on);
        body.set("IsDeleted", false);
        api.put(path!("/v1/flight/{}/creative/{}", flight, ad)).json(&body).send()?;
        Ok(())
    })
}
