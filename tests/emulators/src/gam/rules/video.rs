//! What video line items need, and what display line items can't have.
//!
//! - `maxVideoCreativeDuration` is required for video and above 0 (type `LineItem`).
//! - `requestPlatformTargeting` must be given for video and is read-only for display (SOAP,
//!   `RequestPlatformTargeting`; the REST type has the field without the sentence).
//! - `skippableAdType` is for video only (type `LineItem`).
//! - Video positions are for video only (inferred from what they name).
//! - A video line item targets only ad units with a size of the environment VIDEO_PLAYER (type
//!   `LineItem.environment_type`).

use serde_json::Value;

use crate::gam::{
    refusal::Refusal,
    schema::{Object, inner, items, text},
    state::State,
};

const PLATFORMS: &str = "targeting.requestPlatformTargeting";

/// Whether a line item is video.
pub(in crate::gam) fn is_video(item: &Object) -> bool {
    text(item, "environmentType") == Some("VIDEO_PLAYER")
}

pub(in crate::gam) fn check(state: &State, item: &Object) -> Result<(), Refusal> {
    let empty = Object::new();
    let targeting = inner(item, "targeting").unwrap_or(&empty);
    let listed = |holder: &str, list: &str| {
        let list = inner(targeting, holder).and_then(|holder| holder.get(list)).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    let platforms = listed("requestPlatformTargeting", "requestPlatforms");
    if !is_video(item) {
        if platforms {
            return Err(Refusal::invalid("READ_ONLY", PLATFORMS, "is read-only for display; leave it out"));
        }
        if listed("videoPositionTargeting", "videoPositions") {
            let why = "is for line items of the environment VIDEO_PLAYER";
            return Err(Refusal::invalid("INVALID", "targeting.videoPositionTargeting", why));
        }
        if text(item, "skippableAdType").is_some_and(|kind| kind != "DISABLED") {
            return Err(Refusal::invalid("INVALID", "skippableAdType", "is for video line items only"));
        }
        return Ok(());
    }
    if duration(item, "maxVideoCreativeDuration").is_none_or(|nanos| nanos == 0) {
        return Err(Refusal::required("line_item.max_video_creative_duration"));
    }
    if !platforms {
        return Err(Refusal::required("line_item.targeting.request_platform_targeting.request_platforms"));
    }
    units(state, targeting)
}

fn units(state: &State, targeting: &Object) -> Result<(), Refusal> {
    let empty = Object::new();
    let inventory = inner(targeting, "inventoryTargeting").unwrap_or(&empty);
    let unit = |name: &str| state.lookup("adUnits").and_then(|units| units.get(name));
    for name in items(inventory, "targetedAdUnits").filter_map(|unit| text(unit, "adUnit")) {
        let mut sizes = unit(name).into_iter().flat_map(|unit| items(unit, "adUnitSizes"));
        if unit(name).is_some() && !sizes.any(|size| text(size, "environmentType") == Some("VIDEO_PLAYER")) {
            let why = format!("{name} has no size of the environment VIDEO_PLAYER");
            return Err(Refusal::invalid("INVALID_AD_UNIT", "targeting.inventoryTargeting", why));
        }
    }
    Ok(())
}

/// Returns a duration in nanoseconds.
fn duration(object: &Object, field: &str) -> Option<u128> {
    let (whole, part) = match text(object, field)?.strip_suffix('s')? {
        number if number.contains('.') => number.split_once('.')?,
        number => (number, "0"),
    };
    let nanos: u128 = format!("{part:0<9}").parse().ok()?;
    Some(whole.parse::<u128>().ok()? * 1_000_000_000 + nanos)
}

/// Refuses a creative that is longer than its line item allows.
pub(in crate::gam) fn fits(item: &Object, creative: &Object) -> Result<(), Refusal> {
    let details = creative.iter().find(|(name, _)| name.ends_with("Creative")).and_then(|(_, value)| value.as_object());
    let long = details.and_then(|details| {
        duration(details, "duration").or_else(|| inner(details, "vastInfo").and_then(|vast| duration(vast, "duration")))
    });
    match (long, duration(item, "maxVideoCreativeDuration")) {
        (Some(long), Some(most)) if is_video(item) && long > most => {
            let why = "is longer than the line item's maxVideoCreativeDuration";
            Err(Refusal::invalid("INVALID_LINE_ITEM_CREATIVE_PAIR", "creative.duration", why))
        }
        _ => Ok(()),
    }
}
