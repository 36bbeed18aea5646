//! Creatives, and their assignments to lines.

use std::time::Instant;

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    fields::{Fields, required},
    lists,
    refusal::Refusal,
    routes::{Desk, Done, advertiser},
    state::{Assignment, Creative, OrderState},
};
use crate::platform::json;

const FIELDS: &[&str] =
    &["advertiser_id", "name", "external_ref", "format", "url", "click_url", "width", "height", "duration_seconds"];
const CHANGES: &[&str] = &["name", "active"];
/// The largest width and height, in pixels.
const MAX_PIXELS: i64 = 10_000;
/// The longest video, in seconds.
const MAX_SECONDS: i64 = 120;

/// Returns a page of creatives.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let advertiser = lists::id(desk, "advertiser_id")?;
    let wanted = |(_, creative): &(&i64, &Creative)| {
        advertiser.is_none_or(|advertiser| creative.advertiser == advertiser)
            && desk.shows(creative.external_ref.as_deref(), creative.born)
    };
    let found = desk.state.creatives.iter().filter(wanted);
    let items: Vec<Value> = found.map(|(id, creative)| creative.show(*id)).collect();
    lists::answer(desk, &["external_ref", "advertiser_id"], &items)
}

/// Returns one creative.
pub(super) fn get(desk: &Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    Ok(json(StatusCode::OK, &desk.state.creative(id)?.show(id)))
}

/// Creates a creative. An image needs its size, a video its duration.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    let body = desk.body()?;
    let fields = Fields::of(&body, FIELDS)?;
    let creative = Creative {
        advertiser: advertiser(&fields)?,
        name: fields.name()?,
        external_ref: fields.external_ref()?,
        format: required("format", fields.word("format", &["image", "video"])?)?,
        url: required("url", fields.url("url")?)?.to_owned(),
        click_url: fields.url("click_url")?.map(str::to_owned),
        width: fields.count("width", MAX_PIXELS)?,
        height: fields.count("height", MAX_PIXELS)?,
        duration_seconds: fields.count("duration_seconds", MAX_SECONDS)?,
        active: true,
        created: desk.now,
        born: Instant::now(),
    };
    if creative.format == "image" {
        required("width", creative.width)?;
        required("height", creative.height)?;
    } else {
        required("duration_seconds", creative.duration_seconds)?;
    }
    let id = desk.state.next_id();
    let shown = creative.show(id);
    desk.state.creatives.insert(id, creative);
    Ok(json(StatusCode::CREATED, &shown))
}

/// Changes the name of a creative, or whether it may run at all.
pub(super) fn change(desk: &mut Desk<'_>, id: i64) -> Done {
    let body = desk.body()?;
    let now = desk.now;
    let fields = Fields::of(&body, CHANGES)?;
    let name = if fields.has("name") { Some(fields.name()?) } else { None };
    desk.state.creative(id)?;
    let creative = desk.state.creatives.get_mut(&id).ok_or_else(|| Refusal::no_such("creative", id))?;
    creative.active = fields.flag("active", creative.active)?;
    if let Some(name) = name {
        creative.name = name;
    }
    let shown = creative.show(id);
    let lines: Vec<i64> = desk.state.lines.keys().copied().collect();
    for line in lines {
        desk.state.settle(line, now);
    }
    Ok(json(StatusCode::OK, &shown))
}

/// Returns a page of a line's assignments.
pub(super) fn assignments(desk: &Desk<'_>, line: i64) -> Done {
    let shown = |(id, one): (&i64, &Assignment)| one.show(*id, line);
    let items: Vec<Value> = desk.state.line(line)?.assigned.iter().map(shown).collect();
    lists::answer(desk, &[], &items)
}

/// Assigns a creative to a line. If it is assigned already, its assignment is activated and answered.
pub(super) fn assign(desk: &mut Desk<'_>, line: i64) -> Done {
    let body = desk.body()?;
    let now = desk.now;
    let order = desk.state.line(line)?.order;
    if desk.state.order(order)?.state == OrderState::Archived {
        return Err(Refusal::archived(order));
    }
    let creative = Fields::of(&body, &["creative_id"])?.id("creative_id")?;
    let advertiser = desk.state.order(order)?.advertiser;
    let known = desk.state.creatives.get(&creative).filter(|creative| creative.advertiser == advertiser);
    if known.is_none() {
        return Err(Refusal::invalid("creative_id", format!("{creative} is no creative of this advertiser")));
    }
    let before = desk.state.line(line)?.assigned.iter().find(|(_, one)| one.creative == creative).map(|(id, _)| *id);
    let id = before.unwrap_or_else(|| desk.state.next_id());
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    put(desk, line, id, Assignment { creative, active: true, created: now });
    assignment(desk, id).map(|mut answer| {
        *answer.status_mut() = status;
        answer
    })
}

fn put(desk: &mut Desk<'_>, line: i64, id: i64, mut assignment: Assignment) {
    if let Some(line) = desk.state.lines.get_mut(&line) {
        if let Some(before) = line.assigned.get(&id) {
            assignment.created = before.created;
        }
        line.assigned.insert(id, assignment);
    }
    desk.state.settle(line, desk.now);
}

/// Returns one assignment.
pub(super) fn assignment(desk: &Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let (line, assignment) = desk.state.assignment(id)?;
    Ok(json(StatusCode::OK, &assignment.show(id, line)))
}

/// Activates or deactivates an assignment.
pub(super) fn reassign(desk: &mut Desk<'_>, id: i64) -> Done {
    let body = desk.body()?;
    let (line, before) = desk.state.assignment(id)?;
    let active = Fields::of(&body, &["active"])?.flag("active", before.active)?;
    let order = desk.state.line(line)?.order;
    if desk.state.order(order)?.state == OrderState::Archived {
        return Err(Refusal::archived(order));
    }
    put(desk, line, id, Assignment { active, ..before });
    assignment(desk, id)
}
