//! The status of lines, and what they delivered by day.

use axum::http::StatusCode;
use serde_json::{Value, json as object};
use time::{Date, Duration, format_description::well_known::Iso8601};

use super::{
    fields::{instant, required},
    lists,
    refusal::Refusal,
    routes::{Desk, Done},
};
use crate::{control::clock::to_millis, platform::json};

/// The longest range of days in a report: a quarter of a year.
const MAX_DAYS: i64 = 92;

/// Returns the status of lines. Unknown ids are named apart.
pub(super) fn status(desk: &Desk<'_>) -> Done {
    lists::only_params(desk, &["line_ids"])?;
    let (mut lines, mut unknown): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
    for id in lists::line_ids(desk)? {
        let Some(line) = desk.state.lines.get(&id) else {
            unknown.push(id.to_string());
            continue;
        };
        lines.push(object!({
            "line_id": id.to_string(),
            "order_id": line.order.to_string(),
            "state": desk.state.line_state(line, desk.now),
            "impressions": line.delivery.totals(desk.now).impressions,
        }));
    }
    Ok(json(StatusCode::OK, &object!({ "lines": lines, "unknown": unknown })))
}

/// Returns what lines delivered on each day of a range, in UTC. Days without delivery are left out.
pub(super) fn report(desk: &Desk<'_>) -> Done {
    lists::only_params(desk, &["from", "to", "line_ids"])?;
    let (first, last) = (day(desk, "from")?, day(desk, "to")?);
    if last < first || (last - first).whole_days() >= MAX_DAYS {
        return Err(Refusal::invalid("to", format!("must not be before from, nor {MAX_DAYS} days or more after it")));
    }
    let ids = lists::line_ids(desk)?;
    let mut rows: Vec<Value> = Vec::new();
    let mut day = first;
    while day <= last {
        let from = to_millis(day.midnight().assume_utc());
        let to = to_millis((day.midnight() + Duration::DAY).assume_utc()).min(desk.now);
        for id in &ids {
            let Some(line) = desk.state.lines.get(id) else { continue };
            let totals = line.delivery.between(from, to);
            if totals.impressions > 0 {
                rows.push(object!({
                    "line_id": id.to_string(), "day": day.to_string(), "impressions": totals.impressions,
                    "clicks": totals.clicks, "spend": totals.spend.to_text(),
                }));
            }
        }
        let Some(next) = day.next_day() else { break };
        day = next;
    }
    Ok(json(StatusCode::OK, &object!({ "rows": rows, "as_of": instant(desk.now) })))
}

fn day(desk: &Desk<'_>, name: &str) -> Result<Date, Refusal> {
    let text = required(name, desk.call.param(name))?;
    let day = Date::parse(text, &Iso8601::DATE).ok().filter(|day| day.to_string() == text);
    day.ok_or_else(|| Refusal::invalid(name, "must be a day such as 2026-12-01"))
}
