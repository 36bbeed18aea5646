//! The table of paths.
//!
//! It is one match over the segments of the path, so the whole API can be seen at once. An id that
//! is not a number is unknown, like any other unknown id.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{
    ads, campaigns, counts, creatives, flights, lookups, nested, refusal::Refusal, reports, schema::body_object,
    state::State, targeting,
};
use crate::{
    control::{
        clock::{Millis, to_millis},
        settings::Settings,
    },
    platform::{Call, bytes, json},
};

/// The context of a handler.
pub(super) struct Desk<'a> {
    /// The whole state.
    pub state: &'a mut State,
    /// The emulator's current time.
    pub now: OffsetDateTime,
    /// Limits and delays.
    pub settings: Settings,
    /// The call.
    pub call: &'a Call,
}

impl Desk<'_> {
    /// Parses the body as a JSON object.
    pub(super) fn body(&self) -> Result<Map<String, Value>, Refusal> {
        body_object(&self.call.body)
    }

    /// Returns a field of a form-encoded body.
    pub(super) fn form_field(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(&self.call.body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Returns a boolean query parameter.
    pub(super) fn flag_param(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.call.param(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("") => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::invalid(format!("{name} must be true or false"))),
        }
    }

    /// Returns a numeric query parameter.
    pub(super) fn int_param(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.call.param(name) {
            None | Some("") => Ok(None),
            Some(text) => {
                text.parse().map(Some).map_err(|_| Refusal::invalid(format!("{name} must be a whole number")))
            }
        }
    }

    /// The emulator's current time in milliseconds.
    pub(super) fn millis(&self) -> Millis {
        to_millis(self.now)
    }
}

/// The response of a handler.
pub(super) enum Reply {
    /// JSON.
    Json(StatusCode, Value),
    /// Bytes of some content type.
    Bytes(&'static str, Vec<u8>),
    /// No body.
    Empty(StatusCode),
}

impl Reply {
    /// Makes a 200 with JSON.
    pub(super) fn ok(value: impl Into<Value>) -> Self {
        Self::Json(StatusCode::OK, value.into())
    }

    /// Makes a 200 with JSON written directly from a type, so that amounts keep all their digits.
    pub(super) fn exact(value: &impl Serialize) -> Result<Self, Refusal> {
        serde_json::to_vec(value)
            .map(|text| Self::Bytes("application/json; charset=utf-8", text))
            .map_err(|error| Refusal::invalid(error.to_string()))
    }

    /// Returns the response.
    pub(super) fn answer(self) -> Response<Body> {
        match self {
            Self::Json(status, value) => json(status, &value),
            Self::Bytes(content_type, body) => bytes(StatusCode::OK, content_type, body),
            Self::Empty(status) => bytes(status, "text/plain", Vec::new()),
        }
    }
}

/// The result of a handler.
pub(super) type Done = Result<Reply, Refusal>;

fn id(segment: &str) -> Result<i64, Refusal> {
    segment.parse().map_err(|_| Refusal::no_such("an object with id", segment))
}

/// Dispatches the call to its handler.
pub(super) fn dispatch(desk: &mut Desk<'_>) -> Done {
    let path = desk.call.path.clone();
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
    let method = desk.call.method.as_str();
    match (method, segments.as_slice()) {
        ("POST", ["v2", "campaign"]) => nested::create(desk),
        ("POST", ["v1", "report", "queue"]) => reports::queue(desk),
        ("GET", ["v1", "report", "queue", guid]) => reports::poll(desk, guid),
        (_, ["v1", "instantcounts", rest @ ..]) => instant(desk, method, rest),
        (_, ["v1", "campaign", rest @ ..]) => campaign(desk, method, rest),
        ("GET", ["v1", "fast", "flight"]) => flights::fast(desk),
        (_, ["v1", "flight", flight, "creative" | "creatives", ..]) => ad(desk, method, id(flight)?, &segments[3..]),
        (_, ["v1", "flight", flight, resource, rest @ ..]) if *resource != "delete" => {
            target(desk, method, id(flight)?, resource, rest)
        }
        (_, ["v1", "flight", rest @ ..]) => flight(desk, method, rest),
        ("GET", ["v1", "ad"]) => ads::list(desk),
        ("GET", ["v1", "ad", ad]) => ads::get(desk, id(ad)?),
        (_, ["v1", "creative", rest @ ..]) => creative(desk, method, rest),
        (_, ["v1", "advertiser", rest @ ..]) => advertiser(desk, method, rest),
        ("GET", _) => lookups::get(desk, &segments),
        _ => Err(no_route(desk.call)),
    }
}

/// Returns the refusal for a path or method that does not exist.
pub(super) fn no_route(call: &Call) -> Refusal {
    Refusal::NotFound(format!("no route for {} {}", call.method, call.path))
}

fn campaign(desk: &mut Desk<'_>, method: &str, rest: &[&str]) -> Done {
    match (method, rest) {
        ("POST", []) => campaigns::create(desk),
        ("GET", []) => campaigns::list(desk),
        ("POST", ["search"]) => campaigns::search(desk),
        ("GET", [one]) => campaigns::get(desk, id(one)?),
        ("PUT", [one]) => campaigns::update(desk, id(one)?),
        ("GET", [one, "flight"]) => flights::of_campaign(desk, id(one)?),
        ("GET", [one, "delete"]) => campaigns::delete(desk, id(one)?),
        _ => Err(no_route(desk.call)),
    }
}

fn flight(desk: &mut Desk<'_>, method: &str, rest: &[&str]) -> Done {
    match (method, rest) {
        ("POST", []) => flights::create(desk),
        ("GET", []) => flights::list(desk),
        ("GET", [one]) => flights::get(desk, id(one)?),
        ("PUT", [one]) => flights::update(desk, id(one)?),
        ("GET", [one, "delete"]) => flights::delete(desk, id(one)?),
        _ => Err(no_route(desk.call)),
    }
}

fn ad(desk: &mut Desk<'_>, method: &str, flight: i64, rest: &[&str]) -> Done {
    match (method, rest) {
        ("POST", ["creative"]) => ads::create(desk, flight),
        ("GET", ["creatives"]) => ads::of_flight(desk, flight),
        ("PUT", ["creative", ad]) => ads::update(desk, flight, id(ad)?),
        ("GET", ["creative", ad, "delete"]) => ads::delete(desk, flight, id(ad)?),
        _ => Err(no_route(desk.call)),
    }
}

fn target(desk: &mut Desk<'_>, method: &str, flight: i64, resource: &str, rest: &[&str]) -> Done {
    let Some(resource) = targeting::Resource::named(resource) else {
        return Err(no_route(desk.call));
    };
    match (method, rest) {
        ("POST", []) => targeting::create(desk, resource, flight),
        ("GET", []) if resource.listed() => targeting::list(desk, resource, flight),
        ("GET", [one]) => targeting::get(desk, resource, flight, id(one)?),
        ("PUT", [one]) if resource.updatable() => targeting::update(desk, resource, flight, id(one)?),
        (method, [one, "delete"]) if method == resource.delete_method() => {
            targeting::delete(desk, resource, flight, id(one)?)
        }
        _ => Err(no_route(desk.call)),
    }
}

fn creative(desk: &mut Desk<'_>, method: &str, rest: &[&str]) -> Done {
    match (method, rest) {
        ("POST", []) => creatives::create(desk),
        ("GET", []) => creatives::list(desk, None),
        ("GET", [one]) => creatives::get(desk, id(one)?),
        ("PUT", [one]) => creatives::update(desk, id(one)?),
        _ => Err(no_route(desk.call)),
    }
}

fn advertiser(desk: &mut Desk<'_>, method: &str, rest: &[&str]) -> Done {
    match (method, rest) {
        ("POST", []) => lookups::create_advertiser(desk),
        ("GET", []) => lookups::list_advertisers(desk, None),
        ("POST", ["search"]) => {
            let name = desk.form_field("advertiserName").unwrap_or_default();
            lookups::list_advertisers(desk, Some(&name))
        }
        ("GET", [one]) => lookups::get_advertiser(desk, id(one)?),
        ("PUT", [one]) => lookups::update_advertiser(desk, id(one)?),
        ("GET", [one, "creatives"]) => creatives::list(desk, Some(id(one)?)),
        ("GET", [one, "flight"]) => flights::of_advertiser(desk, id(one)?),
        _ => Err(no_route(desk.call)),
    }
}

fn instant(desk: &mut Desk<'_>, method: &str, rest: &[&str]) -> Done {
    match (method, rest) {
        ("POST", ["bulk"]) => counts::bulk(desk),
        ("GET", ["network"]) => counts::network(desk),
        ("GET", [kind, one]) => counts::one(desk, kind, id(one)?),
        _ => Err(no_route(desk.call)),
    }
}
