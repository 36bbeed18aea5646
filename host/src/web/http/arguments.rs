//! Combines path, query and body into a tool's arguments: the same object that an agent sends over
//! MCP.

use std::collections::{BTreeMap, HashMap};

use axum::{
    RequestExt,
    body::{self, Body},
    extract::{Path, Query, Request},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::problem::Refusal;
use crate::{
    app::error::AppError,
    domain::field::pointer_token,
    web::{
        json::{
            self, Arguments,
            schema::{self, Side},
        },
        tool::{Tool, Verb},
    },
};

/// How a text from the path or query becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    Boolean,
}

/// The arguments of a tool that a path or query can carry.
#[derive(Debug, Clone)]
pub struct Shapes(BTreeMap<String, Shape>);

impl Shapes {
    /// Derives the shapes from the tool's own schema.
    pub fn of(tool: &Tool) -> Self {
        let schema = schema::of(&mut schema::complete(Side::Request), tool.input);
        let properties = schema.get("properties").and_then(Value::as_object);
        let shapes = properties.into_iter().flatten().filter_map(|(name, property)| {
            let shape = shape(property)?;
            Some((name.clone(), shape))
        });
        Self(shapes.collect())
    }

    /// Converts a text to the shape of the argument. A text that does not fit stays a text, and the
    /// request's type then reports what is wrong with it.
    fn value(&self, name: &str, text: String) -> Value {
        match self.0.get(name) {
            Some(Shape::Number) => text.parse::<i64>().map_or_else(|_| number(text), Value::from),
            Some(Shape::Boolean) => match text.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::String(text),
            },
            Some(Shape::Text) | None => Value::String(text),
        }
    }
}

/// Parses a number other than a plain integer as JSON does. Any other text stays a text.
fn number(text: String) -> Value {
    match Arguments::parse(text.as_bytes()) {
        Ok(read) if read.is_exact() && read.value.is_number() => read.value,
        _ => Value::String(text),
    }
}

/// Returns the shape of a property, or `None` for lists and objects, which a query can't carry.
fn shape(property: &Value) -> Option<Shape> {
    let is = |name: &str| match &property["type"] {
        Value::String(only) => only == name,
        Value::Array(several) => several.iter().any(|one| one == name),
        _ => false,
    };
    // Optional enums are written as `anyOf`, or with `null` among their types.
    if is("object") || is("array") {
        None
    } else if is("integer") || is("number") {
        Some(Shape::Number)
    } else if is("boolean") {
        Some(Shape::Boolean)
    } else if let Some(choices) = property["anyOf"].as_array() {
        choices.iter().filter(|choice| choice["type"] != "null").find_map(shape)
    } else {
        Some(Shape::Text)
    }
}

/// Reads the arguments of a request. `upload` gets the body of a tool that takes a component.
///
/// # Errors
/// When the path, query or body is malformed.
pub async fn of(
    tool: &Tool,
    shapes: &Shapes,
    mut request: Request,
    max_body: usize,
    upload: &mut Bytes,
) -> Result<Arguments, Refusal> {
    let mut outside = Map::new();
    let path: Path<HashMap<String, String>> = request
        .extract_parts()
        .await
        .map_err(|_| Refusal::from(json::invalid("", "the path can't be decoded: it must be UTF-8")))?;
    for (name, text) in path.0 {
        let value = shapes.value(&name, text);
        outside.insert(name, value);
    }
    let query: Query<Vec<(String, String)>> = request
        .extract_parts()
        .await
        .map_err(|_| Refusal::from(json::invalid("", "the query can't be decoded: it must be name=value&…")))?;
    match tool.verb {
        Verb::Get => add_query(query.0, shapes, &mut outside)?,
        Verb::Post | Verb::Upload | Verb::Put | Verb::Patch | Verb::Delete => {
            if let Some((name, _)) = query.0.first() {
                let place = if matches!(tool.verb, Verb::Delete | Verb::Upload) { "path" } else { "body" };
                let message = format!("{name} is in the query: the arguments of {} belong into the {place}", tool.name);
                return Err(json::invalid(pointer(name), message).into());
            }
        }
    }
    let (parts, body) = request.into_parts();
    let mut arguments = match tool.verb {
        Verb::Get | Verb::Delete => Arguments::from(Value::Object(Map::new())),
        Verb::Post | Verb::Put | Verb::Patch => read_body(&parts.headers, body, max_body).await?,
        Verb::Upload => {
            if !is_component(&parts.headers) {
                return Err(Refusal::no_component());
            }
            *upload = collect(&parts.headers, body, max_body).await?;
            Arguments::from(Value::Object(Map::new()))
        }
    };
    let Value::Object(members) = &mut arguments.value else {
        // The request's type reports what is wrong with it.
        return Ok(arguments);
    };
    for (name, value) in outside {
        if let Some(inside) = members.get(&name).filter(|inside| *inside != &value) {
            let message = format!("{name} is {inside} in the body and {value} in the path: give it once, or the same");
            return Err(json::invalid(pointer(&name), message).into());
        }
        members.insert(name, value);
    }
    Ok(arguments)
}

fn pointer(name: &str) -> String {
    format!("/{}", pointer_token(name))
}

fn add_query(query: Vec<(String, String)>, shapes: &Shapes, outside: &mut Map<String, Value>) -> Result<(), AppError> {
    for (name, text) in query {
        let value = shapes.value(&name, text);
        if outside.contains_key(&name) {
            return Err(json::invalid(pointer(&name), format!("{name} is given twice")));
        }
        outside.insert(name, value);
    }
    Ok(())
}

async fn read_body(headers: &HeaderMap, body: Body, max: usize) -> Result<Arguments, Refusal> {
    let bytes = collect(headers, body, max).await?;
    if bytes.is_empty() {
        return Ok(Arguments::from(Value::Object(Map::new())));
    }
    if !is_json(headers) {
        return Err(Refusal::media_type());
    }
    Arguments::parse(&bytes).map_err(|no_json| json::invalid("", no_json.to_string()).into())
}

/// Reads a body.
///
/// # Errors
/// When it is too large or does not arrive in time.
pub async fn collect(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, Refusal> {
    let told = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|length| length > max) {
        return Err(Refusal::too_large(max));
    }
    body::to_bytes(body, max).await.map_err(|error| {
        if is_caused_by::<http_body_util::LengthLimitError>(&error) {
            Refusal::too_large(max)
        } else if is_caused_by::<tower_http::timeout::TimeoutError>(&error) {
            Refusal::too_slow()
        } else {
            json::invalid("", "the body broke off: send the request again").into()
        }
    })
}

fn is_caused_by<E: std::error::Error + 'static>(error: &axum::Error) -> bool {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source()).any(|cause| cause.is::<E>())
}

/// The media type of a component.
pub const WASM: &str = "application/wasm";

fn is_component(headers: &HeaderMap) -> bool {
    matches!(essence(headers).as_deref(), Some(WASM | "application/octet-stream"))
}

fn essence(headers: &HeaderMap) -> Option<String> {
    let told = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(essence) = essence(headers) else { return false };
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
