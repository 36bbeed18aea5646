//! Companions: images that are shown beside a creative, in a roadblock by creative set.
//!
//! Only custom creatives have fields of a platform's own, so the buyer gives the companions in
//! `template_values.companions`: `[{"image_url": "https://…", "width": 728, "height": 90}]`.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use super::{ADDRESS_LIMIT, ALT_TEXT_LIMIT, is_address};
use crate::settings::{Product, Size};

/// The most companions of a creative set (help 2666929).
const MOST: usize = 8;
const FIELDS: [&str; 4] = ["image_url", "click_url", "width", "height"];

/// Returns the fields of a creative's companions. Products that are roadblocks need some, and others
/// take none.
pub(super) fn translate(creative: &Creative, products: &[(&String, Product)], problems: &mut Problems) -> Vec<Object> {
    let pointer = format!("/assets/{}/template_values/companions", pointer_segment(&creative.creative_id));
    let values = creative.template_values.as_deref().and_then(|values| Json::parse(values).ok());
    let listed = values.as_ref().and_then(Json::as_object).and_then(|values| values.get("companions"));
    for (id, product) in products {
        let Some(companions) = &product.companions else { continue };
        if listed.is_none() {
            let sizes: Vec<String> = companions.sizes.iter().map(Size::to_string).collect();
            let message = format!(
                "The package {id} shows a creative with companions of {}: send a custom creative with \
                 template_values.companions.",
                sizes.join(", ")
            );
            problems.unsupported("companions_missing", &pointer, "", message, &["custom"]);
        }
    }
    let Some(listed) = listed else { return Vec::new() };
    let list = match listed {
        Json::List(list) if (1..=MOST).contains(&list.len()) => list,
        other => {
            let message = format!("It is a list of 1 to {MOST} objects.");
            problems.invalid("invalid_companions", pointer, other.to_string(), message);
            return Vec::new();
        }
    };
    let read = |(index, one): (usize, &Json)| read(creative, products, &format!("{pointer}/{index}"), one, problems);
    list.iter().enumerate().filter_map(read).collect()
}

/// Reads one companion, and checks it against the products.
fn read(
    creative: &Creative,
    products: &[(&String, Product)],
    pointer: &str,
    companion: &Json,
    problems: &mut Problems,
) -> Option<Object> {
    let known = companion.as_object().filter(|fields| fields.iter().all(|(name, _)| FIELDS.contains(&name)));
    let side = |name: &str| known?.get(name)?.to_string().parse::<u32>().ok().filter(|side| *side > 0);
    let address = |name: &str| known.and_then(|fields| fields.get(name)).and_then(Json::as_text);
    let good = |address: &str| is_address(address) && address.chars().count() <= ADDRESS_LIMIT;
    let click = address("click_url").or(creative.click_url.as_deref());
    let image = address("image_url").filter(|address| good(address));
    let (Some(image), Some(width), Some(height)) = (image, side("width"), side("height")) else {
        let message = format!(
            "A companion has image_url, width and height, and may have click_url; an address has at most \
             {ADDRESS_LIMIT} characters."
        );
        problems.invalid("invalid_companions", pointer, companion.to_string(), message);
        return None;
    };
    if let Some(click) = click.filter(|click| !good(click)) {
        problems.invalid("invalid_companions", format!("{pointer}/click_url"), click, "It is no address.");
        return None;
    }
    let size = Size(width, height);
    for (id, product) in products {
        let sizes = product.companions.as_ref().map(|companions| &companions.sizes[..]).unwrap_or_default();
        if !sizes.contains(&size) {
            let known: Vec<String> = sizes.iter().map(Size::to_string).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let message = format!("The package {id} has no place for a companion of {size}.");
            problems.unsupported("unsupported_companion", pointer, size.to_string(), message, &known);
        }
    }
    let alternative: String = creative.name.chars().take(ALT_TEXT_LIMIT).collect();
    let mut details = object! { "imageUrl": image, "altText": alternative };
    match click {
        Some(click) => details.set("destinationUrl", click),
        None => details.set("destinationUrlType", "NONE"),
    }
    Some(object! { "size": crate::line_item::pixels(size), "imageRedirectCreative": details })
}
