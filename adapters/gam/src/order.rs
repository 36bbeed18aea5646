//! An order, which carries a media buy on Ad Manager, and its approval.
//!
//! An order is a draft until it is approved. The adapter leaves it a draft until it has a creative,
//! then approves it or submits it for a person's approval, as the publisher's settings say. An
//! order that waits for approval can't be changed: it is retracted, changed and resubmitted.

use flightdeck_adapter::{ad_server::Translated, names, prelude::*};
use serde::Deserialize;

use crate::{
    api::{Made, Network, id_of, quoted},
    line_item::is_running,
    refusal::{exists, has_reason, not_shown_yet},
    settings::Platform,
};

mod fields;
mod reservation;

use self::fields::more;
pub use self::reservation::{Reservation, reservation};

/// The platform's name for the type.
pub const TYPE: &str = "Order";
/// The maximum length of a name, in characters (reference, `displayName`).
pub const NAME_LIMIT: usize = 255;
/// The maximum length of a PO number, in characters (reference, `poNumber`).
const PO_LIMIT: usize = 63;
/// The most line items of an order (help 1628457).
const ITEM_LIMIT: usize = 450;

/// The room for a reference at the end of a name, in characters. References are shorter.
const REFERENCE_ROOM: usize = 80;
/// What stands between the words of a name.
const SEPARATORS: [char; 4] = [' ', '[', ']', ','];

/// The desired state of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The display name.
    pub name: String,
    media_buy_id: String,
    po_number: Option<String>,
    /// Whether it may deliver.
    pub active: bool,
    /// The fields that the publisher's settings add.
    more: Object,
}

/// Translates a media buy into its order.
pub fn translate(platform: &Platform, buy: &MediaBuy, problems: &mut Problems) -> Order {
    if let Some(number) = buy.po_number.as_ref().filter(|number| number.chars().count() > PO_LIMIT) {
        let message = format!("A PO number on Ad Manager has at most {PO_LIMIT} characters.");
        problems.unsupported("unsupported_po_number", "/po_number", number, message, &[]);
    }
    if let Some(daily) = buy.daily_budget {
        let message = "Ad Manager has no daily cap for what has an impression goal: it spreads the goal evenly. Leave \
                       daily_budget out.";
        let value = flightdeck_adapter::money::decimal(daily);
        problems.unsupported("unsupported_daily_budget", "/daily_budget", value, message, &[]);
    }
    if buy.packages.len() > ITEM_LIMIT {
        let message = format!("An order on Ad Manager has at most {ITEM_LIMIT} line items. Split the media buy.");
        problems.unsupported("too_many_packages", "/packages", buy.packages.len().to_string(), message, &[]);
    }
    let name = match &platform.order_name {
        Some(template) => template.order(&platform.buyer, buy),
        None => buy.name.clone(),
    };
    Order {
        name,
        media_buy_id: buy.media_buy_id.clone(),
        po_number: buy.po_number.clone(),
        active: buy.active,
        more: more(platform),
    }
}

impl Translated for Order {
    fn name(&self) -> &str {
        &self.name
    }

    /// Includes whether it delivers, which is an action on Ad Manager rather than a field.
    fn shown(&self) -> Object {
        object! { "active": self.active }
    }
}

impl Order {
    /// Returns the name without its reference. It contains the media buy's id, by which an order is
    /// found if its own id was lost. If the reference may cut the id off, the id is put in front.
    fn called(&self) -> String {
        let kept: String = self.name.chars().take(NAME_LIMIT - REFERENCE_ROOM).collect();
        if kept.split(SEPARATORS).any(|word| word == self.media_buy_id) {
            return self.name.clone();
        }
        format!("{} · {}", self.media_buy_id, self.name)
    }

    /// Returns the body that creates the order, without its reference.
    #[must_use]
    pub fn created(&self, network: &Network, advertiser: &str) -> Object {
        let mut object = object! {
            "displayName": self.called(),
            "advertiser": network.name("companies", advertiser),
            "trafficker": network.name("users", &network.platform.trafficker_id),
        };
        if let Some(number) = &self.po_number {
            object.set("poNumber", number);
        }
        object.set_all(&self.more);
        object
    }

    /// Creates the order as a draft.
    ///
    /// # Errors
    /// When Ad Manager refuses.
    pub fn create(&self, network: &Network, advertiser: &str, reference: &str) -> Fallible<String> {
        let mut order = self.created(network, advertiser);
        order.set("displayName", names::with_reference(&self.called(), reference, NAME_LIMIT));
        // Each request of a batch names the parent, too (type `CreateOrderRequest`).
        let request = object! { "parent": network.parent(), "order": order };
        let body = object! { "requests": vec![request] };
        let made = network.post("orders:batchCreate").json(&body).fetch::<Batch>();
        match made {
            Ok(batch) => match batch.orders.first() {
                Some(order) => id_of(&order.name),
                None => {
                    Err(Failure::unavailable("unreadable_answer", "Ad Manager answered without the order it made."))
                }
            },
            // Names are unique, and only this step's order has this name.
            Err(failure) if exists(&failure) => {
                let found = made::in_order(find(network, reference)?).into_iter().next();
                found.map(|seen| seen.id).ok_or_else(|| not_shown_yet("this order"))
            }
            Err(failure) => Err(failure),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Batch {
    #[serde(default)]
    orders: Vec<Made>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    name: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    archived: bool,
}

/// Finds the orders that carry a reference. There is at most one, because names are unique among
/// all orders of a network, unless a person gives another order such a name.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn find(network: &Network, reference: &str) -> Fallible<Vec<Seen<String>>> {
    let filter = format!("displayName : {}", quoted(reference));
    let list = network.list::<Found>("orders", "orders", &filter);
    let seen = list.map(|found| {
        let found = found?;
        let over = found.archived || matches!(found.status.as_str(), "CANCELED" | "DELETED");
        Ok(Seen::new(id_of(&found.name)?).named(found.display_name).active(!over))
    });
    made::carrying(seen, reference)
}

/// Finds a media buy's order whose id was lost, by the media buy's id in its name.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn find_by_buy(network: &Network, advertiser: &str, media_buy_id: &str) -> Fallible<Vec<String>> {
    let advertiser = quoted(&network.name("companies", advertiser));
    let filter = format!("advertiser = {advertiser} AND displayName : {}", quoted(media_buy_id));
    for found in network.list::<Found>("orders", "orders", &filter) {
        let found = found?;
        if found.display_name.split(SEPARATORS).any(|word| word == media_buy_id) {
            return Ok(vec![id_of(&found.name)?]);
        }
    }
    Ok(Vec::new())
}

/// The status of an order (reference, `OrderStatus`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The display name.
    pub name: String,
    /// `DRAFT`, `PENDING_APPROVAL`, `APPROVED`, `DISAPPROVED`, `PAUSED`, `CANCELED`, `DELETED`.
    #[serde(default)]
    pub status: String,
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
}

impl Standing {
    fn approval(&self) -> Approval {
        match self.status.as_str() {
            "APPROVED" | "PAUSED" => Approval::Approved,
            "PENDING_APPROVAL" => Approval::Pending,
            _ => Approval::Neither,
        }
    }
}

/// Reads the status of an order; `None` if it is gone.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn standing(network: &Network, id: &str) -> Fallible<Option<Standing>> {
    let read: Option<Standing> = network.get(&path!("orders/{}", id)).fetch_if_any()?;
    Ok(read.filter(|standing| standing.status != "DELETED"))
}

fn there(network: &Network, id: &str) -> Fallible<Standing> {
    standing(network, id)?
        .ok_or_else(|| Failure::not_found("order_missing", format!("There is no order {id} on Ad Manager.")))
}

fn act(network: &Network, action: &str, standing: &Standing) -> Fallible<()> {
    network.act("orders", action, vec![standing.name.clone()])
}

/// The result of asking for an order's approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize)]
pub enum Approval {
    /// It is approved.
    Approved,
    /// It waits for a person's approval.
    Pending,
    /// Neither: it is a draft while the buy is paused, disapproved, or archived.
    Neither,
}

impl Approval {
    /// Returns the state of a creative in the order.
    #[must_use]
    pub const fn asset_state(self) -> AssetState {
        match self {
            Self::Approved => AssetState::Approved,
            Self::Pending | Self::Neither => AssetState::Pending,
        }
    }
}

/// Reads the approval of an order.
///
/// # Errors
/// When the order is gone, or Ad Manager can't be reached.
pub fn approval(network: &Network, id: &str) -> Fallible<Approval> {
    Ok(there(network, id)?.approval())
}

/// Approves a draft order, or submits it for approval. An order that is not a draft stays as it is.
///
/// # Errors
/// `unavailable` while there is no forecast. `permission` when the service account may not approve
/// it, or the credit status of the advertiser keeps it. When Ad Manager refuses.
pub fn approve(network: &Network, id: &str, reservation: &Reservation) -> Fallible<Approval> {
    let standing = there(network, id)?;
    if standing.status != "DRAFT" || standing.archived {
        return Ok(standing.approval());
    }
    reservation.reserve(network)?;
    let (action, body) = reservation.request(network.platform.approve_orders, &standing.name);
    let done = network.post(&format!("orders:{action}")).json(&body).send();
    if !network.platform.approve_orders {
        return done.map(|_| Approval::Pending);
    }
    match done {
        Ok(_) => Ok(Approval::Approved),
        Err(failure) => Err(explained(failure)),
    }
}

/// Says what a person can do about an approval that Ad Manager refused.
fn explained(mut failure: Failure) -> Failure {
    let code = failure.platform.as_ref().map(|answer| answer.code.clone()).unwrap_or_default();
    let credit = code.split_once("COMPANY_CREDIT_STATUS_").map(|(_, status)| status.to_owned());
    let cure = if let Some(status) = credit {
        // Nothing that the adapter could try again: the operation waits for a person.
        failure.kind = FailureKind::Permission;
        failure.code = "advertiser_credit".to_owned();
        format!(
            "The credit status of the advertiser is {status} in Ad Manager. Set it to active there, then let the \
             operation go on."
        )
    } else if failure.kind == FailureKind::Permission {
        failure.code = "may_not_approve".to_owned();
        "Let the service account's role approve orders, or set approve_orders = false in the platform's settings, so \
         that orders are submitted for a person's approval."
            .to_owned()
    } else if has_reason(&failure, &["NOT_ENOUGH_INVENTORY"]) {
        "Lower the goal, or set allow_overbook in the product's settings.".to_owned()
    } else {
        return failure;
    };
    failure.message = format!("{} {cure}", failure.message);
    failure
}

/// Retracts an order that waits for approval, so that it can be changed. Other orders stay as they
/// are.
///
/// # Errors
/// When Ad Manager refuses.
pub fn open(network: &Network, id: &str) -> Fallible<()> {
    let standing = there(network, id)?;
    if standing.status == "PENDING_APPROVAL" { act(network, "batchRetract", &standing) } else { Ok(()) }
}

/// Stops the delivery of an order: Ad Manager pauses its line items. A draft doesn't deliver anyway;
/// an order that waits for approval becomes a draft again.
///
/// # Errors
/// When Ad Manager refuses.
pub fn pause(network: &Network, id: &str) -> Fallible<()> {
    let standing = there(network, id)?;
    match standing.status.as_str() {
        "APPROVED" => match act(network, "batchPause", &standing) {
            // It has ended, or nothing of it is left to pause: that is what was wanted.
            Err(failure) if has_reason(&failure, &["NOT_APPLICABLE", "HAS_ENDED"]) => {
                if runs(network, &standing)? {
                    Err(failure)
                } else {
                    Ok(())
                }
            }
            done => done,
        },
        "PENDING_APPROVAL" => act(network, "batchRetract", &standing),
        _ => Ok(()),
    }
}

/// Whether any line item of an order delivers, or will.
fn runs(network: &Network, standing: &Standing) -> Fallible<bool> {
    #[derive(Deserialize)]
    struct Item {
        #[serde(default)]
        status: String,
    }
    let filter = format!("order = {}", quoted(&standing.name));
    for item in network.list::<Item>("lineItems", "lineItems", &filter) {
        if is_running(&item?.status) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lets an order deliver again. Its line items are resumed one by one, so that those of packages
/// that are off stay paused; `PAUSED` is a legacy status of an order itself (type `OrderStatus`). A
/// draft is approved or submitted if it has creatives, including those of an upload that has not
/// finished: the upload may have passed its approval step while the buy was paused.
///
/// # Errors
/// As [`approve`].
pub fn resume(network: &Network, id: &str, has_creatives: bool, reservation: &Reservation) -> Fallible<()> {
    let standing = there(network, id)?;
    match standing.status.as_str() {
        "PAUSED" => act(network, "batchResume", &standing),
        "DRAFT" if has_creatives => approve(network, id, reservation).map(|_| ()),
        _ => Ok(()),
    }
}

/// Archives an order, and returns whether it existed. An order that delivers is paused first.
///
/// # Errors
/// When Ad Manager refuses.
pub fn archive(network: &Network, id: &str) -> Fallible<bool> {
    let Some(standing) = standing(network, id)? else { return Ok(false) };
    if !standing.archived {
        pause(network, id)?;
        act(network, "batchArchive", &standing)?;
    }
    Ok(true)
}
