//! Refusals: `{"errors": [{"code", "field", "message"}]}`.

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

    /// Makes a refusal: the body or the query can't be parsed.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// Makes a refusal: a field is wrong.
    pub(super) fn field(field: &str, code: &'static str, why: impl std::fmt::Display) -> Self {
        let message = format!("{field} {why}");
        Self { field: Some(field.to_owned()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message) }
    }

    /// Makes a refusal: the value of a field is wrong.
    pub(super) fn invalid(field: &str, why: impl std::fmt::Display) -> Self {
        Self::field(field, "invalid", why)
    }

    /// Makes a refusal: there is no such object.
    pub(super) fn no_such(what: &str, id: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} {id}"))
    }

    /// Makes a refusal: the order is archived.
    pub(super) fn archived(order: i64) -> Self {
        let message = format!("order {order} is archived and can't be changed");
        Self::new(StatusCode::CONFLICT, "order_archived", message)
    }

    /// Returns the response.
    pub(super) fn answer(&self) -> Response<Body> {
        let error = object!({ "code": self.code, "field": self.field, "message": self.message });
        json(self.status, &object!({ "errors": [error] }))
    }
}
