//! Why a call is refused, and how that looks on the wire.
//!
//! Kevel's OpenAPI document does not say what an error looks like; ours is
//! `{"Error": "<one sentence for each thing wrong>"}`. An adapter should take any body as text.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::json as object;

use crate::platform::json;

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request itself is wrong: 400.
    #[error("{0}")]
    Invalid(String),
    /// What it is about does not exist: 404.
    #[error("{0}")]
    NotFound(String),
}

impl Refusal {
    /// A wrong request.
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }

    /// Nothing of that id.
    pub(crate) fn no_such(what: &str, id: impl std::fmt::Display) -> Self {
        Self::NotFound(format!("{what} {id} does not exist"))
    }

    /// The answer.
    #[must_use]
    pub(crate) fn answer(&self) -> Response<Body> {
        let status = match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
        };
        json(status, &object!({ "Error": self.to_string() }))
    }
}
