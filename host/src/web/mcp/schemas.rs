//! The schemas of tools for agents. A model reads all of them before it does anything, and pays for
//! each word. So everything is stated once, a repeated shape becomes a definition, and an answer is
//! described only as far as a model needs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::web::{
    json::schema::{self, Side},
    tool::Tool,
};

/// Where definitions are in a self-contained schema.
const DEFINITIONS: &str = "$defs";
const REFERENCE: &str = "#/$defs/";

/// A definition of at most this many bytes is inlined: a reference would hardly be shorter.
const SHORT: usize = 60;

/// Text that both descriptions of a pair of targeting fields would repeat.
const ANY_OF: &str = "Deliver only where one of these matches: ";

/// Keywords that a model does not need: rules that it would hardly break, and whose refusal says
/// what is right.
const LEFT_OUT: [&str; 18] = [
    "pattern",
    "$comment",
    "format",
    "uniqueItems",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "minProperties",
    "dependentRequired",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
];

/// Parts that one tool documents in full and another only refers to.
const SHOWN_ELSEWHERE: [(&str, &str, &str); 3] = [
    ("update_media_buy", "TargetingOverlay", "The fields of targeting_overlay of create_media_buy."),
    ("update_package", "TargetingOverlay", "The fields of targeting_overlay of create_media_buy."),
    ("update_media_buy", "PackageUpdate", "One of the packages of update_package: package_id, and what of it changes."),
];

/// The name of the definition for a list of texts, which occurs often.
const TEXTS: &str = "Texts";

/// Returns the schema of a tool's arguments.
pub(super) fn of_arguments(tool: &Tool) -> Map<String, Value> {
    let mut generator = schema::with_definitions(Side::Request);
    let mut schema = schema::of(&mut generator, tool.input);
    // The tool's own description says it.
    schema.remove("description");
    let definitions =
        generator.take_definitions(true).into_iter().map(|(name, value)| match shown_elsewhere(tool, &name) {
            Some(words) => (name, json!({"type": "object", "description": words})),
            None => (name, without_rules(value)),
        });
    let mut parts = definitions.collect();
    let Value::Object(mut schema) = without_rules(Value::Object(schema)) else { return Map::new() };
    settle(&mut schema, &mut parts);
    schema
}

/// Returns the schema of a tool's structured content: its answer, or the error object. Some clients
/// validate both against it.
pub(super) fn of_answer(tool: &Tool) -> Map<String, Value> {
    let mut generator = schema::complete(Side::Answer);
    let answer = schema::of(&mut generator, tool.output);
    let properties = answer.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut shown: Map<String, Value> = properties.map(|(name, property)| (name.clone(), outline(property))).collect();
    // An operation has an error field of its own, which may be null.
    shown.entry("error").or_insert_with(|| json!({"type": "object"}));
    Map::from_iter([("type".to_owned(), json!("object")), ("properties".to_owned(), Value::Object(shown))])
}

/// Reduces a field of an answer to its type, and its values if it is an enum. The answer itself
/// shows the rest.
fn outline(property: &Value) -> Value {
    let kept = ["type", "enum"].into_iter().filter_map(|name| Some((name.to_owned(), property.get(name)?.clone())));
    Value::Object(kept.collect())
}

/// Returns a schema without the keywords that a model does not need.
fn without_rules(schema: Value) -> Value {
    match schema {
        Value::Object(members) => Value::Object(lean(members)),
        Value::Array(elements) => Value::Array(elements.into_iter().map(without_rules).collect()),
        other => other,
    }
}

fn shown_elsewhere(tool: &Tool, definition: &str) -> Option<&'static str> {
    let shown = SHOWN_ELSEWHERE.iter().find(|(name, part, _)| *name == tool.name && *part == definition);
    shown.map(|(_, _, words)| *words)
}

fn lean(mut members: Map<String, Value>) -> Map<String, Value> {
    // A property may have the name of a keyword.
    if let Some(Value::Object(properties)) = members.remove("properties") {
        let properties = properties.into_iter().map(|(name, property)| (name, without_rules(property))).collect();
        members.insert("properties".to_owned(), Value::Object(pairs(properties)));
    }
    let kept = members.into_iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
    let mut kept: Map<String, Value> = kept
        .map(|(name, value)| if name == "properties" { (name, value) } else { (name, without_rules(value)) })
        .collect();
    let clears = kept.get("description").and_then(Value::as_str).is_some_and(|words| words.contains("`null`"));
    if !clears {
        // A model that fills in `null` here would do so elsewhere, too.
        schema::forget_null(&mut kept);
    }
    kept
}

/// Describes only one of each pair of targeting fields. The other is its opposite, as the overlay's
/// description says of all pairs.
fn pairs(mut properties: Map<String, Value>) -> Map<String, Value> {
    for (name, property) in &mut properties {
        let Value::Object(property) = property else { continue };
        if name.ends_with("_none_of") {
            property.remove("description");
        } else if let Some(Value::String(words)) = property.get_mut("description") {
            *words = words.replace(ANY_OF, "");
        }
    }
    properties
}

/// Inlines definitions that are short or used once; the others stay definitions.
fn settle(schema: &mut Map<String, Value>, parts: &mut BTreeMap<String, Value>) {
    // Each round removes a definition, so the loop ends.
    while let Some(name) = next_in_place(schema, parts) {
        let Some(part) = parts.remove(&name) else { return };
        let mut whole = Value::Object(std::mem::take(schema));
        replace(&mut whole, &name, &part);
        parts.values_mut().for_each(|other| replace(other, &name, &part));
        if let Value::Object(members) = whole {
            *schema = members;
        }
    }
    let mut whole = Value::Object(std::mem::take(schema));
    let uses = name_lists(&mut whole) + parts.values_mut().map(name_lists).sum::<usize>();
    if let Value::Object(members) = whole {
        *schema = members;
    }
    if uses > 0 {
        parts.insert(TEXTS.to_owned(), json!({"type": "array", "items": {"type": "string"}}));
    }
    if !parts.is_empty() {
        schema.insert(DEFINITIONS.to_owned(), json!(parts));
    }
}

/// Replaces every list of texts with a reference to the common definition; returns how many there
/// were.
fn name_lists(value: &mut Value) -> usize {
    match value {
        Value::Object(members) => {
            if members.get("type") == Some(&json!("array")) && members.get("items") == Some(&json!({"type": "string"}))
            {
                members.remove("type");
                members.remove("items");
                members.insert("$ref".to_owned(), json!(format!("{REFERENCE}{TEXTS}")));
                return 1;
            }
            members.values_mut().map(name_lists).sum()
        }
        Value::Array(elements) => elements.iter_mut().map(name_lists).sum(),
        _ => 0,
    }
}

fn next_in_place(schema: &Map<String, Value>, parts: &BTreeMap<String, Value>) -> Option<String> {
    let uses = |name: &str| {
        let reference = format!("\"{REFERENCE}{name}\"");
        let inside = parts.values().map(|part| part.to_string().matches(&reference).count()).sum::<usize>();
        json!(schema).to_string().matches(&reference).count() + inside
    };
    let in_itself = |name: &str, part: &Value| part.to_string().contains(&format!("\"{REFERENCE}{name}\""));
    let fits =
        |name: &str, part: &Value| !in_itself(name, part) && (part.to_string().len() <= SHORT || uses(name) <= 1);
    parts.iter().find(|(name, part)| fits(name, part)).map(|(name, _)| name.clone())
}

/// Inlines a definition in place of the references to it. Keywords beside a reference apply to that
/// use and take precedence.
fn replace(value: &mut Value, name: &str, part: &Value) {
    match value {
        Value::Object(members) => {
            if members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(REFERENCE)) == Some(name) {
                members.remove("$ref");
                for (key, said) in part.as_object().into_iter().flatten() {
                    members.entry(key.clone()).or_insert_with(|| said.clone());
                }
            }
            members.values_mut().for_each(|member| replace(member, name, part));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| replace(element, name, part)),
        _ => {}
    }
}
