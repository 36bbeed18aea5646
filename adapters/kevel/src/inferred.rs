//! Assumptions that Kevel's public documentation doesn't confirm.
//!
//! Everything else in this adapter is documented (the OpenAPI document, dev.kevel.com, the Zerkel
//! parser). What this module contains follows convention or the reference seller and may differ on
//! a real account. When a network behaves unexpectedly, look here first. `README.md` has the same
//! list for operators.

use flightdeck_adapter::money::Exact;

use crate::{
    settings::Duplicates,
    zerkel::{Expression, Text},
};

/// Device types by the buyer's word. The three values of `$device.formFactor` come from the
/// reference seller; Kevel's page names the key but not its values. If they differ, a flight with
/// device targeting doesn't deliver.
pub const FORM_FACTORS: [(&str, &str); 3] = [("mobile", "mobile"), ("desktop", "desktop"), ("tablet", "tablet")];

/// Operating systems by the buyer's word: the texts that `$device.os` contains. The key is
/// documented, its values are not. A part of the usual name matches all versions and spellings
/// (`Mac OS X`, `macOS`).
pub const SYSTEMS: [(&str, &[&str]); 5] = [
    ("android", &["Android"]),
    ("ios", &["iOS"]),
    ("linux", &["Linux"]),
    ("macos", &["Mac OS", "macOS", "OS X"]),
    ("windows", &["Windows"]),
];

/// Browsers by the buyer's word: the texts that `$device.browser` contains. See [`SYSTEMS`].
pub const BROWSERS: [(&str, &[&str]); 5] = [
    ("chrome", &["Chrome"]),
    ("edge", &["Edge"]),
    ("firefox", &["Firefox"]),
    ("opera", &["Opera"]),
    ("safari", &["Safari"]),
];

/// The keys below `$location`. The page names `$location`, but gives examples for only some of its
/// properties.
const COUNTRY: &str = "$location.countryCode";
const REGION: &str = "$location.regionCode";
const CITY: &str = "$location.city";
const POSTAL: &str = "$location.postalCode";
/// The page lists language targeting without the form of its values. `en*` matches `en` and
/// `en-US`.
const LANGUAGE: &str = "$language";

/// Matches a device type. `contains` holds for an equal text, too, and for a list or a longer text
/// that has the word; no word is part of another.
#[must_use]
pub fn form_factor(value: Text) -> Expression {
    Expression::Contains("$device.formFactor", value)
}

/// Matches an operating system whose name contains a text.
#[must_use]
pub fn system(part: Text) -> Expression {
    Expression::Contains("$device.os", part)
}

/// Matches a browser whose name contains a text.
#[must_use]
pub fn browser(part: Text) -> Expression {
    Expression::Contains("$device.browser", part)
}

/// Matches a city with its country and, if given, its region.
#[must_use]
pub fn city(city: Text, country: Text, region: Option<Text>) -> Expression {
    let mut parts = vec![Expression::Is(CITY, city), Expression::Is(COUNTRY, country)];
    parts.extend(region.map(|region| Expression::Is(REGION, region)));
    Expression::All(parts)
}

/// Matches a postal code of a country.
#[must_use]
pub fn postal(country: Text, code: Text) -> Expression {
    Expression::All(vec![Expression::Is(COUNTRY, country), Expression::Is(POSTAL, code)])
}

/// Matches a language by its ISO 639-1 code.
#[must_use]
pub fn language(code: Text) -> Expression {
    Expression::Begins(LANGUAGE, code)
}

/// The field with the time zone of a flight's day parts. By convention, it takes an IANA name, and
/// the day parts follow it. An older page (dev.adzerk.com, "Day & Hour Parting") says that they follow
/// UTC: see `day_part_clock` in the settings. Dates are sent with a `Z`, so it doesn't shift them.
pub const TIME_ZONE: &str = "TimeZone";

/// The fields of a listed day part. The documentation shows only its id; by convention, the list
/// repeats what was sent. If it doesn't, a day part whose request was cut off may be made a second
/// time, which changes nothing.
pub const START_TIME: &str = "StartTime";
/// See [`START_TIME`].
pub const END_TIME: &str = "EndTime";
/// See [`START_TIME`].
pub const WEEK_DAYS: &str = "WeekDays";

/// The field of the flights' counts, by id, in the bulk response of instant counts. The
/// documentation shows no response. If it differs, statuses lack impressions.
pub const COUNTED_FLIGHTS: &str = "flights";

/// Returns the revenue of a line of a report. Both amounts are documented, but not their
/// difference. `TrueRevenue` is taken to be what the rate earned, and `Revenue` an estimate.
#[must_use]
pub fn earned(true_revenue: Option<Exact>, revenue: Option<Exact>) -> i64 {
    true_revenue.or(revenue).unwrap_or_default().0
}

/// The default size of an image if neither the buyer nor the settings name one. Kevel requires an
/// ad type, and this one is the most common. Set `default_image_size` if another fits better.
pub const DEFAULT_IMAGE_SIZE: (u32, u32) = (300, 250);

/// Texts that identify the ad type of video creatives if the settings don't name one, the best
/// first. An ad type has a name, a width and a height, but no format.
pub const VIDEO_AD_TYPES: [&str; 2] = ["vast", "video"];

/// The same as [`VIDEO_AD_TYPES`], for creatives made from a template.
pub const CUSTOM_AD_TYPES: [&str; 2] = ["custom", "native"];

/// The percentage goal of a flight that takes every impression it can get. That a percentage goal
/// with a lifetime cap stops at the cap follows from the two fields; no page shows them together.
pub const AS_FAST_AS_POSSIBLE: i64 = 100;

/// The end of a window that lasts a whole day. `24:00:00` is not a time of day, and nothing says that
/// a window from `00:00:00` to `00:00:00` lasts a day, so it ends with the last second, which is not
/// delivered.
pub const END_OF_DAY: &str = "23:59:59";

/// Whether the words of a refusal say that a day part overlaps another. The reference page forbids it
/// (create day part) without the words of the refusal.
#[must_use]
pub fn overlaps(words: &str) -> bool {
    words.to_lowercase().contains("overlap")
}

/// How long Kevel may take to list a new object, in milliseconds. This is not documented. Other
/// stores of this size need a second or two, and waiting only delays operations that were
/// interrupted.
pub const LOOKUP_LAG_MS: u32 = 3_000;

/// The field of an ad for the caller's own text, which holds the reference. By convention, it is
/// stored and returned unchanged, and doesn't affect delivery. If that is wrong, a later lookup
/// doesn't find a second ad.
pub const AD_METADATA: &str = "ExternalMetadata";

/// States of a queued report. The reporting page shows 2 for finished; 1 for in progress and 3 for
/// an error come from the reference seller. Any other value counts as an error.
pub mod report_status {
    /// In progress.
    pub const WORKING: i64 = 1;
    /// Finished.
    pub const DONE: i64 = 2;
}
/// Texts, in lower case, that mark a refusal as transient, whatever its HTTP status. `true` means
/// too many requests. The documentation shows no refusals; these are usual for such services.
const PASSING: [(&str, bool); 7] = [
    ("too many requests", true),
    ("rate limit exceeded", true),
    ("quota exceeded", true),
    ("deadlock", false),
    ("concurrent modification", false),
    ("temporarily unavailable", false),
    ("service unavailable", false),
];

/// Whether the text marks a transient refusal, and if so, whether it is one for too many requests.
#[must_use]
pub fn passing(words: &str) -> Option<bool> {
    let words = words.to_lowercase();
    PASSING.iter().find(|(known, _)| words.contains(known)).map(|(_, requests)| *requests)
}

/// Returns the `DuplicateMode` of a flight. The OpenAPI document has the numbers 1 to 4; what they mean is
/// in Kevel's own client alone, by names. That a mode is of a page is inferred from `IsNoDuplicates`.
#[must_use]
pub const fn duplicate_mode(of: Duplicates) -> u8 {
    match of {
        Duplicates::Flight => 1,
        Duplicates::Campaign => 2,
        Duplicates::Advertiser => 3,
        Duplicates::Creative => 4,
    }
}

/// The `DistributionType` of an ad that Kevel balances with the others of its flight. The OpenAPI document has
/// the numbers 1 to 3, and Kevel's own client their names.
pub const BALANCED: i64 = 1;

/// The `DistributionType` of an ad that gets a `Percentage` of its flight's impressions. That percentages of a
/// flight may be less than 100 together, and that the rest is balanced among the other ads, is inferred.
pub const BY_PERCENTAGE: i64 = 2;
