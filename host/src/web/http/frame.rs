//! The layers around every request: its id, its trace, its panics, and the body of errors.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Response},
    middleware::{self, Next},
    response::IntoResponse,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    timeout::RequestBodyDeadlineLayer,
    trace::{DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};
use uuid::Uuid;

use super::problem::Refusal;

/// The header that identifies a request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request.
#[derive(Debug, Clone)]
struct RequestId(String);

/// Wraps routes in the common layers.
pub(in crate::web) fn around(routes: Router, body_timeout: Duration) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(span)
        .on_response(DefaultOnResponse::new().level(Level::INFO))
        // A failure is an ordinary answer here; its cause was logged where it occurred.
        .on_failure(());
    routes
        // A deadline for the whole body, so that sending a byte from time to time doesn't extend
        // it.
        .layer(RequestBodyDeadlineLayer::new(body_timeout))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(trace)
        .layer(middleware::from_fn(identified))
}

/// Logs the path without its query, which may hold things that don't belong in logs.
fn span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.as_str()).unwrap_or_default();
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}

/// Assigns the request its id and writes the body of errors.
async fn identified(mut request: Request, next: Next) -> Response<Body> {
    let id = RequestId(Uuid::now_v7().to_string());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal.rendered(&id.0, response);
    }
    if let Ok(value) = HeaderValue::try_from(id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Handles a panic, which is a bug. Its message is logged; the caller only learns that an error
/// occurred.
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    tracing::error!(words, "a request handler panicked");
    Refusal::panic().into_response()
}
