//! What a platform must implement to be emulated.

use std::fmt::Write as _;

use axum::{
    body::Body,
    http::{HeaderMap, Method, Response, StatusCode, header},
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::control::references::Carrier;

/// One request with its whole body, as a platform sees it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The path without the query, as sent.
    pub path: String,
    /// The query parameters, decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// All request headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Call {
    /// Returns the first query parameter with this name, ignoring case, as ASP.NET services do.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The result of checking a request's credentials. The log stores this word and never the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// Accepted.
    Right,
    /// Sent but not accepted.
    Wrong,
    /// Not sent at all.
    Missing,
    /// This path needs none (a login endpoint).
    NotNeeded,
}

/// Objects of one type with the same name and parent: what an operation leaves that was carried out
/// twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// The type, as in `/__control/objects/{type}`.
    pub kind: &'static str,
    /// The id of their common parent.
    pub parent: i64,
    /// Their common name.
    pub name: String,
    /// Their ids, oldest first.
    pub ids: Vec<i64>,
}

/// A platform: checks credentials, acts on calls, and exposes its data.
///
/// Acting is synchronous on purpose. All data is in memory under one lock, so there is nothing to
/// wait for, and a client that hangs up can't interrupt an action.
pub trait Platform: Send + Sync + 'static {
    /// Checks the credentials of a call.
    fn credentials(&self, call: &Call) -> Credentials;
    /// Returns the response to a call with missing or wrong credentials.
    fn unauthorised(&self, credentials: Credentials) -> Response<Body>;
    /// Returns the response to a call over the rate limit.
    fn too_many(&self, retry_after_seconds: u64) -> Response<Body>;
    /// Returns the body of a refusal with this status and reason, in the platform's form.
    fn refusal(&self, status: u16, reason: &str) -> Value;
    /// Carries out a call and returns the response.
    fn act(&self, call: &Call) -> Response<Body>;
    /// Returns secrets that must not appear in the log, even if sent in the wrong place.
    fn secrets(&self) -> Vec<String>;
    /// Returns how many objects of each type exist, without deleted ones.
    fn counts(&self) -> Vec<(&'static str, usize)>;
    /// Returns objects with the same type, parent and name.
    fn duplicates(&self) -> Vec<Duplicate>;
    /// Returns every object that carries a caller's reference and is not deleted.
    fn carriers(&self) -> Vec<Carrier>;
    /// Whether a call changes something: a search by POST does not, a deletion by GET does.
    fn writes(&self, call: &Call) -> bool;
    /// Returns all objects of a type with all fields, including deleted ones; `None` for an unknown
    /// type.
    fn objects(&self, kind: &str) -> Option<Vec<Value>>;
    /// Handles a control of the platform's own, under `/__control/`; `None` if it has no such
    /// control.
    fn control(&self, _method: &Method, _path: &str, _body: &[u8]) -> Option<Response<Body>> {
        None
    }
    /// Resets the platform to the seeded state.
    fn reset(&self);
}

/// Makes a JSON response.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let (status, text) = match serde_json::to_vec(body) {
        Ok(text) => (status, text),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, b"{}".to_vec())
        }
    };
    bytes(status, "application/json; charset=utf-8", text)
}

/// Makes a response of any content type.
#[must_use]
pub fn bytes(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// Returns the path with ids replaced by `{id}`, for counting requests by route.
///
/// An id is a segment that contains only digits, or one of sixteen or more characters with a digit
/// in it (a GUID or token). Version segments such as `v1` are not ids.
#[must_use]
pub fn route_of(path: &str) -> String {
    let mut route = String::with_capacity(path.len());
    for segment in path.split('/').skip(1) {
        let has_digit = segment.bytes().any(|byte| byte.is_ascii_digit());
        let only_digits = has_digit && segment.bytes().all(|byte| byte.is_ascii_digit());
        let id = only_digits || (has_digit && segment.len() >= 16);
        // Writing to a String can't fail.
        let _ = write!(route, "/{}", if id { "{id}" } else { segment });
    }
    route
}
