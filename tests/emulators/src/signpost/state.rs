//! The emulator's data, all under one lock: orders, lines, creatives and assignments.

use std::{collections::BTreeMap, time::Instant};

use serde_json::{Value, json};

use super::{
    ADVERTISER, OTHER_ADVERTISER,
    delivery::{Delivery, Terms},
    fields::{Object, decimal, instant},
    refusal::Refusal,
    routes::shown,
};
use crate::{
    control::{clock::Millis, references::Carrier},
    platform::Duplicate,
};

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderState {
    Draft,
    Live,
    Archived,
}

/// An order.
#[derive(Debug)]
pub(super) struct Order {
    pub name: String,
    pub advertiser: i64,
    pub currency: &'static str,
    pub external_ref: Option<String>,
    pub memo: Option<String>,
    pub state: OrderState,
    pub created: Millis,
    pub born: Instant,
}

/// The fields of a line that may change.
#[derive(Debug)]
pub(super) struct Plan {
    pub name: String,
    pub active: bool,
    pub countries: Vec<String>,
    pub devices: Vec<String>,
    pub terms: Terms,
}

/// A line.
#[derive(Debug)]
pub(super) struct Line {
    pub order: i64,
    pub external_ref: Option<String>,
    pub plan: Plan,
    pub assigned: BTreeMap<i64, Assignment>,
    pub delivery: Delivery,
    pub created: Millis,
    pub born: Instant,
}

/// A creative in a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assignment {
    pub creative: i64,
    pub active: bool,
    pub created: Millis,
}

/// A creative.
#[derive(Debug)]
pub(super) struct Creative {
    pub advertiser: i64,
    pub name: String,
    pub external_ref: Option<String>,
    pub format: &'static str,
    pub url: String,
    pub click_url: Option<String>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub duration_seconds: Option<i64>,
    pub active: bool,
    pub created: Millis,
    pub born: Instant,
}

impl Order {
    /// Returns the order as in a response.
    pub(super) fn show(&self, id: i64) -> Value {
        let state = match self.state {
            OrderState::Draft => "draft",
            OrderState::Live => "live",
            OrderState::Archived => "archived",
        };
        let fields = json!({
            "name": self.name, "advertiser_id": self.advertiser.to_string(), "currency": self.currency,
            "external_ref": self.external_ref, "memo": self.memo, "state": state,
        });
        shown(id, fields, &instant(self.created))
    }
}

impl Plan {
    /// Returns the fields as in a request.
    pub(super) fn fields(&self) -> Object {
        let terms = &self.terms;
        let fields = json!({
            "name": self.name, "goal_impressions": terms.goal, "rate": decimal(terms.rate), "rate_type": "cpm",
            "start": instant(terms.start), "end": instant(terms.end),
            "pacing": if terms.asap { "asap" } else { "even" }, "active": self.active,
            "daily_budget": terms.daily_budget.map(decimal), "countries": self.countries, "devices": self.devices,
        });
        if let Value::Object(fields) = fields { fields } else { Object::new() }
    }
}

impl Assignment {
    /// Returns the assignment as in a response.
    pub(super) fn show(&self, id: i64, line: i64) -> Value {
        let fields =
            json!({ "line_id": line.to_string(), "creative_id": self.creative.to_string(), "active": self.active });
        shown(id, fields, &instant(self.created))
    }
}

impl Creative {
    /// Returns the creative as in a response.
    pub(super) fn show(&self, id: i64) -> Value {
        let fields = json!({
            "advertiser_id": self.advertiser.to_string(), "name": self.name, "external_ref": self.external_ref,
            "format": self.format, "url": self.url, "click_url": self.click_url, "width": self.width,
            "height": self.height, "duration_seconds": self.duration_seconds, "active": self.active,
        });
        shown(id, fields, &instant(self.created))
    }
}

/// The whole state.
#[derive(Debug)]
pub(super) struct State {
    last: i64,
    pub orders: BTreeMap<i64, Order>,
    pub lines: BTreeMap<i64, Line>,
    pub creatives: BTreeMap<i64, Creative>,
}

impl State {
    /// Returns the seeded state.
    pub(super) fn seeded() -> Self {
        Self { last: 40_000, orders: BTreeMap::new(), lines: BTreeMap::new(), creatives: BTreeMap::new() }
    }

    /// Returns a new id. All types share one sequence, so an id used in the wrong place is unknown
    /// there.
    pub(super) fn next_id(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    /// Returns an order.
    pub(super) fn order(&self, id: i64) -> Result<&Order, Refusal> {
        self.orders.get(&id).ok_or_else(|| Refusal::no_such("order", id))
    }

    /// Returns a line.
    pub(super) fn line(&self, id: i64) -> Result<&Line, Refusal> {
        self.lines.get(&id).ok_or_else(|| Refusal::no_such("line", id))
    }

    /// Returns a creative.
    pub(super) fn creative(&self, id: i64) -> Result<&Creative, Refusal> {
        self.creatives.get(&id).ok_or_else(|| Refusal::no_such("creative", id))
    }

    /// Returns an assignment, with its line.
    pub(super) fn assignment(&self, id: i64) -> Result<(i64, Assignment), Refusal> {
        let of = |(line, one): (&i64, &Line)| one.assigned.get(&id).map(|assignment| (*line, *assignment));
        self.lines.iter().find_map(of).ok_or_else(|| Refusal::no_such("assignment", id))
    }

    /// Updates a line's delivery. Call this after every change of the line, its order or its creatives.
    pub(super) fn settle(&mut self, id: i64, now: Millis) {
        let Some(line) = self.lines.get(&id) else { return };
        let live = self.orders.get(&line.order).is_some_and(|order| order.state == OrderState::Live);
        let on = live && line.plan.active && self.has_creative(line);
        let terms = line.plan.terms;
        if let Some(line) = self.lines.get_mut(&id) {
            line.delivery.note(now, terms, on);
        }
    }

    /// Like [`settle`](Self::settle), for all lines of an order.
    pub(super) fn settle_all(&mut self, order: i64, now: Millis) {
        let lines: Vec<i64> = self.lines.iter().filter(|(_, line)| line.order == order).map(|(id, _)| *id).collect();
        for line in lines {
            self.settle(line, now);
        }
    }

    fn has_creative(&self, line: &Line) -> bool {
        let runs = |id: &i64| self.creatives.get(id).is_some_and(|creative| creative.active);
        line.assigned.values().any(|one| one.active && runs(&one.creative))
    }

    /// Returns the state of a line.
    pub(super) fn line_state(&self, line: &Line, now: Millis) -> &'static str {
        let order = self.orders.get(&line.order).map_or(OrderState::Archived, |order| order.state);
        let goal = u64::try_from(line.plan.terms.goal).unwrap_or(0);
        if order == OrderState::Archived {
            "archived"
        } else if now >= line.plan.terms.end || line.delivery.totals(now).impressions >= goal {
            "completed"
        } else if order == OrderState::Draft {
            "draft"
        } else if !line.plan.active {
            "paused"
        } else if !self.has_creative(line) {
            "awaiting_creatives"
        } else if now < line.plan.terms.start {
            "scheduled"
        } else {
            "delivering"
        }
    }

    /// Returns a line as in a response.
    pub(super) fn show_line(&self, id: i64, line: &Line, now: Millis) -> Value {
        let mut fields = Value::Object(line.plan.fields());
        fields["order_id"] = json!(line.order.to_string());
        fields["external_ref"] = json!(line.external_ref);
        fields["state"] = json!(self.line_state(line, now));
        shown(id, fields, &instant(line.created))
    }

    /// Returns how many objects of each type exist.
    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("advertisers", 2),
            ("orders", self.orders.len()),
            ("lines", self.lines.len()),
            ("creatives", self.creatives.len()),
            ("assignments", self.lines.values().map(|line| line.assigned.len()).sum()),
        ]
    }

    /// Returns all objects of a type.
    pub(super) fn objects(&self, kind: &str, now: Millis) -> Option<Vec<Value>> {
        let assignments = |(line, one): (&i64, &Line)| {
            let line = *line;
            one.assigned.iter().map(|(id, assignment)| assignment.show(*id, line)).collect::<Vec<Value>>()
        };
        Some(match kind {
            "advertisers" => [(ADVERTISER, "Acme Corp"), (OTHER_ADVERTISER, "Globex")]
                .map(|(id, name)| json!({ "id": id.to_string(), "name": name }))
                .to_vec(),
            "orders" => self.orders.iter().map(|(id, order)| order.show(*id)).collect(),
            "lines" => self.lines.iter().map(|(id, line)| self.show_line(*id, line, now)).collect(),
            "creatives" => self.creatives.iter().map(|(id, creative)| creative.show(*id)).collect(),
            "assignments" => self.lines.iter().flat_map(assignments).collect(),
            _ => return None,
        })
    }

    /// Returns every object that carries an `external_ref`. Lines are archived with their order; a
    /// creative is active if it runs in a line that is not archived.
    pub(super) fn carriers(&self) -> Vec<Carrier> {
        let carrier = |kind, id: &i64, reference: &Option<String>, active| {
            Some(Carrier { reference: reference.clone()?, kind, id: *id, active })
        };
        let kept = |line: &Line| self.orders.get(&line.order).is_some_and(|order| order.state != OrderState::Archived);
        let orders = self
            .orders
            .iter()
            .filter_map(|(id, order)| carrier("orders", id, &order.external_ref, order.state != OrderState::Archived));
        let lines = self
            .lines
            .iter()
            .filter_map(|(id, line)| carrier("lines", id, &line.external_ref, line.plan.active && kept(line)));
        let creatives = self.creatives.iter().filter_map(|(id, creative)| {
            let runs = |line: &Line| line.assigned.values().any(|one| one.creative == *id && one.active);
            let active = creative.active && self.lines.values().any(|line| kept(line) && runs(line));
            carrier("creatives", id, &creative.external_ref, active)
        });
        orders.chain(lines).chain(creatives).collect()
    }

    /// Returns objects with the same type, parent and name.
    pub(super) fn duplicates(&self) -> Vec<Duplicate> {
        let mut named: BTreeMap<(&'static str, i64, &str), Vec<i64>> = BTreeMap::new();
        for (id, order) in &self.orders {
            named.entry(("orders", order.advertiser, &order.name)).or_default().push(*id);
        }
        for (id, line) in &self.lines {
            named.entry(("lines", line.order, &line.plan.name)).or_default().push(*id);
        }
        for (id, creative) in &self.creatives {
            // Buys of one advertiser may well have creatives of one name.
            let reference = creative.external_ref.as_ref().unwrap_or(&creative.name);
            named.entry(("creatives", creative.advertiser, reference)).or_default().push(*id);
        }
        let twice = named.into_iter().filter(|(_, ids)| ids.len() > 1);
        twice.map(|((kind, parent, name), ids)| Duplicate { kind, parent, name: name.to_owned(), ids }).collect()
    }
}
