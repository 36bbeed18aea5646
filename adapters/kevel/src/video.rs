//! A video: a creative template whose content is VAST, and the values that fill it.
//!
//! Kevel delivers a video through such a template (guide, VAST creatives): its content has the
//! addresses that count impressions and progress. Every network makes its own templates, so the
//! product's settings name one, and its fields. They also say what the template makes of an address,
//! a media file or a wrapper of another ad server's VAST: an address doesn't tell.

use flightdeck_adapter::prelude::*;

use crate::settings::{Takes, VideoTemplate};

/// Media types by the extension of the address (IANA).
const TYPES: [(&str, &str); 4] =
    [("mp4", "video/mp4"), ("webm", "video/webm"), ("mov", "video/quicktime"), ("m3u8", "application/x-mpegURL")];

/// What a video lacks for its template: the field of the creative, and the cure.
pub type Lacking = (&'static str, String);

/// Returns the values that fill a template.
///
/// # Errors
/// Everything that the template's fields need and the creative doesn't have.
pub fn values(template: &VideoTemplate, creative: &Creative) -> Result<Object, Vec<Lacking>> {
    let (fields, mut object, mut lacking) = (&template.fields, Object::default(), Vec::new());
    let media_url = creative.media_url.as_deref().unwrap_or_default();
    object.set(&fields.media_url, media_url);
    if let (Some(name), Takes::File) = (&fields.media_type, template.takes) {
        match media_type(media_url) {
            Some(media_type) => object.set(name, media_type),
            None => {
                let known = TYPES.map(|(ending, _)| ending).join(", ");
                lacking.push((
                    "media_url",
                    format!("The template needs a media type: the address ends in one of {known}."),
                ));
            }
        }
    }
    let mut fill = |name: &Option<String>, field: &'static str, value: Option<String>| {
        let Some(name) = name else { return };
        match value {
            Some(value) => object.set(name, value),
            None => lacking.push((field, format!("The template of this product's videos needs the video's {field}."))),
        }
    };
    fill(&fields.duration, "duration", creative.duration_ms.filter(|ms| *ms > 0).map(duration));
    fill(&fields.width, "width", creative.width.map(|pixels| pixels.to_string()));
    fill(&fields.height, "height", creative.height.map(|pixels| pixels.to_string()));
    if let Some((name, click_url)) = fields.click_url.as_ref().zip(creative.click_url.as_ref()) {
        object.set(name, click_url);
    }
    if let Some(name) = &fields.title {
        object.set(name, &creative.name);
    }
    if lacking.is_empty() { Ok(object) } else { Err(lacking) }
}

fn media_type(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == ending).map(|(_, media_type)| *media_type)
}

/// Formats a duration as VAST does: `00:00:15`, or `00:00:15.500`.
fn duration(ms: u32) -> String {
    let seconds = ms / 1000;
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if ms.is_multiple_of(1000) { whole } else { format!("{whole}.{:03}", ms % 1000) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn of(template: &str, change: impl FnOnce(&mut Creative)) -> Result<String, Vec<&'static str>> {
        let template: VideoTemplate = serde_json::from_str(template).unwrap();
        let mut video = Creative {
            format: CreativeFormat::Video,
            media_url: Some("https://cdn.example.com/a.MP4?x=1".to_owned()),
            duration_ms: Some(15_500),
            ..samples::creative("spot", &["news"])
        };
        change(&mut video);
        let lacks = |lacking: Vec<Lacking>| lacking.into_iter().map(|(field, _)| field).collect();
        values(&template, &video).map(|values| values.to_string()).map_err(lacks)
    }

    const FILE: &str = r#"{"id": 5002, "takes": "file", "fields": {"media_url": "ctFile", "media_type": "ctType",
        "duration": "ctDuration", "click_url": "ctClick", "title": "ctTitle", "width": "ctWidth", "height": "ctHeight"}}"#;

    #[test]
    fn a_file_fills_the_fields_that_the_settings_name() {
        assert_eq!(
            of(FILE, |_| {}).unwrap(),
            r#"{"ctFile":"https://cdn.example.com/a.MP4?x=1","ctType":"video/mp4","ctDuration":"00:00:15.500","ctWidth":"300","ctHeight":"250","ctClick":"https://example.com/landing","ctTitle":"Creative spot"}"#
        );
        assert!(of(FILE, |video| video.duration_ms = Some(90_000)).unwrap().contains(r#""00:01:30""#));
    }

    #[test]
    fn a_tag_is_a_tag_however_its_address_ends() {
        let tag = r#"{"id": 5003, "takes": "vast_tag", "fields": {"media_url": "ctTagUri"}}"#;
        let address = |video: &mut Creative| video.media_url = Some("https://ads.example.com/vast?id=1".to_owned());
        assert_eq!(of(tag, address).unwrap(), r#"{"ctTagUri":"https://ads.example.com/vast?id=1"}"#);
    }

    #[test]
    fn what_the_template_needs_is_named() {
        let bare = |video: &mut Creative| {
            video.media_url = Some("https://ads.example.com/vast?id=1".to_owned());
            (video.duration_ms, video.width, video.height) = (Some(0), None, None);
        };
        assert_eq!(of(FILE, bare), Err(vec!["media_url", "duration", "width", "height"]));
    }
}
