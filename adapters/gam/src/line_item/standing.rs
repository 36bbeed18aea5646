//! Existing line items: lookup, status, archiving.

use flightdeck_adapter::prelude::*;
use serde::Deserialize;

use crate::{
    api::{Network, id_of, quoted},
    refusal::has_reason,
    ties,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    name: String,
    #[serde(default)]
    display_name: String,
    create_time: Option<String>,
    #[serde(flatten)]
    standing: Standing,
}

/// Finds the line items that carry a reference.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn find(network: &Network, reference: &str) -> Fallible<Vec<Seen<String>>> {
    let filter = format!("externalLineItemId = {}", quoted(reference));
    let mut items = Vec::new();
    for found in network.list::<Found>("lineItems", "lineItems", &filter) {
        let found = found?;
        // A paused line item may have been paused with its order, and would be resumed with it.
        let active = !(found.standing.archived || found.standing.is_over());
        let seen = Seen::new(id_of(&found.name)?).named(found.display_name).active(active);
        items.push(seen.made_at(found.create_time.as_deref()));
    }
    Ok(items)
}

/// The status of a line item.
#[derive(Debug, Clone, Deserialize)]
pub struct Standing {
    /// `DRAFT`, `PENDING_APPROVAL`, `READY`, `DELIVERING`, … (reference, `LineItemComputedStatus`).
    #[serde(default)]
    pub status: String,
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
}

impl Standing {
    /// Whether its order was approved. Only then can it be paused and resumed.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        !matches!(self.status.as_str(), "DRAFT" | "PENDING_APPROVAL" | "DISAPPROVED")
    }

    /// Whether it is paused, with its inventory or without.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        matches!(self.status.as_str(), "PAUSED" | "PAUSED_INVENTORY_RELEASED")
    }

    /// Whether it is completed or canceled.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "CANCELED")
    }
}

/// Reads the status of a line item.
///
/// # Errors
/// `not-found` when it is gone.
pub fn standing(network: &Network, id: &str) -> Fallible<Standing> {
    network.get(&path!("lineItems/{}", id)).fetch()
}

/// Whether a line item of this status delivers, or will without anyone's doing.
#[must_use]
pub fn is_running(status: &str) -> bool {
    matches!(status, "READY" | "DELIVERING" | "DELIVERY_EXTENDED")
}

/// Resumes a line item that is paused; leaves any other alone. The resume of line items has no way
/// to skip the inventory check (type `BatchResumeLineItemsRequest`), so one that is booked without a
/// check is overbooked.
///
/// # Errors
/// When Ad Manager refuses.
pub fn resume(network: &Network, id: &str, unchecked: bool) -> Fallible<()> {
    let standing = standing(network, id)?;
    if !standing.is_paused() {
        return Ok(());
    }
    let action = if unchecked { "batchResumeAndOverbook" } else { "batchResume" };
    network.act("lineItems", action, vec![network.name("lineItems", id)])
}

/// Activates those of some line items of an order that are inactive although they have creatives:
/// creatives for some of their sizes only, or any on a network that activates none by itself (type
/// `LineItemComputedStatus`; help 4351366). Those without creatives stay inactive.
///
/// # Errors
/// When Ad Manager refuses.
pub fn activate(network: &Network, order: &str, items: &[&str]) -> Fallible<()> {
    let filter = format!("order = {}", quoted(&network.name("orders", order)));
    let mut inactive: Vec<String> = Vec::new();
    for found in network.list::<Found>("lineItems", "lineItems", &filter) {
        let found = found?;
        let id = id_of(&found.name)?;
        if found.standing.status == "INACTIVE" && !found.standing.archived && items.contains(&id.as_str()) {
            inactive.push(id);
        }
    }
    let showing = ties::showing(network, &inactive)?;
    let names: Vec<String> = showing.iter().map(|id| network.name("lineItems", id)).collect();
    network.act("lineItems", "batchActivate", names)
}

/// Activates a line item that is inactive although it has creatives. One without stays inactive.
///
/// # Errors
/// When Ad Manager refuses.
pub fn activate_one(network: &Network, id: &str) -> Fallible<()> {
    if standing(network, id)?.status != "INACTIVE" {
        return Ok(());
    }
    match network.act("lineItems", "batchActivate", vec![network.name("lineItems", id)]) {
        Err(failure) if has_reason(&failure, &["HAS_NO_ACTIVE_CREATIVES"]) => Ok(()),
        done => done,
    }
}

/// Archives a line item, and returns whether it existed. One that delivers is paused first. One
/// that is already archived or over is left alone.
///
/// # Errors
/// When Ad Manager refuses.
pub fn archive(network: &Network, id: &str) -> Fallible<bool> {
    let names = || vec![network.name("lineItems", id)];
    let Some(standing) = network.get(&path!("lineItems/{}", id)).fetch_if_any::<Standing>()? else { return Ok(false) };
    if standing.archived || standing.is_over() {
        return Ok(true);
    }
    if standing.is_approved() && !standing.is_paused() {
        network.act("lineItems", "batchPause", names())?;
    }
    network.act("lineItems", "batchArchive", names())?;
    Ok(true)
}
