//! The status of media buys: one request for many orders, one for all of their line items.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_adapter::{
    ad_server::{
        self,
        status::{Counted, has_placements},
    },
    prelude::*,
    step::Remote,
};
use serde::Deserialize;

use crate::{
    api::{AT_ONCE, Network, any, id_of, quoted},
    follow_up,
    order::Standing,
    ties,
};

/// The fields of a line item that determine its state.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    missing_creatives: bool,
    #[serde(default)]
    stats: Option<Stats>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[serde(default)]
    impressions_delivered: Option<String>,
    #[serde(default)]
    clicks_delivered: Option<String>,
    #[serde(default)]
    video_completions_delivered: Option<String>,
}

impl Item {
    /// Returns one of its statistics. There are none before the first impression.
    fn count(&self, of: impl Fn(&Stats) -> &Option<String>) -> i64 {
        let count = self.stats.as_ref().and_then(|stats| of(stats).as_ref());
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

/// What Ad Manager returned for the buys in question.
#[derive(Debug, Default)]
pub struct Shelf {
    orders: BTreeMap<String, Standing>,
    items: BTreeMap<String, Item>,
    /// The inactive line items that show a creative.
    showing: BTreeSet<String>,
    /// Whether a person approves the orders, so that nothing of the adapter runs at that moment.
    others_approve: bool,
}

/// Reads the status of buys.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn read(network: &Network, buys: &[RemoteBuy]) -> Fallible<Shelf> {
    let orders: Vec<&str> = buys.iter().filter_map(|buy| buy.remote.order()).collect();
    let mut shelf = Shelf { others_approve: !network.platform.approve_orders, ..Shelf::default() };
    for some in orders.chunks(AT_ONCE) {
        shelf.read(network, some)?;
    }
    // A line item is inactive because it misses creatives, or because all that it has are switched
    // off, as the adapter leaves a package that is off. Its associations tell the two apart.
    let inactive = shelf.items.iter().filter(|(_, item)| item.status == "INACTIVE" && !item.archived);
    let inactive: Vec<String> = inactive.map(|(id, _)| id.clone()).collect();
    let tied = |id: &String| {
        let own =
            |buy: &RemoteBuy| buy.remote.iter().any(|object| object.kind == RemoteKind::Package && object.id == *id);
        buys.iter().any(|buy| own(buy) && buy.remote.iter().any(|object| object.kind == RemoteKind::Association))
    };
    let inactive: Vec<String> = inactive.into_iter().filter(tied).collect();
    shelf.showing = ties::showing(network, &inactive)?;
    Ok(shelf)
}

impl Shelf {
    fn read(&mut self, network: &Network, orders: &[&str]) -> Fallible<()> {
        let filter = any(orders.iter().map(|id| format!("orderId = {}", quoted(id))));
        for order in network.list::<Standing>("orders", "orders", &filter) {
            let order = order?;
            self.orders.insert(id_of(&order.name)?, order);
        }
        let filter = any(orders.iter().map(|id| format!("order = {}", quoted(&network.name("orders", id)))));
        for item in network.list::<Item>("lineItems", "lineItems", &filter) {
            let item = item?;
            self.items.insert(id_of(&item.name)?, item);
        }
        Ok(())
    }
}

impl ad_server::Standing for Shelf {
    type Order = Standing;

    const REMARKS: &'static [(DeliveryState, &'static str)] = &[(DeliveryState::Missing, "no longer in Ad Manager")];

    fn order(&self, buy: &RemoteBuy) -> Fallible<Option<&Standing>> {
        let order = buy.remote.order().and_then(|id| self.orders.get(id));
        Ok(order.filter(|order| order.status != "DELETED"))
    }

    fn package(
        &self,
        buy: &RemoteBuy,
        object: &RemoteObject,
        order: Option<&Standing>,
    ) -> (DeliveryState, Option<i64>) {
        let item = self.items.get(&object.id);
        let delivered = item.map(|item| item.count(|stats| &stats.impressions_delivered));
        let placed = has_placements(buy, &object.key);
        (package_state(order, item, placed, self.showing.contains(&object.id)), delivered)
    }

    fn counted(&self, object: &RemoteObject) -> Counted {
        let item = self.items.get(&object.id);
        Counted {
            clicks: item.map(|item| item.count(|stats| &stats.clicks_delivered)),
            video_completions: item.map(|item| item.count(|stats| &stats.video_completions_delivered)),
        }
    }

    fn state(&self, order: &Standing, packages: &[PackageStatus]) -> Option<DeliveryState> {
        order_state(order, packages)
    }

    fn remark(&self, order: &Standing) -> Option<&'static str> {
        match order.status.as_str() {
            _ if order.archived => Some("the order is archived in Ad Manager"),
            "PENDING_APPROVAL" => Some("the order waits for approval in Ad Manager"),
            "DISAPPROVED" => Some("the order was disapproved in Ad Manager (DISAPPROVED)"),
            "DRAFT" => Some("the order is a draft in Ad Manager"),
            _ => None,
        }
    }

    /// An inactive line item of an approved order that shows a creative was not activated by Ad Manager.
    fn follow_up(&self, buy: &RemoteBuy, order: &Standing) -> Option<String> {
        if !self.others_approve || order.archived || order.status != "APPROVED" {
            return None;
        }
        let items = buy.remote.iter().filter(|object| object.kind == RemoteKind::Package);
        let inactive: Vec<&str> = items.map(|item| item.id.as_str()).filter(|id| self.showing.contains(*id)).collect();
        follow_up::reason(&inactive)
    }

    fn assets(&self, buy: &RemoteBuy, order: &Standing) -> Vec<AssetStatus> {
        assets(buy, order)
    }
}

fn disapproved() -> DeliveryState {
    DeliveryState::Disapproved("The order was disapproved in Ad Manager (DISAPPROVED).".to_owned())
}

/// Returns the state of a package. `shows` says whether an inactive line item has an active creative.
fn package_state(order: Option<&Standing>, item: Option<&Item>, has_ties: bool, shows: bool) -> DeliveryState {
    let (Some(order), Some(item)) = (order, item) else { return DeliveryState::Missing };
    match item.status.as_str() {
        "COMPLETED" => return DeliveryState::Completed,
        "CANCELED" => return DeliveryState::Canceled,
        _ if item.archived || order.archived => return DeliveryState::Canceled,
        _ => {}
    }
    // `missingCreatives` may concern only one of several placeholders, so the remembered
    // associations count, too.
    let has_creatives = has_ties || !item.missing_creatives;
    match item.status.as_str() {
        "DISAPPROVED" => disapproved(),
        "PENDING_APPROVAL" => DeliveryState::PendingApproval,
        "DRAFT" if has_creatives => DeliveryState::PendingApproval,
        "DRAFT" => DeliveryState::AwaitingCreatives,
        "READY" => DeliveryState::Scheduled,
        "DELIVERING" | "DELIVERY_EXTENDED" => DeliveryState::Delivering,
        "PAUSED" | "PAUSED_INVENTORY_RELEASED" => DeliveryState::Paused,
        // Approved, with creatives that are all inactive: this is how the adapter leaves an
        // inactive package.
        "INACTIVE" if has_ties && !shows => DeliveryState::Paused,
        "INACTIVE" => DeliveryState::AwaitingCreatives,
        other => DeliveryState::Other(other.to_lowercase()),
    }
}

/// Returns the state of a buy where its order alone decides it.
fn order_state(order: &Standing, packages: &[PackageStatus]) -> Option<DeliveryState> {
    if order.archived {
        // Anyone may archive an order that is over.
        let over = !packages.is_empty() && packages.iter().all(|package| package.state == DeliveryState::Completed);
        return Some(if over { DeliveryState::Completed } else { DeliveryState::Canceled });
    }
    match order.status.as_str() {
        "DISAPPROVED" => Some(disapproved()),
        "CANCELED" => Some(DeliveryState::Canceled),
        "PENDING_APPROVAL" => Some(DeliveryState::PendingApproval),
        _ => None,
    }
}

/// Returns the states of the creatives: Ad Manager reviews them with their order.
fn assets(buy: &RemoteBuy, order: &Standing) -> Vec<AssetStatus> {
    let (state, feedback) = match order.status.as_str() {
        "APPROVED" | "PAUSED" => (AssetState::Approved, None),
        "DRAFT" | "PENDING_APPROVAL" => (AssetState::Pending, None),
        "DISAPPROVED" => (AssetState::Rejected, Some("The order was disapproved in Ad Manager.".to_owned())),
        _ => return Vec::new(),
    };
    let status = |object: &RemoteObject| AssetStatus {
        creative_id: object.key.clone(),
        state: state.clone(),
        remote_id: Some(object.id.clone()),
        feedback: feedback.clone(),
        extensions: Vec::new(),
    };
    buy.remote.iter().filter(|object| object.kind == RemoteKind::Creative).map(status).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(status: &str, archived: bool) -> Standing {
        Standing { name: "networks/1/orders/1".to_owned(), status: status.to_owned(), archived }
    }

    fn item(status: &str, missing_creatives: bool) -> Item {
        Item { name: String::new(), status: status.to_owned(), archived: false, missing_creatives, stats: None }
    }

    #[test]
    fn every_status_of_a_line_item_is_understood() {
        let of = |status: &str, missing: bool| {
            package_state(Some(&order("APPROVED", false)), Some(&item(status, missing)), false, false)
        };
        for (status, missing, state) in [
            ("DRAFT", true, DeliveryState::AwaitingCreatives),
            ("DRAFT", false, DeliveryState::PendingApproval),
            ("PENDING_APPROVAL", false, DeliveryState::PendingApproval),
            ("READY", false, DeliveryState::Scheduled),
            ("DELIVERING", false, DeliveryState::Delivering),
            ("DELIVERY_EXTENDED", false, DeliveryState::Delivering),
            ("PAUSED", false, DeliveryState::Paused),
            ("PAUSED_INVENTORY_RELEASED", false, DeliveryState::Paused),
            ("INACTIVE", true, DeliveryState::AwaitingCreatives),
            ("INACTIVE", false, DeliveryState::AwaitingCreatives),
            ("COMPLETED", false, DeliveryState::Completed),
            ("CANCELED", false, DeliveryState::Canceled),
            ("DISAPPROVED", false, disapproved()),
            ("NEW_WORD", false, DeliveryState::Other("new_word".to_owned())),
        ] {
            assert_eq!(of(status, missing), state, "{status}");
        }
        assert_eq!(package_state(Some(&order("DRAFT", false)), None, true, false), DeliveryState::Missing);
        let inactive =
            |shows| package_state(Some(&order("APPROVED", false)), Some(&item("INACTIVE", false)), true, shows);
        assert_eq!(inactive(false), DeliveryState::Paused, "its creatives are switched off");
        assert_eq!(inactive(true), DeliveryState::AwaitingCreatives, "it misses a size, or a person's activation");
        let put_away = package_state(Some(&order("PAUSED", true)), Some(&item("PAUSED", false)), true, false);
        assert_eq!(put_away, DeliveryState::Canceled);
    }

    #[test]
    fn an_order_speaks_for_its_packages() {
        let packages = |states: &[DeliveryState]| -> Vec<PackageStatus> {
            let package = |state: &DeliveryState| PackageStatus {
                package_id: "a".to_owned(),
                state: state.clone(),
                impressions_delivered: None,
                extensions: Vec::new(),
            };
            states.iter().map(package).collect()
        };
        let mixed = packages(&[DeliveryState::Paused, DeliveryState::Delivering]);
        assert_eq!(order_state(&order("APPROVED", false), &mixed), None);
        assert_eq!(order_state(&order("PENDING_APPROVAL", false), &mixed), Some(DeliveryState::PendingApproval));
        assert_eq!(order_state(&order("DISAPPROVED", false), &mixed), Some(disapproved()));
        assert_eq!(order_state(&order("PAUSED", true), &mixed), Some(DeliveryState::Canceled));
        let over = packages(&[DeliveryState::Completed]);
        assert_eq!(order_state(&order("APPROVED", true), &over), Some(DeliveryState::Completed));
    }
}
