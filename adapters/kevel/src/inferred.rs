//! What Kevel's public documents do not say.
//!
//! Everything else in this adapter is documented (the OpenAPI document, dev.kevel.com, the Zerkel parser). What stands
//! here follows convention or the reference seller and may differ on a real account: when a real network behaves otherwise
//! than expected, look here first. `README.md` has the same list for people.

use flightdeck_adapter::{json::Object, money::Exact};

use crate::zerkel::{Expression, Text};

/// Device types by the buyer's word. That `$device.formFactor` has these three values is the reference seller's word;
/// Kevel's page names the key and not its values. If they differ, a flight with device targeting does not deliver.
pub const FORM_FACTORS: [(&str, &str); 3] = [("mobile", "mobile"), ("desktop", "desktop"), ("tablet", "tablet")];

/// Operating systems by the buyer's word: what `$device.os` contains. The key is documented, its values are not; a part
/// of the usual names survives versions and spellings (`Mac OS X`, `macOS`).
pub const SYSTEMS: [(&str, &[&str]); 5] = [
    ("android", &["Android"]),
    ("ios", &["iOS"]),
    ("linux", &["Linux"]),
    ("macos", &["Mac OS", "macOS", "OS X"]),
    ("windows", &["Windows"]),
];

/// Browsers by the buyer's word: what `$device.browser` contains. As [`SYSTEMS`].
pub const BROWSERS: [(&str, &[&str]); 5] = [
    ("chrome", &["Chrome"]),
    ("edge", &["Edge"]),
    ("firefox", &["Firefox"]),
    ("opera", &["Opera"]),
    ("safari", &["Safari"]),
];

/// The keys below `$location`. The page names `$location` and gives examples for some of its properties only.
const COUNTRY: &str = "$location.countryCode";
const REGION: &str = "$location.regionCode";
const CITY: &str = "$location.city";
const POSTAL: &str = "$location.postalCode";
/// The page lists targeting by language without the form of its values; `en*` fits `en` and `en-US`.
const LANGUAGE: &str = "$language";

/// A type of device.
#[must_use]
pub fn form_factor(value: Text) -> Expression {
    Expression::Is("$device.formFactor", value)
}

/// An operating system whose name contains a text.
#[must_use]
pub fn system(part: Text) -> Expression {
    Expression::Contains("$device.os", part)
}

/// A browser whose name contains a text.
#[must_use]
pub fn browser(part: Text) -> Expression {
    Expression::Contains("$device.browser", part)
}

/// A city with its country and perhaps region.
#[must_use]
pub fn city(city: Text, country: Text, region: Option<Text>) -> Expression {
    let mut parts = vec![Expression::Is(CITY, city), Expression::Is(COUNTRY, country)];
    parts.extend(region.map(|region| Expression::Is(REGION, region)));
    Expression::All(parts)
}

/// A postal code of a country.
#[must_use]
pub fn postal(country: Text, code: Text) -> Expression {
    Expression::All(vec![Expression::Is(COUNTRY, country), Expression::Is(POSTAL, code)])
}

/// A language by its ISO 639-1 code.
#[must_use]
pub fn language(code: Text) -> Expression {
    Expression::Begins(LANGUAGE, code)
}

/// What separates the keywords of a flight. The field is documented as one text; client libraries separate by commas.
pub const KEYWORD_SEPARATOR: &str = ",";

/// The field of a flight that names the time zone of its day parts. That it takes an IANA name, and that the day parts
/// follow it, is convention; moments are sent with a `Z`, so that it does not shift them.
pub const TIME_ZONE: &str = "TimeZone";

/// The fields of a day part as it is listed. The document shows its id alone; that the list says what was sent is
/// convention. If it does not, a day part whose request was cut off may be made a second time, which changes nothing.
pub const START_TIME: &str = "StartTime";
/// As [`START_TIME`].
pub const END_TIME: &str = "EndTime";
/// As [`START_TIME`].
pub const WEEK_DAYS: &str = "WeekDays";

/// Puts the VAST document of a video where Kevel delivers it from. That a video creative is its document, as the script
/// of an HTML creative, is convention; the reference page describes the fields and no video.
pub fn write_video(fields: &mut Object, document: String) {
    fields.set("IsHTMLJS", true);
    fields.set("ScriptBody", document);
}

/// Where the bulk answer of instant counts has those of flights, by their ids. The document shows no answer. If it
/// differs, statuses come without impressions.
pub const COUNTED_FLIGHTS: &str = "flights";

/// What a line of a report earned. Both amounts are documented without their difference; `TrueRevenue` is taken for what
/// the rate earned, and `Revenue` for an estimate.
#[must_use]
pub fn earned(true_revenue: Option<Exact>, revenue: Option<Exact>) -> i64 {
    true_revenue.or(revenue).unwrap_or_default().0
}

/// The size of an image whose buyer names none, where the settings name none either: Kevel must be told an ad type, and
/// this is the most common one. Set `default_image_size` where another fits better.
pub const DEFAULT_IMAGE_SIZE: (u32, u32) = (300, 250);

/// Words by which the ad type of video creatives is known where the settings name none, the best first. Ad types have a
/// name, a width and a height and no format.
pub const VIDEO_AD_TYPES: [&str; 2] = ["vast", "video"];

/// As [`VIDEO_AD_TYPES`], for creatives made from a template.
pub const CUSTOM_AD_TYPES: [&str; 2] = ["custom", "native"];

/// The percentage goal of a flight that takes every impression it can get. That a percentage goal with a lifetime cap
/// stops at the cap follows from what the two fields say; no page shows them together.
pub const AS_FAST_AS_POSSIBLE: i64 = 100;

/// The end of a window that lasts to midnight. `24:00:00` is no time of a day, so its last second stands for it; one
/// second a day is not delivered.
pub const END_OF_DAY: &str = "23:59:59";

/// How long Kevel may take to show in a list what was just created. Nothing says so; other stores of this size need a
/// second or two, and waiting costs only an operation that was interrupted.
pub const LOOKUP_LAG_MS: u32 = 3_000;

/// The field of an ad for a text of the caller's, where the reference stands. That it is kept and answered as it was sent, and
/// changes nothing in what is delivered, is convention. If it is not, no later look finds a second ad.
pub const AD_METADATA: &str = "ExternalMetadata";

/// States of a queued report. The reporting page shows 2 for a finished one; that 1 is at work and 3 an error is the
/// reference seller's word. Any other counts as an error.
pub mod report_status {
    /// At work.
    pub const WORKING: i64 = 1;
    /// Finished.
    pub const DONE: i64 = 2;
}
/// Words in which a refusal says that it passes, whatever its HTTP status, in lower case. `true`: it asks for fewer requests. The
/// documents show no refusals; these are what such services say.
const PASSING: [(&str, bool); 7] = [
    ("too many requests", true),
    ("rate limit exceeded", true),
    ("quota exceeded", true),
    ("deadlock", false),
    ("concurrent modification", false),
    ("temporarily unavailable", false),
    ("service unavailable", false),
];

/// Whether a refusal in these words passes, and if so whether it is one for too many requests.
#[must_use]
pub fn passing(words: &str) -> Option<bool> {
    let words = words.to_lowercase();
    PASSING.iter().find(|(known, _)| words.contains(known)).map(|(_, requests)| *requests)
}
