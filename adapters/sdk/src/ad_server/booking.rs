//! A media buy on an ad server: one order, and one line item for each package.

use super::{AdServer, LineItem, Translated};
use crate::{
    failure::{Fallible, Problems},
    host,
    names::step_name,
    plan::{Change, Plan},
    step::{Remote, RemoteId, step},
    types::{ChangePlan, Context, MediaBuy, Outcome, RemoteKind},
};

/// A translated media buy. Plans show it, creations send it, and an update is the difference
/// between two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking<O, I> {
    /// The translated order.
    pub order: O,
    /// The line items, in the order of the packages.
    pub items: Vec<I>,
    /// Notes for the reviewer.
    pub notes: Vec<String>,
}

impl<O, I: LineItem> Booking<O, I> {
    /// Returns the line item of a package.
    #[must_use]
    pub fn item(&self, package_id: &str) -> Option<&I> {
        self.items.iter().find(|item| item.package_id() == package_id)
    }
}

/// Translates a media buy, and fails if the platform can't make all of it.
fn translated<S: AdServer>(server: &S, buy: &MediaBuy) -> Fallible<Booking<S::Order, S::Item>> {
    let mut problems = Problems::default();
    let booking = server.translate(buy, &mut problems)?;
    problems.check()?;
    Ok(booking)
}

/// Returns the changes that make a media buy.
///
/// # Errors
/// When the platform can't make the buy, with every reason as an item.
pub fn plan<S: AdServer>(server: &S, buy: &MediaBuy) -> Fallible<ChangePlan> {
    let booking = translated(server, buy)?;
    let mut plan = Plan::default();
    let order = server.new_order(&booking.order)?;
    plan.push(Change::create(S::WORDS.order.remote_type, booking.order.name(), &order));
    for item in &booking.items {
        let created = Change::create(S::WORDS.item.remote_type, item.name(), &server.new_item(item));
        plan.push(created.package(item.package_id()));
        server.plan_parts(None, item, &mut plan);
    }
    plan.notes(booking.notes);
    plan.notes(S::CREATE_NOTES.iter().copied());
    Ok(plan.finish())
}

/// Makes a media buy: first the order, then each line item in a step of its own, so that a refusal
/// names its package.
///
/// # Errors
/// As [`plan`]; when the platform refuses.
pub fn create<S: AdServer>(mut server: S, buy: &MediaBuy) -> Fallible<Outcome> {
    let booking = translated(&server, buy)?;
    server.prepare(&booking)?;
    let order: S::Id = step(S::WORDS.order.step)
        .remember(RemoteKind::Order, "")
        .find(|reference| server.find_orders(reference))
        .create(|reference| server.create_order(&booking.order, reference))?;
    let order_id = order.remote_id();
    for item in &booking.items {
        let id: S::Id = step(step_name(&[S::WORDS.item.step, item.package_id()]))
            .remember(RemoteKind::Package, item.package_id())
            .find(|reference| server.find_items(Some(&order_id), reference))
            .create(|reference| server.create_item(&order, item, reference))?;
        server.item_made(&id, item)?;
    }
    Ok(Outcome { notes: booking.notes, ..Outcome::now() })
}

/// Returns the changes that cancel a media buy.
#[must_use]
pub fn plan_cancel<S: AdServer>(ctx: &Context, buy: &MediaBuy) -> ChangePlan {
    let mut plan = Plan::default();
    let stop = |remote_type: &str, name: &str, active: bool, id: Option<&str>| {
        let (before, after) = S::stopped(active);
        Change::update(remote_type, name, &before, &after).remote_id(id)
    };
    for package in buy.packages.iter().filter(|_| S::STOPS_ITEMS) {
        if let id @ Some(_) = ctx.remote.package(&package.package_id) {
            let change = stop(S::WORDS.item.remote_type, &package.name, package.active, id);
            plan.push(change.package(&package.package_id));
        }
    }
    plan.push(stop(S::WORDS.order.remote_type, &buy.name, buy.active, ctx.remote.order()));
    plan.notes(S::CANCEL_NOTES.iter().copied());
    plan.finish()
}

/// Cancels a media buy, even one that was only partly made. Objects that are already gone are
/// forgotten; that is not a failure.
///
/// # Errors
/// When the platform can't be reached or refuses.
pub fn cancel<S: AdServer>(server: &S, ctx: &Context, buy: &MediaBuy) -> Fallible<Outcome> {
    let items = || ctx.remote.iter().filter(|object| object.kind == RemoteKind::Package);
    for object in items().filter(|_| S::STOPS_ITEMS) {
        let package = buy.packages.iter().find(|package| package.package_id == object.key);
        let name = step_name(&["archive", S::WORDS.item.step, &object.key]);
        if !step(name).set(|| server.stop_item(&object.id, package))? {
            host::forget(object);
        }
    }
    let orders = match ctx.remote.order() {
        Some(id) => vec![id.to_owned()],
        // A create that was cut off after its request and never ran again may have left one order
        // or more behind.
        None => server.find_orders_of(&buy.media_buy_id)?,
    };
    if orders.is_empty() {
        return Ok(Outcome::now().note(format!("There was nothing on {}.", S::WORDS.platform)));
    }
    let gone: Vec<String> = step(step_name(&["archive", S::WORDS.order.step])).set(|| {
        let mut gone = Vec::new();
        for id in &orders {
            if !server.stop_order(id, Some(buy))? {
                gone.push(id.clone());
            }
        }
        Ok(gone)
    })?;
    for order in ctx.remote.iter().filter(|object| object.kind == RemoteKind::Order && gone.contains(&object.id)) {
        host::forget(order);
        // Line items that stop with their order are gone with it.
        items().filter(|_| !S::STOPS_ITEMS).for_each(host::forget);
    }
    Ok(Outcome::now())
}
