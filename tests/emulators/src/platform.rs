//! What a platform must offer to live in this house.

use std::fmt::Write as _;

use axum::{
    body::Body,
    http::{HeaderMap, Method, Response, StatusCode, header},
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::control::references::Carrier;

/// One request as a platform sees it, with its body read to the end.
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
    /// The first query parameter of that name; case is ignored, as ASP.NET services do.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What the credentials of a request were worth. The log keeps this word and never the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// Accepted.
    Right,
    /// Sent but not accepted.
    Wrong,
    /// Not sent at all.
    Missing,
    /// This path takes none (a log-in endpoint).
    NotNeeded,
}

/// Objects of one type that share a name under one parent: what an operation done twice leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// The type, as in `/__control/objects/{type}`.
    pub kind: &'static str,
    /// The id of the parent they share.
    pub parent: i64,
    /// The name they share.
    pub name: String,
    /// Their ids, oldest first.
    pub ids: Vec<i64>,
}

/// A platform: it judges credentials, acts on calls and shows what it keeps.
///
/// Acting is synchronous on purpose. Everything lives in memory under one lock, so there is nothing
/// to wait for, and an action can't be cut in half by a client that hangs up.
pub trait Platform: Send + Sync + 'static {
    /// Judges the credentials of a call.
    fn credentials(&self, call: &Call) -> Credentials;
    /// The answer to a call whose credentials were missing or wrong.
    fn unauthorised(&self, credentials: Credentials) -> Response<Body>;
    /// The answer to a call over the rate limit.
    fn too_many(&self, retry_after_seconds: u64) -> Response<Body>;
    /// The body of a refusal with this status and reason, in the platform's form.
    fn refusal(&self, status: u16, reason: &str) -> Value;
    /// Carries out a call and answers it.
    fn act(&self, call: &Call) -> Response<Body>;
    /// Secrets that must not appear in the log even if sent in the wrong place.
    fn secrets(&self) -> Vec<String>;
    /// How many objects of each type exist (deleted ones not counted).
    fn counts(&self) -> Vec<(&'static str, usize)>;
    /// Objects that share a name within their type and parent.
    fn duplicates(&self) -> Vec<Duplicate>;
    /// Every object that carries a caller's reference and is not deleted.
    fn carriers(&self) -> Vec<Carrier>;
    /// Whether a call changes something: a search by POST does not, a deletion by GET does.
    fn writes(&self, call: &Call) -> bool;
    /// All objects of a type, whole, deleted ones included; `None` for an unknown type.
    fn objects(&self, kind: &str) -> Option<Vec<Value>>;
    /// Answers a control of the platform's own, under `/__control/`; `None` for one it does not have.
    fn control(&self, _method: &Method, _path: &str, _body: &[u8]) -> Option<Response<Body>> {
        None
    }
    /// Back to the seeded state.
    fn reset(&self);
}

/// A JSON answer.
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

/// An answer of any content type.
#[must_use]
pub fn bytes(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// The path with ids replaced by `{id}`, for counting requests by route.
///
/// An id is a segment of digits only, or one of sixteen or more characters with a digit in it (a
/// GUID or token); version segments such as `v1` stay.
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
