//! An adapter as a description of its ad server: a type that implements [`AdServer`] is an
//! [`Adapter`](crate::Adapter).
//!
//! Ad servers differ in their objects: what an order, a line item and a creative look like, and how
//! each is made, found, changed and stopped. What is done with those objects is the same
//! everywhere. So an author describes the objects, and this module implements what every adapter
//! does:
//!
//! | module | function of the contract |
//! |---|---|
//! | [`booking`] | plans, makes and cancels a media buy: one order, and one line item for each package |
//! | [`creatives`] | uploads creatives and places them in line items |
//! | [`update`] | changes line items from their current to their desired state, package by package |
//! | [`status`] | reports the status of many buys from one read of the platform |
//! | [`delivery`] | reports what many buys delivered, from as few reports as the platform allows |
//! | [`shared`] | has one report serve whoever asks next |
//! | [`late`] | finds and stops objects that a lost request made after all |
//!
//! Plans and changes come from one translation ([`AdServer::translate`]), so the adapter sends
//! exactly what the reviewer approved.
//!
//! If an ad server doesn't fit this model, implement [`Adapter`](crate::Adapter) directly, with
//! [steps](crate::step) of your own.

pub mod booking;
pub mod creatives;
pub mod delivery;
mod dispatch;
pub mod late;
pub mod objects;
pub mod shared;
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

/// An ad server, opened for one call: its settings, its API, and the results of lookups.
///
/// Functions that make and change objects are called within a [step](crate::step), unless they say
/// otherwise. So they may be called again for a change that has already happened. An object that is
/// already stopped or gone stays so; that is not a failure.
pub trait AdServer: Sized {
    /// What the platform calls its objects.
    const WORDS: Words;
    /// Advice for a package that performs above the baseline, to be acted on by a person: platforms
    /// have no performance index of their own.
    const ABOVE: Advice<'static>;
    /// Advice for a package that performs below the baseline.
    const BELOW: Advice<'static>;
    /// Whether line items are stopped one by one before their order. Otherwise they stop with it.
    const STOPS_ITEMS: bool = false;
    /// Whether a creative that no line item accepted is removed again, with
    /// [`discard`](AdServer::discard).
    const DISCARDS: bool = true;
    /// Notes for the reviewer of every creation, in addition to those from the translation.
    const CREATE_NOTES: &'static [&'static str] = &[];
    /// Notes for the reviewer of every change of line items.
    const CHANGE_NOTES: &'static [&'static str] = &[];
    /// Notes for the reviewer of every cancellation.
    const CANCEL_NOTES: &'static [&'static str] = &[];

    /// The platform's id of an object.
    type Id: RemoteId + Serialize + DeserializeOwned + Clone;
    /// The desired state of an order.
    type Order: Translated;
    /// The desired state of a line item.
    type Item: LineItem;
    /// The desired state of a creative.
    type Asset: Uploadable;
    /// What was read from the platform to determine the status of buys.
    type Shelf: Standing;

    /// Describes this adapter and its capabilities.
    fn describe() -> Description;

    /// Opens the ad server of a context. Don't read settings here that only translations need:
    /// objects on the platform must stay stoppable even when those settings are invalid.
    ///
    /// # Errors
    /// When the settings that every call needs can't be read.
    fn open(ctx: &Context) -> Fallible<Self>;

    /// Parses an object's id from the text that was remembered.
    ///
    /// # Errors
    /// `invalid` when the text is not an id, which means that another adapter remembered it.
    fn id(text: &str) -> Fallible<Self::Id>;

    // Translations. No network.

    /// Translates a media buy, and collects what the platform can't do of it.
    ///
    /// # Errors
    /// When the buy can't be parsed.
    fn translate(&self, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Booking<Self::Order, Self::Item>>;

    /// Translates a creative for some packages of the buy. Returns `None` if that is not possible;
    /// `problems` then says why.
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

    /// Returns the body that creates an order, without its reference.
    ///
    /// # Errors
    /// When the principal's advertiser id is invalid.
    fn new_order(&self, order: &Self::Order) -> Fallible<Object>;

    /// Returns the body that creates a line item, without order and reference.
    fn new_item(&self, item: &Self::Item) -> Object;

    /// Returns the body that creates a creative, without its reference.
    ///
    /// # Errors
    /// When the principal's advertiser id is invalid.
    fn new_creative(&self, asset: &Self::Asset) -> Fallible<Object>;

    /// Returns the fields that a plan shows for a new placement while neither the line item nor the
    /// creative exists.
    fn new_placement(creative_id: &str) -> Object;

    /// Returns what a plan shows of an order or line item before and after it is stopped. `active`
    /// is the buyer's flag.
    fn stopped(active: bool) -> (Object, Object);

    /// Plans the resources below a line item that are objects of their own. `current` is `None` for
    /// a new line item.
    fn plan_parts(&self, _current: Option<&Self::Item>, _desired: &Self::Item, _plan: &mut Plan) {}

    /// Plans the changes that make the first creatives of a buy deliver, such as an approval.
    fn plan_delivery(&self, _remote: &[RemoteObject], _buy: &MediaBuy, _plan: &mut Plan) {}

    /// Returns the planned change that reactivates a placement, on platforms that keep ended
    /// placements.
    #[must_use]
    fn plan_again(_key: &str) -> Option<PlannedChange> {
        None
    }

    /// Returns the planned change that ends a placement.
    fn plan_end(key: &str, creative_id: &str) -> PlannedChange {
        PlannedChange::delete(Self::WORDS.placement.remote_type, key, &Self::new_placement(creative_id))
    }

    // Making.

    /// Looks up what the translated line items refer to, before anything is made. Runs outside of a
    /// step, because it only reads.
    ///
    /// # Errors
    /// `unsupported` with everything that the platform doesn't have.
    fn prepare(&mut self, _booking: &Booking<Self::Order, Self::Item>) -> Fallible<()> {
        Ok(())
    }

    /// Creates an order.
    ///
    /// # Errors
    /// When the platform refuses.
    fn create_order(&self, order: &Self::Order, reference: &str) -> Fallible<Self::Id>;

    /// Creates a line item in an order.
    ///
    /// # Errors
    /// When the platform refuses.
    fn create_item(&self, order: &Self::Id, item: &Self::Item, reference: &str) -> Fallible<Self::Id>;

    /// Called after a line item was made, outside of its step. Creates the resources below the line
    /// item, each in a step of its own.
    ///
    /// # Errors
    /// When the platform refuses.
    fn item_made(&self, _id: &Self::Id, _item: &Self::Item) -> Fallible<()> {
        Ok(())
    }

    /// Called before a creative is uploaded, outside of its step. Creates the objects that it consists
    /// of, each in a step of its own. It is also called when the creative is known, and must name the
    /// same steps then.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the verdict.
    fn before_creative(&self, _asset: &Self::Asset) -> Fallible<Verdict<()>> {
        Ok(Ok(()))
    }

    /// Uploads a creative. `known` is its id if an earlier operation left it on the platform.
    ///
    /// # Errors
    /// When the platform refuses.
    fn create_creative(&self, asset: &Self::Asset, known: Option<&str>, reference: &str) -> Fallible<Self::Id>;

    /// Assigns a creative to a line item, in a step of its own.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the verdict.
    fn place(&self, at: &Placement<'_>, creative: &Self::Id) -> Fallible<Verdict<()>>;

    /// Ends the assignment of a creative to a line item, in a step of its own. A creative whose id
    /// is not known was never placed.
    ///
    /// # Errors
    /// As [`place`](AdServer::place).
    fn displace(&self, at: &Placement<'_>) -> Fallible<Verdict<()>>;

    /// Called once creatives were uploaded, outside of a step. If `placed` says that any of them is
    /// in a line item, makes them deliver. Returns their state. `buy` is the desired state of the
    /// buy.
    ///
    /// # Errors
    /// When the platform can't be reached or refuses.
    fn deliver(&self, _order: &str, _buy: &MediaBuy, _remote: &[RemoteObject], _placed: bool) -> Fallible<AssetState> {
        Ok(AssetState::Approved)
    }

    // Lookups by a step's reference. Each returns all objects that carry it, however many.

    /// Finds the orders that carry a reference.
    ///
    /// # Errors
    /// When the platform can't be reached.
    fn find_orders(&self, reference: &str) -> Fallible<Vec<Seen<Self::Id>>>;

    /// Finds the orders of a media buy whose ids are unknown because the responses were lost.
    ///
    /// # Errors
    /// When the platform can't be reached.
    fn find_orders_of(&self, media_buy_id: &str) -> Fallible<Vec<String>>;

    /// Finds the line items that carry a reference, within the order if it is known.
    ///
    /// # Errors
    /// When the platform can't be reached.
    fn find_items(&self, order: Option<&str>, reference: &str) -> Fallible<Vec<Seen<Self::Id>>>;

    /// Finds the creatives that carry a reference.
    ///
    /// # Errors
    /// When the platform can't be reached.
    fn find_creatives(&self, reference: &str) -> Fallible<Vec<Seen<Self::Id>>>;

    /// Sets whether a creative that was found delivers, where
    /// [`find_creatives`](AdServer::find_creatives) can't.
    ///
    /// # Errors
    /// When the platform can't be reached.
    fn is_shown(&self, _order: Option<&str>, seen: Seen<Self::Id>) -> Fallible<Seen<Self::Id>> {
        Ok(seen)
    }

    /// Finds the placements that carry a reference.
    ///
    /// # Errors
    /// When the platform can't be reached.
    fn find_placements(&self, key: &PlacementKey<'_>, reference: &str) -> Fallible<Vec<Seen<String>>>;

    /// Finds resources that only this platform has. The key is the step's name without its first
    /// word; it begins with the package whose line item is `item`.
    ///
    /// # Errors
    /// When the platform can't be reached.
    fn find_parts(&self, _word: &str, _key: &str, _item: &str, _says: &str) -> Fallible<Vec<MadeObject>> {
        Ok(Vec::new())
    }

    /// Finds what a step made, for the host's later lookups. Override it only to change what a
    /// failure means.
    ///
    /// # Errors
    /// When the platform can't be reached.
    fn find_made(&self, ctx: &Context, step: &MadeStep) -> Fallible<Vec<MadeObject>> {
        late::find(self, ctx, step)
    }

    // Changing.

    /// Changes the order, in steps of its own, before any line item. The first refusal ends the
    /// update.
    ///
    /// # Errors
    /// When the platform refuses.
    fn change_order(&self, update: &Update<'_, Self>) -> Fallible<()>;

    /// Changes fields of a line item.
    ///
    /// # Errors
    /// When the platform refuses.
    fn change_item(&self, order: &str, id: &str, desired: &Self::Item, changes: Object) -> Fallible<()>;

    /// Changes the resources below a line item, each in a step of its own, after the line item's
    /// fields and before its creatives.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the verdict.
    fn change_parts(
        &self,
        _id: &str,
        _change: &ItemChange<'_, Self>,
        _remote: &[RemoteObject],
    ) -> Fallible<Verdict<()>> {
        Ok(Ok(()))
    }

    /// Activates or pauses a line item, in a step of its own and after its creatives, on platforms
    /// where that is not a field of the line item.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the verdict.
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
    /// When the platform refuses.
    fn end_update(
        &self,
        _update: &Update<'_, Self>,
        _changes: &[ItemChange<'_, Self>],
        _complete: bool,
    ) -> Fallible<()> {
        Ok(())
    }

    // Stopping: afterwards nothing of the object delivers.

    /// Stops an order and everything in it. Returns whether it still existed. `buy` is `None` for
    /// an order that was not recorded.
    ///
    /// # Errors
    /// When the platform can't be reached or refuses.
    fn stop_order(&self, id: &str, buy: Option<&MediaBuy>) -> Fallible<bool>;

    /// Stops a line item. Returns whether it still existed. `package` is `None` for a line item
    /// that was not recorded.
    ///
    /// # Errors
    /// When the platform can't be reached or refuses.
    fn stop_item(&self, id: &str, package: Option<&PackageOrder>) -> Fallible<bool>;

    /// Stops a creative in every line item.
    ///
    /// # Errors
    /// When the platform can't be reached or refuses.
    fn stop_creative(&self, order: Option<&str>, id: &str) -> Fallible<()>;

    /// Deletes a creative that no line item accepted. Only called where
    /// [`DISCARDS`](AdServer::DISCARDS) is set.
    ///
    /// # Errors
    /// When the platform can't be reached or refuses.
    fn discard(&self, id: &str) -> Fallible<()> {
        self.stop_creative(None, id)
    }

    /// Stops a placement. Returns `false` if the id is not a placement's.
    ///
    /// # Errors
    /// When the platform can't be reached or refuses.
    fn stop_placement(&self, id: &str) -> Fallible<bool>;

    /// Stops a resource that only this platform has. `item` is the line item of the package that
    /// its key begins with. Returns `false` if this adapter makes nothing with this word.
    ///
    /// # Errors
    /// When the platform can't be reached or refuses.
    fn stop_part(&self, _word: &str, _item: Option<&str>, _id: &str) -> Fallible<bool> {
        Ok(false)
    }

    // Reading.

    /// Reads the status of buys, in as few requests as the platform allows.
    ///
    /// # Errors
    /// When the platform can't be reached at all.
    fn read_status(&self, buys: &[RemoteBuy]) -> Fallible<Self::Shelf>;

    /// Reads what buys delivered in a range of days, in as few requests as the platform allows.
    ///
    /// # Errors
    /// When the platform can't be reached, or doesn't finish in time.
    fn read_delivery(&self, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Delivered>;
}
