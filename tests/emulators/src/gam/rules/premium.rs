//! What only Ad Manager 360 has: roadblocks by creative set (help 2666929), line items that run on after their end (type
//! `LineItem.auto_extension_days`), and associations with times or an address of their own (type
//! `LineItemCreativeAssociation`).

use crate::gam::{
    refusal::{Refusal, Status},
    schema::{Object, number, text},
    settings::GamSettings,
};

fn refused(field: &str) -> Refusal {
    let why = format!("{}: this network is not one of Ad Manager 360; leave it out", crate::gam::schema::snake(field));
    Refusal::new(Status::PermissionDenied, "NOT_ALLOWED", why)
}

/// Checks a line item.
pub(in crate::gam) fn line_item(item: &Object, settings: GamSettings) -> Result<(), Refusal> {
    if text(item, "roadblockingType") == Some("CREATIVE_SET") && !settings.ad_manager_360 {
        return Err(refused("roadblockingType"));
    }
    match number(item, "autoExtensionDays") {
        None | Some(0) => Ok(()),
        Some(days) if days < 0 => Err(Refusal::invalid("INVALID", "autoExtensionDays", "must not be negative")),
        Some(_) if settings.ad_manager_360 => Ok(()),
        Some(_) => Err(refused("autoExtensionDays")),
    }
}

/// Checks an association.
pub(in crate::gam) fn association(tie: &Object, settings: GamSettings) -> Result<(), Refusal> {
    match ["startTime", "endTime", "destinationUrl"].into_iter().find(|field| tie.contains_key(*field)) {
        Some(field) if !settings.ad_manager_360 => Err(refused(field)),
        _ => Ok(()),
    }
}
