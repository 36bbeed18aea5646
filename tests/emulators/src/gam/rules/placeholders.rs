//! The slots of a line item: their sizes, and which of them have no creative.

use crate::gam::{
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
/// (type `CreativePlaceholder.companions`).
pub(in crate::gam) fn check(item: &Object) -> Result<(), Refusal> {
    let sets =
        text(item, "environmentType") == Some("VIDEO_PLAYER") || text(item, "roadblockingType") == Some("CREATIVE_SET");
    for slot in items(item, "creativePlaceholders") {
        if let Some(of) = inner(slot, "size") {
            size("creativePlaceholders.size", of)?;
        }
        if !sets && items(slot, "companions").next().is_some() {
            let why = "needs the environmentType VIDEO_PLAYER or the roadblockingType CREATIVE_SET";
            return Err(Refusal::invalid("INVALID", "creativePlaceholders.companions", why));
        }
    }
    Ok(())
}

/// Whether a line item misses a creative: each slot expects as many of its size as it says, or one
/// (type `LineItem.missing_creatives`; help 4351366).
pub(in crate::gam) fn missing(state: &State, item: i64, object: &Object) -> bool {
    let shown =
        state.tied(item).filter(|(id, tie)| tie.active && state.creatives.get(id).is_some_and(|one| one.active));
    let mut sizes: Vec<Sides> = Vec::new();
    for (id, tie) in shown {
        let own: Vec<Sides> = items(&tie.object, "sizes").map(sides).collect();
        if own.is_empty() {
            let creative = state.creatives.get(&id).and_then(|creative| inner(&creative.object, "size"));
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
