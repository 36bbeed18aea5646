//! Existing line items: lookup, status, archiving.

use flightdeck_adapter::prelude::*;
use serde::Deserialize;

use crate::api::{Network, id_of, quoted};

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
    if standing.is_approved() && standing.status != "PAUSED" {
        network.act("lineItems", "batchPause", names())?;
    }
    network.act("lineItems", "batchArchive", names())?;
    Ok(true)
}
