//! What can't change while a guaranteed line item delivers: the SOAP API's
//! `ReservationDetailsError.UPDATE_RESERVATION_NOT_ALLOWED` says that the line item has begun and
//! must be paused first. Which fields are meant is not documented; these are the ones that a
//! reservation depends on (inferred).

use crate::gam::{refusal::Refusal, rules::is_guaranteed, schema::Object};

const FIELDS: [&str; 11] = [
    "targetEndTime",
    "endTimeUnlimited",
    "autoExtensionDays",
    "goal",
    "secondaryGoals",
    "frequencyCaps",
    "lineItemType",
    "priority",
    "costType",
    "creativePlaceholders",
    "targeting",
];

/// Refuses a change of the reservation of a line item that delivers.
pub(in crate::gam) fn check(name: &str, status: &str, before: &Object, after: &Object) -> Result<(), Refusal> {
    if !is_guaranteed(before) || !matches!(status, "DELIVERING" | "DELIVERY_EXTENDED") {
        return Ok(());
    }
    match FIELDS.into_iter().find(|field| before.get(*field) != after.get(*field)) {
        Some(field) => {
            let why = format!("{name} is {status}: pause it before its {field} changes");
            Err(Refusal::state("UPDATE_RESERVATION_NOT_ALLOWED", why))
        }
        None => Ok(()),
    }
}
