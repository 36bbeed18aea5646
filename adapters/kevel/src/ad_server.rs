//! Kevel as an ad server of the SDK: delegates each function to its module.

use flightdeck_adapter::{
    ad_server::{AdServer, Booking, Delivered, ItemChange, Noun, Placement, PlacementKey, Update, Words, late},
    advice::Advice,
    host, moment,
    plan::{self, Plan, changed_fields},
    prelude::*,
};

use crate::{
    ad_types::Catalogue,
    ads, api, booking,
    campaign::{self, Campaign},
    caps,
    creative::{self, Asset},
    delivery, describe,
    flight::{self, Flight},
    parts::{self, Item, Part},
    settings::Platform,
    shares::{self, Placed},
    status::{self, Shelf},
};

/// A Kevel network during one call.
#[derive(Debug)]
pub struct Kevel {
    api: Api,
    ctx: Context,
    ad_types: Catalogue,
    /// The ads that this call placed.
    placed: Placed,
}

impl Kevel {
    fn advertiser(&self) -> Fallible<i64> {
        api::advertiser(&self.ctx)
    }
}

impl AdServer for Kevel {
    const WORDS: Words = Words {
        platform: api::PLATFORM,
        order: Noun { remote_type: campaign::TYPE, word: "campaign", step: "campaign" },
        item: Noun { remote_type: flight::TYPE, word: "flight", step: "flight" },
        creative: creative::TYPE,
        placement: Noun { remote_type: ads::TYPE, word: "ad", step: "ad" },
    };
    // A flight's rank is its priority, which the publisher sets.
    const ABOVE: Advice<'static> = (
        "raise_priority",
        "Kevel has no performance index: move its product to a priority that is served earlier, or move budget to it.",
    );
    const BELOW: Advice<'static> = (
        "review_targeting",
        "Kevel has no performance index: review its targeting and creatives, or move its budget to other packages.",
    );
    const STOPS_ITEMS: bool = true;

    type Id = i64;
    type Order = Campaign;
    type Item = Flight;
    type Asset = Asset;
    type Shelf = Shelf;

    fn describe() -> Description {
        describe::description()
    }

    fn open(ctx: &Context) -> Fallible<Self> {
        Ok(Self { api: api::open(ctx), ctx: ctx.clone(), ad_types: Catalogue::default(), placed: Placed::default() })
    }

    fn id(text: &str) -> Fallible<i64> {
        api::number(text)
    }

    fn translate(&self, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Booking<Campaign, Flight>> {
        booking::translate(&Platform::read(&self.ctx)?, self.advertiser()?, buy, problems)
    }

    fn translate_creative(
        &self,
        buy: &MediaBuy,
        creative: &Creative,
        package_ids: &[String],
        problems: &mut Problems,
        notes: &mut Vec<String>,
    ) -> Fallible<Option<Asset>> {
        creative::translate(&Platform::read(&self.ctx)?, buy, creative, package_ids, problems, notes)
    }

    fn new_order(&self, campaign: &Campaign) -> Fallible<Object> {
        Ok(campaign.created())
    }

    fn new_item(&self, flight: &Flight) -> Object {
        flight.created()
    }

    fn new_creative(&self, asset: &Asset) -> Fallible<Object> {
        Ok(asset.created(self.advertiser()?))
    }

    fn new_placement(creative_id: &str) -> Object {
        ads::shown(creative_id)
    }

    fn stopped(active: bool) -> (Object, Object) {
        (caps::not_archived(active), caps::archived())
    }

    fn plan_parts(&self, current: Option<&Flight>, desired: &Flight, plan: &mut Plan) {
        parts::plan_windows(current, desired, plan);
    }

    fn plan_again(key: &str) -> Option<plan::Change> {
        Some(ads::planned_switch(key, true))
    }

    fn plan_end(key: &str, _: &str) -> plan::Change {
        ads::planned_switch(key, false)
    }

    fn create_order(&self, campaign: &Campaign, reference: &str) -> Fallible<i64> {
        campaign.create(&self.api, reference)
    }

    fn create_item(&self, campaign: &i64, flight: &Flight, reference: &str) -> Fallible<i64> {
        flight.create(&self.api, *campaign, reference)
    }

    fn item_made(&self, id: &i64, flight: &Flight) -> Fallible<()> {
        let id = id.to_string();
        flight.windows.iter().try_for_each(|window| Item::Window(window).add(&self.api, &id, &flight.package_id)?)
    }

    fn create_creative(&self, asset: &Asset, _: Option<&str>, reference: &str) -> Fallible<i64> {
        asset.create(&self.api, &self.ad_types, self.advertiser()?, reference)
    }

    fn place(&self, at: &Placement<'_>, creative: &i64) -> Fallible<Verdict<()>> {
        Ok(ads::create(&self.api, at, *creative)?.map(|ad| self.placed.note(at, ad)))
    }

    fn deliver(&self, _: &str, buy: &MediaBuy, remote: &[RemoteObject], placed: bool) -> Fallible<AssetState> {
        if placed {
            shares::write(&self.api, None, buy, remote, &self.placed)?;
        }
        Ok(AssetState::Approved)
    }

    fn end_update(&self, update: &Update<'_, Self>, changes: &[ItemChange<'_, Self>], _: bool) -> Fallible<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let (current, desired) = (&update.request.current, &update.request.desired);
        shares::write(&self.api, Some(current), desired, update.remote, &self.placed)
    }

    fn displace(&self, at: &Placement<'_>) -> Fallible<Verdict<()>> {
        ads::switch_off(&self.api, at)
    }

    fn find_orders(&self, reference: &str) -> Fallible<Vec<Seen<i64>>> {
        campaign::find(&self.api, reference)
    }

    fn find_orders_of(&self, media_buy_id: &str) -> Fallible<Vec<String>> {
        campaign::find_by_buy(&self.api, self.advertiser()?, media_buy_id)
    }

    /// A flight's step never names another campaign.
    fn find_items(&self, campaign: Option<&str>, reference: &str) -> Fallible<Vec<Seen<i64>>> {
        campaign.map_or(Ok(Vec::new()), |campaign| flight::find(&self.api, api::number(campaign)?, reference))
    }

    fn find_creatives(&self, reference: &str) -> Fallible<Vec<Seen<i64>>> {
        creative::find(&self.api, self.advertiser()?, reference)
    }

    /// An ad that a person added carries no reference.
    fn find_placements(&self, key: &PlacementKey<'_>, reference: &str) -> Fallible<Vec<Seen<String>>> {
        ads::find(&self.api, key.item, reference)
    }

    /// Places, sites and day parts can't carry a reference, so those with the step's content are
    /// returned.
    fn find_parts(&self, word: &str, key: &str, flight: &str, says: &str) -> Fallible<Vec<MadeObject>> {
        let Some(part) = Part::named(word) else { return Ok(Vec::new()) };
        let seen = part.find(&self.api, flight, says)?;
        Ok(made::objects(seen, part.remote_type(), &part.kind(), key))
    }

    fn find_made(&self, ctx: &Context, step: &MadeStep) -> Fallible<Vec<MadeObject>> {
        match late::find(self, ctx, step) {
            // The campaign or flight is gone, and everything in it, too.
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(Vec::new()),
            found => found,
        }
    }

    fn change_order(&self, update: &Update<'_, Self>) -> Fallible<()> {
        let changes = changed_fields(&update.current.order.fields, &update.desired.order.fields);
        if changes.is_empty() {
            return Ok(());
        }
        let start = &update.request.desired.start;
        step("campaign/update").try_set(|| campaign::change(&self.api, update.order, &changes, start))?
    }

    fn change_item(&self, _: &str, id: &str, _: &Flight, changes: Object) -> Fallible<()> {
        flight::change(&self.api, id, &changes)
    }

    fn change_parts(&self, id: &str, change: &ItemChange<'_, Self>, remote: &[RemoteObject]) -> Fallible<Verdict<()>> {
        parts::change(&self.api, remote, id, change.current, change.desired)
    }

    fn stop_order(&self, id: &str, buy: Option<&MediaBuy>) -> Fallible<bool> {
        if let Some(buy) = buy {
            return campaign::archive(&self.api, id, &buy.start);
        }
        let archive = || campaign::archive(&self.api, id, &moment::format(host::now()));
        caps::unless_over(&self.api, path!("/v1/campaign/{}", id), archive)
    }

    fn stop_item(&self, id: &str, package: Option<&PackageOrder>) -> Fallible<bool> {
        let archive = || flight::archive(&self.api, id, package);
        if package.is_some() { archive() } else { caps::unless_over(&self.api, path!("/v1/flight/{}", id), archive) }
    }

    fn stop_creative(&self, _: Option<&str>, id: &str) -> Fallible<()> {
        creative::switch_off(&self.api, id)
    }

    fn discard(&self, id: &str) -> Fallible<()> {
        creative::delete(&self.api, id)
    }

    fn stop_placement(&self, id: &str) -> Fallible<bool> {
        ads::stop(&self.api, id).map(|()| true)
    }

    fn stop_part(&self, word: &str, flight: Option<&str>, id: &str) -> Fallible<bool> {
        let (Some(part), Some(flight)) = (Part::named(word), flight) else { return Ok(false) };
        part.delete(&self.api, flight, id).map(|_| true)
    }

    fn read_status(&self, buys: &[RemoteBuy]) -> Fallible<Shelf> {
        status::read(&self.api, buys)
    }

    fn read_delivery(&self, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
        delivery::read(&self.api, &self.ctx, buys, range)
    }
}
