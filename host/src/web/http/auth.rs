//! The token of a request.

use axum::http::{Extensions, HeaderMap, header};

use crate::{
    app::{authentication::Presented, caller::Caller, error::AppError},
    web::{Web, address},
};

/// The header in which early orchestrators send their token.
const EARLY_HEADER: &str = "x-adcp-auth";

/// Who sends the request that has these headers and extensions. Not the request itself: its body can't be shared across an await.
///
/// # Errors
/// `AUTHENTICATION_REQUIRED`; `RATE_LIMITED` if too many bad tokens came from where it comes from.
pub(in crate::web) async fn caller(
    web: &Web,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Caller, AppError> {
    let address = address::of(extensions, headers, &web.options.trusted_proxies);
    let presented = Presented { token: token(headers), address };
    web.app.authenticate(presented).await
}

/// `Authorization: Bearer <token>`, else `x-adcp-auth: <token>`.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| headers.get(EARLY_HEADER).and_then(|value| value.to_str().ok()).map(str::trim))
}
