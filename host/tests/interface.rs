//! The interface as it is described: a golden document, and a table that agrees with itself.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, path::Path};

use flightdeck::web::{mcp, openapi, tools};
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
        assert!(mcp::output_schema(tool).contains_key("anyOf"), "{}", tool.name);
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
}
