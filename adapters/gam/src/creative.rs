//! A creative. It belongs to the advertiser; [ties](crate::ties) assign it to line items.
//!
//! | format | on Ad Manager |
//! |---|---|
//! | image | `imageRedirectCreative`: the image stays at its URL |
//! | video | `vastRedirectCreative`: the URL of a VAST document |
//! | custom | `thirdPartyCreative`: a snippet of HTML in `template_values` |
//! | custom with companions | a creative set: the snippet or the image at its URL, and images beside it |
//!
//! The REST API accepts neither the fields of a creative template nor the URL of a video file, so
//! the adapter can't make creatives of these types.

use flightdeck_adapter::{ad_server::Uploadable, http::url, names, prelude::*, words::pointer_segment};
use serde::Deserialize;

mod companions;
mod custom;

use crate::{
    api::{Made, Network, id_of, quoted},
    refusal::made_or_found,
    settings::{Environment, Platform, Product, Size},
};

/// The platform's name for the type.
pub const TYPE: &str = "Creative";
/// The supported formats.
pub const FORMATS: [CreativeFormat; 3] = [CreativeFormat::Image, CreativeFormat::Video, CreativeFormat::Custom];
/// The maximum length of a name, in characters (reference, `displayName`).
const NAME_LIMIT: usize = 255;
/// The maximum length of an address, in characters (types of the details of creatives).
const ADDRESS_LIMIT: usize = 1024;
/// The maximum length of an alternative text, in characters (type `ImageRedirectCreativeDetails`).
const ALT_TEXT_LIMIT: usize = 500;
/// The most creatives of a line item (help 1628457).
const CREATIVES_LIMIT: usize = 260;
/// The desired state of a creative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The buyer's id.
    pub creative_id: String,
    /// The display name.
    pub name: String,
    fields: Object,
    /// The fields of its companions. With any, it is the master of a creative set.
    companions: Vec<Object>,
}

/// Translates a creative for Ad Manager. Returns `None` if that is not possible; `problems` then
/// says why.
///
/// # Errors
/// When a product's settings can't be read.
pub fn translate(
    platform: &Platform,
    buy: &MediaBuy,
    creative: &Creative,
    package_ids: &[String],
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Fallible<Option<Asset>> {
    let pointer = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
    let before = problems.count();
    let mut products = Vec::new();
    for id in package_ids {
        let Some(package) = problems.check_package(buy, creative, id) else { continue };
        if package.creative_ids.len() > CREATIVES_LIMIT {
            let message = format!("A line item on Ad Manager has at most {CREATIVES_LIMIT} creatives.");
            problems.unsupported("too_many_creatives", pointer("package_assignments"), id, message, &[]);
        }
        products.push((id, Product::read(platform, package)?));
    }
    for (name, address) in [("media_url", &creative.media_url), ("click_url", &creative.click_url)] {
        if let Some(address) = address.as_deref().filter(|address| !is_address(address)) {
            problems.invalid("invalid_address", pointer(name), address, "An address begins with https:// or http://.");
        }
        if let Some(address) = address.as_deref().filter(|address| address.chars().count() > ADDRESS_LIMIT) {
            let message = format!("An address on Ad Manager has at most {ADDRESS_LIMIT} characters.");
            problems.unsupported("address_too_long", pointer(name), address, message, &[]);
        }
    }
    let (kind, details, environment) = match &creative.format {
        CreativeFormat::Image => ("imageRedirectCreative", image(creative, &products, problems), Environment::Browser),
        CreativeFormat::Video => {
            ("vastRedirectCreative", video(platform, creative, problems), Environment::VideoPlayer)
        }
        CreativeFormat::Custom => {
            let (kind, details) = custom::translate(creative, &products, problems, notes);
            (kind, details, Environment::Browser)
        }
        other => {
            let known = FORMATS.each_ref().map(CreativeFormat::word);
            let message = "The Ad Manager adapter has no such creatives.";
            problems.unsupported("unsupported_format", pointer("format"), other.word(), message, &known);
            return Ok(None);
        }
    };
    for (id, product) in products.iter().filter(|(_, product)| product.shown_in() != environment) {
        let (known, message) = match product.shown_in() {
            Environment::Browser => (&["image", "custom"][..], format!("The package {id} is display on Ad Manager.")),
            Environment::VideoPlayer => (&["video"][..], format!("The package {id} is video on Ad Manager.")),
        };
        problems.unsupported("unsupported_format", pointer("format"), creative.format.word(), message, known);
    }
    if creative.format == CreativeFormat::Video {
        check_duration(creative, &products, problems);
    }
    let companions = companions::translate(creative, &products, problems);
    let size = size(creative, &products, problems, notes);
    let (Some(details), Some(size)) = (details, size) else { return Ok(None) };
    if problems.count() != before {
        return Ok(None);
    }
    let mut fields = object! { "size": crate::line_item::pixels(size) };
    fields.set(kind, details);
    let (creative_id, name) = (creative.creative_id.clone(), creative.name.clone());
    Ok(Some(Asset { creative_id, name, fields, companions }))
}

fn is_address(address: &str) -> bool {
    let scheme = address.split("://").next().unwrap_or_default().to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https") && address.len() > scheme.len() + 3
}

/// Returns the size of a creative: the buyer's, which all its packages must accept, or else the
/// first that they accept.
fn size(
    creative: &Creative,
    products: &[(&String, Product)],
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<Size> {
    let pointer = format!("/assets/{}/width", pointer_segment(&creative.creative_id));
    let taken = |size: &Size| products.iter().all(|(_, product)| product.sizes.contains(size));
    match (creative.width, creative.height) {
        (Some(width), Some(height)) => {
            let size = Size(width, height);
            if let Some((id, product)) = products.iter().find(|(_, product)| !product.sizes.contains(&size)) {
                let known: Vec<String> = product.sizes.iter().map(Size::to_string).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let message = format!("The package {id} has no place of {size}.");
                problems.unsupported("unsupported_size", pointer, size.to_string(), message, &known);
            }
            Some(size)
        }
        (None, None) => {
            let sizes = products.first().map(|(_, product)| product.sizes.clone()).unwrap_or_default();
            let Some(size) = sizes.iter().find(|size| taken(size)).or(sizes.first()).copied() else {
                let message = "Name width and height: no package says a size.";
                problems.invalid("invalid_size", pointer, "", message);
                return None;
            };
            notes.push(format!("{} names no width and height: it is taken for {size}.", creative.creative_id));
            Some(size)
        }
        _ => {
            problems.invalid("invalid_size", pointer, "", "Give both width and height, or neither.");
            None
        }
    }
}

/// Returns the media URL, which is required.
fn media<'c>(creative: &'c Creative, problems: &mut Problems) -> Option<&'c String> {
    if creative.media_url.is_none() {
        let pointer = format!("/assets/{}/media_url", pointer_segment(&creative.creative_id));
        problems.invalid("media_url_missing", pointer, "", "Say where the asset is.");
    }
    creative.media_url.as_ref()
}

/// Writes the address of a click. Without one, Ad Manager requires the word that there is none
/// (types of the details of creatives, `destinationUrl`).
fn set_destination(details: &mut Object, creative: &Creative) {
    match &creative.click_url {
        Some(click) => details.set("destinationUrl", click),
        None => details.set("destinationUrlType", "NONE"),
    }
}

/// Writes the third parties' addresses that the products have requested with each impression.
fn set_trackers(details: &mut Object, products: &[(&String, Product)], more: &[String]) {
    let mut trackers: Vec<String> = more.to_vec();
    for tracker in products.iter().flat_map(|(_, product)| &product.impression_trackers) {
        if !trackers.contains(tracker) {
            trackers.push(tracker.clone());
        }
    }
    if !trackers.is_empty() {
        details.set("thirdPartyImpressionTrackingUrls", trackers);
    }
}

/// Refuses a video that is longer than one of its products allows.
fn check_duration(creative: &Creative, products: &[(&String, Product)], problems: &mut Problems) {
    let Some(duration) = creative.duration_ms else { return };
    for (id, product) in products {
        let Some(video) = &product.video else { continue };
        let most = u64::from(video.max_duration_seconds) * 1000;
        if u64::from(duration) > most {
            let pointer = format!("/assets/{}/duration", pointer_segment(&creative.creative_id));
            let message = format!("The package {id} takes videos of at most {} seconds.", video.max_duration_seconds);
            problems.unsupported("video_too_long", pointer, duration.to_string(), message, &[&most.to_string()]);
        }
    }
}

fn image(creative: &Creative, products: &[(&String, Product)], problems: &mut Problems) -> Option<Object> {
    let alternative: String = creative.name.chars().take(ALT_TEXT_LIMIT).collect();
    let mut details = object! { "imageUrl": media(creative, problems)?, "altText": alternative };
    set_destination(&mut details, creative);
    set_trackers(&mut details, products, &[]);
    Some(details)
}

fn video(platform: &Platform, creative: &Creative, problems: &mut Problems) -> Option<Object> {
    let pointer = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
    let media_url = media(creative, problems)?;
    let duration = creative.duration_ms.filter(|duration| *duration > 0);
    if duration.is_none() {
        let message = "Ad Manager wants to know how long a video is.";
        problems.invalid("duration_missing", pointer("duration"), "", message);
    }
    let address = match &platform.vast_url {
        Some(template) => template
            .replace("{media_url}", &url::segment(media_url))
            .replace("{click_url}", &url::segment(&creative.click_url.as_deref().unwrap_or_default()))
            .replace("{duration_ms}", &duration.unwrap_or_default().to_string()),
        None if is_video_file(media_url) => {
            let message = "Ad Manager's REST API takes a video by the address of a VAST document and not by that of a \
                           file. Send the address of one, or ask the publisher to set vast_url.";
            problems.unsupported("unsupported_media", pointer("media_url"), media_url, message, &[]);
            return None;
        }
        None => media_url.clone(),
    };
    let (seconds, rest) = (duration? / 1000, duration? % 1000);
    let duration = if rest == 0 { format!("{seconds}s") } else { format!("{seconds}.{rest:03}s") };
    let mut details = object! { "vastXmlUrl": address, "vastRedirectType": "LINEAR", "duration": duration };
    set_destination(&mut details, creative);
    Some(details)
}

/// Whether a URL ends like that of a video file.
fn is_video_file(address: &str) -> bool {
    const ENDINGS: [&str; 6] = [".mp4", ".m4v", ".mov", ".webm", ".avi", ".m3u8"];
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

impl Uploadable for Asset {
    fn creative_id(&self) -> &str {
        &self.creative_id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Asset {
    /// Returns the body that creates the creative, without its reference.
    #[must_use]
    pub fn created(&self, network: &Network, advertiser: &str) -> Object {
        let mut object = object! { "displayName": &self.name, "advertiser": network.name("companies", advertiser) };
        object.set_all(&self.fields);
        object
    }

    /// Returns what a plan shows of the creative: its body, and those of its companions.
    #[must_use]
    pub fn shown(&self, network: &Network, advertiser: &str) -> Object {
        let mut object = self.created(network, advertiser);
        if !self.companions.is_empty() {
            object.set("companionCreatives", self.companions.clone());
        }
        object
    }

    /// Returns the companions, as creatives of their own.
    pub fn companions(&self) -> impl Iterator<Item = Self> + use<'_> {
        self.companions.iter().enumerate().map(|(index, fields)| Self {
            creative_id: self.creative_id.clone(),
            name: format!("{} companion {}", self.name, index + 1),
            fields: fields.clone(),
            companions: Vec::new(),
        })
    }

    /// Whether it is the master of a creative set.
    #[must_use]
    pub fn is_master(&self) -> bool {
        !self.companions.is_empty()
    }

    /// Creates the creative.
    ///
    /// # Errors
    /// When Ad Manager refuses.
    pub fn create(&self, network: &Network, advertiser: &str, reference: &str) -> Fallible<String> {
        let mut body = self.created(network, advertiser);
        body.set("displayName", names::with_reference(&self.name, reference, NAME_LIMIT));
        let made = network.post("creatives").json(&body).fetch::<Made>();
        made_or_found(made.and_then(|made| id_of(&made.name)), || find(network, reference))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    name: String,
    #[serde(default)]
    display_name: String,
}

/// Finds the creatives that carry a reference. Ad Manager doesn't say whether a creative is active,
/// so that is left open.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn find(network: &Network, reference: &str) -> Fallible<Vec<Seen<String>>> {
    let filter = format!("displayName : {}", quoted(reference));
    let list = network.list::<Found>("creatives", "creatives", &filter);
    let seen = list.map(|found| {
        let found = found?;
        Ok(Seen::new(id_of(&found.name)?).named(found.display_name))
    });
    made::carrying(seen, reference)
}

/// Deactivates a creative in all line items.
///
/// # Errors
/// When Ad Manager refuses.
pub fn switch_off(network: &Network, id: &str) -> Fallible<()> {
    match network.act("creatives", "batchDeactivate", vec![network.name("creatives", id)]) {
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
#[path = "creative/tests.rs"]
mod tests;
