//! A video as Kevel delivers it: a VAST document in the creative's `ScriptBody`.
//!
//! That the body of a video creative is its VAST is [inferred](crate::inferred); the document itself is VAST 3.0 (IAB
//! Tech Lab). An address that ends in `.xml` is taken for a VAST tag and wrapped; any other is the video itself.

/// What a document is made of.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    /// For people.
    pub title: &'a str,
    /// Where it is.
    pub media_url: &'a str,
    /// Where a click leads.
    pub click_url: Option<&'a str>,
    /// How long it runs.
    pub duration_ms: Option<u32>,
    /// In pixels.
    pub size: Option<(u32, u32)>,
}

/// Types of media files by the ending of their address (IANA).
const TYPES: [(&str, &str); 4] =
    [("mp4", "video/mp4"), ("webm", "video/webm"), ("mov", "video/quicktime"), ("m3u8", "application/x-mpegURL")];
/// What a file without a known ending is most likely to be.
const USUAL_TYPE: &str = "video/mp4";
/// A media file must have a size (VAST 3.0, `MediaFile`); where the buyer names none, this is the usual one.
const USUAL_SIZE: (u32, u32) = (640, 360);

/// Writes the document.
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

/// `00:00:15.500`
fn duration(ms: u32) -> String {
    let seconds = ms / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, ms % 1000)
}

/// Text of a buyer's within XML.
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
