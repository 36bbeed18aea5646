//! A creative. It belongs to the advertiser; [ads](crate::ads) put it into flights.
//!
//! | format | on Kevel |
//! |---|---|
//! | image | `ImageLink` and `Url`, with the ad type of its size |
//! | video | `TemplateId` and `TemplateValues` of the product's [video template](crate::video) |
//! | custom | `TemplateId` and `TemplateValues` of one of the network's templates |
//!
//! A creative needs no approval: it runs once it is active and in a flight.

use flightdeck_adapter::{ad_server::Uploadable, prelude::*, words::pointer_segment};

use crate::{
    ad_types::{AdType, Catalogue},
    api::{self, Made, Named},
    inferred, names,
    settings::{Platform, Product, Size},
    video,
};

/// The platform's name for the type.
pub const TYPE: &str = "Creative";
/// The supported formats.
pub const FORMATS: [CreativeFormat; 3] = [CreativeFormat::Image, CreativeFormat::Video, CreativeFormat::Custom];

/// The longest address of a landing page, in characters (guide, creatives).
const LONGEST_CLICK_URL: usize = 2000;

/// The desired state of a creative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The buyer's id.
    pub creative_id: String,
    /// The display name.
    pub title: String,
    ad_type: AdType,
    fields: Object,
}

/// Translates a creative for some packages. Returns `None` if that is not possible; `problems` then says
/// why.
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
        products.push(Product::read(platform, package)?);
    }
    if products.is_empty() {
        products.push(Product::of(platform));
    }
    for (name, url) in [("media_url", &creative.media_url), ("click_url", &creative.click_url)] {
        if let Some(url) = url.as_deref().filter(|url| !is_address(url)) {
            problems.invalid("invalid_address", pointer(name), url, "An address begins with https:// or http://.");
        }
    }
    if let Some(url) = creative.click_url.as_ref().filter(|url| url.chars().count() > LONGEST_CLICK_URL) {
        let message = format!("A landing page's address has at most {LONGEST_CLICK_URL} characters on Kevel.");
        problems.unsupported("unsupported_address", pointer("click_url"), url, message, &[]);
    }
    let mut fields = object! { "IsActive": true, "Url": creative.click_url.as_ref() };
    let ad_type = match &creative.format {
        CreativeFormat::Image => image(creative, &products, &mut fields, problems, notes),
        CreativeFormat::Video => video_of(creative, &products, &mut fields, problems),
        CreativeFormat::Custom => custom(creative, &products, &mut fields, problems),
        other => {
            let known = FORMATS.each_ref().map(CreativeFormat::word);
            let message = "Kevel has no such creatives.";
            problems.unsupported("unsupported_format", pointer("format"), other.word(), message, &known);
            None
        }
    };
    let Some(ad_type) = ad_type.filter(|_| problems.count() == before) else { return Ok(None) };
    Ok(Some(Asset { creative_id: creative.creative_id.clone(), title: creative.name.clone(), ad_type, fields }))
}

fn is_address(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https") && url.len() > scheme.len() + 3
}

/// Returns the media URL, which is required.
fn media<'c>(creative: &'c Creative, problems: &mut Problems) -> Option<&'c String> {
    if creative.media_url.is_none() {
        let pointer = format!("/assets/{}/media_url", pointer_segment(&creative.creative_id));
        problems.invalid("media_url_missing", pointer, "", "Say where the asset is.");
    }
    creative.media_url.as_ref()
}

fn image(
    creative: &Creative,
    products: &[Product],
    fields: &mut Object,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<AdType> {
    fields.set("ImageLink", media(creative, problems)?);
    fields.set("Alt", &creative.name);
    let product = products.first()?;
    let size = match (creative.width, creative.height) {
        (Some(width), Some(height)) => Size(width, height),
        (None, None) => {
            let mut configured = product.ad_types.image.keys();
            let only = configured.next().filter(|_| configured.next().is_none()).copied();
            let (width, height) = inferred::DEFAULT_IMAGE_SIZE;
            let size = product.default_image_size.or(only).unwrap_or(Size(width, height));
            notes.push(format!("{} names no width and height: it is taken for {size}.", creative.creative_id));
            size
        }
        _ => {
            let pointer = format!("/assets/{}/width", pointer_segment(&creative.creative_id));
            problems.invalid("invalid_size", pointer, "", "Give both width and height, or neither.");
            return None;
        }
    };
    let known = products.iter().map(|product| AdType::of_image(size, &product.ad_types));
    first_known(known)
}

/// Fills the video template of the creative's products. A creative has one template, so products
/// with different ones can't share it.
fn video_of(creative: &Creative, products: &[Product], fields: &mut Object, problems: &mut Problems) -> Option<AdType> {
    let pointer = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
    media(creative, problems)?;
    let Some(template) = products.first().and_then(|product| product.video_template.as_ref()) else {
        let message = "Kevel delivers a video through a creative template: the publisher has to name one as \
                       video_template in the settings of the product or of the platform.";
        problems.unsupported("video_template_missing", pointer("format"), "video", message, &["image", "custom"]);
        return None;
    };
    if products.iter().any(|product| product.video_template.as_ref() != Some(template)) {
        let message = "These packages are sold with different video templates. Upload the video for each by itself.";
        problems.invalid("video_templates_differ", pointer("package_assignments"), "", message);
    }
    match video::values(template, creative) {
        Ok(values) => {
            fields.set("TemplateId", template.id);
            fields.set("TemplateValues", values.to_string());
        }
        Err(lacking) => {
            for (field, message) in lacking {
                problems.invalid("video_incomplete", pointer(field), "", message);
            }
        }
    }
    first_known(products.iter().map(|product| AdType::of_video(&product.ad_types)))
}

/// The most fields of a template, and the longest name of one (guide, creative templates).
const MOST_FIELDS: usize = 100;
const LONGEST_NAME: usize = 255;

fn fits(values: &Object) -> bool {
    values.iter().count() <= MOST_FIELDS && values.iter().all(|(name, _)| name.chars().count() <= LONGEST_NAME)
}

fn custom(creative: &Creative, products: &[Product], fields: &mut Object, problems: &mut Problems) -> Option<AdType> {
    let pointer = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
    let template = creative.template_id.as_deref().unwrap_or_default();
    match template.parse::<u32>() {
        Ok(id) => fields.set("TemplateId", id),
        Err(_) => {
            let message = "Name the number of one of the network's creative templates.";
            problems.invalid("invalid_template", pointer("template_id"), template, message);
        }
    }
    let values = creative.template_values.as_deref().unwrap_or("{}");
    match Json::parse(values) {
        Ok(Json::Object(values)) if fits(&values) => fields.set("TemplateValues", values.to_string()),
        Ok(Json::Object(_)) => {
            let message = format!(
                "A template on Kevel has at most {MOST_FIELDS} fields, with names of at most {LONGEST_NAME} characters."
            );
            problems.unsupported("unsupported_template_values", pointer("template_values"), values, message, &[]);
        }
        _ => problems.invalid(
            "invalid_template_values",
            pointer("template_values"),
            values,
            "Write template_values as a JSON object.",
        ),
    }
    fields.set("ImageLink", creative.media_url.as_ref());
    first_known(products.iter().map(|product| AdType::of_custom(&product.ad_types)))
}

/// Returns the first ad type that a product's settings name, or else the criterion to look it up
/// by.
fn first_known(mut kinds: impl Iterator<Item = AdType>) -> Option<AdType> {
    let first = kinds.next()?;
    if matches!(first, AdType::Known(_)) {
        return Some(first);
    }
    Some(kinds.find(|kind| matches!(kind, AdType::Known(_))).unwrap_or(first))
}

impl Uploadable for Asset {
    fn creative_id(&self) -> &str {
        &self.creative_id
    }

    fn name(&self) -> &str {
        &self.title
    }
}

impl Asset {
    /// Returns the body that creates the creative, without its reference.
    #[must_use]
    pub fn created(&self, advertiser: i64) -> Object {
        let mut object = object! { "AdvertiserId": advertiser, "Title": &self.title, "AdTypeId": self.ad_type.shown() };
        object.set_all(&self.fields);
        object
    }

    /// Creates the creative.
    ///
    /// # Errors
    /// When Kevel refuses, or the network has no ad type for the creative.
    pub fn create(&self, api: &Api, catalogue: &Catalogue, advertiser: i64, reference: &str) -> Fallible<i64> {
        let mut body = self.created(advertiser);
        body.set("AdTypeId", catalogue.id(api, &self.ad_type)?);
        body.set("Title", names::with_reference(&self.title, reference, names::TITLE_LIMIT));
        let made: Made = api.post("/v1/creative").json(&body).fetch()?;
        Ok(made.id)
    }
}

/// Finds the creatives of an advertiser that carry a reference.
///
/// # Errors
/// When Kevel can't be reached.
pub fn find(api: &Api, advertiser: i64, reference: &str) -> Fallible<Vec<Seen<i64>>> {
    api::carrying(api::list::<Named, _>(|| api.get(path!("/v1/advertiser/{}/creatives", advertiser))), reference)
}

/// Deactivates a creative in all flights. One that is already gone or inactive is left alone.
///
/// # Errors
/// When Kevel can't be reached or refuses.
pub fn switch_off(api: &Api, id: &str) -> Fallible<()> {
    let Some(mut creative) = api.get(path!("/v1/creative/{}", id)).fetch_if_any::<Object>()? else { return Ok(()) };
    let on = creative.get("IsActive").and_then(Json::as_bool) != Some(false);
    if on && creative.get("IsDeleted") != Some(&Json::Bool(true)) {
        creative.set("IsActive", false);
        api.put(path!("/v1/creative/{}", id)).json(&creative).send()?;
    }
    Ok(())
}

/// Deletes a creative. One that is already gone is not a failure.
///
/// # Errors
/// When Kevel can't be reached or refuses.
pub fn delete(api: &Api, id: &str) -> Fallible<()> {
    let Some(mut creative) = api.get(path!("/v1/creative/{}", id)).fetch_if_any::<Object>()? else { return Ok(()) };
    creative.set("IsActive", false);
    creative.set("IsDeleted", true);
    api.put(path!("/v1/creative/{}", id)).json(&creative).send()?;
    Ok(())
}

#[cfg(test)]
#[path = "creative/tests.rs"]
mod tests;
