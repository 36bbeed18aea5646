//! The HTTP interface: a route for each tool of the table, and the few routes that are not tools.
//!
//! - [`arguments`]: path, query and body become the arguments of a tool.
//! - [`auth`]: the token of a request.
//! - [`headers`]: `Prefer`, `Idempotency-Key`, `If-Match`.
//! - [`problem`]: errors as `application/problem+json`.
//! - [`frame`]: the layers around every request: its id, its trace, its panics.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{MethodFilter, MethodRouter, get, on},
};
use bytes::Bytes;
use serde_json::json;

use self::{arguments::Shapes, problem::Refusal};
use crate::adapters::COMPONENT_BYTES;

use super::{
    LiveWeb, Web, docs,
    json::Arguments,
    openapi,
    tool::{Answer, CallOptions, Effect, Tool, Verb},
    v1::tools,
};

pub mod arguments;
pub mod auth;
pub mod frame;
pub mod headers;
mod metrics;
pub mod problem;

/// Maximum size of an upload, in bytes: that of a component.
#[expect(clippy::cast_possible_truncation, reason = "128 MiB fits into any usize")]
const MAX_UPLOAD: usize = COMPONENT_BYTES as usize;

/// The media type of a JSON document.
const JSON: &str = "application/json";

/// Builds the routes of the tools and of their documentation.
pub(super) fn routes(web: &LiveWeb) -> Router {
    let mut paths: BTreeMap<&'static str, MethodRouter<LiveWeb>> = BTreeMap::new();
    for tool in tools::all() {
        let methods = paths.remove(tool.path).unwrap_or_default();
        paths.insert(tool.path, methods.merge(route(tool)));
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router = router.route(path, methods);
    }
    // Rendered once, because they are also served without a token.
    let description = Bytes::from(openapi::document().to_string());
    let page = Bytes::from(docs::page());
    router
        .route("/healthz", get(|| async { Json(json!({ "status": "alive" })) }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::scrape))
        .route("/openapi.json", get(move || std::future::ready(([(header::CONTENT_TYPE, JSON)], description.clone()))))
        .route("/docs", get(move || std::future::ready(described(page.clone()))))
        .route("/", get(|| async { Redirect::temporary("/docs") }))
        .method_not_allowed_fallback(|| async { Refusal::method() })
        .fallback(|request: Request| async move { Refusal::route(request.uri().path()) })
        .with_state(web.clone())
}

fn route(tool: &'static Tool) -> MethodRouter<LiveWeb> {
    let filter = match tool.verb {
        Verb::Get => MethodFilter::GET,
        Verb::Post | Verb::Upload => MethodFilter::POST,
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
    let caller = auth::caller(&web, request.headers(), request.extensions()).await;
    let caller = caller.and_then(|caller| tool.audience.admit(&caller).map(|()| caller));
    let caller = caller.inspect_err(|refused| tool.refused(refused.code))?;
    let (arguments, options) = match understand(&web, tool, shapes, request).await {
        Ok(understood) => understood,
        Err(refusal) => {
            // Malformed requests count against the rate limit, too.
            let refusal = web.app.enter(&caller, tool.lane()).err().map_or(refusal, Refusal::from);
            tool.refused(refusal.code());
            return Err(refusal);
        }
    };
    let answer = tool.call(web.app, caller, arguments, options).await?;
    Ok(rendered(answer))
}

/// Reads a request's arguments and options.
async fn understand(
    web: &Web,
    tool: &'static Tool,
    shapes: &Shapes,
    request: Request,
) -> Result<(Arguments, CallOptions), Refusal> {
    let mut options = CallOptions {
        wait: headers::wait(request.headers(), &web.options),
        idempotency_key: headers::key_for(tool, request.headers())?,
        if_match: match tool.effect {
            Effect::Decision => headers::if_match(request.headers())?,
            Effect::Read | Effect::Task | Effect::Write | Effect::Manage => headers::no_if_match(request.headers())?,
        },
        upload: Bytes::new(),
    };
    let max_body = if tool.verb == Verb::Upload { MAX_UPLOAD } else { web.options.max_body_bytes };
    let arguments = arguments::of(tool, shapes, request, max_body, &mut options.upload).await?;
    Ok((arguments, options))
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
    let asking = || {
        let app = web.app.clone();
        async move { app.ready().await }
    };
    match web.app.callers.readiness.ask((), asking).await {
        Ok(lacking) if lacking.is_empty() => Json(json!({ "status": "ready" })).into_response(),
        Ok(lacking) => Json(json!({ "status": "ready", "without_adapter": lacking })).into_response(),
        Err(reasons) => {
            let body = json!({ "status": "not ready", "reasons": reasons });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// Serves the page with a policy that tells the browser to load and run nothing.
fn described(page: Bytes) -> Response {
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}
