//! Reads a message exactly as it was sent. The MCP library keeps only the last of duplicate
//! members, and of a number the nearest double. So a tool's arguments are parsed here first and
//! passed to the tool separately.

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::{
    app::error::ErrorCode,
    web::{Web, http::arguments::collect, json::Arguments, tool},
};

/// Where a message holds a tool's arguments.
const ARGUMENTS: &str = "/params/arguments";

/// The JSON-RPC code for an invalid request.
const INVALID_REQUEST: i64 = -32_600;

/// Reads the message of a request.
pub(super) async fn read(State(web): State<Web>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let body = match collect(&parts.headers, body, web.options.max_body_bytes).await {
        Ok(body) => body,
        Err(refusal) => {
            tool::refused_over_mcp(refusal.code());
            return refusal.into_response();
        }
    };
    // The MCP library reports text that is not JSON.
    let Ok(mut message) = Arguments::parse(&body) else {
        return next.run(Request::from_parts(parts, Body::from(body))).await;
    };
    let is_call = message.value["method"] == "tools/call";
    let arguments = if is_call { message.take(ARGUMENTS) } else { None };
    if let Some(place) = message.twice().next() {
        tool::refused_over_mcp(ErrorCode::InvalidParameter);
        return given_twice(&message.value["id"], place);
    }
    let Some(arguments) = arguments.filter(|arguments| !arguments.value.is_null()) else {
        return next.run(Request::from_parts(parts, Body::from(body))).await;
    };
    // The tool reports a text or a list in place of the arguments, because a model must read that.
    if let Some(place) = message.value.pointer_mut(ARGUMENTS) {
        *place = if arguments.value.is_object() { arguments.value.clone() } else { Value::Object(Map::new()) };
    }
    let body = message.value.to_string();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    parts.extensions.insert(arguments);
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Builds the error for a message with a duplicate member outside a tool's arguments.
fn given_twice(id: &Value, place: &str) -> Response {
    let id = if id.is_string() || id.is_number() { id.clone() } else { Value::Null };
    let error = json!({ "code": INVALID_REQUEST, "message": format!("{place} is given twice: give it once") });
    (StatusCode::BAD_REQUEST, Json(json!({ "jsonrpc": "2.0", "id": id, "error": error }))).into_response()
}
