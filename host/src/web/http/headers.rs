//! `Prefer`, `Idempotency-Key` and `If-Match`: what a call says beside its arguments.

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

/// How long a write is to wait for its outcome: `Prefer: wait=N` in seconds, up to the host's limit; `respond-async` alone: not at
/// all. A preference that can't be read is ignored, as RFC 7240 wants it.
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

/// The idempotency key of a call, over whichever face it comes.
///
/// # Errors
/// `INVALID_PARAMETER` if it can't be one, or nobody would keep it.
pub fn key_for(tool: &Tool, headers: &HeaderMap) -> Result<Option<IdempotencyKey>, AppError> {
    match tool.effect {
        Effect::Write => idempotency_key(headers),
        Effect::Manage => no_idempotency_key(headers, tool.name),
        Effect::Read | Effect::Task | Effect::Decision => Ok(None),
    }
}

/// The idempotency key of a write.
///
/// # Errors
/// `INVALID_PARAMETER` if it can't be one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, AppError> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(IdempotencyKey::parse).filter(|_| values.next().is_none());
    key.map(Some).ok_or_else(|| {
        json::invalid("/idempotency_key", format!("Idempotency-Key must be once {}", IdempotencyKey::right()))
    })
}

/// Refuses an idempotency key that nobody would keep: whoever sends one relies on it.
///
/// # Errors
/// `INVALID_PARAMETER` if there is one.
fn no_idempotency_key(headers: &HeaderMap, tool: &str) -> Result<Option<IdempotencyKey>, AppError> {
    match headers.get("idempotency-key") {
        Some(_) => Err(json::invalid("/idempotency_key", format!("{tool} takes no Idempotency-Key: leave it out"))
            .suggest("after a lost answer, look at what there is before you ask again")),
        None => Ok(None),
    }
}

/// Refuses a condition that nobody would check.
///
/// # Errors
/// `INVALID_PARAMETER` if there is one.
pub fn no_if_match(headers: &HeaderMap) -> Result<Option<i64>, AppError> {
    match headers.get(header::IF_MATCH) {
        Some(_) => Err(AppError::new(
            ErrorCode::InvalidParameter,
            "If-Match is read by complete_task alone: leave it out here",
        )),
        None => Ok(None),
    }
}

/// The version that a decision was made on: `If-Match: "3"`, also without the quotes.
///
/// # Errors
/// `INVALID_PARAMETER` if it is none.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, AppError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix("W/").unwrap_or(text).trim_matches('"').parse().ok();
    version
        .map(Some)
        .ok_or_else(|| AppError::new(ErrorCode::InvalidParameter, "If-Match must be the ETag of the task, like \"3\""))
}
