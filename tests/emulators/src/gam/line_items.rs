//! Line items: written one at a time or in batches, paused and archived by actions.

use serde_json::{Value, json};

use super::{
    delivery::{Delivery, Terms, money_micros},
    lists, mask,
    messages::line_item::LINE_ITEM,
    orders,
    refusal::Refusal,
    routes::{Desk, Done, exact, no_route, one},
    schema::{Object, flag, inner, items, moment, number, text},
    seed::CURRENCY,
    state::{LineItem, Stage, State, visible},
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
/// The maximum length of displayName and externalLineItemId, in characters.
const MAX_TEXT: usize = 255;
/// Types without a goal of impressions or clicks: their goal is a share of the inventory.
const SHARES: &[&str] = &["SPONSORSHIP", "NETWORK", "HOUSE"];

/// Returns a page of line items.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let alive = desk.state.items.iter().filter(|(_, item)| !item.deleted && visible(item.born, desk.lag));
    let objects = alive.map(|(id, item)| desk.state.show_item(*id, item, desk.now)).collect();
    lists::answer(desk, "lineItems", FIELDS, objects)
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
    let object = desk.read(&LINE_ITEM, "line_item")?;
    let order = check_new(desk.state, &object, desk.now)?;
    let id = insert(desk, order, object);
    show(desk, id)
}

/// Changes a line item.
pub(super) fn patch(desk: &mut Desk<'_>, name: &str) -> Done {
    desk.only_params(&["updateMask"])?;
    let sent = desk.read(&LINE_ITEM, "line_item")?;
    let (id, after) = changed(desk, name, &sent, desk.param("updateMask"))?;
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
        let order = check_new(desk.state, &object, desk.now).map_err(|refusal| refusal.of_request(index))?;
        staged.push((order, object));
    }
    let ids: Vec<i64> = staged.into_iter().map(|(order, object)| insert(desk, order, object)).collect();
    let shown: Vec<Value> = ids.into_iter().map(|id| Value::Object(shown(desk, id))).collect();
    exact(&json!({ "lineItems": shown }))
}

fn update_many(desk: &mut Desk<'_>) -> Done {
    let mut staged: Vec<(i64, Object)> = Vec::new();
    for (index, (mut sent, request)) in desk.requests(&LINE_ITEM, "lineItem")?.into_iter().enumerate() {
        let name = sent.remove("name").ok_or_else(|| Refusal::required("line_item.name").of_request(index))?;
        let name = name.as_str().unwrap_or("");
        let one = changed(desk, name, &sent, text(&request, "updateMask"));
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

fn insert(desk: &mut Desk<'_>, order: i64, object: Object) -> i64 {
    let id = desk.state.next_id();
    let item = LineItem {
        delivery: Delivery::new(desk.now, Terms::of(&object)),
        object,
        order,
        approved: false,
        paused: false,
        released: false,
        archived: false,
        deleted: false,
        created: desk.now,
        updated: desk.now,
        born: std::time::Instant::now(),
    };
    desk.state.items.insert(id, item);
    if let Some(order) = desk.state.orders.get_mut(&order) {
        order.items.push(id);
        order.updated = desk.now;
    }
    id
}

fn replace(desk: &mut Desk<'_>, id: i64, object: Object) {
    if let Some(item) = desk.state.items.get_mut(&id) {
        item.object = object;
        item.updated = desk.now;
    }
    desk.state.settle(id, desk.now);
}

/// Checks a new line item and returns the id of its order.
fn check_new(state: &State, object: &Object, now: Millis) -> Result<i64, Refusal> {
    check(state, object)?;
    future("startTime", moment(object, "startTime"), now)?;
    let name = text(object, "order").unwrap_or("");
    let (id, order) = state.order(name).map_err(|_| {
        Refusal::invalid("NOT_FOUND", "order", format!("{name} does not exist; create the order first"))
    })?;
    orders::changeable(name, order)?;
    Ok(id)
}

/// Returns a line item after an update, checked.
fn changed(desk: &Desk<'_>, name: &str, sent: &Object, mask: Option<&str>) -> Result<(i64, Object), Refusal> {
    let (id, item) = desk.state.item(name)?;
    if item.archived {
        let why = format!("{name} is archived and can't be changed; unarchive it first");
        return Err(Refusal::state("UPDATE_ARCHIVED_LINE_ITEM_NOT_ALLOWED", why));
    }
    if let Some(order) = desk.state.orders.get(&item.order) {
        orders::changeable(&super::state::name("orders", item.order), order)?;
    }
    let after = mask::apply(&LINE_ITEM, &item.object, sent, mask)?;
    check(desk.state, &after)?;
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

fn check(state: &State, item: &Object) -> Result<(), Refusal> {
    LINE_ITEM.require("line_item", item)?;
    for field in ["displayName", "externalLineItemId"] {
        if text(item, field).is_some_and(|text| text.chars().count() > MAX_TEXT) {
            return Err(Refusal::invalid("TOO_LONG", field, format!("at most {MAX_TEXT} characters")));
        }
    }
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
    money(item)?;
    goal(item)?;
    for cap in items(item, "frequencyCaps") {
        let positive = |field| number(cap, field).is_some_and(|number| number > 0);
        let lifetime = text(cap, "timeUnit") == Some("LIFETIME");
        if !positive("maxImpressions") || text(cap, "timeUnit").is_none() || !(lifetime || positive("timeAmount")) {
            let why = "needs maxImpressions, timeAmount (both above 0) and timeUnit";
            return Err(Refusal::invalid("INVALID_FREQUENCY_CAP", "frequencyCaps", why));
        }
    }
    targeting::check(state, inner(item, "targeting").unwrap_or(&Object::new()))
}

fn money(item: &Object) -> Result<(), Refusal> {
    let wrong = |why: String| Refusal::invalid("INVALID_RATE", "rate", why);
    let rate = inner(item, "rate").ok_or_else(|| Refusal::required("line_item.rate"))?;
    if text(rate, "currencyCode") != Some(CURRENCY) {
        return Err(wrong(format!("currencyCode must be the network's currency, {CURRENCY}")));
    }
    let negative = ["units", "nanos"].iter().any(|field| number(rate, field).is_some_and(|number| number < 0));
    if negative || number(rate, "nanos").is_some_and(|nanos| nanos > 999_999_999) {
        return Err(wrong("units must be 0 or more, and nanos between 0 and 999,999,999".to_owned()));
    }
    money_micros(rate)
        .map(|_| ())
        .ok_or_else(|| wrong("is in whole micros: nanos must be a multiple of 1000".to_owned()))
}

fn goal(item: &Object) -> Result<(), Refusal> {
    let wrong = |why: String| Err(Refusal::invalid("INVALID_GOAL", "goal", why));
    let kind = text(item, "lineItemType").unwrap_or("");
    let goal = inner(item, "goal");
    let goal_type = goal.and_then(|goal| text(goal, "goalType"));
    let units = goal.and_then(|goal| number(goal, "units")).unwrap_or(0);
    if SHARES.contains(&kind) {
        if goal_type != Some("DAILY") || !(1..=100).contains(&units) {
            return wrong(format!(
                "a line item of type {kind} needs goalType DAILY and a percentage of 1 to 100 in units"
            ));
        }
        return Ok(());
    }
    if kind == "STANDARD" && goal_type != Some("LIFETIME") {
        return wrong("a line item of type STANDARD needs goalType LIFETIME".to_owned());
    }
    if kind == "BULK" && goal_type != Some("LIFETIME") {
        return wrong("a line item of type BULK needs goalType LIFETIME".to_owned());
    }
    if matches!(goal_type, Some("LIFETIME" | "DAILY")) {
        if units < 1 {
            return wrong("units must be 1 or more".to_owned());
        }
        if goal.and_then(|goal| text(goal, "unitType")).is_none() {
            return wrong("unitType is required: IMPRESSIONS, CLICKS, …".to_owned());
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Pause,
    Resume,
    Reserve,
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
            "batchResume" | "batchResumeAndOverbook" => Self::Resume,
            "batchReserve" | "batchReserveAndOverbook" => Self::Reserve,
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
                Action::Resume => item.paused = false,
                Action::Release => item.released = true,
                Action::Reserve => item.released = false,
                Action::Activate => {}
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
    let order_paused = desk.state.orders.get(&item.order).is_some_and(|order| order.stage == Stage::Paused);
    match action {
        Action::Pause if !item.approved => inapplicable("only line items of approved orders can be paused"),
        Action::Pause | Action::Resume | Action::Activate if status == "COMPLETED" => {
            Err(Refusal::state("HAS_COMPLETED", format!("{name} has completed")))
        }
        Action::Resume if !item.approved || order_paused => inapplicable("resume or approve its order first"),
        Action::Activate if status == "INACTIVE" => {
            let why = format!("{name} has no active creatives; associate one first");
            Err(Refusal::state("HAS_NO_ACTIVE_CREATIVES", why))
        }
        Action::Reserve | Action::Release | Action::Activate if !item.approved => {
            inapplicable("its order is not approved")
        }
        Action::Archive if status == "DELIVERING" => inapplicable("pause it first"),
        Action::Delete if item.delivery.totals(desk.now).impressions > 0 => {
            let why = format!("{name} has delivered and can't be deleted; archive it");
            Err(Refusal::state("CANNOT_DELETE_DELIVERED_LINE_ITEM", why))
        }
        Action::Delete if item.approved => inapplicable("only drafts can be deleted; archive it"),
        _ => Ok(()),
    }
}
