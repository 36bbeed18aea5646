//! Targeting: everything that it refers to must exist, nothing may be both targeted and excluded,
//! and inventory must be targeted.

use serde_json::Value;

use super::{
    geo,
    refusal::Refusal,
    schema::{Object, inner, items, text, texts},
    state::State,
};

/// Fields under `targeting` that are lists of names, each with the collection that it refers to.
const REFERENCES: &[(&str, &str, &str, &str)] = &[
    ("geoTargeting", "", "Geos", "geoTargets"),
    ("technologyTargeting", "deviceCategoryTargeting", "Categories", "deviceCategories"),
    ("technologyTargeting", "operatingSystemTargeting", "OperatingSystems", "operatingSystems"),
    ("technologyTargeting", "browserTargeting", "Browsers", "browsers"),
    ("technologyTargeting", "browserLanguageTargeting", "BrowserLanguages", "browserLanguages"),
    ("technologyTargeting", "bandwidthTargeting", "BandwidthGroups", "bandwidthGroups"),
    ("inventoryTargeting", "", "Placements", "placements"),
];

/// Checks the targeting of a line item.
///
/// # Errors
/// [`Refusal`] with the field that is wrong or missing.
pub(super) fn check(state: &State, targeting: &Object) -> Result<(), Refusal> {
    let empty = Object::new();
    let inventory = inner(targeting, "inventoryTargeting").unwrap_or(&empty);
    let filled = |field: &str| inventory.get(field).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if !filled("targetedAdUnits") && !filled("targetedPlacements") {
        let why = "target at least one ad unit (targetedAdUnits) or placement (targetedPlacements)";
        return Err(Refusal::invalid("REQUIRED", "targeting.inventoryTargeting", why));
    }
    for list in ["targetedAdUnits", "excludedAdUnits"] {
        for unit in items(inventory, list) {
            let field = format!("targeting.inventoryTargeting.{list}.adUnit");
            let name = text(unit, "adUnit").ok_or_else(|| Refusal::required(&super::schema::snake(&field)))?;
            state.referred(&field, "adUnits", name)?;
        }
    }
    let units = |list| items(inventory, list).filter_map(|unit| text(unit, "adUnit")).collect::<Vec<&str>>();
    let excluded = units("excludedAdUnits");
    if let Some(both) = units("targetedAdUnits").into_iter().find(|name| excluded.contains(name)) {
        let why = format!("{both} is both targeted and excluded; remove one");
        return Err(Refusal::invalid("INVENTORY_CANNOT_BE_TARGETED_AND_EXCLUDED", "targeting.inventoryTargeting", why));
    }
    tree(state, &units("targetedAdUnits"), &excluded)?;
    for (outer, middle, what, collection) in REFERENCES {
        let Some(mut holder) = inner(targeting, outer) else { continue };
        if !middle.is_empty() {
            let Some(deeper) = inner(holder, middle) else { continue };
            holder = deeper;
        }
        let (targeted, excluded) =
            (texts(holder, &format!("targeted{what}")), texts(holder, &format!("excluded{what}")));
        for name in targeted.iter().chain(&excluded) {
            state.referred(&format!("targeting.{outer}"), collection, name)?;
        }
        if *collection == "geoTargets" {
            geo::check(state, &targeted, &excluded)?;
        } else if let Some(both) = targeted.iter().find(|name| excluded.contains(name)) {
            let why = format!("{both} is both targeted and excluded; remove one");
            return Err(Refusal::invalid("INVALID_TARGETING", &format!("targeting.{outer}"), why));
        }
    }
    custom(state, inner(targeting, "customTargeting").unwrap_or(&empty))
}

/// An ad unit is excluded only below one that is targeted, and none is targeted below one that is
/// excluded (type `InventoryTargeting.excluded_ad_units`).
fn tree(state: &State, targeted: &[&str], excluded: &[&str]) -> Result<(), Refusal> {
    let parent = |name: &str| {
        state.lookup("adUnits").and_then(|units| units.get(name)).and_then(|unit| text(unit, "parentAdUnit"))
    };
    let above = |name| std::iter::successors(parent(name), |name| parent(name)).collect::<Vec<&str>>();
    let wrong = |why: String| Err(Refusal::invalid("INVALID_TARGETING", "targeting.inventoryTargeting", why));
    for unit in excluded {
        if !above(unit).iter().any(|outer| targeted.contains(outer)) {
            return wrong(format!("{unit} is excluded, and none of the ad units above it is targeted"));
        }
    }
    for unit in targeted {
        if let Some(outer) = above(unit).into_iter().find(|outer| excluded.contains(outer)) {
            return wrong(format!("{unit} is targeted below {outer}, which is excluded"));
        }
    }
    Ok(())
}

fn custom(state: &State, custom: &Object) -> Result<(), Refusal> {
    const FIELD: &str = "targeting.customTargeting";
    for clause in items(custom, "customTargetingClauses") {
        for literal in items(clause, "customTargetingLiterals") {
            let key = text(literal, "customTargetingKey").ok_or_else(|| Refusal::required(FIELD))?;
            state.referred(FIELD, "customTargetingKeys", key)?;
            for name in texts(literal, "customTargetingValues") {
                let value = state.referred(FIELD, "customTargetingValues", name)?;
                if text(value, "customTargetingKey") != Some(key) {
                    let why = format!("{name} is no value of {key}; list the key's values");
                    return Err(Refusal::invalid("INVALID_TARGETING", FIELD, why));
                }
            }
        }
        for segments in items(clause, "audienceSegmentTargetings") {
            for name in texts(segments, "audienceSegments") {
                state.referred(FIELD, "audienceSegments", name)?;
            }
        }
    }
    Ok(())
}
