//! Paginated lists: `{page, pageSize, totalPages, totalItems, items}`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    refusal::Refusal,
    routes::{Desk, Reply},
    state::{Record, visible},
};
use crate::control::settings::NumberedPage;

/// Kevel's default page size, in items.
const DEFAULT_PAGE_SIZE: i64 = 500;

struct Window {
    page: usize,
    size: usize,
}

fn window(desk: &Desk<'_>) -> Result<Window, Refusal> {
    let at_least_one = |name: &str, value: i64| {
        usize::try_from(value)
            .ok()
            .filter(|value| *value >= 1)
            .ok_or_else(|| Refusal::invalid(format!("{name} must be at least 1")))
    };
    let page = at_least_one("page", desk.int_param("page")?.unwrap_or(1))?;
    let size = at_least_one("pageSize", desk.int_param("pageSize")?.unwrap_or(DEFAULT_PAGE_SIZE))?;
    let most = usize::try_from(desk.settings.max_page_size).unwrap_or(usize::MAX);
    Ok(Window { page, size: size.min(most) })
}

fn answer(window: &Window, cut: &NumberedPage, total: usize, items: Vec<Value>) -> Reply {
    Reply::ok(json!({
        "page": window.page,
        "pageSize": window.size,
        "totalPages": cut.pages,
        "totalItems": total,
        "items": items,
    }))
}

/// Returns a page of the visible objects of a type, in the given order.
pub(super) fn page<'s>(
    desk: &'s Desk<'_>,
    kind: &str,
    records: impl Iterator<Item = &'s Record>,
) -> Result<Reply, Refusal> {
    let lag = lag(desk);
    let visible: Vec<&Record> = records.filter(|record| visible(record, lag)).collect();
    let window = window(desk)?;
    let cut = desk.settings.paging.numbered(window.page, window.size, visible.len());
    // Only the objects on the page are rendered.
    let items = visible.iter().skip(cut.first).take(cut.size).map(|record| desk.state.render(kind, record)).collect();
    Ok(answer(&window, &cut, visible.len(), items))
}

/// Returns a page of ready values.
pub(super) fn page_of(desk: &Desk<'_>, values: Vec<Value>) -> Result<Reply, Refusal> {
    let window = window(desk)?;
    let total = values.len();
    let cut = desk.settings.paging.numbered(window.page, window.size, total);
    let items = values.into_iter().skip(cut.first).take(cut.size).collect();
    Ok(answer(&window, &cut, total, items))
}

/// Returns how long new objects are missing from lists.
pub(super) fn lag(desk: &Desk<'_>) -> Duration {
    Duration::from_millis(desk.settings.lookup_lag_ms)
}
