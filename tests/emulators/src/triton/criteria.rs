//! The criteria tree of a flight's targeting, according to Triton's public page on targeting rules.

use serde_json::Value;

use super::refusal::Refusal;

/// The maximum depth of a tree.
const MAX_DEPTH: usize = 10;
/// Dimensions: the public page names `dma`, `city-geonames-id` and `age`; the others are by
/// analogy.
const DIMENSIONS: [&str; 15] = [
    "country",
    "state",
    "dma",
    "city-geonames-id",
    "postal-code",
    "device",
    "station",
    "genre",
    "language",
    "age",
    "gender",
    "segment",
    "market",
    "station-tag",
    "content-tag",
];
/// The most content tags of a flight (help pages, targeting rules: usage notes).
const MOST_TAGS: usize = 512;
/// Dimensions with a fixed set of values.
const CLOSED: [(&str, &[&str]); 1] = [("device", &["mobile", "desktop", "smart-speaker"])];

/// Checks a tree; `place` is its path.
///
/// # Errors
/// [`Refusal`] with the path of what is wrong.
pub(super) fn check(place: &str, tree: &Value) -> Result<(), Refusal> {
    node(place, tree, 1)?;
    match tags(tree) {
        count if count > MOST_TAGS => {
            Err(Refusal::field(place, format!("has {count} content tags; at most {MOST_TAGS} are taken")))
        }
        _ => Ok(()),
    }
}

/// Counts the content tags of a tree that was checked.
fn tags(tree: &Value) -> usize {
    if tree["dimension"] == "content-tag" {
        return tree["values"].as_array().map_or(1, Vec::len);
    }
    let inner = tree["fields"].as_array().into_iter().flatten().chain(tree.get("field"));
    inner.map(tags).sum()
}

fn node(place: &str, tree: &Value, depth: usize) -> Result<(), Refusal> {
    if depth > MAX_DEPTH {
        return Err(Refusal::field(place, format!("is deeper than {MAX_DEPTH}")));
    }
    let Value::Object(tree) = tree else { return Err(Refusal::field(place, "must be an object")) };
    let at = |name: &str| format!("{place}.{name}");
    let kind = tree.get("type").and_then(Value::as_str).ok_or_else(|| Refusal::required(&at("type")))?;
    let known: &[&str] = match kind {
        "and" | "or" => &["type", "fields"],
        "not" => &["type", "field"],
        "equals" => &["type", "dimension", "value"],
        "in" => &["type", "dimension", "values"],
        "isDefined" => &["type", "dimension"],
        "bound" => &["type", "dimension", "lower", "upper"],
        other => return Err(Refusal::field(&at("type"), format!("{other} is no type of criteria"))),
    };
    if let Some(name) = tree.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Refusal::field(&at(name), format!("is not known in {kind}; fields: {}", known.join(", "))));
    }
    match kind {
        "and" | "or" => {
            let fields = tree.get("fields").and_then(Value::as_array).filter(|fields| !fields.is_empty());
            let fields = fields.ok_or_else(|| Refusal::field(&at("fields"), "must be a list of criteria"))?;
            for (number, field) in fields.iter().enumerate() {
                node(&format!("{}[{number}]", at("fields")), field, depth + 1)?;
            }
            return Ok(());
        }
        "not" => {
            let field = tree.get("field").ok_or_else(|| Refusal::required(&at("field")))?;
            return node(&at("field"), field, depth + 1);
        }
        _ => {}
    }
    let dimension = tree.get("dimension").and_then(Value::as_str).ok_or_else(|| Refusal::required(&at("dimension")))?;
    if !DIMENSIONS.contains(&dimension) {
        let why = format!("{dimension} is no dimension; dimensions: {}", DIMENSIONS.join(", "));
        return Err(Refusal::field(&at("dimension"), why));
    }
    let value = |name: &str, value: &Value| {
        let text = value.as_str().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| Refusal::field(&at(name), "values are texts"))?;
        let closed = CLOSED.iter().find(|(of, _)| *of == dimension).map(|(_, values)| *values);
        match closed.filter(|values| !values.contains(&text)) {
            Some(values) => Err(Refusal::field(&at(name), format!("{text} is none of {}", values.join(", ")))),
            None => Ok(()),
        }
    };
    match kind {
        "equals" => value("value", tree.get("value").ok_or_else(|| Refusal::required(&at("value")))?),
        "in" => {
            let values = tree.get("values").and_then(Value::as_array).filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| Refusal::field(&at("values"), "must be a list of texts"))?;
            values.iter().try_for_each(|one| value("values", one))
        }
        "bound" => {
            let bounds: Vec<&str> = ["lower", "upper"].into_iter().filter(|name| tree.contains_key(*name)).collect();
            if bounds.is_empty() {
                return Err(Refusal::field(&at("lower"), "a bound needs lower or upper"));
            }
            bounds.into_iter().try_for_each(|name| value(name, &tree[name]))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tree_is_checked_to_its_leaves() {
        let good = json!({ "type": "and", "fields": [
            { "type": "in", "dimension": "state", "values": ["CA", "NY"] },
            { "type": "not", "field": { "type": "equals", "dimension": "dma", "value": "501" } },
            { "type": "or", "fields": [{ "type": "isDefined", "dimension": "age" }] },
            { "type": "bound", "dimension": "age", "lower": "18" },
        ] });
        assert_eq!(check("targeting", &good), Ok(()));
        for (tree, path) in [
            (json!([]), "targeting:"),
            (json!({}), "targeting.type:"),
            (json!({ "type": "xor", "fields": [] }), "targeting.type:"),
            (json!({ "type": "and", "fields": [] }), "targeting.fields:"),
            (
                json!({ "type": "and", "fields": [{ "type": "equals", "dimension": "x", "value": "1" }] }),
                "targeting.fields[0].dimension:",
            ),
            (
                json!({ "type": "not", "field": { "type": "equals", "dimension": "dma", "value": 501 } }),
                "targeting.field.value:",
            ),
            (json!({ "type": "in", "dimension": "dma", "values": [] }), "targeting.values:"),
            (json!({ "type": "in", "dimension": "device", "values": ["ctv"] }), "targeting.values:"),
            (json!({ "type": "equals", "dimension": "dma", "values": ["1"] }), "targeting.values:"),
            (json!({ "type": "bound", "dimension": "age" }), "targeting.lower:"),
        ] {
            let refusal = check("targeting", &tree).unwrap_err().to_string();
            assert!(refusal.starts_with(path), "{tree}: {refusal}");
        }
        let tag = |count: usize| json!({ "type": "in", "dimension": "content-tag", "values": vec!["a"; count] });
        let both = |one, other| json!({ "type": "and", "fields": [tag(one), { "type": "not", "field": tag(other) }] });
        assert_eq!(check("targeting", &both(500, 12)), Ok(()));
        assert!(check("targeting", &both(500, 13)).unwrap_err().to_string().contains("513 content tags"));
        let mut deep = json!({ "type": "isDefined", "dimension": "age" });
        for _ in 0..MAX_DEPTH {
            deep = json!({ "type": "not", "field": deep });
        }
        assert!(check("targeting", &deep).is_err());
    }
}
