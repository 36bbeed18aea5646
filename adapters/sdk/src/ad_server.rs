//! An adapter as a description of its ad server: write [`AdServer`], and the type is an [`Adapter`](crate::Adapter).
//!
//! Ad servers differ in their objects: what an order, a line item and a creative look like, how each is made, found,
//! changed and stopped. They don't differ in what is done with them. So an author writes the objects, and this module
//! has what every adapter does:
//!
//! | module | function of the contract |
//! |---|---|
//! | [`booking`] | plans, makes and cancels a media buy: one order, and one line item for each package |
//! | [`creatives`] | uploads creatives and places them in line items |
//! | [`update`] | makes of what is what is to be, package by package |
//! | [`status`] | how many buys stand, from one reading of the platform |
//! | [`delivery`] | what many buys delivered, from as few reports as the platform allows |
//! | [`late`] | finds and stops what a lost request made after all |
//!
//! Plans and changes come from one translation ([`AdServer::translate`]), so what a reviewer approved is what is sent.
//!
//! An ad server that does not fit implements [`Adapter`](crate::Adapter) itself, with [steps](crate::step) of its own.

pub mod booking;
pub mod creatives;
pub mod delivery;
mod dispatch;
pub mod late;
pub mod objects;
pub mod status;
pub mod update;

use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    booking::Booking,
    creatives::Placement,
    delivery::{Counted, Counts, Delivered},
    late::PlacementKey,
    objects::{LineItem, Noun, Translated, Uploadable, Words},
    status::Standing,
    update::{ItemChange, Update},
};
use crate::{
    advice::Advice,
    failure::{Fallible, Problems},
    json::Object,
    made::Seen,
    plan::{Change as PlannedChange, Plan},
    step::{RemoteId, Verdict},
    types::{
        AssetState, Context, Creative, DateRange, Description, MadeObject, MadeStep, MediaBuy, PackageOrder, RemoteBuy,
        RemoteObject,
    },
};

/// An ad server, open for one call: its settings, its API, and what was looked up on it.
///
/// Functions that make and change objects are called within a [step](crate::step), unless they say otherwise. So they
/// may be called again for what has happened already; what is stopped or gone stays so and is no failure.
pub trait AdServer: Sized {
    /// What the platform calls its objects.
    const WORDS: Words;
    /// What a person could do about a package that performs above the baseline: platforms have no index of their own.
    const ABOVE: Advice<'static>;
    /// The same for one below it.
    const BELOW: Advice<'static>;
    /// Whether line items are stopped one by one before their order. Otherwise they stop with it.
    const STOPS_ITEMS: bool = false;
    /// Whether a creative that no line item took is taken away again, with [`discard`](AdServer::discard).
    const DISCARDS: bool = true;
    /// What a reviewer should know of every creation besides what its translation notes.
    const CREATE_NOTES: &'static [&'static str] = &[];
    /// The same for every change of line items.
    const CHANGE_NOTES: &'static [&'static str] = &[];
    /// The same for every cancellation.
    const CANCEL_NOTES: &'static [&'static str] = &[];

    /// What the platform calls an object by.
    type Id: RemoteId + Serialize + DeserializeOwned + Clone;
    /// An order as it is to be.
    type Order: Translated;
    /// A line item as it is to be.
    type Item: LineItem;
    /// A creative as it is to be.
    type Asset: Uploadable;
    /// What was read of the platform to tell how buys stand.
    type Shelf: Standing;

    /// What this adapter is and can do.
    fn describe() -> Description;

    /// The ad server of a context. Settings that only translations need are not read here, so that what is on the
    /// platform can be stopped whatever they say now.
    ///
    /// # Errors
    /// When the settings that every call needs can't be read.
    fn open(ctx: &Context) -> Fallible<Self>;

    /// An id of an object as the platform writes it, from the text that was remembered.
    ///
    /// # Errors
    /// `invalid` when it is none: it was not this adapter that remembered it.
    fn id(text: &str) -> Fallible<Self::Id>;

    // Translations. No network.

    /// Translates a media buy, and gathers what the platform can't do of it.
    ///
    /// # Errors
    /// When the buy can't even be read.
    fn translate(&self, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Booking<Self::Order, Self::Item>>;

    /// Translates a creative for some packages of the buy. `None` if it can't be, which the problems say.
    ///
    /// # Errors
    /// When a product's settings can't be read.
    fn translate_creative(
        &self,
        buy: &MediaBuy,
        creative: &Creative,
        package_ids: &[String],
        problems: &mut Problems,
        notes: &mut Vec<String>,
    ) -> Fallible<Option<Self::Asset>>;

    /// What a new order is sent with, without its reference.
    ///
    /// # Errors
    /// When the principal's advertiser is none.
    fn new_order(&self, order: &Self::Order) -> Fallible<Object>;

    /// What a new line item is sent with, without order and reference.
    fn new_item(&self, item: &Self::Item) -> Object;

    /// What a new creative is sent with, without its reference.
    ///
    /// # Errors
    /// When the principal's advertiser is none.
    fn new_creative(&self, asset: &Self::Asset) -> Fallible<Object>;

    /// What a new placement is shown with as long as neither of the two exists.
    fn new_placement(creative_id: &str) -> Object;

    /// How an order or line item that is to be stopped is shown, before and after. `active` is the buyer's word for it.
    fn stopped(active: bool) -> (Object, Object);

    /// Plans the resources below a line item that stand by themselves. `current` is `None` for a new one.
    fn plan_parts(&self, _current: Option<&Self::Item>, _desired: &Self::Item, _plan: &mut Plan) {}

    /// Plans what makes the first creatives of a buy deliver, such as an approval.
    fn plan_delivery(&self, _remote: &[RemoteObject], _buy: &MediaBuy, _plan: &mut Plan) {}

    /// The planned change that switches a placement on again, where one that ended stays on the platform.
    #[must_use]
    fn plan_again(_key: &str) -> Option<PlannedChange> {
        None
    }

    /// The planned change that ends a placement.
    fn plan_end(key: &str, creative_id: &str) -> PlannedChange {
        PlannedChange::delete(Self::WORDS.placement.remote_type, key, &Self::new_placement(creative_id))
    }

    // Making.

    /// Looks up what the translations of line items name, before anything is made. Not in a step: it only reads.
    ///
    /// # Errors
    /// `unsupported` with what the platform does not have.
    fn prepare(&mut self, _booking: &Booking<Self::Order, Self::Item>) -> Fallible<()> {
        Ok(())
    }

    /// Makes an order.
    ///
    /// # Errors
    /// What the platform refuses.
    fn create_order(&self, order: &Self::Order, reference: &str) -> Fallible<Self::Id>;

    /// Makes a line item in an order.
    ///
    /// # Errors
    /// What the platform refuses.
    fn create_item(&self, order: &Self::Id, item: &Self::Item, reference: &str) -> Fallible<Self::Id>;

    /// Called after a line item was made, outside of its step: makes the resources below it, each in a step of its own.
    ///
    /// # Errors
    /// What the platform refuses.
    fn item_made(&self, _id: &Self::Id, _item: &Self::Item) -> Fallible<()> {
        Ok(())
    }

    /// Uploads a creative. `known` is the id under which an earlier operation left it on the platform.
    ///
    /// # Errors
    /// What the platform refuses.
    fn create_creative(&self, asset: &Self::Asset, known: Option<&str>, reference: &str) -> Fallible<Self::Id>;

    /// Has a line item show a creative, in a step of its own.
    ///
    /// # Errors
    /// What may pass: a refusal is in the verdict.
    fn place(&self, at: &Placement<'_>, creative: &Self::Id) -> Fallible<Verdict<()>>;

    /// Has a line item show a creative no more, in a step of its own. One that is not known was never placed.
    ///
    /// # Errors
    /// As [`place`](AdServer::place).
    fn displace(&self, at: &Placement<'_>) -> Fallible<Verdict<()>>;

    /// Called once creatives were uploaded, outside of a step: has them deliver, if `placed` says that any is in a line
    /// item, and says what became of them. `buy` is as it is to be.
    ///
    /// # Errors
    /// When the platform can't be asked or refuses.
    fn deliver(&self, _order: &str, _buy: &MediaBuy, _remote: &[RemoteObject], _placed: bool) -> Fallible<AssetState> {
        Ok(AssetState::Approved)
    }

    // Finding, by a step's reference: all that carry it, however many.

    /// Finds orders.
    ///
    /// # Errors
    /// When the platform can't be asked.
    fn find_orders(&self, reference: &str) -> Fallible<Vec<Seen<Self::Id>>>;

    /// Finds the orders of a media buy whose ids were never learnt: their answers were lost.
    ///
    /// # Errors
    /// When the platform can't be asked.
    fn find_orders_of(&self, media_buy_id: &str) -> Fallible<Vec<String>>;

    /// Finds line items, in the order where it is known.
    ///
    /// # Errors
    /// When the platform can't be asked.
    fn find_items(&self, order: Option<&str>, reference: &str) -> Fallible<Vec<Seen<Self::Id>>>;

    /// Finds creatives.
    ///
    /// # Errors
    /// When the platform can't be asked.
    fn find_creatives(&self, reference: &str) -> Fallible<Vec<Seen<Self::Id>>>;

    /// Says of a creative that was found whether it delivers, where [`find_creatives`](AdServer::find_creatives) can't.
    ///
    /// # Errors
    /// When the platform can't be asked.
    fn is_shown(&self, _order: Option<&str>, seen: Seen<Self::Id>) -> Fallible<Seen<Self::Id>> {
        Ok(seen)
    }

    /// Finds placements.
    ///
    /// # Errors
    /// When the platform can't be asked.
    fn find_placements(&self, key: &PlacementKey<'_>, reference: &str) -> Fallible<Vec<Seen<String>>>;

    /// Finds what only this platform has: the step's name without its first word is the key, which begins with the
    /// package whose line item is `item`.
    ///
    /// # Errors
    /// When the platform can't be asked.
    fn find_parts(&self, _word: &str, _key: &str, _item: &str, _says: &str) -> Fallible<Vec<MadeObject>> {
        Ok(Vec::new())
    }

    /// Answers the host's look for what a step made. A platform overrides it only to change what a failure means.
    ///
    /// # Errors
    /// When the platform can't be asked.
    fn find_made(&self, ctx: &Context, step: &MadeStep) -> Fallible<Vec<MadeObject>> {
        late::find(self, ctx, step)
    }

    // Changing.

    /// Changes the order, in steps of its own, before any line item. The first refusal ends the update.
    ///
    /// # Errors
    /// What the platform refuses.
    fn change_order(&self, update: &Update<'_, Self>) -> Fallible<()>;

    /// Changes fields of a line item.
    ///
    /// # Errors
    /// What the platform refuses.
    fn change_item(&self, order: &str, id: &str, desired: &Self::Item, changes: Object) -> Fallible<()>;

    /// Changes the resources below a line item, each in a step of its own, after its fields and before its creatives.
    ///
    /// # Errors
    /// What may pass: a refusal is in the verdict.
    fn change_parts(
        &self,
        _id: &str,
        _change: &ItemChange<'_, Self>,
        _remote: &[RemoteObject],
    ) -> Fallible<Verdict<()>> {
        Ok(Ok(()))
    }

    /// Switches a line item on or off, in a step of its own, after its creatives: where that is no field of it.
    ///
    /// # Errors
    /// What may pass: a refusal is in the verdict.
    fn switch_item(
        &self,
        _id: &str,
        _change: &ItemChange<'_, Self>,
        _update: &Update<'_, Self>,
    ) -> Fallible<Verdict<()>> {
        Ok(Ok(()))
    }

    /// Ends an update, in steps of its own. `complete` says that no line item was refused.
    ///
    /// # Errors
    /// What the platform refuses.
    fn end_update(
        &self,
        _update: &Update<'_, Self>,
        _changes: &[ItemChange<'_, Self>],
        _complete: bool,
    ) -> Fallible<()> {
        Ok(())
    }

    // Stopping: nothing of it delivers afterwards.

    /// Stops an order with all in it, and says whether it was still there. `buy` is `None` for one that nobody knew of.
    ///
    /// # Errors
    /// When the platform can't be asked or refuses.
    fn stop_order(&self, id: &str, buy: Option<&MediaBuy>) -> Fallible<bool>;

    /// Stops a line item, and says whether it was still there. `package` is `None` for one that nobody knew of.
    ///
    /// # Errors
    /// When the platform can't be asked or refuses.
    fn stop_item(&self, id: &str, package: Option<&PackageOrder>) -> Fallible<bool>;

    /// Stops a creative in whatever line item it is.
    ///
    /// # Errors
    /// When the platform can't be asked or refuses.
    fn stop_creative(&self, order: Option<&str>, id: &str) -> Fallible<()>;

    /// Takes away a creative that no line item took. Only called where [`DISCARDS`](AdServer::DISCARDS) says so.
    ///
    /// # Errors
    /// When the platform can't be asked or refuses.
    fn discard(&self, id: &str) -> Fallible<()> {
        self.stop_creative(None, id)
    }

    /// Stops a placement. `false`: the id is no placement's.
    ///
    /// # Errors
    /// When the platform can't be asked or refuses.
    fn stop_placement(&self, id: &str) -> Fallible<bool>;

    /// Stops what only this platform has; `item` is the line item of the package that its key begins with. `false`:
    /// nothing of this word is this adapter's.
    ///
    /// # Errors
    /// When the platform can't be asked or refuses.
    fn stop_part(&self, _word: &str, _item: Option<&str>, _id: &str) -> Fallible<bool> {
        Ok(false)
    }

    // Reading.

    /// Reads how buys stand, in as few requests as the platform allows.
    ///
    /// # Errors
    /// When the platform can't be asked at all.
    fn read_status(&self, buys: &[RemoteBuy]) -> Fallible<Self::Shelf>;

    /// Reads what buys delivered in a range of days, in as few requests as the platform allows.
    ///
    /// # Errors
    /// When the platform can't be asked, or is not done in time.
    fn read_delivery(&self, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered>;
}
