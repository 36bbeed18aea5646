//! A stand-in for Signpost in memory: what the adapter's tests need of it.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use flightdeck_adapter::{
    host::{IncomingResponse, OutgoingRequest, TransportError},
    testing::answer,
};
use serde_json::{Value, json};

/// Objects by type, in the order in which they were made.
#[derive(Default)]
pub struct FakeSignpost {
    pub objects: BTreeMap<String, Vec<Value>>,
    last: u64,
}

pub type Shared = Rc<RefCell<FakeSignpost>>;

fn refusal(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({ "errors": [{ "code": code, "field": null, "message": message }] }))
}

impl FakeSignpost {
    pub fn of(&self, kind: &str) -> &[Value] {
        self.objects.get(kind).map_or(&[], Vec::as_slice)
    }

    /// What `FakeHost` calls for each request.
    pub fn respond(&mut self, request: &OutgoingRequest) -> Result<IncomingResponse, TransportError> {
        let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let query: BTreeMap<String, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.replace("%2C", ",")))
            .collect();
        let body: Value = request.body.as_deref().map_or(Value::Null, |body| serde_json::from_slice(body).unwrap());
        let segments: Vec<&str> = path.split('/').skip(4).collect();
        let (status, body) = match (request.method.as_str(), segments.as_slice()) {
            (_, ["status"]) => self.status(&query),
            (_, ["report"]) => Self::report(&query),
            ("PATCH", [kind, id]) => self.change(kind, id, &body),
            ("POST", [kind]) => self.create(kind, body),
            ("POST", ["orders", id, "lines"]) => self.create("lines", with(body, "order_id", id)),
            ("POST", ["lines", id, "creatives"]) => self.assign(with(body, "line_id", id)),
            ("GET", [kind]) => self.list(kind, query),
            ("GET", ["orders", id, "lines"]) => {
                self.list("lines", query.into_iter().chain([("order_id".to_owned(), (*id).to_owned())]).collect())
            }
            other => panic!("the adapter sent {other:?}"),
        };
        Ok(answer(status, &body.to_string()))
    }

    fn create(&mut self, kind: &str, mut fields: Value) -> (u16, Value) {
        if kind == "creatives" && fields["width"] == 1 {
            return refusal(422, "invalid", "width is too small");
        }
        self.last += 1;
        fields["id"] = json!(self.last.to_string());
        fields["created_at"] = json!("2026-11-01T00:00:00Z");
        if fields["active"].is_null() {
            fields["active"] = json!(true);
        }
        self.objects.entry(kind.to_owned()).or_default().push(fields.clone());
        (201, fields)
    }

    fn assign(&mut self, fields: Value) -> (u16, Value) {
        let same = |one: &&Value| one["line_id"] == fields["line_id"] && one["creative_id"] == fields["creative_id"];
        match self.of("assignments").iter().find(same).cloned() {
            Some(known) => self.change("assignments", known["id"].as_str().unwrap(), &json!({ "active": true })),
            None => self.create("assignments", fields),
        }
    }

    fn change(&mut self, kind: &str, id: &str, fields: &Value) -> (u16, Value) {
        let found = self.objects.get_mut(kind).and_then(|all| all.iter_mut().find(|one| one["id"] == id));
        match found {
            None => refusal(404, "not_found", "there is no such object"),
            Some(one) if one["state"] == "archived" => refusal(409, "order_archived", "the order is archived"),
            Some(one) => {
                for (name, value) in fields.as_object().unwrap() {
                    one[name] = value.clone();
                }
                (200, one.clone())
            }
        }
    }

    fn list(&self, kind: &str, mut query: BTreeMap<String, String>) -> (u16, Value) {
        let at: usize = query.remove("cursor").map_or(0, |cursor| cursor.parse().unwrap());
        let fits = |one: &&Value| query.iter().all(|(name, value)| one[name] == *value);
        let items: Vec<&Value> = self.of(kind).iter().filter(fits).collect();
        let next = (at + 1 < items.len()).then(|| (at + 1).to_string());
        // Pages of one object, so that a test notices an adapter that reads only the first.
        (200, json!({ "items": items.iter().skip(at).take(1).collect::<Vec<_>>(), "next_cursor": next }))
    }

    fn status(&self, query: &BTreeMap<String, String>) -> (u16, Value) {
        let asked: Vec<&str> = query["line_ids"].split(',').collect();
        let known = self.of("lines").iter().filter(|line| asked.contains(&line["id"].as_str().unwrap()));
        let shown = known.map(|line| json!({ "line_id": line["id"], "state": "delivering", "impressions": 250 }));
        (200, json!({ "lines": shown.collect::<Vec<_>>() }))
    }

    fn report(query: &BTreeMap<String, String>) -> (u16, Value) {
        let row = |id| json!({ "line_id": id, "day": query["from"], "impressions": 200, "clicks": 1, "spend": "2.5" });
        (200, json!({ "rows": query["line_ids"].split(',').map(row).collect::<Vec<_>>() }))
    }
}

fn with(mut fields: Value, name: &str, value: &str) -> Value {
    fields[name] = json!(value);
    fields
}
