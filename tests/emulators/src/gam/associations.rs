//! Line item–creative associations: the creatives that a line item shows.

use serde_json::{Value, json};

use super::{
    creative_sets, lists, mask,
    messages::association::LINE_ITEM_CREATIVE_ASSOCIATION as SHAPE,
    refusal::Refusal,
    routes::{Desk, Done, exact, no_route, one},
    rules::{limits, placeholders, premium, video},
    schema::{Object, inner, items, moment, number, text},
    state::{Association, Creative, CreativeSet, LineItem, State, name, visible},
};

/// Fields that filters and orderings of the list may use.
const FIELDS: &[&str] =
    &["name", "lineItem", "creative", "creativeSet", "status", "startTime", "endTime", "updateTime"];

/// Returns a page of a line item's associations; of all of them for `-`.
pub(super) fn list(desk: &Desk<'_>, item: &str) -> Done {
    let wanted = if item == "-" {
        None
    } else {
        Some(desk.state.item(&format!("{}{item}", name("lineItems", 0).trim_end_matches('0')))?.0)
    };
    let ties = desk.state.associations.iter();
    let seen = ties.filter(|((item, _), tie)| wanted.is_none_or(|id| id == *item) && visible(tie.born, desk.lag));
    let objects = seen.map(|((item, creative), tie)| State::show_tie(*item, *creative, tie)).collect();
    lists::answer(desk, "lineItemCreativeAssociations", FIELDS, objects)
}

fn key(item: &str, creative: &str) -> Result<(i64, i64), Refusal> {
    let missing =
        || Refusal::no_such(&format!("networks/{}/lineItems/{item}/creatives/{creative}", super::seed::NETWORK));
    Ok((item.parse().map_err(|_| missing())?, creative.parse().map_err(|_| missing())?))
}

fn find<'s>(state: &'s State, item: &str, creative: &str) -> Result<((i64, i64), &'s Association), Refusal> {
    let key = key(item, creative)?;
    let named = || format!("{}/creatives/{}", name("lineItems", key.0), key.1);
    state.associations.get(&key).map(|tie| (key, tie)).ok_or_else(|| Refusal::no_such(&named()))
}

/// Returns one association.
pub(super) fn get(desk: &Desk<'_>, item: &str, creative: &str) -> Done {
    desk.only_params(&[])?;
    let (key, tie) = find(desk.state, item, creative)?;
    one(State::show_tie(key.0, key.1, tie))
}

/// Creates an association.
pub(super) fn create(desk: &mut Desk<'_>, item: &str) -> Done {
    desk.only_params(&[])?;
    let object = desk.read(&SHAPE, "line_item_creative_association")?;
    let key = check(desk, item, &object)?;
    one(insert(desk, key, object))
}

/// Changes an association.
pub(super) fn patch(desk: &mut Desk<'_>, item: &str, creative: &str) -> Done {
    desk.only_params(&["updateMask"])?;
    let sent = desk.read(&SHAPE, "line_item_creative_association")?;
    let (key, tie) = find(desk.state, item, creative)?;
    let after = mask::apply(&SHAPE, &tie.object, &sent, desk.param("updateMask"))?;
    SHAPE.require("line_item_creative_association", &after)?;
    times(&after)?;
    premium::association(&after, desk.settings)?;
    let Some(tie) = desk.state.associations.get_mut(&key) else { return Err(no_route(desk.call)) };
    tie.object = after;
    tie.updated = desk.now;
    one(State::show_tie(key.0, key.1, tie))
}

/// Handles a batch of writes or an action.
pub(super) fn act(desk: &mut Desk<'_>, item: &str, action: &str) -> Done {
    match action {
        "batchCreate" => {
            let mut staged: Vec<((i64, i64), Object)> = Vec::new();
            for (index, (mut object, _)) in
                desk.requests(&SHAPE, "lineItemCreativeAssociation")?.into_iter().enumerate()
            {
                object.remove("name");
                let key = check(desk, item, &object).map_err(|refusal| refusal.of_request(index))?;
                if staged.iter().any(|(other, _)| *other == key) {
                    return Err(taken(key).of_request(index));
                }
                staged.push((key, object));
            }
            let shown: Vec<Value> =
                staged.into_iter().map(|(key, object)| Value::Object(insert(desk, key, object))).collect();
            exact(&json!({ "lineItemCreativeAssociations": shown }))
        }
        "batchActivate" | "batchDeactivate" | "batchDelete" => {
            let mut keys = Vec::new();
            for named in desk.names()? {
                let ids = named.strip_prefix(&format!("{item}/creatives/")).map(ToOwned::to_owned);
                let creative = ids.ok_or_else(|| Refusal::no_such(&named))?;
                let item = item.rsplit('/').next().unwrap_or("");
                keys.push(find(desk.state, item, &creative)?.0);
            }
            for key in keys {
                if action == "batchDelete" {
                    desk.state.associations.remove(&key);
                } else if let Some(tie) = desk.state.associations.get_mut(&key) {
                    tie.active = action == "batchActivate";
                    tie.updated = desk.now;
                }
                desk.state.settle(key.0, desk.now);
            }
            exact(&json!({}))
        }
        _ => Err(no_route(desk.call)),
    }
}

fn insert(desk: &mut Desk<'_>, key: (i64, i64), object: Object) -> Object {
    let tie = Association { object, active: true, updated: desk.now, born: std::time::Instant::now() };
    let shown = State::show_tie(key.0, key.1, &tie);
    desk.state.associations.insert(key, tie);
    desk.state.settle(key.0, desk.now);
    shown
}

fn taken(key: (i64, i64)) -> Refusal {
    let named = format!("{}/creatives/{}", name("lineItems", key.0), key.1);
    Refusal::exists("CREATIVE_ALREADY_ASSOCIATED", format!("creative: {named} exists already; read or change that"))
}

fn times(tie: &Object) -> Result<(), Refusal> {
    match (moment(tie, "startTime"), moment(tie, "endTime")) {
        (Some(start), Some(end)) if end <= start => {
            Err(Refusal::invalid("END_DATE_TIME_NOT_AFTER_START_TIME", "endTime", "must be after startTime"))
        }
        _ => Ok(()),
    }
}

/// Returns what an association shows: a creative, or a creative set with its master. It names one of the
/// two (type `LineItemCreativeAssociation`); that both are refused is inferred.
fn shown<'s>(state: &'s State, tie: &Object) -> Result<((i64, &'s Creative), Option<&'s CreativeSet>), Refusal> {
    let missing = |field: &'static str, named: &str| {
        let why = format!("{named} does not exist; create it first");
        move |_| Refusal::invalid("NOT_FOUND", field, why)
    };
    match (text(tie, "creative"), text(tie, "creativeSet")) {
        (Some(named), None) => Ok((state.creative(named).map_err(missing("creative", named))?, None)),
        (None, Some(named)) => {
            let (id, set) = creative_sets::find(state, named).map_err(missing("creativeSet", named))?;
            let master = state.shown_first(id).ok_or_else(|| Refusal::no_such(named))?;
            Ok(((id, master), Some(set)))
        }
        (Some(_), Some(_)) => Err(Refusal::invalid("INVALID", "creativeSet", "leave it or creative out")),
        (None, None) => Err(Refusal::required("line_item_creative_association.creative")),
    }
}

/// Checks a creative without companions against the slots of its line item. A roadblock by creative set
/// takes sets alone (inferred from its name).
fn alone(item: &LineItem, creative: &Object, tie: &Object) -> Result<(), Refusal> {
    if text(&item.object, "roadblockingType") == Some("CREATIVE_SET") {
        let why = "the line item's roadblockingType takes creative sets";
        return Err(Refusal::invalid("INVALID_LINE_ITEM_CREATIVE_PAIR", "creative", why));
    }
    for size in items(tie, "sizes") {
        placeholders::size("sizes", size)?;
    }
    let sides = |size: &Object| (number(size, "width"), number(size, "height"));
    let places: Vec<_> =
        items(&item.object, "creativePlaceholders").filter_map(|place| inner(place, "size")).map(sides).collect();
    let mut sizes: Vec<_> = items(tie, "sizes").map(sides).collect();
    if sizes.is_empty() {
        sizes.extend(inner(creative, "size").map(sides));
    }
    for (width, height) in sizes {
        if !places.contains(&(width, height)) {
            let (width, height) = (width.unwrap_or(0), height.unwrap_or(0));
            let why = format!("{width}x{height} is not among the line item's creativePlaceholders; add it there");
            return Err(Refusal::invalid("INVALID_LINE_ITEM_CREATIVE_PAIR", "creative.size", why));
        }
    }
    Ok(())
}

fn check(desk: &Desk<'_>, item_name: &str, tie: &Object) -> Result<(i64, i64), Refusal> {
    let state = &*desk.state;
    let (item_id, item) = state.item(item_name)?;
    if text(tie, "lineItem").is_some_and(|named| named != item_name) {
        return Err(Refusal::invalid("MISMATCH", "lineItem", "must be the line item in the path"));
    }
    SHAPE.require("line_item_creative_association", tie)?;
    let ((creative_id, creative), set) = shown(state, tie)?;
    let key = (item_id, creative_id);
    if state.associations.contains_key(&key) {
        return Err(taken(key));
    }
    if item.archived {
        let why = format!("{item_name} is archived and can't be changed; unarchive it first");
        return Err(Refusal::state("UPDATE_ARCHIVED_LINE_ITEM_NOT_ALLOWED", why));
    }
    let order = state.orders.get(&item.order);
    if order.is_some_and(|order| text(&order.object, "advertiser") != text(&creative.object, "advertiser")) {
        let why = "belongs to another advertiser than the line item's order";
        return Err(Refusal::invalid("CREATIVE_IN_WRONG_ADVERTISERS_LIBRARY", "creative", why));
    }
    times(tie)?;
    premium::association(tie, desk.settings)?;
    limits::creatives(state.tied(item_id).count())?;
    video::fits(&item.object, &creative.object)?;
    match set {
        Some(set) => placeholders::takes(state, &item.object, &set.object)?,
        None => alone(item, &creative.object, tie)?,
    }
    Ok(key)
}
