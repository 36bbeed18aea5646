//! A roadblock by creative set: a creative and the companions that are shown beside it.
//!
//! `roadblockingType` CREATIVE_SET is for display (type `LineItem.companion_delivery_option`), and its
//! placeholders say the sizes of the companions (type `CreativePlaceholder.companions`).

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use super::pixels;
use crate::settings::{Environment, Product};

/// Writes the fields into those of a line item, whose placeholders are not written yet.
pub(super) fn write(
    fields: &mut Object,
    placeholders: &mut [Object],
    product: &Product,
    package: &PackageOrder,
    problems: &mut Problems,
) {
    let Some(companions) = &product.companions else { return };
    let mut wrong = |message: &str| {
        let pointer = format!("/packages/{}/package_id", pointer_segment(&package.package_id));
        problems.invalid("invalid_companion_settings", pointer, &package.package_id, message);
    };
    if product.shown_in() == Environment::VideoPlayer {
        wrong("Only a display product has companions: a buyer's video has no field for them.");
    }
    if product.roadblocking.is_some() {
        wrong("Companions are a roadblocking of their own: leave roadblocking out.");
    }
    let listed: Vec<Object> = companions.sizes.iter().map(|size| object! { "size": pixels(*size) }).collect();
    for placeholder in placeholders {
        placeholder.set("companions", listed.clone());
    }
    fields.set("roadblockingType", "CREATIVE_SET");
    fields.set("companionDeliveryOption", companions.delivery.name());
}
