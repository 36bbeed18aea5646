//! What Kevel's public documents do not say.
//!
//! Everything else in this adapter is documented (the OpenAPI document, dev.kevel.com, the Zerkel parser). What stands
//! here follows convention or the reference seller and may differ on a real account; each item says what happens if it
//! does.

use flightdeck_adapter::{
    json::Object,
    moment, object,
    types::{Daypart, Weekday},
};
use time::OffsetDateTime;

use crate::{
    flight::Window,
    zerkel::{Expression, Text},
};

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

/// Hours of some days as fields of the flight. That the two moments stand for hours of the day in the flight's
/// `TimeZone`, and their day for nothing, follows from the older fields of the same name, which took `07:00:00`. That
/// `TimeZone` is an IANA name is convention.
#[must_use]
pub fn window_fields(window: &Window, time_zone: &str) -> Object {
    let moment = |time: &str| format!("2000-01-01T{time}Z");
    let on = |day: Weekday| window.days.contains(&day);
    object! {
        "DatePartingStartTimeISO": moment(&window.start_time()),
        "DatePartingEndTimeISO": moment(&window.end_time()),
        "IsSunday": on(Weekday::Sunday),
        "IsMonday": on(Weekday::Monday),
        "IsTuesday": on(Weekday::Tuesday),
        "IsWednesday": on(Weekday::Wednesday),
        "IsThursday": on(Weekday::Thursday),
        "IsFriday": on(Weekday::Friday),
        "IsSaturday": on(Weekday::Saturday),
        "TimeZone": time_zone,
    }
}

/// The end of a window that lasts to midnight. `24:00:00` is no time of a day, so its last second stands for it; one
/// second a day is not delivered.
pub const END_OF_DAY: &str = "23:59:59";

/// Whether a schedule covers every hour of its days.
#[must_use]
pub const fn all_day(part: &Daypart) -> bool {
    part.start_hour == 0 && part.end_hour >= 24
}

/// How long Kevel may take to show in a list what was just created. Nothing says so; other stores of this size need a
/// second or two, and waiting costs only an operation that was interrupted.
pub const LOOKUP_LAG_MS: u32 = 3_000;

/// Whether an instant of Kevel's has passed. Their moments come with and without a zone; without one they are read as
/// UTC, as the reporting page says for its own.
#[must_use]
pub fn has_passed(text: Option<&str>, now: OffsetDateTime) -> bool {
    text.and_then(moment::parse).is_some_and(|moment| moment <= now)
}

/// States of a queued report. The reporting page shows 2 for a finished one; that 1 is at work and 3 an error is the
/// reference seller's word. Any other counts as an error.
pub mod report_status {
    /// At work.
    pub const WORKING: i64 = 1;
    /// Finished.
    pub const DONE: i64 = 2;
}
