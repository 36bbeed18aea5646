//! A media buy as it is on Ad Manager: one order, and one line item for each package.
//!
//! This is the one translation: plans show it, creations send it, and an update is the difference of two of them.
//!
//! Line items could be made many at once (`:batchCreate`), but then one that is refused refuses them all. So each is made
//! by itself, in a step of its own, and what is wrong is told of its package.

use flightdeck_adapter::{
    host,
    names::step_name,
    plan::{Change, Plan},
    prelude::*,
    step::Remote,
};

use crate::{
    api,
    catalogue::Catalogue,
    line_item::{self, LineItem},
    order::{self, Order},
    settings::Platform,
};

/// A media buy on Ad Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The order.
    pub order: Order,
    /// The line items in the order of the packages.
    pub items: Vec<LineItem>,
}

impl Booking {
    /// Translates a media buy.
    ///
    /// # Errors
    /// Everything that Ad Manager can't do of it, item by item.
    pub fn of(ctx: &Context, platform: &Platform, buy: &MediaBuy) -> Fallible<Self> {
        let mut problems = Problems::default();
        let booking = Self::translate(ctx, platform, buy, &mut problems)?;
        problems.check()?;
        Ok(booking)
    }

    /// Translates what can be, and gathers what can't.
    ///
    /// # Errors
    /// When the buy can't even be read.
    pub fn translate(ctx: &Context, platform: &Platform, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Self> {
        api::advertiser(ctx)?;
        if let Some(currency) = platform.currency.as_ref().filter(|currency| **currency != buy.currency) {
            let message = format!("This Ad Manager network counts in {currency}.");
            problems.unsupported("unsupported_currency", "/currency", &buy.currency, message, &[currency]);
        }
        let order = order::translate(buy, problems);
        let translate = |package| line_item::translate(platform, buy, package, problems);
        let items = buy.packages.iter().map(translate).collect::<Fallible<Vec<_>>>()?;
        Ok(Self { order, items })
    }

    /// The line item of a package.
    #[must_use]
    pub fn item(&self, package_id: &str) -> Option<&LineItem> {
        self.items.iter().find(|item| item.package_id == package_id)
    }
}

/// The changes that make a media buy.
///
/// # Errors
/// As [`Booking::of`].
pub fn plan(ctx: &Context, buy: &MediaBuy) -> Fallible<ChangePlan> {
    let platform = Platform::read(ctx)?;
    let booking = Booking::of(ctx, &platform, buy)?;
    let network = api::open(ctx, &platform);
    let mut plan = Plan::default();
    let order = booking.order.created(&network, api::advertiser(ctx)?);
    plan.push(Change::create(order::TYPE, &booking.order.name, &order));
    for item in &booking.items {
        plan.push(Change::create(line_item::TYPE, &item.name, &item.created()).package(&item.package_id));
    }
    plan.note("The order is a draft until it has a creative; then it is approved or submitted for approval.");
    plan.note("A start that is not ahead any more when it is booked is moved to two minutes after that.");
    Ok(plan.finish())
}

/// Makes a media buy.
///
/// # Errors
/// As [`Booking::of`]; what Ad Manager does not have of the targeting, before anything is made; what it refuses.
pub fn create(ctx: &Context, buy: &MediaBuy) -> Fallible<Outcome> {
    let platform = Platform::read(ctx)?;
    let booking = Booking::of(ctx, &platform, buy)?;
    let network = api::open(ctx, &platform);
    let advertiser = api::advertiser(ctx)?;
    let catalogue = Catalogue::of(&network, booking.items.iter().map(|item| &item.targeting))?;
    let order: String = step("order")
        .remember(RemoteKind::Order, "")
        .find(|reference| order::find(&network, reference))
        .create(|reference| booking.order.create(&network, advertiser, reference))?;
    for item in &booking.items {
        let _: String = step(step_name(&["line-item", &item.package_id]))
            .remember(RemoteKind::Package, &item.package_id)
            .find(|reference| line_item::find(&network, reference))
            .create(|reference| item.create(&network, &catalogue, &order, reference))?;
    }
    Ok(Outcome::now())
}

/// The changes that undo a media buy.
pub fn plan_cancel(ctx: &Context, buy: &MediaBuy) -> ChangePlan {
    let mut plan = Plan::default();
    let (before, after) = (object! { "archived": false }, object! { "archived": true });
    plan.push(Change::update(order::TYPE, &buy.name, &before, &after).remote_id(ctx.remote.order()));
    plan.note("What delivers is paused first. Ad Manager archives the line items with their order.");
    plan.finish()
}

/// Undoes a media buy, or what was made of it: the order is paused and archived, with its line items.
///
/// # Errors
/// When Ad Manager can't be asked or refuses. What is gone already is no failure.
pub fn cancel(ctx: &Context, buy: &MediaBuy) -> Fallible<Outcome> {
    let platform = Platform::read(ctx)?;
    let network = api::open(ctx, &platform);
    let order = match ctx.remote.order() {
        Some(id) => Some(id.to_owned()),
        // A create that was cut off after its request and never run again may have left an order behind.
        None => order::find_by_buy(&network, api::advertiser(ctx)?, &buy.media_buy_id)?,
    };
    let Some(id) = order else { return Ok(Outcome::now().note("There was nothing on Ad Manager.")) };
    step("order/stop").set(|| order::stop(&network, &id))?;
    if !step("order/archive").set(|| order::archive(&network, &id))? {
        for object in ctx.remote.iter().filter(|object| matches!(object.kind, RemoteKind::Order | RemoteKind::Package))
        {
            host::forget(object);
        }
    }
    Ok(Outcome::now())
}
