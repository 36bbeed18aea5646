//! Custom creatives: a snippet of HTML, and what else their `template_values` say.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use super::{ADDRESS_LIMIT, image, is_address, set_destination, set_trackers};
use crate::settings::Product;

/// The macros by which Ad Manager counts the clicks of a snippet (help 6081628).
const CLICK_MACROS: [&str; 2] = ["%%CLICK_URL_UNESC%%", "%%CLICK_URL_ESC%%"];

/// The fields of a custom creative.
const CUSTOM_FIELDS: [&str; 4] = ["snippet", "safe_frame_compatible", "impression_trackers", "companions"];

/// Returns the kind of creative, and its details: the snippet, or with companions also the image at
/// `media_url`.
pub(super) fn translate(
    creative: &Creative,
    products: &[(&String, Product)],
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> (&'static str, Option<Object>) {
    let values = creative.template_values.as_deref().and_then(|values| Json::parse(values).ok());
    let values = values.as_ref().and_then(Json::as_object);
    let has = |name: &str| values.is_some_and(|values| values.get(name).is_some());
    if has("companions") && !has("snippet") && creative.media_url.is_some() {
        return ("imageRedirectCreative", image(creative, products, problems));
    }
    ("thirdPartyCreative", snippet(creative, products, problems, notes))
}

fn snippet(
    creative: &Creative,
    products: &[(&String, Product)],
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<Object> {
    let pointer = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
    if let Some(template) = &creative.template_id {
        let message = "Ad Manager's REST API takes no fields of a creative template. Leave template_id out and send the \
                       HTML as template_values.snippet.";
        problems.unsupported("unsupported_template", pointer("template_id"), template, message, &[]);
    }
    let values = creative.template_values.as_deref().unwrap_or("{}");
    let Ok(Json::Object(values)) = Json::parse(values) else {
        problems.invalid("invalid_template_values", pointer("template_values"), values, "They are an object.");
        return None;
    };
    for (name, value) in values.iter().filter(|(name, _)| !CUSTOM_FIELDS.contains(name)) {
        let pointer = pointer(&format!("template_values/{}", pointer_segment(name)));
        let message = "A custom creative on Ad Manager has no such field.";
        problems.unsupported("unsupported_template", pointer, value.to_string(), message, &CUSTOM_FIELDS);
    }
    let Some(html) = values.get("snippet").and_then(Json::as_text).filter(|html| !html.trim().is_empty()) else {
        let message = "A custom creative on Ad Manager is a snippet of HTML: send template_values.snippet.";
        problems.invalid("snippet_missing", pointer("template_values/snippet"), "", message);
        return None;
    };
    let safe = match values.get("safe_frame_compatible") {
        None => true,
        Some(Json::Bool(safe)) => *safe,
        Some(other) => {
            let pointer = pointer("template_values/safe_frame_compatible");
            problems.invalid("invalid_template_values", pointer, other.to_string(), "It is true or false.");
            return None;
        }
    };
    if !CLICK_MACROS.iter().any(|name| html.contains(name)) {
        let required = products.iter().any(|(_, product)| product.require_click_macro);
        let message = format!(
            "Ad Manager counts the clicks of a snippet only if it leads them through {}.",
            CLICK_MACROS.join(" or ")
        );
        if required {
            problems.unsupported("click_macro_missing", pointer("template_values/snippet"), "", message, &CLICK_MACROS);
        } else {
            notes.push(format!("{}: no clicks will be counted. {message}", creative.creative_id));
        }
    }
    let trackers = trackers(&values, &pointer("template_values/impression_trackers"), problems);
    let mut details = object! { "snippet": html, "safeFrameCompatible": safe };
    set_destination(&mut details, creative);
    set_trackers(&mut details, products, &trackers);
    Some(details)
}

/// Reads the addresses that a buyer has requested with each impression.
fn trackers(values: &Object, pointer: &str, problems: &mut Problems) -> Vec<String> {
    let Some(list) = values.get("impression_trackers") else { return Vec::new() };
    let read: Option<Vec<String>> = match list {
        Json::List(items) => items.iter().map(|item| item.as_text().map(str::to_owned)).collect(),
        _ => None,
    };
    let good = |address: &String| is_address(address) && address.chars().count() <= ADDRESS_LIMIT;
    match read.filter(|read| read.iter().all(good)) {
        Some(read) => read,
        None => {
            let message = format!("It is a list of addresses of at most {ADDRESS_LIMIT} characters.");
            problems.invalid("invalid_template_values", pointer, list.to_string(), message);
            Vec::new()
        }
    }
}
