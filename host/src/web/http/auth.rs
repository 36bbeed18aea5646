//! The token of a request.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, header},
};

use crate::app::{App, caller::Caller, error::AppError};

/// The header in which early orchestrators send their token.
const EARLY_HEADER: &str = "x-adcp-auth";

/// Who sends this request, `from` an address.
///
/// # Errors
/// `AUTHENTICATION_REQUIRED`.
pub async fn caller(app: &App, headers: &HeaderMap, from: Option<IpAddr>) -> Result<Caller, AppError> {
    app.authenticate(token(headers), from).await
}

/// The other end of a request's connection: a proxy's, if one stands before the host.
pub fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// `Authorization: Bearer <token>`, else `x-adcp-auth: <token>`.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| headers.get(EARLY_HEADER).and_then(|value| value.to_str().ok()).map(str::trim))
}
