//! A small buy with which plans are tried, made from what an adapter declares.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    adapters::settings,
    domain::{
        capability::Capabilities,
        id::PlatformName,
        media_buy::{MediaBuy, Pacing, Package},
        money::Micros,
        price::{Price, PriceModel},
        status::BuyStatus,
        targeting::Targeting,
        time::Timestamp,
    },
};

const DAY: Duration = Duration::from_secs(86_400);

/// The packages of the sample.
pub(crate) const PACKAGES: [&str; 2] = ["one", "two"];

/// The budget of each package, in units of the currency.
const BUDGET: i64 = 100;

/// How deep a value is made from a schema that refers to itself.
const DEPTH: u32 = 8;

/// Returns a buy of two packages that begins in a month. It has no targeting, and the first format
/// and pacing of the adapter, so that an adapter refuses it only for its settings.
pub(crate) fn buy(platform: &PlatformName, capabilities: &Capabilities, now: Timestamp) -> MediaBuy {
    let units = |units: i64| Micros::new(units * Micros::UNIT).unwrap_or(Micros::MAX);
    let price = price(capabilities);
    let package = |id: &str| Package {
        id: id.into(),
        name: format!("Sample {id}"),
        platform: platform.clone(),
        active: true,
        switched_at: None,
        budget: units(BUDGET),
        goal: price.goal_for(units(BUDGET)).ok().flatten(),
        price,
        floor: units(1),
        pacing: None,
        daily_budget: None,
        daily_goal: None,
        targeting: Targeting::default(),
        creatives: Vec::new(),
        formats: capabilities.formats.first().copied().into_iter().collect(),
        settings: of_schema(&capabilities.product_settings_schema),
        review_lead_ms: 0,
        performance_index: None,
    };
    MediaBuy {
        id: format!("{platform}_sample").into(),
        principal: "sample".into(),
        po_number: Some("PO-1".to_owned()),
        currency: "USD".to_owned(),
        active: true,
        switched_at: None,
        total_budget: units(2 * BUDGET),
        approved_budget: None,
        approved_end: None,
        daily_budget: None,
        pacing: capabilities.pacing.first().copied().unwrap_or(Pacing::Even),
        start: now.plus(30 * DAY),
        end: now.plus(60 * DAY),
        targeting: Targeting::default(),
        packages: PACKAGES.iter().map(|id| package(id)).collect(),
        creatives: Vec::new(),
        assets: BTreeMap::new(),
        absent: BTreeMap::new(),
        remote: BTreeMap::new(),
        status: BuyStatus::PendingActivation,
        detail: String::new(),
        revision: 1,
        booked_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// Returns a price of the first model that an adapter lists and the host sells by: the thousand
/// impressions, if it lists those.
pub(crate) fn price(capabilities: &Capabilities) -> Price {
    let model = PriceModel::ALL.iter().copied().find(|model| capabilities.sells_by(*model));
    let model = model.unwrap_or(PriceModel::Cpm);
    // A flat price is the budget.
    let rate = if model == PriceModel::Flat { BUDGET } else { 10 };
    Price { model, rate: Micros::new(rate * Micros::UNIT).unwrap_or(Micros::MAX) }
}

/// Returns settings that fit a schema, as far as they can be made without solving it: the required
/// ones alone. If they don't fit, they are left out, and the adapter refuses the sample.
pub(super) fn of_schema(schema: &Value) -> Value {
    let made = instance(schema, schema, DEPTH);
    if settings::check(schema, &made).is_empty() { made } else { json!({}) }
}

fn instance(schema: &Value, root: &Value, depth: u32) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let there = name.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return there.map_or(Value::Null, |there| instance(there, root, depth));
    }
    if let Some(given) = schema.get("const").or_else(|| schema.get("default")) {
        return given.clone();
    }
    let first_of = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|list| list.first());
    if let Some(given) = first_of("enum").or_else(|| first_of("examples")) {
        return given.clone();
    }
    let kind = schema.get("type").and_then(Value::as_str).or_else(|| first_of("type").and_then(Value::as_str));
    let number = |key: &str| schema.get(key).cloned();
    match kind {
        // Ids are numbers on many platforms, also where they are strings.
        Some("string") => json!("1"),
        Some("integer" | "number") => number("minimum").unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(false),
        Some("null") => Value::Null,
        Some("array") => {
            let count = usize::from(schema.get("minItems").and_then(Value::as_u64).is_some_and(|least| least > 0));
            let item = schema.get("items").map_or(Value::Null, |items| instance(items, root, depth));
            Value::Array(vec![item; count])
        }
        Some("object") | None => {
            if let Some(choice) = first_of("oneOf").or_else(|| first_of("anyOf")) {
                return instance(choice, root, depth);
            }
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let properties = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
            let fields = required.filter_map(Value::as_str).map(|name| {
                let value = properties(name).map_or(Value::Null, |schema| instance(schema, root, depth));
                (name.to_owned(), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_made_from_their_schema() {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["network", "kind", "sizes", "limit"],
            "properties": {
                "network": { "$ref": "#/$defs/id" },
                "kind": { "enum": ["STANDARD", "BULK"] },
                "sizes": { "type": "array", "minItems": 1, "items": { "const": "300x250" } },
                "limit": { "type": "integer", "minimum": 7 },
                "note": { "type": "string" }
            },
            "$defs": { "id": { "type": "string", "pattern": "^[0-9]{1,19}$" } }
        });
        assert_eq!(of_schema(&schema), json!({ "network": "1", "kind": "STANDARD", "sizes": ["300x250"], "limit": 7 }));
    }

    #[test]
    fn settings_that_can_not_be_made_are_left_out() {
        let code = json!({ "type": "object", "required": ["c"], "properties": { "c": { "type": "string", "pattern": "^[A-Z]{3}$" } } });
        assert_eq!(of_schema(&code), json!({}));
        let endless = json!({ "type": "object", "required": ["a"], "properties": { "a": { "$ref": "#" } } });
        assert_eq!(of_schema(&endless), json!({}));
    }
}
