//! Ad units of an advertiser's creative library: an audio file each, with optional banners and
//! tracking pixels (help pages, creative manager). Their limits are those of the creative manager
//! (help pages, supported formats): MP3 and WAV, 0.75 to 750 seconds. The 15 to 60 seconds of other
//! pages are those of the exchange.

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

const KNOWN: [&str; 9] =
    ["advertiserId", "name", "type", "url", "format", "durationSeconds", "clickUrl", "banners", "trackingPixels"];
/// The maximum length of a name, in characters.
const MAX_NAME: usize = 255;
/// The maximum length of a URL, in characters.
const MAX_URL: usize = 1024;
/// The longest spot, in whole seconds. The shortest is 0.75 seconds, which is booked as 1.
const LONGEST: i64 = 750;
/// The longest side of a banner, in pixels (help pages, banners).
const LONGEST_SIDE: i64 = 3000;

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
    if seed::advertiser(advertiser).is_none() {
        return Err(Refusal::field("advertiserId", format!("there is no advertiser {advertiser}")));
    }
    fields.required_text("name", MAX_NAME)?;
    fields.word("type", &["AUDIO"])?;
    fields.word("format", &["MP3", "WAV"])?;
    for (name, required) in [("url", true), ("clickUrl", false)] {
        let address = if required { Some(fields.required_text(name, MAX_URL)?) } else { fields.text(name, MAX_URL)? };
        if address.is_some_and(|address| !is_address(address)) {
            return Err(Refusal::field(name, "must be an https address"));
        }
    }
    let duration = fields.required_count("durationSeconds")?;
    if duration > LONGEST {
        return Err(Refusal::field("durationSeconds", format!("must be 1 to {LONGEST}")));
    }
    for (number, banner) in fields.objects("banners")?.into_iter().enumerate() {
        let at = |refusal: Refusal| Refusal::field(&format!("banners[{number}]"), refusal);
        check_banner(banner).map_err(at)?;
    }
    let pixels = fields.get("trackingPixels").map(|pixels| pixels.as_array().cloned().unwrap_or_default());
    if pixels.is_some_and(|pixels| !pixels.iter().all(|pixel| pixel.as_str().is_some_and(is_address))) {
        return Err(Refusal::field("trackingPixels", "must be a list of https addresses"));
    }
    Ok(advertiser)
}

/// Checks a banner. It must have a click-through link (help pages, banners).
fn check_banner(banner: &Object) -> Result<(), Refusal> {
    let fields = Fields::of(banner, &["url", "width", "height", "clickThroughUrl"])?;
    for name in ["url", "clickThroughUrl"] {
        if !is_address(fields.required_text(name, MAX_URL)?) {
            return Err(Refusal::field(name, "must be an https address"));
        }
    }
    for name in ["width", "height"] {
        if fields.required_count(name)? > LONGEST_SIDE {
            return Err(Refusal::field(name, format!("is at most {LONGEST_SIDE} pixels")));
        }
    }
    Ok(())
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
