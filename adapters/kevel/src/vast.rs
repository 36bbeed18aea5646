//! A video in the form that Kevel delivers: a VAST document in the creative's `ScriptBody`.
//!
//! That the body of a video creative is its VAST is [inferred](crate::inferred). The document
//! itself is VAST 3.0 (IAB Tech Lab). A URL that ends in `.xml` is taken for a VAST tag and
//! wrapped; any other is taken for the video itself.

/// The contents of a document.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    /// The display name.
    pub title: &'a str,
    /// The URL of the video file or VAST tag.
    pub media_url: &'a str,
    /// The landing page of a click.
    pub click_url: Option<&'a str>,
    /// The duration in milliseconds.
    pub duration_ms: Option<u32>,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
}

/// Media types by the extension of the URL (IANA).
const TYPES: [(&str, &str); 4] =
    [("mp4", "video/mp4"), ("webm", "video/webm"), ("mov", "video/quicktime"), ("m3u8", "application/x-mpegURL")];
/// The most likely type of a file without a known extension.
const USUAL_TYPE: &str = "video/mp4";
/// VAST 3.0 requires a size for a `MediaFile`. This one is usual; it is used if the buyer names
/// none.
const USUAL_SIZE: (u32, u32) = (640, 360);

/// Returns the document.
#[must_use]
pub fn document(video: &Video<'_>) -> String {
    let path = video.media_url.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let clicks = |name: &str| match video.click_url {
        Some(url) => format!("<VideoClicks><{name}>{}</{name}></VideoClicks>", escape(url)),
        None => String::new(),
    };
    let ad = if ending == "xml" {
        format!(
            "<Wrapper><AdSystem>flightdeck</AdSystem><VASTAdTagURI>{}</VASTAdTagURI><Creatives><Creative><Linear>{}\
             </Linear></Creative></Creatives></Wrapper>",
            escape(video.media_url),
            clicks("ClickTracking")
        )
    } else {
        let kind = TYPES.iter().find(|(known, _)| *known == ending).map_or(USUAL_TYPE, |(_, kind)| kind);
        let (width, height) = video.size.unwrap_or(USUAL_SIZE);
        format!(
            "<InLine><AdSystem>flightdeck</AdSystem><AdTitle>{}</AdTitle><Creatives><Creative><Linear>\
             <Duration>{}</Duration>{}<MediaFiles><MediaFile delivery=\"progressive\" type=\"{kind}\" \
             width=\"{width}\" height=\"{height}\">{}</MediaFile></MediaFiles></Linear></Creative></Creatives></InLine>",
            escape(video.title),
            duration(video.duration_ms.unwrap_or_default()),
            clicks("ClickThrough"),
            escape(video.media_url)
        )
    };
    format!("<VAST version=\"3.0\"><Ad>{ad}</Ad></VAST>")
}

/// Formats a duration: `00:00:15.500`.
fn duration(ms: u32) -> String {
    let seconds = ms / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, ms % 1000)
}

/// Escapes a buyer's text for XML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            char if char.is_control() => {}
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: Video<'_> = Video {
        title: "Tom & <Co>",
        media_url: "https://cdn.example.com/a.MP4?x=1&y=2",
        click_url: Some("https://example.com/"),
        duration_ms: Some(15_500),
        size: None,
    };

    #[test]
    fn a_file_is_an_inline_ad_and_what_a_buyer_wrote_is_escaped() {
        assert_eq!(
            document(&VIDEO),
            "<VAST version=\"3.0\"><Ad><InLine><AdSystem>flightdeck</AdSystem><AdTitle>Tom &amp; &lt;Co&gt;</AdTitle>\
             <Creatives><Creative><Linear><Duration>00:00:15.500</Duration><VideoClicks><ClickThrough>\
             https://example.com/</ClickThrough></VideoClicks><MediaFiles><MediaFile delivery=\"progressive\" \
             type=\"video/mp4\" width=\"640\" height=\"360\">https://cdn.example.com/a.MP4?x=1&amp;y=2</MediaFile>\
             </MediaFiles></Linear></Creative></Creatives></InLine></Ad></VAST>"
        );
    }

    #[test]
    fn a_tag_is_wrapped() {
        let document = document(&Video { media_url: "https://ads.example.com/vast.xml?id=1", ..VIDEO });
        assert!(document.contains("<VASTAdTagURI>https://ads.example.com/vast.xml?id=1</VASTAdTagURI>"), "{document}");
        assert!(!document.contains("MediaFile"));
    }
}
