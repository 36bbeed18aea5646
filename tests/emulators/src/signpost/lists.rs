//! Lists: `{items, next_cursor}`, and what may stand in a query.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::{Value, json as object};

use super::{fields, refusal::Refusal, routes::Desk};
use crate::{control::settings::Paging, platform::json};

/// The largest and default page, in items.
const MAX_PAGE: usize = 50;
/// The most ids in one query.
const MAX_IDS: usize = 50;

/// Responds with a page. The cursor of a page is opaque to callers.
pub(super) fn answer(desk: &Desk<'_>, known: &[&str], items: &[Value]) -> Result<Response<Body>, Refusal> {
    let known: Vec<&str> = known.iter().copied().chain(["cursor", "limit"]).collect();
    only_params(desk, &known)?;
    let limit = match desk.call.param("limit") {
        None => MAX_PAGE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_PAGE).contains(limit))
            .ok_or_else(|| Refusal::invalid("limit", format!("must be a whole number of 1 to {MAX_PAGE}")))?,
    };
    let number = match desk.call.param("cursor") {
        None => 1,
        Some(cursor) => cursor
            .strip_prefix("page-")
            .and_then(|number| number.parse::<usize>().ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| Refusal::invalid("cursor", "must be a next_cursor of this list"))?,
    };
    let size = limit.min(desk.max_page).max(1);
    let cut = desk.paging.numbered(number, size, items.len());
    let shown: Vec<&Value> = items.iter().skip(cut.first).take(cut.size).collect();
    let next = match desk.paging {
        Paging::SameToken => Some(format!("page-{number}")),
        _ => (number < cut.pages).then(|| format!("page-{}", number + 1)),
    };
    Ok(json(StatusCode::OK, &object!({ "items": shown, "next_cursor": next })))
}

/// Refuses unknown query parameters.
pub(super) fn only_params(desk: &Desk<'_>, known: &[&str]) -> Result<(), Refusal> {
    match desk.call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => {
            let why = format!("is not a parameter here; known: {}", known.join(", "));
            Err(Refusal::field(name, "unknown_parameter", why))
        }
        None => Ok(()),
    }
}

/// Returns an id in the query.
pub(super) fn id(desk: &Desk<'_>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = desk.call.param(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Refusal::invalid(name, "must be an id"))
}

/// Returns the line ids in the query, required: different ids, separated by commas.
pub(super) fn line_ids(desk: &Desk<'_>) -> Result<Vec<i64>, Refusal> {
    let text = fields::required("line_ids", desk.call.param("line_ids").filter(|text| !text.is_empty()))?;
    let read: Option<Vec<i64>> = text.split(',').map(|id| id.parse().ok()).collect();
    match read {
        Some(ids) if ids.len() <= MAX_IDS => Ok(ids),
        Some(_) => Err(Refusal::invalid("line_ids", format!("has more than {MAX_IDS} ids"))),
        None => Err(Refusal::invalid("line_ids", "must be ids separated by commas")),
    }
}
