//! The token of a request.

use axum::http::{Extensions, HeaderMap, header};

use crate::{
    app::{authentication::Presented, caller::Caller, error::AppError},
    web::{Web, address},
};

/// The header in which early orchestrators send their token.
const EARLY_HEADER: &str = "x-adcp-auth";

/// Identifies the caller from a request's headers and extensions. Doesn't take the request itself,
/// because a reference to its body can't be held across an await.
///
/// # Errors
/// `AUTHENTICATION_REQUIRED`; `RATE_LIMITED` after too many bad tokens from the same address.
pub(in crate::web) async fn caller(
    web: &Web,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Caller, AppError> {
    let address = address::of(extensions, headers, &web.options.trusted_proxies);
    let presented = Presented { token: token(headers), address };
    web.app.authenticate(presented).await
}

/// Returns the token from `Authorization: Bearer <token>`, or else from `x-adcp-auth: <token>`.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| headers.get(EARLY_HEADER).and_then(|value| value.to_str().ok()).map(str::trim))
}
