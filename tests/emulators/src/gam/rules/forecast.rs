//! Whether there is inventory for a reservation: a setting of the emulator says how much there is.
//!
//! The reasons are those of the SOAP API's `ForecastError`. A request that overbooks, or that skips
//! the check, has none (type `LineItem.allow_overbook`, `BatchApproveOrdersRequest`).

use crate::{
    control::clock::Millis,
    gam::{
        refusal::Refusal,
        rules::is_guaranteed,
        schema::{inner, number, text},
        settings::GamSettings,
        state::LineItem,
    },
};

/// Refuses to reserve inventory for a line item that has no forecast yet, or too little inventory.
pub(in crate::gam) fn check(name: &str, item: &LineItem, now: Millis, settings: &GamSettings) -> Result<(), Refusal> {
    if !is_guaranteed(&item.object) || item.deleted {
        return Ok(());
    }
    let display = text(&item.object, "displayName").unwrap_or("");
    if now < item.created + settings.forecast_after_seconds * 1000 {
        let why =
            format!("{name}: there is no forecast for the new line item \"{display}\" yet; try again within the hour");
        return Err(Refusal::state("NO_FORECAST_YET", why));
    }
    let units = inner(&item.object, "goal").and_then(|goal| number(goal, "units")).unwrap_or(0);
    match settings.available_impressions {
        Some(available) if units > available && text(&item.object, "lineItemType") == Some("STANDARD") => {
            let why = format!(
                "{name}: the line item \"{display}\" needs {units} and there are {available}; overbook it or lower the goal"
            );
            Err(Refusal::state("NOT_ENOUGH_INVENTORY", why))
        }
        _ => Ok(()),
    }
}
