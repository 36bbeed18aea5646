//! The table of paths, and what every handler gets.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::Value;

use super::{
    ad_groups, campaigns, creatives, fields::Object, flights, lists, refusal::Refusal, reports, seed,
    settings::TritonSettings, state::State,
};
use crate::{
    control::{clock::Millis, settings::Paging},
    platform::{Call, json},
};

/// The context of a handler.
pub(super) struct Desk<'a> {
    /// The whole state.
    pub state: &'a mut State,
    /// The emulator's current time.
    pub now: Millis,
    /// The current settings.
    pub settings: TritonSettings,
    /// How long new objects are missing from lists.
    pub lag: Duration,
    /// The largest page.
    pub max_page: usize,
    /// How lists are split into pages.
    pub paging: Paging,
    /// The call.
    pub call: &'a Call,
}

/// The result of a handler.
pub(super) type Done = Result<Response<Body>, Refusal>;

impl Desk<'_> {
    /// Parses the body as an object.
    pub(super) fn body(&self) -> Result<Object, Refusal> {
        let wrong = |why: String| Refusal::new(StatusCode::BAD_REQUEST, "INVALID_JSON", why);
        match serde_json::from_slice(&self.call.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(wrong("the body must be an object".to_owned())),
            Err(error) => Err(wrong(format!("the body is no JSON: {error}"))),
        }
    }
}

/// Dispatches the call to its handler.
pub(super) fn dispatch(desk: &mut Desk<'_>) -> Done {
    let path = desk.call.path.clone();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let id = |what: &str, text: &str| text.parse::<i64>().map_err(|_| Refusal::no_such(what, text));
    match (desk.call.method.as_str(), segments.as_slice()) {
        ("GET", ["v1", kind @ ("advertisers" | "stations" | "teams")]) => {
            let items = desk.state.objects(kind, desk.now).unwrap_or_default();
            lists::answer(desk, &[], &items)
        }
        ("GET", ["v1", "advertisers", one]) => {
            lists::only_params(desk, &[])?;
            let found = seed::advertiser(id("advertiser", one)?).ok_or_else(|| Refusal::no_such("advertiser", one))?;
            Ok(json(StatusCode::OK, &found.show()))
        }
        ("GET", ["v1", "campaigns"]) => campaigns::list(desk),
        ("POST", ["v1", "campaigns"]) => campaigns::create(desk),
        ("GET", ["v1", "campaigns", one]) => campaigns::get(desk, id("campaign", one)?),
        ("PUT", ["v1", "campaigns", one]) => campaigns::update(desk, id("campaign", one)?),
        ("GET", ["v1", "flights"]) => flights::list(desk),
        ("POST", ["v1", "flights"]) => flights::create(desk),
        ("GET", ["v1", "flights", one]) => flights::get(desk, id("flight", one)?),
        ("PUT", ["v1", "flights", one]) => flights::update(desk, id("flight", one)?),
        ("POST", ["v1", "flights", one, "creative", "publish"]) => ad_groups::publish(desk, id("flight", one)?),
        ("GET", ["v1", "creatives"]) => creatives::list(desk),
        ("POST", ["v1", "creatives"]) => creatives::create(desk),
        ("GET", ["v1", "creatives", one]) => creatives::get(desk, id("creative", one)?),
        ("POST", ["v1", "reports"]) => reports::create(desk),
        ("GET", ["v1", "reports", one]) => reports::get(desk, id("report", one)?),
        ("GET", ["v1", "reports", one, "data.csv"]) => reports::data(desk, id("report", one)?),
        (method, _) => {
            let why = format!("there is no {method} {path}");
            Err(Refusal::new(StatusCode::NOT_FOUND, "NO_SUCH_ROUTE", why))
        }
    }
}
