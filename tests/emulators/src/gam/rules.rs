//! Rules that concern several fields of an object, or fields and the state of other objects.
//!
//! What one field may contain is in `schema`, from Google's files. A rule here names its source: a type of Google's
//! client library (`google-ads-admanager` 0.10.7), a page of the SOAP reference, or a page of the
//! help ("help 1628457"). `gam.md` beside the crate lists the rules, with what is inferred.
//!
//! - [`caps`]: frequency caps.
//! - [`credit`]: the credit status of the advertiser.
//! - [`destination`]: the click address of a creative.
//! - [`flags`]: fields that hold for one request only.
//! - [`forecast`]: whether there is inventory for a reservation.
//! - [`goals`]: which goals, units, prices and priorities belong to which type of line item.
//! - [`limits`]: how many line items, creatives, criteria and labels there may be.
//! - [`placeholders`]: sizes, and which creatives a line item misses.
//! - [`premium`]: what only Ad Manager 360 has.
//! - [`reservation`]: what can't change while a guaranteed line item delivers.
//! - [`video`]: what video line items need, and display line items can't have.

pub(super) mod caps;
pub(super) mod credit;
pub(super) mod destination;
pub(super) mod flags;
pub(super) mod forecast;
pub(super) mod goals;
pub(super) mod limits;
pub(super) mod placeholders;
pub(super) mod premium;
pub(super) mod reservation;
pub(super) mod video;

use super::{refusal::Refusal, schema::Object, settings::GamSettings, state::State};

/// Line item types whose impressions are reserved (type `LineItem.allow_overbook`).
pub(super) const GUARANTEED: [&str; 2] = ["STANDARD", "SPONSORSHIP"];

/// Whether the impressions of a line item are reserved.
pub(super) fn is_guaranteed(item: &Object) -> bool {
    super::schema::text(item, "lineItemType").is_some_and(|kind| GUARANTEED.contains(&kind))
}

/// Checks a line item, new or changed, by every rule that needs no state before it.
///
/// # Errors
/// [`Refusal`] with the field that breaks a rule.
pub(super) fn line_item(state: &State, item: &Object, settings: GamSettings) -> Result<(), Refusal> {
    goals::check(item)?;
    caps::check(item)?;
    video::check(state, item)?;
    placeholders::check(item)?;
    premium::line_item(item, settings)?;
    limits::line_item(item)
}
