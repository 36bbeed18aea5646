//! Orders.

use std::time::Instant;

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    fields::{Fields, required},
    lists,
    refusal::Refusal,
    routes::{Desk, Done, advertiser},
    state::{Order, OrderState},
};
use crate::platform::json;

const FIELDS: &[&str] = &["name", "advertiser_id", "currency", "external_ref", "memo", "state"];
const CHANGES: &[&str] = &["name", "memo", "state"];
/// The maximum length of the memo, in characters.
const MAX_MEMO: usize = 200;

/// Returns a page of orders.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let advertiser = lists::id(desk, "advertiser_id")?;
    let wanted = |(_, order): &(&i64, &Order)| {
        advertiser.is_none_or(|advertiser| order.advertiser == advertiser)
            && desk.shows(order.external_ref.as_deref(), order.born)
    };
    let items: Vec<Value> = desk.state.orders.iter().filter(wanted).map(|(id, order)| order.show(*id)).collect();
    lists::answer(desk, &["external_ref", "advertiser_id"], &items)
}

/// Returns one order.
pub(super) fn get(desk: &Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    Ok(json(StatusCode::OK, &desk.state.order(id)?.show(id)))
}

/// Creates an order. It is a draft if the request says nothing else.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    let body = desk.body()?;
    let fields = Fields::of(&body, FIELDS)?;
    let order = Order {
        name: fields.name()?,
        advertiser: advertiser(&fields)?,
        currency: required("currency", fields.word("currency", &["USD", "EUR"])?)?,
        external_ref: fields.external_ref()?,
        memo: fields.text("memo", MAX_MEMO)?.map(str::to_owned),
        state: state(&fields)?.unwrap_or(OrderState::Draft),
        created: desk.now,
        born: Instant::now(),
    };
    if order.state == OrderState::Archived {
        return Err(Refusal::invalid("state", "must be draft or live for a new order"));
    }
    let id = desk.state.next_id();
    let shown = order.show(id);
    desk.state.orders.insert(id, order);
    Ok(json(StatusCode::CREATED, &shown))
}

/// Changes the fields of an order that were sent. An archived order stays as it is.
pub(super) fn change(desk: &mut Desk<'_>, id: i64) -> Done {
    let body = desk.body()?;
    let now = desk.now;
    let old = desk.state.order(id)?;
    let fields = Fields::of(&body, CHANGES)?;
    let next = state(&fields)?.unwrap_or(old.state);
    if old.state == OrderState::Archived && (next != OrderState::Archived || body.len() > 1) {
        return Err(Refusal::archived(id));
    }
    if old.state == OrderState::Live && next == OrderState::Draft {
        return Err(Refusal::invalid("state", "can't be set back to draft"));
    }
    let name = if fields.has("name") { Some(fields.name()?) } else { None };
    let memo = fields.has("memo").then(|| fields.text("memo", MAX_MEMO)).transpose()?;
    let order = desk.state.orders.get_mut(&id).ok_or_else(|| Refusal::no_such("order", id))?;
    order.state = next;
    if let Some(name) = name {
        order.name = name;
    }
    if let Some(memo) = memo {
        order.memo = memo.map(str::to_owned);
    }
    let shown = order.show(id);
    desk.state.settle_all(id, now);
    Ok(json(StatusCode::OK, &shown))
}

fn state(fields: &Fields<'_>) -> Result<Option<OrderState>, Refusal> {
    let word = fields.word("state", &["draft", "live", "archived"])?;
    Ok(word.map(|word| match word {
        "draft" => OrderState::Draft,
        "live" => OrderState::Live,
        _ => OrderState::Archived,
    }))
}
