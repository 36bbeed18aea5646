//! Assumptions that Ad Manager's public documentation doesn't confirm.
//!
//! Everything else in this adapter is documented (reference of the REST API, types of the client
//! library). What this module contains follows convention and may differ on a real network. When a
//! network behaves unexpectedly, look here first. `README.md` has the same list for operators.

use crate::settings::Size;

/// The default size of creatives of a display product.
pub const DISPLAY_SIZE: Size = Size(300, 250);
/// The default size of creatives of a video product.
pub const VIDEO_SIZE: Size = Size(640, 480);

/// The lead time of a flight that should already have started: `startTime` must be in the future,
/// and the request takes time to arrive.
pub const START_LEAD_SECONDS: i64 = 120;

/// The fields on which a reservation depends. While a guaranteed line item delivers, Ad Manager
/// refuses to change them (SOAP, `UPDATE_RESERVATION_NOT_ALLOWED`); which fields these are is not
/// documented.
pub const RESERVED: [&str; 8] = [
    "startTime",
    "targetEndTime",
    "goal",
    "secondaryGoals",
    "frequencyCaps",
    "lineItemType",
    "targeting",
    "creativePlaceholders",
];

/// The value of `LINE_ITEM_ENVIRONMENT_TYPE` in a report for line items of a video player. The
/// reference calls the format an enum, and says neither whether its value is a number or a name.
pub const VIDEO_ENVIRONMENT: [&str; 2] = ["2", "VIDEO_PLAYER"];

/// How much later than impressions clicks are counted, in seconds (metric `AD_SERVER_CLICKS`: about
/// 30 minutes). That the other metrics of a report are complete by then is inferred.
pub const COUNTING_LAG_SECONDS: i64 = 1800;

/// When to ask again for a forecast, in milliseconds. A new guaranteed line item may have none for
/// up to an hour.
pub const ASK_FOR_FORECAST_MS: u64 = 300_000;
/// When to run a report again, in milliseconds, if too many run at once or ran within the hour. The
/// limit applies to reports only.
pub const REPORT_LIMIT_WAIT_MS: u64 = 300_000;
/// How long to wait, in milliseconds, when the request quota is used up and Ad Manager doesn't say
/// how long.
pub const QUOTA_WAIT_MS: u64 = 5_000;
/// How long Ad Manager may take to list a new object, in milliseconds. This is not documented.
/// Waiting only delays operations that were interrupted.
pub const LOOKUP_LAG_MS: u32 = 3_000;

/// The associations of all line items, as a collection. In its other lists, the reference accepts
/// `-` for any parent.
pub const ALL_ASSOCIATIONS: &str = "lineItems/-/creatives";

/// The field by which the association of a creative set is found. The type's filterable fields have it;
/// what stands for a set in the name of an association, whose format has the id of a creative, is not
/// documented. So the adapter reads the name from the answers and never makes one.
pub const SET_OF_ASSOCIATION: &str = "creativeSet";

/// The types of geo targets that a region with an ISO 3166-2 code may have. In the reference, the
/// type is free text. These are the types in Google's published list of places, for the countries
/// whose regions the adapter knows.
pub const REGION_TYPES: [&str; 6] = ["State", "Province", "Region", "Territory", "Country", "Union Territory"];
/// The type of a country.
pub const COUNTRY_TYPE: &str = "Country";
/// The type of a Nielsen metro area.
pub const METRO_TYPE: &str = "DMA Region";
/// The type of a city.
pub const CITY_TYPE: &str = "City";
/// The type of a postal code.
pub const POSTAL_TYPE: &str = "Postal Code";

/// Returns the criteria id of a Nielsen metro area: in Google's published list of places, it is
/// 200000 plus the DMA code.
#[must_use]
pub const fn metro(code: u32) -> u32 {
    METROS + code
}

/// Returns the Nielsen metro area with this criteria id.
#[must_use]
pub fn metro_code(id: u32) -> Option<u32> {
    id.checked_sub(METROS).filter(|code| (100..=999).contains(code))
}

const METROS: u32 = 200_000;

/// A buyer's word, and the names of the catalogue entries that it stands for: all entries that
/// contain one of the texts.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// The buyer's word.
    pub word: &'static str,
    /// The texts, one of which Ad Manager's name must contain.
    pub parts: &'static [&'static str],
}

/// Device categories, with the `name`s that Ad Manager's web pages show.
pub const DEVICES: [Names; 4] = [
    Names { word: "mobile", parts: &["Smartphone", "Feature Phone"] },
    Names { word: "desktop", parts: &["Desktop"] },
    Names { word: "tablet", parts: &["Tablet"] },
    Names { word: "ctv", parts: &["Connected TV", "Set Top Box", "Set-top box"] },
];

/// Operating systems. A part of the usual name matches all versions and spellings (`Apple iOS`,
/// `iOS`).
pub const SYSTEMS: [Names; 5] = [
    Names { word: "android", parts: &["Android"] },
    Names { word: "ios", parts: &["iOS"] },
    Names { word: "linux", parts: &["Linux"] },
    Names { word: "macos", parts: &["macOS", "Mac OS", "Macintosh"] },
    Names { word: "windows", parts: &["Windows"] },
];

/// Browsers. Ad Manager has an entry for each version and one for any version; see [`ANY_VERSION`].
pub const BROWSERS: [Names; 5] = [
    Names { word: "chrome", parts: &["Chrome"] },
    Names { word: "edge", parts: &["Edge"] },
    Names { word: "firefox", parts: &["Firefox"] },
    Names { word: "opera", parts: &["Opera"] },
    Names { word: "safari", parts: &["Safari"] },
];

/// The text in the name of an entry for all versions of a browser. If there are such entries, only
/// they are targeted.
pub const ANY_VERSION: &str = "(any";

/// Languages by ISO 639-1 code, with the English name that Ad Manager uses.
pub const LANGUAGES: [Names; 34] = [
    Names { word: "ar", parts: &["Arabic"] },
    Names { word: "bg", parts: &["Bulgarian"] },
    Names { word: "bn", parts: &["Bengali"] },
    Names { word: "ca", parts: &["Catalan"] },
    Names { word: "cs", parts: &["Czech"] },
    Names { word: "da", parts: &["Danish"] },
    Names { word: "de", parts: &["German"] },
    Names { word: "el", parts: &["Greek"] },
    Names { word: "en", parts: &["English"] },
    Names { word: "es", parts: &["Spanish"] },
    Names { word: "et", parts: &["Estonian"] },
    Names { word: "fi", parts: &["Finnish"] },
    Names { word: "fr", parts: &["French"] },
    Names { word: "he", parts: &["Hebrew"] },
    Names { word: "hi", parts: &["Hindi"] },
    Names { word: "hr", parts: &["Croatian"] },
    Names { word: "hu", parts: &["Hungarian"] },
    Names { word: "id", parts: &["Indonesian"] },
    Names { word: "it", parts: &["Italian"] },
    Names { word: "ja", parts: &["Japanese"] },
    Names { word: "ko", parts: &["Korean"] },
    Names { word: "nl", parts: &["Dutch"] },
    Names { word: "no", parts: &["Norwegian"] },
    Names { word: "pl", parts: &["Polish"] },
    Names { word: "pt", parts: &["Portuguese"] },
    Names { word: "ro", parts: &["Romanian"] },
    Names { word: "ru", parts: &["Russian"] },
    Names { word: "sk", parts: &["Slovak"] },
    Names { word: "sv", parts: &["Swedish"] },
    Names { word: "th", parts: &["Thai"] },
    Names { word: "tr", parts: &["Turkish"] },
    Names { word: "uk", parts: &["Ukrainian"] },
    Names { word: "vi", parts: &["Vietnamese"] },
    Names { word: "zh", parts: &["Chinese"] },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_once() {
        for table in [&DEVICES[..], &SYSTEMS, &BROWSERS, &LANGUAGES] {
            for (number, names) in table.iter().enumerate() {
                assert!(!names.parts.is_empty());
                assert!(table.iter().skip(number + 1).all(|other| other.word != names.word), "{}", names.word);
            }
        }
        assert_eq!(metro(501), 200_501);
    }
}
