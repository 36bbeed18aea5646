//! Line items that are on Ad Manager: found again, asked how they stand, archived.

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
/// When Ad Manager can't be asked.
pub fn find(network: &Network, reference: &str) -> Fallible<Vec<Seen<String>>> {
    let filter = format!("externalLineItemId = {}", quoted(reference));
    let mut items = Vec::new();
    for found in network.list::<Found>("lineItems", "lineItems", &filter) {
        let found = found?;
        // One that is paused may be so with its order, and would be resumed with it.
        let active = !(found.standing.archived || found.standing.is_over());
        let seen = Seen::new(id_of(&found.name)?).named(found.display_name).active(active);
        items.push(seen.made_at(found.create_time.as_deref()));
    }
    Ok(items)
}

/// How a line item stands.
#[derive(Debug, Clone, Deserialize)]
pub struct Standing {
    /// `DRAFT`, `PENDING_APPROVAL`, `READY`, `DELIVERING`, … (reference, `LineItemComputedStatus`).
    #[serde(default)]
    pub status: String,
    /// Whether it is put away.
    #[serde(default)]
    pub archived: bool,
}

impl Standing {
    /// Whether its order was approved, so that it can be paused and resumed.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        !matches!(self.status.as_str(), "DRAFT" | "PENDING_APPROVAL" | "DISAPPROVED")
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "CANCELED")
    }
}

/// How a line item stands.
///
/// # Errors
/// `not-found` when it is gone.
pub fn standing(network: &Network, id: &str) -> Fallible<Standing> {
    network.get(&path!("lineItems/{}", id)).fetch()
}

/// Archives a line item, and answers whether it was there. One that delivers is paused first; what is archived or over
/// already stays so.
///
/// # Errors
/// What Ad Manager refuses.
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
