//! Refusals: `{"error": {"code", "message", "field"}}`.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::json as object;

use crate::platform::json;

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    field: Option<String>,
}

impl Refusal {
    /// Makes a refusal.
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None }
    }

    /// Makes a refusal: a field is wrong. `field` is its path: `goal.value`.
    pub(super) fn field(field: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("{field}: {why}");
        Self { field: Some(field.to_owned()), ..Self::new(StatusCode::BAD_REQUEST, "INVALID_FIELD", message) }
    }

    /// Makes a refusal: a required field is missing.
    pub(super) fn required(field: &str) -> Self {
        Self { code: "MISSING_FIELD", ..Self::field(field, "is required") }
    }

    /// Makes a refusal: there is no such object.
    pub(super) fn no_such(what: &str, id: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", format!("there is no {what} {id}"))
    }

    /// Makes a refusal: the state doesn't allow it.
    pub(super) fn state(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// Returns the response.
    pub(super) fn answer(&self) -> Response<Body> {
        let mut error = object!({ "code": self.code, "message": self.message });
        if let Some(field) = &self.field {
            error["field"] = field.clone().into();
        }
        json(self.status, &object!({ "error": error }))
    }
}
