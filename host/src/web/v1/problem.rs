//! Errors in the terms of this protocol: the `error` object, its schema, and when each code occurs.

use serde_json::{Value, json};

use super::{
    fields::{self, Items},
    task::TaskBody,
};
use crate::{
    app::error::{AppError, ErrorCode},
    operations::now,
};

/// Returns the `error` object that HTTP and MCP share.
pub fn body(error: &AppError) -> Value {
    let details = match (&error.task, error.problems.as_slice()) {
        (Some(task), _) => json!({ "task": TaskBody::of(task, now(), true) }),
        (None, []) => json!(error.details),
        (None, problems) => json!(Items::of(problems)),
    };
    json!({
        "code": error.code,
        "message": error.message,
        "field": error.field.as_ref().map(fields::pointer),
        "suggestion": error.suggestion,
        "details": details,
        "retry_after": error.retry_after,
    })
}

/// Returns the schema of [`body`].
pub fn schema() -> Value {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "properties": {
            "code": {"type": "string", "enum": codes},
            "message": {"type": "string", "description": "What is wrong, in words."},
            "field": {"type": ["string", "null"], "description": "A JSON pointer into the request."},
            "suggestion": {"type": ["string", "null"], "description": "What to do."},
            "details": {"description": "Every problem (items, each with field and message), or data specific to the code."},
            "retry_after": {"type": ["integer", "null"], "description": "Seconds to wait before retrying."},
        },
        "required": ["code", "message", "field", "suggestion", "details", "retry_after"],
    })
}

/// Returns when a code occurs, for the documentation.
pub const fn when(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::AuthenticationRequired => "No token, or one that is unknown, expired or revoked.",
        ErrorCode::PermissionDenied => "The token's role may not do it.",
        ErrorCode::NotFound => "There is no such thing, or it is somebody else's.",
        ErrorCode::InvalidParameter => "Malformed or impossible input; field is a JSON pointer to it.",
        ErrorCode::UnsupportedTargeting => {
            "A package's platform can't target so; details lists every item and what is supported."
        }
        ErrorCode::UnsupportedFormat => {
            "A package does not take the format; details lists every item and what is supported."
        }
        ErrorCode::Conflict => "Decided on a version that is no longer the current one; details has the current one.",
        ErrorCode::OperationInProgress => {
            "The first request under this idempotency key still runs; ask again after Retry-After."
        }
        ErrorCode::InvalidState => "Not possible in this status.",
        ErrorCode::IdempotencyConflict => "The idempotency key was used with another request.",
        ErrorCode::RateLimited => "Too many requests; ask again after Retry-After.",
        ErrorCode::PlatformError => "The ad server refused; details has its own code and words.",
        ErrorCode::PlatformUnavailable => "The ad server can't be used now; ask again after Retry-After.",
        ErrorCode::AdapterUnavailable => "The platform's adapter can't be used now; ask again after Retry-After.",
        ErrorCode::AdapterFault => "The platform's adapter broke, or ran into a limit.",
        ErrorCode::StorageUnavailable => {
            "Nothing can be recorded now, and nothing was changed; ask again after Retry-After."
        }
        ErrorCode::Internal => "A bug of the host; ask again with the same idempotency key.",
    }
}
