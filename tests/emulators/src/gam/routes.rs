//! The table of paths, and what every handler gets.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    associations, creative_sets, creatives, line_items, lookups, orders,
    refusal::{Refusal, Status},
    reports,
    schema::{Object, Shape, text},
    seed::{self, NETWORK},
    settings::GamSettings,
    state::State,
};
use crate::{
    control::{clock::Millis, settings::Paging},
    platform::Call,
};

/// The most requests or names in a batch (Google's reference of the batch methods).
pub(super) const MAX_BATCH: usize = 100;

/// The context of a handler.
pub(super) struct Desk<'a> {
    /// The whole state.
    pub state: &'a mut State,
    /// The emulator's current time.
    pub now: Millis,
    /// The current settings.
    pub settings: GamSettings,
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
pub(super) type Done = Result<Box<RawValue>, Refusal>;

/// Makes a response directly from a type, so that amounts keep all their digits.
pub(super) fn exact(value: &impl Serialize) -> Done {
    let text = serde_json::to_string(value).and_then(RawValue::from_string);
    text.map_err(|error| Refusal::new(Status::Internal, "INTERNAL", error.to_string()))
}

/// Makes a response of one object.
pub(super) fn one(object: Object) -> Done {
    exact(&Value::Object(object))
}

impl Desk<'_> {
    /// Parses the body as JSON.
    pub(super) fn body(&self) -> Result<Value, Refusal> {
        if self.call.body.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(&self.call.body)
            .map_err(|error| Refusal::payload(format!("Invalid JSON payload received. {error}")))
    }

    /// Parses the body as the object of a single write.
    pub(super) fn read(&self, shape: &Shape, place: &str) -> Result<Object, Refusal> {
        shape.read(place, &self.body()?)
    }

    /// Returns the entries of a batch's body, which must have no unknown field.
    fn batch(&self, known: &str) -> Result<Vec<Value>, Refusal> {
        Self::listed(self.body()?, known)
    }

    fn listed(body: Value, known: &str) -> Result<Vec<Value>, Refusal> {
        let Value::Object(mut body) = body else {
            return Err(Refusal::payload("Invalid JSON payload received. An object is needed."));
        };
        let list = body.remove(known);
        if let Some(name) = body.keys().next() {
            let why = format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.");
            return Err(Refusal::payload(why));
        }
        let items = match list {
            Some(Value::Array(items)) if !items.is_empty() => items,
            None | Some(Value::Array(_)) => return Err(Refusal::required(known)),
            Some(_) => return Err(Refusal::payload(format!("Invalid value at '{known}': a list is needed"))),
        };
        if items.len() > MAX_BATCH {
            let why = format!("{} are too many in one batch, send at most {MAX_BATCH}", items.len());
            return Err(Refusal::invalid("BATCH_TOO_LARGE", known, why));
        }
        Ok(items)
    }

    /// Returns the names of a batch action, and whether it skips the inventory check, for an action
    /// that may.
    pub(super) fn names_and_skip(&self, may_skip: bool) -> Result<(Vec<String>, bool), Refusal> {
        let mut body = self.body()?;
        let skip = match body.as_object_mut().filter(|_| may_skip) {
            Some(body) => body.remove("skipInventoryCheck").or_else(|| body.remove("skip_inventory_check")),
            None => None,
        };
        let skip = match skip {
            None | Some(Value::Null) => false,
            Some(Value::Bool(skip)) => skip,
            Some(_) => return Err(Refusal::payload("Invalid value at 'skip_inventory_check' (TYPE_BOOL)")),
        };
        Ok((Self::names_in(Self::listed(body, "names")?)?, skip))
    }

    /// Returns the names of a batch action.
    pub(super) fn names(&self) -> Result<Vec<String>, Refusal> {
        Self::names_in(self.batch("names")?)
    }

    fn names_in(names: Vec<Value>) -> Result<Vec<String>, Refusal> {
        let mut read: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            let Value::String(name) = name else {
                return Err(Refusal::payload("Invalid value at 'names' (TYPE_STRING)"));
            };
            if !read.contains(&name) {
                read.push(name);
            }
        }
        Ok(read)
    }

    /// Returns the requests of a batch of writes: each with the object under `field`, and the
    /// update mask. Those that create name their parent, which is the one of the path (types
    /// `Create…Request`, where it is required; AIP-233).
    pub(super) fn requests(&self, shape: &Shape, field: &str) -> Result<Vec<(Object, Object)>, Refusal> {
        let mut read = Vec::new();
        let is_create = self.call.path.ends_with(":batchCreate");
        let parent = self.call.path.trim_start_matches("/v1/").rsplit_once('/').map_or("", |(parent, _)| parent);
        for (index, request) in self.batch("requests")?.into_iter().enumerate() {
            let Value::Object(mut request) = request else {
                return Err(Refusal::payload("Invalid value at 'requests': objects are needed"));
            };
            let place = format!("requests[{index}].{}", super::schema::snake(field));
            let given = request.remove(field).ok_or_else(|| Refusal::required(&place))?;
            let known = if is_create { "parent" } else { "updateMask" };
            if is_create {
                let given = text(&request, "parent");
                let given = given.ok_or_else(|| Refusal::required(&format!("requests[{index}].parent")))?;
                if given != parent {
                    let why = "must be the parent in the path";
                    return Err(Refusal::invalid("MISMATCH", "parent", why).of_request(index));
                }
            }
            if let Some(name) = request.keys().find(|name| *name != known) {
                let why = format!(
                    "Invalid JSON payload received. Unknown name \"{name}\" at 'requests[{index}]': Cannot find field."
                );
                return Err(Refusal::payload(why));
            }
            let mut object = shape.read(&place, &given)?;
            // The name says which object is updated: the only output field that is read.
            if let Some(name) = given.get("name").filter(|name| name.is_string()) {
                object.insert("name".to_owned(), name.clone());
            }
            read.push((object, request));
        }
        Ok(read)
    }

    /// Refuses unknown query parameters.
    pub(super) fn only_params(&self, known: &[&str]) -> Result<(), Refusal> {
        for (name, _) in &self.call.query {
            let common = ["alt", "$alt", "prettyPrint", "$prettyPrint", "fields", "key"];
            let camel = super::schema::camel(name);
            if !known.contains(&camel.as_str()) && !common.contains(&name.as_str()) {
                let why = format!(
                    "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. \
                     Field '{name}' could not be found in request message."
                );
                return Err(Refusal::payload(why));
            }
        }
        Ok(())
    }

    /// Returns a query parameter, by its JSON name or its name in the message.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.call.param(name).or_else(|| self.call.param(&super::schema::snake(name))).filter(|text| !text.is_empty())
    }
}

/// Returns the refusal for a path or method that does not exist.
pub(super) fn no_route(call: &Call) -> Refusal {
    Refusal::new(Status::NotFound, "METHOD_NOT_FOUND", format!("Method not found: {} {}", call.method, call.path))
}

/// Dispatches the call to its handler.
pub(super) fn dispatch(desk: &mut Desk<'_>) -> Done {
    let path = desk.call.path.clone();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let method = desk.call.method.as_str();
    let ["v1", "networks", rest @ ..] = segments.as_slice() else {
        return match (method, segments.as_slice()) {
            ("GET", ["v1", "networks"]) => exact(&json!({ "networks": [seed::network(&desk.settings)] })),
            _ => Err(no_route(desk.call)),
        };
    };
    match rest {
        [] if method == "GET" => exact(&json!({ "networks": [seed::network(&desk.settings)] })),
        [code, ..] if *code != NETWORK => Err(Refusal::no_such(&format!("networks/{code}"))),
        [_] if method == "GET" => exact(&seed::network(&desk.settings)),
        [_, rest @ ..] => resource(desk, method, rest),
        [] => Err(no_route(desk.call)),
    }
}

fn resource(desk: &mut Desk<'_>, method: &str, rest: &[&str]) -> Done {
    let full = |collection: &str, id: &str| format!("networks/{NETWORK}/{collection}/{id}");
    let action = |segment: &str| segment.split_once(':').map(|(_, action)| action.to_owned());
    match (method, rest) {
        ("GET", ["orders"]) => orders::list(desk),
        ("GET", ["orders", id]) => orders::get(desk, &full("orders", id)),
        ("POST", [batch]) if batch.starts_with("orders:") => orders::act(desk, &action(batch).unwrap_or_default()),
        ("GET", ["lineItems"]) => line_items::list(desk),
        ("POST", ["lineItems"]) => line_items::create(desk),
        ("GET", ["lineItems", id]) => line_items::get(desk, &full("lineItems", id)),
        ("PATCH", ["lineItems", id]) => line_items::patch(desk, &full("lineItems", id)),
        ("POST", [batch]) if batch.starts_with("lineItems:") => {
            line_items::act(desk, &action(batch).unwrap_or_default())
        }
        ("GET", ["lineItems", item, "creatives"]) => associations::list(desk, item),
        ("POST", ["lineItems", item, "creatives"]) => associations::create(desk, &full("lineItems", item)),
        ("POST", ["lineItems", item, batch]) if batch.starts_with("creatives:") => {
            associations::act(desk, &full("lineItems", item), &action(batch).unwrap_or_default())
        }
        ("GET", ["lineItems", item, "creatives", creative]) => associations::get(desk, item, creative),
        ("PATCH", ["lineItems", item, "creatives", creative]) => associations::patch(desk, item, creative),
        ("GET", ["creatives"]) => creatives::list(desk),
        ("POST", ["creatives"]) => creatives::create(desk),
        ("GET", ["creatives", id]) => creatives::get(desk, &full("creatives", id)),
        ("PATCH", ["creatives", id]) => creatives::patch(desk, &full("creatives", id)),
        ("POST", [batch]) if batch.starts_with("creatives:") => {
            creatives::act(desk, &action(batch).unwrap_or_default())
        }
        ("GET", ["creativeSets"]) => creative_sets::list(desk),
        ("POST", ["creativeSets"]) => creative_sets::create(desk),
        ("GET", ["creativeSets", id]) => creative_sets::get(desk, &full("creativeSets", id)),
        ("PATCH", ["creativeSets", id]) => creative_sets::patch(desk, &full("creativeSets", id)),
        ("GET", ["reports"]) => reports::list(desk),
        ("POST", ["reports"]) => reports::create(desk),
        ("POST", ["reports", run]) if run.ends_with(":run") => {
            reports::run(desk, &full("reports", run.trim_end_matches(":run")))
        }
        ("GET", ["reports", id]) => reports::get(desk, &full("reports", id)),
        ("GET", ["reports", id, "results", rows]) if rows.ends_with(":fetchRows") => {
            reports::fetch(desk, id, rows.trim_end_matches(":fetchRows"))
        }
        ("GET", ["operations", "reports", "runs", id]) => reports::operation(desk, id),
        ("GET", ["customTargetingKeys", key, "customTargetingValues"]) => {
            lookups::values_of(desk, &full("customTargetingKeys", key))
        }
        ("GET", ["customTargetingKeys", key, "customTargetingValues", id]) => {
            lookups::value_of(desk, &full("customTargetingKeys", key), &full("customTargetingValues", id))
        }
        ("GET", [collection]) => lookups::list(desk, collection),
        ("GET", [collection, id]) => lookups::get(desk, collection, &full(collection, id)),
        _ => Err(no_route(desk.call)),
    }
}
