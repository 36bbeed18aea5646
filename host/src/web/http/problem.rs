//! Errors as `application/problem+json` (RFC 9457), with the interface's own `error` object beside
//! the standard members.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    app::error::{AppError, ErrorCode},
    web::{json, v1::problem},
};

/// Maximum length of a name that an answer repeats.
const SHOWN_NAME: usize = 100;

/// An error to be returned, with its HTTP status.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    error: AppError,
    status: StatusCode,
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        Self { status: status(error.code), error }
    }
}

impl Refusal {
    /// Returns the error code.
    pub fn code(&self) -> ErrorCode {
        self.error.code
    }

    /// 404 for a path that doesn't exist.
    pub fn route(path: &str) -> Self {
        let message = format!("nothing is served on {path}");
        AppError::new(ErrorCode::NotFound, message).suggest("see /docs or /openapi.json for what is").into()
    }

    /// 405. The `Allow` header lists the methods that are supported.
    pub fn method() -> Self {
        let error = AppError::new(
            ErrorCode::InvalidParameter,
            "this path does not take this method; Allow says which it takes",
        );
        Self { error, status: StatusCode::METHOD_NOT_ALLOWED }
    }

    /// 403 for a host name or a web page's origin that may not use MCP.
    pub fn name(header: &str, told: &str) -> Self {
        let told: String = told.chars().take(SHOWN_NAME).collect();
        let message = format!(
            "/mcp does not answer requests whose {header} is {told:?}: it answers under localhost and under the name in \
             the host's setting server.public_url, so that no web page reaches it by a name of its own"
        );
        AppError::new(ErrorCode::PermissionDenied, message)
            .suggest(
                "the operator sets public_url in the section [server] of the host's configuration to the address under \
                 which others reach it",
            )
            .into()
    }

    /// 408 for a body that did not arrive in time.
    pub fn too_slow() -> Self {
        let error = json::invalid("", "the body took too long: send the request again, all of it at once");
        Self { error, status: StatusCode::REQUEST_TIMEOUT }
    }

    /// 413 for a body larger than `max` bytes.
    pub fn too_large(max: usize) -> Self {
        let error = AppError::new(ErrorCode::InvalidParameter, format!("the body is larger than {max} bytes"));
        Self { error, status: StatusCode::PAYLOAD_TOO_LARGE }
    }

    /// 415 for a body that is not JSON.
    pub fn media_type() -> Self {
        Self::unsupported("the body must be JSON: send Content-Type: application/json")
    }

    /// 415 for a body that is not a component.
    pub fn no_component() -> Self {
        Self::unsupported("the body must be a component: send Content-Type: application/wasm")
    }

    fn unsupported(message: &str) -> Self {
        let error = AppError::new(ErrorCode::InvalidParameter, message);
        Self { error, status: StatusCode::UNSUPPORTED_MEDIA_TYPE }
    }

    /// 500 for a bug of the host.
    pub fn panic() -> Self {
        let error = AppError::new(ErrorCode::Internal, "something went wrong here");
        error
            .suggest("ask again with the same idempotency key; tell the operator the x-request-id if it goes on")
            .into()
    }

    /// Builds the response, with the request's id as the `instance`.
    pub(super) fn rendered(&self, request_id: &str, mut response: Response) -> Response {
        let body = json!({
            "type": format!("/docs#{}", self.error.code.as_str().to_lowercase()),
            "title": title(self.error.code),
            "status": self.status.as_u16(),
            "detail": self.error.message,
            "instance": format!("urn:uuid:{request_id}"),
            "error": problem::body(&self.error),
        });
        let allow = response.headers_mut().remove(header::ALLOW);
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(allow.map(|allow| (header::ALLOW, allow)));
        headers.extend(self.error.retry_after.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for Refusal {
    /// The body is written by the layer around all requests, which knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Returns the HTTP status of a code.
pub fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::AuthenticationRequired => StatusCode::UNAUTHORIZED,
        ErrorCode::PermissionDenied => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::InvalidParameter | ErrorCode::UnsupportedTargeting | ErrorCode::UnsupportedFormat => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::Conflict | ErrorCode::OperationInProgress | ErrorCode::InvalidState => StatusCode::CONFLICT,
        ErrorCode::IdempotencyConflict => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::PlatformError => StatusCode::BAD_GATEWAY,
        ErrorCode::PlatformUnavailable | ErrorCode::AdapterUnavailable | ErrorCode::StorageUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::AdapterFault | ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Formats `NOT_FOUND` as `Not found`.
pub fn title(code: ErrorCode) -> String {
    let words = code.as_str().to_lowercase().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
