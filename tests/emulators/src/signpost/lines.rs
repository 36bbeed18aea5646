//! Lines.

use std::{collections::BTreeMap, time::Instant};

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    delivery::{Delivery, Terms},
    fields::{Fields, Object, required},
    lists,
    refusal::Refusal,
    routes::{Desk, Done},
    state::{Line, OrderState, Plan},
};
use crate::platform::json;

const FIELDS: &[&str] = &[
    "name",
    "external_ref",
    "goal_impressions",
    "rate",
    "rate_type",
    "start",
    "end",
    "pacing",
    "active",
    "daily_budget",
    "countries",
    "devices",
];
/// The largest goal of a line, in impressions.
const MAX_GOAL: i64 = 1_000_000_000;

/// Returns a page of an order's lines.
pub(super) fn list(desk: &Desk<'_>, order: i64) -> Done {
    desk.state.order(order)?;
    let wanted = |(_, line): &(&i64, &Line)| line.order == order && desk.shows(line.external_ref.as_deref(), line.born);
    let found = desk.state.lines.iter().filter(wanted);
    let items: Vec<Value> = found.map(|(id, line)| desk.state.show_line(*id, line, desk.now)).collect();
    lists::answer(desk, &["external_ref"], &items)
}

/// Returns one line.
pub(super) fn get(desk: &Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    Ok(json(StatusCode::OK, &desk.state.show_line(id, desk.state.line(id)?, desk.now)))
}

/// Parses a whole line.
fn read(body: &Object) -> Result<Plan, Refusal> {
    let fields = Fields::of(body, FIELDS)?;
    fields.word("rate_type", &["cpm"])?;
    let start = required("start", fields.instant("start")?)?;
    let end = required("end", fields.instant("end")?)?;
    if end <= start {
        return Err(Refusal::invalid("end", "must be after start"));
    }
    let country = |word: &str| word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let device = |word: &str| ["mobile", "desktop"].contains(&word);
    Ok(Plan {
        name: fields.name()?,
        active: fields.flag("active", true)?,
        countries: fields.words("countries", "country codes such as US", country)?,
        devices: fields.words("devices", "mobile, desktop", device)?,
        terms: Terms {
            start,
            end,
            goal: required("goal_impressions", fields.count("goal_impressions", MAX_GOAL)?)?,
            rate: required("rate", fields.amount("rate")?)?,
            daily_budget: fields.amount("daily_budget")?,
            asap: fields.word("pacing", &["even", "asap"])? == Some("asap"),
        },
    })
}

/// Creates a line. A second one with the same `external_ref` is a second line.
pub(super) fn create(desk: &mut Desk<'_>, order: i64) -> Done {
    let body = desk.body()?;
    if desk.state.order(order)?.state == OrderState::Archived {
        return Err(Refusal::archived(order));
    }
    let plan = read(&body)?;
    let external_ref = Fields::of(&body, FIELDS)?.external_ref()?;
    let delivery = Delivery::new(desk.now, plan.terms);
    let assigned = BTreeMap::new();
    let (created, born) = (desk.now, Instant::now());
    let line = Line { order, external_ref, plan, assigned, delivery, created, born };
    let id = desk.state.next_id();
    desk.state.lines.insert(id, line);
    desk.state.settle(id, desk.now);
    Ok(json(StatusCode::CREATED, &desk.state.show_line(id, desk.state.line(id)?, desk.now)))
}

/// Changes the fields of a line that were sent. A `null` removes a field that may be missing.
pub(super) fn change(desk: &mut Desk<'_>, id: i64) -> Done {
    let sent = desk.body()?;
    let line = desk.state.line(id)?;
    if desk.state.order(line.order)?.state == OrderState::Archived {
        return Err(Refusal::archived(line.order));
    }
    if sent.contains_key("external_ref") {
        return Err(Refusal::invalid("external_ref", "can't be changed"));
    }
    let mut whole = line.plan.fields();
    for (name, value) in sent {
        whole.insert(name, value);
    }
    let plan = read(&whole)?;
    let (delivered, goal) = (line.delivery.totals(desk.now).impressions, plan.terms.goal);
    if u64::try_from(goal).unwrap_or(0) < delivered {
        return Err(Refusal::invalid("goal_impressions", format!("is below the {delivered} that were delivered")));
    }
    if let Some(line) = desk.state.lines.get_mut(&id) {
        line.plan = plan;
    }
    desk.state.settle(id, desk.now);
    Ok(json(StatusCode::OK, &desk.state.show_line(id, desk.state.line(id)?, desk.now)))
}
