//! What is around every request: its id, its trace, its panics, and the writing of errors.

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

/// The header that names a request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request.
#[derive(Debug, Clone)]
struct RequestId(String);

/// Puts the frame around routes.
pub(in crate::web) fn around(routes: Router, body_timeout: Duration) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(span)
        .on_response(DefaultOnResponse::new().level(Level::INFO))
        // What failed is an answer like any other here; its cause was logged where it is known.
        .on_failure(());
    routes
        // All of it in all: who sends a byte from time to time is not done, either.
        .layer(RequestBodyDeadlineLayer::new(body_timeout))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(trace)
        .layer(middleware::from_fn(identified))
}

/// The path without its query: a query may hold what does not belong into logs.
fn span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.as_str()).unwrap_or_default();
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}

/// Gives a request its id and writes the body of errors.
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

/// A panic is a bug: it is logged with its words, and the caller learns only that there was one.
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    tracing::error!(words, "a request handler panicked");
    Refusal::panic().into_response()
}
