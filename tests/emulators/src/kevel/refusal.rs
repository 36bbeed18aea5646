//! Refusals, and their form on the wire.
//!
//! Kevel's OpenAPI document doesn't show an error body. The emulator's is `{"Error": "<one sentence
//! for each thing wrong>"}`. An adapter should accept any body as text.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::json as object;

use crate::platform::json;

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// 400: the request itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// 404: the object of the request doesn't exist.
    #[error("{0}")]
    NotFound(String),
}

impl Refusal {
    /// Makes a refusal: the request is wrong.
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }

    /// Makes a refusal: there is no object with this id.
    pub(crate) fn no_such(what: &str, id: impl std::fmt::Display) -> Self {
        Self::NotFound(format!("{what} {id} does not exist"))
    }

    /// Returns the response.
    #[must_use]
    pub(crate) fn answer(&self) -> Response<Body> {
        let status = match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
        };
        json(status, &object!({ "Error": self.to_string() }))
    }
}
