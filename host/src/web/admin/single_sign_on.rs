//! Signing in at an OpenID provider: two redirects.

use axum::{
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    sign_in::{self, Next},
    visitor::{cookie, cookie_named},
};
use crate::{
    app::single_sign_on::{LIFETIME, Returned},
    config::Oidc,
    web::{Web, address},
};

/// The cookie that a browser keeps while somebody is at the provider.
const TICKET: &str = "flightdeck_oidc";

/// What the provider adds to the address of the callback.
#[derive(Deserialize)]
struct Callback {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// Returns the header that gives a browser its ticket, or takes it away.
///
/// The cookie is `Lax` because the browser comes from the provider's site, and `Secure` unless the
/// desk is reached without TLS, which only this machine can.
fn ticket_cookie(oidc: Option<&Oidc>, ticket: Option<&str>) -> HeaderValue {
    let secure = if oidc.is_some_and(|oidc| !oidc.public_url.origin().is_https()) { "" } else { "; Secure" };
    let (ticket, age) = ticket.map_or(("", 0), |ticket| (ticket, LIFETIME.as_secs()));
    let text = format!("{TICKET}={ticket}; Path=/admin/oidc; HttpOnly; SameSite=Lax{secure}; Max-Age={age}");
    // Base64 and fixed text are always a valid header.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// `GET /admin/oidc/start`.
pub(super) async fn start(State(web): State<Web>, Query(Next { next }): Query<Next>) -> Response {
    let next = sign_in::own(&next);
    match web.app.begin_single_sign_on(next).await {
        Ok(begun) => {
            let cookie = ticket_cookie(web.app.config.desk.oidc.as_ref(), Some(&begun.ticket));
            ([(header::SET_COOKIE, cookie)], Redirect::to(&begun.to)).into_response()
        }
        Err(error) => sign_in::refused(&web, next, &error),
    }
}

/// `GET /admin/oidc/callback`.
pub(super) async fn callback(State(web): State<Web>, headers: HeaderMap, request: Request) -> Response {
    let address = address::of(request.extensions(), &headers, &web.options.trusted_proxies);
    let Query(asked) = match Query::<Callback>::try_from_uri(request.uri()) {
        Ok(asked) => asked,
        Err(_) => Query(Callback { state: String::new(), code: None, error: None }),
    };
    let ticket = cookie_named(&headers, TICKET);
    let returned = Returned {
        ticket: ticket.as_deref(),
        state: &asked.state,
        code: asked.code.as_deref(),
        error: asked.error.as_deref(),
        address,
    };
    // Whatever comes of it, a ticket is for one sign-in.
    let used = (header::SET_COOKIE, ticket_cookie(web.app.config.desk.oidc.as_ref(), None));
    match web.app.finish_single_sign_on(returned).await {
        Ok((signed_in, next)) => {
            let session = (header::SET_COOKIE, cookie(&headers, Some(&signed_in.secret)));
            (AppendHeaders([session, used]), Redirect::to(sign_in::own(&next))).into_response()
        }
        Err(error) => (AppendHeaders([used]), sign_in::refused(&web, "", &error)).into_response(),
    }
}
