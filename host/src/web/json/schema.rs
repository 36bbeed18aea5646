//! Builds the schema of a whole request or answer.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, transform::Transform};
use serde_json::{Map, Value};

/// The direction that a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What may be sent.
    Request,
    /// What is answered.
    Answer,
}

/// Returns a generator for self-contained schemas, as agents' clients require them.
pub fn complete(side: Side) -> SchemaGenerator {
    generator(side, |settings| settings.inline_subschemas = true)
}

/// Returns a generator for self-contained schemas in which repeated parts are definitions.
pub fn with_definitions(side: Side) -> SchemaGenerator {
    generator(side, |settings| settings.definitions_path = "/$defs".into())
}

/// Returns a generator for schemas that refer to the components of an OpenAPI document.
pub fn with_components(side: Side) -> SchemaGenerator {
    generator(side, |settings| settings.definitions_path = "/components/schemas".into())
}

fn generator(side: Side, choose: impl FnOnce(&mut SchemaSettings)) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12().with_transform(Tidy);
    settings.meta_schema = None;
    choose(&mut settings);
    match side {
        Side::Request => settings.into_generator(),
        Side::Answer => settings.for_serialize().into_generator(),
    }
}

/// Generates the schema of a type, as an object.
pub fn of(generator: &mut SchemaGenerator, make: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Map<String, Value> {
    let mut schema = make(generator);
    Tidy.transform(&mut schema);
    match schema.to_value() {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Removes noise: `default: null`, Rust's names for integer types, and titles that are Rust type
/// names.
#[derive(Debug, Clone)]
struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        schemars::transform::transform_subschemas(self, schema);
        schema.remove("title");
        if schema.get("default") == Some(&Value::Null) {
            schema.remove("default");
        }
        let rust_integer = schema.get("format").and_then(Value::as_str).is_some_and(|format| {
            matches!(format, "int64" | "int32" | "uint8" | "uint16" | "uint32" | "uint64" | "uint" | "double")
        });
        if rust_integer {
            schema.remove("format");
        }
        // Doc comments are wrapped for the source, not for the reader.
        if let Some(Value::String(words)) = schema.get_mut("description") {
            *words = words.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
        }
    }
}

/// Removes `null` from the allowed values where it is equivalent to leaving the value out.
pub(in crate::web) fn forget_null(members: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            members.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            members.remove("anyOf");
            for (name, value) in only {
                members.entry(name).or_insert(value);
            }
        }
    }
}
