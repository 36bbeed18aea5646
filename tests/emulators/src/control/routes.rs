//! The controls over HTTP, under `/__control/`, without authentication.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{Method, Response, StatusCode, Uri},
    routing::{get, post},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json as object};

use super::{Controls, clock::Move, faults::Rule, references, settings::Change};
use crate::platform::{Platform, json};

#[derive(Clone)]
struct Panel {
    controls: Arc<Controls>,
    platform: Arc<dyn Platform>,
}

/// Builds the control routes of one emulator.
pub(crate) fn router(controls: Arc<Controls>, platform: Arc<dyn Platform>) -> Router {
    Router::new()
        .route("/__control/faults", post(add_fault).get(list_faults).delete(clear_faults))
        .route("/__control/held", get(count_held))
        .route("/__control/held/release", post(release_held))
        .route("/__control/requests", get(read_log).delete(clear_log))
        .route("/__control/objects", get(count_objects))
        .route("/__control/objects/{kind}", get(list_objects))
        .route("/__control/references", get(all_references))
        .route("/__control/references/{reference}", get(one_reference))
        .route("/__control/clock", get(read_clock).put(move_clock))
        .route("/__control/settings", get(read_settings).put(change_settings))
        .route("/__control/reset", post(reset))
        .fallback(of_platform)
        .with_state(Panel { controls, platform })
}

/// Handles controls that only one platform has.
async fn of_platform(State(panel): State<Panel>, method: Method, uri: Uri, body: Bytes) -> Response<Body> {
    let answer = panel.platform.control(&method, uri.path(), &body);
    answer.unwrap_or_else(|| refuse(StatusCode::NOT_FOUND, "no such control"))
}

fn refuse(status: StatusCode, why: impl std::fmt::Display) -> Response<Body> {
    json(status, &object!({ "error": why.to_string() }))
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body)
}

async fn add_fault(State(panel): State<Panel>, body: Bytes) -> Response<Body> {
    match parse::<Rule>(&body) {
        Ok(rule) => json(StatusCode::CREATED, &object!({ "id": panel.controls.faults.add(rule) })),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error),
    }
}

async fn list_faults(State(panel): State<Panel>) -> Response<Body> {
    json(StatusCode::OK, &object!({ "faults": panel.controls.faults.list() }))
}

async fn clear_faults(State(panel): State<Panel>) -> StatusCode {
    panel.controls.faults.clear();
    StatusCode::NO_CONTENT
}

async fn count_held(State(panel): State<Panel>) -> Response<Body> {
    json(StatusCode::OK, &object!({ "held": panel.controls.held.count() }))
}

async fn release_held(State(panel): State<Panel>) -> Response<Body> {
    json(StatusCode::OK, &object!({ "released": panel.controls.held.release().await }))
}

async fn all_references(State(panel): State<Panel>) -> Response<Body> {
    json(StatusCode::OK, &object!({ "references": references::all(&*panel.platform) }))
}

async fn one_reference(State(panel): State<Panel>, Path(reference): Path<String>) -> Response<Body> {
    json(StatusCode::OK, &references::of(&*panel.platform, &reference))
}

async fn read_log(State(panel): State<Panel>) -> Response<Body> {
    json(StatusCode::OK, &panel.controls.log.summary())
}

async fn clear_log(State(panel): State<Panel>) -> StatusCode {
    panel.controls.log.clear();
    StatusCode::NO_CONTENT
}

async fn count_objects(State(panel): State<Panel>) -> Response<Body> {
    let counts: Map<String, Value> =
        panel.platform.counts().into_iter().map(|(kind, count)| (kind.to_owned(), count.into())).collect();
    let duplicates = panel.platform.duplicates();
    json(StatusCode::OK, &object!({ "counts": counts, "duplicates": duplicates }))
}

async fn list_objects(State(panel): State<Panel>, Path(kind): Path<String>) -> Response<Body> {
    match panel.platform.objects(&kind) {
        Some(objects) => json(StatusCode::OK, &object!({ "type": kind, "objects": objects })),
        None => refuse(StatusCode::NOT_FOUND, format!("no type of objects called {kind}")),
    }
}

async fn read_clock(State(panel): State<Panel>) -> Response<Body> {
    json(StatusCode::OK, &panel.controls.clock.read())
}

async fn move_clock(State(panel): State<Panel>, body: Bytes) -> Response<Body> {
    match parse::<Move>(&body) {
        Ok(how) => json(StatusCode::OK, &panel.controls.clock.shift(&how)),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error),
    }
}

async fn read_settings(State(panel): State<Panel>) -> Response<Body> {
    json(StatusCode::OK, &panel.controls.settings.get())
}

async fn change_settings(State(panel): State<Panel>, body: Bytes) -> Response<Body> {
    match parse::<Change>(&body) {
        Ok(change) => json(StatusCode::OK, &panel.controls.settings.change(change)),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error),
    }
}

async fn reset(State(panel): State<Panel>) -> StatusCode {
    panel.controls.reset();
    panel.platform.reset();
    StatusCode::NO_CONTENT
}
