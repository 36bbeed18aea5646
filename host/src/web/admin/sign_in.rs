//! Signing in and out.

use askama::Template;
use axum::RequestExt as _;
use axum::{
    Form,
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    frame::{Halt, rendered},
    visitor::{Posted, cookie, from_here},
};
use crate::{
    app::{
        authentication::Presented,
        error::{AppError, ErrorCode},
    },
    web::{LiveWeb, Web, address, http::problem},
};

/// Where a browser goes after signing in, unless it came from another page.
const HOME: &str = "/admin/queue";

#[derive(Template)]
#[template(path = "desk/sign_in.html")]
struct SignInPage<'a> {
    publisher: &'a str,
    next: &'a str,
    mistake: Option<String>,
    /// What the button says that leads to the OpenID provider, and where the button leads.
    provider: Option<(&'a str, String)>,
}

impl<'a> SignInPage<'a> {
    fn of(web: &'a Web, next: &'a str, mistake: Option<String>) -> Self {
        let config = &web.app.config;
        let provider = config.desk.oidc.as_ref().map(|oidc| {
            let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            (oidc.name.as_str(), format!("/admin/oidc/start?next={next}"))
        });
        Self { publisher: &config.publisher.name, next, mistake, provider }
    }
}

/// Shows the page to somebody who could not be signed in, with the reason.
pub(super) fn refused(web: &Web, next: &str, error: &AppError) -> Response {
    let mistake = match error.code {
        ErrorCode::RateLimited => "Too many failed sign-ins came from your address; wait a minute.".to_owned(),
        _ => sentence(error),
    };
    let page = SignInPage::of(web, own(next), Some(mistake));
    (problem::status(error.code), rendered(&page)).into_response()
}

/// Returns an error and what to do about it as sentences.
fn sentence(error: &AppError) -> String {
    let ended = |text: &str| {
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    };
    match &error.suggestion {
        Some(suggestion) => format!("{} {}", ended(&error.message), ended(suggestion)),
        None => ended(&error.message),
    }
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    pub(super) next: String,
}

#[derive(Deserialize)]
struct Token {
    token: String,
    #[serde(default)]
    next: String,
}

/// A form without fields of its own.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// Returns a path of the desk, whatever was asked for: a link must not lead elsewhere.
pub(super) fn own(next: &str) -> &str {
    if next.starts_with("/admin/") && !next.contains(['\\', '\r', '\n']) && !next.contains("//") { next } else { HOME }
}

/// `GET /admin/sign-in`.
pub(super) async fn page(State(web): State<Web>, Query(Next { next }): Query<Next>) -> Response {
    rendered(&SignInPage::of(&web, own(&next), None))
}

/// `POST /admin/sign-in`.
pub(super) async fn enter(State(live): State<LiveWeb>, request: Request) -> Result<Response, Halt> {
    let web = live.current();
    from_here(request.headers())?;
    let (headers, address) =
        (request.headers().clone(), address::of(request.extensions(), request.headers(), &web.options.trusted_proxies));
    let Ok(Form(form)) = request.extract::<Form<Token>, _>().await else {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    };
    let next = own(&form.next);
    match web.app.sign_in(Presented { token: Some(form.token.trim()), address }).await {
        Ok(signed_in) => {
            let cookie = cookie(&headers, Some(&signed_in.secret));
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response())
        }
        Err(error) => {
            let mistake = match error.code {
                ErrorCode::AuthenticationRequired => "This token is not known, or no longer valid.".to_owned(),
                ErrorCode::RateLimited => "Too many wrong tokens came from your address; wait a minute.".to_owned(),
                _ => error.message.clone(),
            };
            let page = SignInPage::of(&web, next, Some(mistake));
            Ok((problem::status(error.code), rendered(&page)).into_response())
        }
    }
}

/// `POST /admin/sign-out`.
pub(super) async fn leave(headers: HeaderMap, posted: Posted<Nothing>) -> Result<Response, Halt> {
    let visitor = posted.visitor;
    visitor.app.sign_out(&visitor.caller, &visitor.secret).await?;
    Ok(([(header::SET_COOKIE, cookie(&headers, None))], Redirect::to("/admin/sign-in")).into_response())
}

/// `POST /admin/sign-out-everywhere`.
pub(super) async fn leave_everywhere(headers: HeaderMap, posted: Posted<Nothing>) -> Result<Response, Halt> {
    let visitor = posted.visitor;
    visitor.app.sign_out_everywhere(&visitor.caller).await?;
    Ok(([(header::SET_COOKIE, cookie(&headers, None))], Redirect::to("/admin/sign-in")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_only_to_the_desk() {
        assert_eq!(own("/admin/tasks/task_1?done=approved"), "/admin/tasks/task_1?done=approved");
        for elsewhere in
            ["", "//evil.example", "https://evil.example", "/admin//evil.example", "/admin/\\evil", "/docs"]
        {
            assert_eq!(own(elsewhere), HOME, "{elsewhere}");
        }
    }
}
