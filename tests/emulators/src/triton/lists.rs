//! Lists: `{page, pageSize, totalItems, totalPages, items}`.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::{Value, json as object};

use super::{refusal::Refusal, routes::Desk};
use crate::platform::json;

/// The default page size, in items.
const DEFAULT_PAGE: usize = 100;
/// The largest page size.
const MAX_PAGE: usize = 500;
/// The most ids in the filter of one list.
const MAX_IDS: usize = 100;

/// Responds with a page.
pub(super) fn answer(desk: &Desk<'_>, known: &[&str], items: &[Value]) -> Result<Response<Body>, Refusal> {
    let known: Vec<&str> = known.iter().copied().chain(["page", "pageSize"]).collect();
    only_params(desk, &known)?;
    let number = |name: &str, default: usize, most: usize| match desk.call.param(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| Refusal::field(name, format!("must be a whole number of 1 to {most}"))),
    };
    let page = number("page", 1, usize::MAX)?;
    let size = number("pageSize", DEFAULT_PAGE, MAX_PAGE)?.min(desk.max_page).max(1);
    let cut = desk.paging.numbered(page, size, items.len());
    let shown: Vec<&Value> = items.iter().skip(cut.first).take(cut.size).collect();
    Ok(json(
        StatusCode::OK,
        &object!({
            "page": page, "pageSize": size, "totalItems": items.len(),
            "totalPages": cut.pages, "items": shown,
        }),
    ))
}

/// Refuses unknown query parameters.
pub(super) fn only_params(desk: &Desk<'_>, known: &[&str]) -> Result<(), Refusal> {
    match desk.call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(Refusal::field(name, format!("is not known here; known: {}", known.join(", ")))),
        None => Ok(()),
    }
}

/// Returns an id in the query.
pub(super) fn id(desk: &Desk<'_>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = desk.call.param(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Refusal::field(name, "must be an id"))
}

/// Returns comma-separated ids in the query.
pub(super) fn ids(desk: &Desk<'_>, name: &str) -> Result<Option<Vec<i64>>, Refusal> {
    let Some(text) = desk.call.param(name) else { return Ok(None) };
    let read: Option<Vec<i64>> = text.split(',').map(|id| id.parse().ok()).collect();
    match read {
        Some(ids) if ids.len() <= MAX_IDS => Ok(Some(ids)),
        Some(_) => Err(Refusal::field(name, format!("at most {MAX_IDS} ids at a time"))),
        None => Err(Refusal::field(name, "must be ids joined by commas")),
    }
}
