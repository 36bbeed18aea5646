//! `/openapi.json`: an OpenAPI 3.1 document, generated from the table of tools and the types of
//! their requests and answers.

use serde_json::{Map, Value, json};

use super::{
    http::problem,
    json::{
        schema::{self, Side},
        text::{KEY_PATTERN, MAX_KEY},
    },
    tool::{Effect, Tool, Verb},
    v1::{self, tools},
};
use crate::app::error::ErrorCode;

/// Returns the document.
pub fn document() -> Value {
    let mut requests = schema::with_components(Side::Request);
    let mut answers = schema::with_components(Side::Answer);
    let mut paths: Map<String, Value> = Map::new();
    for tool in tools::all() {
        let input = schema::of(&mut requests, tool.input);
        let output = schema::of(&mut answers, tool.output);
        let definitions = requests.definitions();
        let entry = paths.entry(tool.path).or_insert_with(|| json!({}));
        entry[tool.verb.as_str().to_lowercase()] = operation(tool, input, output, definitions);
    }
    add_plain_paths(&mut paths);
    let mut schemas = requests.take_definitions(true);
    schemas.extend(answers.take_definitions(true));
    schemas.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "flightdeck",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "One API for buying media on many ad servers.",
            "description": "Pending states (`pending_manual`, `pending_permission`, `pending_approval`) are successes: HTTP 202. Poll \
                `GET /v1/tasks` or `GET /v1/operations/{operation_id}`. The same tools are served over MCP at \
                `/mcp`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"early": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "early": {
                    "type": "apiKey", "in": "header", "name": "x-adcp-auth",
                    "description": "The same token, as early orchestrators send it.",
                },
            },
            "responses": error_responses(),
        },
    })
}

fn operation(
    tool: &Tool,
    mut input: Map<String, Value>,
    output: Map<String, Value>,
    definitions: &Map<String, Value>,
) -> Value {
    let mut parameters = Vec::new();
    for name in tool.path_arguments() {
        let schema = take(&mut input, name).unwrap_or_else(|| json!({"type": "string"}));
        parameters.push(parameter("path", name, schema, true));
    }
    let mut operation = json!({
        "operationId": tool.name,
        "summary": tool.title,
        "description": format!("{}\n\nFor {}.", tool.description, tool.audience.as_str()),
        "tags": [tag(tool)],
        "responses": responses(tool, output),
    });
    if tool.verb == Verb::Get {
        let carried: Vec<(String, Value)> = properties(&input)
            .map(|(name, schema)| (name.clone(), without_null(schema.clone())))
            .filter(|(_, schema)| is_carried_by_a_query(schema, definitions))
            .collect();
        let needed = needed(&input, &carried);
        for (name, schema) in carried {
            let required = needed.contains(&name);
            parameters.push(parameter("query", &name, schema, required));
        }
    } else {
        match tool.verb {
            Verb::Delete => {}
            Verb::Upload => operation["requestBody"] = upload_body(),
            _ => operation["requestBody"] = request_body(tool, input),
        }
        parameters.extend(write_headers(tool));
    }
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    operation
}

/// Returns whether a query can carry a value: it has no objects and no lists.
fn is_carried_by_a_query(schema: &Value, definitions: &Map<String, Value>) -> bool {
    let named = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()).and_then(|name| definitions.get(name));
    let schema = named.unwrap_or(schema);
    let scalar = matches!(schema["type"].as_str(), Some("string" | "integer" | "number" | "boolean"));
    scalar || schema.get("enum").is_some()
}

/// Removes `null` from the schema of a parameter: a query has no null.
fn without_null(mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        schema::forget_null(members);
    }
    schema
}

/// Returns the required parameters. If there are several ways to ask, these are those of the first
/// that a query can carry.
fn needed(input: &Map<String, Value>, carried: &[(String, Value)]) -> Vec<String> {
    let ways = input.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let mut names = ways.map(|way| {
        let names = way["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect::<Vec<String>>()
    });
    let possible = |names: &Vec<String>| names.iter().all(|name| carried.iter().any(|(known, _)| known == name));
    names.find(possible).unwrap_or_default()
}

fn tag(tool: &Tool) -> &'static str {
    if tool.path.starts_with("/v1/tasks") {
        "Tasks"
    } else if tool.path.starts_with("/v1/webhooks") {
        "Webhooks"
    } else if tool.path.starts_with("/v1/platforms") {
        "Adapters"
    } else {
        "Media buys"
    }
}

fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// Removes a property from the schema of an object and returns it.
fn take(schema: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|other| other != name);
    }
    schema.get_mut("properties")?.as_object_mut()?.remove(name)
}

fn parameter(place: &str, name: &str, mut schema: Value, required: bool) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({"in": place, "name": name, "required": required, "schema": schema});
    if let Some(description) = description {
        parameter["description"] = description;
    }
    parameter
}

fn write_headers(tool: &Tool) -> Vec<Value> {
    let header = |name: &str, description: &str, schema: Value| json!({"in": "header", "name": name, "required": false, "description": description, "schema": schema});
    match tool.effect {
        Effect::Write => vec![
            header(
                "Idempotency-Key",
                "A key of your own for this request; the same as idempotency_key in the body. Kept for 24 hours at least.",
                json!({"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": KEY_PATTERN}),
            ),
            header(
                "Prefer",
                "`wait=N`: wait up to N seconds for the outcome before answering 202.",
                json!({"type": "string", "pattern": "^[ -~]*$", "examples": ["wait=10"]}),
            ),
        ],
        Effect::Decision => vec![header(
            "If-Match",
            "The ETag of what the decision was made on; the same as version in the body.",
            json!({"type": "string", "minLength": 1, "pattern": "^[*]$|^(W/)?\"[1-9][0-9]{0,8}\"$", "examples": ["\"3\""]}),
        )],
        Effect::Task | Effect::Read | Effect::Manage => Vec::new(),
    }
}

fn request_body(tool: &Tool, input: Map<String, Value>) -> Value {
    let mut example: Value = serde_json::from_str(tool.example).unwrap_or_default();
    if let Value::Object(members) = &mut example {
        for name in tool.path_arguments() {
            members.remove(name);
        }
    }
    let names = input.get("required").and_then(Value::as_array).is_some_and(|required| !required.is_empty());
    let required = names || input.contains_key("oneOf");
    json!({
        "required": required,
        "content": {"application/json": {"schema": input, "examples": {"protocol": {"value": example}}}},
    })
}

fn upload_body() -> Value {
    json!({
        "required": true,
        "description": "The component, at most 128 MiB.",
        "content": {"application/wasm": {"schema": {"type": "string", "format": "binary"}}},
    })
}

fn responses(tool: &Tool, output: Map<String, Value>) -> Value {
    let content = json!({"application/json": {"schema": output}});
    let mut headers = json!({"x-request-id": {"description": "The id of the request, for the operator.", "schema": {"type": "string"}}});
    if tool.name == "create_webhook" {
        headers["Location"] = json!({"description": "Where the endpoint is read.", "schema": {"type": "string"}});
    }
    if tool.name == "create_media_buy" {
        headers["Location"] = json!({"description": "Where the buy's status is read.", "schema": {"type": "string"}});
    }
    if tool.path.starts_with("/v1/tasks/") {
        headers["ETag"] = json!({"description": "The version of the task.", "schema": {"type": "string"}});
    }
    if tool.path.starts_with("/v1/platforms/") {
        let words = "The number of the activation that holds.";
        headers["ETag"] = json!({"description": words, "schema": {"type": "string"}});
    }
    let done = if tool.effect == Effect::Read { "The answer." } else { "Done." };
    let mut responses = json!({"200": {"description": done, "headers": headers, "content": content}});
    if tool.may_be_pending {
        responses["202"] = json!({
            "description": "Accepted: it waits for a person or for the ad server, or is still being carried out. No error.",
            "headers": headers, "content": content,
        });
    }
    for status in statuses(tool) {
        responses[status.to_string()] = json!({"$ref": format!("#/components/responses/Problem{status}")});
    }
    responses
}

/// Returns the error statuses that a tool may answer.
fn statuses(tool: &Tool) -> Vec<u16> {
    let mut statuses = vec![400, 401, 403, 404, 429, 500, 503];
    match tool.verb {
        Verb::Get => {}
        Verb::Delete => statuses.push(409),
        Verb::Post | Verb::Upload | Verb::Put | Verb::Patch => statuses.extend([408, 409, 413, 415]),
    }
    match tool.effect {
        Effect::Write => statuses.extend([422, 502]),
        Effect::Read => statuses.push(502),
        Effect::Task | Effect::Decision | Effect::Manage => {}
    }
    statuses
}

/// Returns a response for each status, listing its codes and when they occur.
fn error_responses() -> Value {
    let mut responses = Map::new();
    for (status, words) in
        [(408, "The body took too long."), (413, "The body is too large."), (415, "The body is of another media type.")]
    {
        responses.insert(format!("Problem{status}"), error_response(words, &[]));
    }
    for code in ErrorCode::ALL {
        let status = problem::status(*code);
        let codes: Vec<ErrorCode> =
            ErrorCode::ALL.iter().copied().filter(|other| problem::status(*other) == status).collect();
        let words: Vec<String> = codes.iter().map(|code| format!("`{code}`: {}", v1::problem::when(*code))).collect();
        let headers: &[(&str, &str)] = match status.as_u16() {
            401 => &[("WWW-Authenticate", "`Bearer`.")],
            409 | 429 | 503 => &[("Retry-After", "Seconds.")],
            _ => &[],
        };
        responses.insert(format!("Problem{}", status.as_u16()), error_response(&words.join("\n\n"), headers));
    }
    Value::Object(responses)
}

fn error_response(description: &str, headers: &[(&str, &str)]) -> Value {
    let mut response = json!({
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    for (name, words) in headers {
        response["headers"][name] = json!({"description": words, "schema": {"type": "string"}});
    }
    response
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457, with the interface's own error beside the standard members.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "format": "uri-reference", "description": "The request: its x-request-id."},
            "error": v1::problem::schema(),
        },
        "required": ["type", "title", "status", "detail", "instance", "error"],
    })
}

/// Adds the paths that are not tools and need no token.
fn add_plain_paths(paths: &mut Map<String, Value>) {
    let plain = |name: &str, summary: &str, responses: Value| json!({"get": {"operationId": name, "summary": summary, "tags": ["Host"], "security": [], "responses": responses}});
    let json_of = |description: &str| json!({"description": description, "content": {"application/json": {"schema": {"type": "object"}}}});
    paths.insert(
        "/healthz".to_owned(),
        plain("healthz", "Whether the host is alive", json!({"200": json_of("It is.")})),
    );
    paths.insert(
        "/readyz".to_owned(),
        plain(
            "readyz",
            "Whether the host can serve",
            json!({"200": json_of("It can."), "503": json_of("It can't; reasons says why.")}),
        ),
    );
    paths
        .insert("/openapi.json".to_owned(), plain("openapi", "This document", json!({"200": json_of("OpenAPI 3.1.")})));
}
