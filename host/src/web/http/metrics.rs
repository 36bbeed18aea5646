//! `/metrics`: this process's metrics, and counts from the database.

use axum::{
    extract::{Request, State},
    http::{Extensions, HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::{auth, problem::Refusal};
use crate::{
    app::callers::rate_limits::CallKind,
    domain::purpose::Purpose,
    metrics::{ADAPTER_BYTES, ADAPTER_SLOTS, BREAKER, DELIVERIES, OPERATIONS, OVERDUE, OVERDUE_TASKS, TASKS},
    web::Web,
};

/// The exposition format of Prometheus.
const FORM: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers a scrape. It needs an operator's token, because the metrics reveal how business is
/// going.
pub(super) async fn scrape(State(web): State<Web>, request: Request) -> Response {
    match rendered(&web, request.headers(), request.extensions()).await {
        Ok(text) => ([(header::CONTENT_TYPE, FORM)], text).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn rendered(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> Result<String, Refusal> {
    let caller = auth::caller(web, headers, extensions).await?;
    caller.operator()?;
    let _room = web.app.enter(&caller, CallKind::Read)?;
    let Some(counted) = &web.options.counted else { return Ok(String::new()) };
    // If the database doesn't answer, the missing counts and its error counter show it.
    let census = web.app.census().await.ok();
    if let Some(census) = &census {
        for state in ["queued", "running", "awaiting_approval", "awaiting_permission", "parked"] {
            let number = census.operations.iter().find(|(name, _)| name == state).map_or(0, |(_, number)| *number);
            metrics::gauge!(OPERATIONS, "state" => state).set(number as f64);
        }
        for (kind, number) in &census.tasks {
            metrics::gauge!(TASKS, "type" => kind.clone()).set(*number as f64);
        }
        let known = |kind: &str| census.tasks.iter().any(|(name, _)| name == kind);
        for kind in crate::domain::task::TaskKind::ALL.iter().map(|kind| kind.as_str()).filter(|kind| !known(kind)) {
            metrics::gauge!(TASKS, "type" => kind).set(0.0);
        }
        metrics::gauge!(OVERDUE_TASKS).set(census.overdue_tasks as f64);
        metrics::gauge!(OVERDUE).set(census.overdue_work.as_secs_f64());
        metrics::gauge!(DELIVERIES, "status" => "pending").set(census.pending_deliveries as f64);
        metrics::gauge!(DELIVERIES, "status" => "dead").set(census.dead_deliveries as f64);
    }
    for platform in web.app.adapters.platforms() {
        for purpose in Purpose::GUARDED {
            let open = web.app.adapters.is_broken(&platform, purpose);
            metrics::gauge!(BREAKER, "platform" => platform.to_string(), "purpose" => purpose.as_str())
                .set(f64::from(u8::from(open)));
        }
    }
    for kind in web.app.adapters.slot_usage() {
        let (platform, purpose) = (kind.platform.to_string(), kind.purpose.as_str());
        for (state, calls) in [("running", kind.calls), ("waiting", kind.waiting)] {
            metrics::gauge!(ADAPTER_SLOTS, "platform" => platform.clone(), "purpose" => purpose, "state" => state)
                .set(calls as f64);
        }
        metrics::gauge!(ADAPTER_BYTES, "platform" => platform, "purpose" => purpose).set(kind.bytes as f64);
    }
    Ok(crate::metrics::rendered(counted, census.is_some()))
}
