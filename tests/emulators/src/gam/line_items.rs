//! Line items: written one at a time or in batches, paused and archived by actions.

use serde_json::{Value, json};

use super::{
    delivery::{Delivery, Terms},
    lists::{self, Candidate},
    mask,
    messages::line_item::LINE_ITEM,
    name, orders,
    refusal::Refusal,
    routes::{Desk, Done, exact, no_route, one},
    rules::{self, flags::Flags},
    schema::{Object, flag, inner, moment, text},
    settings::GamSettings,
    state::{LineItem, State, visible},
    targeting,
};
use crate::control::clock::Millis;

/// Fields that filters and orderings of the list may use.
const FIELDS: &[&str] = &[
    "name",
    "order",
    "orderDisplayName",
    "displayName",
    "externalLineItemId",
    "startTime",
    "endTime",
    "targetEndTime",
    "lineItemType",
    "costType",
    "deliveryRateType",
    "creativeRotationType",
    "environmentType",
    "priority",
    "status",
    "reservationStatus",
    "archived",
    "missingCreatives",
    "updateTime",
    "createTime",
    "targeting",
    "goal",
    "notes",
];

/// The fields of an answer that no stored line item has, or not as it is answered.
const MADE: &[&str] = &[
    "orderDisplayName",
    "status",
    "archived",
    "reservationStatus",
    "missingCreatives",
    "createTime",
    "updateTime",
    "endTime",
    "budget",
    "stats",
];

/// Returns a page of line items.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let alive = desk.state.items.iter().filter(|(_, item)| !item.deleted && visible(item.born, desk.lag));
    let candidates = alive.map(|(id, item)| Candidate {
        name: name("lineItems", *id),
        id: None,
        stored: &item.object,
        show: || desk.state.show_item(*id, item, desk.now),
    });
    lists::answer_lazily(desk, "lineItems", (FIELDS, MADE), candidates)
}

/// Returns one line item.
pub(super) fn get(desk: &Desk<'_>, name: &str) -> Done {
    desk.only_params(&[])?;
    let (id, item) = desk.state.item(name)?;
    one(desk.state.show_item(id, item, desk.now))
}

/// Creates a line item.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    desk.only_params(&[])?;
    let mut object = desk.read(&LINE_ITEM, "line_item")?;
    let flags = Flags::take(&mut object, None);
    let order = check_new(desk, &object, 0)?;
    let item = new(desk, order, &object, flags)?;
    let id = insert(desk, item);
    show(desk, id)
}

/// Changes a line item.
pub(super) fn patch(desk: &mut Desk<'_>, name: &str) -> Done {
    desk.only_params(&["updateMask"])?;
    let mut sent = desk.read(&LINE_ITEM, "line_item")?;
    let flags = Flags::take(&mut sent, desk.param("updateMask"));
    let (id, after) = changed(desk, name, &sent, desk.param("updateMask"), flags)?;
    replace(desk, id, after);
    show(desk, id)
}

/// Handles a batch of writes or an action.
pub(super) fn act(desk: &mut Desk<'_>, action: &str) -> Done {
    match action {
        "batchCreate" => create_many(desk),
        "batchUpdate" => update_many(desk),
        _ => match Action::named(action) {
            Some(action) => perform(desk, action),
            None => Err(no_route(desk.call)),
        },
    }
}

fn show(desk: &Desk<'_>, id: i64) -> Done {
    one(shown(desk, id))
}

fn shown(desk: &Desk<'_>, id: i64) -> Object {
    desk.state.items.get(&id).map(|item| desk.state.show_item(id, item, desk.now)).unwrap_or_default()
}

fn create_many(desk: &mut Desk<'_>) -> Done {
    let mut staged = Vec::new();
    for (index, (mut object, _)) in desk.requests(&LINE_ITEM, "lineItem")?.into_iter().enumerate() {
        object.remove("name");
        let flags = Flags::take(&mut object, None);
        let order = check_new(desk, &object, index).map_err(|refusal| refusal.of_request(index))?;
        // Everything is checked before anything is stored: a refused batch leaves nothing behind.
        staged.push(new(desk, order, &object, flags).map_err(|refusal| refusal.of_request(index))?);
    }
    let ids: Vec<i64> = staged.into_iter().map(|item| insert(desk, item)).collect();
    let shown: Vec<Value> = ids.into_iter().map(|id| Value::Object(shown(desk, id))).collect();
    exact(&json!({ "lineItems": shown }))
}

fn update_many(desk: &mut Desk<'_>) -> Done {
    let mut staged: Vec<(i64, Object)> = Vec::new();
    for (index, (mut sent, request)) in desk.requests(&LINE_ITEM, "lineItem")?.into_iter().enumerate() {
        let name = sent.remove("name").ok_or_else(|| Refusal::required("line_item.name").of_request(index))?;
        let name = name.as_str().unwrap_or("");
        let mask = text(&request, "updateMask");
        let flags = Flags::take(&mut sent, mask);
        let one = changed(desk, name, &sent, mask, flags);
        let (id, after) = one.map_err(|refusal| refusal.of_request(index))?;
        if staged.iter().any(|(other, _)| *other == id) {
            return Err(Refusal::invalid("DUPLICATE", "lineItem.name", "is in this batch twice").of_request(index));
        }
        staged.push((id, after));
    }
    let ids: Vec<i64> = staged.iter().map(|(id, _)| *id).collect();
    for (id, after) in staged {
        replace(desk, id, after);
    }
    let shown: Vec<Value> = ids.into_iter().map(|id| Value::Object(shown(desk, id))).collect();
    exact(&json!({ "lineItems": shown }))
}

/// Returns a checked line item as it is stored, if there is inventory for what it reserves.
fn new(desk: &Desk<'_>, order: i64, object: &Object, flags: Flags) -> Result<LineItem, Refusal> {
    let object = LINE_ITEM.kept(object);
    let mut item = LineItem {
        delivery: Delivery::new(desk.now, Terms::of(&object)),
        object,
        order,
        approved: false,
        activated: false,
        reserved: false,
        paused: false,
        released: false,
        archived: false,
        deleted: false,
        created: desk.now,
        updated: desk.now,
        born: std::time::Instant::now(),
    };
    if flags.reserve && rules::is_guaranteed(&item.object) {
        if !flags.unchecked() {
            rules::forecast::check("line_item", &item, desk.now, &desk.settings)?;
        }
        item.reserved = true;
    }
    Ok(item)
}

fn insert(desk: &mut Desk<'_>, item: LineItem) -> i64 {
    let (id, order) = (desk.state.next_id(), item.order);
    desk.state.items.insert(id, item);
    if let Some(order) = desk.state.orders.get_mut(&order) {
        order.items.push(id);
        order.updated = desk.now;
    }
    id
}

fn replace(desk: &mut Desk<'_>, id: i64, object: Object) {
    if let Some(item) = desk.state.items.get_mut(&id) {
        item.object = LINE_ITEM.kept(&object);
        item.updated = desk.now;
    }
    desk.state.settle(id, desk.now);
}

/// Checks a new line item and returns the id of its order. `beside` is how many come before it in
/// its batch.
fn check_new(desk: &Desk<'_>, object: &Object, beside: usize) -> Result<i64, Refusal> {
    check(desk.state, object, desk.settings)?;
    future("startTime", moment(object, "startTime"), desk.now)?;
    let name = text(object, "order").unwrap_or("");
    let (id, order) = desk.state.order(name).map_err(|_| {
        Refusal::invalid("NOT_FOUND", "order", format!("{name} does not exist; create the order first"))
    })?;
    orders::changeable(name, order)?;
    rules::credit::may_book(desk.state, &order.object, &desk.settings)?;
    rules::limits::order(order.items.len() + beside)?;
    Ok(id)
}

/// Returns a line item after an update, checked.
fn changed(
    desk: &Desk<'_>,
    name: &str,
    sent: &Object,
    mask: Option<&str>,
    flags: Flags,
) -> Result<(i64, Object), Refusal> {
    let (id, item) = desk.state.item(name)?;
    if item.archived {
        let why = format!("{name} is archived and can't be changed; unarchive it first");
        return Err(Refusal::state("UPDATE_ARCHIVED_LINE_ITEM_NOT_ALLOWED", why));
    }
    if let Some(order) = desk.state.orders.get(&item.order) {
        orders::changeable(&super::state::name("orders", item.order), order)?;
    }
    let after = mask::apply(&LINE_ITEM, &item.object, sent, mask)?;
    check(desk.state, &after, desk.settings)?;
    rules::reservation::check(name, desk.state.item_status(id, item, desk.now), &item.object, &after)?;
    let (before, start) = (moment(&item.object, "startTime"), moment(&after, "startTime"));
    if before != start {
        if before.is_some_and(|before| before <= desk.now) && item.approved {
            return Err(Refusal::invalid("START_DATE_TIME_IS_IN_PAST", "startTime", "can't change once it has begun"));
        }
        future("startTime", start, desk.now)?;
    }
    if moment(&item.object, "targetEndTime") != moment(&after, "targetEndTime") {
        future("targetEndTime", moment(&after, "targetEndTime"), desk.now)?;
    }
    // What is reserved is reserved anew.
    if item.reserved && !flags.unchecked() {
        let renewed = LineItem { object: after.clone(), delivery: item.delivery.clone(), ..*item };
        rules::forecast::check(name, &renewed, desk.now, &desk.settings)?;
    }
    Ok((id, after))
}

fn future(field: &'static str, moment: Option<Millis>, now: Millis) -> Result<(), Refusal> {
    match moment {
        Some(moment) if moment <= now => {
            let now = super::schema::write_millis(now);
            Err(Refusal::invalid("START_DATE_TIME_IS_IN_PAST", field, format!("must be in the future; it is {now}")))
        }
        _ => Ok(()),
    }
}

fn check(state: &State, item: &Object, settings: GamSettings) -> Result<(), Refusal> {
    LINE_ITEM.require("line_item", item)?;
    let end = moment(item, "targetEndTime");
    match (end, flag(item, "endTimeUnlimited")) {
        (None, false) => return Err(Refusal::required("line_item.target_end_time")),
        (Some(_), true) => {
            return Err(Refusal::invalid("INVALID", "targetEndTime", "leave it out or set endTimeUnlimited to false"));
        }
        (Some(end), false) if moment(item, "startTime").is_some_and(|start| end <= start) => {
            return Err(Refusal::invalid(
                "END_DATE_TIME_NOT_AFTER_START_TIME",
                "targetEndTime",
                "must be after startTime",
            ));
        }
        _ => {}
    }
    targeting::check(state, inner(item, "targeting").unwrap_or(&Object::new()))?;
    rules::line_item(state, item, settings)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Pause,
    /// Resume; the flag says whether inventory may be overbooked.
    Resume(bool),
    /// Reserve; the flag says whether inventory may be overbooked.
    Reserve(bool),
    Release,
    Activate,
    Archive,
    Unarchive,
    Delete,
}

impl Action {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "batchPause" => Self::Pause,
            "batchResume" => Self::Resume(false),
            "batchResumeAndOverbook" => Self::Resume(true),
            "batchReserve" => Self::Reserve(false),
            "batchReserveAndOverbook" => Self::Reserve(true),
            "batchRelease" => Self::Release,
            "batchActivate" => Self::Activate,
            "batchArchive" => Self::Archive,
            "batchUnarchive" => Self::Unarchive,
            "batchDelete" => Self::Delete,
            _ => return None,
        })
    }
}

fn perform(desk: &mut Desk<'_>, action: Action) -> Done {
    let mut ids = Vec::new();
    for name in desk.names()? {
        let (id, item) = desk.state.item(&name)?;
        allowed(desk, &name, id, item, action)?;
        ids.push(id);
    }
    for id in ids {
        if let Some(item) = desk.state.items.get_mut(&id) {
            item.updated = desk.now;
            match action {
                Action::Pause => item.paused = true,
                Action::Resume(_) => {
                    (item.paused, item.released) = (false, false);
                    item.reserved = rules::is_guaranteed(&item.object);
                }
                Action::Release => (item.released, item.reserved) = (true, false),
                Action::Reserve(_) => {
                    item.released = false;
                    item.reserved = rules::is_guaranteed(&item.object);
                }
                Action::Activate => item.activated = true,
                Action::Archive => item.archived = true,
                Action::Unarchive => item.archived = false,
                Action::Delete => item.deleted = true,
            }
        }
        desk.state.settle(id, desk.now);
    }
    exact(&json!({}))
}

fn allowed(desk: &Desk<'_>, name: &str, id: i64, item: &LineItem, action: Action) -> Result<(), Refusal> {
    let status = desk.state.item_status(id, item, desk.now);
    let inapplicable = |why: &str| Err(Refusal::state("NOT_APPLICABLE", format!("{name} is {status}: {why}")));
    if item.archived && !matches!(action, Action::Archive | Action::Unarchive) {
        return Err(Refusal::state("IS_ARCHIVED", format!("{name} is archived; unarchive it first")));
    }
    let gone = |overbook: bool| {
        if overbook { Ok(()) } else { rules::forecast::check(name, item, desk.now, &desk.settings) }
    };
    match action {
        Action::Pause | Action::Resume(_) | Action::Activate | Action::Reserve(_) | Action::Release
            if status == "COMPLETED" =>
        {
            Err(Refusal::state("HAS_COMPLETED", format!("{name} has completed")))
        }
        Action::Pause if !item.approved => inapplicable("only line items of approved orders can be paused"),
        Action::Pause if item.paused || item.released => inapplicable("it is paused already"),
        Action::Resume(_) if !(item.paused || item.released) => inapplicable("it is not paused"),
        Action::Resume(overbook) => gone(overbook),
        Action::Activate if !item.approved => inapplicable("its order is not approved"),
        Action::Activate if status != "INACTIVE" => inapplicable("only inactive line items can be activated"),
        Action::Activate if !desk.state.served(id) => {
            let why = format!("{name} has no active creatives; associate one first");
            Err(Refusal::state("HAS_NO_ACTIVE_CREATIVES", why))
        }
        Action::Reserve(overbook) => gone(overbook),
        Action::Release if !item.approved => inapplicable("its order is not approved"),
        Action::Archive if status == "DELIVERING" => inapplicable("pause it first"),
        Action::Delete if item.delivery.totals(desk.now).impressions > 0 => {
            let why = format!("{name} has delivered and can't be deleted; archive it");
            Err(Refusal::state("CANNOT_DELETE_DELIVERED_LINE_ITEM", why))
        }
        Action::Delete if item.approved => inapplicable("only drafts can be deleted; archive it"),
        _ => Ok(()),
    }
}
