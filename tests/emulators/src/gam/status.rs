//! Orders and line items as callers see them: the one place where a status is derived.

use serde_json::{Value, json};

use super::{
    delivery::Terms,
    rules::placeholders,
    schema::{Object, flag, moment, text, write_millis},
    state::{Association, Creative, LineItem, Order, Stage, State, name},
};
use crate::{
    amount::{Amount, NANOS},
    control::clock::Millis,
};

impl Stage {
    /// Returns Google's name for the stage.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Pending => "PENDING_APPROVAL",
            Self::Approved => "APPROVED",
            Self::Disapproved => "DISAPPROVED",
            Self::Deleted => "DELETED",
        }
    }
}

/// Returns an amount as `google.type.Money`.
fn money(currency: &str, amount: Amount) -> Value {
    let (units, nanos) = (amount.0 / NANOS, i64::try_from(amount.0 % NANOS).unwrap_or(0));
    let mut money = json!({ "currencyCode": currency });
    // A zero isn't in the answer.
    if units != 0 {
        money["units"] = units.to_string().into();
    }
    if nanos != 0 {
        money["nanos"] = nanos.into();
    }
    money
}

impl State {
    /// Returns the status of a line item at an instant.
    pub(super) fn item_status(&self, id: i64, item: &LineItem, now: Millis) -> &'static str {
        let stage = self.orders.get(&item.order).map_or(Stage::Deleted, |order| order.stage);
        match stage {
            Stage::Pending if !item.approved => return "PENDING_APPROVAL",
            Stage::Disapproved => return "DISAPPROVED",
            Stage::Deleted => return "CANCELED",
            _ if !item.approved => return "DRAFT",
            _ => {}
        }
        let terms = Terms::of(&item.object);
        let reached = terms.total().is_some_and(|goal| goal > 0 && item.delivery.totals(now).impressions >= goal);
        if reached || terms.end().is_some_and(|end| end <= now) {
            "COMPLETED"
        } else if item.released {
            "PAUSED_INVENTORY_RELEASED"
        } else if item.paused {
            "PAUSED"
        } else if !item.activated || !self.served(id) {
            "INACTIVE"
        } else if moment(&item.object, "startTime").is_some_and(|start| now < start) {
            "READY"
        } else {
            "DELIVERING"
        }
    }

    /// Whether a line item has an active creative.
    pub(super) fn served(&self, item: i64) -> bool {
        self.tied(item).any(|(id, tie)| tie.active && self.shown_first(id).is_some_and(|creative| creative.active))
    }

    /// Updates a line item's delivery. Call this after every change of the line item, its order or
    /// its associations.
    pub(super) fn settle(&mut self, id: i64, now: Millis) {
        let Some(item) = self.items.get(&id) else { return };
        // A line item that has all of its creatives is activated, if the network is set so (help 4351366).
        let complete = self.auto_activate && !placeholders::missing(self, id, &item.object);
        let approved = self.orders.get(&item.order).is_some_and(|order| order.stage == Stage::Approved);
        let on = approved
            && item.approved
            && (item.activated || complete)
            && !(item.paused || item.released || item.archived || item.deleted)
            && self.served(id);
        let terms = Terms::of(&item.object);
        if let Some(item) = self.items.get_mut(&id) {
            item.activated = item.activated || complete;
            item.delivery.note(now, terms, on);
        }
    }

    /// Returns an order as in a response.
    pub(super) fn show_order(&self, id: i64, order: &Order, now: Millis) -> Object {
        let mut shown = order.object.clone();
        let items: Vec<&LineItem> = order.items.iter().filter_map(|item| self.items.get(item)).collect();
        let alive = || items.iter().filter(|item| !item.deleted);
        let totals: Vec<_> = items.iter().map(|item| item.delivery.totals(now)).collect();
        let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        set("name", name("orders", id).into());
        set("orderId", id.to_string().into());
        set("status", order.stage.name().into());
        set("archived", order.archived.into());
        set("currencyCode", super::seed::CURRENCY.into());
        set("updateTime", write_millis(order.updated).into());
        set("impressionsDelivered", totals.iter().map(|one| one.impressions).sum::<u64>().to_string().into());
        set("totalClicksDelivered", totals.iter().map(|one| one.clicks).sum::<u64>().to_string().into());
        if let Some(start) = alive().filter_map(|item| moment(&item.object, "startTime")).min() {
            set("startTime", write_millis(start).into());
        }
        if alive().any(|item| flag(&item.object, "endTimeUnlimited")) {
            set("unlimitedEndTime", true.into());
        } else if let Some(end) = alive().filter_map(|item| moment(&item.object, "targetEndTime")).max() {
            set("endTime", write_millis(end).into());
        }
        shown
    }

    /// Returns a line item as in a response.
    pub(super) fn show_item(&self, id: i64, item: &LineItem, now: Millis) -> Object {
        let mut shown = item.object.clone();
        let terms = Terms::of(&item.object);
        let totals = item.delivery.totals(now);
        let status = self.item_status(id, item, now);
        let order = self.orders.get(&item.order).and_then(|order| text(&order.object, "displayName"));
        let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        set("name", name("lineItems", id).into());
        set("orderDisplayName", order.into());
        set("status", status.into());
        set("archived", item.archived.into());
        set("reservationStatus", if item.reserved { "RESERVED" } else { "UNRESERVED" }.into());
        set("missingCreatives", placeholders::missing(self, id, &item.object).into());
        set("createTime", write_millis(item.created).into());
        set("updateTime", write_millis(item.updated).into());
        if let Some(end) = terms.end() {
            set("endTime", write_millis(end).into());
        }
        if let Some(budget) = terms.budget() {
            set("budget", money(super::seed::CURRENCY, budget));
        }
        // There are no statistics before the first impression.
        if totals.impressions > 0 {
            let stats = json!({
                "impressionsDelivered": totals.impressions.to_string(),
                "clicksDelivered": totals.clicks.to_string(),
                "videoCompletionsDelivered": totals.completed_views.to_string(),
            });
            set("stats", stats);
        }
        shown
    }

    /// Returns an association as in a response.
    pub(super) fn show_tie(item: i64, creative: i64, tie: &Association) -> Object {
        let mut shown = tie.object.clone();
        let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        set("name", format!("{}/creatives/{creative}", name("lineItems", item)).into());
        set("lineItem", name("lineItems", item).into());
        // The name of the field says which of the two it is (type `LineItemCreativeAssociation`).
        let (field, of) = match tie.object.contains_key("creativeSet") {
            true => ("creativeSet", "creativeSets"),
            false => ("creative", "creatives"),
        };
        set(field, name(of, creative).into());
        set("status", if tie.active { "ACTIVE" } else { "INACTIVE" }.into());
        set("updateTime", write_millis(tie.updated).into());
        shown
    }

    /// Returns a creative as in a response.
    pub(super) fn show_creative(id: i64, creative: &Creative) -> Object {
        let mut shown = creative.object.clone();
        shown.insert("name".to_owned(), name("creatives", id).into());
        shown.insert("updateTime".to_owned(), write_millis(creative.updated).into());
        shown
    }
}
