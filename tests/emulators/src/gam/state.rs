//! The emulator's data, all under one lock: orders, line items, creatives, their associations, and
//! reports.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use super::{
    delivery::Delivery,
    refusal::Refusal,
    reports::{Report, Run},
    schema::Object,
    seed::{self, Lookup, NETWORK},
    settings::GamSettings,
};
use crate::{
    control::{clock::Millis, references::Carrier},
    platform::Duplicate,
};

/// The stage of an order. `PENDING_APPROVAL` and the rest are Google's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Draft,
    Pending,
    Approved,
    Disapproved,
    Deleted,
}

/// An order.
#[derive(Debug)]
pub(super) struct Order {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub stage: Stage,
    pub archived: bool,
    pub updated: Millis,
    /// The line items, oldest first.
    pub items: Vec<i64>,
    pub born: Instant,
}

/// A line item.
#[derive(Debug)]
pub(super) struct LineItem {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub order: i64,
    /// Whether its order was approved when it contained the line item.
    pub approved: bool,
    /// Whether it was activated, by Google when it had all of its creatives, or by a request.
    pub activated: bool,
    /// Whether its inventory is reserved.
    pub reserved: bool,
    pub paused: bool,
    pub released: bool,
    pub archived: bool,
    pub deleted: bool,
    pub created: Millis,
    pub updated: Millis,
    pub delivery: Delivery,
    pub born: Instant,
}

/// A creative.
#[derive(Debug)]
pub(super) struct Creative {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub active: bool,
    pub updated: Millis,
    pub born: Instant,
}

/// A creative set.
#[derive(Debug)]
pub(super) struct CreativeSet {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub updated: Millis,
    pub born: Instant,
}

/// An association of a line item and a creative, or a creative set.
#[derive(Debug)]
pub(super) struct Association {
    /// The fields as the caller wrote them.
    pub object: Object,
    pub active: bool,
    pub updated: Millis,
    pub born: Instant,
}

/// The whole state.
#[derive(Debug)]
pub(super) struct State {
    last: i64,
    pub orders: BTreeMap<i64, Order>,
    pub items: BTreeMap<i64, LineItem>,
    pub creatives: BTreeMap<i64, Creative>,
    pub creative_sets: BTreeMap<i64, CreativeSet>,
    /// Keyed by line item and creative, or creative set.
    pub associations: BTreeMap<(i64, i64), Association>,
    pub reports: BTreeMap<i64, Report>,
    pub runs: BTreeMap<i64, Run>,
    /// The start times of the runs in the last hour.
    pub begun: VecDeque<Millis>,
    pub lookups: Vec<Lookup>,
    /// Whether line items that have all of their creatives are activated.
    pub auto_activate: bool,
}

/// Returns the resource name of an object.
pub(super) fn name(collection: &str, id: i64) -> String {
    format!("networks/{NETWORK}/{collection}/{id}")
}

/// Returns the id in a resource name; `None` if the name belongs to another collection or network.
pub(super) fn id_in(name: &str, collection: &str) -> Option<i64> {
    let rest = name.strip_prefix("networks/")?.strip_prefix(NETWORK)?;
    let id = rest.strip_prefix('/')?.strip_prefix(collection)?.strip_prefix('/')?;
    id.parse().ok().filter(|number: &i64| number.to_string() == id)
}

/// Whether lists already show an object of this age.
pub(super) fn visible(born: Instant, lag: Duration) -> bool {
    lag.is_zero() || born.elapsed() >= lag
}

impl State {
    /// Returns the seeded state.
    pub(super) fn seeded(settings: &GamSettings) -> Self {
        Self {
            last: 3_000_000,
            orders: BTreeMap::new(),
            items: BTreeMap::new(),
            creatives: BTreeMap::new(),
            creative_sets: BTreeMap::new(),
            associations: BTreeMap::new(),
            reports: BTreeMap::new(),
            runs: BTreeMap::new(),
            begun: VecDeque::new(),
            lookups: seed::lookups(),
            auto_activate: settings.auto_activate,
        }
    }

    /// Returns a new id. All types share one sequence, so an id used in the wrong place is unknown
    /// there.
    pub(super) fn next_id(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    /// Returns a lookup collection.
    pub(super) fn lookup(&self, collection: &str) -> Option<&Lookup> {
        self.lookups.iter().find(|lookup| lookup.collection == collection)
    }

    /// Returns the object of a lookup collection that a field names.
    ///
    /// # Errors
    /// [`Refusal`] with the field, if there is no such object.
    pub(super) fn referred(&self, field: &str, collection: &str, name: &str) -> Result<&Object, Refusal> {
        self.lookup(collection).and_then(|lookup| lookup.get(name)).ok_or_else(|| {
            let why = format!("{name} is not in networks/{NETWORK}/{collection}; list them to see which are");
            Refusal::invalid("NOT_FOUND", field, why)
        })
    }

    /// Returns an order that is not deleted.
    pub(super) fn order(&self, name: &str) -> Result<(i64, &Order), Refusal> {
        id_in(name, "orders")
            .and_then(|id| self.orders.get(&id).map(|order| (id, order)))
            .filter(|(_, order)| order.stage != Stage::Deleted)
            .ok_or_else(|| Refusal::no_such(name))
    }

    /// Returns a line item that is not deleted.
    pub(super) fn item(&self, name: &str) -> Result<(i64, &LineItem), Refusal> {
        id_in(name, "lineItems")
            .and_then(|id| self.items.get(&id).map(|item| (id, item)))
            .filter(|(_, item)| !item.deleted)
            .ok_or_else(|| Refusal::no_such(name))
    }

    /// Returns a creative.
    pub(super) fn creative(&self, name: &str) -> Result<(i64, &Creative), Refusal> {
        id_in(name, "creatives")
            .and_then(|id| self.creatives.get(&id).map(|creative| (id, creative)))
            .ok_or_else(|| Refusal::no_such(name))
    }

    /// Returns the creative that an association shows first: its own, or the master of its set.
    pub(super) fn shown_first(&self, id: i64) -> Option<&Creative> {
        match self.creative_sets.get(&id) {
            Some(set) => self.creative(super::schema::text(&set.object, "masterCreative")?).ok().map(|(_, one)| one),
            None => self.creatives.get(&id),
        }
    }

    /// Iterates over the creatives and creative sets of a line item.
    pub(super) fn tied(&self, item: i64) -> impl Iterator<Item = (i64, &Association)> {
        self.associations.range((item, i64::MIN)..=(item, i64::MAX)).map(|((_, creative), tie)| (*creative, tie))
    }

    /// Returns how many objects of each type exist.
    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("orders", self.orders.values().filter(|order| order.stage != Stage::Deleted).count()),
            ("lineItems", self.items.values().filter(|item| !item.deleted).count()),
            ("creatives", self.creatives.len()),
            ("creativeSets", self.creative_sets.len()),
            ("associations", self.associations.len()),
            ("reports", self.reports.len()),
        ]
    }

    /// Returns every object that carries a reference: orders and creatives at the end of their
    /// names, line items in their external id. A creative is only active if a line item shows it.
    pub(super) fn carriers(&self, now: Millis) -> Vec<Carrier> {
        let name = |object: &Object| super::schema::text(object, "displayName").unwrap_or("").to_owned();
        let orders = self.orders.iter().filter(|(_, order)| order.stage != Stage::Deleted);
        let orders =
            orders.filter_map(|(id, order)| Carrier::named("orders", *id, &name(&order.object), !order.archived));
        let items = self.items.iter().filter(|(_, item)| !item.deleted).filter_map(|(id, item)| {
            let reference = super::schema::text(&item.object, "externalLineItemId").filter(|text| !text.is_empty())?;
            let over = matches!(self.item_status(*id, item, now), "COMPLETED" | "CANCELED");
            Some(Carrier {
                reference: reference.to_owned(),
                kind: "lineItems",
                id: *id,
                active: !item.archived && !over,
            })
        });
        let creatives = self.creatives.iter().filter_map(|(id, creative)| {
            let shown = self.associations.iter().any(|((_, other), tie)| other == id && tie.active);
            Carrier::named("creatives", *id, &name(&creative.object), creative.active && shown)
        });
        let sets = self.creative_sets.iter().filter_map(|(id, set)| {
            let shown = self.associations.iter().any(|((_, other), tie)| other == id && tie.active);
            Carrier::named("creativeSets", *id, &name(&set.object), shown)
        });
        orders.chain(items).chain(creatives).chain(sets).collect()
    }

    /// Returns objects of one type with the same reference.
    pub(super) fn duplicates(&self) -> Vec<Duplicate> {
        let mut seen: BTreeMap<(&'static str, i64, String), Vec<i64>> = BTreeMap::new();
        let mut note = |kind, parent, object: &Object, field: &str, id| {
            if let Some(name) = super::schema::text(object, field).filter(|name| !name.is_empty()) {
                seen.entry((kind, parent, name.to_owned())).or_default().push(id);
            }
        };
        for (id, order) in self.orders.iter().filter(|(_, order)| order.stage != Stage::Deleted) {
            note("orders", 0, &order.object, "poNumber", *id);
        }
        for (id, item) in self.items.iter().filter(|(_, item)| !item.deleted) {
            note("lineItems", item.order, &item.object, "externalLineItemId", *id);
        }
        for (id, creative) in &self.creatives {
            let advertiser =
                super::schema::text(&creative.object, "advertiser").and_then(|name| id_in(name, "companies"));
            note("creatives", advertiser.unwrap_or(0), &creative.object, "displayName", *id);
        }
        let twice = seen.into_iter().filter(|(_, ids)| ids.len() > 1);
        twice.map(|((kind, parent, name), ids)| Duplicate { kind, parent, name, ids }).collect()
    }
}
