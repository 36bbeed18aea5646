//! Who is signed in, and that a form comes from one of the desk's own pages.
//!
//! | against | what |
//! |---|---|
//! | a stolen database | the cookie's value is not stored, only its SHA-256 |
//! | scripts of a page | the cookie is `HttpOnly` |
//! | forms of other sites | the cookie is `SameSite=Lax`; `Sec-Fetch-Site` or `Origin` must be ours; each form carries a digest of the cookie |

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Form, RequestExt as _,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::frame::Halt;
use crate::{
    app::{
        App,
        caller::Caller,
        callers::rate_limits::{CallKind, Permit},
        error::AppError,
    },
    domain::{digest, id::PrincipalId},
    web::{LiveWeb, Web},
};

/// The name of the cookie.
const COOKIE: &str = "flightdeck_session";

/// A person who is signed in, with their request's place in the rate limits.
pub(super) struct Visitor {
    pub(super) app: App,
    pub(super) caller: Caller,
    pub(super) secret: String,
    _room: Permit,
}

impl Visitor {
    /// Returns the digest that the forms of this session carry.
    pub(super) fn csrf(&self) -> String {
        digest::sha256(format!("flightdeck form\n{}", self.secret).as_bytes())
    }

    /// Returns a buyer's name, or the id if the configuration no longer has the buyer.
    pub(super) fn buyer(&self, principal: &PrincipalId) -> String {
        self.app.config.buyer_name(principal).unwrap_or(principal.as_str()).to_owned()
    }

    async fn of(parts: &Parts, live: &LiveWeb, kind: CallKind) -> Result<Self, Halt> {
        let Web { app, .. } = live.current();
        let sign_in =
            || Halt::SignIn(parts.uri.path_and_query().map_or("/admin/queue", |path| path.as_str()).to_owned());
        let secret = secret(&parts.headers).ok_or_else(sign_in)?;
        let caller = app.session_caller(&secret).await?.ok_or_else(sign_in)?;
        let room = app.enter(&caller, kind)?;
        Ok(Self { app, caller, secret, _room: room })
    }
}

impl FromRequestParts<LiveWeb> for Visitor {
    type Rejection = Halt;

    async fn from_request_parts(parts: &mut Parts, live: &LiveWeb) -> Result<Self, Halt> {
        Self::of(parts, live, CallKind::Read).await
    }
}

/// A form that a person sent from one of the desk's pages.
pub(super) struct Posted<T> {
    pub(super) visitor: Visitor,
    pub(super) form: T,
}

#[derive(Deserialize)]
struct Signed<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned + 'static> FromRequest<LiveWeb> for Posted<T> {
    type Rejection = Halt;

    async fn from_request(request: Request, live: &LiveWeb) -> Result<Self, Halt> {
        let (parts, body) = request.into_parts();
        from_here(&parts.headers)?;
        let visitor = Visitor::of(&parts, live, CallKind::Write).await;
        // After signing in, a form can't be sent again by itself: lead to the page it was on.
        let visitor = visitor.map_err(|halt| match halt {
            Halt::SignIn(path) => {
                Halt::SignIn(path.rsplit_once('/').map_or("/admin/queue", |(page, _)| page).to_owned())
            }
            halt => halt,
        })?;
        let request = Request::from_parts(parts, body);
        let Form(signed) =
            request.extract::<Form<Signed<T>>, _>().await.map_err(|error| unreadable(&error.body_text()))?;
        if verify_slices_are_equal(signed.csrf.as_bytes(), visitor.csrf().as_bytes()).is_err() {
            return Err(elsewhere().into());
        }
        Ok(Self { visitor, form: signed.form })
    }
}

/// Returns the session's secret from the cookie.
fn secret(headers: &HeaderMap) -> Option<String> {
    cookie_named(headers, COOKIE)
}

/// Returns the value of a cookie.
pub(super) fn cookie_named(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

/// Returns the header that gives a browser its cookie, or takes it away.
///
/// The cookie is `Secure` unless the desk is opened under a loopback name, where there is no TLS.
pub(super) fn cookie(headers: &HeaderMap, secret: Option<&str>) -> HeaderValue {
    let secure = if is_loopback(headers) { "" } else { "; Secure" };
    let text = match secret {
        Some(secret) => format!("{COOKIE}={secret}; Path=/admin; HttpOnly; SameSite=Lax{secure}"),
        None => format!("{COOKIE}=; Path=/admin; HttpOnly; SameSite=Lax{secure}; Max-Age=0"),
    };
    // Hexadecimal digits and fixed text are always a valid header.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Checks that a form was sent by a page of this host, as far as the browser says.
pub(super) fn from_here(headers: &HeaderMap) -> Result<(), AppError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").map(|(_, host)| host) == text("host"),
        // A program or an old browser; the digest in the form decides.
        (None, None) => true,
    };
    if ours { Ok(()) } else { Err(elsewhere()) }
}

fn elsewhere() -> AppError {
    AppError::denied("this form did not come from the desk's own page, or the page is older than your session")
        .suggest("open the page again and decide there; nothing was changed")
}

fn unreadable(why: &str) -> AppError {
    AppError::new(crate::app::error::ErrorCode::InvalidParameter, format!("the form can't be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_form_of_another_site_is_refused() {
        for (lines, ours) in [
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "none")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (
                vec![("sec-fetch-site", "cross-site"), ("origin", "https://desk.example"), ("host", "desk.example")],
                false,
            ),
            (vec![("origin", "https://desk.example"), ("host", "desk.example")], true),
            (vec![("origin", "https://evil.example"), ("host", "desk.example")], false),
            (vec![("origin", "null"), ("host", "desk.example")], false),
            (vec![], true),
        ] {
            assert_eq!(from_here(&headers(&lines)).is_ok(), ours, "{lines:?}");
        }
    }

    #[test]
    fn the_cookie_is_secure_except_on_loopback_names() {
        for (host, secure) in [
            ("localhost:8080", false),
            ("127.0.0.1", false),
            ("[::1]:8080", false),
            ("desk.example", true),
            ("localhost.evil.example", true),
        ] {
            let cookie = cookie(&headers(&[("host", host)]), Some("5ec4e7"));
            let text = cookie.to_str().unwrap();
            assert_eq!(text.contains("; Secure"), secure, "{host}");
            assert!(text.contains("HttpOnly") && text.contains("SameSite=Lax") && text.contains("Path=/admin"));
        }
    }

    #[test]
    fn the_secret_is_found_among_other_cookies() {
        let found = secret(&headers(&[("cookie", "a=1; flightdeck_session=5ec4e7; b=2")]));
        assert_eq!(found.as_deref(), Some("5ec4e7"));
        assert_eq!(secret(&headers(&[("cookie", "flightdeck_session_=1")])), None);
    }
}
