//! A creative: an audio spot. On Triton it is an ad unit of the advertiser's creative library, with
//! an optional banner and tracking pixels; a flight's creative groups those that it plays.
//!
//! The creative manager takes MP3 and WAV of 0.75 to 750 seconds and at most 30 MB, and no MP3 of a
//! variable bit rate (help pages, supported formats). The adapter checks what an address and a
//! duration tell; size and bit rate only the platform can check. The 15 to 60 seconds of other pages
//! are those of the exchange.

use flightdeck_adapter::{ad_server::Uploadable, names, prelude::*, words::pointer_segment};

use crate::{
    api::{self, Made, Named},
    inferred::{NAME_LIMIT, field, path},
    settings::{Platform, Product},
};

/// The platform's name for the type.
pub const TYPE: &str = "Creative";
/// The accepted formats, as shown in messages.
const ACCEPTED: [&str; 2] = ["MP3", "WAV"];
/// The shortest and the longest spot, in milliseconds.
const SHORTEST: u32 = 750;
const LONGEST: u32 = 750_000;

/// The desired state of a creative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The buyer's id.
    pub creative_id: String,
    /// The display name.
    pub name: String,
    fields: Object,
}

/// Translates a creative for Triton. Returns `None` if that is not possible; `problems` then says
/// why.
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
        match buy.packages.iter().find(|package| package.package_id == *id) {
            Some(package) => products.push(Product::read(platform, package)?),
            None => {
                let message = "The media buy has no such package.";
                problems.invalid("unknown_package", pointer("package_assignments"), id, message);
            }
        }
    }
    if creative.format != CreativeFormat::Audio {
        let message = "Triton plays audio and nothing else: MP3 or WAV of 0.75 to 750 seconds, at most 30 MB, and an MP3 of a \
                       constant bit rate.";
        problems.unsupported("unsupported_format", pointer("format"), creative.format.word(), message, &["audio"]);
        return Ok(None);
    }
    if creative.width.is_some() || creative.height.is_some() {
        let message = "An audio spot has no width and height. Leave them out.";
        problems.invalid("invalid_size", pointer("width"), "", message);
    }
    let media_url = creative.media_url.as_deref().unwrap_or_default();
    let format = format_of(media_url);
    if !media_url.starts_with("https://") {
        let message = "Say where the spot is: an https address.";
        problems.invalid("invalid_address", pointer("media_url"), media_url, message);
    } else if format.is_none() {
        let message = "Triton tells the format by the address's ending.";
        problems.unsupported("unsupported_media", pointer("media_url"), media_url, message, &ACCEPTED);
    }
    if let Some(click) = creative.click_url.as_deref().filter(|click| !click.starts_with("https://")) {
        problems.invalid("invalid_address", pointer("click_url"), click, "It is an https address.");
    }
    let seconds = seconds(creative, &products, &pointer("duration"), problems);
    if creative.duration_ms.is_some_and(|length| length % 1000 != 0) && seconds > 0 {
        notes.push(format!("{} is booked as {seconds} seconds: Triton counts whole ones.", creative.creative_id));
    }
    let (pixels, banners) = beside(creative, &products, problems);
    if problems.count() != before {
        return Ok(None);
    }
    let mut fields = object! { "type": "AUDIO", "format": format };
    fields.set(field::SECONDS, seconds);
    fields.set("url", media_url);
    fields.set("clickUrl", creative.click_url.as_ref());
    fields.set(field::BANNERS, banners.map(|banner| vec![banner]));
    fields.set(field::PIXELS, (!pixels.is_empty()).then_some(pixels));
    Ok(Some(Asset { creative_id: creative.creative_id.clone(), name: creative.name.clone(), fields }))
}

/// Returns the duration in whole seconds, rounded up, which is how Triton counts them. A product may
/// take only some.
fn seconds(creative: &Creative, products: &[Product], pointer: &str, problems: &mut Problems) -> u32 {
    let of = |read: fn(&Product) -> Option<u32>| {
        products.iter().filter_map(read).map(|seconds| seconds.saturating_mul(1000))
    };
    let least = of(|product| product.spot_seconds.min).max().unwrap_or(SHORTEST).max(SHORTEST);
    let most = of(|product| product.spot_seconds.max).min().unwrap_or(LONGEST).min(LONGEST);
    match creative.duration_ms {
        Some(length) if (least..=most).contains(&length) => length.div_ceil(1000).min(LONGEST / 1000),
        other => {
            let value = other.map(|length| format!("{length} ms")).unwrap_or_default();
            let shown = |ms: u32| if ms == SHORTEST { "0.75".to_owned() } else { (ms / 1000).to_string() };
            let message =
                format!("A spot is {} to {} seconds long here: say how long it is.", shown(least), shown(most));
            problems.unsupported("unsupported_duration", pointer, value, message, &[]);
            0
        }
    }
}

/// Returns the tracking pixels and the banner of a spot, which its product has. A spot is one ad
/// unit, so products with different ones can't share it.
fn beside(creative: &Creative, products: &[Product], problems: &mut Problems) -> (Vec<String>, Option<Object>) {
    let pointer = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
    let Some(first) = products.first() else { return (Vec::new(), None) };
    let of = |product: &Product| (product.tracking_pixels.clone(), product.companion.clone());
    if products.iter().any(|product| of(product) != of(first)) {
        let message =
            "These packages are sold with different companions or pixels. Upload the spot for each by itself.";
        problems.invalid("companions_differ", pointer("package_assignments"), "", message);
    }
    let banner = first.companion.as_ref().and_then(|companion| {
        let Some(click) = &creative.click_url else {
            let message = "This product shows a banner with its spots, which leads to the buyer's landing page: say \
                           where that is.";
            problems.invalid("click_url_missing", pointer("click_url"), "", message);
            return None;
        };
        Some(object! {
            "url": &companion.image_url,
            "width": companion.width,
            "height": companion.height,
            "clickThroughUrl": click,
        })
    });
    (first.tracking_pixels.clone(), banner)
}

/// Returns the format according to the extension of a URL.
fn format_of(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next()?.to_ascii_uppercase();
    ACCEPTED.into_iter().find(|known| *known == ending)
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
    pub fn created(&self, advertiser: i64) -> Object {
        let mut object = object! { "advertiserId": advertiser, "name": &self.name };
        object.set_all(&self.fields.without_nulls());
        object
    }

    /// Whether Triton has exactly this spot under an id.
    fn is_there(&self, api: &Api, advertiser: i64, id: &str) -> Fallible<bool> {
        let Some(there) = api.get(api::one(path::CREATIVES, id)).fetch_if_any::<Object>()? else { return Ok(false) };
        let wanted = self.created(advertiser);
        // The name contains another reference.
        Ok(wanted.iter().filter(|(name, _)| *name != "name").all(|(name, value)| there.get(name) == Some(value)))
    }

    /// Creates the creative, or reuses one that an earlier operation uploaded and that no flight
    /// accepted, if it is the same. Such a creative can be neither deactivated nor deleted.
    ///
    /// # Errors
    /// When Triton refuses.
    pub fn create_or_take(
        &self,
        api: &Api,
        advertiser: i64,
        left_over: Option<&str>,
        reference: &str,
    ) -> Fallible<i64> {
        match left_over {
            Some(id) if self.is_there(api, advertiser, id)? => api::number(id),
            _ => self.create(api, advertiser, reference),
        }
    }

    fn create(&self, api: &Api, advertiser: i64, reference: &str) -> Fallible<i64> {
        let mut body = self.created(advertiser);
        body.set("name", names::with_reference(&self.name, reference, NAME_LIMIT));
        let made: Made = api.post(path::CREATIVES).json(&body).fetch()?;
        Ok(made.id)
    }
}

/// Finds the creatives of an advertiser that carry a reference. Triton's creatives have no active
/// state, so that is left open.
///
/// # Errors
/// When Triton can't be reached.
pub fn find(api: &Api, advertiser: i64, reference: &str) -> Fallible<Vec<Seen<i64>>> {
    api::carrying(api::list::<Named, _>(|| api.get(path::CREATIVES).query("advertiserId", advertiser)), reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{buy, context, package, spot};

    fn of(change: impl FnOnce(&mut Creative)) -> Fallible<(String, Vec<String>)> {
        on("{}", change)
    }

    fn on(settings: &str, change: impl FnOnce(&mut Creative)) -> Fallible<(String, Vec<String>)> {
        let mut creative = spot("spot", &["drive"]);
        let mut package = package("drive");
        package.product_settings = settings.to_owned();
        change(&mut creative);
        let (mut problems, mut notes) = (Problems::default(), Vec::new());
        let ids = creative.package_ids.clone();
        let platform = Platform::read(&context()).unwrap();
        let asset = translate(&platform, &buy(vec![package]), &creative, &ids, &mut problems, &mut notes)?;
        problems.check()?;
        Ok((asset.unwrap().created(501).to_string(), notes))
    }

    #[test]
    fn a_spot_is_what_triton_takes() {
        let (created, notes) = of(|_| {}).unwrap();
        assert_eq!(
            created,
            [
                r#"{"advertiserId":501,"name":"Creative spot","type":"AUDIO","format":"MP3","durationSeconds":30,"#,
                r#""url":"https://cdn.example.com/spot.mp3","clickUrl":"https://example.com/landing"}"#,
            ]
            .concat()
        );
        assert!(notes.is_empty());
        for (ms, seconds, told) in [(750, 1, 1), (10_000, 10, 0), (15_200, 16, 1), (90_000, 90, 0), (750_000, 750, 0)] {
            let (created, notes) = of(|creative| creative.duration_ms = Some(ms)).unwrap();
            assert!(created.contains(&format!(r#""durationSeconds":{seconds},"#)), "{created}");
            assert_eq!(notes.len(), told);
        }
        let (created, _) = of(|creative| creative.media_url = Some("https://x.example/a.WAV?v=1".to_owned())).unwrap();
        assert!(created.contains(r#""format":"WAV""#));
    }

    #[test]
    fn anything_else_is_refused_with_what_is_accepted() {
        let refused = |change: fn(&mut Creative)| {
            let item = of(change).unwrap_err().items.remove(0);
            (item.field.replace("/assets/spot/", ""), item.supported.join(" "))
        };
        let of = |field: &str, supported: &str| (field.to_owned(), supported.to_owned());
        assert_eq!(refused(|creative| creative.format = CreativeFormat::Image), of("format", "audio"));
        assert_eq!(refused(|creative| creative.format = CreativeFormat::Video), of("format", "audio"));
        let flac = |creative: &mut Creative| creative.media_url = Some("https://x.example/a.flac".to_owned());
        assert_eq!(refused(flac), of("media_url", "MP3 WAV"));
        let ogg = |creative: &mut Creative| creative.media_url = Some("https://x.example/a.ogg".to_owned());
        assert_eq!(refused(ogg), of("media_url", "MP3 WAV"));
        assert_eq!(refused(|creative| creative.media_url = None).0, "media_url");
        assert_eq!(refused(|creative| creative.duration_ms = None).0, "duration");
        assert_eq!(refused(|creative| creative.duration_ms = Some(749)).0, "duration");
        assert_eq!(refused(|creative| creative.duration_ms = Some(750_001)).0, "duration");
        assert_eq!(refused(|creative| creative.click_url = Some("http://x".to_owned())).0, "click_url");
        assert_eq!(refused(|creative| creative.width = Some(300)).0, "width");
        assert_eq!(refused(|creative| creative.package_ids = vec!["x".to_owned()]).0, "package_assignments");
    }
    #[test]
    fn a_product_says_which_lengths_it_takes() {
        let settings = r#"{"spot_seconds": {"min": 15, "max": 30}}"#;
        assert!(on(settings, |creative| creative.duration_ms = Some(15_000)).is_ok());
        for ms in [14_000, 31_000] {
            let failure = on(settings, |creative| creative.duration_ms = Some(ms)).unwrap_err();
            assert_eq!(failure.message, "A spot is 15 to 30 seconds long here: say how long it is.");
        }
    }

    #[test]
    fn a_product_has_pixels_and_a_companion() {
        let settings = r#"{"tracking_pixels": ["https://pixel.example/p"],
            "companion": {"image_url": "https://cdn.example.com/b.png", "width": 300, "height": 250}}"#;
        let (created, _) = on(settings, |_| {}).unwrap();
        assert!(
            created.ends_with(
                r#""banners":[{"url":"https://cdn.example.com/b.png","width":300,"height":250,"clickThroughUrl":"https://example.com/landing"}],"trackingPixels":["https://pixel.example/p"]}"#
            ),
            "{created}"
        );
        let failure = on(settings, |creative| creative.click_url = None).unwrap_err();
        assert_eq!(failure.code, "click_url_missing");
    }
}
