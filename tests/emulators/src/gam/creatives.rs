//! Creatives.

use serde_json::{Value, json};

use super::{
    lists, mask,
    messages::creative::CREATIVE,
    refusal::Refusal,
    routes::{Desk, Done, exact, no_route, one},
    rules::{destination, placeholders},
    schema::{Object, inner, number, text},
    state::{Creative, State, visible},
};

/// Fields that filters and orderings of the list may use.
const FIELDS: &[&str] = &["name", "displayName", "advertiser", "updateTime", "size", "previewUrl"];
/// The longest image URL, in characters.
const MAX_URL: usize = 1024;

/// Returns a page of creatives.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let seen = desk.state.creatives.iter().filter(|(_, creative)| visible(creative.born, desk.lag));
    let objects = seen.map(|(id, creative)| State::show_creative(*id, creative)).collect();
    lists::answer(desk, "creatives", FIELDS, objects)
}

/// Returns one creative.
pub(super) fn get(desk: &Desk<'_>, name: &str) -> Done {
    desk.only_params(&[])?;
    let (id, creative) = desk.state.creative(name)?;
    one(State::show_creative(id, creative))
}

/// Creates one.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    desk.only_params(&[])?;
    let object = desk.read(&CREATIVE, "creative")?;
    check(desk.state, &object)?;
    one(insert(desk, object))
}

/// Changes one.
pub(super) fn patch(desk: &mut Desk<'_>, name: &str) -> Done {
    desk.only_params(&["updateMask"])?;
    let sent = desk.read(&CREATIVE, "creative")?;
    let (id, after) = changed(desk.state, name, &sent, desk.param("updateMask"))?;
    one(replace(desk, id, after))
}

/// Handles a batch of writes or an action.
pub(super) fn act(desk: &mut Desk<'_>, action: &str) -> Done {
    match action {
        "batchCreate" => {
            let mut staged = Vec::new();
            for (index, (mut object, _)) in desk.requests(&CREATIVE, "creative")?.into_iter().enumerate() {
                object.remove("name");
                check(desk.state, &object).map_err(|refusal| refusal.of_request(index))?;
                staged.push(object);
            }
            let shown: Vec<Value> = staged.into_iter().map(|object| Value::Object(insert(desk, object))).collect();
            exact(&json!({ "creatives": shown }))
        }
        "batchUpdate" => {
            let mut staged = Vec::new();
            for (index, (mut sent, request)) in desk.requests(&CREATIVE, "creative")?.into_iter().enumerate() {
                let name = sent.remove("name").ok_or_else(|| Refusal::required("creative.name").of_request(index))?;
                let after = changed(desk.state, name.as_str().unwrap_or(""), &sent, text(&request, "updateMask"));
                staged.push(after.map_err(|refusal| refusal.of_request(index))?);
            }
            let shown: Vec<Value> =
                staged.into_iter().map(|(id, after)| Value::Object(replace(desk, id, after))).collect();
            exact(&json!({ "creatives": shown }))
        }
        "batchActivate" | "batchDeactivate" => {
            let mut ids = Vec::new();
            for name in desk.names()? {
                ids.push(desk.state.creative(&name)?.0);
            }
            for id in ids {
                if let Some(creative) = desk.state.creatives.get_mut(&id) {
                    creative.active = action == "batchActivate";
                    creative.updated = desk.now;
                }
                settle(desk, id);
            }
            exact(&json!({}))
        }
        _ => Err(no_route(desk.call)),
    }
}

fn settle(desk: &mut Desk<'_>, creative: i64) {
    let named = super::state::name("creatives", creative);
    let led = |id: &i64| {
        let set = desk.state.creative_sets.get(id);
        set.is_some_and(|set| text(&set.object, "masterCreative") == Some(named.as_str()))
    };
    let ties = desk.state.associations.keys().filter(|(_, other)| *other == creative || led(other));
    let tied: Vec<i64> = ties.map(|(item, _)| *item).collect();
    for item in tied {
        desk.state.settle(item, desk.now);
    }
}

/// Stores the bytes of assets, which then have a name of their own; responses don't include the
/// bytes.
fn host_assets(state: &mut State, value: &mut Object) {
    if let Some(Value::String(bytes)) = value.remove("assetByteArray") {
        let asset = state.next_id();
        value.insert("asset".to_owned(), super::state::name("assets", asset).into());
        // In Base64, four letters encode three bytes; some letters are padding.
        let padding = bytes.bytes().rev().take_while(|letter| *letter == b'=').count();
        value.insert("fileSize".to_owned(), (bytes.len() / 4 * 3 - padding).to_string().into());
    }
    for inner in value.values_mut() {
        match inner {
            Value::Object(inner) => host_assets(state, inner),
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| host_assets(state, item))
            }
            _ => {}
        }
    }
}

/// Checks that every asset exists, or is sent with its bytes and a file name.
fn check_assets(place: &str, value: &Object) -> Result<(), Refusal> {
    for (name, inner) in value {
        let place = format!("{place}.{name}");
        let many: Vec<&Object> = match inner {
            Value::Object(inner) => vec![inner],
            Value::Array(items) => items.iter().filter_map(Value::as_object).collect(),
            _ => continue,
        };
        for one in many {
            let holds = name.ends_with("Asset") || name.ends_with("imageAssets") || name.ends_with("ImageAssets");
            if holds && !one.contains_key("asset") && name != "customCreativeAssets" {
                let there = |field: &str| text(one, field).is_some_and(|text| !text.is_empty());
                if !there("assetByteArray") || !there("fileName") {
                    let why = "needs assetByteArray and fileName, or the name of an asset that exists";
                    return Err(Refusal::invalid("REQUIRED", &place, why));
                }
            }
            check_assets(&place, one)?;
        }
    }
    Ok(())
}

fn insert(desk: &mut Desk<'_>, mut object: Object) -> Object {
    host_assets(desk.state, &mut object);
    let object = CREATIVE.kept(&object);
    let id = desk.state.next_id();
    let creative = Creative { object, active: true, updated: desk.now, born: std::time::Instant::now() };
    let shown = State::show_creative(id, &creative);
    desk.state.creatives.insert(id, creative);
    shown
}

fn replace(desk: &mut Desk<'_>, id: i64, mut object: Object) -> Object {
    host_assets(desk.state, &mut object);
    let object = CREATIVE.kept(&object);
    let Some(creative) = desk.state.creatives.get_mut(&id) else { return Object::new() };
    creative.object = object;
    creative.updated = desk.now;
    State::show_creative(id, creative)
}

fn changed(state: &State, name: &str, sent: &Object, mask: Option<&str>) -> Result<(i64, Object), Refusal> {
    let (id, creative) = state.creative(name)?;
    let after = mask::apply(&CREATIVE, &creative.object, sent, mask)?;
    if text(&after, "advertiser") != text(&creative.object, "advertiser") {
        return Err(Refusal::invalid("IMMUTABLE", "advertiser", "can't be changed; create another creative"));
    }
    check(state, &after)?;
    Ok((id, after))
}

fn check(state: &State, creative: &Object) -> Result<(), Refusal> {
    CREATIVE.require("creative", creative)?;
    check_assets("creative", creative)?;
    state.referred("advertiser", "companies", text(creative, "advertiser").unwrap_or(""))?;
    let size = inner(creative, "size");
    if size.is_some_and(|size| ["width", "height"].iter().any(|side| number(size, side).is_none_or(|side| side < 1))) {
        return Err(Refusal::invalid("INVALID_SIZE", "size", "width and height must be 1 or more"));
    }
    if let Some(size) = size {
        placeholders::size("size", size)?;
    }
    let kinds: Vec<&String> = creative.keys().filter(|name| name.ends_with("Creative")).collect();
    let [kind] = kinds.as_slice() else {
        let why = format!("exactly one kind of creative is needed (imageRedirectCreative, …), not {}", kinds.len());
        return Err(Refusal::invalid("INVALID_CREATIVE_TYPE", "creative", why));
    };
    let details = inner(creative, kind).cloned().unwrap_or_default();
    for field in ["imageUrl", "vastXmlUrl", "destinationUrl"] {
        if let Some(url) = text(&details, field).filter(|url| !url.is_empty()) {
            let web = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
            if !web || url.chars().count() > MAX_URL || url.contains(char::is_whitespace) {
                let why = format!("must be an http or https URL of at most {MAX_URL} characters");
                return Err(Refusal::invalid("INVALID_URL", &format!("{kind}.{field}"), why));
            }
        }
    }
    if *kind == "thirdPartyCreative" && text(&details, "snippet").is_none_or(str::is_empty) {
        return Err(Refusal::required("creative.third_party_creative.snippet"));
    }
    destination::check(kind, &details)
}
