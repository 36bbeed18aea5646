//! How media buys stand: one request for many orders, one for all of their line items.

use std::collections::BTreeMap;

use flightdeck_adapter::{prelude::*, step::Remote};
use serde::Deserialize;

use crate::{
    api::{self, AT_ONCE, Network, any, id_of, quoted},
    order::Standing,
    settings::Platform,
};

/// A line item as far as its state goes.
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
}

/// What Ad Manager has of the buys asked about.
#[derive(Debug, Default)]
struct Shelf {
    orders: BTreeMap<String, Standing>,
    items: BTreeMap<String, Item>,
}

/// How buys stand.
///
/// # Errors
/// When Ad Manager can't be asked.
pub fn check(ctx: &Context, buys: &[RemoteBuy]) -> Fallible<Vec<StatusAnswer>> {
    let platform = Platform::read(ctx)?;
    let network = api::open(ctx, &platform);
    let orders: Vec<&str> = buys.iter().filter_map(|buy| buy.remote.order()).collect();
    let mut shelf = Shelf::default();
    for some in orders.chunks(AT_ONCE) {
        shelf.read(&network, some)?;
    }
    let answer =
        |buy: &RemoteBuy| StatusAnswer { media_buy_id: buy.media_buy_id.clone(), status: Ok(shelf.status(buy)) };
    Ok(buys.iter().map(answer).collect())
}

impl Shelf {
    fn read(&mut self, network: &Network<'_>, orders: &[&str]) -> Fallible<()> {
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

    fn status(&self, buy: &RemoteBuy) -> BuyStatus {
        let order = buy.remote.order().and_then(|id| self.orders.get(id)).filter(|order| order.status != "DELETED");
        let packages: Vec<PackageStatus> = buy
            .remote
            .iter()
            .filter(|object| object.kind == RemoteKind::Package)
            .map(|object| {
                let item = self.items.get(&object.id);
                let delivered = item.map(|item| {
                    let stats = item.stats.as_ref().and_then(|stats| stats.impressions_delivered.as_ref());
                    // There are no statistics before the first impression.
                    stats.and_then(|count| count.parse().ok()).unwrap_or(0)
                });
                PackageStatus {
                    package_id: object.key.clone(),
                    state: package_state(order, item, has_ties(buy, &object.key)),
                    impressions_delivered: delivered,
                }
            })
            .collect();
        let state = match order {
            None => DeliveryState::Missing,
            Some(order) => buy_state(order, &packages),
        };
        BuyStatus {
            media_buy_id: buy.media_buy_id.clone(),
            detail: detail(order, &packages),
            assets: order.map(|order| assets(buy, order)).unwrap_or_default(),
            state,
            packages,
            extensions: Vec::new(),
        }
    }
}

fn has_ties(buy: &RemoteBuy, package_id: &str) -> bool {
    buy.remote.iter().any(|object| {
        object.kind == RemoteKind::Association
            && object.key.strip_prefix(package_id).is_some_and(|rest| rest.starts_with('/'))
    })
}

fn disapproved() -> DeliveryState {
    DeliveryState::Disapproved("The order was disapproved in Ad Manager (DISAPPROVED).".to_owned())
}

fn package_state(order: Option<&Standing>, item: Option<&Item>, has_ties: bool) -> DeliveryState {
    let (Some(order), Some(item)) = (order, item) else { return DeliveryState::Missing };
    match item.status.as_str() {
        "COMPLETED" => return DeliveryState::Completed,
        "CANCELED" => return DeliveryState::Canceled,
        _ if item.archived || order.archived => return DeliveryState::Canceled,
        _ => {}
    }
    // `missingCreatives` may be about one of several places only, so what was remembered counts, too.
    let has_creatives = has_ties || !item.missing_creatives;
    match item.status.as_str() {
        "DISAPPROVED" => disapproved(),
        "PENDING_APPROVAL" => DeliveryState::PendingApproval,
        "DRAFT" if has_creatives => DeliveryState::PendingApproval,
        "DRAFT" => DeliveryState::AwaitingCreatives,
        "READY" => DeliveryState::Scheduled,
        "DELIVERING" | "DELIVERY_EXTENDED" => DeliveryState::Delivering,
        "PAUSED" | "PAUSED_INVENTORY_RELEASED" => DeliveryState::Paused,
        // Approved, with creatives none of which is on: as this adapter leaves a package that is off.
        "INACTIVE" if has_creatives => DeliveryState::Paused,
        "INACTIVE" => DeliveryState::AwaitingCreatives,
        other => DeliveryState::Other(other.to_lowercase()),
    }
}

/// How a buy stands: as its order says, else by how its packages do, the first of these that any of them is in.
fn buy_state(order: &Standing, packages: &[PackageStatus]) -> DeliveryState {
    const ORDER: [DeliveryState; 8] = [
        DeliveryState::Delivering,
        DeliveryState::PendingApproval,
        DeliveryState::AwaitingCreatives,
        DeliveryState::Scheduled,
        DeliveryState::Paused,
        DeliveryState::Completed,
        DeliveryState::Canceled,
        DeliveryState::Missing,
    ];
    if order.archived {
        // What is over may be put away by anybody.
        let over = !packages.is_empty() && packages.iter().all(|package| package.state == DeliveryState::Completed);
        return if over { DeliveryState::Completed } else { DeliveryState::Canceled };
    }
    match order.status.as_str() {
        "DISAPPROVED" => return disapproved(),
        "CANCELED" => return DeliveryState::Canceled,
        "PENDING_APPROVAL" => return DeliveryState::PendingApproval,
        _ => {}
    }
    let in_it = |state: &DeliveryState| packages.iter().any(|package| package.state == *state);
    let other = || packages.iter().map(|package| package.state.clone()).next();
    ORDER.into_iter().find(in_it).or_else(other).unwrap_or(DeliveryState::Missing)
}

/// What became of the creatives: Ad Manager reviews them with their order.
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
    };
    buy.remote.iter().filter(|object| object.kind == RemoteKind::Creative).map(status).collect()
}

fn detail(order: Option<&Standing>, packages: &[PackageStatus]) -> String {
    let mut parts = Vec::new();
    match order {
        Some(order) if order.archived => parts.push("the order is archived in Ad Manager".to_owned()),
        Some(order) if order.status == "PENDING_APPROVAL" => {
            parts.push("the order waits for approval in Ad Manager".to_owned());
        }
        Some(order) if order.status == "DISAPPROVED" => {
            parts.push("the order was disapproved in Ad Manager (DISAPPROVED)".to_owned());
        }
        Some(order) if order.status == "DRAFT" => parts.push("the order is a draft in Ad Manager".to_owned()),
        _ => {}
    }
    for (state, what) in [
        (DeliveryState::AwaitingCreatives, "without a creative in Ad Manager"),
        (DeliveryState::Missing, "no longer in Ad Manager"),
    ] {
        let named: Vec<&str> = packages
            .iter()
            .filter(|package| package.state == state)
            .map(|package| package.package_id.as_str())
            .collect();
        if !named.is_empty() {
            parts.push(format!("{what}: {}", named.join(", ")));
        }
    }
    parts.join("; ")
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
            package_state(Some(&order("APPROVED", false)), Some(&item(status, missing)), false)
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
            ("INACTIVE", false, DeliveryState::Paused),
            ("COMPLETED", false, DeliveryState::Completed),
            ("CANCELED", false, DeliveryState::Canceled),
            ("DISAPPROVED", false, disapproved()),
            ("NEW_WORD", false, DeliveryState::Other("new_word".to_owned())),
        ] {
            assert_eq!(of(status, missing), state, "{status}");
        }
        assert_eq!(package_state(Some(&order("DRAFT", false)), None, true), DeliveryState::Missing);
        let put_away = package_state(Some(&order("PAUSED", true)), Some(&item("PAUSED", false)), true);
        assert_eq!(put_away, DeliveryState::Canceled);
    }

    #[test]
    fn an_order_speaks_for_its_packages() {
        let packages = |states: &[DeliveryState]| -> Vec<PackageStatus> {
            let package = |state: &DeliveryState| PackageStatus {
                package_id: "a".to_owned(),
                state: state.clone(),
                impressions_delivered: None,
            };
            states.iter().map(package).collect()
        };
        let mixed = packages(&[DeliveryState::Paused, DeliveryState::Delivering]);
        assert_eq!(buy_state(&order("APPROVED", false), &mixed), DeliveryState::Delivering);
        assert_eq!(buy_state(&order("PENDING_APPROVAL", false), &mixed), DeliveryState::PendingApproval);
        assert_eq!(buy_state(&order("DISAPPROVED", false), &mixed), disapproved());
        assert_eq!(buy_state(&order("PAUSED", true), &mixed), DeliveryState::Canceled);
        let over = packages(&[DeliveryState::Completed]);
        assert_eq!(buy_state(&order("APPROVED", true), &over), DeliveryState::Completed);
        assert_eq!(buy_state(&order("APPROVED", false), &[]), DeliveryState::Missing);
    }
}
