//! The HTTP face: a route for each tool of the table, and the few that are no tools.
//!
//! - [`arguments`]: path, query and body become the arguments of a tool.
//! - [`auth`]: the token of a request.
//! - [`headers`]: `Prefer`, `Idempotency-Key`, `If-Match`.
//! - [`problem`]: errors as `application/problem+json`.
//! - [`frame`]: what is around every request: its id, its trace, its panics.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{MethodFilter, MethodRouter, get, on},
};
use serde_json::{Value, json};

use self::{arguments::Shapes, problem::Refusal};
use super::{
    Web, docs, openapi,
    tools::{self, Answer, CallOptions, Effect, Tool, Verb},
};
use crate::app::caller::Caller;

pub mod arguments;
pub mod auth;
pub mod frame;
pub mod headers;
mod metrics;
pub mod problem;

/// The routes of the tools and of what describes them.
pub(super) fn routes(web: &Web) -> Router {
    let mut paths: BTreeMap<&'static str, MethodRouter<Web>> = BTreeMap::new();
    for tool in tools::all() {
        let methods = paths.remove(tool.path).unwrap_or_default();
        paths.insert(tool.path, methods.merge(route(tool)));
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router = router.route(path, methods);
    }
    let description = openapi::document();
    let page = docs::page();
    router
        .route("/healthz", get(|| async { Json(json!({ "status": "alive" })) }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::scrape))
        .route("/openapi.json", get(move || std::future::ready(Json(description.clone()))))
        .route("/docs", get(move || std::future::ready(described(page.clone()))))
        .route("/", get(|| async { Redirect::temporary("/docs") }))
        .method_not_allowed_fallback(|| async { Refusal::method() })
        .fallback(|request: Request| async move { Refusal::route(request.uri().path()) })
        .with_state(web.clone())
}

fn route(tool: &'static Tool) -> MethodRouter<Web> {
    let filter = match tool.verb {
        Verb::Get => MethodFilter::GET,
        Verb::Post => MethodFilter::POST,
        Verb::Put => MethodFilter::PUT,
        Verb::Patch => MethodFilter::PATCH,
        Verb::Delete => MethodFilter::DELETE,
    };
    let shapes = Shapes::of(tool);
    on(filter, move |State(web): State<Web>, request: Request| async move {
        match respond(web, tool, &shapes, request).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        }
    })
}

async fn respond(web: Web, tool: &'static Tool, shapes: &Shapes, request: Request) -> Result<Response, Refusal> {
    let understood = understand(&web, tool, shapes, request).await;
    let (caller, arguments, options) = understood.inspect_err(|refusal| tool.refused(refusal.code()))?;
    let answer = tool.call(web.app, caller, arguments, options).await?;
    Ok(rendered(answer))
}

/// Who asks, for what.
async fn understand(
    web: &Web,
    tool: &'static Tool,
    shapes: &Shapes,
    request: Request,
) -> Result<(Caller, Value, CallOptions), Refusal> {
    let caller = auth::caller(&web.app, request.headers(), auth::address(request.extensions())).await?;
    tool.audience.admit(&caller)?;
    let options = CallOptions {
        wait: headers::wait(request.headers(), &web.options),
        idempotency_key: match tool.effect {
            Effect::Write => headers::idempotency_key(request.headers())?,
            Effect::Manage => headers::no_idempotency_key(request.headers(), tool.name)?,
            Effect::Read | Effect::Task | Effect::Decision => None,
        },
        if_match: match tool.effect {
            Effect::Decision => headers::if_match(request.headers())?,
            Effect::Read | Effect::Task | Effect::Write | Effect::Manage => headers::no_if_match(request.headers())?,
        },
    };
    let arguments = arguments::of(tool, shapes, request, web.options.max_body_bytes).await?;
    Ok((caller, arguments, options))
}

fn rendered(answer: Answer) -> Response {
    let status = if answer.pending { StatusCode::ACCEPTED } else { StatusCode::OK };
    let mut response = (status, Json(answer.body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let location = answer.location.and_then(|location| HeaderValue::try_from(location).ok());
    let version = answer.version.and_then(|version| HeaderValue::try_from(format!("\"{version}\"")).ok());
    headers.extend(location.map(|location| (header::LOCATION, location)));
    headers.extend(version.map(|version| (header::ETAG, version)));
    response
}

async fn ready(State(web): State<Web>) -> Response {
    match web.app.ready().await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(reasons) => {
            let body = json!({ "status": "not ready", "reasons": reasons });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// The page loads nothing and runs nothing: a browser is told so.
fn described(page: String) -> Response {
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}
