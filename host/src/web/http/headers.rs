//! The headers that carry options of a call: `Prefer`, `Idempotency-Key` and `If-Match`.

use std::time::Duration;

use axum::http::{HeaderMap, header};

use crate::{
    app::error::{AppError, ErrorCode},
    web::{
        WebOptions,
        json::{self, text::IdempotencyKey},
        tool::{Effect, Tool},
    },
};

/// Returns how long a write waits for its outcome: `Prefer: wait=N` in seconds, up to the host's
/// limit. `respond-async` alone means no wait. A preference that can't be parsed is ignored, as RFC
/// 7240 requires.
pub fn wait(headers: &HeaderMap, options: &WebOptions) -> Duration {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut wanted = None;
    for preference in preferences.flat_map(|value| value.split([',', ';'])).map(str::trim) {
        if let Some((name, seconds)) = preference.split_once('=')
            && name.trim().eq_ignore_ascii_case("wait")
        {
            wanted = seconds.trim().trim_matches('"').parse().ok().map(Duration::from_secs).or(wanted);
        } else if preference.eq_ignore_ascii_case("respond-async") {
            wanted = wanted.or(Some(Duration::ZERO));
        }
    }
    wanted.unwrap_or(options.default_wait).min(options.max_wait)
}

/// Returns the idempotency key of a call over HTTP or MCP.
///
/// # Errors
/// `INVALID_PARAMETER` when the key is malformed, or the tool does not use one.
pub fn key_for(tool: &Tool, headers: &HeaderMap) -> Result<Option<IdempotencyKey>, AppError> {
    match tool.effect {
        Effect::Write => idempotency_key(headers),
        Effect::Manage => no_idempotency_key(headers, tool.name),
        Effect::Read | Effect::Task | Effect::Decision => Ok(None),
    }
}

/// Parses the idempotency key of a write.
///
/// # Errors
/// `INVALID_PARAMETER` when it is malformed.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, AppError> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(IdempotencyKey::parse).filter(|_| values.next().is_none());
    key.map(Some).ok_or_else(|| {
        json::invalid("/idempotency_key", format!("Idempotency-Key must be once {}", IdempotencyKey::right()))
    })
}

/// Refuses an idempotency key that would be ignored, because a caller who sends one relies on it.
///
/// # Errors
/// `INVALID_PARAMETER` when there is one.
fn no_idempotency_key(headers: &HeaderMap, tool: &str) -> Result<Option<IdempotencyKey>, AppError> {
    match headers.get("idempotency-key") {
        Some(_) => Err(json::invalid("/idempotency_key", format!("{tool} takes no Idempotency-Key: leave it out"))
            .suggest("after a lost answer, look at what there is before you ask again")),
        None => Ok(None),
    }
}

/// Refuses an `If-Match` condition that would not be checked.
///
/// # Errors
/// `INVALID_PARAMETER` when there is one.
pub fn no_if_match(headers: &HeaderMap) -> Result<Option<i64>, AppError> {
    match headers.get(header::IF_MATCH) {
        Some(_) => Err(AppError::new(
            ErrorCode::InvalidParameter,
            "If-Match is read only where something is decided at a version: leave it out here",
        )),
        None => Ok(None),
    }
}

/// Parses the version that a decision was based on: `If-Match: "3"`, with or without the quotes.
///
/// # Errors
/// `INVALID_PARAMETER` when it is not a version.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, AppError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix("W/").unwrap_or(text).trim_matches('"').parse().ok();
    version.map(Some).ok_or_else(|| {
        AppError::new(ErrorCode::InvalidParameter, "If-Match must be the ETag that was shown, like \"3\"")
    })
}
