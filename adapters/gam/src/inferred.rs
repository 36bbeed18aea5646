//! What Ad Manager's public documents do not say.
//!
//! Everything else in this adapter is documented (reference of the REST API, types of the client library). What stands
//! here follows convention and may differ on a real network: when one behaves otherwise than expected, look here first.
//! `README.md` has the same list for people.

use crate::settings::Size;

/// The size of creatives of a display product that names none.
pub const DISPLAY_SIZE: Size = Size(300, 250);
/// The size of creatives of a video product that names none.
pub const VIDEO_SIZE: Size = Size(640, 480);

/// How far ahead of now a flight begins that was to begin already: `startTime` must be in the future, and the request
/// has a way to go.
pub const START_LEAD_SECONDS: i64 = 120;

/// The longest period of a frequency cap, in minutes: as many as thirty months. The reference names no limit; more than that is
/// surely a mistake.
pub const LONGEST_CAP_MINUTES: u32 = 30 * 30 * 24 * 60;

/// When to ask again for a forecast. A new guaranteed line item may have none for up to an hour.
pub const ASK_FOR_FORECAST_MS: u64 = 300_000;
/// When to run a report again if too many of them run, or ran within the hour. The limit is of reports alone.
pub const REPORT_LIMIT_WAIT_MS: u64 = 300_000;
/// How long to wait when the quota of requests is used up and Ad Manager does not say.
pub const QUOTA_WAIT_MS: u64 = 5_000;
/// How long Ad Manager may take to show in a list what was just created. Nothing says so; waiting costs only an
/// operation that was interrupted.
pub const LOOKUP_LAG_MS: u32 = 3_000;

/// The associations of all line items, as a collection. The reference takes `-` for any parent in its other lists.
pub const ALL_ASSOCIATIONS: &str = "lineItems/-/creatives";

/// Types of geo targets that a region by its ISO 3166-2 code may have. The reference gives the type as free text; these
/// are those of Google's published list of places for the countries that the adapter knows regions of.
pub const REGION_TYPES: [&str; 6] = ["State", "Province", "Region", "Territory", "Country", "Union Territory"];
/// The type of a country.
pub const COUNTRY_TYPE: &str = "Country";
/// The type of a city.
pub const CITY_TYPE: &str = "City";
/// The type of a postal code.
pub const POSTAL_TYPE: &str = "Postal Code";

/// The criteria id of a Nielsen area: in Google's published list of places it is 200000 and the DMA code.
#[must_use]
pub const fn metro(code: u32) -> u32 {
    METROS + code
}

/// The Nielsen area whose criteria id this is.
#[must_use]
pub fn metro_code(id: u32) -> Option<u32> {
    id.checked_sub(METROS).filter(|code| (100..=999).contains(code))
}

const METROS: u32 = 200_000;

/// Words for names of a catalogue: any of its entries that has one of the names, or contains one of the texts.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// What buyers write.
    pub word: &'static str,
    /// What Ad Manager's name contains.
    pub parts: &'static [&'static str],
}

/// Device categories. `name`s as the web pages of Ad Manager show them.
pub const DEVICES: [Names; 4] = [
    Names { word: "mobile", parts: &["Smartphone", "Feature Phone"] },
    Names { word: "desktop", parts: &["Desktop"] },
    Names { word: "tablet", parts: &["Tablet"] },
    Names { word: "ctv", parts: &["Connected TV", "Set Top Box", "Set-top box"] },
];

/// Operating systems. A part of the usual name survives versions and spellings (`Apple iOS`, `iOS`).
pub const SYSTEMS: [Names; 5] = [
    Names { word: "android", parts: &["Android"] },
    Names { word: "ios", parts: &["iOS"] },
    Names { word: "linux", parts: &["Linux"] },
    Names { word: "macos", parts: &["macOS", "Mac OS", "Macintosh"] },
    Names { word: "windows", parts: &["Windows"] },
];

/// Browsers. Ad Manager has an entry for each version and one for any; see [`ANY_VERSION`].
pub const BROWSERS: [Names; 5] = [
    Names { word: "chrome", parts: &["Chrome"] },
    Names { word: "edge", parts: &["Edge"] },
    Names { word: "firefox", parts: &["Firefox"] },
    Names { word: "opera", parts: &["Opera"] },
    Names { word: "safari", parts: &["Safari"] },
];

/// What the name of an entry for all versions of a browser contains. Where there are such entries, only they are
/// targeted.
pub const ANY_VERSION: &str = "(any";

/// Languages by ISO 639-1: the English name, which is Ad Manager's.
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
