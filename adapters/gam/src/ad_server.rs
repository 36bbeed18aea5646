//! Ad Manager as an ad server of the SDK: delegates each function to its module.

use std::cell::Cell;

use flightdeck_adapter::{
    ad_server::{
        AdServer, Booking, Delivered, ItemChange, LineItem as _, Noun, Placement, PlacementKey, Update, Words, late,
    },
    advice::Advice,
    plan::Plan,
    prelude::*,
    step::Remote,
};

use crate::{
    account,
    api::{self, Network},
    approval, booking,
    catalogue::Catalogue,
    creative::{self, Asset},
    delivery, describe,
    line_item::{self, Halts, LineItem},
    order::{self, Order},
    sets::{self, Parts},
    settings::Platform,
    status::{self, Shelf},
    ties,
    weights::{self, Placed},
};

/// An Ad Manager network during one call.
#[derive(Debug)]
pub struct Gam {
    pub(crate) network: Network,
    ctx: Context,
    /// The lookup results for the targeting of new line items.
    catalogue: Catalogue,
    /// Whether this call has already made sure that line items can be changed.
    opened: Cell<bool>,
    /// The line items that are paused while this call changes them.
    halts: Halts,
    /// The creatives that this call placed.
    placed: Placed,
    /// The creatives that this call made for sets.
    parts: Parts,
}

impl Gam {
    fn advertiser(&self) -> Fallible<&str> {
        api::advertiser(&self.ctx)
    }

    fn platform(&self) -> &Platform {
        &self.network.platform
    }
}

impl AdServer for Gam {
    const WORDS: Words = Words {
        platform: "Ad Manager",
        order: Noun { remote_type: order::TYPE, word: "order", step: "order" },
        item: Noun { remote_type: line_item::TYPE, word: "line item", step: "line-item" },
        creative: creative::TYPE,
        placement: Noun { remote_type: ties::TYPE, word: "association", step: "association" },
    };
    // These apply to line items with a goal.
    const ABOVE: Advice<'static> = (
        "raise_priority",
        "Ad Manager has no performance index: raise the priority of its product's line items, or move budget to it.",
    );
    const BELOW: Advice<'static> = (
        "review_targeting",
        "Ad Manager has no performance index: review its targeting and creatives, or move its budget to other packages.",
    );
    const CREATE_NOTES: &'static [&'static str] = &[
        "The order is a draft until it has a creative; then it is approved or submitted for approval.",
        "A start that is not ahead any more when it is booked is moved to two minutes after that.",
    ];
    const CHANGE_NOTES: &'static [&'static str] = &[
        "An order that waits for approval is taken back for the change and submitted again.",
        "A guaranteed line item that delivers is paused for a change of its goal, dates, caps or targeting, and \
             resumed.",
    ];
    const CANCEL_NOTES: &'static [&'static str] =
        &["What delivers is paused first. Ad Manager archives the line items with their order."];

    type Id = String;
    type Order = Order;
    type Item = LineItem;
    type Asset = Asset;
    type Shelf = Shelf;

    fn describe() -> Description {
        describe::description()
    }

    fn open(ctx: &Context) -> Fallible<Self> {
        let network = api::open(ctx, Platform::read(ctx)?);
        Ok(Self {
            network,
            ctx: ctx.clone(),
            catalogue: Catalogue::default(),
            opened: Cell::new(false),
            halts: Halts::default(),
            placed: Placed::default(),
            parts: Parts::default(),
        })
    }

    fn id(text: &str) -> Fallible<String> {
        Ok(text.to_owned())
    }

    fn translate(&self, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Booking<Order, LineItem>> {
        self.advertiser()?;
        booking::translate(self.platform(), buy, problems)
    }

    fn translate_creative(
        &self,
        buy: &MediaBuy,
        creative: &Creative,
        package_ids: &[String],
        problems: &mut Problems,
        notes: &mut Vec<String>,
    ) -> Fallible<Option<Asset>> {
        creative::translate(self.platform(), buy, creative, package_ids, problems, notes)
    }

    fn new_order(&self, order: &Order) -> Fallible<Object> {
        Ok(order.created(&self.network, self.advertiser()?))
    }

    fn new_item(&self, item: &LineItem) -> Object {
        item.created()
    }

    fn new_creative(&self, asset: &Asset) -> Fallible<Object> {
        Ok(asset.shown(&self.network, self.advertiser()?))
    }

    fn new_placement(creative_id: &str) -> Object {
        object! { "creative": creative_id }
    }

    fn stopped(_: bool) -> (Object, Object) {
        (object! { "archived": false }, object! { "archived": true })
    }

    fn plan_delivery(&self, remote: &[RemoteObject], buy: &MediaBuy, plan: &mut Plan) {
        approval::plan(self.platform(), remote, buy, plan);
    }

    fn prepare(&mut self, booking: &Booking<Order, LineItem>) -> Fallible<()> {
        account::check(&self.network, booking)?;
        self.catalogue = Catalogue::of(&self.network, booking.items.iter().map(|item| &item.targeting))?;
        Ok(())
    }

    fn create_order(&self, order: &Order, reference: &str) -> Fallible<String> {
        order.create(&self.network, self.advertiser()?, reference)
    }

    fn create_item(&self, order: &String, item: &LineItem, reference: &str) -> Fallible<String> {
        item.create(&self.network, &self.catalogue, order, reference)
    }

    fn before_creative(&self, asset: &Asset) -> Fallible<Verdict<()>> {
        self.parts.make(&self.network, &self.ctx, self.advertiser()?, asset)
    }

    fn create_creative(&self, asset: &Asset, _: Option<&str>, reference: &str) -> Fallible<String> {
        if asset.is_master() {
            return self.parts.create_set(&self.network, asset, reference);
        }
        asset.create(&self.network, self.advertiser()?, reference)
    }

    fn place(&self, at: &Placement<'_>, creative: &String) -> Fallible<Verdict<()>> {
        let placed = ties::create(&self.network, at, creative)?;
        Ok(placed.map(|association| self.placed.note(at, &association)))
    }

    fn displace(&self, at: &Placement<'_>) -> Fallible<Verdict<()>> {
        ties::remove(&self.network, at)
    }

    fn deliver(&self, order: &str, buy: &MediaBuy, remote: &[RemoteObject], placed: bool) -> Fallible<AssetState> {
        if !placed {
            return Ok(AssetState::Pending);
        }
        weights::write(&self.network, buy, remote, &self.placed)?;
        approval::approve(&self.network, order, buy, remote).map(order::Approval::asset_state)
    }

    fn find_orders(&self, reference: &str) -> Fallible<Vec<Seen<String>>> {
        order::find(&self.network, reference)
    }

    fn find_orders_of(&self, media_buy_id: &str) -> Fallible<Vec<String>> {
        order::find_by_buy(&self.network, self.advertiser()?, media_buy_id)
    }

    fn find_items(&self, _: Option<&str>, reference: &str) -> Fallible<Vec<Seen<String>>> {
        line_item::find(&self.network, reference)
    }

    fn find_creatives(&self, reference: &str) -> Fallible<Vec<Seen<String>>> {
        let seen = creative::find(&self.network, reference)?;
        if seen.is_empty() { sets::find(&self.network, reference) } else { Ok(seen) }
    }

    fn find_made(&self, ctx: &Context, step: &MadeStep) -> Fallible<Vec<MadeObject>> {
        match sets::find_parts(&self.network, step)? {
            Some(parts) => Ok(parts),
            None => late::find(self, ctx, step),
        }
    }

    fn stop_part(&self, word: &str, _: Option<&str>, id: &str) -> Fallible<bool> {
        if sets::is_part(word) {
            creative::switch_off(&self.network, id)?;
        }
        Ok(sets::is_part(word))
    }

    /// Ad Manager doesn't say whether a creative is active: it delivers if a line item shows it.
    fn is_shown(&self, _: Option<&str>, seen: Seen<String>) -> Fallible<Seen<String>> {
        let shown = ties::is_shown(&self.network, &seen.id)?;
        Ok(seen.active(shown))
    }

    /// There can't be a second one: an association is identified by the two ids that it connects.
    fn find_placements(&self, key: &PlacementKey<'_>, _: &str) -> Fallible<Vec<Seen<String>>> {
        key.creative.map_or(Ok(Vec::new()), |creative| ties::find(&self.network, key.item, creative))
    }

    fn change_order(&self, update: &Update<'_, Self>) -> Fallible<()> {
        approval::switch(&self.network, update)?;
        for desired in &update.desired.items {
            let current = update.current.item(&desired.package_id);
            let (Some(current), Some(id)) = (current, update.remote.package(&desired.package_id)) else { continue };
            self.halts.note(&self.network, id, desired, &desired.changes_from(current))?;
        }
        Ok(())
    }

    /// An order that waits for approval can't be changed. It is retracted first, within the step of
    /// the change. A step of its own would run only once, but when the operation runs again, a
    /// resume may have submitted the order in the meantime. Within one run, one check is enough.
    fn change_item(&self, order: &str, id: &str, desired: &LineItem, changes: Object) -> Fallible<()> {
        if !self.opened.get() {
            order::open(&self.network, order)?;
            self.opened.set(true);
        }
        self.halts.change(&self.network, id, desired, changes)
    }

    fn switch_item(&self, id: &str, change: &ItemChange<'_, Self>, update: &Update<'_, Self>) -> Fallible<Verdict<()>> {
        if change.current.active == change.desired.active {
            return Ok(Ok(()));
        }
        ties::switch_package(&self.network, id, change.desired, update.desired.order.active)
    }

    /// Resubmits an order that was retracted, even if a line item was refused.
    fn end_update(&self, update: &Update<'_, Self>, changes: &[ItemChange<'_, Self>], _: bool) -> Fallible<()> {
        let touched = changes.iter().any(|change| !change.fields().is_empty() || !change.on.is_empty());
        let buy = &update.request.desired;
        if !changes.is_empty() {
            weights::write(&self.network, buy, update.remote, &self.placed)?;
        }
        if touched && approval::has_creatives(buy) {
            approval::approve(&self.network, update.order, buy, update.remote)?;
        }
        Ok(())
    }

    fn stop_order(&self, id: &str, _: Option<&MediaBuy>) -> Fallible<bool> {
        order::archive(&self.network, id)
    }

    fn stop_item(&self, id: &str, _: Option<&PackageOrder>) -> Fallible<bool> {
        line_item::archive(&self.network, id)
    }

    fn stop_creative(&self, _: Option<&str>, id: &str) -> Fallible<()> {
        self.discard(id)?;
        ties::hide(&self.network, id)
    }

    /// No line item has the creative, and Ad Manager deletes neither creatives nor creative sets. Of a
    /// set, nothing can be switched off.
    fn discard(&self, id: &str) -> Fallible<()> {
        match sets::set_id(id) {
            Some(_) => Ok(()),
            None => creative::switch_off(&self.network, id),
        }
    }

    fn stop_placement(&self, id: &str) -> Fallible<bool> {
        let Some((item, creative)) = id.split_once('/') else { return Ok(false) };
        ties::switch_off(&self.network, item, creative).map(|()| true)
    }

    fn read_status(&self, buys: &[RemoteBuy]) -> Fallible<Shelf> {
        status::read(&self.network, buys)
    }

    fn read_delivery(&self, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
        delivery::read(&self.network, &self.ctx, buys, range)
    }
}
