//! The table of paths, and what every handler gets.

use std::time::{Duration, Instant};

use axum::{body::Body, http::Response};
use serde_json::{Value, json as object};

use super::{creatives, fields::Object, lines, lists, orders, refusal::Refusal, reports, state::State};
use crate::{
    control::{clock::Millis, settings::Paging},
    platform::Call,
};

/// The context of a handler.
pub(super) struct Desk<'a> {
    /// The whole state.
    pub state: &'a mut State,
    /// The emulator's current time.
    pub now: Millis,
    /// How long new objects are missing from lists.
    pub lag: Duration,
    /// The largest page, if it is smaller than the platform's own.
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
        lists::only_params(self, &[])?;
        match serde_json::from_slice(&self.call.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::malformed("the body must be a JSON object")),
            Err(error) => Err(Refusal::malformed(format!("the body is not JSON: {error}"))),
        }
    }

    /// Whether a list shows an object with this reference and birth.
    pub(super) fn shows(&self, external_ref: Option<&str>, born: Instant) -> bool {
        let wanted = self.call.param("external_ref");
        wanted.is_none_or(|wanted| external_ref == Some(wanted)) && (self.lag.is_zero() || born.elapsed() >= self.lag)
    }
}

/// Dispatches the call to its handler.
pub(super) fn dispatch(desk: &mut Desk<'_>) -> Done {
    let path = desk.call.path.clone();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let id = |what: &str, text: &str| text.parse::<i64>().map_err(|_| Refusal::no_such(what, text));
    match (desk.call.method.as_str(), segments.as_slice()) {
        ("GET", ["v1", "advertisers"]) => {
            let items = desk.state.objects("advertisers", desk.now).unwrap_or_default();
            lists::answer(desk, &[], &items)
        }
        ("GET", ["v1", "orders"]) => orders::list(desk),
        ("POST", ["v1", "orders"]) => orders::create(desk),
        ("GET", ["v1", "orders", one]) => orders::get(desk, id("order", one)?),
        ("PATCH", ["v1", "orders", one]) => orders::change(desk, id("order", one)?),
        ("GET", ["v1", "orders", one, "lines"]) => lines::list(desk, id("order", one)?),
        ("POST", ["v1", "orders", one, "lines"]) => lines::create(desk, id("order", one)?),
        ("GET", ["v1", "lines", one]) => lines::get(desk, id("line", one)?),
        ("PATCH", ["v1", "lines", one]) => lines::change(desk, id("line", one)?),
        ("GET", ["v1", "lines", one, "creatives"]) => creatives::assignments(desk, id("line", one)?),
        ("POST", ["v1", "lines", one, "creatives"]) => creatives::assign(desk, id("line", one)?),
        ("GET", ["v1", "assignments", one]) => creatives::assignment(desk, id("assignment", one)?),
        ("PATCH", ["v1", "assignments", one]) => creatives::reassign(desk, id("assignment", one)?),
        ("GET", ["v1", "creatives"]) => creatives::list(desk),
        ("POST", ["v1", "creatives"]) => creatives::create(desk),
        ("GET", ["v1", "creatives", one]) => creatives::get(desk, id("creative", one)?),
        ("PATCH", ["v1", "creatives", one]) => creatives::change(desk, id("creative", one)?),
        ("GET", ["v1", "status"]) => reports::status(desk),
        ("GET", ["v1", "report"]) => reports::report(desk),
        (method, _) => Err(Refusal::no_such("route", format!("{method} {path}"))),
    }
}

/// Returns an advertiser's id from a field.
pub(super) fn advertiser(fields: &super::fields::Fields<'_>) -> Result<i64, Refusal> {
    let id = fields.id("advertiser_id")?;
    let known = [super::ADVERTISER, super::OTHER_ADVERTISER].contains(&id);
    if known { Ok(id) } else { Err(Refusal::invalid("advertiser_id", format!("{id} is no advertiser of this key"))) }
}

/// Returns a page of objects in JSON.
pub(super) fn shown(id: i64, mut fields: Value, created: &str) -> Value {
    fields["id"] = object!(id.to_string());
    fields["created_at"] = object!(created);
    fields
}
