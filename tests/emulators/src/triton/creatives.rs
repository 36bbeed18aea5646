//! Creatives: audio only.

use std::time::Instant;

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    fields::{Fields, Object},
    lists,
    refusal::Refusal,
    routes::{Desk, Done},
    seed,
    state::{Creative, State, visible},
};
use crate::platform::json;

const KNOWN: [&str; 7] = ["advertiserId", "name", "type", "url", "format", "durationSeconds", "clickUrl"];
/// The maximum length of a name, in characters.
const MAX_NAME: usize = 255;
/// The maximum length of a URL, in characters.
const MAX_URL: usize = 1024;
/// The allowed duration of a spot, in seconds (public help pages).
const DURATION: std::ops::RangeInclusive<i64> = 15..=60;

/// Returns a page of the creatives of an advertiser.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let advertiser = lists::id(desk, "advertiserId")?.ok_or_else(|| Refusal::required("advertiserId"))?;
    let found =
        desk.state.creatives.iter().filter(|(_, one)| one.advertiser == advertiser && visible(one.born, desk.lag));
    let items: Vec<Value> = found.map(|(id, creative)| State::show_creative(*id, creative)).collect();
    lists::answer(desk, &["advertiserId"], &items)
}

/// Returns one creative.
pub(super) fn get(desk: &Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let creative = desk.state.creatives.get(&id).ok_or_else(|| Refusal::no_such("creative", id))?;
    Ok(json(StatusCode::OK, &State::show_creative(id, creative)))
}

fn read(object: &Object) -> Result<i64, Refusal> {
    let fields = Fields::of(object, &KNOWN)?;
    let advertiser = fields.required_count("advertiserId")?;
    if !seed::ADVERTISERS.iter().any(|(id, _)| *id == advertiser) {
        return Err(Refusal::field("advertiserId", format!("there is no advertiser {advertiser}")));
    }
    fields.required_text("name", MAX_NAME)?;
    fields.word("type", &["AUDIO"])?;
    fields.word("format", &["MP3", "WAV", "WMA", "OGG"])?;
    for (name, required) in [("url", true), ("clickUrl", false)] {
        let address = if required { Some(fields.required_text(name, MAX_URL)?) } else { fields.text(name, MAX_URL)? };
        if address.is_some_and(|address| !is_address(address)) {
            return Err(Refusal::field(name, "must be an https address"));
        }
    }
    let duration = fields.required_count("durationSeconds")?;
    if !DURATION.contains(&duration) {
        return Err(Refusal::field("durationSeconds", "must be 15 to 60"));
    }
    Ok(advertiser)
}

fn is_address(address: &str) -> bool {
    let host = address.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty()) && !address.contains(char::is_whitespace)
}

/// Creates a creative.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    lists::only_params(desk, &[])?;
    let object = desk.body()?;
    let advertiser = read(&object)?;
    let id = desk.state.next_id();
    let creative = Creative { object, advertiser, born: Instant::now() };
    let shown = State::show_creative(id, &creative);
    desk.state.creatives.insert(id, creative);
    Ok(json(StatusCode::CREATED, &shown))
}
