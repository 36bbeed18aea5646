//! Signpost as an ad server of the SDK: orders, lines, creatives and their assignments. The SDK has
//! the order of the steps, the plans, and the updates.

use std::collections::BTreeMap;

use flightdeck_adapter::{
    ad_server::{AdServer, Booking, Delivered, Noun, Placement, PlacementKey, Standing, Update, Words},
    advice::Advice,
    names::step_name,
    plan::changed_fields,
    prelude::*,
};

use crate::{
    api::{Client, LineStatus},
    translate::{self, Asset, Line, Order},
};

/// Signpost during one call.
#[derive(Debug)]
pub struct Signpost {
    client: Client,
    advertiser_id: String,
}

impl AdServer for Signpost {
    const WORDS: Words = Words {
        platform: "Signpost",
        order: Noun { remote_type: "Order", word: "order", step: "order" },
        item: Noun { remote_type: "Line", word: "line", step: "line" },
        creative: "Creative",
        placement: Noun { remote_type: "Assignment", word: "assignment", step: "assignment" },
    };
    const ABOVE: Advice<'static> = ("raise_budget", "Signpost has no performance index: raise its budget.");
    const BELOW: Advice<'static> = ("review_creatives", "Signpost has no performance index: review its creatives.");

    type Id = String;
    type Order = Order;
    type Item = Line;
    type Asset = Asset;
    type Shelf = Shelf;

    fn describe() -> Description {
        translate::describe()
    }

    fn open(ctx: &Context) -> Fallible<Self> {
        Ok(Self { client: Client::new(&ctx.endpoint), advertiser_id: ctx.advertiser_id.clone() })
    }

    fn id(text: &str) -> Fallible<String> {
        Ok(text.to_owned())
    }

    // ---- translating ----

    fn translate(&self, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Booking<Order, Line>> {
        translate::translate(buy, &self.advertiser_id, problems)
    }

    fn translate_creative(
        &self,
        buy: &MediaBuy,
        creative: &Creative,
        package_ids: &[String],
        problems: &mut Problems,
        _: &mut Vec<String>,
    ) -> Fallible<Option<Asset>> {
        for package_id in package_ids {
            problems.check_package(buy, creative, package_id);
        }
        Ok(translate::translate_creative(creative, &self.advertiser_id, problems))
    }

    fn new_order(&self, order: &Order) -> Fallible<Object> {
        Ok(order.fields.clone())
    }

    fn new_item(&self, line: &Line) -> Object {
        line.fields.without_nulls()
    }

    fn new_creative(&self, asset: &Asset) -> Fallible<Object> {
        Ok(asset.fields.clone())
    }

    fn new_placement(creative_id: &str) -> Object {
        object! { "creative": creative_id }
    }

    fn stopped(_: bool) -> (Object, Object) {
        (object! { "state": "live" }, archived())
    }

    // ---- making ----

    fn create_order(&self, order: &Order, reference: &str) -> Fallible<String> {
        self.client.create_order(&self.new_order(order)?, reference)
    }

    fn create_item(&self, order: &String, line: &Line, reference: &str) -> Fallible<String> {
        self.client.create_line(order, &self.new_item(line), reference)
    }

    fn create_creative(&self, asset: &Asset, _: Option<&str>, reference: &str) -> Fallible<String> {
        self.client.create_creative(&asset.fields, reference)
    }

    /// An assignment carries no reference: there is one of a creative in a line, however often it is
    /// asked for.
    fn place(&self, at: &Placement<'_>, creative: &String) -> Fallible<Verdict<()>> {
        let assigned = step(step_name(&["assignment", at.package_id, at.creative_id]))
            .remember(RemoteKind::Association, at.key())
            .try_set(|| self.client.assign(at.item, creative))?;
        Ok(assigned.map(|_| ()))
    }

    fn displace(&self, at: &Placement<'_>) -> Fallible<Verdict<()>> {
        step(step_name(&["assignment", at.package_id, at.creative_id, "end"]))
            .try_set(|| at.known.map_or(Ok(()), |id| self.client.change_assignment(id, &inactive())))
    }

    // ---- finding ----

    fn find_orders(&self, reference: &str) -> Fallible<Vec<Seen<String>>> {
        self.client.orders_with(reference)
    }

    fn find_orders_of(&self, media_buy_id: &str) -> Fallible<Vec<String>> {
        self.client.orders_of(&self.advertiser_id, media_buy_id)
    }

    /// A line's step never names another order.
    fn find_items(&self, order: Option<&str>, reference: &str) -> Fallible<Vec<Seen<String>>> {
        order.map_or(Ok(Vec::new()), |order| self.client.lines_with(order, reference))
    }

    fn find_creatives(&self, reference: &str) -> Fallible<Vec<Seen<String>>> {
        self.client.creatives_with(reference)
    }

    fn find_placements(&self, _: &PlacementKey<'_>, _: &str) -> Fallible<Vec<Seen<String>>> {
        Ok(Vec::new())
    }

    // ---- changing ----

    fn change_order(&self, update: &Update<'_, Self>) -> Fallible<()> {
        let changes = changed_fields(&update.current.order.fields, &update.desired.order.fields);
        if changes.is_empty() {
            return Ok(());
        }
        step("order/update").try_set(|| self.client.change_order(update.order, &changes))?
    }

    fn change_item(&self, _: &str, id: &str, _: &Line, changes: Object) -> Fallible<()> {
        self.client.change_line(id, &changes)
    }

    // ---- stopping ----

    fn stop_order(&self, id: &str, _: Option<&MediaBuy>) -> Fallible<bool> {
        existed(self.client.change_order(id, &archived()))
    }

    fn stop_item(&self, id: &str, _: Option<&PackageOrder>) -> Fallible<bool> {
        existed(self.client.change_line(id, &inactive()))
    }

    fn stop_creative(&self, _: Option<&str>, id: &str) -> Fallible<()> {
        existed(self.client.change_creative(id, &inactive())).map(|_| ())
    }

    fn stop_placement(&self, id: &str) -> Fallible<bool> {
        existed(self.client.change_assignment(id, &inactive())).map(|_| true)
    }

    // ---- reading ----

    fn read_status(&self, buys: &[RemoteBuy]) -> Fallible<Shelf> {
        self.client.status(&lines_of(buys)).map(Shelf)
    }

    fn read_delivery(&self, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
        let counts = self.client.report(&lines_of(buys), range)?;
        Ok(Delivered { counts, ..Delivered::default() })
    }
}

fn archived() -> Object {
    object! { "state": "archived" }
}

fn inactive() -> Object {
    object! { "active": false }
}

/// Whether an object that was stopped existed. What is archived is stopped already.
fn existed(stopped: Fallible<()>) -> Fallible<bool> {
    match stopped {
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
        Err(failure) if failure.platform.as_ref().is_some_and(|said| said.code == "order_archived") => Ok(true),
        stopped => stopped.map(|()| true),
    }
}

fn lines_of(buys: &[RemoteBuy]) -> Vec<&str> {
    let objects = buys.iter().flat_map(|buy| &buy.remote);
    objects.filter(|object| object.kind == RemoteKind::Package).map(|object| object.id.as_str()).collect()
}

/// The states of lines, by id.
#[derive(Debug)]
pub struct Shelf(BTreeMap<String, LineStatus>);

impl Standing for Shelf {
    /// The state of an order shows in its lines.
    type Order = ();

    const REMARKS: &'static [(DeliveryState, &'static str)] = &[(DeliveryState::Missing, "no longer on Signpost")];

    fn order(&self, _: &RemoteBuy) -> Fallible<Option<&()>> {
        Ok(Some(&()))
    }

    fn package(&self, _: &RemoteBuy, line: &RemoteObject, _: Option<&()>) -> (DeliveryState, Option<i64>) {
        let Some(line) = self.0.get(&line.id) else { return (DeliveryState::Missing, None) };
        let state = match line.state.as_str() {
            "awaiting_creatives" => DeliveryState::AwaitingCreatives,
            "scheduled" => DeliveryState::Scheduled,
            "delivering" => DeliveryState::Delivering,
            "paused" => DeliveryState::Paused,
            "completed" => DeliveryState::Completed,
            "archived" => DeliveryState::Canceled,
            other => DeliveryState::Other(other.to_owned()),
        };
        (state, Some(line.impressions))
    }

    fn state(&self, (): &(), _: &[PackageStatus]) -> Option<DeliveryState> {
        None
    }
}
