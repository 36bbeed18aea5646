//! What all pages of the desk have in common, and errors as pages.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};

use super::visitor::Visitor;
use crate::{
    app::error::{AppError, ErrorCode},
    web::http::problem,
};

/// The frame around a page.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The section whose link is marked: `queue`, `buys`, `adapters` and so on.
    pub(super) section: &'static str,
    /// Who is signed in.
    pub(super) who: String,
    /// Their role.
    pub(super) role: &'static str,
    /// Whether they may open the operators' pages.
    pub(super) operator: bool,
    /// The digest that forms carry.
    pub(super) csrf: String,
    /// How many tasks wait.
    pub(super) waiting: u64,
}

impl Frame {
    /// Builds the frame of a page for a visitor.
    pub(super) async fn of(visitor: &Visitor, section: &'static str) -> Result<Self, AppError> {
        Ok(Self {
            section,
            who: visitor.caller.person.to_string(),
            role: visitor.caller.role.as_str(),
            operator: visitor.caller.operator().is_ok(),
            csrf: visitor.csrf(),
            waiting: visitor.app.waiting_tasks().await?,
        })
    }
}

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Halt {
    /// Nobody is signed in. After signing in, the browser goes to this path.
    SignIn(String),
    /// An error.
    Error(Box<AppError>),
}

impl From<AppError> for Halt {
    fn from(error: AppError) -> Self {
        Self::Error(Box::new(error))
    }
}

#[derive(Template)]
#[template(path = "desk/error.html")]
struct ErrorPage {
    heading: &'static str,
    message: String,
    suggestion: Option<String>,
}

impl IntoResponse for Halt {
    fn into_response(self) -> Response {
        let error = match self {
            Self::SignIn(next) => {
                let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                return Redirect::to(&format!("/admin/sign-in?next={next}")).into_response();
            }
            Self::Error(error) => error,
        };
        let heading = match error.code {
            ErrorCode::NotFound => "There is no such page",
            ErrorCode::PermissionDenied => "That is not allowed",
            ErrorCode::RateLimited => "Too many requests",
            ErrorCode::Conflict | ErrorCode::InvalidState => "That is not possible any more",
            ErrorCode::InvalidParameter => "That can't be done as it was sent",
            _ => "This does not work at the moment",
        };
        let page = ErrorPage { heading, message: error.message, suggestion: error.suggestion };
        (problem::status(error.code), rendered(&page)).into_response()
    }
}

/// Renders a page.
pub(super) fn rendered(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the desk can't be rendered");
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (StatusCode::INTERNAL_SERVER_ERROR, plain, "This page can't be shown; the log says why.").into_response()
        }
    }
}
