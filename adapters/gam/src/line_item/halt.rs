//! Changes of line items that deliver. Ad Manager refuses to change the reservation of a guaranteed
//! line item that has begun (SOAP, `UPDATE_RESERVATION_NOT_ALLOWED`), unless it is paused. So it is
//! paused for the change, and resumed afterwards, also if Ad Manager refuses the change.
//!
//! A line item that a person paused by hand stays paused. That it delivered is recorded in a step of
//! its own before it is paused: whatever interrupts the change, the next run knows that it must
//! resume the line item.

use std::cell::RefCell;

use flightdeck_adapter::{names::step_name, prelude::*};

use super::{LineItem, is_running, resume, standing};
use crate::{api::Network, inferred};

/// The line items that delivered when the update began, by package.
#[derive(Debug, Default)]
pub struct Halts(RefCell<Vec<String>>);

impl Halts {
    /// Records in a step, before anything is changed, whether a line item delivers that can't be
    /// changed while it does. `changes` are the fields that will change.
    ///
    /// # Errors
    /// When Ad Manager can't be reached.
    pub fn note(&self, network: &Network, id: &str, item: &LineItem, changes: &Object) -> Fallible<()> {
        let reserved = changes.iter().any(|(field, _)| inferred::RESERVED.contains(&field));
        if !reserved || !item.guaranteed {
            return Ok(());
        }
        let delivers = step(step_name(&["line-item", &item.package_id, "delivers"])).set(|| delivering(network, id))?;
        if delivers {
            self.0.borrow_mut().push(item.package_id.clone());
        }
        Ok(())
    }

    /// Changes a line item, within a step. One that was noted is paused, changed and resumed.
    ///
    /// # Errors
    /// The refusal of the change; otherwise what kept the line item from being resumed.
    pub fn change(&self, network: &Network, id: &str, item: &LineItem, changes: Object) -> Fallible<()> {
        if !self.0.borrow().contains(&item.package_id) {
            return item.change(network, id, changes);
        }
        if is_running(&standing(network, id)?.status) {
            network.act("lineItems", "batchPause", vec![network.name("lineItems", id)])?;
        }
        let changed = item.change(network, id, changes);
        let resumed = if item.runs { resume(network, id, item.unchecked) } else { Ok(()) };
        match (changed, resumed) {
            (Err(refused), _) => Err(refused),
            (Ok(()), Err(mut stays)) => {
                stays.message = format!("The change was made, and its line item is paused since: {}", stays.message);
                Err(stays)
            }
            (Ok(()), Ok(())) => Ok(()),
        }
    }
}

/// Whether a line item delivers now. One that is gone doesn't.
///
/// # Errors
/// When Ad Manager can't be reached.
fn delivering(network: &Network, id: &str) -> Fallible<bool> {
    match standing(network, id) {
        Ok(standing) => Ok(matches!(standing.status.as_str(), "DELIVERING" | "DELIVERY_EXTENDED")),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}
