//! A creative: an audio spot. It belongs to the advertiser; a flight lists those that it plays.
//!
//! Triton accepts MP3, WAV, WMA and OGG of 15 to 60 seconds (public help pages). It also requires
//! at least 128 kbps and 44.1 kHz, which only the platform can check.

use flightdeck_adapter::{ad_server::Uploadable, names, prelude::*, words::pointer_segment};

use crate::{
    api::{self, Made, Named},
    inferred::{NAME_LIMIT, path},
};

/// The platform's name for the type.
pub const TYPE: &str = "Creative";
/// The accepted formats, as shown in messages.
const ACCEPTED: [&str; 4] = ["MP3", "WAV", "WMA", "OGG"];
/// The shortest and the longest spot, in milliseconds.
const LENGTH: std::ops::RangeInclusive<u32> = 15_000..=60_000;

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
pub fn translate(
    buy: &MediaBuy,
    creative: &Creative,
    package_ids: &[String],
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<Asset> {
    let pointer = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
    let before = problems.count();
    for id in package_ids.iter().filter(|id| !buy.packages.iter().any(|package| package.package_id == **id)) {
        let message = "The media buy has no such package.";
        problems.invalid("unknown_package", pointer("package_assignments"), id, message);
    }
    if creative.format != CreativeFormat::Audio {
        let message = "Triton plays audio and nothing else: MP3, WAV, WMA or OGG of 15 to 60 seconds.";
        problems.unsupported("unsupported_format", pointer("format"), creative.format.word(), message, &["audio"]);
        return None;
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
    let seconds = match creative.duration_ms {
        Some(length) if LENGTH.contains(&length) => length.div_ceil(1000).min(60),
        other => {
            let value = other.map(|length| format!("{length} ms")).unwrap_or_default();
            let message = "A spot on Triton is 15 to 60 seconds long: say how long it is.";
            problems.unsupported("unsupported_duration", pointer("duration"), value, message, &[]);
            0
        }
    };
    if creative.duration_ms.is_some_and(|length| length % 1000 != 0) && seconds > 0 {
        notes.push(format!("{} is booked as {seconds} seconds: Triton counts whole ones.", creative.creative_id));
    }
    if problems.count() != before {
        return None;
    }
    let fields = object! {
        "type": "AUDIO",
        "format": format,
        "durationSeconds": seconds,
        "url": media_url,
        "clickUrl": creative.click_url.as_ref(),
    };
    Some(Asset { creative_id: creative.creative_id.clone(), name: creative.name.clone(), fields })
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
    use crate::samples::{buy, package, spot};

    fn of(change: impl FnOnce(&mut Creative)) -> Fallible<(String, Vec<String>)> {
        let mut creative = spot("spot", &["drive"]);
        change(&mut creative);
        let (mut problems, mut notes) = (Problems::default(), Vec::new());
        let ids = creative.package_ids.clone();
        let asset = translate(&buy(vec![package("drive")]), &creative, &ids, &mut problems, &mut notes);
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
        let (created, notes) = of(|creative| creative.duration_ms = Some(15_200)).unwrap();
        assert!(created.contains(r#""durationSeconds":16"#) && notes.len() == 1);
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
        assert_eq!(refused(flac), of("media_url", "MP3 WAV WMA OGG"));
        assert_eq!(refused(|creative| creative.media_url = None).0, "media_url");
        assert_eq!(refused(|creative| creative.duration_ms = None).0, "duration");
        assert_eq!(refused(|creative| creative.duration_ms = Some(61_000)).0, "duration");
        assert_eq!(refused(|creative| creative.click_url = Some("http://x".to_owned())).0, "click_url");
        assert_eq!(refused(|creative| creative.width = Some(300)).0, "width");
        assert_eq!(refused(|creative| creative.package_ids = vec!["x".to_owned()]).0, "package_assignments");
    }
}
