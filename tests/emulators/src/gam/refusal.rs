//! Refusals in the form that all of Google's APIs share: a code, a status, a message, and an
//! `ErrorInfo` with a reason that a program can act on.
//!
//! The codes and statuses are documented. The reasons for violated trafficking rules are named
//! after the errors of the older SOAP API, because the documentation of the REST API doesn't list
//! them.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde_json::{Value, json as object};

use super::schema::snake;
use crate::platform::json;

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "admanager.googleapis.com";

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    status: Status,
    reason: &'static str,
    message: String,
    /// The wrong field, if there is one.
    field: Option<String>,
}

/// A status of Google's common error form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// 400: the request is wrong in any state.
    InvalidArgument,
    /// 400: the state doesn't allow it.
    FailedPrecondition,
    /// 401: no token, or an invalid one.
    Unauthenticated,
    /// 403: the account lacks the permission.
    PermissionDenied,
    /// 404: no such object.
    NotFound,
    /// 409: the object already exists.
    AlreadyExists,
    /// 429: too many requests.
    ResourceExhausted,
    /// 501: the platform has it, the emulator hasn't.
    Unimplemented,
    /// 500: the emulator itself failed.
    Internal,
}

impl Status {
    fn code(self) -> StatusCode {
        match self {
            Self::InvalidArgument | Self::FailedPrecondition => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::AlreadyExists => StatusCode::CONFLICT,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// Returns the body of a refusal that a test asks for, with the status of its code.
pub(super) fn made_up(code: u16, reason: &str) -> Value {
    let status = match code {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    };
    body(code, status, reason, &format!("The request was refused: {reason}."), &object!({}))
}

fn body(code: u16, status: &str, reason: &str, message: &str, metadata: &Value) -> Value {
    object!({ "error": {
        "code": code,
        "message": message,
        "status": status,
        "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": DOMAIN,
            "metadata": metadata,
        }],
    } })
}

impl Refusal {
    /// Makes a refusal.
    pub(super) fn new(status: Status, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into(), field: None }
    }

    /// Makes a refusal: the JSON doesn't match the message.
    pub(super) fn payload(message: impl Into<String>) -> Self {
        Self::new(Status::InvalidArgument, "INVALID_PAYLOAD", message)
    }

    /// Makes a refusal: a required field is missing.
    pub(super) fn required(field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(Status::InvalidArgument, "REQUIRED", format!("The field '{field}' is required: set it."))
        }
    }

    /// Makes a refusal: a field is wrong. `field` is its JSON name or path.
    pub(super) fn invalid(reason: &'static str, field: &str, why: impl std::fmt::Display) -> Self {
        let field = snake(field);
        let message = format!("{field}: {why}");
        Self { field: Some(field), ..Self::new(Status::InvalidArgument, reason, message) }
    }

    /// Makes a refusal: the state doesn't allow it.
    pub(super) fn state(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Status::FailedPrecondition, reason, message)
    }

    /// Makes a refusal: there is no such object.
    pub(super) fn no_such(name: &str) -> Self {
        Self::new(Status::NotFound, "NOT_FOUND", format!("Requested entity was not found: {name}"))
    }

    /// Makes a refusal: another object has the same value in a unique field.
    pub(super) fn not_unique(message: impl Into<String>) -> Self {
        Self::new(Status::InvalidArgument, "NOT_UNIQUE", message)
    }

    /// Makes a refusal: the object already exists.
    pub(super) fn exists(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Status::AlreadyExists, reason, message)
    }

    /// Returns the same refusal, for one request of a batch.
    pub(super) fn of_request(mut self, index: usize) -> Self {
        self.message = format!("requests[{index}]: {}", self.message);
        self
    }

    /// Returns the response.
    #[must_use]
    pub(super) fn answer(&self) -> Response<Body> {
        let mut metadata = object!({});
        if let (Some(field), Value::Object(map)) = (&self.field, &mut metadata) {
            map.insert("field".to_owned(), field.clone().into());
        }
        let code = self.status.code();
        let body = body(code.as_u16(), self.status.name(), self.reason, &self.message, &metadata);
        let mut response = json(code, &body);
        if self.status == Status::Unauthenticated {
            let challenge = HeaderValue::from_static("Bearer realm=\"https://accounts.google.com/\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
