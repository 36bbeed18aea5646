//! The slots of a line item: their sizes, and which of them have no creative.

use crate::gam::{
    creative_sets,
    refusal::Refusal,
    schema::{Object, inner, items, number, text},
    state::State,
};

/// Types of sizes that say nothing of pixels, and are written 1x1 (type `SizeType`).
const ONE_BY_ONE: [&str; 5] = ["INTERSTITIAL", "IGNORED", "NATIVE", "FLUID", "AUDIO"];

type Sides = (Option<i64>, Option<i64>);

fn sides(size: &Object) -> Sides {
    (number(size, "width"), number(size, "height"))
}

/// Checks a size. `field` is where it is.
pub(in crate::gam) fn size(field: &str, size: &Object) -> Result<(), Refusal> {
    match text(size, "sizeType") {
        Some(kind) if ONE_BY_ONE.contains(&kind) && sides(size) != (Some(1), Some(1)) => {
            Err(Refusal::invalid("INVALID_SIZE", field, format!("a size of the type {kind} is 1x1")))
        }
        _ => Ok(()),
    }
}

/// Checks the slots of a line item. Companions are for video, or for roadblocks by creative set
/// (type `CreativePlaceholder.companions`), of which one excludes the other (type
/// `LineItem.companion_delivery_option`). A roadblock's slots have companions (SOAP
/// `RoadblockingType`), and each another master size (help 2666929).
pub(in crate::gam) fn check(item: &Object) -> Result<(), Refusal> {
    let (video, roadblock) =
        (text(item, "environmentType") == Some("VIDEO_PLAYER"), text(item, "roadblockingType") == Some("CREATIVE_SET"));
    if video && roadblock {
        let why = "CREATIVE_SET and the environmentType VIDEO_PLAYER exclude each other";
        return Err(Refusal::invalid("INVALID", "roadblockingType", why));
    }
    let mut masters: Vec<Sides> = Vec::new();
    for slot in items(item, "creativePlaceholders") {
        if let Some(of) = inner(slot, "size") {
            size("creativePlaceholders.size", of)?;
        }
        if roadblock && items(slot, "companions").next().is_none() {
            let why = "CREATIVE_SET needs companions in every creativePlaceholder";
            return Err(Refusal::invalid("INVALID", "roadblockingType", why));
        }
        let master = inner(slot, "size").map(sides).unwrap_or_default();
        if roadblock && masters.contains(&master) {
            return Err(Refusal::invalid(
                "NOT_UNIQUE",
                "creativePlaceholders.size",
                "a master's size stands there once",
            ));
        }
        masters.push(master);
        if !(video || roadblock) && items(slot, "companions").next().is_some() {
            let why = "needs the environmentType VIDEO_PLAYER or the roadblockingType CREATIVE_SET";
            return Err(Refusal::invalid("INVALID", "creativePlaceholders.companions", why));
        }
    }
    Ok(())
}

/// Checks a creative set against the slots of its line item: one has the size of its master, and has the
/// sizes of its companions.
pub(in crate::gam) fn takes(state: &State, item: &Object, set: &Object) -> Result<(), Refusal> {
    let size = |name: &str| state.creative(name).ok().and_then(|(_, one)| inner(&one.object, "size")).map(sides);
    let master = text(set, "masterCreative").and_then(size);
    let wrong = |why: &str| Err(Refusal::invalid("INVALID_LINE_ITEM_CREATIVE_PAIR", "creativeSet", why));
    let slot = items(item, "creativePlaceholders").find(|slot| inner(slot, "size").map(sides) == master);
    let Some(slot) = slot else {
        return wrong("the size of its master is not among the line item's creativePlaceholders");
    };
    let known: Vec<Sides> = items(slot, "companions").filter_map(|one| inner(one, "size")).map(sides).collect();
    if creative_sets::companions(set).filter_map(size).any(|size| !known.contains(&size)) {
        return wrong("a companion's size is not among the companions of the line item's creativePlaceholder");
    }
    Ok(())
}

/// Whether a line item misses a creative: each slot expects as many of its size as it says, or one
/// (type `LineItem.missing_creatives`; help 4351366).
pub(in crate::gam) fn missing(state: &State, item: i64, object: &Object) -> bool {
    let shown = state.tied(item).filter(|(id, tie)| tie.active && state.shown_first(*id).is_some_and(|one| one.active));
    let mut sizes: Vec<Sides> = Vec::new();
    for (id, tie) in shown {
        let own: Vec<Sides> = items(&tie.object, "sizes").map(sides).collect();
        if own.is_empty() {
            let creative = state.shown_first(id).and_then(|creative| inner(&creative.object, "size"));
            sizes.extend(creative.map(sides));
        } else {
            sizes.extend(own);
        }
    }
    items(object, "creativePlaceholders").any(|slot| {
        let wanted = inner(slot, "size").map(sides);
        let expected = number(slot, "expectedCreativeCount").unwrap_or(1).max(0);
        let there = sizes.iter().filter(|size| Some(**size) == wanted).count();
        i64::try_from(there).unwrap_or(i64::MAX) < expected
    })
}
