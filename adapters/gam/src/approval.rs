//! The approval of an order: the first creative triggers it, a pause delays it, and a change
//! requires it again.

use flightdeck_adapter::{
    ad_server::{LineItem as _, Update},
    names::{association_key, step_name},
    plan::{Change, Plan},
    prelude::*,
    step::Remote,
};

use crate::{
    ad_server::Gam,
    api::Network,
    line_item,
    order::{self, Approval, reservation},
    settings::Platform,
    ties,
};

/// Plans the approval that the first creative triggers. An order that already has creatives was
/// approved or submitted with them.
pub fn plan(platform: &Platform, remote: &[RemoteObject], buy: &MediaBuy, plan: &mut Plan) {
    if !buy.active || remote.iter().any(|object| object.kind == RemoteKind::Association) {
        return;
    }
    let after = if platform.approve_orders { "APPROVED" } else { "PENDING_APPROVAL" };
    let (before, after) = (object! { "status": "DRAFT" }, object! { "status": after });
    plan.push(Change::update(order::TYPE, &buy.name, &before, &after).remote_id(remote.order()));
}

/// Approves or submits the order, in a step. If the buy is paused, the order stays a draft until
/// the buy is resumed. That check is outside of any step, because a step runs only once: if this
/// operation runs again, the buy may have been resumed. Inactive packages are paused as soon as
/// they can be, and active ones that Ad Manager doesn't activate by itself are activated.
///
/// # Errors
/// As [`order::approve`].
pub fn approve(network: &Network, order: &str, buy: &MediaBuy, remote: &[RemoteObject]) -> Fallible<Approval> {
    if !buy.active {
        return order::approval(network, order);
    }
    let reserved = reservation(&network.platform, buy, remote);
    let approval: Approval = step("order/approve").set(|| order::approve(network, order, &reserved))?;
    if approval == Approval::Approved {
        settle(network, order, buy, remote)?;
    }
    Ok(approval)
}

/// Makes the line items of an approved order what their packages are, each in a step: pauses inactive
/// ones, and activates active ones that Ad Manager left inactive.
///
/// # Errors
/// When Ad Manager refuses.
pub fn settle(network: &Network, order: &str, buy: &MediaBuy, remote: &[RemoteObject]) -> Fallible<()> {
    for package in buy.packages.iter().filter(|package| !package.active) {
        let Some(item) = remote.package(&package.package_id) else { continue };
        step(step_name(&["order", "approve", &package.package_id])).set(|| ties::rest(network, item))?;
    }
    let active = buy.packages.iter().filter(|package| package.active);
    let active: Vec<&str> = active.filter_map(|package| remote.package(&package.package_id)).collect();
    step("order/activate").set(|| line_item::activate(network, order, &active))
}

/// Whether any package of a buy has a creative.
#[must_use]
pub fn has_creatives(buy: &MediaBuy) -> bool {
    buy.packages.iter().any(|package| !package.creative_ids.is_empty())
}

/// Pauses or resumes the order, if the update switches the buy.
///
/// # Errors
/// When Ad Manager refuses.
pub fn switch(network: &Network, update: &Update<'_, Gam>) -> Fallible<()> {
    let (was, is) = (update.current.order.active, update.desired.order.active);
    match (was, is) {
        (false, true) => {
            let shows = has_creatives(&update.request.desired) || is_being_uploaded(update);
            let reserved = reservation(&network.platform, &update.request.desired, update.remote);
            step("order/resume").try_set(|| order::resume(network, update.order, shows, &reserved))??;
            wake_all(network, update)
        }
        (true, false) => step("order/pause").try_set(|| order::pause(network, update.order))?,
        _ => Ok(()),
    }
}

/// Whether the order has creatives that are not part of the buy yet, because their upload has not
/// finished.
fn is_being_uploaded(update: &Update<'_, Gam>) -> bool {
    let known = |key: &str| {
        let mut packages = update.request.current.packages.iter();
        packages.any(|package| {
            package.creative_ids.iter().any(|creative| association_key(&package.package_id, creative) == key)
        })
    };
    update.remote.iter().any(|object| object.kind == RemoteKind::Association && !known(&object.key))
}

/// Activates packages after a buy was resumed, which was not possible while it was paused.
fn wake_all(network: &Network, update: &Update<'_, Gam>) -> Fallible<()> {
    for item in update.desired.items.iter().filter(|item| item.active) {
        // A line item that this update activates has a step of its own.
        if update.current.item(item.package_id()).is_none_or(|current| !current.active) {
            continue;
        }
        let Some(id) = update.remote.package(&item.package_id) else { continue };
        ties::switch_package(network, id, item, true)??;
    }
    Ok(())
}
