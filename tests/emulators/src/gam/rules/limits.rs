//! How many objects there may be (help 1628457).

use serde_json::Value;

use crate::gam::{
    refusal::Refusal,
    schema::{Object, items},
};

/// The most line items of an order.
const LINE_ITEMS: usize = 450;
/// The most creatives of a line item.
const CREATIVES: usize = 260;
/// The most targeting criteria of a line item.
const CRITERIA: usize = 800;
/// The most labels of a line item.
const LABELS: usize = 51;

fn most(count: usize, most: usize, field: &str, what: &str) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    Err(Refusal::invalid("TOO_MANY", field, format!("{count} {what}, of at most {most}")))
}

/// Checks the labels and criteria of a line item.
pub(in crate::gam) fn line_item(item: &Object) -> Result<(), Refusal> {
    most(items(item, "appliedLabels").count(), LABELS, "appliedLabels", "labels")?;
    most(item.get("targeting").map_or(0, criteria), CRITERIA, "targeting", "targeting criteria")
}

/// Checks that an order can have one more line item than it has.
pub(in crate::gam) fn order(line_items: usize) -> Result<(), Refusal> {
    most(line_items + 1, LINE_ITEMS, "order", "line items in an order")
}

/// Checks that a line item can have one more creative than it has.
pub(in crate::gam) fn creatives(creatives: usize) -> Result<(), Refusal> {
    most(creatives + 1, CREATIVES, "creative", "creatives in a line item")
}

/// Counts what a targeting names: every entry of its lists of names, ad units and video positions.
fn criteria(targeting: &Value) -> usize {
    match targeting {
        Value::Object(object) => {
            if object.contains_key("adUnit") || object.contains_key("positionType") {
                return 1;
            }
            object.values().map(criteria).sum()
        }
        Value::Array(list) => list.iter().map(|entry| if entry.is_string() { 1 } else { criteria(entry) }).sum(),
        _ => 0,
    }
}
