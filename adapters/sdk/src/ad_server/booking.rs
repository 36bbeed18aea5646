//! A media buy as it is on an ad server: one order, and one line item for each package.

use super::{AdServer, LineItem, Translated};
use crate::{
    failure::{Fallible, Problems},
    host,
    names::step_name,
    plan::{Change, Plan},
    step::{Remote, RemoteId, step},
    types::{ChangePlan, Context, MediaBuy, Outcome, RemoteKind},
};

/// A media buy, translated. Plans show it, creations send it, and an update is the difference of two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking<O, I> {
    /// The order.
    pub order: O,
    /// The line items in the order of the packages.
    pub items: Vec<I>,
    /// What a reviewer should know besides.
    pub notes: Vec<String>,
}

impl<O, I: LineItem> Booking<O, I> {
    /// The line item of a package.
    #[must_use]
    pub fn item(&self, package_id: &str) -> Option<&I> {
        self.items.iter().find(|item| item.package_id() == package_id)
    }
}

/// Translates a media buy that can be made.
fn translated<S: AdServer>(server: &S, buy: &MediaBuy) -> Fallible<Booking<S::Order, S::Item>> {
    let mut problems = Problems::default();
    let booking = server.translate(buy, &mut problems)?;
    problems.check()?;
    Ok(booking)
}

/// The changes that make a media buy.
///
/// # Errors
/// Everything that the platform can't do of it, item by item.
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

/// Makes a media buy: the order first, then each line item in a step of its own, so that a refusal says of which package.
///
/// # Errors
/// As [`plan`]; what the platform refuses.
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

/// The changes that undo a media buy.
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

/// Undoes a media buy, or what was made of it. What is gone already is forgotten and no failure.
///
/// # Errors
/// When the platform can't be asked or refuses.
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
        // A create that was cut off after its request and never run again may have left an order behind, or two.
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
