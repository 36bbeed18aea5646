//! The interface as it is described: a golden document, and a table that agrees with itself.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use flightdeck::web::{
    json::schema,
    mcp, openapi,
    tool::{Audience, Tool},
    v1::tools,
};
use serde_json::Value;

/// A change of the interface is a change of this file, where a reviewer sees it. `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn the_openapi_document_is_the_one_in_the_docs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let current = format!("{}\n", serde_json::to_string_pretty(&openapi::document()).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(
        golden == current,
        "the interface changed: run `make golden` and review the difference of docs/openapi.json"
    );
}

#[test]
fn every_example_is_taken_by_the_schema_that_it_illustrates() {
    for tool in tools::all() {
        let schema = Value::Object(mcp::input_schema(tool));
        let example: Value = serde_json::from_str(tool.example).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let wrong: Vec<String> =
            validator.iter_errors(&example).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", tool.name);
    }
}

#[test]
fn every_argument_of_a_path_is_one_of_the_tool() {
    let mut names = BTreeSet::new();
    for tool in tools::all() {
        assert!(names.insert(tool.name), "{} stands twice", tool.name);
        let schema = mcp::input_schema(tool);
        for argument in tool.path_arguments() {
            assert!(schema["properties"].get(argument).is_some(), "{}: {argument}", tool.name);
            assert!(schema["required"].as_array().unwrap().contains(&argument.into()), "{}: {argument}", tool.name);
        }
        assert!(mcp::output_schema(tool)["properties"].get("error").is_some(), "{}", tool.name);
    }
}

/// An agent reads all of it before it buys anything.
#[test]
fn what_an_agent_is_shown_of_the_tools_is_short() {
    const BUYERS: usize = 32 * 1024;
    const EVERYBODYS: usize = 48 * 1024;
    let sizes: Vec<(&Tool, usize)> =
        tools::for_agents().map(|tool| (tool, serde_json::to_string(&mcp::shown(tool)).unwrap().len())).collect();
    let table: Vec<(&str, usize)> = sizes.iter().map(|(tool, size)| (tool.name, *size)).collect();
    let of_buyers = |tool: &Tool| matches!(tool.audience, Audience::Buyers | Audience::Owners | Audience::Everybody);
    let buyers: usize = sizes.iter().filter(|(tool, _)| of_buyers(tool)).map(|(_, size)| size).sum();
    assert!(buyers <= BUYERS, "{buyers} bytes for a buyer: {table:#?}");
    let all: usize = sizes.iter().map(|(_, size)| size).sum();
    assert!(all <= EVERYBODYS, "{all} bytes for an operator: {table:#?}");
}

/// Shorter, but nothing that can be asked for is missing: every argument is there, with its words, and what has a closed list of values
/// has that.
#[test]
fn what_an_agent_is_shown_of_arguments_is_all_of_them() {
    fn arguments<'a>(root: &'a Value, schema: &'a Value, at: &str, found: &mut BTreeMap<String, &'a Value>) {
        let Some(schema) = resolved(root, schema) else { return };
        for part in schema["anyOf"].as_array().into_iter().flatten().chain(schema.get("items")) {
            arguments(root, part, at, found);
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            found.insert(at.clone(), property);
            arguments(root, property, &at, found);
        }
    }
    fn resolved<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
        match schema["$ref"].as_str() {
            Some(reference) => root.pointer(reference.strip_prefix('#')?),
            None => Some(schema),
        }
    }
    for tool in tools::for_agents() {
        let mut generator = schema::complete(schema::Side::Request);
        let whole = Value::Object(schema::of(&mut generator, tool.input));
        let shown = Value::Object(mcp::input_schema(tool));
        let (mut wanted, mut found) = (BTreeMap::new(), BTreeMap::new());
        arguments(&whole, &whole, "", &mut wanted);
        arguments(&shown, &shown, "", &mut found);
        // What another tool shows in full, this one names.
        let elsewhere = ["create_media_buy", "update_package"];
        let is_named = |at: &str| {
            let above = at.rsplit_once('/').map_or("", |(above, _)| above);
            found.iter().any(|(known, property)| {
                let words = resolved(&shown, property).map(|whole| whole.to_string()).unwrap_or_default();
                above.starts_with(known.as_str()) && elsewhere.iter().any(|name| words.contains(name))
            })
        };
        for at in wanted.keys() {
            assert!(found.contains_key(at) || is_named(at), "{}: {at} is not shown", tool.name);
        }
        assert!(found.keys().all(|at| wanted.contains_key(at)), "{}", tool.name);
        for (at, property) in &found {
            let described = property.get("description").is_some() || at.ends_with("_none_of");
            assert!(described, "{}: {at} is not described: {property}", tool.name);
        }
        assert_eq!(shown["required"], whole["required"], "{}", tool.name);
        jsonschema::meta::validate(&shown).unwrap();
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn walk(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').expect("references stay in the document");
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                members.values().for_each(|member| walk(document, member));
            }
            Value::Array(elements) => elements.iter().for_each(|element| walk(document, element)),
            _ => {}
        }
    }
    let document = openapi::document();
    walk(&document, &document);
    for tool in tools::for_agents() {
        let schema = Value::Object(mcp::input_schema(tool));
        walk(&schema, &schema);
    }
}
