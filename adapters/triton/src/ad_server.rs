//! Triton as an ad server of the SDK: delegates each function to its module.

use flightdeck_adapter::{
    ad_server::{AdServer, Booking, Delivered, Noun, Placement, PlacementKey, Update, Words},
    advice::Advice,
    plan::changed_fields,
    prelude::*,
};

use crate::{
    api, booking,
    campaign::{self, Campaign},
    creative::{self, Asset},
    delivery, describe,
    flight::{self, Flight},
    playing,
    settings::Platform,
    status::{self, Shelf},
};

/// Triton during one call.
#[derive(Debug)]
pub struct Triton {
    api: Api,
    ctx: Context,
}

impl Triton {
    fn advertiser(&self) -> Fallible<i64> {
        api::advertiser(&self.ctx)
    }
}

impl AdServer for Triton {
    const WORDS: Words = Words {
        platform: api::PLATFORM,
        order: Noun { remote_type: campaign::TYPE, word: "campaign", step: "campaign" },
        item: Noun { remote_type: flight::TYPE, word: "flight", step: "flight" },
        creative: creative::TYPE,
        placement: Noun { remote_type: playing::TYPE, word: "creative in a flight", step: playing::STEP },
    };
    const ABOVE: Advice<'static> =
        ("move_budget", "Triton has no performance index: move budget to it, or give its product more stations.");
    const BELOW: Advice<'static> = (
        "review_targeting",
        "Triton has no performance index: review its targeting and creatives, or move its budget to other packages.",
    );
    // A creative can be neither deactivated nor deleted.
    const DISCARDS: bool = false;
    const CANCEL_NOTES: &'static [&'static str] = &["The flights are put away with their campaign."];

    type Id = i64;
    type Order = Campaign;
    type Item = Flight;
    type Asset = Asset;
    type Shelf = Shelf;

    fn describe() -> Description {
        describe::description()
    }

    fn open(ctx: &Context) -> Fallible<Self> {
        Ok(Self { api: api::open(ctx), ctx: ctx.clone() })
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
        object! { "creativeId": creative_id }
    }

    fn stopped(active: bool) -> (Object, Object) {
        (object! { "active": active, "archived": false }, campaign::archived())
    }

    /// Reads the advertiser, whose currency is that of its campaigns.
    fn prepare(&mut self, booking: &Booking<Campaign, Flight>) -> Fallible<()> {
        booking.order.check_advertiser(&self.api)
    }

    fn create_order(&self, campaign: &Campaign, reference: &str) -> Fallible<i64> {
        campaign.create(&self.api, reference)
    }

    fn create_item(&self, campaign: &i64, flight: &Flight, reference: &str) -> Fallible<i64> {
        flight.create(&self.api, *campaign, reference)
    }

    fn item_made(&self, _: &i64, flight: &Flight) -> Fallible<()> {
        flight::remember_zone(&flight.package_id, &flight.zone);
        Ok(())
    }

    fn create_creative(&self, asset: &Asset, known: Option<&str>, reference: &str) -> Fallible<i64> {
        asset.create_or_take(&self.api, self.advertiser()?, known, reference)
    }

    fn place(&self, at: &Placement<'_>, creative: &i64) -> Fallible<Verdict<()>> {
        playing::begin(&self.api, at, *creative)
    }

    fn displace(&self, at: &Placement<'_>) -> Fallible<Verdict<()>> {
        playing::end(&self.api, at)
    }

    fn find_orders(&self, reference: &str) -> Fallible<Vec<Seen<i64>>> {
        campaign::find(&self.api, self.advertiser()?, reference)
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

    /// A creative delivers if a flight of the buy plays it.
    fn is_shown(&self, campaign: Option<&str>, seen: Seen<i64>) -> Fallible<Seen<i64>> {
        let active = match campaign {
            Some(campaign) => !playing::flights(&self.api, campaign, seen.id)?.is_empty(),
            None => false,
        };
        Ok(seen.active(active))
    }

    /// A flight can play a creative only once, so there is no second placement to find.
    fn find_placements(&self, key: &PlacementKey<'_>, _: &str) -> Fallible<Vec<Seen<String>>> {
        let Some(creative) = key.creative else { return Ok(Vec::new()) };
        let plays = playing::plays(&self.api, key.item, api::number(creative)?)?;
        Ok(plays.then(|| Seen::new(playing::id(key.item, creative))).into_iter().collect())
    }

    fn change_order(&self, update: &Update<'_, Self>) -> Fallible<()> {
        let changes = changed_fields(&update.current.order.fields, &update.desired.order.fields);
        if changes.is_empty() {
            return Ok(());
        }
        step("campaign/update").try_set(|| campaign::change(&self.api, update.order, &changes))?
    }

    fn change_item(&self, _: &str, id: &str, _: &Flight, changes: Object) -> Fallible<()> {
        flight::change(&self.api, id, &changes)
    }

    fn stop_order(&self, id: &str, _: Option<&MediaBuy>) -> Fallible<bool> {
        campaign::archive(&self.api, id)
    }

    fn stop_item(&self, id: &str, _: Option<&PackageOrder>) -> Fallible<bool> {
        flight::switch_off(&self.api, id)
    }

    /// Triton can't deactivate a creative, so the buy's flights stop playing it.
    fn stop_creative(&self, campaign: Option<&str>, id: &str) -> Fallible<()> {
        let creative = api::number(id)?;
        let flights = campaign.map(|campaign| playing::flights(&self.api, campaign, creative)).transpose()?;
        flights.unwrap_or_default().iter().try_for_each(|flight| playing::stop(&self.api, flight, creative))
    }

    fn stop_placement(&self, id: &str) -> Fallible<bool> {
        let Some((flight, creative)) = id.split_once('/') else { return Ok(false) };
        let creative = api::number(creative)?;
        if playing::plays(&self.api, flight, creative)? {
            playing::stop(&self.api, flight, creative)?;
        }
        Ok(true)
    }

    fn read_status(&self, buys: &[RemoteBuy]) -> Fallible<Shelf> {
        status::read(&self.api, &Platform::read(&self.ctx)?, buys)
    }

    fn read_delivery(&self, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered> {
        delivery::read(&self.api, &self.ctx, buys, range)
    }
}
